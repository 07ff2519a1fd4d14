//! The border to Diesel: what the runner asks of a connection, implemented in one file per connection type.
//!
//! Drivers carry out; what to do and in which order is the runner's.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod error;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod history_rows;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::any::{Any, TypeId};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::dialect::DialectVersion;
use crate::history::StoredRow;
use crate::history::table::{HistoryTable, SessionBaseline};
use crate::render::SqlDialect;
use crate::state::LiveSchema;

/// A Diesel connection that migrations can run on: `SqliteConnection` with the feature `sqlite`, `PgConnection` with the
/// feature `postgres`, `MysqlConnection`, for MySQL and MariaDB, with the feature `mysql`.
///
/// A pooled connection is passed as `&mut *conn`. The trait cannot be implemented outside this crate.
pub trait Driver: Session {}

impl<S: Session> Driver for S {}

/// The operations behind [`Driver`], out of users' sight.
pub trait Session: Any {
    #[doc(hidden)]
    fn traits(&self) -> Traits;

    /// The connection itself, for Rust steps.
    #[doc(hidden)]
    fn connection(&mut self) -> &mut dyn Any;

    /// Which database this is, for messages: never with a password.
    #[doc(hidden)]
    fn database_label(&mut self) -> String;

    /// Lets all statements of the connection wait so long for a lock; returns the wait that was set before. `None` where the
    /// wait is set with each transaction, as it is short there.
    #[doc(hidden)]
    fn set_lock_wait(&mut self, _wait: Duration) -> Result<Option<Duration>, DriverError> {
        Ok(None)
    }

    /// Runs one statement.
    #[doc(hidden)]
    fn execute(&mut self, sql: &str) -> Result<(), DriverError>;

    /// Runs one statement of our own and says how many rows it changed.
    #[doc(hidden)]
    fn execute_counting(&mut self, sql: &str) -> Result<usize, DriverError>;

    /// Which database it is, by what the server says of its version where that matters.
    #[doc(hidden)]
    fn version(&mut self) -> Result<DialectVersion, DriverError> {
        Ok(self.traits().dialect.kind().into())
    }

    /// Where the connection is at home, before any step has set something else. Sets what transactions need that is the
    /// session's: that statements wait so long for locks.
    #[doc(hidden)]
    fn capture_baseline(&mut self, _history: &str, _wait: Duration) -> Result<SessionBaseline, DriverError> {
        Ok(SessionBaseline::default())
    }

    /// The rows of history; `None` if there is no such table.
    #[doc(hidden)]
    fn history(&mut self, table: &HistoryTable) -> Result<Option<StoredRows>, DriverError>;

    /// The columns of the history table, in lower case.
    #[doc(hidden)]
    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError>;

    /// A number that is another one when another connection has changed history, if that can be told now.
    #[doc(hidden)]
    fn history_version(&mut self, table: &HistoryTable) -> Result<Option<i64>, DriverError>;

    /// The marker as it will be when the open transaction is committed, if that makes it another one.
    #[doc(hidden)]
    fn history_version_after_commit(&mut self, _table: &HistoryTable) -> Result<Option<i64>, DriverError> {
        Ok(None)
    }

    /// Begins a transaction that holds the right to write from its start, and whose statements wait so long for locks.
    /// [`DriverErrorKind::Busy`] says that another run has that right, and that it can be tried again.
    #[doc(hidden)]
    fn begin(&mut self, table: &HistoryTable, wait: Duration, held: &LockScope) -> Result<Begun, DriverError>;

