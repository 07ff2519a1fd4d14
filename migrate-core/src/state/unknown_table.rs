//! Edits of an unknown table: an edit is allowed, and its inverse is derived where that needs no knowledge of the
//! table.

use super::rules::diagnostic;
use super::{CheckedOperation, Findings};
use crate::location::Location;
use crate::schema::operation::{LocatedEdit, Operation, TableEdit};

pub(super) fn alter_unknown(
    name: &str,
    edits: &[LocatedEdit],
    location: Location,
) -> Result<CheckedOperation, Findings> {
    let mut back = Vec::new();
    let mut missing = Vec::new();
    for edit in edits {
        match inverse_of_unknown(&edit.change) {
            Some(change) => back.push(LocatedEdit {
                change,
                location: edit.location,
            }),
            None => missing.push(diagnostic(
                edit.location,
                format!(
                    "what `{name}` was before this is not known, because raw SQL may have changed it; say what that did with \
                     `.changes(..)`"
                ),
            )),
        }
    }
    if edits.is_empty() {
        return Err(vec![diagnostic(
            location,
            format!("nothing of `{name}` is changed; say what, or leave the call out"),
        )]);
    }
    back.reverse();
    Ok(CheckedOperation {
        operation: Operation::AlterTable {
            table: name.to_owned(),
            edits: edits.to_vec(),
        },
        before: None,
        after: None,
        inverse: Operation::AlterTable {
            table: name.to_owned(),
            edits: back,
        },
        missing,
        views: Vec::new(),
        shared: Vec::new(),
    })
}

/// Returns the inverse of an edit, if it needs no knowledge of the table.
fn inverse_of_unknown(change: &TableEdit) -> Option<TableEdit> {
    Some(match change {
        TableEdit::AddColumn { column, .. } => TableEdit::DropColumn {
            column: column.name.clone(),
            fill: None,
        },
        TableEdit::RenameColumn { from, to } => TableEdit::RenameColumn {
            from: to.clone(),
            to: from.clone(),
        },
        TableEdit::SetNotNull { column } => TableEdit::DropNotNull { column: column.clone() },
        TableEdit::DropNotNull { column } => TableEdit::SetNotNull { column: column.clone() },
        TableEdit::AddPrimaryKey(_) => TableEdit::DropPrimaryKey,
        TableEdit::AddUnique(unique) => TableEdit::DropConstraint {
            constraint: unique.name.clone(),
        },
        TableEdit::AddCheck(check) => TableEdit::DropConstraint {
            constraint: check.name.clone(),
        },
        TableEdit::AddForeignKey(foreign_key) => TableEdit::DropConstraint {
            constraint: foreign_key.name.clone(),
        },
        TableEdit::AddIndex { index, concurrently } => TableEdit::DropIndex {
            index: index.name.clone(),
            concurrently: *concurrently,
        },
        TableEdit::RenameIndex { from, to } => TableEdit::RenameIndex {
            from: to.clone(),
            to: from.clone(),
        },
        TableEdit::DropColumn { .. }
        | TableEdit::SetType { .. }
        | TableEdit::SetDefault { .. }
        | TableEdit::DropDefault { .. }
        | TableEdit::SetComment { .. }
        | TableEdit::DropPrimaryKey
        | TableEdit::DropConstraint { .. }
        | TableEdit::DropIndex { .. } => return None,
    })
}
