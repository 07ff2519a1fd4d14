//! The schema at a version, as it is known from the migrations alone, without a database. What it is written as for other
//! tools is in the files below.

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

/// The schema that migrations make of an empty database, worked out without one.
///
/// ```
/// use migrate_core::prelude::*;
/// use migrate_core::{Dialect, DieselOptions, SchemaSnapshot, Registry};
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
    model: SchemaState,
    unknown: Vec<String>,
}

impl SchemaSnapshot {
    /// After all migrations.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the migrations.
    pub fn latest(registry: &Registry, dialect: impl Into<DialectVersion>) -> Result<SchemaSnapshot, Error> {
        SchemaSnapshot::of(registry.iter(), dialect.into())
    }

    /// After one migration and all that come before it.
    ///
    /// # Errors
    ///
    /// That there is no such migration, or everything that is wrong with these.
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
        let mut before = SchemaState::default();
        let (planner, _) = replayed(migrations, dialect, |migration, model| {
            let what = match model.newly_unknown(&before) {
                None => "anything".to_owned(),
                Some(names) if names.is_empty() => return,
                Some(names) => format!("`{}`", names.join("`, `")),
            };
            // Without its line: a kept file would change with everything above it.
            unknown.push(format!(
                "{} {} runs SQL that may have made, changed or dropped {what}; `.changes(..)` says what it did",
                migration.version(),
                migration.name(),
            ));
            before = model.clone();
        })?;
        Ok(SchemaSnapshot {
            dialect,
            model: planner.into_model(),
            unknown,
        })
    }

    /// A table, if it is known.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.model.table(name)
    }

    /// All tables that are known, by name.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.model.tables()
    }

    /// All views that are known, by name, with their queries.
    pub fn views(&self) -> impl Iterator<Item = (&str, &str)> {
        self.model.views()
    }

    /// All enums that are known, by name, with their values in order.
    pub fn enums(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.model.enums()
    }

    /// What is not known of it: a sentence for each migration whose raw SQL may have done what the model does not show.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }
}
