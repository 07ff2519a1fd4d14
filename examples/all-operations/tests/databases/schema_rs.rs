//! `schema.rs` from the migrations: a generated file in the package, which compiles, compared with Diesel's output for
//! the migrated database.

use std::fs;
use std::process::Command;

use migrate_core::export::DieselOptions;
use migrate_core::{Dialect, Registry, SchemaSnapshot, Target};

use crate::support::{Database, print_to_stderr};

fn options(is_bigint: bool) -> DieselOptions {
    let mut options = DieselOptions::default();
    options.sqlite_integer_primary_key_is_bigint = is_bigint;
    options
}

#[test]
fn generated_schema_files_match_the_migrations() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::MariaDb] {
        let registry = Registry::of(all_operations::of(dialect)).unwrap();
        let written = SchemaSnapshot::latest(&registry, dialect)
            .unwrap()
            .diesel(&options(true));
        let file = format!("{}/src/schema/{dialect}.rs", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &written).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), written, "UPDATE=1 writes {file}");
    }
}

/// The tables that Diesel's program cannot print: on SQLite because of `timestamptz`, `json`, `jsonb` and a custom type
/// name, elsewhere because they have no primary key.
fn unprinted(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Sqlite => &["documents", "notes"],
        _ => &["invitations", "members"],
    }
}

/// Returns the text without its header.
fn below(text: &str) -> &str {
    text.split_once("\n\n").unwrap().1
}

pub(crate) fn schema_rs_matches_print_schema_at_each_version(database: &Database) {
    let Ok(diesel) = std::env::var("DIESEL_CLI") else {
        print_to_stderr("NOT COMPARED with Diesel: DIESEL_CLI does not name its program");
        return;
    };
    let dialect = database.dialect;
    let unprinted = unprinted(dialect);
    let mut connection = database.connect();
    for migration in &database.registry() {
        let mut runner = connection.runner(database.registry());
        assert_eq!(runner.up(&Target::Next(1)).unwrap().executed.len(), 1);
        for is_bigint in [false, true] {
            let mut print = Command::new(&diesel);
            print.args(["print-schema", "--database-url", database.url()]);
            print.args(["--except-tables", "^__migrations$"]);
            print.args(unprinted.iter().map(|table| format!("^{table}$")));
            // The settings of `diesel setup`.
            print.args(["--custom-type-derives", "diesel::query_builder::QueryId"]);
            print.args(["--custom-type-derives", "Clone"]);
            if is_bigint {
                print.arg("--sqlite-integer-primary-key-is-bigint");
            }
            let printed = print.current_dir(std::env::temp_dir()).output().unwrap();
            assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
            let printed = String::from_utf8(printed.stdout).unwrap();
            let printed = below(&printed);

            let schema = SchemaSnapshot::at(&database.registry(), dialect, &migration.id().into()).unwrap();
            let tables = schema.tables().map(|table| table.name.as_str());
            let tables: Vec<&str> = tables.filter(|table| !unprinted.contains(table)).collect();
            assert!(tables.len() >= 3, "{tables:?}");
            let options = options(is_bigint);
            assert_eq!(schema.diesel_tables(&tables, &options).unwrap(), printed, "{migration}");
            // On SQLite, the complete file also has the tables that the program cannot print.
            if dialect != Dialect::Sqlite {
                assert_eq!(below(&schema.diesel(&options)), printed, "{migration}");
            }
        }
    }
}
