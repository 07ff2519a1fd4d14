//! Applying: order, targets, reports, events.

use migrate_core::{Direction, ErrorKind, Event, MigrationRef, State, Target, Version};

use crate::support::{Database, in_group, migration, migration_with_down, table, tables, text};

fn to(version: u64) -> Target {
    Target::To(MigrationRef::from(Version::new(version).unwrap()))
}

#[test]
fn migrations_are_applied_in_the_order_of_their_versions_as_one_batch() {
    let db = Database::new();
    let report = db.up(&[table(10), table(9), table(1)]).unwrap();
    assert_eq!(report.batch, Some(1));
    assert!(report.done.iter().all(|done| done.direction == Direction::Up));
    assert_eq!(db.batches(), ["1:1", "9:1", "10:1"]);
    assert_eq!(db.number("SELECT count(*) FROM t9"), 1);
}

#[test]
fn a_second_run_has_nothing_to_do_and_writes_nothing() {
    let db = Database::new();
    db.up(&tables(1..=3)).unwrap();
    let before = std::fs::read(db.path()).unwrap();
    assert!(db.up(&tables(1..=3)).unwrap().is_empty());
    assert_eq!(std::fs::read(db.path()).unwrap(), before);
}

#[test]
fn each_run_is_a_batch() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    db.up(&tables(1..=4)).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:2", "4:2"]);
    assert!(db.history().iter().all(|row| row.ends_with("unclaimed")));
}

#[test]
fn up_goes_as_far_as_it_is_told() {
    let db = Database::new();
    let all = tables(1..=5);
    db.with(&all, |runner| runner.up(&to(2))).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1"]);
    db.with(&all, |runner| runner.up(&Target::Steps(2))).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:2", "4:2"]);
    assert!(db.with(&all, |runner| runner.up(&to(3))).unwrap().is_empty());
}

#[test]
fn a_target_that_does_not_exist_is_an_error() {
    let db = Database::new();
    let all = tables(1..=3);
    for target in [to(4), Target::Steps(0), Target::Steps(4)] {
        let error = db.with(&all, |runner| runner.up(&target)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTarget, "{error}");
        assert!(!error.next_steps().is_empty());
    }
    assert!(db.whole_picture().is_empty());
}

#[test]
fn a_version_in_two_groups_has_to_be_named_with_its_group() {
    let db = Database::new();
    let all = [
        table(1),
        in_group("jobs", 1, |schema| {
            schema.execute("CREATE TABLE jobs (id INTEGER)").undo("DROP TABLE jobs");
        }),
    ];
    let error = db.with(&all, |runner| runner.up(&to(1))).unwrap_err();
    assert!(error.to_string().contains("jobs:1"), "{error}");
    let one: MigrationRef = "default:1".parse().unwrap();
    assert_eq!(
        db.with(&all, |runner| runner.up(&Target::To(one))).unwrap().done.len(),
        1
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once_before_anything_runs() {
    let db = Database::new();
    let error = db
        .up(&[
            table(1),
            migration(2, |_| {}),
            migration(3, |schema| {
                schema.execute("  ").up_only();
                schema.execute("SELECT 1; DROP TABLE t1").up_only();
                schema.execute("COMMIT").up_only();
                schema.execute("DELETE FROM t1");
                schema.execute("DELETE FROM t1").undo(" ");
            }),
            migration(4, |schema| {
                schema.run(|_: &mut String| Ok::<(), std::fmt::Error>(())).up_only();
            }),
            migration_with_down(
                5,
                |schema| {
                    schema.execute("DELETE FROM t1");
                },
                |_| {},
            ),
            migration(6, |schema| {
                schema.execute("VACUUM").up_only();
            }),
        ])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration);
    insta::assert_snapshot!(crate::support::text(&error));
    assert!(db.whole_picture().is_empty());
}

#[test]
fn status_and_plan_make_no_table() {
    let db = Database::new();
    let all = tables(1..=2);
    let entries = db.with(&all, |runner| runner.status()).unwrap();
    assert!(entries.iter().all(|entry| entry.state == State::Pending));
    let plan = db.with(&all, |runner| runner.plan(&Target::Latest)).unwrap();
    insta::assert_snapshot!(plan.to_string());
    assert!(!db.with(&all, |runner| runner.is_current()).unwrap());
    assert!(db.whole_picture().is_empty());
}

#[test]
fn what_is_planned_is_what_runs() {
    let db = Database::new();
    let all = tables(1..=2);
    let plan = db.with(&all, |runner| runner.plan(&Target::Latest)).unwrap();
    let planned: Vec<String> = plan
        .migrations()
        .iter()
        .flat_map(|migration| migration.steps())
        .filter_map(|step| step.sql().map(str::to_owned))
        .collect();
    let mut ran = Vec::new();
    let mut connection = db.connect();
    let registry = migrate_core::Registry::of(all).unwrap();
    migrate_core::Runner::new(&mut connection, registry)
        .observe(|event| {
            if let Event::Step { label, .. } = event {
                ran.push((*label).to_owned());
            }
        })
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(planned, ran);
}

#[test]
fn a_connection_inside_a_transaction_is_refused() {
    use diesel::prelude::*;

    let db = Database::new();
    let mut connection = db.connect();
    let error = connection
        .transaction(|connection| {
            let registry = migrate_core::Registry::of(tables(1..=1)).unwrap();
            Ok::<_, diesel::result::Error>(
                migrate_core::Runner::new(connection, registry)
                    .up(&Target::Latest)
                    .unwrap_err(),
            )
        })
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting);
}

