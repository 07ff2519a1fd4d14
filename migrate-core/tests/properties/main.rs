//! Random plans with rows on each database: apply, roll back, apply again. The rollback restores the schema, the schema
//! state matches introspection, and rows that no operation destroys keep their values. If rows prevent a plan, the run
//! resumes after they are deleted.
//!
//! The plans are fixed: 1,000 on SQLite, 300 on each server. `CI_FULL=1` runs 20,000 and 3,000 random ones.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

/// Expands each function to one test per database. A message reports a server that the environment does not name.
macro_rules! on_each_database {
    ($($name:ident)*) => {
        $(
            mod $name {
                #[test]
                fn on_sqlite() {
                    super::$name(&mut crate::sqlite::Sqlite::new());
                }

                #[cfg(feature = "postgres")]
                #[test]
                fn on_postgres() {
                    if let Some(mut database) = crate::postgres::Postgres::new("MIGRATE_TEST_POSTGRES") {
                        super::$name(&mut database);
                    }
                }

                #[cfg(feature = "postgres")]
                #[test]
                fn on_newer_postgres() {
                    if let Some(mut database) = crate::postgres::Postgres::new("MIGRATE_TEST_POSTGRES_NEWER") {
                        super::$name(&mut database);
                    }
                }

                #[cfg(feature = "mysql")]
                #[test]
                fn on_mysql() {
                    if let Some(mut database) = crate::mysql::MySql::new("MIGRATE_TEST_MYSQL") {
                        super::$name(&mut database);
                    }
                }

                #[cfg(feature = "mysql")]
                #[test]
                fn on_other_mysql() {
                    if let Some(mut database) = crate::mysql::MySql::new("MIGRATE_TEST_MYSQL_OTHER") {
                        super::$name(&mut database);
                    }
                }
            }
        )*
    };
}

mod database;
#[cfg(feature = "mysql")]
mod mysql;
mod operation;
mod plan;
#[cfg(feature = "postgres")]
mod postgres;
mod schema_rs;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
mod sql;
mod sqlite;
mod test_migrations;
mod up_and_down;
