//! Checks edits of a table against the rest of the schema: free names, referenced keys, types on both sides of a
//! foreign key.

use super::Uniform;
use super::edit_table::Editing;
use super::rules::{check_name, diagnostic, listed};
use super::suggest::nearest;
use crate::schema::operation::{LocatedEdit, TableEdit};
use crate::schema::sql_text;
use crate::schema::table::{ForeignKey, ForeignKeyAction, ObjectKind};

impl Editing<'_> {
    /// Checks that an expression can be part of the table.
    pub(super) fn check_expression(&self, sql: &str) -> Result<(), String> {
        sql_text::check_expression(sql)?;
        let table = &self.table.name;
        if sql_text::is_qualified_by(sql, table) {
            // During a SQLite rebuild the table has another name, so a qualified column would not resolve.
            return Err(format!("it names a column by its table; leave `{table}.` out"));
        }
        Ok(())
    }

    /// Checks that columns with distinct values do not have an equal value in every row.
    pub(super) fn check_not_all_same(&self, name: &str, columns: &[String]) -> Result<(), String> {
        let is_same = columns
            .iter()
            .all(|column| self.uniform.get(column) == Some(&Uniform::Value));
        if !is_same {
            return Ok(());
        }
        Err(format!(
            "{} was just added and is the same in every row, and `{name}` wants it different; add it with `.fill_sql(..)` \
             and an expression that gives each row its own (on the way back: `.undo_fill_sql(..)`)",
            listed(columns)
        ))
    }

    pub(super) fn check_constraint_name(&self, kind: ObjectKind, name: &str) -> Result<(), String> {
        check_name(name)?;
        if !self.table.constraint_names().any(|there| there == name) {
            return Ok(());
        }
        let table = &self.table.name;
        let way = match kind {
            ObjectKind::Check => "; for another one write `t.check(name, ..)`",
            ObjectKind::Unique => "; for another one write `t.index([..]).unique().name(\"..\")`",
            ObjectKind::ForeignKey => "; for another one add `.name(\"..\")`",
            ObjectKind::PrimaryKey | ObjectKind::Index => "",
        };
        Err(format!("`{table}` has a constraint `{name}` already{way}"))
    }

    pub(super) fn check_constraint(&self, kind: ObjectKind, name: &str, columns: &[String]) -> Result<(), String> {
        self.check_constraint_name(kind, name)?;
        if columns.is_empty() {
            return Err(format!("the constraint `{name}` is on no columns"));
        }
        for (at, column) in columns.iter().enumerate() {
            self.position(column)?;
            if columns[..at].contains(column) {
                return Err(format!("the constraint `{name}` names `{column}` twice"));
            }
        }
        Ok(())
    }

    /// Checks that an index name is free. On SQLite and PostgreSQL, index names are unique per database, not per table.
    pub(super) fn check_index_is_free(&self, name: &str) -> Result<(), String> {
        let owner = if self.table.indexes.iter().any(|index| index.name == name) {
            Some(self.table.name.as_str())
        } else {
            self.model.owner_of_index(name, &self.table.name)
        };
        let object = self.model.names.objects.get(&name.to_ascii_lowercase());
        match (owner, object) {
            (Some(owner), _) => Err(format!("there is an index `{name}` already, on `{owner}`")),
            (None, _) if name.eq_ignore_ascii_case(&self.table.name) => {
                Err(format!("an index cannot be called like a table, such as `{name}`"))
            }
            (None, Some(there)) => Err(format!(
                "an index cannot be called like a table or a view, such as `{there}`"
            )),
            (None, None) => Ok(()),
        }
    }

    /// Checks that columns which foreign keys reference are still unique after a drop.
    pub(super) fn check_still_unique(&self, drop: &TableEdit, columns: &[String]) -> Result<(), String> {
        let mut then = self.table.clone();
        then.apply(drop);
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
        match self.model.references_to(name).chain(own).find(refers) {
            Some((referrer, key)) => Err(format!(
                "the foreign key `{}` of `{referrer}` needs {} to be unique; drop that first",
                key.name,
                listed(columns)
            )),
            None => Ok(()),
        }
    }

    /// Checks that no foreign key uses a column whose type changes.
    pub(super) fn check_type_is_free(&self, column: &str) -> Result<(), String> {
        let name = self.table.name.as_str();
        let own = self
            .table
            .foreign_keys
            .iter()
            .find(|key| key.columns.iter().any(|part| part == column))
            .map(|key| (name, key));
        let others = self
            .model
            .references_to(name)
            .find(|(_, key)| key.to_columns.iter().any(|part| part == column));
        match own.or(others) {
            Some((referrer, key)) => Err(format!(
                "the foreign key `{}` of `{referrer}` needs `{column}` to keep its type; drop it first, and add it again",
                key.name
            )),
            None => Ok(()),
        }
    }

    /// Checks that no view reads a column that is dropped or renamed.
    pub(super) fn check_no_view_reads(&self, column: &str) -> Result<(), String> {
        let model = self.model;
        let view = model.views_on(&self.table.name).find(|view| {
            model
                .views
                .get(*view)
                .is_some_and(|query| sql_text::mentions(query, column))
        });
        match view {
            Some(view) => Err(format!(
                "the view `{view}` reads `{}`, and may read `{column}`; drop it first, and make it anew",
                self.table.name
            )),
            None => Ok(()),
        }
    }

    /// Checks the rules that depend on all edits together.
    pub(super) fn check_whole(&mut self, edits: &[LocatedEdit]) {
        for (at, edit) in edits.iter().enumerate() {
            // Later edits may have renamed its columns or dropped it, so it is looked up by name.
            let result = match &edit.change {
                TableEdit::AddForeignKey(added) => {
                    let key = self.table.foreign_keys.iter().find(|key| key.name == added.name);
                    key.map_or(Ok(()), |key| self.check_target(key))
                }
                TableEdit::AddPrimaryKey(_) => {
                    let key = self.table.primary_key.as_ref();
                    key.map_or(Ok(()), |key| self.check_key(&key.columns))
                }
                TableEdit::DropPrimaryKey => {
                    let counted = self.table.columns.iter().find(|column| column.auto_increment);
                    counted.map_or(Ok(()), |column| self.check_counted(&column.name))
                }
                TableEdit::AddColumn { column, .. } if column.auto_increment => {
                    let name = name_after(&column.name, &edits[at + 1..]);
                    name.map_or(Ok(()), |name| self.check_counted(name))
                }
                _ => Ok(()),
            };
            if let Err(message) = result {
                self.findings.push(diagnostic(edit.location, message));
            }
        }
    }

    pub(super) fn check_counted(&self, column: &str) -> Result<(), String> {
        let is_key = self
            .table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns == [column]);
        if !is_key {
            return Err(format!(
                "`{column}` is counted up by the database and has to be the primary key by itself"
            ));
        }
        Ok(())
    }

    pub(super) fn check_key(&self, columns: &[String]) -> Result<(), String> {
        match columns
            .iter()
            .find(|name| self.table.column(name).is_some_and(|column| column.nullable))
        {
            Some(column) => Err(format!("`{column}` is part of the primary key and may not be nullable")),
            None => Ok(()),
        }
    }

    /// Checks that a foreign key references existing, unique columns of the same types.
    pub(super) fn check_target(&self, key: &ForeignKey) -> Result<(), String> {
        for (when, reaction) in [("on_delete", key.on_delete), ("on_update", key.on_update)] {
            let is_never_null = |name: &&String| self.table.column(name).is_some_and(|column| !column.nullable);
            if reaction == ForeignKeyAction::SetNull
                && let Some(column) = key.columns.iter().find(is_never_null)
            {
                return Err(format!(
                    "`{column}` is NOT NULL, so `.{when}(ForeignKeyAction::SetNull)` cannot happen; add `.nullable()`, or take another \
                     reaction"
                ));
            }
        }
        let target = if key.to_table == self.table.name {
            &self.table
        } else if let Some(target) = self.model.table(&key.to_table) {
            target
        } else if self.model.is_unknown(&key.to_table) {
            return Ok(());
        } else {
            return Err(self.model.unknown_table(&key.to_table));
        };
        if key.columns.len() != key.to_columns.len() {
            return Err(format!(
                "the foreign key `{}` has {} columns and refers to {}",
                key.name,
                key.columns.len(),
                key.to_columns.len()
            ));
        }
        for (from, to) in key.columns.iter().zip(&key.to_columns) {
            let Some(there) = target.column(to) else {
                let near = nearest(to, target.columns.iter().map(|column| column.name.as_str()));
                return Err(match near {
                    Some(near) => format!("`{}` has no column `{to}`; `{near}` is near", target.name),
                    None => format!("`{}` has no column `{to}`", target.name),
                });
            };
            if let Some(here) = self.table.column(from)
                && here.column_type != there.column_type
            {
                return Err(format!(
                    "`{from}` is {}, and `{}.{to}` is {}; a foreign key has the same type on both sides",
                    here.column_type.encoding(),
                    target.name,
                    there.column_type.encoding()
                ));
            }
        }
        if !target.is_unique(&key.to_columns) {
            return Err(format!(
                "{} of `{}` is neither the primary key nor unique, so nothing can refer to it",
                listed(&key.to_columns),
                target.name
            ));
        }
        Ok(())
    }
}

/// Returns the name of a column after edits, or `None` if they drop it.
fn name_after<'a>(column: &'a str, edits: &'a [LocatedEdit]) -> Option<&'a str> {
    edits.iter().try_fold(column, |name, edit| match &edit.change {
        TableEdit::RenameColumn { from, to } if from == name => Some(to.as_str()),
        TableEdit::DropColumn { column, .. } if column == name => None,
        _ => Some(name),
    })
}
