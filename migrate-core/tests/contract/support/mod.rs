//! Databases for tests, connections to them, and migrations from closures.

#[macro_use]
mod connection;
#[macro_use]
mod migrations;
mod database;
mod engine;
mod picture;

pub(crate) use connection::AnyConnection;
pub(crate) use database::Database;
pub(crate) use engine::Engine;
pub(crate) use migrations::{
    generated, in_group, in_package, migration, migration_with_down, reference, table, tables, untransactional,
};

use migrate_core::Error;

/// Returns the text of an error without the line numbers of these tests, which change.
pub(crate) fn text(error: &Error) -> String {
    let text = error.to_string();
    let mut parts = text.split(".rs:");
    let mut steady = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let file = steady.rsplit(char::is_whitespace).next().unwrap_or_default();
        let is_test = file.contains("tests/contract/");
        steady.push_str(".rs:");
        if is_test {
            steady.push('N');
            steady.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        } else {
            steady.push_str(part);
        }
    }
    steady
}

/// Runs a test function with its own database.
pub(crate) fn on(engine: Engine, claim: fn(&Database)) {
    if let Some(db) = Database::new(engine) {
        claim(&db);
    }
}

/// Returns the name of the test function that this thread runs: `b` for `a::b::postgres`.
pub(crate) fn claim() -> String {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    test.rsplit("::").nth(1).unwrap_or_default().to_owned()
}
