//! Normalizes a table that was read from MySQL or MariaDB to a known one.
//!
//! The server stores some definitions alike, or not at all. In those places the found table gets the attributes of the
//! known one, so that neither a comparison nor a later change sees a difference.

use super::{MySql, SqlDialect, normalize};
use crate::schema::{
    Column, DefaultValue, ForeignKeyAction, Index, IndexKey, IndexMethod, IndexOn, Table, Unique, Value,
};
use crate::sql::normalize;

pub(super) fn normalize_to(dialect: &MySql, found: &mut Table, known: &Table) {
    uniques(found, known);
    normalize::normalize_to(found, known);
    for column in &mut found.columns {
        if let Some(known) = known.column(&column.name) {
            normalize_column(dialect, column, known);
        }
    }
    for key in &mut found.foreign_keys {
        if let Some(known) = known.foreign_keys.iter().find(|known| known.name == key.name) {
            reaction(&mut key.on_delete, known.on_delete);
            reaction(&mut key.on_update, known.on_update);
        }
    }
    for index in &mut found.indexes {
        // InnoDB creates a B-tree: https://dev.mysql.com/doc/refman/8.4/en/create-index.html#create-index-options
        let is_hash = |known: &&Index| known.name == index.name && known.method == Some(IndexMethod::Hash);
        if index.method.is_none() && known.indexes.iter().any(|known| is_hash(&known)) {
            index.method = Some(IndexMethod::Hash);
        }
    }
}

/// A UNIQUE constraint and a unique index of the same name are the same object:
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table.html#create-table-indexes-keys>.
fn uniques(found: &mut Table, known: &Table) {
    let is_index = |unique: &mut Unique| {
        let same = |index: &Index| index.unique && index.name == unique.name;
        known.indexes.iter().any(same)
    };
    let indexes = found.uniques.extract_if(.., is_index).map(|unique| Index {
        name: unique.name,
        keys: unique.columns.into_iter().map(plain).collect(),
        unique: true,
        filter: None,
        include: Vec::new(),
        method: None,
    });
    found.indexes.extend(indexes);
    let is_constraint = |index: &mut Index| {
        let same = |unique: &Unique| {
            let keys: Vec<IndexKey> = unique.columns.iter().cloned().map(plain).collect();
            unique.name == index.name && keys == index.keys
        };
        index.unique && index.method.is_none() && known.uniques.iter().any(same)
    };
    let constraints = found.indexes.extract_if(.., is_constraint).filter_map(|index| {
        Some(Unique {
            columns: index.columns()?,
            name: index.name,
        })
    });
    found.uniques.extend(constraints);
}

fn plain(column: String) -> IndexKey {
    IndexKey {
        on: IndexOn::Column(column),
        collation: None,
        descending: false,
    }
}

fn normalize_column(dialect: &MySql, found: &mut Column, known: &Column) {
    // JSON and JSONB are one type, and every type can also be given by name.
    let written = |column: &Column| {
        Some(normalize(
            dialect.kind(),
            &dialect.column_type(&column.column_type).ok()?,
        ))
    };
    if written(found) == written(known) {
        found.column_type = known.column_type.clone();
    }
    // The server stores a default in the column's type, and may print a whole number for a column with fractions.
    if let (Some(DefaultValue::Value(Value::Integer(whole))), Some(DefaultValue::Value(Value::Double(number)))) =
        (&found.default, &known.default)
        && *whole as f64 == *number
    {
        found.default.clone_from(&known.default);
    }
    // https://mariadb.com/kb/en/generated-columns/
    if !dialect.features().generated_not_null && found.generated.is_some() {
        found.nullable = known.nullable;
    }
}

/// InnoDB treats RESTRICT and NO ACTION alike:
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html#foreign-key-referential-actions>.
fn reaction(found: &mut ForeignKeyAction, known: ForeignKeyAction) {
    if *found == ForeignKeyAction::NoAction && known == ForeignKeyAction::Restrict {
        *found = known;
    }
}
