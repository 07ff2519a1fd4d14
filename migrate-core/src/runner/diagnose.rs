//! The error for a failed migration: what failed, what state the database is in, and what to do next. Pure.

use super::attempt::Attempt;
use super::describe::{at_step, describe, remedy};
use super::failure::{Cause, Committed, Facts, MigrationFailure, Outcome, StepError};
use super::wording::{ROLLED_BACK, subject};
use crate::code::Code;
use crate::driver::{DriverError, DriverErrorKind};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::migration::Direction;
use crate::plan::resume::finish;
use crate::plan::{PlannedMigration, PlannedStep};

use super::database_error::wait_longer;

/// Builds the error for a failure from the facts after it.
pub(super) fn diagnose(attempt: &Attempt<'_>, failure: MigrationFailure, facts: Facts) -> Error {
    match (&facts.outcome, failure) {
        (
            Outcome::TransactionEnded {
                is_step_done,
                committed,
            },
            MigrationFailure::Step {
                index,
                error: StepError::EndedTransaction { returned },
            },
        ) => transaction_ended(attempt, index, returned, *is_step_done, committed),
        (Outcome::Interrupted { is_recorded }, failure) => interrupted(attempt, failure, &facts, *is_recorded),
        (Outcome::RolledBack(Err(error)), failure) => rolled_back(attempt, failure, &facts, Some(error)),
        (_, failure) => rolled_back(attempt, failure, &facts, None),
    }
}

/// The error after a rollback, which the database may not have confirmed.
fn rolled_back(
    attempt: &Attempt<'_>,
    failure: MigrationFailure,
    facts: &Facts,
    unconfirmed: Option<&DriverError>,
) -> Error {
    let was_lost = matches!(&failure, MigrationFailure::Commit(error) if error.kind == DriverErrorKind::ConnectionLost);
    let failed = failure.failed_step(attempt.planned);
    let error = describe(attempt, failure, facts);
    let error = match unconfirmed {
        _ if was_lost => {
            error.state("the connection was lost during the commit; history shows whether the migration was committed")
        }
        None => error.state(ROLLED_BACK),
        Some(diagnostic) => error.state(format!(
            "the rollback was not confirmed ({diagnostic}); the database rolls back when the connection ends"
        )),
    };
    let error = match failed {
        Some((index, kind)) => error.help(remedy(attempt, index, kind, None, facts)),
        None => error,
    };
    match error.code() {
        Code::UNEXPECTED_TABLE => {
            error.help("if an applied migration was edited and accepted, make that change in a new migration instead")
        }
        Code::STEP_LOCK_TIMEOUT => error.help(wait_longer()),
        _ => error,
    }
}

/// The error for a step that ended the migration's transaction.
fn transaction_ended(
    attempt: &Attempt<'_>,
    index: usize,
    returned: Option<Cause>,
    is_step_done: bool,
    committed: &Result<Committed, Error>,
) -> Error {
    let step = index + 1;
    let headline = format!("step {step} of {} ended its transaction", subject(attempt.planned));
    let mut error = at_step(attempt, index, Error::new(Code::TRANSACTION_ENDED, headline));
    if let Some(cause) = returned {
        error = error.with_cause(cause);
    }
    let finish = finish(attempt.planned.direction);
    let remove = "remove `COMMIT`, `ROLLBACK` and `END` from the step; `conn.transaction(..)` is allowed";
    let (done, is_recorded) = match committed {
        Err(unreadable) => {
            return error
                .state(format!("the state is unknown: {}", unreadable.message()))
                .help("inspect the database first");
        }
        Ok(Committed::NotTheSteps) => {
            return error
                .state(format!(
                    "the steps before step {step} were rolled back, and history does not record the migration as {}; statements \
                     after the end of the transaction may be committed",
                    match attempt.planned.direction {
                        Direction::Up => "applied",
                        Direction::Down => "rolled back",
                    }
                ))
                .help(remove)
                .help(Help::new(format!("undo what step {step} left behind, then run ")).advice(finish));
        }
        Ok(Committed::Steps { done, is_recorded }) => (*done, *is_recorded),
    };
    let committed = match (done, is_step_done) {
        (0, _) => format!("part of step {step} may be committed"),
        (_, true) => format!("{} committed", first_steps(done)),
        (_, false) => format!("{} committed, and part of step {step} may be", first_steps(done)),
    };
    let error = error.state(match is_recorded {
        true => format!("{committed}; history records the migration as interrupted"),
        false => format!("{committed}; history could not record that"),
    });
    error.help(remove).help(match is_step_done {
        true => Help::from(finish).text(format!(" resumes with step {}", done + 1)),
        false => Help::new(format!("undo what step {step} committed, then run "))
            .advice(finish)
            .text(" to repeat the step"),
    })
}

