//! Normalizes expressions and defaults of a found table to a known one, because servers print them in their own form.
//!
//! PostgreSQL prints `email LIKE '%@%'` as `((email)::text ~~ '%@%'::text)`, and MariaDB prints `lower(email)` as
//! `lcase(email)`. The texts do not show if two expressions are equal. So an expression that is found under a known
//! name is assumed to be the known one.

use crate::schema::{Column, ColumnType, DefaultValue, Index, IndexOn, Table, Value};

pub(super) fn normalize_to(found: &mut Table, known: &Table) {
    for check in &mut found.checks {
        if let Some(known) = known.checks.iter().find(|known| known.name == check.name) {
            check.expression.clone_from(&known.expression);
        }
    }
    for column in &mut found.columns {
        if let Some(known) = known.column(&column.name) {
            normalize_column(column, known);
        }
    }
    for index in &mut found.indexes {
        if let Some(known) = known.indexes.iter().find(|known| known.name == index.name) {
            tell_index_apart(index, known);
        }
    }
}

fn normalize_column(found: &mut Column, known: &Column) {
    let is_alike = match (&found.default, &known.default) {
        // Servers print `0`, `'{}'::jsonb` and `CURRENT_TIMESTAMP` the same, whether they were given as a value or an
        // expression.
        (Some(DefaultValue::Expression(_)), Some(_)) | (Some(_), Some(DefaultValue::Expression(_))) => true,
        // Servers print `'2024-2-3'` as `'2024-02-03'`, in the format of the type.
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

/// Returns true if the type keeps its values as the texts that were given.
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
