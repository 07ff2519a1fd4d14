//! What every database has to keep, grouped by behaviour. Each test has a database of its own.
//!
//! A claim is written once, as a function of a database, and is a test on each that is compiled in. A server that the
//! environment does not name is said not to be tested. What one database alone has, or lacks, is in `sqlite`, `postgres` and
//! `mysql`.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

/// Tests on every database for each function of one: `apply::each_run_is_a_batch::postgres`.
macro_rules! on_every_database {
    ($($name:ident)*) => {
        $(tests!($name: sqlite Sqlite, postgres Postgres, newer_postgres NewerPostgres, mysql MySql, other_mysql OtherMySql);)*
    };
}

/// On those where a transaction takes back changes of the schema as well.
macro_rules! where_ddl_is_taken_back {
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

/// Compares a text with its snapshot, which goes by the claim's name and the kind of database.
macro_rules! assert_text {
    ($db:expr, $text:expr) => {
        insta::with_settings!({ snapshot_suffix => $db.engine.kind() }, {
            insta::assert_snapshot!(crate::support::claim(), $db.with_one_name(&$text))
        })
    };
}

/// Compares a text with its snapshot, which is the same on every database.
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
mod history;
mod injection;
mod interruption;
mod introspection;
mod processes;
mod rollback;
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

// What needs a server, whichever it is.
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod proxy;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod round_trips;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod schema_rs;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod sessions;
