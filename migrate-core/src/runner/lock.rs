//! The lock that lets one run at a time write, and the transactions under it.

use std::ops::{Deref, DerefMut};
use std::thread;
use std::time::{Duration, Instant};

use super::hooks::Hooks;
use super::record::HistoryWriter;
use super::session::Connection;
use crate::driver::{DriverError, DriverErrorKind, LockScope};
use crate::error::Error;
use crate::report::Event;

/// The interval between attempts to take the lock that another run holds.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The part of the lock that outlives its transaction.
#[derive(Default)]
struct Held {
    scope: LockScope,
    /// A condition of each `UPDATE` of history, while the session holds the lock.
    only_if: Option<String>,
}

/// The lock of a run. A transaction takes it; the guard holds it, if it outlives the transaction.
///
/// When the guard is dropped, the lock is released.
pub(super) struct LockGuard<'a, 'c> {
    connection: &'a mut Connection<'c>,
    held: Held,
}

impl<'c> LockGuard<'_, 'c> {
    /// Begins a transaction under the lock. Waits up to the lock timeout while another run holds the lock.
    ///
    /// # Errors
    ///
    /// `what` is the headline of the error.
    pub(super) fn begin(&mut self, hooks: &mut Hooks<'_>, what: &str) -> Result<Tx<'_, 'c>, Error> {
        if let Err(error) = self.acquire(hooks) {
            return Err(self.error(what, error));
        }
        Ok(self.open_transaction())
    }

    /// Like [`begin`](LockGuard::begin), with the error of the driver.
    pub(super) fn try_begin(&mut self, hooks: &mut Hooks<'_>) -> Result<Tx<'_, 'c>, DriverError> {
        self.acquire(hooks)?;
        Ok(self.open_transaction())
    }

    fn open_transaction(&mut self) -> Tx<'_, 'c> {
        Tx {
            connection: self.connection,
            held: &mut self.held,
            is_open: true,
        }
    }

    fn acquire(&mut self, hooks: &mut Hooks<'_>) -> Result<(), DriverError> {
        self.connection.baseline()?;
        let waits = self.connection.waits();
        let table = self.connection.table().clone();
        let deadline = Instant::now() + waits.run;
        let mut told = false;
        let begun = loop {
            let busy = match self.connection.begin(&table, waits.statement, &self.held.scope) {
                Err(error) if error.kind == DriverErrorKind::Busy => error,
                result => break result?,
            };
            let message = format!("another migration run is in progress ({})", busy.message);
            let give_up = |kind| {
                Err(DriverError {
                    kind,
                    message: message.clone(),
                })
            };
            if hooks.is_stopped() {
                return give_up(DriverErrorKind::Stopped);
            }
            if Instant::now() >= deadline {
                return give_up(DriverErrorKind::Locked);
            }
            if !told {
                hooks.tell(&Event::Waiting { reason: &message });
                told = true;
            }
            thread::sleep(LOCK_POLL_INTERVAL);
        };
        if begun.is_held {
            self.held.scope = LockScope::Session;
        }
        self.connection.notice_pooler(begun.session);
        Ok(())
    }

    /// Takes the lock again after a user's step: SQL can release all locks of a session.
    pub(super) fn reacquire(&mut self) -> Result<(), DriverError> {
        let table = self.connection.table().clone();
        self.connection.reacquire_lock(&table)
    }

    /// Returns the writer of history, while the session holds the lock.
    pub(super) fn history_writer(&mut self) -> HistoryWriter<'_, 'c> {
        HistoryWriter::new(self.connection, self.held.only_if.as_deref())
    }

    /// Releases the lock after the work under it. The first error is the one to report.
    fn release_after<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        let released = self.release();
        let value = result?;
        match released {
            Ok(()) => Ok(value),
            Err(error) => Err(self
                .connection
                .error("the migration lock cannot be released", error)
                .state("the work is complete")),
        }
    }

    fn release(&mut self) -> Result<(), DriverError> {
        match std::mem::take(&mut self.held).scope {
            LockScope::Transaction => Ok(()),
            scope => {
                let table = self.connection.table().clone();
                self.connection.release_lock(&table, scope)
            }
        }
    }
}

