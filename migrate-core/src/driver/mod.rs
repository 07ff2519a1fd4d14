//! The interface to Diesel: the operations that the runner needs from a connection, with one file per connection type.
//!
//! Drivers execute. The runner decides which operations run, and in which order.

pub(crate) mod backends;
#[cfg(feature = "_driver")]
mod error;
#[cfg(feature = "_driver")]
mod history_rows;
#[cfg(all(test, any(feature = "postgres", feature = "mysql")))]
mod introspection_tests;
#[cfg(feature = "mysql")]
mod mysql;
pub(crate) mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(feature = "testing", feature = "_server"))]
pub(crate) mod test_server;

pub(crate) use self::backends::on_backend;
pub use self::open::{MissingFile, OpenError};

use std::any::{Any, TypeId};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::dialect::DialectVersion;
use crate::history::StoredRow;
use crate::history::table::{HistoryTable, SessionBaseline};
use crate::render::SqlDialect;
use crate::sql::StatementInfo;
use crate::state::LiveSchema;

/// A Diesel connection that migrations can run on.
///
/// | connection | feature | database |
/// |---|---|---|
/// | `SqliteConnection` | `sqlite` | SQLite |
/// | `PgConnection` | `postgres` | PostgreSQL |
/// | `MysqlConnection` | `mysql` | MySQL and MariaDB |
///
/// Pass a pooled connection as `&mut *conn`. The trait is sealed: other crates cannot implement it.
///
/// ```
/// use migrate_core::{Driver, Error, Runner, Target};
///
/// fn migrate<D: Driver>(connection: &mut D) -> Result<(), Error> {
///     Runner::linked(connection)?.up(&Target::Latest)?;
///     Ok(())
/// }
/// ```
pub trait Driver: Session {}

impl<S: Session> Driver for S {}

/// The operations behind [`Driver`], hidden from users.
pub trait Session: Any {
    #[doc(hidden)]
    fn traits(&self) -> Traits;

    /// Returns the connection as `Any`, for Rust steps.
    #[doc(hidden)]
    fn connection(&mut self) -> &mut dyn Any;

    /// Returns the name of the database for messages, without a password.
    #[doc(hidden)]
    fn database_label(&mut self) -> String;

    /// Sets how long each statement of the connection waits for a lock, and returns the previous wait. Returns `None`
    /// where [`capture_baseline`](Session::capture_baseline) or [`begin`](Session::begin) sets the wait.
    #[doc(hidden)]
    fn set_lock_wait(&mut self, _wait: Duration) -> Result<Option<Duration>, DriverError> {
        Ok(None)
    }

    /// Runs SQL. The text may hold several statements.
    #[doc(hidden)]
    fn execute(&mut self, sql: &str) -> Result<(), DriverError>;

    /// Runs one bookkeeping statement, and returns the number of changed rows.
    #[doc(hidden)]
    fn execute_counting(&mut self, sql: &str) -> Result<usize, DriverError>;

    /// Returns the dialect, with the version of the server where it matters.
    #[doc(hidden)]
    fn version(&mut self) -> Result<DialectVersion, DriverError> {
        Ok(self.traits().dialect.kind().into())
    }

    /// Captures the session's settings before a step changes them. On MySQL and MariaDB it also sets the lock wait and
    /// a strict SQL mode.
    #[doc(hidden)]
    fn capture_baseline(&mut self, _history: &str, _wait: Duration) -> Result<SessionBaseline, DriverError> {
        Ok(SessionBaseline::default())
    }

    /// Returns the history rows, or `None` if the history table does not exist. Without details it does not decode the
    /// columns that no decision needs.
    #[doc(hidden)]
    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError>;

    /// Returns the column names of the history table; none if the table does not exist.
    #[doc(hidden)]
    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError>;

    /// Returns the history version: a number that changes when another connection changes history. Returns `None` if it
    /// cannot be known now.
    #[doc(hidden)]
    fn history_version(&mut self, table: &HistoryTable) -> Result<Option<i64>, DriverError>;

