//! The guarantees for every database, grouped by behaviour. Each test has its own database.
//!
//! A test is written once, as a function of a database, and runs on each database that is compiled in. If the
//! environment names no server, a message reports the skipped tests. `sqlite`, `postgres` and `mysql` cover the
//! features of one database only.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

/// Expands each function to one test per database, such as `apply::each_run_is_a_batch::postgres`.
macro_rules! on_every_database {
    ($($name:ident)*) => {
        $(tests!($name: sqlite Sqlite, postgres Postgres, newer_postgres NewerPostgres, mysql MySql, other_mysql OtherMySql);)*
    };
}

/// Expands to tests on the databases with transactional DDL.
macro_rules! on_transactional_ddl {
    ($($name:ident)*) => {
        $(tests!($name: sqlite Sqlite, postgres Postgres, newer_postgres NewerPostgres);)*
    };
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! on_every_server {
    ($($name:ident)*) => {
        $(tests!($name: postgres Postgres, newer_postgres NewerPostgres, mysql MySql, other_mysql OtherMySql);)*
    };
}

#[cfg(feature = "postgres")]
macro_rules! on_postgres {
    ($($name:ident)*) => {
        $(tests!($name: postgres Postgres, newer_postgres NewerPostgres);)*
    };
}

#[cfg(feature = "mysql")]
macro_rules! on_mysql {
    ($($name:ident)*) => {
        $(tests!($name: mysql MySql, other_mysql OtherMySql);)*
    };
}

macro_rules! tests {
    ($name:ident: $($test:ident $engine:ident),*) => {
        mod $name {
            $(tests!(@ $name $test $engine);)*
        }
    };
    (@ $name:ident sqlite $engine:ident) => {
        #[test]
        fn sqlite() {
            crate::support::on(crate::support::Engine::$engine, super::$name);
        }
    };
    (@ $name:ident mysql $engine:ident) => {
        #[cfg(feature = "mysql")]
        #[test]
        fn mysql() {
            crate::support::on(crate::support::Engine::$engine, super::$name);
        }
    };
    (@ $name:ident other_mysql $engine:ident) => {
        #[cfg(feature = "mysql")]
        #[test]
        fn other_mysql() {
            crate::support::on(crate::support::Engine::$engine, super::$name);
        }
    };
    (@ $name:ident $test:ident $engine:ident) => {
        #[cfg(feature = "postgres")]
        #[test]
        fn $test() {
            crate::support::on(crate::support::Engine::$engine, super::$name);
        }
    };
}

/// Compares a text with its snapshot, named after the test function and the database.
macro_rules! assert_text {
    ($db:expr, $text:expr) => {
        insta::with_settings!({ snapshot_suffix => $db.engine.kind() }, {
            insta::assert_snapshot!(crate::support::claim(), $db.with_one_name(&$text))
        })
    };
}

/// Compares a text with a snapshot that all databases share.
macro_rules! assert_same_text {
    ($text:expr) => {
        insta::assert_snapshot!(crate::support::claim(), $text)
    };
}

#[macro_use]
mod support;

mod apply;
mod builder;
mod checks;
mod concurrent_changes;
mod failure;
mod faults;
mod first_run;
mod history;
mod injection;
mod interruption;
mod introspection;
mod processes;
mod properties;
mod rollback;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod run_schema;
mod single_transaction;
mod sqlite;
mod stop;
mod transaction;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "mysql")]
mod online;
#[cfg(feature = "postgres")]
mod pooler;
#[cfg(feature = "postgres")]
mod postgres;

#[cfg(all(feature = "postgres", feature = "mysql"))]
mod testing;

// Modules for tests with a server of any kind.
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod proxy;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod round_trips;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod schema_rs;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod sessions;
