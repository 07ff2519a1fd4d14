//! What who reads a plan should know of a step beside its SQL.

use crate::schema::{Change, Operation};

/// Nothing is known of what an operation changes.
pub(super) fn unchecked(operation: &Operation) -> Vec<String> {
    let note = |name: String| {
        format!("not checked: what `{name}` looks like is not known, as raw SQL may have made or changed it")
    };
    operation.names().into_iter().map(note).collect()
}

/// Rows and values that go, and those that do not come back.
pub(super) fn losses(operation: &Operation, goes_back: bool) -> Vec<String> {
    match operation {
        Operation::DropTable { table } => vec![format!("careful: the rows of `{table}` are lost")],
        Operation::CreateTable { table, .. } if goes_back => vec![format!("`{table}` comes back without its rows")],
        Operation::AlterTable { table, edits } => {
            let note = |change: &Change| match change {
                Change::DropColumn { column, .. } => {
                    Some(format!("careful: the values of `{table}.{column}` are lost"))
                }
                Change::AddColumn { column, .. } if goes_back && column.generated.is_none() => {
                    Some(format!("`{table}.{}` comes back without its values", column.name))
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
