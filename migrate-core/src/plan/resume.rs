//! The plan of an interrupted migration: it resumes at its checkpoint, or a person must act first. Pure.

use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::{AppliedMigration, HistoryRow, Phase};
use crate::migration::{Direction, Migration};
use crate::plan::PlannedMigration;
use crate::plan::planner::Planner;
use crate::plan::select::{Sources, plan_one};
use crate::sql::SessionEffect;

/// An interrupted migration with its steps. [`Runner::interrupted`](crate::Runner::interrupted) returns it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InterruptedMigration {
    /// The migration with all its steps, including the completed ones. Here, [`PlannedMigration::done`] is always 0;
    /// use the field `done` instead.
    pub planned: PlannedMigration,
    /// The number of completed steps in history.
    pub done: usize,
    /// True if the next step may have completed too: its run was killed during the step, or is still running.
    pub is_undecided: bool,
    /// The history row.
    pub applied: AppliedMigration,
}

/// Plans the interrupted migration from its checkpoint. No other migration may run before it.
///
/// # Errors
///
/// Returns the reason why a run in `direction` cannot resume it.
pub(crate) fn interrupted(
    sources: Sources<'_>,
    planner: &mut Planner,
    direction: Direction,
) -> Result<Option<PlannedMigration>, Error> {
    let Some(row) = sources.history.interrupted(sources.registry) else {
        return Ok(None);
    };
    let interrupted = Interrupted::of(row);
    let Some(migration) = sources.registry.get(row.id()) else {
        return Err(interrupted
            .error()
            .help("finish it with the program that began it; this program does not contain it"));
    };
    if let Some(run) = &row.claim {
        return Err(interrupted
            .error()
            .finding(
                None,
                format!("run {run} ({}) is executing it, or was killed", row.applied_by()),
            )
            .help(Help::from(interrupted.finish()).text(" waits for that run, or resumes the migration")));
    }
    if row.in_flight.is_some() {
        return Err(interrupted.undecided(migration, planner));
    }
    if interrupted.direction != direction {
        return Err(interrupted
            .error()
            .help(Help::new("finish it with ").advice(interrupted.finish()))
            .help(Help::new("to abandon it, record which steps completed with ").advice(interrupted.resolve(None))));
    }
    let mut planned = plan_one(planner, migration, direction).map_err(Error::of_diagnostics)?;
    planned.done = row.progress;
    let was_changed = match direction {
        Direction::Up => planned
            .checksums
            .get(row.progress)
            .is_none_or(|now| *now != row.checksum),
        Direction::Down => !sources.policy.allow_changed && sources.is_changed(row),
    };
    interrupted.check_session_state(&planned)?;
    if planned.done > planned.steps.len() || was_changed {
        return Err(Error::new(
            Code::NOT_RESUMABLE,
            format!(
                "{} cannot be resumed: it was interrupted {}, and completed steps have changed since",
                interrupted.subject,
                after_steps(row.progress)
            ),
        )
        .at(migration.location())
        .nothing_changed()
        .help("revert that edit; you may still change the steps that have not run")
        .help(Help::new("or record how many of the present steps completed with ").advice(interrupted.resolve(None))));
    }
    Ok(Some(planned))
}

/// An interrupted migration in messages.
struct Interrupted<'a> {
    row: &'a HistoryRow,
    subject: String,
    direction: Direction,
}

impl Interrupted<'_> {
    fn of(row: &HistoryRow) -> Interrupted<'_> {
        let direction = direction_of(row);
        Interrupted {
            row,
            subject: match direction {
                Direction::Down => format!("the rollback of migration {row}"),
                Direction::Up => format!("migration {row}"),
            },
            direction,
        }
    }

    fn finish(&self) -> Advice {
        finish(self.direction)
    }

    fn resolve(&self, done: Option<usize>) -> Advice {
        Advice::Resolve {
            migration: self.row.id().to_string(),
            done,
        }
    }

    fn error(&self) -> Error {
        Error::new(
            Code::INTERRUPTED,
            format!("{} was interrupted {}", self.subject, after_steps(self.row.progress)),
        )
        .nothing_changed()
    }

    /// The run is gone, and nothing shows if its last step completed.
    fn undecided(&self, migration: &Migration, planner: &mut Planner) -> Error {
        let (next, done) = (self.row.progress + 1, self.row.progress);
        let error = Error::new(
            Code::UNDECIDED_STEP,
            format!(
                "the run of {} is gone, and it is unknown whether step {next} completed",
                self.subject
            ),
        );
        let planned = plan_one(planner, migration, self.direction);
        let error = match planned.as_ref().ok().and_then(|planned| planned.steps.get(done)) {
            Some(step) => error.at(step.location).statement(step.label()),
            None => error.at(migration.location()),
        };
        error
            .nothing_changed()
            .help(
                Help::new(format!("if step {next} completed, run "))
                    .advice(self.resolve(Some(next)))
                    .text(", then ")
                    .advice(self.finish()),
            )
            .help(
                Help::new("if it did not, run ")
                    .advice(self.resolve(Some(done)))
                    .text(", then ")
                    .advice(self.finish()),
            )
    }

    /// Fails if the remaining steps need session state that ended with the interrupted run.
    fn check_session_state(&self, planned: &PlannedMigration) -> Result<(), Error> {
        let mut done = planned.steps.iter().take(planned.done).enumerate();
        let Some((index, step)) = done.find(|(_, step)| step.session_effect() == SessionEffect::Lost) else {
            return Ok(());
        };
        Err(Error::new(
            Code::NOT_RESUMABLE,
            format!(
                "{} cannot be resumed: session state of step {}, such as a temporary table, is lost",
                self.subject,
                index + 1
            ),
        )
        .at(step.location)
        .statement(step.label())
        .nothing_changed()
        .help(
            Help::new(match planned.done - index {
                1 => format!("undo step {} by hand, then run ", index + 1),
                _ => format!("undo steps {} to {} by hand, then run ", index + 1, planned.done),
            })
            .advice(self.resolve(Some(index)))
            .text(" and ")
            .advice(self.finish()),
        )
        .help(Help::new("or finish the migration by hand, then run ").advice(self.resolve(Some(planned.steps.len())))))
    }
}

/// Returns the direction in which an interrupted migration was running.
pub(crate) fn direction_of(row: &HistoryRow) -> Direction {
    match row.phase {
        Phase::Reverting => Direction::Down,
        Phase::Applying | Phase::Applied => Direction::Up,
    }
}

/// The advice that finishes an interrupted migration. It resumes that migration only, wherever the failed run stopped.
pub(crate) fn finish(direction: Direction) -> Advice {
    match direction {
        Direction::Up => Advice::Up,
        Direction::Down => Advice::RollbackLast,
    }
}

/// The point where a migration was interrupted: `after step 3`.
fn after_steps(count: usize) -> String {
    match count {
        0 => "before step 1".to_owned(),
        count => format!("after step {count}"),
    }
}
