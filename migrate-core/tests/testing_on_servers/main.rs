//! Tests of `migrate_core::testing` on servers. A message reports a server that the environment does not name.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use migrate_core::testing::{ServerConnection, TestResult, TestServer};

/// Expands each function to one test per server.
macro_rules! on_every_server {
    ($($name:ident)*) => {
        mod postgres {
            $(#[test]
            fn $name() -> migrate_core::testing::TestResult {
                let server = migrate_core::testing::TestServer::<diesel::PgConnection>::from_env()?;
                server.map_or(Ok(()), super::$name)
            })*
        }
        mod newer_postgres {
            $(#[test]
            fn $name() -> migrate_core::testing::TestResult {
                let server = crate::other_server::<diesel::PgConnection>("MIGRATE_TEST_POSTGRES_NEWER")?;
                server.map_or(Ok(()), super::$name)
            })*
        }
        mod mysql {
            $(#[test]
            fn $name() -> migrate_core::testing::TestResult {
                let server = migrate_core::testing::TestServer::<diesel::MysqlConnection>::from_env()?;
                server.map_or(Ok(()), super::$name)
            })*
        }
        mod other_mysql {
            $(#[test]
            fn $name() -> migrate_core::testing::TestResult {
                let server = crate::other_server::<diesel::MysqlConnection>("MIGRATE_TEST_MYSQL_OTHER")?;
                server.map_or(Ok(()), super::$name)
            })*
        }
    };
}

mod checks;
mod databases;
mod test_migrations;

/// Returns an additional server from the environment.
fn other_server<C: ServerConnection>(variable: &str) -> TestResult<Option<TestServer<C>>> {
    let Ok(url) = std::env::var(variable) else {
        eprintln!("NOT TESTED on another server: {variable} does not name one");
        return Ok(None);
    };
    Ok(Some(TestServer::at(&url)?))
}
