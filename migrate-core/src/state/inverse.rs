//! The inverse of each edit of a table.

use super::rules::unknown_definition;
use crate::diagnostic::Mistake;
use crate::schema::operation::{ColumnEdit, ConstraintEdit, IndexEdit, TableEdit};
use crate::schema::table::{Column, Index, Table};

/// The definition that an inverse needs is unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing;

impl Missing {
    pub(super) fn mistake(self, table: &str) -> Mistake {
        unknown_definition(format!(
            "rollback cannot undo this change of `{table}`, because its definition is unknown after raw SQL"
        ))
    }
}

impl TableEdit {
    /// Returns the edit that undoes this one. `before` is the table before this edit, or `None` if it is unknown.
    ///
    /// # Errors
    ///
    /// [`Missing`], if the inverse needs a definition that `before` does not have.
    pub(super) fn inverse(&self, before: Option<&Table>) -> Result<TableEdit, Missing> {
        Ok(match self {
            TableEdit::Column { name, edit } => edit.inverse(name, before)?,
            TableEdit::Constraint(edit) => TableEdit::Constraint(edit.inverse(before)?),
            TableEdit::Index(edit) => TableEdit::Index(edit.inverse(before)?),
            TableEdit::Comment { column, .. } => {
                let before = before.ok_or(Missing)?;
                let comment = match column {
                    Some(column) => &find_column(Some(before), column)?.comment,
                    None => &before.comment,
                };
                TableEdit::Comment {
                    column: column.clone(),
                    comment: comment.clone(),
                }
            }
        })
    }
}

impl ColumnEdit {
    fn inverse(&self, name: &str, before: Option<&Table>) -> Result<TableEdit, Missing> {
        let there = || find_column(before, name);
        let edit = match self {
            ColumnEdit::Add { .. } => ColumnEdit::Drop { fill: None },
            ColumnEdit::Drop { fill } => ColumnEdit::Add {
                column: there()?.clone(),
                fill: fill.clone(),
            },
            ColumnEdit::Rename { to } => {
                return Ok(TableEdit::Column {
                    name: to.clone(),
                    edit: ColumnEdit::Rename { to: name.to_owned() },
                });
            }
            ColumnEdit::SetType { using, undo_using, .. } => ColumnEdit::SetType {
                to: there()?.column_type.clone(),
                using: undo_using.clone(),
                undo_using: using.clone(),
            },
            ColumnEdit::SetNotNull => ColumnEdit::DropNotNull,
            ColumnEdit::DropNotNull => ColumnEdit::SetNotNull,
            ColumnEdit::SetDefault(_) | ColumnEdit::DropDefault => match there()?.default.clone() {
                Some(default) => ColumnEdit::SetDefault(default),
                None => ColumnEdit::DropDefault,
            },
        };
        let name = name.to_owned();
        Ok(TableEdit::Column { name, edit })
    }
}

impl ConstraintEdit {
    fn inverse(&self, before: Option<&Table>) -> Result<ConstraintEdit, Missing> {
        Ok(match self {
            ConstraintEdit::AddPrimaryKey(_) => ConstraintEdit::DropPrimaryKey,
            ConstraintEdit::DropPrimaryKey => {
                let key = before.and_then(|table| table.primary_key.clone());
                ConstraintEdit::AddPrimaryKey(key.ok_or(Missing)?)
            }
            ConstraintEdit::AddUnique(unique) => ConstraintEdit::Drop(unique.name.clone()),
            ConstraintEdit::AddCheck(check) => ConstraintEdit::Drop(check.name.clone()),
            ConstraintEdit::AddForeignKey(key) => ConstraintEdit::Drop(key.name.clone()),
            ConstraintEdit::Drop(name) => before.and_then(|table| add_again(table, name)).ok_or(Missing)?,
        })
    }
}

impl IndexEdit {
    fn inverse(&self, before: Option<&Table>) -> Result<IndexEdit, Missing> {
        Ok(match self {
            IndexEdit::Add { index, concurrently } => IndexEdit::Drop {
                index: index.name.clone(),
                concurrently: *concurrently,
            },
            IndexEdit::Drop { index, concurrently } => IndexEdit::Add {
                index: find_index(before, index)?.clone(),
                concurrently: *concurrently,
            },
            IndexEdit::Rename { from, to } => IndexEdit::Rename {
                from: to.clone(),
                to: from.clone(),
            },
        })
    }
}

fn find_column<'a>(table: Option<&'a Table>, name: &str) -> Result<&'a Column, Missing> {
    table.and_then(|table| table.column(name)).ok_or(Missing)
}

fn find_index<'a>(table: Option<&'a Table>, name: &str) -> Result<&'a Index, Missing> {
    let mut indexes = table.iter().flat_map(|table| &table.indexes);
    indexes.find(|index| index.name == name).ok_or(Missing)
}

/// Returns the edit that adds a constraint of the table again.
fn add_again(table: &Table, name: &str) -> Option<ConstraintEdit> {
    let uniques = table.uniques.iter().filter(|unique| unique.name == name);
    let checks = table.checks.iter().filter(|check| check.name == name);
    let foreign_keys = table.foreign_keys.iter().filter(|key| key.name == name);
    let uniques = uniques.cloned().map(ConstraintEdit::AddUnique);
    let checks = checks.cloned().map(ConstraintEdit::AddCheck);
    let foreign_keys = foreign_keys.cloned().map(ConstraintEdit::AddForeignKey);
    uniques.chain(checks).chain(foreign_keys).next()
}
