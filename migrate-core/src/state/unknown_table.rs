//! Changes of a table of which nothing is known: what does not need to know it goes through.

use super::rules::problem;
use super::{Applied, Findings};
use crate::location::Place;
use crate::schema::operation::{Change, Edit, Operation};

pub(super) fn alter_unknown(name: &str, edits: &[Edit], place: Place) -> Result<Applied, Findings> {
    let mut back = Vec::new();
    let mut missing = Vec::new();
    for edit in edits {
        match inverse_unseen(&edit.change) {
            Some(change) => back.push(Edit {
                change,
                place: edit.place,
            }),
            None => missing.push(problem(
                edit.place,
                format!(
                    "what `{name}` was before this is not known, because raw SQL may have changed it; say what that did with \
                     `.changes(..)`"
                ),
            )),
        }
    }
    if edits.is_empty() {
        return Err(vec![problem(
            place,
            format!("nothing of `{name}` is changed; say what, or leave the call out"),
        )]);
    }
    back.reverse();
    Ok(Applied {
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

/// The inverse of what needs no knowledge to be taken back.
fn inverse_unseen(change: &Change) -> Option<Change> {
    Some(match change {
        Change::AddColumn { column, .. } => Change::DropColumn {
            column: column.name.clone(),
            fill: None,
        },
        Change::RenameColumn { from, to } => Change::RenameColumn {
            from: to.clone(),
            to: from.clone(),
        },
        Change::SetNotNull { column } => Change::DropNotNull { column: column.clone() },
        Change::DropNotNull { column } => Change::SetNotNull { column: column.clone() },
        Change::AddPrimaryKey(_) => Change::DropPrimaryKey,
        Change::AddUnique(unique) => Change::DropConstraint {
            constraint: unique.name.clone(),
        },
        Change::AddCheck(check) => Change::DropConstraint {
            constraint: check.name.clone(),
        },
        Change::AddForeignKey(foreign_key) => Change::DropConstraint {
            constraint: foreign_key.name.clone(),
        },
        Change::AddIndex { index, concurrently } => Change::DropIndex {
            index: index.name.clone(),
            concurrently: *concurrently,
        },
        Change::RenameIndex { from, to } => Change::RenameIndex {
            from: to.clone(),
            to: from.clone(),
        },
        Change::DropColumn { .. }
        | Change::SetType { .. }
        | Change::SetDefault { .. }
        | Change::DropDefault { .. }
        | Change::SetComment { .. }
        | Change::DropPrimaryKey
        | Change::DropConstraint { .. }
        | Change::DropIndex { .. } => return None,
    })
}