    /// Returns the history version as it will be after the commit of the open transaction, or `None` if the commit does
    /// not change it.
    #[doc(hidden)]
    fn history_version_after_commit(&mut self, _table: &HistoryTable) -> Result<Option<i64>, DriverError> {
        Ok(None)
    }

    /// Begins a transaction that holds the lock from its start. Its statements wait up to `wait` for other locks. Fails
    /// with [`DriverErrorKind::Busy`] while another run holds the lock; the caller may retry.
    #[doc(hidden)]
    fn begin(&mut self, table: &HistoryTable, wait: Duration, held: &LockScope) -> Result<Begun, DriverError>;

    /// Sets the lock wait of the open transaction again, after restoring the baseline has reset it.
    #[doc(hidden)]
    fn wait_in_transaction(&mut self, _wait: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    /// Disables prepared statements that outlive a transaction: a pooler may run the next one in another server
    /// session.
    #[doc(hidden)]
    fn disable_statement_cache(&mut self) {}

    /// Returns the SQL around the statements of one pipelined transaction. It takes the lock, and continues only if
    /// history is as expected. Returns `None` if the database does not support pipelines.
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

    /// Returns the number of pipelined transactions that a run has committed in this server session, or `None` if it
    /// has committed none here.
    #[doc(hidden)]
    fn pipelined_transactions(&mut self, _run: &str) -> Result<Option<i64>, DriverError> {
        Ok(None)
    }

    /// Returns an SQL condition that is true only in the given server session.
    #[doc(hidden)]
    fn is_in_session(&self, _session: i64) -> String {
        "TRUE".to_owned()
    }

    /// Extends the lock of the open transaction beyond its end.
    #[doc(hidden)]
    fn extend_lock(&mut self, table: &HistoryTable) -> Result<LockScope, DriverError>;

    /// Takes the session's lock again if a step has released it. Fails with [`DriverErrorKind::Busy`] if another run
    /// holds the lock now.
    #[doc(hidden)]
    fn reacquire_lock(&mut self, _table: &HistoryTable) -> Result<(), DriverError> {
        Ok(())
    }

    /// Releases a lock that outlives its transaction.
    #[doc(hidden)]
    fn release_lock(&mut self, table: &HistoryTable, held: LockScope) -> Result<(), DriverError>;

    /// Begins a transaction for one step, under a lock that the session or the process already holds.
    #[doc(hidden)]
    fn begin_step(&mut self) -> Result<(), DriverError>;

    /// Prepares for a statement outside a transaction: drops invalid indexes of an earlier attempt, and sets the lock
    /// wait. `info` has the facts about the statement.
    #[doc(hidden)]
    fn prepare_statement(&mut self, _info: Option<&StatementInfo>, _wait: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    /// Returns a text that differs when session settings, such as the search path, change the result of
    /// [`object_digest`](Session::object_digest).
    #[doc(hidden)]
    fn catalog_context(&mut self) -> Result<String, DriverError> {
        Ok(String::new())
    }

    /// Returns a digest of the definitions of some tables, views and enums. It differs after any of them is created,
    /// changed or dropped. Returns `None` if the driver has no digest.
    #[doc(hidden)]
    fn object_digest(&mut self, _names: &[String]) -> Result<Option<String>, DriverError> {
        Ok(None)
    }

    #[doc(hidden)]
    fn commit(&mut self) -> Result<(), DriverError>;

    /// Ends any open transaction at any depth, and leaves the connection usable. Returns true if the database had a
    /// transaction open.
    #[doc(hidden)]
    fn rollback(&mut self) -> Result<bool, DriverError>;

    /// Returns the transaction depth that Diesel counts; 0 outside a transaction.
    #[doc(hidden)]
    fn transaction_depth(&mut self) -> u32;

    /// Switches the enforcement of foreign keys, outside a transaction, and returns the previous setting.
    #[doc(hidden)]
    fn set_foreign_keys(&mut self, kept: bool) -> Result<bool, DriverError>;

    /// Returns the rows whose foreign key refers to no row, as text for messages.
    #[doc(hidden)]
    fn broken_references(&mut self) -> Result<Vec<String>, DriverError>;

    /// Returns a few sessions that may hold a lock on the named tables, or on any table if none is named. With
    /// `concurrently` it adds sessions that a concurrent build waits for. Returns none if the server does not reveal
    /// them.
    #[doc(hidden)]
    fn blockers(&mut self, _names: &[String], _concurrently: bool) -> Vec<String> {
        Vec::new()
    }

    /// Returns advice on how to find the holder of a lock.
    #[doc(hidden)]
    fn lock_holder_hint(&mut self) -> String;

    /// Reads the live schema. Reuses the parts of `earlier` that have not changed.
    #[doc(hidden)]
    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError>;

    /// Returns the rows of some tables, with the given columns as SQL literals.
    #[doc(hidden)]
    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError>;

    /// Describes the objects that [`drop_everything`](Session::drop_everything) drops, for messages, without a
    /// password.
    #[doc(hidden)]
    fn fresh_scope(&mut self) -> String {
        self.database_label()
    }

    /// Drops every object of the database; on PostgreSQL, of the connection's schema. MySQL and MariaDB commit each
    /// drop, so there the history table goes first and never lists objects that no longer exist. Elsewhere one
    /// transaction drops all or nothing. Each drop waits up to `wait` for locks.
    #[doc(hidden)]
    fn drop_everything(&mut self, history: &HistoryTable, wait: Duration) -> Result<(), DriverError>;
}

/// The history rows, with the versions that the query returned.
#[doc(hidden)]
#[derive(Debug)]
pub struct StoredRows {
    pub(crate) rows: Vec<StoredRow>,
    /// The dialect and server version, if they came with the rows.
    pub(crate) version: Option<DialectVersion>,
    /// The history version at the time of the read, if it came with the rows.
    pub(crate) history_version: Option<i64>,
}

/// The state of history that a pipelined transaction requires.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryPrecondition {
    /// The history table does not exist.
    NoTable,
    Version(i64),
    /// History is as the previous transaction of this run left it.
    LeftByRun,
}

/// The SQL around the statements of one pipelined transaction.
#[doc(hidden)]
#[derive(Debug)]
pub struct PipelineEnvelope {
    pub(crate) opening: String,
    /// An SQL expression for the duration of the transaction, in milliseconds.
    pub(crate) duration_ms: &'static str,
    pub(crate) closing: String,
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
    Process(sqlite::process_lock::ProcessLock),
}

/// The properties of a connection type that need no query.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    pub(crate) dialect: &'static dyn SqlDialect,
    pub(crate) connection: TypeId,
}

