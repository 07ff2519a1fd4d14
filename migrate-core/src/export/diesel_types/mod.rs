//! Diesel's type for a column, as `diesel print-schema` reads it from a database of each kind.

mod mysql;
mod postgres;
mod sqlite;
mod type_name;

use crate::dialect::{Dialect, DialectVersion};
use crate::render::dialect_of;
use crate::schema::{Column, Table};

use self::type_name::Written;

/// The SQL type of a column in Diesel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DieselType {
    /// What stands after the arrow of `table!`, if the column is not nullable.
    pub(super) name: String,
    /// What it holds at most, where Diesel says that.
    pub(super) max_length: Option<u64>,
    /// What `schema.rs` has to define, if Diesel does not have the type itself.
    pub(super) defined: Option<DefinedType>,
}

/// A type that Diesel does not have itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DefinedType {
    /// Its name in Rust.
    pub(super) name: String,
    /// The attribute that says what it is in the database: `postgres_type` or `mysql_type`.
    pub(super) attribute: &'static str,
    /// What that attribute says: `name = "mood"`.
    pub(super) arguments: String,
}

impl DieselType {
    fn known(name: impl Into<String>) -> DieselType {
        DieselType {
            name: name.into(),
            max_length: None,
            defined: None,
        }
    }
}

/// The type of a column of a table; `None` if Diesel has none for it.
pub(super) fn diesel_type(dialect: DialectVersion, table: &Table, column: &Column) -> Option<DieselType> {
    // What the column is on a server is what the SQL says that makes it.
    let written = || Written::of(&dialect_of(dialect).column_type(&column.column_type).ok()?);
    let diesel_type = match dialect.name() {
        Dialect::Sqlite => sqlite::diesel_type(column).map(DieselType::known),
        Dialect::Postgres => Some(postgres::diesel_type(&written()?)),
        name @ (Dialect::MySql | Dialect::MariaDb) => mysql::diesel_type(name, table, column, &written()?),
    }?;
    let is_rust = |defined: &DefinedType| defined.name != "Self" && defined.name.starts_with(char::is_alphabetic);
    diesel_type.defined.as_ref().is_none_or(is_rust).then_some(diesel_type)
}

/// Whether a column can be NULL as the database tells it.
pub(super) fn is_nullable(dialect: DialectVersion, column: &Column) -> bool {
    // MariaDB takes no NOT NULL there: https://mariadb.com/kb/en/generated-columns/
    column.nullable || dialect.name() == Dialect::MariaDb && column.generated.is_some()
}
