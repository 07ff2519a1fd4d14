//! The SQL that most databases share, quoted by whichever dialect asks.

use super::Dialect;
use crate::schema::{Check, DefaultValue, ForeignKey, Generated, Index, IndexOn, Reaction, Table, Unique, Value};

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn value(dialect: &dyn Dialect, value: &Value) -> String {
    match value {
        Value::Bool(true) => "TRUE".to_owned(),
        Value::Bool(false) => "FALSE".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::Text(text) => dialect.text(text),
        Value::Binary(bytes) => dialect.bytes(bytes),
    }
}

pub(super) fn default(dialect: &dyn Dialect, default: &DefaultValue) -> String {
    match default {
        DefaultValue::Value(literal) => value(dialect, literal),
        DefaultValue::Now => dialect.moment_of_writing().to_owned(),
        DefaultValue::Expression(sql) => format!("({sql})"),
    }
}

pub(super) fn generated(generated: &Generated) -> String {
    let kept = if generated.stored { "STORED" } else { "VIRTUAL" };
    format!("GENERATED ALWAYS AS ({}) {kept}", generated.expression)
}

pub(super) fn columns(dialect: &dyn Dialect, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| dialect.identifier(column)).collect();
    columns.join(", ")
}

pub(super) fn primary_key(dialect: &dyn Dialect, table: &Table) -> Option<String> {
    let key = table.primary_key.as_ref()?;
    Some(format!(
        "CONSTRAINT {} PRIMARY KEY ({})",
        dialect.identifier(&key.name),
        columns(dialect, &key.columns)
    ))
}

pub(super) fn unique(dialect: &dyn Dialect, unique: &Unique) -> String {
    format!(
        "CONSTRAINT {} UNIQUE ({})",
        dialect.identifier(&unique.name),
        columns(dialect, &unique.columns)
    )
}

pub(super) fn check(dialect: &dyn Dialect, check: &Check) -> String {
    format!(
        "CONSTRAINT {} CHECK ({})",
        dialect.identifier(&check.name),
        check.expression
    )
}

pub(super) fn foreign_key(dialect: &dyn Dialect, key: &ForeignKey) -> String {
    let mut sql = format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
        dialect.identifier(&key.name),
        columns(dialect, &key.columns),
        dialect.identifier(&key.to_table),
        columns(dialect, &key.to_columns)
    );
    for (when, reaction) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        let reaction = match reaction {
            Reaction::NoAction => continue,
            Reaction::Restrict => "RESTRICT",
            Reaction::Cascade => "CASCADE",
            Reaction::SetNull => "SET NULL",
            Reaction::SetDefault => "SET DEFAULT",
        };
        sql.push_str(&format!(" ON {when} {reaction}"));
    }
    sql
}

pub(super) fn keys(dialect: &dyn Dialect, index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| {
            let on = match &key.on {
                IndexOn::Column(column) => dialect.identifier(column),
                IndexOn::Expression(sql) => format!("({sql})"),
            };
            let order = if key.descending { " DESC" } else { "" };
            format!("{on}{order}")
        })
        .collect();
    keys.join(", ")
}

pub(super) fn create_index(dialect: &dyn Dialect, table: &str, index: &Index) -> String {
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

/// CREATE TABLE by itself, under any name; indexes and comments come after it.
pub(super) fn create_table(dialect: &dyn Dialect, name: &str, table: &Table) -> Result<String, String> {
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
        "CREATE TABLE {} (\n    {}\n)",
        dialect.identifier(name),
        lines.join(",\n    ")
    ))
}
