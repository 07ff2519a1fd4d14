//! Warnings and notes on a step, which a plan prints beside its SQL.

use super::note::Note;
use crate::code::Code;
use crate::render::SqlDialect;
use crate::schema::{ColumnEffect, Operation, Table};

/// Returns a note for each object that an operation changes, if its definition is unknown.
pub(super) fn unchecked(operation: &Operation) -> Vec<Note> {
    let note = |name: String| {
        Note::info(format!(
            "not checked: the definition of `{name}` is unknown after raw SQL"
        ))
    };
    operation.names().into_iter().map(note).collect()
}

/// Returns warnings for rows and values that an operation loses, and notes for those that a rollback does not restore.
pub(super) fn losses(operation: &Operation, before: Option<&Table>, goes_back: bool) -> Vec<Note> {
    match operation {
        Operation::DropTable { table } => vec![Note::warning(
            Code::TABLE_ROWS_LOST,
            format!("the rows of `{table}` are lost"),
        )],
        Operation::CreateTable { table, .. } if goes_back => {
            vec![Note::info(format!("`{table}` is restored without its rows"))]
        }
        Operation::AlterTable { table, edits } => {
            let note = |effect: ColumnEffect<'_>| match effect {
                ColumnEffect::Dropped(column) => Some(Note::warning(
                    Code::COLUMN_VALUES_LOST,
                    format!("the values of `{table}.{column}` are lost"),
                )),
                ColumnEffect::Added(column) if goes_back && column.generated.is_none() => Some(Note::info(format!(
                    "`{table}.{}` is restored without its values, as the last column",
                    column.name
                ))),
                ColumnEffect::Converted { column, to } => {
                    let from = &before?.column(column)?.column_type;
                    from.loses_as(to).then(|| {
                        Note::warning(
                            Code::VALUES_TRUNCATED,
                            format!("values of `{table}.{column}` are truncated to {}", to.encoding()),
                        )
                    })
                }
                ColumnEffect::Added(_) | ColumnEffect::Renamed { .. } => None,
            };
            let effects = edits.iter().filter_map(|edit| edit.change.effects().column);
            effects.filter_map(note).collect()
        }
        Operation::CreateTable { .. }
        | Operation::RenameTable { .. }
        | Operation::CreateView { .. }
        | Operation::DropView { .. }
        | Operation::ChangeEnum { .. } => Vec::new(),
    }
}

/// Returns warnings for a change for which the server may copy the table.
pub(super) fn copies(operation: &Operation, dialect: &dyn SqlDialect) -> Vec<Note> {
    let note = |name: String| {
        Note::warning(
            Code::WRITES_BLOCKED,
            format!("{} may copy `{name}`, blocking writes while it does", dialect.name()),
        )
    };
    operation.names().into_iter().map(note).collect()
}

/// Returns warnings for the parts of a dropped table that no migration describes. `there` is the table as it was found.
pub(super) fn unknown_losses(operation: &Operation, there: &Table) -> Vec<Note> {
    let Operation::DropTable { table } = operation else {
        return Vec::new();
    };
    let triggers = there
        .triggers
        .iter()
        .map(|trigger| format!("the trigger `{}`", trigger.name));
    let options = [(there.strict, "STRICT"), (there.without_rowid, "WITHOUT ROWID")];
    let options = options
        .into_iter()
        .filter(|(is_there, _)| *is_there)
        .map(|(_, option)| format!("the option {option}"));
    let note = |what: String| {
        Note::warning(
            Code::UNTRACKED_OBJECT_LOST,
            format!("{what} of `{table}` is dropped with it, and a rollback does not restore it"),
        )
    };
    triggers.chain(options).map(note).collect()
}
