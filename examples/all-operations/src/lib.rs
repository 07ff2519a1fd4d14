//! Every word for a schema change, once: to copy from, and to see that they work together.
//!
//! What every database takes is in `everywhere`, what only one or some take in a file for each. [`of`] puts together what runs
//! on one.

mod everywhere;
mod mysql;
mod postgres;
pub mod schema;
mod sqlite;

use migrate_core::{Dialect, Migration};

/// All that run on a database, in order.
#[must_use]
pub fn of(dialect: Dialect) -> Vec<Migration> {
    let own = match dialect {
        Dialect::Postgres => postgres::all(),
        Dialect::MySql | Dialect::MariaDb => mysql::all(),
        _ => sqlite::all(),
    };
    everywhere::all().into_iter().chain(own).collect()
}
