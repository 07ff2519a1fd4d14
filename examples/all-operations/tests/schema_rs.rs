//! `schema.rs` from the model: kept in the package, and beside what Diesel reads from the migrated database.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::Command;

use all_operations as _;
use migrate_core::testing::TestFile;
use migrate_core::{DialectName, DieselOptions, KnownSchema, Registry, Runner, Target};

fn written(is_bigint: bool) -> String {
    let mut options = DieselOptions::default();
    options.sqlite_integer_primary_key_is_bigint = is_bigint;
    let schema = KnownSchema::latest(&Registry::linked().unwrap(), DialectName::Sqlite).unwrap();
    schema.diesel(&options)
}

#[test]
fn the_kept_file_is_what_the_migrations_make() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema.rs");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, written(true)).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        written(true),
        "UPDATE=1 writes {file}"
    );
}

/// The pieces of a file, without its first line and without the tables that Diesel's program has no types for.
fn pieces(text: &str, but: &[&str]) -> Vec<String> {
    let pieces = text.split("\n\n").skip(1).map(str::trim_end);
    let is_left_out = |piece: &&str| but.iter().any(|table| piece.contains(&format!("\n    {table} (")));
    pieces.filter(|piece| !is_left_out(piece)).map(str::to_owned).collect()
}

#[test]
fn it_is_what_diesel_prints() {
    let Ok(diesel) = std::env::var("DIESEL_CLI") else {
        // Not by `println`, which nobody sees when a test passes.
        let said = "NOT COMPARED with Diesel: DIESEL_CLI does not name its program\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    };
    let database = TestFile::new().unwrap();
    Runner::linked(&mut database.connect().unwrap())
        .unwrap()
        .up(&Target::Latest)
        .unwrap();
    // It has `timestamptz`, `json`, `jsonb` and a type by its name, which `print-schema` refuses on SQLite.
    let unprinted = ["measurements"];
    for is_bigint in [false, true] {
        let mut print = Command::new(&diesel);
        print.args(["print-schema", "--database-url"]).arg(database.path());
        print.arg("--except-tables").args(unprinted);
        if is_bigint {
            print.arg("--sqlite-integer-primary-key-is-bigint");
        }
        let printed = print.current_dir(database.directory()).output().unwrap();
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let printed = String::from_utf8(printed.stdout).unwrap();
        let expected = pieces(&printed, &[]);
        assert!(expected.len() > 3, "{printed}");
        let mut found = pieces(&written(is_bigint), &unprinted);
        for piece in &mut found {
            for table in unprinted {
                *piece = piece
                    .replace(&format!("    {table},\n"), "")
                    .replace(&format!("{table}, "), "");
            }
        }
        assert_eq!(found, expected);
    }
}
