//! PostgreSQL, through Diesel's `PgConnection`.
//!
//! Each transaction holds an advisory lock, so that one run at a time writes. The transaction holds it and not the
//! session, because a pooler may share the session. The key of a history row covers the cases that the lock cannot.

mod catalog;
mod connection;
mod drop_all;
mod history_store;
mod introspection;
mod invalid_index;
mod lock;
mod open;
#[cfg(feature = "testing")]
mod test_server;

use std::time::Duration;

use diesel::sql_types::Bool;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::DriverError;
use crate::render::Postgres;

/// The dialect until the server's version is known.
const DIALECT: &Postgres = &Postgres::since((13, 0));

/// The first statement takes the lock, and the second one must see everything that was committed before.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// Converts a wait for a setting in which 0 means no limit.
fn milliseconds(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// Returns the column `truth` of the only row.
fn truth(connection: &mut PgConnection, query: &str) -> Result<bool, DriverError> {
    #[derive(QueryableByName)]
    struct Truth {
        #[diesel(sql_type = Bool)]
        truth: bool,
    }
    let row: Truth = sql_query(query).get_result(connection)?;
    Ok(row.truth)
}
