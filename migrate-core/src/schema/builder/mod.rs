//! The builders that steps and the closures of `create_table` and `alter_table` use. Those of a closure do not borrow
//! from the table, so that the closure may return one.
//!
//! Builders record and do not check. Checks need the schema before the edits, which `state` knows.

mod column;
mod enum_value;
mod index;
mod table;

pub use column::{ColumnBuilder, DefaultFor, ForeignKeyBuilder, kind};
pub use enum_value::AddEnumValue;
pub use index::{DropIndex, IndexBuilder, asc, desc, expression};
pub(super) use index::{add_index, drop_index, index_on, rename_index};
pub(super) use table::set_comment;
pub use table::{AlterTable, ChangeType, DropColumn, TableBuilder};

use std::cell::RefCell;
use std::rc::Rc;

use super::operation::{ColumnEdit, LocatedEdit, TableEdit};
use crate::location::Location;

/// The edits that the closure of a table has recorded so far. Each builder shares them.
#[derive(Clone, Debug)]
pub(super) struct EditList {
    table: Rc<str>,
    edits: Rc<RefCell<Vec<LocatedEdit>>>,
}

impl EditList {
    pub(super) fn new(table: &str) -> EditList {
        EditList {
            table: table.into(),
            edits: Rc::default(),
        }
    }

    fn table(&self) -> &str {
        &self.table
    }

    /// Adds an edit and returns its position.
    fn add(&self, change: impl Into<TableEdit>, location: Location) -> usize {
        let mut edits = self.edits.borrow_mut();
        let change = change.into();
        edits.push(LocatedEdit { change, location });
        edits.len() - 1
    }

    /// Updates an edit. After `finish`, it does nothing.
    fn update(&self, at: usize, update: impl FnOnce(&mut TableEdit)) {
        if let Some(edit) = self.edits.borrow_mut().get_mut(at) {
            update(&mut edit.change);
        }
    }

    /// Updates an edit of a column.
    fn update_column(&self, at: usize, update: impl FnOnce(&mut ColumnEdit)) {
        self.update(at, |change| {
            if let TableEdit::Column { edit, .. } = change {
                update(edit);
            }
        });
    }

    /// Returns the recorded edits. Builders that outlive the closure have no effect afterwards.
    pub(super) fn finish(self) -> Vec<LocatedEdit> {
        self.edits.take()
    }
}

fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}
