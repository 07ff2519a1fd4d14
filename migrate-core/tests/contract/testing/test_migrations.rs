//! `test_migrations!` creates tests for each database whose feature is enabled.

use std::collections::BTreeMap;
use std::process::Command;

use migrate_core::prelude::*;

migrate_core::test_migrations!();

#[derive(Migration)]
#[migration(version = 1)]
struct CreateUsers;

impl Migrate for CreateUsers {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("name", 100).unique();
        });
    }
}

#[derive(Migration)]
#[migration(version = 2)]
struct AddPosts;

impl Migrate for AddPosts {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("posts", |t| {
            t.id();
            t.big_int("user_id").references("users", "id");
            t.text("title");
        });
        schema.alter_table("users", |t| t.rename_column("name", "full_name"));
    }
}

/// Tests on some of the databases only.
mod mysql_only {
    migrate_core::test_migrations!(; on = [mysql], seed = 2);
}

#[test]
fn each_enabled_or_named_database_has_tests() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--list", "testing::test_migrations::"])
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let checks = listed.lines().filter_map(|line| {
        line.strip_prefix("testing::")?
            .strip_suffix(": test")?
            .rsplit_once("::")
    });
    let mut counted = BTreeMap::new();
    for (module, _) in checks {
        *counted.entry(module).or_insert(0) += 1;
    }
    // This test is the eighth.
    let expected = [
        ("test_migrations", 8),
        ("test_migrations::mysql_only", 3),
        ("test_migrations::mysql_only::on_mysql", 4),
        ("test_migrations::on_mysql", 4),
        ("test_migrations::on_postgres", 4),
    ];
    assert_eq!(counted, BTreeMap::from(expected));
}
