//! Planning without a database: all migrations from the first, from what they say alone.

use std::fmt;
use std::str::FromStr;

use crate::dialect::{Dialect, MySql, Postgres, Sqlite};
use crate::error::Error;
use crate::fold::Fold;
use crate::plan::{Plan, PlanFor};
use crate::registry::Registry;

/// A kind of database, by its SQL.
///
/// ```
/// use migrate_core::DialectName;
///
/// assert_eq!("postgres".parse(), Ok(DialectName::Postgres));
/// assert_eq!(DialectName::MariaDb.to_string(), "mariadb");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialectName {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    MySql,
    /// MariaDB.
    MariaDb,
}

impl DialectName {
    /// All of them.
    pub const ALL: [DialectName; 4] = [
        DialectName::Sqlite,
        DialectName::Postgres,
        DialectName::MySql,
        DialectName::MariaDb,
    ];

    fn dialect(self) -> &'static dyn Dialect {
        match self {
            DialectName::Sqlite => &Sqlite,
            DialectName::Postgres => &Postgres,
            DialectName::MySql => &MySql::MySql,
            DialectName::MariaDb => &MySql::MariaDb,
        }
    }
}

impl fmt::Display for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DialectName::Sqlite => "sqlite",
            DialectName::Postgres => "postgres",
            DialectName::MySql => "mysql",
            DialectName::MariaDb => "mariadb",
        })
    }
}

/// A text is no [`DialectName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownDialect;

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dialect is one of sqlite, postgres, mysql, mariadb")
    }
}

impl std::error::Error for UnknownDialect {}

impl FromStr for DialectName {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<DialectName, UnknownDialect> {
        DialectName::ALL
            .into_iter()
            .find(|name| name.to_string() == text)
            .ok_or(UnknownDialect)
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
    pub fn offline(registry: &Registry, dialect: DialectName) -> Result<Plan, Error> {
        let mut fold = Fold::new(PlanFor {
            dialect: dialect.dialect(),
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