impl<'c> Deref for LockGuard<'_, 'c> {
    type Target = Connection<'c>;

    fn deref(&self) -> &Connection<'c> {
        self.connection
    }
}

impl DerefMut for LockGuard<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection
    }
}

impl Drop for LockGuard<'_, '_> {
    fn drop(&mut self) {
        // An earlier error is the one to report.
        let _ = self.release();
    }
}

/// The failure of a commit, and the result of the rollback after it.
pub(super) struct CommitFailed {
    pub(super) error: DriverError,
    pub(super) was_open: Result<bool, DriverError>,
}

/// An open transaction under the lock. If it is dropped, it is rolled back.
pub(super) struct Tx<'t, 'c> {
    connection: &'t mut Connection<'c>,
    held: &'t mut Held,
    is_open: bool,
}

impl<'c> Tx<'_, 'c> {
    /// Extends the lock beyond the transaction. The guard then holds it.
    pub(super) fn extend_lock(&mut self) -> Result<(), DriverError> {
        if matches!(self.held.scope, LockScope::Transaction) {
            let table = self.connection.table().clone();
            self.held.scope = self.connection.extend_lock(&table)?;
            // A pooler that is still unknown could move later statements to a session without the lock.
            let session = self.connection.server_session();
            self.held.only_if = session.map(|session| self.connection.is_in_session(session));
        }
        Ok(())
    }

    /// Returns the writer of history, in the transaction.
    pub(super) fn history_writer(&mut self) -> HistoryWriter<'_, 'c> {
        HistoryWriter::new(self.connection, self.held.only_if.as_deref())
    }

    /// Commits the transaction. After an error, it is rolled back.
    pub(super) fn commit(mut self) -> Result<(), CommitFailed> {
        self.is_open = false;
        self.connection.commit().map_err(|error| CommitFailed {
            error,
            was_open: self.connection.rollback(),
        })
    }

    /// Rolls the transaction back. Returns true if the database still had it open.
    pub(super) fn rollback(mut self) -> Result<bool, DriverError> {
        self.is_open = false;
        self.connection.rollback()
    }
}

impl<'c> Deref for Tx<'_, 'c> {
    type Target = Connection<'c>;

    fn deref(&self) -> &Connection<'c> {
        self.connection
    }
}

impl DerefMut for Tx<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection
    }
}

impl Drop for Tx<'_, '_> {
    fn drop(&mut self) {
        // An earlier error is the one to report.
        if self.is_open {
            let _ = self.connection.rollback();
        }
    }
}

/// Runs `work` with a guard of the lock, and then releases the lock if it is held. Guards must not be nested: a database
/// may not count how often its lock was taken.
pub(super) fn under_lock<T>(
    connection: &mut Connection<'_>,
    work: impl FnOnce(&mut LockGuard<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut lock = LockGuard {
        connection,
        held: Held::default(),
    };
    let result = work(&mut lock);
    lock.release_after(result)
}

/// Like [`under_lock`], with foreign keys disabled around the lock if `rebuilds` is true. Only outside a transaction can
/// they be disabled.
pub(super) fn under_lock_to_migrate<T>(
    connection: &mut Connection<'_>,
    rebuilds: bool,
    work: impl FnOnce(&mut LockGuard<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    match rebuilds {
        true => connection.without_foreign_keys(|connection| under_lock(connection, work)),
        false => under_lock(connection, work),
    }
}

/// Runs `work` in a transaction of its own under the lock, and commits it.
pub(super) fn in_transaction<T>(
    connection: &mut Connection<'_>,
    hooks: &mut Hooks<'_>,
    work: impl FnOnce(&mut Tx<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    under_lock(connection, |lock| run_in_transaction(lock, hooks, work))
}

fn run_in_transaction<T>(
    lock: &mut LockGuard<'_, '_>,
    hooks: &mut Hooks<'_>,
    work: impl FnOnce(&mut Tx<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut tx = lock.begin(hooks, "a transaction cannot begin")?;
    let value = work(&mut tx)?;
    match tx.commit() {
        Ok(()) => Ok(value),
        Err(failed) => Err(lock.error("the transaction cannot be committed", failed.error)),
    }
}
