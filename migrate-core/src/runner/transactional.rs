//! A migration in one transaction, together with its history row.

use std::time::Instant;

use super::attempt::Attempt;
use super::failure::MigrationFailure;
use super::hooks::Hooks;
use super::lock::Tx;
use super::steps::{run_in_savepoint, tell_step};
use crate::driver::{DriverError, HistoryVersion};
use crate::plan::PlannedStep;

/// The failure of a migration whose transaction was rolled back.
pub(super) struct RolledBack {
    pub(super) failure: MigrationFailure,
    /// The result of the rollback: true if the database still had the transaction open.
    pub(super) was_open: Result<bool, DriverError>,
}

/// Runs a migration in an open transaction, and commits it. Returns the history version if it has changed.
pub(super) fn execute(
    mut tx: Tx<'_, '_>,
    attempt: &Attempt<'_>,
    hooks: &mut Hooks<'_>,
    started: Instant,
) -> Result<Option<HistoryVersion>, RolledBack> {
    let executed = run_steps(&mut tx, attempt, hooks, started).and_then(|()| version_after_commit(&mut tx));
    match executed {
        Ok(version) => commit(tx).map(|()| version),
        Err(failure) => Err(roll_back(tx, failure)),
    }
}

/// Rolls back the transaction of a migration that failed.
pub(super) fn roll_back(tx: Tx<'_, '_>, failure: MigrationFailure) -> RolledBack {
    RolledBack {
        failure,
        was_open: tx.rollback(),
    }
}

/// Commits the transaction that records the end of a migration.
pub(super) fn commit(tx: Tx<'_, '_>) -> Result<(), RolledBack> {
    tx.commit().map_err(|failed| RolledBack {
        failure: MigrationFailure::Commit(failed.error),
        was_open: failed.was_open,
    })
}

/// Runs all steps of a migration in an open transaction, and records its end. The caller commits.
pub(super) fn run_steps(
    tx: &mut Tx<'_, '_>,
    attempt: &Attempt<'_>,
    hooks: &mut Hooks<'_>,
    started: Instant,
) -> Result<(), MigrationFailure> {
    let planned = attempt.planned;
    tx.history_writer().create_table(attempt)?;
    if attempt.claims_first() {
        tx.history_writer().claim(attempt)?;
    }
    // A rebuild disables foreign keys, so violations before and after are compared.
    let broken_before = broken_references(tx, attempt)?;
    for (index, step) in planned.steps.iter().enumerate().skip(planned.done) {
        if hooks.is_stopped() {
            return Err(MigrationFailure::Stopped { index });
        }
        tell_step(hooks, planned, index, step);
        run_in_savepoint(tx, step, &attempt.run_id).map_err(|error| MigrationFailure::Step { index, error })?;
    }
    let mut broken = broken_references(tx, attempt)?;
    broken.retain(|row| !broken_before.contains(row));
    if !broken.is_empty() {
        return Err(MigrationFailure::BrokenReferences(broken));
    }
    if planned.steps.iter().any(PlannedStep::is_users) {
        tx.restore_baseline().map_err(MigrationFailure::History)?;
    }
    tx.history_writer().finish(attempt, started)
}

/// Returns the history version as it will be after the commit, if the commit changes it.
pub(super) fn version_after_commit(tx: &mut Tx<'_, '_>) -> Result<Option<HistoryVersion>, MigrationFailure> {
    let table = tx.table().clone();
    tx.history_version_after_commit(&table)
        .map_err(MigrationFailure::History)
}

fn broken_references(tx: &mut Tx<'_, '_>, attempt: &Attempt<'_>) -> Result<Vec<String>, MigrationFailure> {
    match attempt.planned.rebuilds() {
        true => tx.broken_references().map_err(MigrationFailure::History),
        false => Ok(Vec::new()),
    }
}
