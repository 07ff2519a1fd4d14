//! From recorded work to SQL text: quoting, and what each database's SQL needs. Pure; no connection is needed.

mod alter_table;
pub(crate) mod common;
mod features;
mod mysql;
mod mysql_normalize;
mod mysql_online_ddl;
mod normalize;
mod operation;
mod postgres;
mod raw_sql;
mod sqlite;
mod sqlite_rebuild;
#[cfg(feature = "sqlite")]
pub(crate) mod tokens;

pub(crate) use common::value;
pub(crate) use features::Features;
pub(crate) use mysql::MySql;
pub(crate) use operation::{Rendered, render};
pub(crate) use postgres::Postgres;
pub(crate) use sqlite::Sqlite;
pub(crate) use sqlite_rebuild::REBUILT;

use std::fmt;

use crate::dialect::{Dialect, DialectVersion};
use crate::error::Diagnostic;
use crate::location::Location;
use crate::schema::{Column, ColumnType, EnumChange, Index, LocatedEdit, NewName, ObjectKind, Table};

/// What differs between databases in writing SQL. One file per dialect holds only its own side; what most of them share is
/// in `common`, behind the provided methods.
pub(crate) trait SqlDialect: fmt::Debug + Sync {
    /// Which database it is.
    fn kind(&self) -> Dialect;

    /// What it can do.
    fn features(&self) -> Features;

    /// What messages call it.
    fn name(&self) -> &'static str {
        self.kind().title()
    }

    /// An identifier, quoted and escaped.
    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A text literal, quoted and escaped.
    fn text(&self, value: &str) -> String {
        format!("'{}'", value.replace('\'', "''"))
    }

    /// A literal of bytes.
    fn bytes(&self, value: &[u8]) -> String {
        format!("X'{}'", common::hex(value))
    }

    /// A table in the schema that belongs to the connection, so that no search path decides.
    fn qualified(&self, table: &str) -> String;

    /// Whether the database keeps a table's name for itself.
    fn is_reserved(&self, table: &str) -> bool;

    /// An expression for the present moment as RFC 3339 text in UTC, from the database's own clock.
    fn now(&self) -> &'static str;

    /// What stands behind the columns of the history table.
    fn history_options(&self) -> &'static str {
        ""
    }

    /// Whether a user's raw SQL is one statement that may run where it is going to.
    ///
    /// # Errors
    ///
    /// What is wrong and what to write instead.
    fn check_raw(&self, sql: &str, in_transaction: bool) -> Result<(), String>;

    /// That the database takes a name, which is one that most do.
    ///
    /// # Errors
    ///
    /// Why it does not.
    fn check_name(&self, _given: NewName<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Whether two tables cannot have a constraint or an index of the same name, each of its kind.
    fn names_clash(&self, _one: ObjectKind, _other: ObjectKind) -> bool {
        false
    }

    /// That an expression of the user's means here what it means on the other databases.
    ///
    /// # Errors
    ///
    /// What does not, and what to write instead.
    fn check_expression(&self, _sql: &str) -> Result<(), String> {
        Ok(())
    }

    /// What stands around the steps of a migration that runs in a transaction. `rebuilds`: it makes a table anew.
    fn frame(&self, _rebuilds: bool) -> TransactionWrapper {
        TransactionWrapper {
            before: &["BEGIN"],
            after: &["COMMIT"],
        }
    }

    /// A column's type.
    ///
    /// # Errors
    ///
    /// If the database has no such type; with what to use instead.
    fn column_type(&self, column_type: &ColumnType) -> Result<String, String>;

    /// A default that is the moment of writing.
    fn current_timestamp(&self) -> &'static str {
        "CURRENT_TIMESTAMP"
    }

    /// A column as it stands in CREATE TABLE and ADD COLUMN.
    ///
    /// # Errors
    ///
    /// What the database lacks, and what to do instead.
    fn column(&self, column: &Column) -> Result<String, String>;

    /// The primary key as a clause of CREATE TABLE; `None` if a column says it.
    fn primary_key(&self, table: &Table) -> Option<String> {
        common::primary_key(self.as_dialect(), table)
    }

    /// A table gets another name.
    fn rename_table(&self, from: &str, to: &str) -> Vec<String> {
        vec![format!(
            "ALTER TABLE {} RENAME TO {}",
            self.identifier(from),
            self.identifier(to)
        )]
    }

    /// The primary key of a table gets another name, where its name has to differ from those of other tables.
    fn rename_primary_key(&self, _table: &str, _from: &str, _to: &str) -> Option<String> {
        None
    }

    /// The same for a table of which nothing is known: if it has a primary key by the name that it would have.
    fn rename_unseen_primary_key(&self, _from: &str, _to: &str) -> Option<String> {
        None
    }

    /// An index that is made by itself.
    ///
    /// # Errors
    ///
    /// What the database lacks, and what to do instead.
    fn create_index(&self, table: &str, index: &Index) -> Result<String, String>;

    /// What keys of a new table the database cannot have.
    ///
    /// # Errors
    ///
    /// What the database lacks, and what to do instead.
    fn check_keys(&self, _table: &Table) -> Result<(), String> {
        Ok(())
    }

    /// What stands after the parentheses of CREATE TABLE.
    fn table_options(&self, _table: &Table) -> &'static str {
        ""
    }

    /// What is said of a table after it was made: comments, where they are statements.
    fn comments(&self, _table: &Table) -> Vec<String> {
        Vec::new()
    }

    /// Changes of one table, in an order that works.
    ///
    /// # Errors
    ///
    /// What the database lacks, and what to do instead, at the place of the edit.
    fn alter_table(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Diagnostic>>;

    /// A change of an enum.
    ///
    /// # Errors
    ///
    /// What the database lacks, and what to do instead.
    fn change_enum(&self, name: &str, change: &EnumChange) -> Result<String, String>;

    /// A statement that fails if a view that was just made cannot be read, where making it does not tell.
    fn check_view(&self, _view: &str) -> Option<String> {
        None
    }

    /// Tells what the database keeps alike, or not at all, apart in a table that was found, by what is known of it.
    fn normalize_to(&self, _found: &mut Table, _known: &Table) {}

    /// Itself, for the functions in `common`.
    fn as_dialect(&self) -> &dyn SqlDialect;
}

