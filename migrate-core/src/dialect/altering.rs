//! The statements of one table's changes, where a database takes several clauses in one ALTER TABLE.

use super::Dialect;

/// Statements in which neighbouring clauses of one table are one ALTER TABLE, so that it is locked and rewritten once.
pub(super) struct Altering<'a> {
    dialect: &'a dyn Dialect,
    table: &'a str,
    clauses: Vec<String>,
    statements: Vec<String>,
}

impl<'a> Altering<'a> {
    pub(super) fn new(dialect: &'a dyn Dialect, table: &'a str) -> Altering<'a> {
        Altering {
            dialect,
            table,
            clauses: Vec::new(),
            statements: Vec::new(),
        }
    }

    /// A part of ALTER TABLE that can stand beside others.
    pub(super) fn clause(&mut self, clause: String) {
        self.clauses.push(clause);
    }

    /// A statement of its own.
    pub(super) fn alone(&mut self, statement: String) {
        self.close();
        self.statements.push(statement);
    }

    fn close(&mut self) {
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
