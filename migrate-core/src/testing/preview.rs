//! Plans one migration without a database.

use crate::dialect::DialectVersion;
use crate::error::Error;
use crate::export::SchemaSnapshot;
use crate::migration::{DerivedMigration, Migration};
use crate::plan::PlannedMigration;
use crate::plan::offline::replayed;
use crate::registry::Registry;
use crate::target::MigrationRef;

/// One migration, planned without a database: its SQL, its rollback, and the schema before and after it.
///
/// The plan assumes that all earlier migrations are applied. Assert on its parts, or store them as a snapshot.
///
/// ```
/// use migrate_core::prelude::*;
/// use migrate_core::testing::Preview;
///
/// #[derive(Migration)]
/// #[migration(version = 1)]
/// struct CreateUsers;
///
/// impl Migrate for CreateUsers {
///     fn up(&self, schema: &mut Schema) {
///         schema.create_table("users", |t| t.id());
///     }
/// }
///
/// #[derive(Migration)]
/// #[migration(version = 2)]
/// struct AddName;
///
/// impl Migrate for AddName {
///     fn up(&self, schema: &mut Schema) {
///         schema.alter_table("users", |t| t.text("name").nullable());
///     }
/// }
///
/// let preview = Preview::of::<AddName>(Dialect::Postgres)?;
/// assert_eq!(preview.up().sql(), [r#"ALTER TABLE "users" ADD COLUMN "name" TEXT"#]);
/// assert_eq!(preview.down().sql(), [r#"ALTER TABLE "users" DROP COLUMN "name""#]);
/// assert_eq!(preview.before().table("users").map(|users| users.columns.len()), Some(1));
/// assert_eq!(preview.after().table("users").map(|users| users.columns.len()), Some(2));
/// # Ok::<(), migrate_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Preview {
    up: PlannedMigration,
    down: PlannedMigration,
    before: SchemaSnapshot,
    after: SchemaSnapshot,
}

impl Preview {
    /// Plans a migration that is linked into the test.
    ///
    /// # Errors
    ///
    /// Returns an error if the migration is not linked, or if it or an earlier one is invalid.
    pub fn of<M: DerivedMigration>(dialect: impl Into<DialectVersion>) -> Result<Preview, Error> {
        Preview::among(&Registry::linked()?, &Migration::of::<M>().id().into(), dialect)
    }

    /// Plans one migration of an explicit set.
    ///
    /// # Errors
    ///
    /// Returns an error if the migration is not in the set, or if it or an earlier one is invalid.
    pub fn among(
        registry: &Registry,
        migration: &MigrationRef,
        dialect: impl Into<DialectVersion>,
    ) -> Result<Preview, Error> {
        let dialect = dialect.into();
        let (earlier, migration) = migration.up_to(registry)?;
        let all = || earlier.iter().chain([migration]);
        let before = SchemaSnapshot::of(earlier.iter(), dialect)?;
        let after = SchemaSnapshot::of(all(), dialect)?;
        let (mut planner, mut planned) = replayed(all(), dialect, |_, _| {})?;
        let down = planner.down(migration).map_err(Error::of_diagnostics)?;
        let Some(up) = planned.pop() else {
            // Unreachable: every migration was planned, and this one is the last.
            return Err(Error::of_diagnostics(Vec::new()));
        };
        Ok(Preview {
            up,
            down,
            before,
            after,
        })
    }

    /// The planned `up`. Its `Display` prints the SQL with comments.
    #[must_use]
    pub fn up(&self) -> &PlannedMigration {
        &self.up
    }

    /// The planned rollback.
    #[must_use]
    pub fn down(&self) -> &PlannedMigration {
        &self.down
    }

    /// The schema before the migration.
    #[must_use]
    pub fn before(&self) -> &SchemaSnapshot {
        &self.before
    }

    /// The schema after the migration.
    #[must_use]
    pub fn after(&self) -> &SchemaSnapshot {
        &self.after
    }
}
