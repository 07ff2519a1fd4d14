//! A connection: its type, its statements, its transactions and its settings.

use std::any::{Any, TypeId};
use std::time::Duration;

use super::DriverError;
use crate::dialect::DialectVersion;
use crate::history::table::SessionBaseline;
use crate::render::SqlDialect;
use crate::sql::StatementInfo;

/// A Diesel connection as the runner uses it.
#[doc(hidden)]
pub trait SqlConnection: Any {
    fn traits(&self) -> Traits;

    /// Returns the connection as `Any`, for Rust steps.
    fn connection(&mut self) -> &mut dyn Any;

    /// Returns the name of the database for messages, without a password.
    fn database_label(&mut self) -> String;

    /// Sets how long each statement of the connection waits for a lock, and returns the previous wait. Returns `None`
    /// where [`capture_baseline`](SqlConnection::capture_baseline) or [`begin`](super::RunLock::begin) sets the wait.
    fn set_lock_wait(&mut self, _wait: Duration) -> Result<Option<Duration>, DriverError> {
        Ok(None)
    }

    /// Runs SQL. The text may hold several statements.
    fn execute(&mut self, sql: &str) -> Result<(), DriverError>;

    /// Runs one bookkeeping statement, and returns the number of changed rows.
    fn execute_counting(&mut self, sql: &str) -> Result<usize, DriverError>;

    /// Returns the dialect, with the version of the server where it matters.
    fn version(&mut self) -> Result<DialectVersion, DriverError> {
        Ok(self.traits().dialect.kind().into())
    }

    /// Captures the session's settings before a step changes them. On MySQL and MariaDB it also sets the lock wait and
    /// a strict SQL mode.
    fn capture_baseline(&mut self, _wait: Duration) -> Result<SessionBaseline, DriverError> {
        Ok(SessionBaseline::default())
    }

    /// Sets the lock wait of the open transaction again, after restoring the baseline has reset it.
    fn wait_in_transaction(&mut self, _wait: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    /// Disables prepared statements that outlive a transaction: a pooler may run the next one in another server
    /// session.
    fn disable_statement_cache(&mut self) {}

    /// Begins a transaction for one step, under a lock that the session or the process already holds.
    fn begin_step(&mut self) -> Result<(), DriverError>;

    /// Prepares for a statement outside a transaction: drops invalid indexes of an earlier attempt, and sets the lock
    /// wait. `info` has the facts about the statement.
    fn prepare_statement(&mut self, _info: Option<&StatementInfo>, _wait: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DriverError>;

    /// Ends any open transaction at any depth, and leaves the connection usable. Returns true if the database had a
    /// transaction open.
    fn rollback(&mut self) -> Result<bool, DriverError>;

    /// Commits the open transaction after work that succeeded, and rolls it back after work that failed.
    fn end_after(&mut self, result: Result<(), DriverError>) -> Result<(), DriverError> {
        let result = result.and_then(|()| self.commit());
        if result.is_err() && self.transaction_depth() > 0 {
            // The first error is the one to report.
            let _ = self.rollback();
        }
        result
    }

    /// Returns the transaction depth that Diesel counts; 0 outside a transaction.
    fn transaction_depth(&mut self) -> u32;

    /// Switches the enforcement of foreign keys, outside a transaction, and returns the previous setting.
    fn set_foreign_keys(&mut self, kept: bool) -> Result<bool, DriverError>;
}

/// The properties of a connection type that need no query.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    pub(crate) dialect: &'static dyn SqlDialect,
    pub(crate) connection: TypeId,
}
