//! Plans without a database: all migrations from the first one on, on an empty schema.

use crate::dialect::DialectVersion;
use crate::error::Error;
use crate::migration::Migration;
use crate::plan::planner::{self, Planner};
use crate::plan::{Plan, PlanFor, PlannedMigration};
use crate::registry::Registry;
use crate::render::dialect_of;
use crate::state::SchemaState;

impl Plan {
    /// Plans all migrations for an empty database of a dialect, without a connection.
    ///
    /// A [`Dialect`](crate::Dialect) without a version is the oldest supported version. Parse a [`DialectVersion`],
    /// such as `"postgres:18"`, for another one. A table rebuild on SQLite is planned from the migrations; at run time
    /// it starts from the live table.
    ///
    /// ```
    /// use migrate_core::prelude::*;
    /// use migrate_core::{Dialect, Plan, Registry};
    ///
    /// #[derive(Migration)]
    /// #[migration(version = 1, unlisted)]
    /// struct CreateUsers;
    ///
    /// impl Migrate for CreateUsers {
    ///     fn up(&self, schema: &mut Schema) {
    ///         schema.create_table("users", |t| t.id());
    ///     }
    /// }
    ///
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// let plan = Plan::offline(&registry, Dialect::MySql)?;
    /// assert!(plan.to_string().contains("CREATE TABLE `users`"));
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration) with every diagnostic of the migrations.
    pub fn offline(registry: &Registry, dialect: impl Into<DialectVersion>) -> Result<Plan, Error> {
        let (_, planned) = apply_all(registry, dialect.into())?;
        Ok(Plan::of(planned))
    }

    /// Plans the rollback of all migrations for a dialect, last one first, without a connection.
    ///
    /// ```
    /// # use migrate_core::prelude::*;
    /// # use migrate_core::{Dialect, Plan, Registry};
    /// # #[derive(Migration)]
    /// # #[migration(version = 1, unlisted)]
    /// # struct CreateUsers;
    /// # impl Migrate for CreateUsers {
    /// #     fn up(&self, schema: &mut Schema) {
    /// #         schema.create_table("users", |t| t.id());
    /// #     }
    /// # }
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// let plan = Plan::offline_rollback(&registry, Dialect::Postgres)?;
    /// assert!(plan.to_string().contains("DROP TABLE \"users\""));
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration) with every diagnostic of the migrations.
    pub fn offline_rollback(registry: &Registry, dialect: impl Into<DialectVersion>) -> Result<Plan, Error> {
        let (mut planner, _) = apply_all(registry, dialect.into())?;
        let newest_first = registry.iter().collect::<Vec<_>>().into_iter().rev();
        let planned = planner::all_or_diagnostics(newest_first.map(|migration| planner.down(migration)))?;
        Ok(Plan::of(planned))
    }
}

/// Plans migrations on an empty database, and returns the planner. `after` gets the schema state after each migration.
pub(crate) fn replayed<'a>(
    migrations: impl Iterator<Item = &'a Migration>,
    dialect: DialectVersion,
    mut after: impl FnMut(&Migration, &SchemaState),
) -> Result<(Planner, Vec<PlannedMigration>), Error> {
    let mut planner = Planner::new(PlanFor {
        dialect: dialect_of(dialect),
        connection: None,
    });
    let planned = planner::all_or_diagnostics(migrations.map(|migration| {
        let planned = planner.up(migration);
        after(migration, planner.state());
        planned
    }))?;
    Ok((planner, planned))
}

fn apply_all(registry: &Registry, dialect: DialectVersion) -> Result<(Planner, Vec<PlannedMigration>), Error> {
    replayed(registry.iter(), dialect, |_, _| {})
}
