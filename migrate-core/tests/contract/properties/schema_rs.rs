//! Exports of the schema, compared with the migrated database: `schema.rs` and frozen tables with the output of
//! Diesel's `print-schema`, and the SQL of the whole schema with the result of the migrations.
//!
//! `DIESEL_CLI` must name Diesel's program for the first comparison: see CONTRIBUTING.md. `SCHEMA_RS_OUT` may name a
//! directory for the files of SQLite, so that a compiler can check them.

use std::path::Path;
use std::process::Command;

use migrate_core::export::DieselOptions;
use migrate_core::{Dialect, MigrationRef, Registry, SchemaSnapshot, Target};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::database::PlanDatabase;
use super::plan::wish;
use crate::support::Database;

on_every_database! {
    the_exported_schema_matches_the_migrated_database
    schema_rs_matches_print_schema
    table_snapshots_match_print_schema
}

/// Returns the path of Diesel's program, or `None` with a message.
fn diesel() -> Option<String> {
    let diesel = std::env::var("DIESEL_CLI").ok();
    if diesel.is_none() {
        eprintln!("NOT COMPARED with Diesel: DIESEL_CLI does not name its program");
    }
    diesel
}

/// Returns the output of `print-schema` without its first line.
fn printed_by_diesel(diesel: &str, database: &PlanDatabase, arguments: &[&str]) -> String {
    let mut command = Command::new(diesel);
    command.args(["print-schema", "--database-url", &database.url()]);
    // The settings of `diesel setup`.
    command.args(["--custom-type-derives", "diesel::query_builder::QueryId"]);
    command.args(["--custom-type-derives", "Clone"]);
    let output = command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    without_first_line(&String::from_utf8(output.stdout).unwrap())
}

fn without_first_line(text: &str) -> String {
    text.split_once('\n').map_or("", |(_, rest)| rest).to_owned()
}

fn random_migrations(dialect: Dialect) -> Vec<Registry> {
    let count = if dialect == Dialect::Sqlite { 100 } else { 40 };
    let wishes = wish(dialect);
    let mut random = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut all = Vec::new();
    while all.len() < count {
        let taken = wishes.new_tree(&mut random).unwrap().current().taken();
        if !taken.is_empty() {
            all.push(Registry::of(taken.migrations()).unwrap());
        }
    }
    all
}

fn the_exported_schema_matches_the_migrated_database(db: &Database) {
    let mut database = PlanDatabase::like(db);
    for registry in random_migrations(database.dialect()) {
        database.empty();
        database.runner_of(registry.clone()).up(&Target::Latest).unwrap();
        let migrated = database.objects();
        let known = SchemaSnapshot::latest(&registry, database.dialect()).unwrap();
        let sql = known.sql().unwrap_or_else(|error| panic!("{error}\n{known:#?}"));
        database.empty();
        database.execute(&sql);
        assert_eq!(migrated, database.objects(), "{sql}");
    }
}

fn schema_rs_matches_print_schema(db: &Database) {
    let mut database = PlanDatabase::like(db);
    let Some(diesel) = diesel() else { return };
    let is_sqlite = database.dialect() == Dialect::Sqlite;
    for (number, registry) in random_migrations(database.dialect()).into_iter().enumerate() {
        database.empty();
        database.runner_of(registry.clone()).up(&Target::Latest).unwrap();
        let known = SchemaSnapshot::latest(&registry, database.dialect()).unwrap();
        let ways: &[bool] = if is_sqlite { &[false, true] } else { &[false] };
        for &is_bigint in ways {
            let mut options = DieselOptions::default();
            options.sqlite_integer_primary_key_is_bigint = is_bigint;
            let written = without_first_line(&known.diesel(&options));
            if let (Ok(directory), true) = (std::env::var("SCHEMA_RS_OUT"), is_bigint) {
                std::fs::write(Path::new(&directory).join(format!("plan_{number}.rs")), &written).unwrap();
            }
            let mut arguments = vec!["--except-tables", "__migrations"];
            arguments.extend(is_bigint.then_some("--sqlite-integer-primary-key-is-bigint"));
            let printed = printed_by_diesel(&diesel, &database, &arguments);
            assert!(
                written == printed,
                "plan {number}, {is_bigint}:\n{written}\n--- Diesel:\n{printed}"
            );
        }
    }
}

/// `create --tables` writes these tables into a migration.
fn table_snapshots_match_print_schema(db: &Database) {
    let mut database = PlanDatabase::like(db);
    let Some(diesel) = diesel() else { return };
    let first: MigrationRef = "1".parse().unwrap();
    for registry in random_migrations(database.dialect()).into_iter().take(15) {
        database.empty();
        let up = database.runner_of(registry.clone()).up(&Target::To(first.clone()));
        up.unwrap();
        let known = SchemaSnapshot::at(&registry, database.dialect(), &first).unwrap();
        let names: Vec<&str> = known.tables().map(|table| table.name.as_str()).take(2).collect();
        let frozen = known.diesel_tables(&names, &DieselOptions::default()).unwrap();
        let patterns: Vec<String> = names.iter().map(|name| format!("^{name}$")).collect();
        let mut arguments = vec!["--only-tables"];
        if database.dialect() == Dialect::Sqlite {
            arguments.push("--sqlite-integer-primary-key-is-bigint");
        }
        arguments.extend(patterns.iter().map(String::as_str));
        let printed = printed_by_diesel(&diesel, &database, &arguments);
        assert_eq!(frozen.trim(), printed.trim());
    }
}
