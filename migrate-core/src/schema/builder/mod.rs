//! What users write inside `create_table` and `alter_table`. Handles do not borrow, so that a closure may return one.
//!
//! The words record what was said and check nothing: that needs the schema before them, which `model` knows.

mod column;
mod enum_value;
mod index;
mod table;

pub use column::{ColumnBuilder, DefaultFor, ForeignKeyBuilder, kind};
pub use enum_value::AddEnumValue;
pub use index::{DropIndex, IndexBuilder, asc, desc, expression};
pub(super) use index::{add_index, index_on};
pub(super) use table::set_comment;
pub use table::{AlterTable, ChangeType, DropColumn, TableBuilder};

use std::cell::RefCell;
use std::rc::Rc;

use super::operation::{LocatedEdit, TableEdit};
use crate::location::Location;

/// The edits of a table while its closure runs. Every handle into it holds it.
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

    /// Adds an edit and says where it stands.
    fn add(&self, change: TableEdit, location: Location) -> usize {
        let mut edits = self.edits.borrow_mut();
        edits.push(LocatedEdit { change, location });
        edits.len() - 1
    }

    /// Changes an edit that is there already, as long as the closure has not ended.
    fn update(&self, at: usize, update: impl FnOnce(&mut TableEdit)) {
        if let Some(edit) = self.edits.borrow_mut().get_mut(at) {
            update(&mut edit.change);
        }
    }

    /// What was described. A handle that somebody kept changes nothing any more.
    pub(super) fn finish(self) -> Vec<LocatedEdit> {
        self.edits.take()
    }
}

fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}
