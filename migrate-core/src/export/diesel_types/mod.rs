//! Diesel's type for a column, as `diesel print-schema` reads it from each database.

mod mysql;
mod postgres;
mod sqlite;
mod type_name;

use crate::dialect::{Dialect, DialectVersion};
use crate::render::dialect_of;
use crate::schema::{Column, Table};

use self::type_name::TypeName;

/// The Diesel SQL type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DieselType {
    /// The type after the arrow in `table!`, without `Nullable`.
    pub(super) name: String,
    /// The maximum length, for types where Diesel has `#[max_length]`.
    pub(super) max_length: Option<u64>,
    /// The definition that `schema.rs` must contain, if Diesel does not have the type itself.
    pub(super) defined: Option<DefinedType>,
}

/// A type that Diesel does not have itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DefinedType {
    /// The name in Rust.
    pub(super) name: String,
    /// The attribute that maps the type to the database: `postgres_type` or `mysql_type`.
    pub(super) attribute: &'static str,
    /// The arguments of that attribute, such as `name = "mood"`.
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

/// Returns the type of a table's column; `None` if Diesel has none for it.
pub(super) fn diesel_type(dialect: DialectVersion, table: &Table, column: &Column) -> Option<DieselType> {
    // The type on a server is the one in the column's SQL.
    let written = || {
        TypeName::of(
            dialect.name(),
            &dialect_of(dialect).column_type(&column.column_type).ok()?,
        )
    };
    let diesel_type = match dialect.name() {
        Dialect::Sqlite => sqlite::diesel_type(column).map(DieselType::known),
        Dialect::Postgres => Some(postgres::diesel_type(&written()?)),
        name @ (Dialect::MySql | Dialect::MariaDb) => mysql::diesel_type(name, table, column, &written()?),
    }?;
    let is_rust = |defined: &DefinedType| defined.name != "Self" && defined.name.starts_with(char::is_alphabetic);
    diesel_type.defined.as_ref().is_none_or(is_rust).then_some(diesel_type)
}

/// Returns true if the database reports the column as nullable.
pub(super) fn is_nullable(dialect: DialectVersion, column: &Column) -> bool {
    column.nullable || column.generated.is_some() && !dialect_of(dialect).features().generated_not_null
}

/// Returns true for a table that Diesel CLI leaves out: one of a tool, or the database's own.
pub(super) fn is_left_out(dialect: DialectVersion, table: &str) -> bool {
    table.starts_with("__") || dialect.name() == Dialect::Sqlite && table.to_ascii_lowercase().starts_with("sqlite")
}

/// Returns true if Diesel reads the columns of a primary key in the order of the table, not of the key.
pub(super) fn reads_keys_in_table_order(dialect: DialectVersion) -> bool {
    dialect.name() == Dialect::Sqlite
}
