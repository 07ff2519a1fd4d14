//! Expressions, which servers print in words of their own, told apart by what is known of a table.
//!
//! `email LIKE '%@%'` comes back as `((email)::text ~~ '%@%'::text)` from PostgreSQL, `lower(email)` as `lcase(email)` from
//! MariaDB. Whether two expressions mean the same cannot be told from their texts, so one that is found where one is known,
//! under the same name, is taken for that.

use crate::schema::{Column, DefaultValue, Index, IndexOn, Table};

pub(super) fn tell_apart(found: &mut Table, known: &Table) {
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
    // `0`, `'{}'::jsonb` and `CURRENT_TIMESTAMP` come back as plain as values, whichever way they were given.
    if let (Some(DefaultValue::Expression(_)), Some(_)) | (Some(_), Some(DefaultValue::Expression(_))) =
        (&found.default, &known.default)
    {
        found.default.clone_from(&known.default);
    }
    if let (Some(found), Some(known)) = (&mut found.generated, &known.generated) {
        found.expression.clone_from(&known.expression);
    }
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
