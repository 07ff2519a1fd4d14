//! What `migrate_core::testing` promises on servers. A server that the environment does not name is said not to be tested.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use diesel::PgConnection;
use migrate_core::testing::{TestResult, TestServer};

/// A test on every server for each function of one.
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
                crate::newer_postgres_server()?.map_or(Ok(()), super::$name)
            })*
        }
        mod mysql {
            $(#[test]
            fn $name() -> migrate_core::testing::TestResult {
                let server = migrate_core::testing::TestServer::<diesel::MysqlConnection>::from_env()?;
                server.map_or(Ok(()), super::$name)
            })*
        }
    };
}

mod checks;
mod databases;
mod one_line;

fn newer_postgres_server() -> TestResult<Option<TestServer<PgConnection>>> {
    let Ok(url) = std::env::var("MIGRATE_TEST_POSTGRES_NEWER") else {
        eprintln!("NOT TESTED on a newer PostgreSQL: MIGRATE_TEST_POSTGRES_NEWER does not name a server");
        return Ok(None);
    };
    Ok(Some(TestServer::at(&url)?))
}
