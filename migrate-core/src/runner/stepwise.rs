//! A migration outside a transaction: each step is committed between two checkpoints, so that a later run can resume.

use std::time::Instant;

use super::attempt::Attempt;
use super::failure::{MigrationFailure, StepError};
use super::hooks::Hooks;
use super::in_flight::InFlightStep;
use super::lock::{LockGuard, Tx};
use super::record::HistoryWriter;
use super::retry::{Retries, blockers};
use super::steps::{run_alone, tell_step};
use super::transactional::version_after_commit;
use super::wording::subject;
use crate::driver::{DriverError, DriverErrorKind, HistoryVersion};
use crate::plan::{Action, PlannedMigration, PlannedStep};
use crate::report::Event;
use crate::sql::SessionEffect;

/// Claims a migration, commits the claim, and extends the lock beyond that transaction.
pub(super) fn claim(mut tx: Tx<'_, '_>, attempt: &Attempt<'_>) -> Result<(), MigrationFailure> {
    if tx.is_pooled() {
        return Err(MigrationFailure::SharedSession);
    }
    tx.history_writer().create_table(attempt)?;
    tx.history_writer().claim(attempt)?;
    // While the lock is held, no other run treats the claim as abandoned.
    tx.extend_lock().map_err(MigrationFailure::History)?;
    commit(tx)
}

fn commit(tx: Tx<'_, '_>) -> Result<(), MigrationFailure> {
    tx.commit().map_err(|failed| MigrationFailure::Commit(failed.error))
}

/// Runs the steps of a claimed migration, and records its end. Returns the history version if it has changed.
pub(super) fn run_steps(
    lock: &mut LockGuard<'_, '_>,
    attempt: &Attempt<'_>,
    hooks: &mut Hooks<'_>,
    retries: &mut Retries,
    started: Instant,
) -> Result<Option<HistoryVersion>, MigrationFailure> {
    let planned = attempt.planned;
    reapply_session_settings(lock, planned, planned.done)?;
    for (index, step) in planned.steps.iter().enumerate().skip(planned.done) {
        check_not_stopped(hooks, index)?;
        tell_step(hooks, planned, index, step);
        while !run_checkpointed_step(lock, attempt, hooks, retries, index, step)? {
            check_not_stopped(hooks, index)?;
        }
        retries.reset();
    }
    if planned.steps.iter().any(PlannedStep::is_users) {
        lock.restore_baseline().map_err(MigrationFailure::History)?;
    }
    let mut tx = lock.try_begin(hooks).map_err(MigrationFailure::History)?;
    tx.history_writer().finish(attempt, started)?;
    let version = version_after_commit(&mut tx)?;
    commit(tx)?;
    Ok(version)
}

/// Records that exactly the first `done` steps have completed.
pub(super) fn checkpoint(
    lock: &mut LockGuard<'_, '_>,
    attempt: &Attempt<'_>,
    done: usize,
    claim: Option<&str>,
) -> Result<(), MigrationFailure> {
    write_with_baseline(lock, attempt, done, |history| history.checkpoint(attempt, done, claim))
}

/// Fails if the caller wants the run to stop.
fn check_not_stopped(hooks: &Hooks<'_>, index: usize) -> Result<(), MigrationFailure> {
    match hooks.is_stopped() {
        true => Err(MigrationFailure::Stopped { index }),
        false => Ok(()),
    }
}

