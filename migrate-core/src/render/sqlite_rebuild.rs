//! Rebuilds a SQLite table for changes that ALTER TABLE cannot make: a pure function of the table before and after.
//!
//! The order is that of <https://sqlite.org/lang_altertable.html#otheralter>. Foreign keys must be off before the
//! transaction begins. The runner does that, and compares `foreign_key_check` before and after.

use super::operation::RenderedStatement;
use super::{SqlDialect, common};
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::schema::{Column, ColumnEdit, ColumnEffect, DefaultValue, IndexEdit, LocatedEdit, Table, TableEdit};
use crate::sql::mentions;

/// The source of a column's values in the new table.
struct Source {
    /// The column's name in the new table, so far.
    column: String,
    /// The column's name in the SELECT source, if it exists there.
    old: Option<String>,
    /// The SQL expression for the value.
    value: String,
}

/// Returns the statements that rebuild `before` as `after`, with all rows. `position` is that of the first edit in its
/// operation. The copy of the rows makes every edit but those of indexes.
pub(super) fn rebuild(
    dialect: &dyn SqlDialect,
    before: &Table,
    after: &Table,
    edits: &[LocatedEdit],
    position: usize,
) -> Result<Vec<RenderedStatement>, Mistake> {
    let moves_columns = |edit: &LocatedEdit| {
        let effect = edit.change.effects().column;
        matches!(effect, Some(ColumnEffect::Renamed { .. } | ColumnEffect::Dropped(_)))
    };
    if !before.triggers.is_empty() && edits.iter().any(moves_columns) {
        return Err(Code::COLUMN_IN_USE
            .mistake(format!("`{}` has triggers that may use the column", before.name))
            .help("rename or drop the column in its own `alter_table`"));
    }
    let old = dialect.identifier(&before.name);
    let new_name = new_name(&before.name);
    let new = dialect.identifier(&new_name);
    let mut statements = vec![RenderedStatement::from(common::create_table(
        dialect, &new_name, after,
    )?)];

    let copied = Copied::of(dialect, before, after, edits);
    if !copied.columns.is_empty() {
        let copy = format!(
            "INSERT INTO {new} ({}) SELECT {} FROM {}",
            copied.columns.join(", "),
            copied.values.join(", "),
            copied.from
        );
        let is_made = |(_, edit): &(usize, &LocatedEdit)| !matches!(edit.change, TableEdit::Index(_));
        let made = (position..).zip(edits).filter(is_made);
        statements.push(RenderedStatement::from(copy).of_edits(made.map(|(position, _)| position)));
    }
    let mut then = Vec::new();
    if counts(before) && counts(after) {
        // Otherwise the AUTOINCREMENT counter would fall back to the highest existing row.
        let (old, new) = (dialect.text(&before.name), dialect.text(&new_name));
        then.push(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {new}, 0 \
             WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = {new})"
        ));
        then.push(format!(
            "UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = {old}), 0)) \
             WHERE name = {new}"
        ));
    }
    then.push(format!("DROP TABLE {old}"));
    // Otherwise views and triggers that name the table would stop the rename, although it restores that name.
    then.push("PRAGMA legacy_alter_table = ON".to_owned());
    then.push(format!("ALTER TABLE {new} RENAME TO {old}"));
    then.push("PRAGMA legacy_alter_table = OFF".to_owned());
    statements.extend(then.into_iter().map(RenderedStatement::from));
    for index in &after.indexes {
        let create = RenderedStatement::from(dialect.create_index(&after.name, index)?);
        let made = position_of_index(&index.name, edits).map(|at| position + at);
        statements.push(create.of_edits(made));
    }
    let last = after.triggers.iter().map(|trigger| trigger.sql.clone());
    let last = last.chain(before.analyzed.then(|| format!("ANALYZE {old}")));
    statements.extend(last.map(RenderedStatement::from));
    Ok(statements)
}

/// Returns the position of the edit that adds the index with the name `name`, which later edits may have renamed.
fn position_of_index(name: &str, edits: &[LocatedEdit]) -> Option<usize> {
    let mut name = name;
    for (position, edit) in edits.iter().enumerate().rev() {
        match &edit.change {
            TableEdit::Index(IndexEdit::Rename { from, to }) if to == name => name = from,
            TableEdit::Index(IndexEdit::Add { index, .. }) if index.name == name => return Some(position),
            _ => {}
        }
    }
    None
}

