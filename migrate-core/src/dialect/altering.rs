//! The statements of one table's changes, where a database takes several clauses in one ALTER TABLE.

use super::{Alteration, Dialect};
use crate::schema::{Change, Column, mentions};

/// What a clause of ALTER TABLE is about. A database carries the clauses of one statement out in an order of its own, so two
/// about the same thing are two statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    /// All of a column, a constraint or an index.
    Whole,
    /// The same, which goes. What goes does so before another of its name comes.
    Gone,
    Type,
    Null,
    Default,
}

/// Statements in which neighbouring clauses of one table are one ALTER TABLE, so that it is locked and rewritten once.
pub(super) struct Altering<'a> {
    dialect: &'a dyn Dialect,
    table: &'a str,
    /// The columns as they are change by change, as far as they are known.
    columns: Vec<Column>,
    clauses: Vec<String>,
    /// What the clauses are about.
    subjects: Vec<(String, Aspect)>,
    statements: Vec<String>,
}

impl<'a> Altering<'a> {
    pub(super) fn new(dialect: &'a dyn Dialect, alteration: &Alteration<'a>) -> Altering<'a> {
        Altering {
            dialect,
            table: alteration.table,
            columns: alteration.before.map(|table| table.columns.clone()).unwrap_or_default(),
            clauses: Vec::new(),
            subjects: Vec::new(),
            statements: Vec::new(),
        }
    }

    /// A column, as it is at this point.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The generated column that is computed from another one, if there is one.
    pub(super) fn computed_from(&self, name: &str) -> Option<&str> {
        let is_computed = |column: &&Column| {
            let generated = column.generated.as_ref();
            generated.is_some_and(|generated| mentions(&generated.expression, name))
        };
        self.columns.iter().find(is_computed).map(|column| column.name.as_str())
    }

    /// Makes a change of the columns that are known.
    pub(super) fn follow(&mut self, change: &Change) {
        let mut update = |name: &str, update: &dyn Fn(&mut Column)| {
            self.columns
                .iter_mut()
                .filter(|column| column.name == name)
                .for_each(update);
        };
        match change {
            Change::AddColumn { column, .. } => self.columns.push(column.clone()),
            Change::DropColumn { column, .. } => self.columns.retain(|there| there.name != *column),
            Change::RenameColumn { from, to } => update(from, &|column| to.clone_into(&mut column.name)),
            Change::SetType { column, to, .. } => update(column, &|column| column.column_type = to.clone()),
            Change::SetNotNull { column } => update(column, &|column| column.nullable = false),
            Change::DropNotNull { column } => update(column, &|column| column.nullable = true),
            Change::SetDefault { column, default } => update(column, &|column| column.default = Some(default.clone())),
            Change::DropDefault { column } => update(column, &|column| column.default = None),
            Change::SetComment {
                column: Some(column),
                comment,
            } => update(column, &|column| column.comment.clone_from(comment)),
            Change::SetComment { column: None, .. }
            | Change::AddPrimaryKey(_)
            | Change::DropPrimaryKey
            | Change::AddUnique(_)
            | Change::AddCheck(_)
            | Change::AddForeignKey(_)
            | Change::DropConstraint { .. }
            | Change::AddIndex { .. }
            | Change::DropIndex { .. }
            | Change::RenameIndex { .. } => {}
        }
    }

    /// A part of ALTER TABLE that can stand beside others.
    pub(super) fn clause(&mut self, name: &str, aspect: Aspect, clause: String) {
        self.clauses(name, aspect, [clause]);
    }

    /// Parts of ALTER TABLE that stand together.
    pub(super) fn clauses(&mut self, name: &str, aspect: Aspect, clauses: impl IntoIterator<Item = String>) {
        let is_whole = |aspect: Aspect| matches!(aspect, Aspect::Whole | Aspect::Gone);
        let clashes = |(other, before): &(String, Aspect)| {
            let is_replaced = *before == Aspect::Gone && aspect == Aspect::Whole;
            other == name && !is_replaced && (aspect == *before || is_whole(aspect) || is_whole(*before))
        };
        if self.subjects.iter().any(clashes) {
            self.close();
        }
        self.subjects.push((name.to_owned(), aspect));
        self.clauses.extend(clauses);
    }

    /// A statement of its own.
    pub(super) fn alone(&mut self, statement: String) {
        self.close();
        self.statements.push(statement);
    }

    fn close(&mut self) {
        self.subjects.clear();
        if self.clauses.is_empty() {
            return;
        }
        let table = self.dialect.identifier(self.table);
        let clauses = std::mem::take(&mut self.clauses);
        let separator = ",\n    ";
        self.statements.push(match clauses.as_slice() {
            [one] => format!("ALTER TABLE {table} {one}"),
            many => format!("ALTER TABLE {table}\n    {}", many.join(separator)),
        });
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        self.close();
        self.statements
    }
}
