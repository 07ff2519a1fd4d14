//! Manual resolution of an interrupted migration: a person decides how many steps completed.

use super::{Runner, number_of, queue};
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::table::RowUpdate;
use crate::history::{AppliedMigration, MigrationState, MigrationStatus, Phase};
use crate::migration::Direction;
use crate::plan::PlannedMigration;
use crate::target::MigrationRef;

/// An interrupted migration with its steps. [`Runner::interrupted`] returns it.
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

impl Runner<'_> {
    /// Returns an interrupted migration, its steps, and the number of completed steps. It writes nothing.
    ///
    /// ```
    /// # use migrate_core::{MigrationRef, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// let interrupted = runner.interrupted(&"2026_11_23_093000".parse::<MigrationRef>()?)?;
    /// println!("{} of {} steps are done", interrupted.done, interrupted.planned.steps().len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if the reference matches no migration or several, or if the state of the
    ///   migration is not [`MigrationState::Interrupted`].
    /// - [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration) if its steps cannot be planned.
    /// - as for [`status`](Runner::status).
    pub fn interrupted(&mut self, reference: &MigrationRef) -> Result<InterruptedMigration, Error> {
        self.with_lock_wait(|runner| runner.read_interrupted(reference))
    }

    /// Records that exactly the first `done` steps of an interrupted migration completed. It runs no step.
    ///
    /// Use it if [`up`](Runner::up) or [`rollback`](Runner::rollback) cannot decide whether the in-flight step
    /// completed. `done` counts the steps of the interrupted `up` or rollback:
    ///
    /// | `done` | interrupted `up` | interrupted rollback |
    /// |---|---|---|
    /// | 0 | the migration is pending | the migration is applied |
    /// | all steps | the migration is applied | the migration is pending |
    /// | otherwise | the next `up` resumes after these steps | the next rollback resumes after these steps |
    ///
    /// ```
    /// # use migrate_core::{MigrationRef, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// runner.resolve(&"2026_11_23_093000".parse::<MigrationRef>()?, 2)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if the migration has fewer than `done` steps.
    /// - [`ErrorKind::Locked`](crate::ErrorKind::Locked) if another run holds the lock for too long.
    /// - the errors of [`interrupted`](Runner::interrupted).
    pub fn resolve(&mut self, reference: &MigrationRef, done: usize) -> Result<(), Error> {
        self.with_lock_wait(|runner| runner.in_own_transaction(|runner| runner.resolve_in_transaction(reference, done)))
    }

    fn read_interrupted(&mut self, reference: &MigrationRef) -> Result<InterruptedMigration, Error> {
        let history = self.read_history()?.unwrap_or_default();
        let entries = history.compare(&self.registry, &self.checksums);
        let entry = reference.find(&entries, MigrationStatus::id)?;
        let (MigrationState::Interrupted, Some(row), Some(migration)) = (entry.state, &entry.applied, &entry.migration)
        else {
            return Err(Error::new(
                Code::WRONG_STATE,
                format!("migration {entry} is {}, not interrupted", entry.state),
            )
            .help(Help::from(Advice::Status).text(" shows the state of each migration")));
        };
        let direction = match row.phase {
            Phase::Reverting => Direction::Down,
            Phase::Applying | Phase::Applied => Direction::Up,
        };
        let planned =
            queue::plan_one(&mut self.planner(&history), migration, direction).map_err(Error::of_diagnostics)?;
        Ok(InterruptedMigration {
            planned,
            done: row.progress,
            is_undecided: row.claim.is_some() || row.in_flight.is_some(),
            applied: row.clone(),
        })
    }

    fn resolve_in_transaction(&mut self, reference: &MigrationRef, done: usize) -> Result<(), Error> {
        let InterruptedMigration {
            planned, applied: row, ..
        } = self.read_interrupted(reference)?;
        let direction = planned.direction();
        let all = planned.steps().len();
        if done > all {
            return Err(Error::new(
                Code::INVALID_COUNT,
                format!("migration {row} has {}, not {done}", number_of(all, "step", "steps")),
            )
            .help(format!("use a number up to {all}")));
        }
        let gone = (direction == Direction::Up && done == 0) || (direction == Direction::Down && done == all);
        let statement = if gone {
            self.table.delete(row.id())
        } else {
            let finished = done == all || done == 0;
            self.table.update(
                row.id(),
                row.claim.as_deref(),
                &RowUpdate {
                    phase: finished.then_some(Phase::Applied),
                    progress: Some(done),
                    checksum: (direction == Direction::Up)
                        .then(|| planned.checksums.get(done).map(String::as_str))
                        .flatten(),
                    claim: Some(None),
                    in_flight: Some(None),
                    ..RowUpdate::default()
                },
            )
        };
        self.bookkeeping(&statement)
    }
}
