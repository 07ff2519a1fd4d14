//! The differences between servers for the creation of test databases.

use std::fmt;

use diesel::Connection;

use super::Driver;
use crate::dialect::Dialect;

/// A connection to a server: `PgConnection`, or `MysqlConnection` for MySQL and MariaDB.
pub trait ServerConnection: Driver + Connection {
    #[doc(hidden)]
    fn server() -> &'static ServerKind;
}

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

#[doc(hidden)]
pub struct ServerKind {
    pub(crate) title: &'static str,
    /// The environment variable with the URL of the test server.
    pub(crate) variable: &'static str,
    pub(crate) dialects: &'static [Dialect],
    /// The scheme that Diesel accepts; `None` if it accepts each.
    pub(crate) scheme: Option<&'static str>,
    /// An example of a URL.
    pub(crate) example: &'static str,
    /// The database to connect to if the URL names none.
    pub(crate) default_database: &'static str,
    /// The statement that permits a user to create databases.
    pub(crate) grant: &'static str,
    /// True if the server can copy a database.
    pub(crate) has_templates: bool,
    /// Runs one statement on a new connection.
    pub(crate) execute: fn(url: &str, sql: &str) -> Result<(), Cause>,
    /// Drops a database even while others are connected to it.
    pub(crate) drop: fn(url: &str, database: &str) -> Result<(), Cause>,
}

impl fmt::Debug for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKind({})", self.title)
    }
}

pub(super) fn execute<C: Connection>(url: &str, sql: &str) -> Result<(), Cause> {
    Ok(C::establish(url)?.batch_execute(sql)?)
}
