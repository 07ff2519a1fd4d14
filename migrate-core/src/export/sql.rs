//! The whole schema as the SQL that would make it at once.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::SchemaSnapshot;
use crate::dialect::Dialect;
use crate::error::{Diagnostic, Error};
use crate::location::Location;
use crate::render;
use crate::schema::{EnumChange, ForeignKey, LocatedEdit, Operation, Table, TableEdit, mentions};
use crate::state::{CheckedOperation, toposort};

/// Nobody wrote what is rendered here.
const NOWHERE: Location = Location { file: "", line: 0 };

impl SchemaSnapshot {
    /// The statements that make the schema on an empty database, in an order that works: enums, tables after those that they
    /// refer to, views after what they read. What is not known is named in comments.
    ///
    /// ```
    /// # use migrate_core::prelude::*;
    /// # use migrate_core::{Dialect, SchemaSnapshot, Registry};
    /// # #[derive(Migration)]
    /// # #[migration(version = 1, unlisted)]
    /// # struct CreateUsers;
    /// # impl Migrate for CreateUsers {
    /// #     fn up(&self, schema: &mut Schema) {
    /// #         schema.create_table("users", |t| t.id());
    /// #     }
    /// # }
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// let schema = SchemaSnapshot::latest(&registry, Dialect::MySql)?;
    /// assert!(schema.sql()?.starts_with("CREATE TABLE `users` ("));
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the database lacks.
    pub fn sql(&self) -> Result<String, Error> {
        let dialect = render::dialect_of(self.dialect);
        let mut text = String::new();
        for line in &self.unknown {
            let _ = writeln!(text, "-- Not known: {}.", line.replace(['\n', '\r'], " "));
        }
        for applied in self.creation() {
            if !text.is_empty() {
                text.push('\n');
            }
            let rendered = render::render(dialect, &applied, NOWHERE).map_err(unplaced)?;
            // That a view can be read is tried where it is made by a migration.
            let check = match &applied.operation {
                Operation::CreateView { view, .. } => dialect.check_view(view),
                _ => None,
            };
            for statement in rendered.statements.iter().filter(|sql| check.as_ref() != Some(sql)) {
                let _ = writeln!(text, "{statement};");
            }
        }
        Ok(text)
    }

    /// The operations that make the schema of nothing.
    fn creation(&self) -> Vec<CheckedOperation> {
        let enums = self.enums().map(|(name, values)| {
            let change = EnumChange::Create {
                values: values.to_vec(),
            };
            let name = name.to_owned();
            CheckedOperation::on(Operation::ChangeEnum { name, change }, None, None)
        });
        let mut operations: Vec<CheckedOperation> = enums.collect();
        let mut keys_to_add: Vec<(Table, ForeignKey)> = Vec::new();
        let mut made: BTreeSet<&str> = BTreeSet::new();
        for table in self.parents_first() {
            made.insert(&table.name);
            let mut now = table.clone();
            // SQLite asks for what a key refers to when rows come.
            if self.dialect.name() != Dialect::Sqlite {
                let later = now
                    .foreign_keys
                    .extract_if(.., |key| !made.contains(key.to_table.as_str()));
                keys_to_add.extend(later.map(|key| (table.clone(), key)).collect::<Vec<_>>());
            }
            let edits = now.as_edits().into_iter().map(nowhere).collect();
            let name = table.name.clone();
            operations.push(CheckedOperation::on(
                Operation::CreateTable { table: name, edits },
                None,
                Some(now),
            ));
        }
        for (table, key) in keys_to_add {
            let before = Table {
                foreign_keys: table
                    .foreign_keys
                    .iter()
                    .filter(|other| **other != key)
                    .cloned()
                    .collect(),
                ..table.clone()
            };
            let edits = vec![nowhere(TableEdit::AddForeignKey(key))];
            let name = table.name.clone();
            let operation = Operation::AlterTable { table: name, edits };
            operations.push(CheckedOperation::on(operation, Some(before), Some(table)));
        }
        let views = self.read_first().into_iter().map(|(view, query)| {
            let (view, query) = (view.to_owned(), query.to_owned());
            CheckedOperation::on(Operation::CreateView { view, query }, None, None)
        });
        operations.extend(views);
        operations
    }

    fn parents_first(&self) -> Vec<&Table> {
        let all: Vec<&Table> = self.tables().collect();
        toposort(&all, |table| &table.name, |table| table.refers_to().collect())
    }

    /// All views, after those that they read.
    fn read_first(&self) -> Vec<(&str, &str)> {
        let all: Vec<(&str, &str)> = self.views().collect();
        let reads = |(_, query): (&str, &str)| {
            let others = all.iter().map(|(other, _)| *other);
            others.filter(|other| mentions(query, other)).collect()
        };
        toposort(&all, |(view, _)| view, reads)
    }
}

fn nowhere(change: TableEdit) -> LocatedEdit {
    LocatedEdit {
        change,
        location: NOWHERE,
    }
}

fn unplaced(diagnostics: Vec<Diagnostic>) -> Error {
    let diagnostics = diagnostics.into_iter().map(|diagnostic| Diagnostic {
        location: None,
        ..diagnostic
    });
    Error::of_diagnostics(diagnostics.collect())
}
