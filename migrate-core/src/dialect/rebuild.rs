//! Making a SQLite table anew, for what ALTER TABLE cannot do there: a pure function of the table before and after.
//!
//! The order is that of <https://sqlite.org/lang_altertable.html#otheralter>. Foreign keys have to be off before the
//! transaction begins; that, and comparing `foreign_key_check`, is the runner's.

use super::{Dialect, common};
use crate::schema::{Change, Column, Edit, Table, renamed};

/// Where the values of a column of the new table come from.
struct Source {
    /// Its name in the new table, so far.
    column: String,
    /// Its name in the old table, and an expression of it; the old name alone is the value itself.
    old: Option<String>,
    expression: Option<String>,
}

/// The statements that make `after` of `before`, with all rows.
pub(super) fn rebuild(
    dialect: &dyn Dialect,
    before: &Table,
    after: &Table,
    edits: &[Edit],
) -> Result<Vec<String>, String> {
    let moves_columns = |edit: &Edit| matches!(edit.change, Change::RenameColumn { .. } | Change::DropColumn { .. });
    if !before.triggers.is_empty() && edits.iter().any(moves_columns) {
        return Err(format!(
            "`{}` has triggers, which may name the column; rename or drop it in an `alter_table` of its own",
            before.name
        ));
    }
    let old = dialect.identifier(&before.name);
    let new_name = new_name(&before.name);
    let new = dialect.identifier(&new_name);
    let mut statements = vec![common::create_table(dialect, &new_name, after)?];

    let (columns, values) = copied(dialect, before, after, edits);
    if !columns.is_empty() {
        statements.push(format!(
            "INSERT INTO {new} ({}) SELECT {} FROM {old}",
            columns.join(", "),
            values.join(", ")
        ));
    }
    if counts(before) && counts(after) {
        // The mark of AUTOINCREMENT would otherwise fall back to the highest row that is there.
        let (old, new) = (dialect.text(&before.name), dialect.text(&new_name));
        statements.push(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {new}, 0 \
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = {new})"
        ));
        statements.push(format!(
            "UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = {old}), 0)) \
             WHERE name = {new}"
        ));
    }
    statements.push(format!("DROP TABLE {old}"));
    // Views and triggers elsewhere that name the table would stop the rename, although it ends where they want it.
    statements.push("PRAGMA legacy_alter_table = ON".to_owned());
    statements.push(format!("ALTER TABLE {new} RENAME TO {old}"));
    statements.push("PRAGMA legacy_alter_table = OFF".to_owned());
    for index in &after.indexes {
        statements.push(dialect.create_index(&after.name, index)?);
    }
    statements.extend(after.triggers.iter().map(|trigger| trigger.sql.clone()));
    if before.analyzed {
        statements.push(format!("ANALYZE {old}"));
    }
    Ok(statements)
}

/// What the name of a table begins with while it is made anew, so that it is no user's table.
pub(crate) const REBUILT: &str = "__migrate_new_";

fn new_name(table: &str) -> String {
    format!("{REBUILT}{table}")
}

fn counts(table: &Table) -> bool {
    table.columns.iter().any(|column| column.auto_increment)
}

/// The columns that are copied, and the values they get.
fn copied(dialect: &dyn Dialect, before: &Table, after: &Table, edits: &[Edit]) -> (Vec<String>, Vec<String>) {
    let mut sources: Vec<Source> = before
        .columns
        .iter()
        .map(|column| Source {
            column: column.name.clone(),
            old: Some(column.name.clone()),
            expression: None,
        })
        .collect();
    for edit in edits {
        match &edit.change {
            Change::RenameColumn { from, to } => {
                for source in sources.iter_mut().filter(|source| source.column == *from) {
                    to.clone_into(&mut source.column);
                }
            }
            Change::DropColumn { column, .. } => sources.retain(|source| source.column != *column),
            // What it was added with, even if it gets another default later in the same change.
            Change::AddColumn { column, fill } if !column.auto_increment => {
                let value = fill.as_ref().or(column.default.as_ref());
                sources.push(Source {
                    column: column.name.clone(),
                    old: None,
                    expression: Some(value.map_or_else(|| "NULL".to_owned(), |value| common::default(dialect, value))),
                });
            }
            Change::SetType {
                column,
                using: Some(using),
                ..
            } => {
                for source in sources.iter_mut().filter(|source| source.column == *column) {
                    // The rows come from the old table, where it may have had another name.
                    let old = source.old.as_deref().unwrap_or(column);
                    source.expression = Some(format!("({})", renamed(using, column, old)));
                }
            }
            _ => {}
        }
    }
    let mut columns = Vec::new();
    let mut values = Vec::new();
    if let Some(rowid) = rowid(before, after) {
        columns.push(rowid.to_owned());
        values.push(rowid.to_owned());
    }
    for source in sources {
        let is_computed = |column: &Column| column.generated.is_some();
        if after.column(&source.column).is_none_or(is_computed) {
            continue;
        }
        let value = match (source.expression, source.old) {
            (Some(expression), _) => expression,
            (None, Some(old)) => dialect.identifier(&old),
            (None, None) => continue,
        };
        columns.push(dialect.identifier(&source.column));
        values.push(value);
    }
    (columns, values)
}

/// The name of the rowid, if it is nobody's column: then it is copied as well, as it may be kept elsewhere.
fn rowid(before: &Table, after: &Table) -> Option<&'static str> {
    if has_own_rowid(before) || has_own_rowid(after) || before.without_rowid {
        return None;
    }
    let is_free = |name: &&str| {
        let columns = before.columns.iter().chain(&after.columns);
        columns
            .into_iter()
            .all(|column| !column.name.eq_ignore_ascii_case(name))
    };
    ["rowid", "_rowid_", "oid"].into_iter().find(is_free)
}

/// Whether a column is the rowid: counted up, or an INTEGER that is the primary key by itself.
/// <https://sqlite.org/lang_createtable.html#rowid>
fn has_own_rowid(table: &Table) -> bool {
    table
        .primary_key
        .as_ref()
        .is_some_and(|key| match key.columns.as_slice() {
            [only] => table.column(only).is_some_and(|column| {
                column.auto_increment || column.column_type == crate::schema::ColumnType::Integer
            }),
            _ => false,
        })
}
