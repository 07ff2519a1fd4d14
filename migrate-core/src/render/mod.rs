//! Renders operations as SQL text for each dialect: quoting, types and statements. Pure; it needs no connection.

mod alter_table;
mod check_raw;
pub(crate) mod common;
mod features;
mod mysql;
mod mysql_alter_table;
mod mysql_normalize;
mod mysql_online_ddl;
mod normalize;
mod operation;
mod postgres;
mod postgres_alter_table;
mod sqlite;
mod sqlite_alter_table;
mod sqlite_rebuild;

pub(crate) use common::keys as index_keys;
#[cfg(feature = "testing")]
pub(crate) use common::value;
pub(crate) use features::Features;
pub(crate) use mysql::MySql;
pub(crate) use operation::{Rendered, RenderedStatement, render};
pub(crate) use postgres::Postgres;
pub(crate) use sqlite::Sqlite;
pub(crate) use sqlite_rebuild::REBUILT;

use std::fmt;

use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::{Dialect, DialectVersion};
use crate::location::Location;
use crate::schema::{Column, ColumnType, EnumChange, Index, LocatedEdit, NewName, ObjectKind, Table};
use crate::sql::StatementInfo;

/// The SQL that differs between databases. Each dialect implements its own part in its own file. The provided methods
/// hold the common case, most of it from `common`.
pub(crate) trait SqlDialect: fmt::Debug + Sync {
    /// Returns the database that the dialect is for.
    fn kind(&self) -> Dialect;

    /// Returns the capabilities of the database.
    fn features(&self) -> Features;

    /// Returns the database's name for messages.
    fn name(&self) -> &'static str {
        self.kind().title()
    }

    /// Quotes and escapes an identifier.
    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// Quotes and escapes a text literal.
    fn text(&self, value: &str) -> String {
        format!("'{}'", value.replace('\'', "''"))
    }

    /// Returns a literal for bytes.
    fn bytes(&self, value: &[u8]) -> String {
        format!("X'{}'", common::hex(value))
    }

    /// Quotes a table's name. SQLite adds its schema `main`, so that a temporary table of the same name is not meant.
    fn qualified(&self, table: &str) -> String;

    /// Returns true if the database reserves this name for its own tables.
    fn is_reserved(&self, table: &str) -> bool;

    /// Returns an expression for the current time of the database's clock, as RFC 3339 text in UTC.
    fn now(&self) -> &'static str;

    /// Returns the options that follow the column list of the history table.
    fn history_options(&self) -> &'static str {
        ""
    }

    /// Checks that a user's raw SQL with these facts may run as one step, inside or outside a transaction.
    ///
    /// # Errors
    ///
    /// The problem, and what to write instead.
    fn check_raw(&self, raw: &StatementInfo, in_transaction: bool) -> Result<(), Mistake>;

    /// Checks that the database accepts a new name. The default accepts every name.
    ///
    /// # Errors
    ///
    /// The reason for the refusal.
    fn check_name(&self, _given: NewName<'_>) -> Result<(), Mistake> {
        Ok(())
    }

    /// Returns true if two tables cannot share a name for these two kinds of object.
    fn names_clash(&self, _one: ObjectKind, _other: ObjectKind) -> bool {
        false
    }

    /// Checks that a user's expression has the same meaning here as on the other databases.
    ///
    /// # Errors
    ///
    /// The part with another meaning, and what to write instead.
    fn check_expression(&self, _sql: &str) -> Result<(), Mistake> {
        Ok(())
    }

    /// Returns the statements that a plan prints around a migration in a transaction, which may rebuild a table.
    fn transaction_wrapper(&self, _rebuilds: bool) -> TransactionWrapper {
        TransactionWrapper {
            before: &["BEGIN"],
            after: &["COMMIT"],
        }
    }

    /// Returns the SQL of a column type.
    ///
    /// # Errors
    ///
    /// If the database has no such type. The message names an alternative.
    fn column_type(&self, column_type: &ColumnType) -> Result<String, Mistake>;

    /// Returns the default expression for the time of the insert.
    fn current_timestamp(&self) -> &'static str {
        "CURRENT_TIMESTAMP"
    }

    /// Returns a column's definition for CREATE TABLE and ADD COLUMN.
    ///
    /// # Errors
    ///
    /// If the database lacks a feature of the column. The message names an alternative.
    fn column(&self, column: &Column) -> Result<String, Mistake>;

    /// Returns the primary key clause of CREATE TABLE; `None` without a key, or if a column's definition contains it.
    fn primary_key(&self, table: &Table) -> Option<String> {
        common::primary_key(self.as_dialect(), table)
    }

    /// Returns the statements that rename a table.
    fn rename_table(&self, from: &str, to: &str) -> Vec<String> {
        vec![format!(
            "ALTER TABLE {} RENAME TO {}",
            self.identifier(from),
            self.identifier(to)
        )]
    }

    /// Renames a table's primary key, on databases where its name must be unique across tables.
    fn rename_primary_key(&self, _table: &str, _from: &str, _to: &str) -> Option<String> {
        None
    }

    /// Renames the primary key of an unknown table, if a key with the default name exists.
    fn rename_unknown_primary_key(&self, _from: &str, _to: &str) -> Option<String> {
        None
    }

    /// Returns a separate CREATE INDEX statement.
    ///
    /// # Errors
    ///
    /// If the database lacks a feature of the index. The message names an alternative.
    fn create_index(&self, table: &str, index: &Index) -> Result<String, Mistake>;

    /// Checks that the database supports the keys of a new table.
    ///
    /// # Errors
    ///
    /// If it does not. The message names an alternative.
    fn check_keys(&self, _table: &Table) -> Result<(), Mistake> {
        Ok(())
    }

    /// Returns the options that follow the parentheses of CREATE TABLE.
    fn table_options(&self, _table: &Table) -> &'static str {
        ""
    }

    /// Returns the statements that set comments after CREATE TABLE.
    fn comments(&self, _table: &Table) -> Vec<String> {
        Vec::new()
    }

    /// Returns the statements for the edits of one table, in an order that works.
    ///
    /// # Errors
    ///
    /// If the database lacks a feature. Each diagnostic has the location of its edit and names an alternative.
    fn alter_table(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Diagnostic>>;

    /// Returns the statement that changes an enum.
    ///
    /// # Errors
    ///
    /// If the database cannot make the change. The message names an alternative.
    fn change_enum(&self, name: &str, change: &EnumChange) -> Result<String, Mistake>;

    /// Returns a statement that fails if a new view cannot be read, on databases where CREATE VIEW does not check this.
    fn check_view(&self, _view: &str) -> Option<String> {
        None
    }

    /// Returns a statement that makes an auto-increment column continue at `least` or above, for databases where rows
    /// with explicit values do not advance it.
    #[cfg(feature = "testing")]
    fn advance_counter(&self, _table: &str, _column: &str, _least: usize) -> Option<String> {
        None
    }

    /// Copies from `_known` to `_found` the attributes that the database cannot tell apart or does not store.
    fn normalize_to(&self, _found: &mut Table, _known: &Table) {}

    /// Returns the dialect as a trait object, for the functions in `common`.
    fn as_dialect(&self) -> &dyn SqlDialect;
}

