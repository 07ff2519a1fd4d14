//! SQL that most databases share. The dialect supplies the quoting.

use super::SqlDialect;
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::schema::{
    Check, Column, ColumnType, DefaultValue, ForeignKey, ForeignKeyAction, Generated, Index, IndexMethod, IndexOn,
    Table, Unique, Value,
};

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn value(dialect: &dyn SqlDialect, value: &Value) -> String {
    match value {
        Value::Bool(true) => "TRUE".to_owned(),
        Value::Bool(false) => "FALSE".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::Text(text) => dialect.text(text),
        Value::Binary(bytes) => dialect.bytes(bytes),
    }
}

pub(super) fn default(dialect: &dyn SqlDialect, default: &DefaultValue) -> String {
    match default {
        DefaultValue::Value(literal) => value(dialect, literal),
        DefaultValue::Now => dialect.current_timestamp().to_owned(),
        DefaultValue::Expression(sql) => format!("({sql})"),
    }
}

/// Returns the type name that most databases use.
pub(super) fn column_type(column_type: &ColumnType) -> String {
    match column_type {
        ColumnType::SmallInt => "SMALLINT".to_owned(),
        ColumnType::Integer => "INTEGER".to_owned(),
        ColumnType::BigInt => "BIGINT".to_owned(),
        ColumnType::Float => "FLOAT".to_owned(),
        ColumnType::Double => "DOUBLE".to_owned(),
        ColumnType::Numeric { precision, scale } => format!("NUMERIC({precision}, {scale})"),
        ColumnType::Bool => "BOOLEAN".to_owned(),
        ColumnType::Text => "TEXT".to_owned(),
        ColumnType::VarChar(length) => format!("VARCHAR({length})"),
        ColumnType::Char(length) => format!("CHAR({length})"),
        ColumnType::Binary => "BLOB".to_owned(),
        ColumnType::Date => "DATE".to_owned(),
        ColumnType::Time => "TIME".to_owned(),
        ColumnType::Timestamp => "TIMESTAMP".to_owned(),
        ColumnType::Timestamptz => "TIMESTAMPTZ".to_owned(),
        ColumnType::Json => "JSON".to_owned(),
        ColumnType::Jsonb => "JSONB".to_owned(),
        ColumnType::Uuid => "UUID".to_owned(),
        ColumnType::Enum(name) | ColumnType::Named(name) => name.clone(),
    }
}

pub(super) fn generated(generated: &Generated) -> String {
    let kept = if generated.stored { "STORED" } else { "VIRTUAL" };
    format!("GENERATED ALWAYS AS ({}) {kept}", generated.expression)
}

pub(super) fn columns(dialect: &dyn SqlDialect, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| dialect.identifier(column)).collect();
    columns.join(", ")
}

pub(super) fn primary_key(dialect: &dyn SqlDialect, table: &Table) -> Option<String> {
    let key = table.primary_key.as_ref()?;
    Some(format!(
        "{}PRIMARY KEY ({})",
        constraint_prefix(dialect, &key.name),
        columns(dialect, &key.columns)
    ))
}

pub(super) fn unique(dialect: &dyn SqlDialect, unique: &Unique) -> String {
    format!(
        "{}UNIQUE ({})",
        constraint_prefix(dialect, &unique.name),
        columns(dialect, &unique.columns)
    )
}

pub(super) fn check(dialect: &dyn SqlDialect, check: &Check) -> String {
    format!(
        "{}CHECK ({})",
        constraint_prefix(dialect, &check.name),
        check.expression
    )
}

pub(super) fn foreign_key(dialect: &dyn SqlDialect, key: &ForeignKey) -> String {
    let mut sql = format!(
        "{}FOREIGN KEY ({}) REFERENCES {}",
        constraint_prefix(dialect, &key.name),
        columns(dialect, &key.columns),
        dialect.identifier(&key.to_table),
    );
    // A key that was read from a database may omit the columns. It then references the primary key.
    if !key.to_columns.is_empty() {
        sql.push_str(&format!(" ({})", columns(dialect, &key.to_columns)));
    }
    for (when, reaction) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        let reaction = match reaction {
            ForeignKeyAction::NoAction => continue,
            ForeignKeyAction::Restrict => "RESTRICT",
            ForeignKeyAction::Cascade => "CASCADE",
            ForeignKeyAction::SetNull => "SET NULL",
            ForeignKeyAction::SetDefault => "SET DEFAULT",
        };
        sql.push_str(&format!(" ON {when} {reaction}"));
    }
    if key.deferred {
        sql.push_str(" DEFERRABLE INITIALLY DEFERRED");
    }
    sql
}

/// Returns the column as nullable and without a default, so that an UPDATE can fill it after it is added.
pub(super) fn unfilled(column: &Column) -> Column {
    Column {
        nullable: true,
        default: None,
        ..column.clone()
    }
}

