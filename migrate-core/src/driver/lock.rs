//! The lock that lets one run at a time write.

use std::time::Duration;

use super::DriverError;
#[cfg(feature = "sqlite")]
use super::sqlite::process_lock::ProcessLock;
use crate::history::table::HistoryTable;

/// The lock of a run, and who holds other locks.
#[doc(hidden)]
pub trait RunLock {
    /// Begins a transaction that holds the lock from its start. Its statements wait up to `wait` for other locks. Fails
    /// with [`DriverErrorKind::Busy`] while another run holds the lock; the caller may retry.
    fn begin(&mut self, table: &HistoryTable, wait: Duration, held: &LockScope) -> Result<Begun, DriverError>;

    /// Returns an SQL condition that is true only in the given server session.
    fn is_in_session(&self, _session: i64) -> String {
        "TRUE".to_owned()
    }

    /// Extends the lock of the open transaction beyond its end.
    fn extend_lock(&mut self, table: &HistoryTable) -> Result<LockScope, DriverError>;

    /// Takes the session's lock again if a step has released it. Fails with [`DriverErrorKind::Busy`] if another run
    /// holds the lock now.
    fn reacquire_lock(&mut self, _table: &HistoryTable) -> Result<(), DriverError> {
        Ok(())
    }

    /// Releases a lock that outlives its transaction.
    fn release_lock(&mut self, table: &HistoryTable, held: LockScope) -> Result<(), DriverError>;

    /// Returns a few sessions that may hold a lock on the named tables, or on any table if none is named. With
    /// `concurrently` it adds sessions that a concurrent build waits for. Returns none if the server does not reveal
    /// them.
    fn blockers(&mut self, _names: &[String], _concurrently: bool) -> Vec<String> {
        Vec::new()
    }

    /// Returns advice on how to find the holder of a lock.
    fn lock_holder_hint(&mut self) -> String;
}

/// The result of beginning a transaction.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The session holds the lock, and not only the transaction.
    pub(crate) is_held: bool,
    /// The server session of the transaction, where a pooler may share sessions.
    pub(crate) session: Option<i64>,
}

/// The lifetime of a run's lock.
#[doc(hidden)]
#[derive(Debug, Default)]
pub enum LockScope {
    /// The lock ends with its transaction.
    #[default]
    Transaction,
    /// The session holds the lock until it releases it or ends.
    Session,
    /// The process holds the lock until it releases it or ends.
    #[cfg(feature = "sqlite")]
    Process(ProcessLock),
}
