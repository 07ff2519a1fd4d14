//! ALTER TABLE on MySQL and MariaDB.

use std::collections::BTreeMap;

use super::alter_table::{Altering, Aspect};
use super::mysql::indexed;
use super::mysql_online_ddl::{is_online, is_online_alone, is_plain};
use super::operation::Rendered;
use super::{Alteration, MySql, SqlDialect, common, diagnostic};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::schema::{
    Column, ColumnEdit, ConstraintEdit, DefaultValue, Index, IndexEdit, IndexOn, ObjectKind, Table, TableEdit,
};
use crate::sql::mentions;

/// The columns of the indexes that InnoDB creates for foreign keys, by the name of the foreign key.
type OwnIndexes = BTreeMap<String, Vec<String>>;

/// InnoDB creates an index if no other index begins with the columns of the foreign key:
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html>.
fn own_indexes(table: &Table) -> OwnIndexes {
    let keys = table.primary_key.iter().map(|key| key.columns.clone());
    let keys = keys.chain(table.uniques.iter().map(|unique| unique.columns.clone()));
    let keys = keys.chain(table.indexes.iter().map(|index| {
        let columns = index.keys.iter().map_while(|key| match &key.on {
            IndexOn::Column(column) => Some(column.clone()),
            IndexOn::Expression(_) => None,
        });
        columns.collect()
    }));
    let keys: Vec<Vec<String>> = keys.collect();
    let foreign_keys = table.foreign_keys.iter().enumerate();
    let own = foreign_keys.filter(|(at, key)| {
        let is_served = keys.iter().any(|other| other.starts_with(&key.columns));
        let is_served_by_another = table.foreign_keys.iter().enumerate().any(|(other_at, other)| {
            let is_longer = other.columns.len() > key.columns.len();
            other.columns.starts_with(&key.columns) && (is_longer || other_at < *at)
        });
        !is_served && !is_served_by_another
    });
    own.map(|(_, key)| (key.name.clone(), key.columns.clone())).collect()
}

fn texts(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str)
}

/// Refuses to rename a column that a generated column, a CHECK or an expression index names:
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-generated-columns.html>,
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-check-constraints.html>,
/// <https://dev.mysql.com/doc/refman/8.4/en/create-index.html#create-index-functional-key-parts>.
fn check_no_expression(altering: &Altering<'_>, alteration: &Alteration<'_>, column: &str) -> Result<(), Mistake> {
    let checks = alteration
        .before
        .map(|table| table.checks.as_slice())
        .unwrap_or_default();
    let check = checks
        .iter()
        .find(|check| mentions(Dialect::MySql, &check.expression, column));
    let names_it = |index: &&Index| {
        let mut keys = index.keys.iter();
        keys.any(
            |key| matches!(&key.on, IndexOn::Expression(expression) if mentions(Dialect::MySql, expression, column)),
        )
    };
    let index = altering.there().indexes.iter().find(names_it);
    let reader = altering
        .computed_from(column)
        .map(|reader| format!("generated column `{reader}`"))
        .or_else(|| check.map(|check| format!("constraint `{}`", check.name)))
        .or_else(|| index.map(|index| format!("index `{}`", index.name)));
    match reader {
        Some(reader) => Err(Code::COLUMN_IN_USE
            .mistake(format!("MySQL cannot rename `{column}`: the {reader} uses it"))
            .help(format!(
                "drop the {reader} before the rename and add it again afterwards"
            ))),
        None => Ok(()),
    }
}

impl MySql {
    /// Returns the statements for the edits of one table.
    pub(super) fn alter(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        let mut altering = Altering::new(self, alteration).demanding(self.online());
        let mut diagnostics = Vec::new();
        for (position, edit) in alteration.edits.iter().enumerate() {
            altering.begin_edit(position);
            if let Err(message) = self.edit(&mut altering, &edit.change, alteration) {
                diagnostics.push(diagnostic(edit.location, message));
            }
        }
        for edit in alteration.edits {
            if let Some(after) = alteration.after
                && let Err(message) = self.check_new_key(after, &edit.change)
            {
                diagnostics.push(diagnostic(edit.location, message));
            }
        }
        if diagnostics.is_empty() {
            Ok(altering.finish())
        } else {
            Err(diagnostics)
        }
    }

