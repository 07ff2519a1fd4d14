//! The runner on servers: what a run leaves behind, whatever happens in it. Each test has a database of its own.
//!
//! What holds on every server is written once, in `suite`; a server that the environment does not name is said not to be
//! tested.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

/// A test on every server for each function of a database.
macro_rules! on_every_server {
    ($($name:ident)*) => {
        on_every_server!(@ postgres, Postgres, $($name)*);
        on_every_server!(@ newer_postgres, NewerPostgres, $($name)*);
        on_every_server!(@ mysql, MySql, $($name)*);
    };
    (@ $module:ident, $server:ident, $($name:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $name() {
                    if let Some(db) = crate::support::Database::new(crate::support::Server::$server) {
                        super::$name(&db);
                    }
                }
            )*
        }
    };
}

mod faults;
mod online;
mod postgres;
mod processes;
mod proxy;
mod round_trips;
mod schema_rs;
mod stop;
mod suite;
mod support;
mod whole;
