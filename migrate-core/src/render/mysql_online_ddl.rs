//! Decides which table changes MySQL and MariaDB run while others write to the table. Such a statement demands this, so
//! the server refuses it instead of copying the table, which would block writes.

use super::{Features, MySql, SqlDialect};
use crate::dialect::Dialect;
use crate::schema::{
    Column, ColumnEdit, ColumnType, ConstraintEdit, DefaultValue, Index, IndexEdit, IndexOn, ObjectKind, Table,
    TableEdit,
};
use crate::sql::mentions;

impl MySql {
    /// Returns the options of a statement whose changes are all [online](is_online).
    ///
    /// MariaDB takes the algorithm as the least efficient one allowed,
    /// <https://mariadb.com/kb/en/innodb-online-ddl-overview/>. MySQL would then rewrite the table in place where it
    /// need not, as for an added column, and it accepts no LOCK beside INSTANT. So MySQL gets no algorithm: a copy
    /// locks the table, and LOCK=NONE refuses that,
    /// <https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-performance.html>.
    pub(super) fn online(&self) -> &'static str {
        match self.features().takes_better_algorithms {
            true => "ALGORITHM=INPLACE, LOCK=NONE",
            false => "LOCK=NONE",
        }
    }
}

/// Returns true if both servers can make a change without a copy, whatever rows the table has:
/// <https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html>,
/// <https://mariadb.com/kb/en/innodb-online-ddl-operations-with-the-inplace-alter-algorithm/>. `there` is the table
/// before the change, `dropped` the kind of a dropped constraint.
pub(super) fn is_online(features: Features, change: &TableEdit, there: &Table, dropped: Option<ObjectKind>) -> bool {
    let beside_virtual = has_virtual_in_index(there) && is_refused_beside_virtual_in_index(change, there);
    let beside_check = !features.changes_columns_beside_checks && is_refused_beside_check(change, there);
    if beside_virtual || beside_check || takes_the_key(change, there) {
        return false;
    }
    match change {
        TableEdit::Column { name, edit } => is_online_for_column(name, edit, there),
        TableEdit::Constraint(edit) => match edit {
            ConstraintEdit::AddUnique(_) => true,
            ConstraintEdit::Drop(_) => dropped.is_some(),
            ConstraintEdit::AddPrimaryKey(_)
            | ConstraintEdit::DropPrimaryKey
            | ConstraintEdit::AddCheck(_)
            | ConstraintEdit::AddForeignKey(_) => false,
        },
        TableEdit::Index(edit) => match edit {
            IndexEdit::Add { index, .. } => !has_expression(index),
            IndexEdit::Drop { index, .. } => {
                let there = there.indexes.iter().find(|there| there.name == *index);
                there.is_some_and(|there| !has_expression(there))
            }
            IndexEdit::Rename { .. } => true,
        },
        TableEdit::Comment { .. } => true,
    }
}

fn is_online_for_column(name: &str, edit: &ColumnEdit, there: &Table) -> bool {
    match edit {
        ColumnEdit::Add { column, fill } => {
            let defaults = [column.default.as_ref(), fill.as_ref()];
            let is_plain = defaults
                .into_iter()
                .flatten()
                .all(|default| is_plain(&column.column_type, default));
            is_plain && !column.auto_increment && (column.generated.is_none() || is_virtual(column))
        }
        ColumnEdit::SetDefault(default) => there
            .column(name)
            .is_some_and(|there| is_plain(&there.column_type, default)),
        // MariaDB copies a table whose rows it must rewrite if a stored generated column must be computed again. It
        // also copies where NULL could become a computed default. A TIMESTAMP column may have such a default
        // implicitly.
        ColumnEdit::SetNotNull => {
            let is_kept = |column: &Column| column.generated.as_ref().is_some_and(|generated| generated.stored);
            let is_computed = |column: &Column| {
                let is_moment = match &column.column_type {
                    ColumnType::Timestamp | ColumnType::Timestamptz => true,
                    ColumnType::Named(name) => mentions(Dialect::MySql, name, "timestamp"),
                    _ => false,
                };
                let default = column.default.as_ref();
                is_moment || default.is_some_and(|default| !matches!(default, DefaultValue::Value(_)))
            };
            !there.columns.iter().any(is_kept) && !there.column(name).is_some_and(is_computed)
        }
        ColumnEdit::Drop { .. } | ColumnEdit::Rename { .. } | ColumnEdit::DropDefault | ColumnEdit::DropNotNull => true,
        ColumnEdit::SetType { .. } => false,
    }
}

/// Returns true if an [online](is_online) change needs a separate statement: one that adds or drops a virtual column or
/// an index on one, or drops a column of a table that has one. Alone it needs no rewrite of the table; its neighbours
/// may need one:
/// <https://dev.mysql.com/doc/refman/8.4/en/innodb-online-ddl-operations.html#online-ddl-generated-column-operations>.
pub(super) fn is_online_alone(change: &TableEdit, there: &Table) -> bool {
    match change {
        TableEdit::Column { edit, .. } => match edit {
            ColumnEdit::Add { column, .. } => is_virtual(column),
            ColumnEdit::Drop { .. } => there.columns.iter().any(is_virtual),
            _ => false,
        },
        TableEdit::Constraint(ConstraintEdit::AddUnique(unique)) => has_virtual(there, &unique.columns),
        TableEdit::Constraint(ConstraintEdit::Drop(name)) => there
            .uniques
            .iter()
            .any(|unique| unique.name == *name && has_virtual(there, &unique.columns)),
        TableEdit::Index(IndexEdit::Add { index, .. }) => is_on_virtual(there, index),
        TableEdit::Index(IndexEdit::Drop { index: name, .. }) => there
            .indexes
            .iter()
            .any(|index| index.name == *name && is_on_virtual(there, index)),
        _ => false,
    }
}

