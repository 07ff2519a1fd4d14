//! Builds the ALTER TABLE statements of one table, for databases where one statement takes several clauses.

use std::borrow::Cow;

use super::operation::{Rendered, RenderedStatement};
use super::{Alteration, SqlDialect};
use crate::schema::{Column, Table, TableEdit};
use crate::sql::mentions;

/// The part of an object that a clause changes. A server runs the clauses of one statement in its own order, so two
/// clauses for the same part need two statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    /// An entire column, constraint or index.
    Whole,
    /// An entire column, constraint or index that is dropped. Drops run first, so a new object may reuse the name.
    Dropped,
    Type,
    Null,
    Default,
}

/// Collects clauses. Neighbours share one ALTER TABLE, so that the server locks and rewrites the table once.
pub(super) struct Altering<'a> {
    dialect: &'a dyn SqlDialect,
    table: &'a str,
    /// The table after the changes so far, as far as it is known.
    there: Cow<'a, Table>,
    clauses: Vec<String>,
    /// The options of a statement whose clauses all allow concurrent writes, such as `LOCK=NONE`.
    online: Option<&'static str>,
    /// True if the next clauses allow concurrent writes.
    is_online: bool,
    /// True if all clauses of the current statement allow concurrent writes.
    all_online: bool,
    /// True if a statement may copy the table. Set only where `online` is.
    may_copy: bool,
    /// The object and the part that each clause of the current statement changes.
    subjects: Vec<(String, Aspect)>,
    /// The position of the current edit.
    edit: usize,
    /// The positions of the edits with a clause in the current statement.
    edits: Vec<usize>,
    statements: Vec<RenderedStatement>,
}

impl<'a> Altering<'a> {
    pub(super) fn new(dialect: &'a dyn SqlDialect, alteration: &Alteration<'a>) -> Altering<'a> {
        Altering {
            dialect,
            table: alteration.table,
            there: alteration.before.map_or_else(Cow::default, Cow::Borrowed),
            clauses: Vec::new(),
            online: None,
            is_online: false,
            all_online: true,
            may_copy: false,
            subjects: Vec::new(),
            edit: 0,
            edits: Vec::new(),
            statements: Vec::new(),
        }
    }

    /// Adds `online` to each statement whose clauses all allow concurrent writes.
    pub(super) fn demanding(self, online: &'static str) -> Altering<'a> {
        Altering {
            online: Some(online),
            ..self
        }
    }

    /// Sets the position of the edit that makes the next clauses and statements.
    pub(super) fn begin_edit(&mut self, position: usize) {
        self.edit = position;
    }

    /// Sets whether the next clauses allow concurrent writes.
    pub(super) fn set_online(&mut self, is_online: bool) {
        self.is_online = is_online;
    }

    /// Returns the table at this point; it has no columns if the table is unknown.
    pub(super) fn there(&self) -> &Table {
        &self.there
    }

    /// Returns the first generated column whose expression names the column `name`.
    pub(super) fn computed_from(&self, name: &str) -> Option<&str> {
        let is_computed = |column: &&Column| {
            let generated = column.generated.as_ref();
            generated.is_some_and(|generated| mentions(self.dialect.kind(), &generated.expression, name))
        };
        self.there
            .columns
            .iter()
            .find(is_computed)
            .map(|column| column.name.as_str())
    }

    /// Applies a change to the known table.
    pub(super) fn follow(&mut self, change: &TableEdit) {
        self.there.to_mut().apply(self.dialect.kind(), change);
    }

    /// Adds a clause that may share a statement with others.
    pub(super) fn clause(&mut self, name: &str, aspect: Aspect, clause: String) {
        self.clauses(name, aspect, [clause]);
    }

    /// Adds clauses that must be in the same statement.
    pub(super) fn clauses(&mut self, name: &str, aspect: Aspect, clauses: impl IntoIterator<Item = String>) {
        let is_whole = |aspect: Aspect| matches!(aspect, Aspect::Whole | Aspect::Dropped);
        let clashes = |(other, before): &(String, Aspect)| {
            let is_replaced = *before == Aspect::Dropped && aspect == Aspect::Whole;
            other == name && !is_replaced && (aspect == *before || is_whole(aspect) || is_whole(*before))
        };
        if self.subjects.iter().any(clashes) {
            self.close();
        }
        self.all_online &= self.is_online;
        self.subjects.push((name.to_owned(), aspect));
        self.clauses.extend(clauses);
        if self.edits.last() != Some(&self.edit) {
            self.edits.push(self.edit);
        }
    }

    /// Adds a separate statement.
    pub(super) fn alone(&mut self, statement: impl Into<RenderedStatement>) {
        self.close();
        self.statements.push(statement.into().of_edits([self.edit]));
    }

    /// Ends the current statement, so that the next clause starts another.
    pub(super) fn close(&mut self) {
        self.subjects.clear();
        let edits = std::mem::take(&mut self.edits);
        let is_online = std::mem::replace(&mut self.all_online, true);
        if self.clauses.is_empty() {
            return;
        }
        let table = self.dialect.identifier(self.table);
        let mut clauses = std::mem::take(&mut self.clauses);
        let demands = self.online.filter(|_| is_online);
        self.may_copy |= self.online.is_some() && !is_online;
        let statement = match (clauses.as_slice(), demands) {
            ([one], None) => format!("ALTER TABLE {table} {one}"),
            ([one], Some(demands)) => format!("ALTER TABLE {table} {one}, {demands}"),
            (_, demands) => {
                clauses.extend(demands.map(str::to_owned));
                format!("ALTER TABLE {table}\n    {}", clauses.join(",\n    "))
            }
        };
        self.statements.push(RenderedStatement::from(statement).of_edits(edits));
    }

    pub(super) fn finish(mut self) -> Rendered {
        self.close();
        Rendered {
            statements: self.statements,
            may_copy: self.may_copy,
            ..Rendered::default()
        }
    }
}
