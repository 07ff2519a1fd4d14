//! Every schema change once: a reference to copy from, and a test that they work together.
//!
//! `everywhere` contains the changes for every database. Each other module is specific to one database or to some.
//! [`of`] combines the migrations of one database.

mod everywhere;
mod mysql;
mod postgres;
pub mod schema;
mod sqlite;

use migrate_core::{Dialect, Migration};

/// Returns the migrations for a database, in order.
#[must_use]
pub fn of(dialect: Dialect) -> Vec<Migration> {
    let own = match dialect {
        Dialect::Postgres => postgres::all(),
        Dialect::MySql | Dialect::MariaDb => mysql::all(),
        _ => sqlite::all(),
    };
    everywhere::all().into_iter().chain(own).collect()
}