/// Runs a step between two checkpoints. Returns false if another connection holds a lock that the step needs, and the
/// step must be retried.
fn run_checkpointed_step(
    lock: &mut LockGuard<'_, '_>,
    attempt: &Attempt<'_>,
    hooks: &mut Hooks<'_>,
    retries: &mut Retries,
    index: usize,
    step: &PlannedStep,
) -> Result<bool, MigrationFailure> {
    let planned = attempt.planned;
    if matches!(step.action, Action::Declare(_) | Action::Keep) {
        checkpoint(lock, attempt, index + 1, Some(&attempt.run_id))?;
        return Ok(true);
    }
    let in_flight = in_flight_before(lock, planned, index, step).map_err(MigrationFailure::History)?;
    // A step that changes only rows commits together with its checkpoints. DDL commits the first checkpoint before it
    // runs, where the database auto-commits DDL.
    let in_own_transaction = planned.migration.in_transaction() || step.is_of_rows();
    if in_own_transaction {
        lock.begin_step().map_err(MigrationFailure::History)?;
    }
    write_with_baseline(lock, attempt, index, |history| history.in_flight(attempt, &in_flight))?;
    tell_blockers(lock, hooks, planned, step);
    if let Err(error) = run_alone(lock, step, in_own_transaction).map_err(MigrationFailure::History)? {
        // The first error is the one to report.
        let is_undone = in_own_transaction && lock.rollback().unwrap_or(false);
        // A refused statement has changed nothing; a function may have done part of its work. A concurrent statement
        // has already waited for the full timeout.
        let may_try_again = is_undone || (step.sql().is_some() && !step.is_concurrent());
        if error.is_locked() && may_try_again && retries.wait(lock, hooks, planned) {
            return Ok(false);
        }
        return Err(MigrationFailure::Step { index, error });
    }
    if step.is_users() {
        reacquire_lock(lock, index)?;
    }
    // Finishing the migration records its last step, unless the checkpoint must commit with the step.
    if in_own_transaction || index + 1 < planned.steps.len() {
        checkpoint(lock, attempt, index + 1, Some(&attempt.run_id))?;
    }
    if in_own_transaction {
        lock.commit().map_err(MigrationFailure::Commit)?;
    }
    Ok(true)
}

/// Reports the open transactions that a concurrent step waits for.
fn tell_blockers(lock: &mut LockGuard<'_, '_>, hooks: &mut Hooks<'_>, planned: &PlannedMigration, step: &PlannedStep) {
    if !step.is_concurrent() {
        return;
    }
    if let Some(blocker) = blockers(lock, std::slice::from_ref(step)).first() {
        hooks.tell(&Event::Waiting {
            reason: &format!(
                "{} waits for open transactions, up to {} s for each; blocked by {blocker}",
                subject(planned),
                lock.waits().run.as_secs_f32()
            ),
        });
    }
}

/// Returns the record to write before a step.
fn in_flight_before(
    lock: &mut LockGuard<'_, '_>,
    planned: &PlannedMigration,
    index: usize,
    step: &PlannedStep,
) -> Result<InFlightStep, DriverError> {
    let touches = step.touches();
    if touches.is_empty() {
        return Ok(match step.is_idempotent() {
            true => InFlightStep::Again,
            false => InFlightStep::Unknown,
        });
    }
    Ok(match lock.object_digest(touches)? {
        Some(digest) => InFlightStep::Seen {
            digest,
            catalog_context: lock.catalog_context()?,
            checksum: planned.checksum_after(index + 1),
            touches: touches.to_vec(),
        },
        None => InFlightStep::Unknown,
    })
}

fn reacquire_lock(lock: &mut LockGuard<'_, '_>, index: usize) -> Result<(), MigrationFailure> {
    lock.reacquire().map_err(|error| match error.kind {
        DriverErrorKind::Busy => MigrationFailure::LockLost {
            index,
            holder: error.message,
        },
        _ => MigrationFailure::History(error),
    })
}

/// Applies the session settings of the first `done` steps again, for the steps after them.
fn reapply_session_settings(
    lock: &mut LockGuard<'_, '_>,
    planned: &PlannedMigration,
    done: usize,
) -> Result<(), MigrationFailure> {
    for (index, step) in planned.steps.iter().enumerate().take(done) {
        if step.session_effect() == SessionEffect::Setting {
            let result: Result<(), StepError> = run_alone(lock, step, false).map_err(MigrationFailure::History)?;
            result.map_err(|error| MigrationFailure::Step { index, error })?;
        }
    }
    Ok(())
}

/// Runs a bookkeeping statement after the first `done` steps. Their session settings or table locks may block it; then
/// it runs with the baseline, and the settings are applied again.
fn write_with_baseline(
    lock: &mut LockGuard<'_, '_>,
    attempt: &Attempt<'_>,
    done: usize,
    statement: impl FnOnce(&HistoryWriter<'_, '_>) -> String,
) -> Result<(), MigrationFailure> {
    let statement = statement(&lock.history_writer());
    match lock.history_writer().execute_one(&statement) {
        Err(MigrationFailure::History(error)) => {
            // The first error is the one to report.
            if lock.restore_baseline().is_err() {
                return Err(MigrationFailure::History(error));
            }
            lock.history_writer().execute_one(&statement)?;
            reapply_session_settings(lock, attempt.planned, done)
        }
        result => result,
    }
}
