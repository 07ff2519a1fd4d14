//! Edits of an unknown table: an edit is allowed, and its inverse is derived where that needs no knowledge of the
//! table.

use super::rules::diagnostic;
use super::{CheckedOperation, Findings};
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::location::Location;
use crate::schema::operation::{LocatedEdit, Operation};

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
        match edit.change.inverse(None) {
            Ok(change) => back.push(LocatedEdit {
                change,
                location: edit.location,
            }),
            Err(what) => missing.push(diagnostic(edit.location, what.mistake(name))),
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