    /// Lets the statements of the open transaction wait so long for locks, as [`begin`](Session::begin) has done, after it was
    /// set back.
    #[doc(hidden)]
    fn wait_in_transaction(&mut self, _wait: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    /// Makes do without prepared statements that outlive a transaction: the next one may be in another session of the server.
    #[doc(hidden)]
    fn disable_statement_cache(&mut self) {}

    /// What stands around the statements of one transaction in a message that holds several: it takes the right to write and
    /// goes on only if history is as expected.
    /// `None` if the database takes no such message.
    #[doc(hidden)]
    fn pipeline_envelope(
        &self,
        _table: &HistoryTable,
        _run: &str,
        _wait: Duration,
        _expected: HistoryPrecondition,
    ) -> Option<PipelineEnvelope> {
        None
    }

    /// A condition that holds in one session of the server.
    #[doc(hidden)]
    fn is_in_session(&self, _session: i64) -> String {
        "TRUE".to_owned()
    }

    /// Keeps the right to write, which the open transaction has, after that has ended.
    #[doc(hidden)]
    fn extend_lock(&mut self, table: &HistoryTable) -> Result<LockScope, DriverError>;

    /// Takes the right to write that is the session's again, if a step has given it up. [`DriverErrorKind::Busy`] says that
    /// another run has it now.
    #[doc(hidden)]
    fn reacquire_lock(&mut self, _table: &HistoryTable) -> Result<(), DriverError> {
        Ok(())
    }

    /// Gives up the right to write that was kept.
    #[doc(hidden)]
    fn release_lock(&mut self, table: &HistoryTable, held: LockScope) -> Result<(), DriverError>;

    /// Begins a transaction under a right to write that is the session's.
    #[doc(hidden)]
    fn begin_step(&mut self) -> Result<(), DriverError>;

    /// Makes ready for a statement outside a transaction: takes away what an earlier try of it has left half made, and lets it
    /// wait so long for locks.
    #[doc(hidden)]
    fn prepare_statement(&mut self, _sql: &str, _wait: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    /// Another text where a digest would not look at the same things, or would not say the same of them, as steps can set that
    /// of a session.
    #[doc(hidden)]
    fn catalog_context(&mut self) -> Result<String, DriverError> {
        Ok(String::new())
    }

    /// A digest of some tables, views and enums as they are: another one if any of them has been made, changed or dropped.
    /// `None` if this cannot be told.
    #[doc(hidden)]
    fn object_digest(&mut self, _names: &[String]) -> Result<Option<String>, DriverError> {
        Ok(None)
    }

    #[doc(hidden)]
    fn commit(&mut self) -> Result<(), DriverError>;

    /// Ends whatever transaction is open, however deep, and leaves the connection usable. Says whether the database had
    /// one open.
    #[doc(hidden)]
    fn rollback(&mut self) -> Result<bool, DriverError>;

    /// How deep Diesel takes the connection to be in transactions; 0 outside.
    #[doc(hidden)]
    fn transaction_depth(&mut self) -> u32;

    /// Sets whether the connection keeps foreign keys, outside a transaction; returns what was set before.
    #[doc(hidden)]
    fn set_foreign_keys(&mut self, kept: bool) -> Result<bool, DriverError>;

    /// Rows whose foreign key refers to nothing, as a person reads them.
    #[doc(hidden)]
    fn broken_references(&mut self) -> Result<Vec<String>, DriverError>;

    /// Who may hold a lock on some tables, or on any if none is named, or keep waiting what is done to them concurrently: a few,
    /// each as a person reads it. None if that cannot be told.
    #[doc(hidden)]
    fn blockers(&mut self, _names: &[String], _concurrently: bool) -> Vec<String> {
        Vec::new()
    }

    /// What to do to find out who holds a lock.
    #[doc(hidden)]
    fn lock_holder_hint(&mut self) -> String;

    /// What the database holds. What is still as it was is taken from an earlier answer.
    #[doc(hidden)]
    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError>;

    /// The rows of some tables, each as the SQL literals of some columns.
    #[doc(hidden)]
    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError>;

    /// What [`drop_everything`](Session::drop_everything) empties, for messages: never with a password.
    #[doc(hidden)]
    fn fresh_scope(&mut self) -> String {
        self.database_label()
    }

    /// Drops every object of the database, or of the connection's schema where it has more than one: all or none, where
    /// changes of the schema do not commit by themselves. Else history goes first, so that it never claims what is gone. Each
    /// waits so long for locks.
    #[doc(hidden)]
    fn drop_everything(&mut self, history: &HistoryTable, wait: Duration) -> Result<(), DriverError>;
}

/// The rows of history, and what came with them.
#[doc(hidden)]
#[derive(Debug)]
pub struct StoredRows {
    pub(crate) rows: Vec<StoredRow>,
    /// Which database it is, if that was told.
    pub(crate) version: Option<DialectVersion>,
    /// The marker as it was when they were read, if that came with them.
    pub(crate) history_version: Option<i64>,
}

/// What history is to be like when a transaction begins.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryPrecondition {
    /// Its table is not there.
    NoTable,
    Version(i64),
    /// As the transaction of the same run before it has left it.
    LeftByRun,
}

/// What stands around the statements of one transaction in a message that holds several.
#[doc(hidden)]
#[derive(Debug)]
pub struct PipelineEnvelope {
    pub(crate) opening: String,
    /// An expression for how long the transaction has taken.
    pub(crate) duration_ms: &'static str,
    pub(crate) closing: String,
}

/// What came of beginning a transaction.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// The session has the right to write, and not the transaction alone.
    pub(crate) is_held: bool,
    /// The session of the server that it is in, where the server has sessions that a pooler may share out.
    pub(crate) session: Option<i64>,
}

/// Whether a run has the right to write beyond its transactions.
#[doc(hidden)]
#[derive(Debug, Default)]
pub enum LockScope {
    /// A transaction's right ends with it.
    #[default]
    Transaction,
    /// The session has it, until it is given up or the connection ends.
    Session,
    /// The process has it, until it is given up or the process ends.
    #[cfg(feature = "sqlite")]
    Process(sqlite::process_lock::ProcessLock),
}

/// What a connection type is, without asking the database.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    pub(crate) dialect: &'static dyn SqlDialect,
    pub(crate) connection: TypeId,
}

/// What the database answered instead of doing what it was asked.
#[doc(hidden)]
#[derive(Debug)]
pub struct DriverError {
    pub(crate) kind: DriverErrorKind,
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverErrorKind {
    /// Another connection held a lock for longer than the wait.
    Locked,
    /// Another run has the right to write; the message tells which.
    Busy,
    /// The server would have to copy a table, and was told not to.
    WouldCopy,
    /// The run was stopped while it waited.
    Stopped,
    /// The connection is gone.
    ConnectionLost,
    /// The file is not a database.
    NotADatabase,
    /// The database, or the directory it is in, cannot be written.
    ReadOnly,
    /// The user has not the right to do that.
    Denied,
    Other,
}

impl DriverErrorKind {
    /// What the database answered, if that is where an error of a Rust step comes from.
    pub(crate) fn behind(error: &(dyn std::error::Error + 'static)) -> Option<DriverErrorKind> {
        let mut error = Some(error);
        while let Some(this) = error {
            if let Some(error) = this.downcast_ref::<DriverError>() {
                return Some(error.kind);
            }
            #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
            if let Some(error) = this.downcast_ref::<diesel::result::Error>() {
                return Some(error::kind_of_error(error));
            }
            error = this.source();
        }
        None
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DriverError {}
