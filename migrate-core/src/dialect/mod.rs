//! From recorded work to SQL text: quoting, and what each database's SQL needs. Pure; no connection is needed.

mod raw_sql;
mod sqlite;

pub(crate) use sqlite::Sqlite;

use std::fmt;

/// What differs between databases in writing SQL. One file per dialect holds only its own side.
pub(crate) trait Dialect: fmt::Debug + Sync {
    /// An identifier, quoted and escaped.
    fn identifier(&self, name: &str) -> String;

    /// A text literal, quoted and escaped.
    fn text(&self, value: &str) -> String;

    /// A table in the schema that belongs to the connection, so that no search path decides.
    fn qualified(&self, table: &str) -> String;

    /// Whether the database keeps a table's name for itself.
    fn is_reserved(&self, table: &str) -> bool;

    /// An expression for the present moment as RFC 3339 text in UTC, from the database's own clock.
    fn now(&self) -> &'static str;

    /// Whether a user's raw SQL is one statement that may run where it is going to.
    ///
    /// # Errors
    ///
    /// What is wrong and what to write instead.
    fn check_raw(&self, sql: &str, in_transaction: bool) -> Result<(), String>;
}