/// The error after a failure outside a transaction.
fn interrupted(attempt: &Attempt<'_>, failure: MigrationFailure, facts: &Facts, is_recorded: bool) -> Error {
    if matches!(failure, MigrationFailure::SharedSession) {
        return describe(attempt, failure, facts).nothing_changed();
    }
    let (MigrationFailure::Step { index, .. } | MigrationFailure::Stopped { index }) = failure else {
        return describe(attempt, failure, facts)
            .state("history records every step that is known to be complete")
            .help(Help::from(Advice::Status).text(" shows the current state"));
    };
    let finish = finish(attempt.planned.direction);
    let failed = failure.failed_step(attempt.planned);
    if failed.is_some_and(|(_, kind)| kind == Some(DriverErrorKind::ConnectionLost)) {
        let step = index + 1;
        return describe(attempt, failure, facts)
            .state(match index {
                0 => "the connection was lost during step 1; history records that step as in progress".to_owned(),
                _ => format!(
                    "{} committed; the connection was lost during step {step}, which history records as in progress",
                    first_steps(index)
                ),
            })
            .help(Help::from(finish).text(format!(
                " finds out whether step {step} completed, or reports it as undecided"
            )));
    }
    // A completed step may have failed when its session settings were applied again.
    let done = index.max(attempt.planned.done);
    let may_be_partial = failed.is_some()
        && attempt
            .planned
            .steps
            .get(done)
            .is_some_and(PlannedStep::may_fail_partially);
    let committed = committed_steps(attempt.planned, done, may_be_partial);
    let error = describe(attempt, failure, facts).state(match is_recorded {
        true => format!("{committed}; history records the migration as interrupted"),
        false => format!("{committed}; history could not record that"),
    });
    let error = match failed {
        Some((failed, kind)) => error.help(remedy(attempt, failed, kind, Some(done + 1), facts)),
        None => error.help(Help::from(finish).text(format!(" resumes with step {}", done + 1))),
    };
    error.help(abandon(attempt.planned, done, may_be_partial))
}

/// The steps that are committed outside a transaction, and the reason: `steps 1 to 3 are committed (..)`.
fn committed_steps(planned: &PlannedMigration, done: usize, may_be_partial: bool) -> String {
    let number = done + 1;
    let in_transaction = planned.migration.in_transaction();
    let why = match in_transaction {
        true => format!("{} auto-commits DDL", planned.dialect.name()),
        false => "the migration does not run in a transaction".to_owned(),
    };
    match (done, may_be_partial, in_transaction) {
        (0, false, _) => "no step completed".to_owned(),
        (0, true, _) => format!("part of step 1 may be committed ({why})"),
        (_, false, _) => format!("{} committed ({why})", first_steps(done)),
        (_, true, false) => format!(
            "{} committed, and part of step {number} may be ({why})",
            first_steps(done)
        ),
        (_, true, true) => format!(
            "{} committed, and so may be step {number} up to its last DDL statement ({why})",
            first_steps(done)
        ),
    }
}

/// The help to abandon an interrupted migration.
fn abandon(planned: &PlannedMigration, done: usize, may_be_partial: bool) -> Help {
    let to_undo = done + usize::from(may_be_partial);
    let undo = match to_undo {
        0 => String::new(),
        1 => "undo step 1 by hand, then ".to_owned(),
        last => format!("undo steps 1 to {last} by hand, then "),
    };
    Help::new(format!("to abandon the migration, {undo}run ")).advice(Advice::Resolve {
        migration: planned.migration.id().to_string(),
        done: Some(0),
    })
}

/// The first steps as a subject with its verb: `steps 1 to 3 are`.
fn first_steps(count: usize) -> String {
    match count {
        1 => "step 1 is".to_owned(),
        2 => "steps 1 and 2 are".to_owned(),
        count => format!("steps 1 to {count} are"),
    }
}