/// The name prefix of a table during its rebuild, which sets it apart from users' tables.
pub(crate) const REBUILT: &str = "__migrate_new_";

fn new_name(table: &str) -> String {
    format!("{REBUILT}{table}")
}

fn counts(table: &Table) -> bool {
    table.columns.iter().any(|column| column.auto_increment)
}

/// The columns to copy, their values, and the table or subquery that the SELECT reads.
struct Copied {
    columns: Vec<String>,
    values: Vec<String>,
    from: String,
}

impl Copied {
    fn of(dialect: &dyn SqlDialect, before: &Table, after: &Table, edits: &[LocatedEdit]) -> Copied {
        let rowid = rowid(before, after);
        let mut from = dialect.identifier(&before.name);
        let unchanged = |name: &str| Source {
            column: name.to_owned(),
            old: Some(name.to_owned()),
            value: dialect.identifier(name),
        };
        let mut sources: Vec<Source> = before.columns.iter().map(|column| unchanged(&column.name)).collect();
        // An expression names columns as they are after the edits before it.
        let settle = |expression: &str, sources: &mut Vec<Source>, from: &mut String| {
            let is_changed =
                |source: &&Source| source.old.as_ref() != Some(&source.column) || !source.is_plain(dialect);
            let is_meant = |source: &Source| {
                let names = std::iter::once(&source.column).chain(&source.old);
                names.into_iter().any(|name| mentions(dialect.kind(), expression, name))
            };
            if !sources.iter().filter(is_changed).any(is_meant) {
                return;
            }
            let rowid = rowid.map(str::to_owned).into_iter();
            let columns = sources
                .iter()
                .map(|source| format!("{} AS {}", source.value, dialect.identifier(&source.column)));
            let columns: Vec<String> = rowid.chain(columns).collect();
            *from = format!("(SELECT {} FROM {from})", columns.join(", "));
            *sources = sources.iter().map(|source| unchanged(&source.column)).collect();
        };
        for edit in edits {
            let TableEdit::Column { name, edit } = &edit.change else {
                continue;
            };
            match edit {
                ColumnEdit::Rename { to } => {
                    for source in sources.iter_mut().filter(|source| source.column == *name) {
                        to.clone_into(&mut source.column);
                    }
                }
                ColumnEdit::Drop { .. } => sources.retain(|source| source.column != *name),
                // The value that the column was added with, even if a later edit of the same change sets another
                // default.
                ColumnEdit::Add { column, fill } if !column.auto_increment => {
                    let value = fill.as_ref().or(column.default.as_ref());
                    if let Some(DefaultValue::Expression(expression)) = value {
                        settle(expression, &mut sources, &mut from);
                    }
                    sources.push(Source {
                        column: column.name.clone(),
                        old: None,
                        value: value.map_or_else(|| "NULL".to_owned(), |value| common::default(dialect, value)),
                    });
                }
                ColumnEdit::SetType { using: Some(using), .. } => {
                    settle(using, &mut sources, &mut from);
                    for source in sources.iter_mut().filter(|source| source.column == *name) {
                        source.value = format!("({using})");
                    }
                }
                _ => {}
            }
        }
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        if let Some(rowid) = rowid {
            columns.push(rowid.to_owned());
            values.push(rowid.to_owned());
        }
        let is_computed = |column: &Column| column.generated.is_some();
        for source in sources {
            if !after.column(&source.column).is_none_or(is_computed) {
                columns.push(dialect.identifier(&source.column));
                values.push(source.value);
            }
        }
        Copied { columns, values, from }
    }
}

impl Source {
    /// Returns true if the column is copied unchanged.
    fn is_plain(&self, dialect: &dyn SqlDialect) -> bool {
        self.old
            .as_ref()
            .is_some_and(|old| self.value == dialect.identifier(old))
    }
}

/// Returns a name for the rowid that no column uses. The rebuild copies the rowid, because other data may refer to it.
fn rowid(before: &Table, after: &Table) -> Option<&'static str> {
    if before.rowid_column().is_some() || after.rowid_column().is_some() || before.without_rowid {
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
