//! Diesel's types for SQLite columns.

use crate::schema::{Column, ColumnType};

/// Returns the type that Diesel reads from the column's SQL type. For types that Diesel CLI does not read, it is the
/// closest type that Diesel has.
pub(super) fn diesel_type(column: &Column) -> Option<&'static str> {
    if column.auto_increment {
        return Some("Integer");
    }
    Some(match &column.column_type {
        ColumnType::SmallInt => "SmallInt",
        ColumnType::Integer => "Integer",
        ColumnType::BigInt => "BigInt",
        ColumnType::Float => "Float",
        ColumnType::Double | ColumnType::Numeric { .. } => "Double",
        ColumnType::Bool => "Bool",
        ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) => "Text",
        ColumnType::Binary => "Binary",
        ColumnType::Date => "Date",
        ColumnType::Time => "Time",
        ColumnType::Timestamp => "Timestamp",
        ColumnType::Timestamptz => "TimestamptzSqlite",
        ColumnType::Json => "Json",
        ColumnType::Jsonb => "Jsonb",
        ColumnType::Uuid | ColumnType::Enum(_) => return None,
        ColumnType::Named(name) => return named(&name.to_lowercase()),
    })
}

/// Returns the type that Diesel reads from a type that was given by name.
fn named(name: &str) -> Option<&'static str> {
    let has = |part: &str| name.contains(part);
    let is_any = |names: &[&str]| names.contains(&name);
    Some(match name {
        _ if is_any(&["boolean", "bool"]) || has("tiny") && has("int") => "Bool",
        _ if name == "int2" || has("small") && has("int") => "SmallInt",
        _ if name == "int8" || has("big") && has("int") => "BigInt",
        _ if has("int") => "Integer",
        _ if has("char") || has("clob") || has("text") => "Text",
        _ if has("blob") || has("binary") => "Binary",
        _ if has("float") || has("real") => "Float",
        _ if has("double") || has("num") || has("dec") => "Double",
        _ if is_any(&["datetime", "timestamp"]) => "Timestamp",
        "date" => "Date",
        "time" => "Time",
        _ => return None,
    })
}