    /// Returns the clauses that keep an InnoDB index for each foreign key that has no other index, and for no other
    /// key. InnoDB refuses to drop the last index of a key, and keeps its own index when the key is dropped.
    fn own_indexes_after(
        &self,
        before: &OwnIndexes,
        after: &OwnIndexes,
        alteration: &Alteration<'_>,
        change: &TableEdit,
    ) -> Vec<String> {
        if before == after {
            return Vec::new();
        }
        let new_key = match change.effects().introduces {
            Some((ObjectKind::ForeignKey, name)) => Some(name),
            _ => None,
        };
        // A key that another edit adds again needs the same index, so dropping it would only cause a rebuild.
        let in_the_end = alteration.after.map(own_indexes).unwrap_or_default();
        let comes_back = |name: &str| {
            in_the_end
                .get(name)
                .is_some_and(|columns| before.get(name) == Some(columns))
        };
        let if_there = match self.features().drops_index_if_exists {
            true => "IF EXISTS ",
            false => "",
        };
        let gone = before
            .keys()
            .filter(|name| !after.contains_key(*name) && !comes_back(name));
        let gone = gone.map(|name| format!("DROP INDEX {if_there}{}", self.identifier(name)));
        let new = after
            .iter()
            .filter(|(name, _)| !before.contains_key(*name) && new_key != Some(name.as_str()));
        let new = new.map(|(name, columns)| {
            format!(
                "ADD INDEX {} ({})",
                self.identifier(name),
                common::columns(self, columns)
            )
        });
        gone.chain(new).collect()
    }

    /// Checks the columns of a key that a change adds, or the keys of the table after a type change. `table` is the
    /// state after all changes, which may have renamed columns of the key.
    fn check_new_key(&self, table: &Table, change: &TableEdit) -> Result<(), Mistake> {
        let columns: Vec<&str> = match change {
            TableEdit::Constraint(ConstraintEdit::AddPrimaryKey(_)) => {
                let keys = table.primary_key.iter();
                keys.flat_map(|key| texts(&key.columns)).collect()
            }
            TableEdit::Constraint(ConstraintEdit::AddUnique(unique)) => {
                let keys = table.uniques.iter().filter(|key| key.name == unique.name);
                keys.flat_map(|key| texts(&key.columns)).collect()
            }
            TableEdit::Constraint(ConstraintEdit::AddForeignKey(foreign_key)) => {
                let keys = table.foreign_keys.iter().filter(|key| key.name == foreign_key.name);
                keys.flat_map(|key| texts(&key.columns)).collect()
            }
            TableEdit::Index(IndexEdit::Add { index, .. }) => {
                let indexes = table.indexes.iter().filter(|other| other.name == index.name);
                indexes.flat_map(indexed).collect()
            }
            TableEdit::Column {
                edit: ColumnEdit::SetType { .. },
                ..
            } => return self.check_keys(table),
            _ => return Ok(()),
        };
        columns.into_iter().try_for_each(|name| self.check_in_key(table, name))
    }

    /// ALTER COLUMN sets constants only. MySQL refuses CURRENT_TIMESTAMP there, and every default of some types.
    /// MariaDB accepts it without the fractional seconds that the column stores.
    fn set_default(&self, altering: &mut Altering<'_>, name: &str, default: &DefaultValue) -> Result<(), Mistake> {
        if let Some(there) = altering.there().column(name)
            && !is_plain(&there.column_type, default)
        {
            return self.modify(altering, name);
        }
        let sql = common::default(self, default);
        let clause = format!("ALTER COLUMN {} SET DEFAULT {sql}", self.identifier(name));
        altering.clause(name, Aspect::Whole, clause);
        Ok(())
    }

    /// MODIFY restates a column in full; an attribute that it omits is lost.
    fn modify(&self, altering: &mut Altering<'_>, name: &str) -> Result<(), Mistake> {
        let column = altering.there().column(name).ok_or_else(|| {
            Code::DEFINITION_REQUIRED
                .mistake(format!(
                    "{} must restate `{name}` in full, but its definition is unknown after raw SQL",
                    self.name()
                ))
                .help("describe that SQL with `.changes(..)`, or write the ALTER with `execute`")
        })?;
        let clause = format!("MODIFY COLUMN {}", self.column(column)?);
        altering.clause(name, Aspect::Whole, clause);
        Ok(())
    }