/// How databases write SQL, from each version on in which something has changed. The first of each is the oldest supported.
static ALL: [(Dialect, (u32, u32), &dyn SqlDialect); 6] = [
    (Dialect::Sqlite, (3, 35), &Sqlite),
    (Dialect::Postgres, (13, 0), &Postgres::since((13, 0))),
    (Dialect::Postgres, (18, 0), &Postgres::since((18, 0))),
    (Dialect::MySql, (8, 0), &MySql::since(Dialect::MySql, (8, 0))),
    (Dialect::MariaDb, (10, 6), &MySql::since(Dialect::MariaDb, (10, 6))),
    (Dialect::MariaDb, (10, 8), &MySql::since(Dialect::MariaDb, (10, 8))),
];

/// How a database in some version writes SQL.
pub(crate) fn dialect_of(dialect: DialectVersion) -> &'static dyn SqlDialect {
    let mut of_name = ALL.iter().filter(|(name, ..)| *name == dialect.name());
    let newest = of_name.rfind(|(_, since, _)| *since <= dialect.version());
    // Of those that are older than the oldest, which are refused before anything is written for them, it is the oldest.
    let oldest = || ALL.iter().find(|(name, ..)| *name == dialect.name());
    newest.or_else(oldest).map_or(&Sqlite, |(.., dialect)| *dialect)
}

/// What stands around the steps of a migration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TransactionWrapper {
    pub(crate) before: &'static [&'static str],
    pub(crate) after: &'static [&'static str],
}

/// Changes of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alteration<'a> {
    pub(crate) table: &'a str,
    /// `None` if nothing is known of it.
    pub(crate) before: Option<&'a Table>,
    pub(crate) after: Option<&'a Table>,
    pub(crate) edits: &'a [LocatedEdit],
    /// The views that read it, and their queries.
    pub(crate) views: &'a [(String, String)],
}

pub(crate) fn diagnostic(location: Location, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        location: Some(location),
        message: message.into(),
    }
}
