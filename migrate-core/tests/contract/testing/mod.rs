//! Tests of `migrate_core::testing` on servers.

use migrate_core::testing::{ServerConnection, TestResult, TestServer};

use crate::support::Engine;

/// Expands each function of a test server to one test per server.
macro_rules! on_every_test_server {
    ($($name:ident)*) => {
        $(
            mod $name {
                test_servers! {
                    $name:
                    postgres PgConnection Postgres,
                    newer_postgres PgConnection NewerPostgres,
                    mysql MysqlConnection MySql,
                    other_mysql MysqlConnection OtherMySql,
                }
            }
        )*
    };
}

macro_rules! test_servers {
    ($name:ident: $($test:ident $connection:ident $engine:ident,)*) => {
        $(
            #[test]
            fn $test() -> migrate_core::testing::TestResult {
                let server = crate::testing::server::<diesel::$connection>(crate::support::Engine::$engine)?;
                server.map_or(Ok(()), super::$name)
            }
        )*
    };
}

mod checks;
mod databases;
mod test_migrations;

/// Returns `None` with a message if the environment names no server.
fn server<C: ServerConnection>(engine: Engine) -> TestResult<Option<TestServer<C>>> {
    match engine {
        Engine::Postgres | Engine::MySql => Ok(TestServer::from_env()?),
        _ => Ok(engine.named_server().map(|url| TestServer::at(&url)).transpose()?),
    }
}
