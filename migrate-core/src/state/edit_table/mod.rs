//! Applies the edits of one table in order: each is checked, inverted and applied.

mod column;
mod constraint;
mod index;

use std::collections::BTreeMap;

use super::rules::diagnostic;
use super::validate::unknown_column;
use super::{Findings, SchemaState, Uniform};
use crate::diagnostic::{Diagnostic, Mistake};
use crate::schema::operation::{ColumnEffect, LocatedEdit, TableEdit};
use crate::schema::table::{Column, Table};

/// A table during its edits.
pub(super) struct Editing<'a> {
    pub(super) state: &'a SchemaState,
    pub(super) table: Table,
    /// True if the table is new, so that it holds no rows.
    pub(super) is_empty: bool,
    /// Columns with an equal value in every row.
    pub(super) uniform: BTreeMap<String, Uniform>,
    /// The edits in full, with those that they imply.
    pub(super) forward: Vec<LocatedEdit>,
    /// The inverse of each edit, in the order of the edits.
    pub(super) back: Vec<LocatedEdit>,
    pub(super) missing: Vec<Diagnostic>,
    pub(super) findings: Findings,
    /// Renamed columns, for the tables that reference them.
    pub(super) renames: Vec<(String, String)>,
}

impl<'a> Editing<'a> {
    pub(super) fn new(state: &'a SchemaState, table: Table, is_empty: bool) -> Editing<'a> {
        Editing {
            state,
            table,
            is_empty,
            uniform: BTreeMap::new(),
            forward: Vec::new(),
            back: Vec::new(),
            missing: Vec::new(),
            findings: Findings::new(),
            renames: Vec::new(),
        }
    }

    pub(super) fn all(&mut self, edits: &[LocatedEdit]) {
        for edit in edits {
            if let Err(mistake) = self.one(edit) {
                self.findings.push(diagnostic(edit.location, mistake));
                // A later use of a refused column must not cause a second diagnostic.
                if let Some(ColumnEffect::Added(column)) = edit.change.effects().column
                    && self.table.column(&column.name).is_none()
                {
                    self.table.columns.push(column.clone());
                }
            }
        }
        if self.findings.is_empty() {
            self.check_whole(edits);
        }
    }

    /// Checks an edit, applies it, and records it with its inverse.
    fn one(&mut self, edit: &LocatedEdit) -> Result<(), Mistake> {
        let location = edit.location;
        match &edit.change {
            TableEdit::Column { name, edit } => self.column_edit(name, edit, location)?,
            TableEdit::Constraint(edit) => self.check_constraint_edit(edit)?,
            TableEdit::Index(edit) => self.check_index_edit(edit)?,
            TableEdit::Comment { column, .. } => {
                if let Some(column) = column {
                    self.position(column)?;
                }
            }
        }
        let inverse = edit.change.inverse(Some(&self.table));
        let inverse = inverse.map_err(|missing| missing.mistake(&self.table.name))?;
        self.table.apply(self.state.dialect, &edit.change);
        self.forward.push(edit.clone());
        self.back.push(LocatedEdit {
            change: inverse,
            location,
        });
        Ok(())
    }

    pub(super) fn position(&self, column: &str) -> Result<usize, Mistake> {
        let table = &self.table;
        if let Some(position) = table.columns.iter().position(|there| there.name == column) {
            return Ok(position);
        }
        Err(unknown_column(table, column))
    }

    fn column(&self, column: &str) -> Result<&Column, Mistake> {
        let position = self.position(column)?;
        Ok(&self.table.columns[position])
    }
}
