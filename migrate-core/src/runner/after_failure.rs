//! What happens after a migration failed: its progress is recorded, and the facts for its error are gathered.

use super::attempt::Attempt;
use super::failure::{Committed, Facts, MigrationFailure, Outcome, StepError};
use super::load_history::load_rows;
use super::lock::LockGuard;
use super::retry::blockers;
use super::session::Connection;
use super::stepwise;
use super::transactional::RolledBack;
use crate::driver::DriverErrorKind;
use crate::error::Error;
use crate::history::Phase;

/// Gathers the facts after a failure in a transaction.
pub(super) fn of_transaction(
    lock: &mut LockGuard<'_, '_>,
    attempt: &Attempt<'_>,
    rolled_back: RolledBack,
) -> (MigrationFailure, Facts) {
    let RolledBack { failure, was_open } = rolled_back;
    let outcome = match &failure {
        MigrationFailure::Step {
            index,
            error: StepError::EndedTransaction { returned },
        } => {
            let is_step_done = returned.is_none() && !was_open.unwrap_or(false);
            let done = if is_step_done { index + 1 } else { *index };
            Outcome::TransactionEnded {
                is_step_done,
                committed: committed(lock, attempt, done),
            }
        }
        _ => Outcome::RolledBack(was_open.map(drop)),
    };
    let facts = facts(lock, attempt, &failure, outcome);
    (failure, facts)
}

/// Records the progress after a failure outside a transaction, and gathers the facts.
pub(super) fn of_steps(lock: &mut LockGuard<'_, '_>, attempt: &Attempt<'_>, failure: &MigrationFailure) -> Facts {
    let is_recorded = match failure {
        // History already records that the step is in progress.
        MigrationFailure::Step { .. } if failure.is_connection_lost() => false,
        MigrationFailure::Step { index, .. } | MigrationFailure::Stopped { index } => {
            // A completed step may have failed when its session settings were applied again.
            let done = attempt.planned.done.max(*index);
            stepwise::checkpoint(lock, attempt, done, None).is_ok()
        }
        _ => {
            if lock.transaction_depth() > 0 {
                // The first error is the one to report.
                let _ = lock.rollback();
            }
            false
        }
    };
    facts(lock, attempt, failure, Outcome::Interrupted { is_recorded })
}

/// Finds out what a step committed that ended its transaction, and records the first `done` steps if they are.
fn committed(lock: &mut LockGuard<'_, '_>, attempt: &Attempt<'_>, done: usize) -> Result<Committed, Error> {
    let history = load_rows(lock)?;
    let row = history.find(attempt.planned.migration.id());
    let is_committed =
        row.is_some_and(|row| row.phase != Phase::Applied && row.claim.as_deref() == Some(&attempt.run_id));
    Ok(match is_committed {
        false => Committed::NotTheSteps,
        true => Committed::Steps {
            done,
            is_recorded: stepwise::checkpoint(lock, attempt, done, None).is_ok(),
        },
    })
}

fn facts(
    connection: &mut Connection<'_>,
    attempt: &Attempt<'_>,
    failure: &MigrationFailure,
    outcome: Outcome,
) -> Facts {
    let failed = failure.failed_step(attempt.planned);
    let steps = match failed {
        Some((index, Some(DriverErrorKind::Locked))) => attempt.planned.steps.get(index..=index),
        _ => None,
    };
    Facts {
        outcome,
        database: connection.database_label(),
        blockers: steps.map_or(Vec::new(), |steps| blockers(connection, steps)),
        lock_holder_hint: match failure.is_locked() {
            true => connection.lock_holder_hint(),
            false => String::new(),
        },
    }
}
