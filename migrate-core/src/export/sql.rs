//! The whole schema as SQL that creates it on an empty database.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::SchemaSnapshot;
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::location::Location;
use crate::render::{self, SqlDialect};
use crate::schema::{EnumChange, ForeignKey, LocatedEdit, Operation, Table, TableEdit};
use crate::sql::mentions;
use crate::state::{CheckedOperation, toposort};

/// The location of generated operations, which have no source.
const NOWHERE: Location = Location { file: "", line: 0 };

impl SchemaSnapshot {
    /// Returns the statements that create the schema on an empty database of the snapshot's dialect.
    ///
    /// The order is: enums, tables after those that they reference, foreign keys to tables that come later, views after
    /// those that they read. Each statement ends with a semicolon. Unknown parts appear as comments.
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
    /// [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration), if the database lacks a feature that the
    /// schema uses.
    pub fn sql(&self) -> Result<String, Error> {
        let dialect = render::dialect_of(self.dialect);
        let mut text = String::new();
        for line in &self.unknown {
            let _ = writeln!(text, "-- Unknown: {}.", line.replace(['\n', '\r'], " "));
        }
        for applied in self.creation(dialect) {
            if !text.is_empty() {
                text.push('\n');
            }
            let rendered = render::render(dialect, &applied, NOWHERE).map_err(unplaced)?;
            // The check that a view can be read belongs to the migration that creates it.
            let check = match &applied.operation {
                Operation::CreateView { view, .. } => dialect.check_view(view),
                _ => None,
            };
            for statement in rendered
                .statements
                .iter()
                .filter(|one| check.as_ref() != Some(&one.sql))
            {
                let _ = writeln!(text, "{};", statement.sql);
            }
        }
        Ok(text)
    }

    /// Returns the operations that create the schema on an empty database.
    fn creation(&self, dialect: &dyn SqlDialect) -> Vec<CheckedOperation> {
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
            if dialect.features().references_existing_tables {
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
            let edits = vec![nowhere(key.into())];
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

    /// Returns all views, each after those that it reads.
    fn read_first(&self) -> Vec<(&str, &str)> {
        let all: Vec<(&str, &str)> = self.views().collect();
        let reads = |(_, query): (&str, &str)| {
            let others = all.iter().map(|(other, _)| *other);
            others
                .filter(|other| mentions(self.dialect.name(), query, other))
                .collect()
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
