//! Planning without a database: all migrations from the first, from what they say alone.

use crate::dialect::{Dialect, MySql, Postgres, Sqlite};
use crate::dialect_name::{DialectName, DialectVersion};
use crate::error::Error;
use crate::fold::Fold;
use crate::plan::{Plan, PlanFor};
use crate::registry::Registry;

/// How a database in some version writes SQL.
fn dialect_of(dialect: DialectVersion) -> &'static dyn Dialect {
    match (dialect.name(), dialect.version()) {
        (DialectName::Sqlite, _) => &Sqlite,
        (DialectName::Postgres, version) if version >= (18, 0) => &Postgres {
            has_virtual_columns: true,
        },
        (DialectName::Postgres, _) => &Postgres {
            has_virtual_columns: false,
        },
        (DialectName::MySql, _) => &MySql::MySql,
        (DialectName::MariaDb, _) => &MySql::MariaDb,
    }
}

impl Plan {
    /// What all migrations would run on an empty database of some kind, worked out without one.
    ///
    /// ```
    /// use migrate_core::prelude::*;
    /// use migrate_core::{DialectName, Plan, Registry};
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
    /// let plan = Plan::offline(&registry, DialectName::MySql)?;
    /// assert!(plan.to_string().contains("CREATE TABLE `users`"));
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the migrations.
    pub fn offline(registry: &Registry, dialect: impl Into<DialectVersion>) -> Result<Plan, Error> {
        let mut fold = Fold::new(PlanFor {
            dialect: dialect_of(dialect.into()),
            connection: None,
        });
        let mut planned = Vec::new();
        let mut problems = Vec::new();
        for migration in registry {
            match fold.up(migration) {
                Ok(one) => planned.push(one),
                Err(more) => problems.extend(more),
            }
        }
        if problems.is_empty() {
            Ok(Plan::of(planned))
        } else {
            Err(Error::of_problems(problems))
        }
    }
}
