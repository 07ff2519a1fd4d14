//! Applies all migrations one by one with rows, rolls them back, and applies them again.

use migrate_core::{Dialect, Rollback, Target, Version};

use crate::support::{AnyConnection, Database};

/// Rows for the tables that a migration has created.
fn rows(dialect: Dialect, made_by: i64) -> &'static str {
    match (made_by, dialect) {
        (1, _) => {
            "INSERT INTO people (email, country) VALUES ('ada@example.org', 'gb'), ('bob@example.org', 'us');
             INSERT INTO memberships (person_id, role, team) VALUES (1, 'owner', 'red'), (2, 'guest', 'blue');
             INSERT INTO invitations (person_id, team) VALUES (1, 'red');
             INSERT INTO measurements (a_small_int, a_float, a_numeric, a_text, a_time)
                 VALUES (1, 0.5, 12.34, 'text', '12:30:00');
             INSERT INTO documents (a_timestamptz, a_json, a_jsonb) VALUES ('2026-01-02 12:30:00', '{}', NULL);"
        }
        (2, _) => "INSERT INTO audit (what) VALUES ('something'), ('something else');",
        (10, Dialect::Sqlite) => {
            "INSERT INTO notes (title, shade, place, stars) VALUES ('One', 'red', NULL, 5), ('Two', 'blue', 'there', 1);"
        }
        (10, Dialect::Postgres) => {
            "INSERT INTO diary (id, title, entry, day, tags, address) VALUES
                 (gen_random_uuid(), 'One', '{}', '2026-01-02', '{}', '127.0.0.1'),
                 (gen_random_uuid(), 'Two', '[1]', '2026-01-03', '{a, b}', NULL);"
        }
        (10, _) => {
            "INSERT INTO notes (title, age, tiny, mood, body) VALUES
                 ('One', 4000000000, NULL, 'sad', 'b'), ('one', 1, -1, 'happy', '');"
        }
        _ => "",
    }
}

pub(crate) fn all_migrations_go_up_and_down_with_rows(database: &Database) {
    let mut connection = database.connect();
    let registry = database.registry();
    let versions: Vec<i64> = registry
        .iter()
        .map(|migration| migration.version())
        .map(Version::as_i64)
        .collect();

    let there = |connection: &mut AnyConnection, versions: &[i64]| {
        for version in versions {
            let mut runner = connection.runner(registry.clone());
            assert_eq!(runner.up(&Target::Next(1)).unwrap().executed.len(), 1);
            assert_eq!(runner.differences().unwrap(), [""; 0], "after {version}");
            drop(runner);
            for statement in rows(database.dialect, *version).split_inclusive(';') {
                connection.execute(statement);
            }
        }
    };
    let back = |connection: &mut AnyConnection, versions: &[i64]| {
        for version in versions.iter().rev() {
            let mut runner = connection.runner(registry.clone());
            assert_eq!(runner.rollback(&Rollback::Last(1)).unwrap().executed.len(), 1);
            assert_eq!(runner.differences().unwrap(), [""; 0], "before {version}");
        }
    };
    // Rolling back further would drop the tables with their rows.
    let (first, later) = versions.split_at(2);
    there(&mut connection, first);
    for _ in 0..2 {
        there(&mut connection, later);
        back(&mut connection, later);
        let guests = "SELECT count(*) FROM people JOIN memberships ON id = person_id WHERE country = 'xx'";
        assert_eq!(connection.number(guests), 2);
    }
    there(&mut connection, later);
    let named = "SELECT count(*) FROM people JOIN members ON id = person_id WHERE handle = lower(email) AND visits = 0";
    assert_eq!(connection.number(named), 2);
    assert_eq!(
        connection.number("SELECT count(*) FROM measurements JOIN documents ON id = 1"),
        1
    );
    back(&mut connection, &versions);
    // All migrations in one run. A view whose SQL has no rollback is still there.
    let mut runner = connection.runner(registry.clone()).on_existing(true);
    assert_eq!(runner.up(&Target::Latest).unwrap().executed.len(), versions.len());
    assert_eq!(runner.differences().unwrap(), [""; 0]);
    assert_eq!(runner.rollback(&Rollback::All).unwrap().executed.len(), versions.len());
    assert_eq!(runner.differences().unwrap(), [""; 0]);
}
