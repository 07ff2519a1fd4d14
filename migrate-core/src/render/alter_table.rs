//! The statements of one table's changes, where a database takes several clauses in one ALTER TABLE.

use super::operation::Rendered;
use super::{Alteration, SqlDialect};
use crate::schema::{Column, Table, TableEdit, mentions};

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
    dialect: &'a dyn SqlDialect,
    table: &'a str,
    /// The table as it is change by change, as far as it is known.
    there: Table,
    clauses: Vec<String>,
    /// What a statement demands of the server if all its clauses can be carried out while others write.
    online: Option<&'static str>,
    /// The clauses that come next can be carried out so.
    is_online: bool,
    /// All clauses of the statement so far can.
    all_online: bool,
    /// A statement cannot, of a server that is told.
    may_copy: bool,
    /// What the clauses are about.
    subjects: Vec<(String, Aspect)>,
    statements: Vec<String>,
}

impl<'a> Altering<'a> {
    pub(super) fn new(dialect: &'a dyn SqlDialect, alteration: &Alteration<'a>) -> Altering<'a> {
        Altering {
            dialect,
            table: alteration.table,
            there: alteration.before.cloned().unwrap_or_default(),
            clauses: Vec::new(),
            online: None,
            is_online: false,
            all_online: true,
            may_copy: false,
            subjects: Vec::new(),
            statements: Vec::new(),
        }
    }

    /// The same for a server that is told what is expected of it.
    pub(super) fn demanding(self, online: &'static str) -> Altering<'a> {
        Altering {
            online: Some(online),
            ..self
        }
    }

    /// Whether what comes next can be carried out while others write.
    pub(super) fn set_online(&mut self, is_online: bool) {
        self.is_online = is_online;
    }

    /// The table at this point; without columns if nothing is known of it.
    pub(super) fn there(&self) -> &Table {
        &self.there
    }

    /// The generated column that is computed from another one, if there is one.
    pub(super) fn computed_from(&self, name: &str) -> Option<&str> {
        let is_computed = |column: &&Column| {
            let generated = column.generated.as_ref();
            generated.is_some_and(|generated| mentions(&generated.expression, name))
        };
        self.there
            .columns
            .iter()
            .find(is_computed)
            .map(|column| column.name.as_str())
    }

    /// Makes a change of what is known.
    pub(super) fn follow(&mut self, change: &TableEdit) {
        self.there.apply(change);
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
        self.all_online &= self.is_online;
        self.subjects.push((name.to_owned(), aspect));
        self.clauses.extend(clauses);
    }

    /// A statement of its own.
    pub(super) fn alone(&mut self, statement: String) {
        self.close();
        self.statements.push(statement);
    }

    /// What comes next is another statement.
    pub(super) fn close(&mut self) {
        self.subjects.clear();
        let is_online = std::mem::replace(&mut self.all_online, true);
        if self.clauses.is_empty() {
            return;
        }
        let table = self.dialect.identifier(self.table);
        let mut clauses = std::mem::take(&mut self.clauses);
        let demands = self.online.filter(|_| is_online);
        self.may_copy |= self.online.is_some() && !is_online;
        self.statements.push(match (clauses.as_slice(), demands) {
            ([one], None) => format!("ALTER TABLE {table} {one}"),
            ([one], Some(demands)) => format!("ALTER TABLE {table} {one}, {demands}"),
            (_, demands) => {
                clauses.extend(demands.map(str::to_owned));
                format!("ALTER TABLE {table}\n    {}", clauses.join(",\n    "))
            }
        });
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
