//! Checks edits of a table against the rest of the schema: free names, referenced keys, types on both sides of a
//! foreign key.

use std::fmt;

use super::Uniform;
use super::edit_table::Editing;
use super::rules::{self, check_name, check_unqualified, diagnostic, listed};
use super::suggest::unknown;
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::schema::operation::{ColumnEdit, ColumnEffect, ConstraintEdit, LocatedEdit, TableEdit};
use crate::schema::table::{ForeignKey, ForeignKeyAction, ObjectKind, Table};
use crate::sql;

impl Editing<'_> {
    /// Checks that an expression can be part of the table.
    pub(super) fn check_expression(&self, what: impl fmt::Display + Copy, sql: &str) -> Result<(), Mistake> {
        rules::check_expression(self.state.dialect, what, sql)?;
        let table = &self.table.name;
        if sql::is_qualified_by(self.state.dialect, sql, table) {
            // During a SQLite rebuild the table has another name, so a qualified column would not resolve.
            return Err(Code::INVALID_EXPRESSION
                .mistake(format!("{what} qualifies a column with its table"))
                .help(format!("remove `{table}.`")));
        }
        Ok(())
    }

    /// Checks that columns with distinct values do not have an equal value in every row.
    pub(super) fn check_not_all_same(&self, name: &str, columns: &[String]) -> Result<(), Mistake> {
        let is_same = columns
            .iter()
            .all(|column| self.uniform.get(column) == Some(&Uniform::Value));
        if !is_same {
            return Ok(());
        }
        Err(Code::SAME_VALUE_IN_EVERY_ROW
            .mistake(format!(
                "`{name}` needs distinct values, but every existing row gets the same {}",
                listed(columns)
            ))
            .help("use `.fill_sql(..)` (for rollback `.undo_fill_sql(..)`) with an expression that differs per row"))
    }

    pub(super) fn check_constraint_name(&self, kind: ObjectKind, name: &str) -> Result<(), Mistake> {
        check_name("the constraint name", name)?;
        if !self.table.constraint_names().any(|there| there == name) {
            return Ok(());
        }
        let table = &self.table.name;
        let taken = Code::NAME_TAKEN.mistake(format!("table `{table}` already has a constraint `{name}`"));
        Err(match kind {
            ObjectKind::Check => taken.help("give this one another name with `t.check(name, ..)`"),
            ObjectKind::Unique => taken.help("for another one, use `t.index([..]).unique().name(\"..\")`"),
            ObjectKind::ForeignKey => taken.help("give this one another name with `.name(\"..\")`"),
            ObjectKind::PrimaryKey | ObjectKind::Index => taken,
        })
    }

    pub(super) fn check_constraint(&self, kind: ObjectKind, name: &str, columns: &[String]) -> Result<(), Mistake> {
        self.check_constraint_name(kind, name)?;
        if columns.is_empty() {
            return Err(Code::EMPTY_LIST
                .mistake(format!("constraint `{name}` has no columns"))
                .help("add at least one column"));
        }
        for (at, column) in columns.iter().enumerate() {
            self.position(column)?;
            if columns[..at].contains(column) {
                return Err(Code::REPEATED_NAME
                    .mistake(format!("constraint `{name}` lists column `{column}` twice"))
                    .help("remove one of the two"));
            }
        }
        Ok(())
    }

    /// Checks that an index name is free. On SQLite and PostgreSQL, index names are unique per database, not per table.
    pub(super) fn check_index_is_free(&self, name: &str) -> Result<(), Mistake> {
        let owner = if self.table.indexes.iter().any(|index| index.name == name) {
            Some(self.table.name.as_str())
        } else {
            self.state.owner_of_index(name, &self.table.name)
        };
        let object = self.state.names.objects.get(&name.to_ascii_lowercase());
        let message = match (owner, object) {
            (Some(owner), _) => format!("index `{name}` already exists on table `{owner}`"),
            (None, _) if name.eq_ignore_ascii_case(&self.table.name) => {
                format!("index `{name}` cannot share its name with table `{}`", self.table.name)
            }
            (None, Some(there)) => format!(
                "index `{name}` cannot share its name with {} `{there}`",
                self.state.kind_of(there)
            ),
            (None, None) => return Ok(()),
        };
        Err(Code::NAME_TAKEN.mistake(message).help("give the index another name"))
    }

    /// Checks that columns which foreign keys reference are still unique after a drop.
    pub(super) fn check_still_unique(&self, drop: &TableEdit, columns: &[String]) -> Result<(), Mistake> {
        let mut then = self.table.clone();
        then.apply(self.state.dialect, drop);
        if then.is_unique(columns) {
            return Ok(());
        }
        let name = self.table.name.as_str();
        let own = self
            .table
            .foreign_keys
            .iter()
            .filter(|key| key.to_table == name)
            .map(|key| (name, key));
        let refers = |(_, key): &(&str, &ForeignKey)| {
            key.to_columns.len() == columns.len() && columns.iter().all(|column| key.to_columns.contains(column))
        };
        match self.state.references_to(name).chain(own).find(refers) {
            Some((referrer, key)) => Err(Code::DEPENDENT_OBJECT
                .mistake(format!(
                    "foreign key `{}` of table `{referrer}` needs {} to be unique",
                    key.name,
                    listed(columns)
                ))
                .help("drop the foreign key first")),
            None => Ok(()),
        }
    }

    /// Checks that no foreign key uses a column whose type changes.
    pub(super) fn check_type_is_free(&self, column: &str) -> Result<(), Mistake> {
        let name = self.table.name.as_str();
        let own = self
            .table
            .foreign_keys
            .iter()
            .find(|key| key.columns.iter().any(|part| part == column))
            .map(|key| (name, key));
        let others = self
            .state
            .references_to(name)
            .find(|(_, key)| key.to_columns.iter().any(|part| part == column));
        match own.or(others) {
            Some((referrer, key)) => Err(Code::DEPENDENT_OBJECT
                .mistake(format!(
                    "foreign key `{}` of table `{referrer}` needs column `{column}` to keep its type",
                    key.name
                ))
                .help("drop the foreign key first, and add it again afterwards")),
            None => Ok(()),
        }
    }

    /// Checks that no view reads a column that is dropped or renamed.
    pub(super) fn check_no_view_reads(&self, column: &str) -> Result<(), Mistake> {
        let state = self.state;
        let view = state.views_on(&self.table.name).find(|view| {
            state
                .views
                .get(*view)
                .is_some_and(|query| sql::mentions(state.dialect, query, column))
        });
        match view {
            Some(view) => Err(Code::DEPENDENT_OBJECT
                .mistake(format!(
                    "view `{view}` reads table `{}` and may read its column `{column}`",
                    self.table.name
                ))
                .help("drop the view first, and create it again afterwards")),
            None => Ok(()),
        }
    }

    /// Checks the rules that depend on all edits together.
    pub(super) fn check_whole(&mut self, edits: &[LocatedEdit]) {
        for (at, edit) in edits.iter().enumerate() {
            // Later edits may have renamed its columns or dropped it, so it is looked up by name.
            let result = match &edit.change {
                TableEdit::Constraint(ConstraintEdit::AddForeignKey(added)) => {
                    let key = self.table.foreign_keys.iter().find(|key| key.name == added.name);
                    key.map_or(Ok(()), |key| self.check_target(key))
                }
                TableEdit::Constraint(ConstraintEdit::AddPrimaryKey(_)) => {
                    let key = self.table.primary_key.as_ref();
                    key.map_or(Ok(()), |key| self.check_key(&key.columns))
                }
                TableEdit::Constraint(ConstraintEdit::DropPrimaryKey) => {
                    let counted = self.table.columns.iter().find(|column| column.auto_increment);
                    counted.map_or(Ok(()), |column| self.check_counted(&column.name))
                }
                TableEdit::Column {
                    name,
                    edit: ColumnEdit::Add { column, .. },
                } if column.auto_increment => {
                    let name = name_after(name, &edits[at + 1..]);
                    name.map_or(Ok(()), |name| self.check_counted(name))
                }
                _ => Ok(()),
            };
            if let Err(mistake) = result {
                self.findings.push(diagnostic(edit.location, mistake));
            }
        }
    }

    pub(super) fn check_counted(&self, column: &str) -> Result<(), Mistake> {
        let is_key = self
            .table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns == [column]);
        if !is_key {
            return Err(Code::INVALID_AUTO_INCREMENT
                .mistake(format!(
                    "an auto-increment column must be the only primary key column: `{column}`"
                ))
                .help(format!(
                    "make `{column}` the primary key, or remove `.auto_increment()`"
                )));
        }
        Ok(())
    }

    pub(super) fn check_key(&self, columns: &[String]) -> Result<(), Mistake> {
        match columns
            .iter()
            .find(|name| self.table.column(name).is_some_and(|column| column.nullable))
        {
            Some(column) => Err(Code::NULLABLE_PRIMARY_KEY
                .mistake(format!("primary key column `{column}` must be NOT NULL"))
                .help("make the column NOT NULL, or remove it from the primary key")),
            None => Ok(()),
        }
    }

    /// Checks that a foreign key references existing, unique columns of the same types.
    pub(super) fn check_target(&self, key: &ForeignKey) -> Result<(), Mistake> {
        for (when, reaction) in [("on_delete", key.on_delete), ("on_update", key.on_update)] {
            let is_never_null = |name: &&String| self.table.column(name).is_some_and(|column| !column.nullable);
            if reaction == ForeignKeyAction::SetNull
                && let Some(column) = key.columns.iter().find(is_never_null)
            {
                return Err(Code::SET_NULL_ON_NOT_NULL
                    .mistake(format!(
                        "column `{column}` is NOT NULL, so `{when}` cannot set it to NULL"
                    ))
                    .help("make the column nullable, or use another `ForeignKeyAction`"));
            }
        }
        check_unqualified(&key.to_table)?;
        let target = if key.to_table == self.table.name {
            &self.table
        } else if let Some(target) = self.state.table(&key.to_table) {
            target
        } else if self.state.is_unknown(&key.to_table) {
            return Ok(());
        } else {
            return Err(self.state.unknown_table(&key.to_table));
        };
        if key.columns.len() != key.to_columns.len() {
            let columns = match key.columns.len() {
                1 => "1 column".to_owned(),
                number => format!("{number} columns"),
            };
            return Err(Code::FOREIGN_KEY_MISMATCH
                .mistake(format!(
                    "foreign key `{}` has {columns} but references {}",
                    key.name,
                    key.to_columns.len()
                ))
                .help("give both sides the same number of columns"));
        }
        for (from, to) in key.columns.iter().zip(&key.to_columns) {
            let Some(there) = target.column(to) else {
                return Err(unknown_column(target, to));
            };
            if let Some(here) = self.table.column(from)
                && here.column_type != there.column_type
            {
                return Err(Code::FOREIGN_KEY_MISMATCH
                    .mistake(format!(
                        "column `{from}` is {}, but it references `{}.{to}`, which is {}",
                        here.column_type.encoding(),
                        target.name,
                        there.column_type.encoding()
                    ))
                    .help("give both columns the same type"));
            }
        }
        if !target.is_unique(&key.to_columns) {
            return Err(Code::FOREIGN_KEY_MISMATCH
                .mistake(format!(
                    "foreign key `{}` references {} of table `{}`, which is not unique",
                    key.name,
                    listed(&key.to_columns),
                    target.name
                ))
                .help(format!(
                    "reference the primary key of `{}`, or make {} unique",
                    target.name,
                    listed(&key.to_columns)
                )));
        }
        Ok(())
    }
}

pub(super) fn unknown_column(table: &Table, column: &str) -> Mistake {
    unknown(
        format!("table `{}` has no column `{column}`", table.name),
        column,
        table.columns.iter().map(|column| column.name.as_str()),
        None,
    )
}

/// Returns the name of a column after edits, or `None` if they drop it.
fn name_after<'a>(column: &'a str, edits: &'a [LocatedEdit]) -> Option<&'a str> {
    edits
        .iter()
        .try_fold(column, |name, edit| match edit.change.effects().column {
            Some(ColumnEffect::Renamed { from, to }) if from == name => Some(to),
            Some(ColumnEffect::Dropped(dropped)) if dropped == name => None,
            _ => Some(name),
        })
}
