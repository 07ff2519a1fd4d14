//! What the tests of introspection share: servers, tables in the builder's words, and their comparison with live ones.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use crate::dialect::DialectVersion;
use crate::export::SchemaSnapshot;
use crate::migration::example;
use crate::render::dialect_of;
use crate::schema::{Schema, Table};
use crate::state::LiveSchema;

/// Returns the URL of a server, or `None` with a message if the environment names none.
pub(super) fn server(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        eprintln!("NOT TESTED: {variable} does not name a server");
    }
    url
}

pub(super) fn described(version: DialectVersion, up: fn(&mut Schema)) -> SchemaSnapshot {
    SchemaSnapshot::of([example(1, up)].iter(), version).unwrap()
}

/// Checks that the tables are read exactly as expected, without normalization. `adjust` adds to the described tables
/// what the builder cannot express.
pub(super) fn assert_tables(live: &LiveSchema, described: &SchemaSnapshot, adjust: impl Fn(&mut Table)) {
    assert_eq!(live.tables.len(), described.tables().count());
    for table in described.tables() {
        let mut expected = table.clone();
        adjust(&mut expected);
        let expected = in_order(expected);
        let found = in_order(live.tables[&table.name].clone().unwrap());
        assert_eq!(expected.difference(described.dialect(), &found), None, "{}", table.name);
        // What that text leaves out: the order of columns, names of constraints, triggers.
        assert!(expected == found, "expected {expected:#?}\nfound {found:#?}");
    }
}

/// Returns the table with its constraints and indexes in the order of their names.
fn in_order(mut table: Table) -> Table {
    table.uniques.sort_by(|a, b| a.name.cmp(&b.name));
    table.checks.sort_by(|a, b| a.name.cmp(&b.name));
    table.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
    table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    table
}

/// Returns the differences between the described tables and the live ones, after normalization.
pub(super) fn differences(version: DialectVersion, known: &SchemaSnapshot, live: &LiveSchema) -> Vec<String> {
    assert_eq!(live.tables.len(), known.tables().count());
    let mut differences = Vec::new();
    for known in known.tables() {
        let mut found = live.tables[&known.name].clone().unwrap();
        dialect_of(version).normalize_to(&mut found, known);
        assert_eq!(found.comment, known.comment);
        for (found, known) in found.columns.iter().zip(&known.columns) {
            assert_eq!((&found.name, &found.comment), (&known.name, &known.comment));
        }
        let difference = known.difference(version.name(), &found);
        differences.extend(difference.map(|difference| format!("{}: {difference}", known.name)));
    }
    differences
}