/// Returns true if a change rewrites the rows of a table or restates a virtual column. If the table has a virtual
/// column in an index, the servers block writes for both.
fn is_refused_beside_virtual_in_index(change: &TableEdit, there: &Table) -> bool {
    let is_virtual_there = |name: &String| there.column(name).is_some_and(is_virtual);
    match change {
        TableEdit::Column { name, edit } => match edit {
            ColumnEdit::Add { column, .. } => !is_virtual(column),
            ColumnEdit::Drop { .. } => !is_virtual_there(name),
            ColumnEdit::SetNotNull | ColumnEdit::DropNotNull => true,
            _ => false,
        },
        TableEdit::Comment { column, .. } => column.as_ref().is_some_and(is_virtual_there),
        TableEdit::Constraint(_) | TableEdit::Index(_) => false,
    }
}

/// Returns true if a change redefines or renames a column, and a CHECK names a column of a type that the server does
/// not recognize as unchanged.
fn is_refused_beside_check(change: &TableEdit, there: &Table) -> bool {
    let changes_column = matches!(
        change,
        TableEdit::Column {
            edit: ColumnEdit::SetNotNull | ColumnEdit::DropNotNull | ColumnEdit::Rename { .. },
            ..
        } | TableEdit::Comment { column: Some(_), .. }
    );
    let is_known = |column: &Column| {
        matches!(
            column.column_type,
            ColumnType::SmallInt
                | ColumnType::Integer
                | ColumnType::BigInt
                | ColumnType::Float
                | ColumnType::Double
                | ColumnType::Numeric { .. }
                | ColumnType::Bool
                | ColumnType::VarChar(_)
                | ColumnType::Char(_)
                | ColumnType::Json
                | ColumnType::Jsonb
        )
    };
    let mut unknown = there.columns.iter().filter(|column| !is_known(column));
    let is_checked = |column: &Column| {
        let mut checks = there.checks.iter();
        checks.any(|check| mentions(Dialect::MySql, &check.expression, &column.name))
    };
    changes_column && unknown.any(is_checked)
}

fn has_virtual_in_index(table: &Table) -> bool {
    let mut uniques = table.uniques.iter();
    let mut indexes = table.indexes.iter();
    uniques.any(|unique| has_virtual(table, &unique.columns)) || indexes.any(|index| is_on_virtual(table, index))
}

/// MySQL implements an expression key as a hidden virtual column.
fn is_on_virtual(table: &Table, index: &Index) -> bool {
    index.columns().is_none_or(|columns| has_virtual(table, &columns))
}

fn has_virtual(table: &Table, columns: &[String]) -> bool {
    columns.iter().any(|name| table.column(name).is_some_and(is_virtual))
}

/// Returns true if a column is computed when it is read.
fn is_virtual(column: &Column) -> bool {
    column.generated.as_ref().is_some_and(|generated| !generated.stored)
}

/// Returns true if a change may remove the unique key without NULLs that InnoDB orders the rows by, in a table without
/// a primary key: <https://dev.mysql.com/doc/refman/8.4/en/innodb-index-types.html>. That needs a copy.
fn takes_the_key(change: &TableEdit, there: &Table) -> bool {
    if there.primary_key.is_some() {
        return false;
    }
    let constraints = there
        .uniques
        .iter()
        .map(|unique| (&unique.name, unique.columns.clone()));
    let indexes = there.indexes.iter().filter(|index| index.unique);
    let indexes = indexes.filter_map(|index| Some((&index.name, index.columns()?)));
    let is_null = |column: &String| there.column(column).is_none_or(|column| column.nullable);
    constraints
        .chain(indexes)
        .filter(|(_, columns)| !columns.iter().any(is_null))
        .any(|(name, columns)| match change {
            TableEdit::Index(IndexEdit::Drop { index, .. }) => index == name,
            TableEdit::Constraint(ConstraintEdit::Drop(constraint)) => constraint == name,
            TableEdit::Column {
                name: column,
                edit: ColumnEdit::Drop { .. } | ColumnEdit::DropNotNull,
            } => columns.contains(column),
            _ => false,
        })
}

/// MySQL adds or drops a hidden column together with such an index.
fn has_expression(index: &Index) -> bool {
    index.keys.iter().any(|key| matches!(key.on, IndexOn::Expression(_)))
}

/// Returns true if a default is a constant that the type accepts as a literal.
pub(super) fn is_plain(of: &ColumnType, default: &DefaultValue) -> bool {
    matches!(default, DefaultValue::Value(_)) && !takes_expressions_alone(of)
}

/// Returns true if a type accepts a default only as an expression:
/// <https://dev.mysql.com/doc/refman/8.4/en/data-type-defaults.html>.
pub(super) fn takes_expressions_alone(of: &ColumnType) -> bool {
    let words = [
        "tinytext",
        "text",
        "mediumtext",
        "longtext",
        "tinyblob",
        "blob",
        "mediumblob",
        "longblob",
        "json",
    ];
    match of {
        ColumnType::Text | ColumnType::Binary | ColumnType::Json | ColumnType::Jsonb => true,
        ColumnType::Named(name) => words.iter().any(|word| mentions(Dialect::MySql, name, word)),
        _ => false,
    }
}