    fn edit(
        &self,
        altering: &mut Altering<'_>,
        change: &TableEdit,
        alteration: &Alteration<'_>,
    ) -> Result<(), Mistake> {
        if let TableEdit::Column {
            name,
            edit: ColumnEdit::Rename { .. },
        } = change
            && !self.features().renames_what_is_computed_from
        {
            check_no_expression(altering, alteration, name)?;
        }
        let dropped = match change {
            TableEdit::Constraint(ConstraintEdit::Drop(constraint)) => {
                let mut names = altering.there().names();
                names.find(|(_, name)| name == constraint).map(|(kind, _)| kind)
            }
            _ => None,
        };
        let is_online = is_online(self.features(), change, altering.there(), dropped);
        let is_alone = match change {
            TableEdit::Column {
                edit: ColumnEdit::Rename { .. },
                ..
            }
            | TableEdit::Index(IndexEdit::Rename { .. }) => true,
            // One statement cannot drop a foreign key and add another of the same name.
            TableEdit::Constraint(ConstraintEdit::Drop(_)) if dropped == Some(ObjectKind::ForeignKey) => true,
            _ => is_online && is_online_alone(change, altering.there()),
        };
        if is_alone {
            altering.close();
        }
        altering.set_online(is_online);
        let mut clauses = Clauses {
            own: self.follow(altering, change, alteration),
            dialect: self,
            table: alteration.table,
            altering,
        };
        match change {
            TableEdit::Column { name, edit } => clauses.column(name, edit)?,
            TableEdit::Constraint(edit) => clauses.constraint(edit, dropped),
            TableEdit::Index(edit) => clauses.index(edit)?,
            TableEdit::Comment {
                column: Some(column), ..
            } => self.modify(altering, column)?,
            TableEdit::Comment { column: None, comment } => {
                let comment = self.text(comment.as_deref().unwrap_or_default());
                clauses.add(alteration.table, format!("COMMENT = {comment}"));
            }
        }
        if is_alone {
            altering.close();
        }
        Ok(())
    }

    /// Applies a change to the known table, and returns the clauses that keep InnoDB's indexes for foreign keys.
    fn follow(&self, altering: &mut Altering<'_>, change: &TableEdit, alteration: &Alteration<'_>) -> Vec<String> {
        let own_before = own_indexes(altering.there());
        altering.follow(change);
        let own_after = own_indexes(altering.there());
        let loses_own = own_before.keys().any(|name| !own_after.contains_key(name));
        if loses_own && !self.features().drops_index_if_exists {
            // InnoDB creates no index for a key that is added together with an index that serves it, and then the DROP
            // would fail.
            altering.close();
        }
        self.own_indexes_after(&own_before, &own_after, alteration, change)
    }
}

/// Adds the clauses of one edit.
struct Clauses<'a, 'b> {
    dialect: &'a MySql,
    table: &'a str,
    altering: &'a mut Altering<'b>,
    /// The clauses for InnoDB's own indexes, which the edit needs in the same statement.
    own: Vec<String>,
}

impl Clauses<'_, '_> {
    fn add(&mut self, name: &str, clause: String) {
        self.add_for(name, Aspect::Whole, clause);
    }

    fn add_drop(&mut self, name: &str, clause: String) {
        self.add_for(name, Aspect::Dropped, clause);
    }

    fn add_for(&mut self, name: &str, aspect: Aspect, clause: String) {
        let own = self.own.iter().cloned();
        self.altering.clauses(name, aspect, std::iter::once(clause).chain(own));
    }