#[test]
fn the_connection_keeps_its_own_busy_timeout() {
    let db = Database::new();
    let mut connection = db.connect();
    diesel::connection::SimpleConnection::batch_execute(&mut connection, "PRAGMA busy_timeout = 1234").unwrap();
    let registry = migrate_core::Registry::of(tables(1..=1)).unwrap();
    migrate_core::Runner::new(&mut connection, registry)
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(
        crate::support::number(&mut connection, "SELECT timeout FROM pragma_busy_timeout"),
        1234
    );
}

#[test]
fn fresh_empties_the_database_and_applies_all() {
    let db = Database::new();
    db.execute(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES parent (id));
         INSERT INTO parent VALUES (1); INSERT INTO child (parent) VALUES (1);
         CREATE VIEW \"odd \"\" view\" AS SELECT * FROM child;
         CREATE TRIGGER tr AFTER INSERT ON child BEGIN SELECT 1; END;
         CREATE VIRTUAL TABLE words USING fts5(text);",
    );
    let all = tables(1..=2);
    db.up(&all).unwrap();
    let report = db.with(&all, |runner| runner.fresh()).unwrap();
    assert_eq!(report.done.len(), 2);
    let fresh = Database::new();
    fresh.up(&all).unwrap();
    // SQLite never drops its own table of sequences; it is empty.
    let mut picture = db.picture();
    picture.retain(|object| !object.starts_with("table sqlite_sequence"));
    assert_eq!(picture, fresh.picture());
}

#[test]
fn fresh_tells_what_is_gone_when_a_migration_fails() {
    let db = Database::new();
    db.execute("CREATE TABLE precious (id INTEGER)");
    let failing = [migration(1, |schema| {
        schema.execute("INSERT INTO nowhere VALUES (1)").up_only();
    })];
    let error = db.with(&failing, |runner| runner.fresh()).unwrap_err();
    assert!(
        text(&error).contains("everything that was in the database before had been dropped"),
        "{error}"
    );
}

#[test]
fn fresh_drops_nothing_if_a_migration_is_wrong() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    let before = db.whole_picture();
    let wrong = [table(1), table(2), migration(3, |_| {})];
    assert!(db.with(&wrong, |runner| runner.fresh()).is_err());
    assert_eq!(db.whole_picture(), before);
}
