//! Dropping everything under the lock, before all migrations are applied.

use super::describe::needs_own_session;
use super::hooks::Hooks;
use super::lock::{LockGuard, under_lock};
use super::replay::Planning;
use super::session::Connection;
use crate::driver::DriverError;
use crate::error::Error;

/// Drops everything under the lock, so that no other run is in progress.
pub(super) fn drop_everything(
    connection: &mut Connection<'_>,
    planning: &Planning,
    hooks: &mut Hooks<'_>,
) -> Result<(), Error> {
    under_lock(connection, |lock| drop_under(lock, planning, hooks))
}

fn drop_under(lock: &mut LockGuard<'_, '_>, planning: &Planning, hooks: &mut Hooks<'_>) -> Result<(), Error> {
    let state = match lock.dialect().features().transactional_changes {
        true => "nothing was dropped",
        false => "some objects may have been dropped, because the database auto-commits DDL",
    };
    let what = "objects cannot be dropped";
    let mut tx = lock.begin(hooks, what).map_err(|error| error.state(state))?;
    // Behind a pooler no lock outlives its transaction.
    if tx.is_pooled() {
        let mut migrations = planning.registry().iter();
        if let Some(migration) = migrations.find(|migration| !migration.in_transaction()) {
            return Err(needs_own_session(&format!("migration {migration}"), migration).state("nothing was dropped"));
        }
    }
    let extended = if tx.is_pooled() { Ok(()) } else { tx.extend_lock() };
    let committed = match extended {
        Ok(()) => tx.commit().map_err(|failed| failed.error),
        Err(error) => {
            drop(tx);
            Err(error)
        }
    };
    let dropped = committed.and_then(|()| drop_all(lock));
    dropped.map_err(|error| {
        if lock.transaction_depth() > 0 {
            // The first error is the one to report.
            let _ = lock.rollback();
        }
        lock.error(what, error).state(state)
    })
}

fn drop_all(lock: &mut LockGuard<'_, '_>) -> Result<(), DriverError> {
    let (table, wait) = (lock.table().clone(), lock.waits().run);
    lock.prepare_statement(None, wait)?;
    lock.drop_everything(&table, wait)
}