/// Returns the UPDATE that fills a column in all rows.
pub(super) fn fill(dialect: &dyn SqlDialect, table: &str, column: &str, expression: &str) -> String {
    format!(
        "UPDATE {} SET {} = ({expression})",
        dialect.identifier(table),
        dialect.identifier(column)
    )
}

/// Returns the `CONSTRAINT` clause. Constraints from migrations always have a name; a live one may have none.
fn constraint_prefix(dialect: &dyn SqlDialect, name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    format!("CONSTRAINT {} ", dialect.identifier(name))
}

pub(crate) fn keys(dialect: &dyn SqlDialect, index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| {
            let on = match &key.on {
                IndexOn::Column(column) => dialect.identifier(column),
                IndexOn::Expression(sql) => format!("({sql})"),
            };
            let collation = key.collation.as_ref();
            let collation = collation.map_or_else(String::new, |name| format!(" COLLATE {}", dialect.identifier(name)));
            let order = if key.descending { " DESC" } else { "" };
            format!("{on}{collation}{order}")
        })
        .collect();
    keys.join(", ")
}

/// Refuses included columns where the database does not support them.
pub(super) fn check_index(dialect: &dyn SqlDialect, index: &Index) -> Result<(), Mistake> {
    let name = dialect.name();
    if !index.include.is_empty() && !dialect.features().included_columns {
        return Err(Code::UNSUPPORTED_INDEX
            .mistake(format!(
                "{name} does not support included columns in an index, as in `{}`",
                index.name
            ))
            .help("remove `.include(..)`, or append the columns to the keys"));
    }
    Ok(())
}

/// Returns the mistake of an index method that the database lacks.
pub(super) fn no_method(dialect: &dyn SqlDialect, index: &Index, method: &IndexMethod) -> Mistake {
    Code::UNSUPPORTED_INDEX
        .mistake(format!(
            "{} does not support the method {} of the index `{}`",
            dialect.name(),
            method.name(),
            index.name
        ))
        .help("remove `.method(..)`, or write the index for each database with `execute`")
}

/// The help for a change of type that must say how values are converted.
pub(super) fn add_conversion(example: &str) -> String {
    format!(
        "add `.using(\"..\")` with an expression of the old value, such as `{example}`, and `.undo_using(\"..\")` for the \
         rollback"
    )
}

pub(super) fn create_index(dialect: &dyn SqlDialect, table: &str, index: &Index) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let mut sql = format!(
        "CREATE {unique}INDEX {} ON {} ({})",
        dialect.identifier(&index.name),
        dialect.identifier(table),
        keys(dialect, index)
    );
    if let Some(filter) = &index.filter {
        sql.push_str(&format!(" WHERE {filter}"));
    }
    sql
}

/// Returns CREATE TABLE alone, under any name. Indexes and comment statements are separate.
pub(crate) fn create_table(dialect: &dyn SqlDialect, name: &str, table: &Table) -> Result<String, Mistake> {
    dialect.check_keys(table)?;
    let mut lines = Vec::new();
    for column in &table.columns {
        lines.push(dialect.column(column)?);
    }
    lines.extend(dialect.primary_key(table));
    lines.extend(table.uniques.iter().map(|constraint| unique(dialect, constraint)));
    lines.extend(table.checks.iter().map(|constraint| check(dialect, constraint)));
    lines.extend(
        table
            .foreign_keys
            .iter()
            .map(|constraint| foreign_key(dialect, constraint)),
    );
    Ok(format!(
        "CREATE TABLE {} (\n    {}\n){}",
        dialect.identifier(name),
        lines.join(",\n    "),
        dialect.table_options(table)
    ))
}

/// Returns true if values of one type convert to the other without an expression: PostgreSQL's assignment casts,
/// <https://www.postgresql.org/docs/current/catalog-pg-cast.html>. Types that are given by name are unknown here; for
/// them the function assumes true.
pub(super) fn turns_by_itself(from: &ColumnType, to: &ColumnType) -> bool {
    use ColumnType::{
        BigInt, Bool, Char, Date, Double, Enum, Float, Integer, Json, Jsonb, Named, Numeric, SmallInt, Text, Time,
        Timestamp, Timestamptz, Uuid, VarChar,
    };
    match (from, to) {
        (Named(_), _) | (_, Named(_)) => true,
        (
            SmallInt | Integer | BigInt | Float | Double | Numeric { .. },
            SmallInt | Integer | BigInt | Float | Double | Numeric { .. },
        )
        // Every type converts to text.
        | (_, Text | VarChar(_) | Char(_))
        | (Date | Timestamp | Timestamptz, Date | Timestamp | Timestamptz)
        | (Timestamp | Timestamptz, Time)
        | (Json | Jsonb, Json | Jsonb)
        | (Bool, Bool)
        | (Time, Time)
        | (Uuid, Uuid) => true,
        (Enum(one), Enum(other)) => one == other,
        (ColumnType::Binary, ColumnType::Binary) => true,
        _ => false,
    }
}
