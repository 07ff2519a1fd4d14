//! Edits of an unknown table: an edit is allowed, and its inverse is derived where that needs no knowledge of the
//! table.

use super::rules::{diagnostic, unknown_definition};
use super::{CheckedOperation, Findings};
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::location::Location;
use crate::schema::operation::{LocatedEdit, Operation, TableEdit};

pub(super) fn changes_nothing(table: &str) -> Mistake {
    Code::NO_CHANGE
        .mistake(format!("`alter_table({table:?}, ..)` changes nothing"))
        .help("add a change, or remove the call")
}

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
                unknown_definition(format!(
                    "rollback cannot undo this change of `{name}`, because its definition is unknown after raw SQL"
                )),
            )),
        }
    }
    if edits.is_empty() {
        return Err(vec![diagnostic(location, changes_nothing(name))]);
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