/// The dialects by version: one entry for each change of a database's SQL. The first of each is the oldest supported.
static ALL: [(Dialect, (u32, u32), &dyn SqlDialect); 6] = [
    (Dialect::Sqlite, (3, 35), &Sqlite),
    (Dialect::Postgres, (13, 0), &Postgres::since((13, 0))),
    (Dialect::Postgres, (18, 0), &Postgres::since((18, 0))),
    (Dialect::MySql, (8, 0), &MySql::since(Dialect::MySql, (8, 0))),
    (Dialect::MariaDb, (10, 6), &MySql::since(Dialect::MariaDb, (10, 6))),
    (Dialect::MariaDb, (10, 8), &MySql::since(Dialect::MariaDb, (10, 8))),
];

/// Returns the dialect for a version of a database.
pub(crate) fn dialect_of(dialect: DialectVersion) -> &'static dyn SqlDialect {
    let mut of_name = ALL.iter().filter(|(name, ..)| *name == dialect.name());
    let newest = of_name.rfind(|(_, since, _)| *since <= dialect.version());
    // A version older than the oldest supported gets the oldest dialect. The runner refuses such a server.
    let oldest = || ALL.iter().find(|(name, ..)| *name == dialect.name());
    newest.or_else(oldest).map_or(&Sqlite, |(.., dialect)| *dialect)
}

/// The statements around the steps of a migration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TransactionWrapper {
    pub(crate) before: &'static [&'static str],
    pub(crate) after: &'static [&'static str],
}

/// The edits of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alteration<'a> {
    pub(crate) table: &'a str,
    /// The table before the edits; `None` if it is unknown.
    pub(crate) before: Option<&'a Table>,
    pub(crate) after: Option<&'a Table>,
    pub(crate) edits: &'a [LocatedEdit],
    /// The views that read the table, each with its query.
    pub(crate) views: &'a [(String, String)],
}

/// The help for what a transaction does not allow.
pub(crate) const OUTSIDE_TRANSACTION: &str =
    "move it to its own migration with `#[migration(.., transaction = false)]`";

pub(crate) fn diagnostic(location: Location, message: impl Into<Mistake>) -> Diagnostic {
    message.into().at(location)
}
