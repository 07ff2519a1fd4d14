//! The interface to Diesel: the operations that the runner needs from a connection, by concern. Each database has a
//! folder with the same files.
//!
//! Drivers execute. The runner decides which operations run, and in which order.

pub(crate) mod backends;
#[cfg(feature = "_driver")]
mod classify_error;
mod connection;
mod drop_all;
mod error;
#[cfg(feature = "_driver")]
mod history_rows;
mod history_store;
mod introspection;
#[cfg(all(test, any(feature = "postgres", feature = "mysql")))]
mod introspection_tests;
mod lock;
#[cfg(feature = "mysql")]
mod mysql;
pub(crate) mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "_driver")]
mod query;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(feature = "testing", feature = "_server"))]
pub(crate) mod test_server;
#[cfg(feature = "_driver")]
mod transaction;

pub(crate) use self::backends::on_backend;
pub(crate) use self::connection::{SqlConnection, Traits};
pub(crate) use self::drop_all::DropAll;
pub(crate) use self::error::{DriverError, DriverErrorKind};
pub(crate) use self::history_store::{HistoryStore, HistoryVersion, StoredRows};
pub(crate) use self::introspection::Introspect;
pub(crate) use self::lock::{Begun, LockScope, RunLock};
pub use self::open::{MissingFile, OpenError};

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
#[doc(hidden)]
pub trait Session: SqlConnection + RunLock + HistoryStore + Introspect + DropAll {}

impl<C: SqlConnection + RunLock + HistoryStore + Introspect + DropAll> Session for C {}
