//! The schema at a version, known from the migrations without a database, and its export for other tools.

mod diesel;
mod diesel_names;
mod diesel_types;
mod mermaid;
mod sql;

use crate::dialect::DialectVersion;
use crate::error::Error;
use crate::migration::Migration;
use crate::plan::offline::replayed;
use crate::registry::Registry;
use crate::schema::Table;
use crate::state::SchemaState;
use crate::target::MigrationRef;

pub use self::diesel::{DieselOptions, GeneratedHeader};

/// The schema that migrations create on an empty database, computed without one.
///
/// It holds tables, views and enums. Raw SQL without `.changes(..)` makes objects unknown;
/// [`unknown`](SchemaSnapshot::unknown) lists the migrations with such SQL.
///
/// ```
/// use migrate_core::prelude::*;
/// use migrate_core::{Dialect, SchemaSnapshot, Registry};
/// use migrate_core::export::DieselOptions;
///
/// #[derive(Migration)]
/// #[migration(version = 1, unlisted)]
/// struct CreateUsers;
///
/// impl Migrate for CreateUsers {
///     fn up(&self, schema: &mut Schema) {
///         schema.create_table("users", |t| {
///             t.id();
///             t.text("name").nullable();
///         });
///     }
/// }
///
/// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
/// let schema = SchemaSnapshot::latest(&registry, Dialect::Sqlite)?;
/// assert!(schema.diesel(&DieselOptions::default()).contains("name -> Nullable<Text>,"));
/// # Ok::<(), migrate_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SchemaSnapshot {
    dialect: DialectVersion,
    state: SchemaState,
    unknown: Vec<String>,
}

impl SchemaSnapshot {
    /// Returns the schema after all migrations.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration) with every diagnostic of the migrations.
    pub fn latest(registry: &Registry, dialect: impl Into<DialectVersion>) -> Result<SchemaSnapshot, Error> {
        SchemaSnapshot::of(registry.iter(), dialect.into())
    }

    /// Returns the schema after the migration `last` and all that come before it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if there is no such migration, or if several
    /// groups use the version. [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration) with every
    /// diagnostic of these migrations.
    pub fn at(
        registry: &Registry,
        dialect: impl Into<DialectVersion>,
        last: &MigrationRef,
    ) -> Result<SchemaSnapshot, Error> {
        let (earlier, last) = last.up_to(registry)?;
        SchemaSnapshot::of(earlier.iter().chain([last]), dialect.into())
    }

    pub(crate) fn of<'a>(
        migrations: impl Iterator<Item = &'a Migration>,
        dialect: DialectVersion,
    ) -> Result<SchemaSnapshot, Error> {
        let mut unknown = Vec::new();
        let mut before = SchemaState::new(dialect.name());
        let (planner, _) = replayed(migrations, dialect, |migration, state| {
            let what = match state.newly_unknown(&before) {
                None => "anything".to_owned(),
                Some(names) if names.is_empty() => return,
                Some(names) => format!("`{}`", names.join("`, `")),
            };
            // The line number is left out, because an edit above it would change a committed file.
            unknown.push(format!(
                "{} {} runs raw SQL that may have created, changed or dropped {what}; describe it with `.changes(..)`",
                migration.version(),
                migration.name(),
            ));
            before = state.clone();
        })?;
        Ok(SchemaSnapshot {
            dialect,
            state: planner.into_state(),
            unknown,
        })
    }

    /// Returns a table; `None` if it does not exist or is unknown.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.state.table(name)
    }

    /// Returns the dialect that the schema is for.
    #[cfg(test)]
    pub(crate) fn dialect(&self) -> crate::dialect::Dialect {
        self.dialect.name()
    }

    /// Returns all known tables, in the order of their names.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.state.tables()
    }

    /// Returns all known views with their queries, in the order of their names.
    pub fn views(&self) -> impl Iterator<Item = (&str, &str)> {
        self.state.views()
    }

    /// Returns all known enums with their values, in the order of their names.
    pub fn enums(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.state.enums()
    }

    /// Returns one sentence for each migration whose raw SQL may have changed the schema in ways that are unknown here.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }
}
