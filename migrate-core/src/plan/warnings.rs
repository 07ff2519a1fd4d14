//! Warnings and notes on a step, which a plan prints beside its SQL.

use crate::render::SqlDialect;
use crate::schema::{Operation, Table, TableEdit};

/// Returns a note for each object that an operation changes, if its definition is unknown.
pub(super) fn unchecked(operation: &Operation) -> Vec<String> {
    let note = |name: String| {
        format!("not checked: what `{name}` looks like is not known, as raw SQL may have made or changed it")
    };
    operation.names().into_iter().map(note).collect()
}

/// Returns warnings for rows and values that an operation loses, and notes for those that a rollback does not restore.
pub(super) fn losses(operation: &Operation, before: Option<&Table>, goes_back: bool) -> Vec<String> {
    match operation {
        Operation::DropTable { table } => vec![format!("careful: the rows of `{table}` are lost")],
        Operation::CreateTable { table, .. } if goes_back => vec![format!("`{table}` comes back without its rows")],
        Operation::AlterTable { table, edits } => {
            let note = |change: &TableEdit| match change {
                TableEdit::DropColumn { column, .. } => {
                    Some(format!("careful: the values of `{table}.{column}` are lost"))
                }
                TableEdit::AddColumn { column, .. } if goes_back && column.generated.is_none() => Some(format!(
                    "`{table}.{}` comes back without its values, as the last column",
                    column.name
                )),
                TableEdit::SetType { column, to, .. } => {
                    let from = &before?.column(column)?.column_type;
                    from.loses_as(to).then(|| {
                        format!(
                            "careful: values of `{table}.{column}` lose what {} has no place for",
                            to.encoding()
                        )
                    })
                }
                _ => None,
            };
            edits.iter().filter_map(|edit| note(&edit.change)).collect()
        }
        Operation::CreateTable { .. }
        | Operation::RenameTable { .. }
        | Operation::CreateView { .. }
        | Operation::DropView { .. }
        | Operation::ChangeEnum { .. } => Vec::new(),
    }
}

/// Returns warnings for a change for which the server may copy the table.
pub(super) fn copies(operation: &Operation, dialect: &dyn SqlDialect) -> Vec<String> {
    let note = |name: String| {
        format!(
            "careful: {} may copy `{name}` for this, and nobody could write to it meanwhile",
            dialect.name()
        )
    };
    operation.names().into_iter().map(note).collect()
}

/// Returns warnings for the parts of a dropped table that no migration describes. `there` is the table as it was found.
pub(super) fn unknown_losses(operation: &Operation, there: &Table) -> Vec<String> {
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
        .map(|(_, option)| option.to_owned());
    let note = |what: String| format!("careful: {what} goes with `{table}`, and does not come back");
    triggers.chain(options).map(note).collect()
}
