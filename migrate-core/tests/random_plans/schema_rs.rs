//! `schema.rs` from the model, beside what Diesel's own `print-schema` reads from the migrated database.
//!
//! Diesel's program is needed for that: `cargo install diesel_cli --no-default-features --features sqlite-bundled`, and its path
//! in `DIESEL_CLI`. Where `SCHEMA_RS_OUT` names a directory, the files are left there, for a compiler to look at.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use migrate_core::testing::TestFile;
use migrate_core::{DialectName, DieselOptions, KnownSchema, Registry, Runner, Target};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{case, live, migration, taken};

/// What `print-schema` says, without its first line.
fn printed_by_diesel(diesel: &str, database: &Path, is_bigint: bool) -> String {
    let mut command = Command::new(diesel);
    command.arg("print-schema").arg("--database-url").arg(database);
    if is_bigint {
        command.arg("--sqlite-integer-primary-key-is-bigint");
    }
    let output = command.current_dir(database.parent().unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    without_first_line(&String::from_utf8(output.stdout).unwrap())
}

fn without_first_line(text: &str) -> String {
    text.split_once('\n').map_or("", |(_, rest)| rest).to_owned()
}

fn random_migrations() -> Vec<Registry> {
    let mut random = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut all = Vec::new();
    for _ in 0..100 {
        let (before, after, _) = taken(&case().new_tree(&mut random).unwrap().current());
        let operations = std::iter::once(&before)
            .chain(&after)
            .filter(|operations| !operations.is_empty());
        let migrations = operations
            .zip(1..)
            .map(|(operations, version)| migration(version, operations));
        all.extend(Registry::of(migrations));
    }
    assert!(all.len() > 80);
    all
}

#[test]
fn the_schema_at_once_is_what_the_migrations_make() {
    for registry in random_migrations() {
        let (migrated, at_once) = (TestFile::new().unwrap(), TestFile::new().unwrap());
        let (mut migrated, mut at_once) = (migrated.connect().unwrap(), at_once.connect().unwrap());
        Runner::new(&mut migrated, registry.clone())
            .up(&Target::Latest)
            .unwrap();
        let schema = KnownSchema::latest(&registry, DialectName::Sqlite).unwrap();
        let sql = schema.sql().unwrap();
        live::execute(&mut at_once, &sql);
        assert_eq!(live::schema(&mut migrated), live::schema(&mut at_once), "{sql}");
    }
}

#[test]
fn schema_rs_is_what_diesel_prints() {
    let Ok(diesel) = std::env::var("DIESEL_CLI") else {
        // Not by `println`, which nobody sees when a test passes.
        let said = "NOT COMPARED with Diesel: DIESEL_CLI does not name its program\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    };
    for (number, registry) in random_migrations().into_iter().enumerate() {
        let database = TestFile::new().unwrap();
        let mut connection = database.connect().unwrap();
        Runner::new(&mut connection, registry.clone())
            .up(&Target::Latest)
            .unwrap();
        for is_bigint in [false, true] {
            let mut options = DieselOptions::default();
            options.sqlite_integer_primary_key_is_bigint = is_bigint;
            let schema = KnownSchema::latest(&registry, DialectName::Sqlite).unwrap();
            let written = without_first_line(&schema.diesel(&options));
            if let (Ok(directory), true) = (std::env::var("SCHEMA_RS_OUT"), is_bigint) {
                std::fs::write(Path::new(&directory).join(format!("plan_{number}.rs")), &written).unwrap();
            }
            let printed = printed_by_diesel(&diesel, &database.path(), is_bigint);
            assert!(
                written == printed,
                "plan {number}, {is_bigint}:\n{written}\n--- Diesel:\n{printed}"
            );
        }
    }
}