    fn column(&mut self, name: &str, edit: &ColumnEdit) -> Result<(), Mistake> {
        let dialect = self.dialect;
        let id = dialect.identifier(name);
        match edit {
            ColumnEdit::Add { column, fill } => self.add_column(column, fill.as_ref())?,
            ColumnEdit::Drop { .. } => self.add_drop(name, format!("DROP COLUMN {id}")),
            ColumnEdit::Rename { to } => {
                let clause = format!("RENAME COLUMN {id} TO {}", dialect.identifier(to));
                self.altering.clause(name, Aspect::Whole, clause);
            }
            ColumnEdit::SetType { using: Some(_), .. } => {
                return Err(Code::UNSUPPORTED_CONVERSION
                    .mistake(format!("{} cannot change a type with an expression", dialect.name()))
                    .help("add a column, fill it with `execute`, and drop the old one"));
            }
            ColumnEdit::SetType { .. } | ColumnEdit::SetNotNull | ColumnEdit::DropNotNull => {
                dialect.modify(self.altering, name)?;
            }
            ColumnEdit::SetDefault(default) => dialect.set_default(self.altering, name, default)?,
            ColumnEdit::DropDefault => self.add(name, format!("ALTER COLUMN {id} DROP DEFAULT")),
        }
        Ok(())
    }

    fn add_column(&mut self, column: &Column, fill: Option<&DefaultValue>) -> Result<(), Mistake> {
        let dialect = self.dialect;
        let name = &column.name;
        if let Some(DefaultValue::Expression(expression)) = fill {
            let added = dialect.column(&common::unfilled(column))?;
            self.add(name, format!("ADD COLUMN {added}"));
            self.altering.alone(common::fill(dialect, self.table, name, expression));
            if !column.nullable || column.default.is_some() {
                dialect.modify(self.altering, name)?;
            }
            return Ok(());
        }
        let shown = Column {
            default: fill.or(column.default.as_ref()).cloned(),
            ..column.clone()
        };
        self.add(name, format!("ADD COLUMN {}", dialect.column(&shown)?));
        match (fill, &column.default) {
            (Some(_), Some(default)) => dialect.set_default(self.altering, name, default)?,
            (Some(_), None) => self.add(name, format!("ALTER COLUMN {} DROP DEFAULT", dialect.identifier(name))),
            (None, _) => {}
        }
        Ok(())
    }

    /// `dropped` is the kind of a dropped constraint.
    fn constraint(&mut self, edit: &ConstraintEdit, dropped: Option<ObjectKind>) {
        let dialect = self.dialect;
        match edit {
            ConstraintEdit::AddPrimaryKey(key) => {
                let columns = common::columns(dialect, &key.columns);
                self.add("PRIMARY", format!("ADD PRIMARY KEY ({columns})"));
            }
            ConstraintEdit::DropPrimaryKey => self.add_drop("PRIMARY", "DROP PRIMARY KEY".to_owned()),
            ConstraintEdit::AddUnique(unique) => {
                self.add(&unique.name, format!("ADD {}", common::unique(dialect, unique)));
            }
            ConstraintEdit::AddCheck(check) => {
                self.add(&check.name, format!("ADD {}", common::check(dialect, check)));
            }
            ConstraintEdit::AddForeignKey(key) => {
                self.add(&key.name, format!("ADD {}", common::foreign_key(dialect, key)));
            }
            ConstraintEdit::Drop(name) => {
                let id = dialect.identifier(name);
                match dropped {
                    Some(ObjectKind::ForeignKey) => {
                        self.add(name, format!("DROP FOREIGN KEY {id}"));
                    }
                    Some(ObjectKind::Unique) => self.add_drop(name, format!("DROP INDEX {id}")),
                    _ => self.add_drop(name, format!("DROP CONSTRAINT {id}")),
                }
            }
        }
    }

    fn index(&mut self, edit: &IndexEdit) -> Result<(), Mistake> {
        let dialect = self.dialect;
        let id = |name: &str| dialect.identifier(name);
        match edit {
            IndexEdit::Add { index, .. } => {
                let unique = if index.unique { "UNIQUE " } else { "" };
                let method = dialect.index_method(index)?;
                let keys = common::keys(dialect, index);
                let clause = format!("ADD {unique}INDEX {} ({keys}){method}", id(&index.name));
                self.add(&index.name, clause);
            }
            IndexEdit::Drop { index, .. } => self.add_drop(index, format!("DROP INDEX {}", id(index))),
            IndexEdit::Rename { from, to } => {
                let clause = format!("RENAME INDEX {} TO {}", id(from), id(to));
                self.altering.clause(from, Aspect::Whole, clause);
            }
        }
        Ok(())
    }
}