/// A failed database operation, with its cause classified.
#[doc(hidden)]
#[derive(Debug)]
pub struct DriverError {
    pub(crate) kind: DriverErrorKind,
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverErrorKind {
    /// Another connection held a lock longer than the allowed wait.
    Locked,
    /// Another run holds the lock; the message names it.
    Busy,
    /// The statement forbids a copy of the table, and the server cannot run it without one.
    WouldCopy,
    /// The run was stopped while it waited.
    Stopped,
    /// The connection is lost.
    ConnectionLost,
    /// The file is not a database.
    NotADatabase,
    /// The database file, or its directory, is not writable.
    ReadOnly,
    /// The database user lacks a privilege.
    Denied,
    /// Two rows have the same key.
    UniqueViolation,
    /// A row has NULL in a NOT NULL column.
    NotNullViolation,
    /// A row references a row that does not exist.
    ForeignKeyViolation,
    /// The expression of a CHECK is false for a row.
    CheckViolation,
    Other,
}

impl DriverErrorKind {
    /// Classifies an error of a step, if the database or Diesel is its source.
    pub(crate) fn behind(error: &(dyn std::error::Error + 'static)) -> Option<DriverErrorKind> {
        let mut error = Some(error);
        while let Some(this) = error {
            if let Some(error) = this.downcast_ref::<DriverError>() {
                return Some(error.kind);
            }
            #[cfg(feature = "_driver")]
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
