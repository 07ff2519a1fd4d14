//! Expressions and values that servers print in words of their own, told apart by what is known of a table.
//!
//! `email LIKE '%@%'` comes back as `((email)::text ~~ '%@%'::text)` from PostgreSQL, `lower(email)` as `lcase(email)` from
//! MariaDB. Whether two expressions mean the same cannot be told from their texts, so one that is found where one is known,
//! under the same name, is taken for that.

use crate::schema::{Column, ColumnType, DefaultValue, Index, IndexOn, Table, Value};

pub(super) fn normalize_to(found: &mut Table, known: &Table) {
    for check in &mut found.checks {
        if let Some(known) = known.checks.iter().find(|known| known.name == check.name) {
            check.expression.clone_from(&known.expression);
        }
    }
    for column in &mut found.columns {
        if let Some(known) = known.column(&column.name) {
            tell_column_apart(column, known);
        }
    }
    for index in &mut found.indexes {
        if let Some(known) = known.indexes.iter().find(|known| known.name == index.name) {
            tell_index_apart(index, known);
        }
    }
}

fn tell_column_apart(found: &mut Column, known: &Column) {
    let is_alike = match (&found.default, &known.default) {
        // `0`, `'{}'::jsonb` and `CURRENT_TIMESTAMP` come back as plain as values, whichever way they were given.
        (Some(DefaultValue::Expression(_)), Some(_)) | (Some(_), Some(DefaultValue::Expression(_))) => true,
        // `'2024-2-3'` comes back as `'2024-02-03'`: as the type writes its values.
        (Some(DefaultValue::Value(Value::Text(_))), Some(DefaultValue::Value(Value::Text(_)))) => {
            !is_text(&known.column_type)
        }
        _ => false,
    };
    if is_alike {
        found.default.clone_from(&known.default);
    }
    if let (Some(found), Some(known)) = (&mut found.generated, &known.generated) {
        found.expression.clone_from(&known.expression);
    }
}

/// Whether its values are the texts as they were given.
fn is_text(column_type: &ColumnType) -> bool {
    matches!(
        column_type,
        ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) | ColumnType::Enum(_)
    )
}

fn tell_index_apart(found: &mut Index, known: &Index) {
    if let (Some(found), Some(known)) = (&mut found.filter, &known.filter) {
        found.clone_from(known);
    }
    for (found, known) in found.keys.iter_mut().zip(&known.keys) {
        if let (IndexOn::Expression(found), IndexOn::Expression(known)) = (&mut found.on, &known.on) {
            found.clone_from(known);
        }
    }
}
