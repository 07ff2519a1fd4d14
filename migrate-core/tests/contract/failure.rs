//! A failing step: nothing of its migration stays, and the error says everything.

use diesel::prelude::*;
use migrate_core::{Error, ErrorKind, Migration, Rollback};

use crate::support::{Database, migration, table, tables, text};

/// A migration whose third step is `last`.
fn third_step_is(last: impl Fn(&mut migrate_core::Schema) + Send + Sync + 'static) -> Migration {
    migration(3, move |schema| {
        schema
            .execute("ALTER TABLE t1 ADD COLUMN extra TEXT")
            .undo("ALTER TABLE t1 DROP COLUMN extra");
        schema.execute("UPDATE t1 SET extra = 'x', id = id + 1").up_only();
        last(schema);
    })
}

fn fails_and_leaves_everything_as_it_was(failing: Migration) -> Error {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    let picture = db.whole_picture();
    let bytes = std::fs::read(db.path()).unwrap();

    let error = db.up(&[table(1), table(2), failing]).unwrap_err();

    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(db.whole_picture(), picture);
    assert_eq!(std::fs::read(db.path()).unwrap(), bytes);
    assert_eq!(error.failed_migration(), Some("3 m3"));
    assert!(error.place().is_some());
    assert!(error.failed_statement().is_some());
    assert!(error.root_cause().is_some());
    assert!(error.database_state().is_some());
    assert!(!error.next_steps().is_empty());
    error
}

#[test]
fn a_failing_third_statement_leaves_everything_as_it_was() {
    let error = fails_and_leaves_everything_as_it_was(third_step_is(|schema| {
        schema.execute("INSERT INTO nowhere\nVALUES (1)").up_only();
    }));
    insta::assert_snapshot!(text(&error));
}

#[test]
fn a_rust_step_that_returns_an_error_leaves_everything_as_it_was() {
    let error = fails_and_leaves_everything_as_it_was(third_step_is(|schema| {
        schema.run(fill).up_only();
    }));
    insta::assert_snapshot!(text(&error));
}

fn fill(conn: &mut SqliteConnection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    diesel::sql_query("DELETE FROM t1").execute(conn)?;
    Err("an address has no @".into())
}

#[test]
fn a_rust_step_that_panics_leaves_everything_as_it_was() {
    let error = fails_and_leaves_everything_as_it_was(third_step_is(|schema| {
        schema.run(panics).up_only();
    }));
    insta::assert_snapshot!(text(&error));
}

fn panics(conn: &mut SqliteConnection) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM t1").execute(conn)?;
    conn.transaction(|conn| {
        diesel::sql_query("DELETE FROM t2").execute(conn)?;
        panic!("row {} has no address", 7)
    })
}

#[test]
fn the_connection_is_usable_after_a_panic() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    let mut connection = db.connect();
    let all = [
        table(1),
        table(2),
        third_step_is(|schema| {
            schema.run(panics).up_only();
        }),
    ];
    let registry = migrate_core::Registry::of(all).unwrap();
    migrate_core::Runner::new(&mut connection, registry)
        .up(&migrate_core::Target::Latest)
        .unwrap_err();
    connection
        .transaction(|connection| diesel::sql_query("INSERT INTO t1 VALUES (5)").execute(connection))
        .unwrap();
    assert_eq!(db.number("SELECT count(*) FROM t1"), 2);
}

#[test]
fn the_first_migration_that_fails_leaves_an_empty_database() {
    let db = Database::new();
    let error = db
        .up(&[migration(1, |schema| {
            schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
            schema.execute("CREATE TABLE a (id INTEGER)").up_only();
        })])
        .unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert!(db.whole_picture().is_empty());
}

#[test]
fn what_was_applied_before_stays_and_the_error_says_so() {
    let db = Database::new();
    let wrong = migration(3, |schema| {
        schema.execute("nonsense").up_only();
    });
    let error = db.up(&[table(1), table(2), wrong]).unwrap_err();
    insta::assert_snapshot!(text(&error));
    assert_eq!(db.batches(), ["1:1", "2:1"]);
    // What follows is a deploy of its own.
    db.up(&tables(1..=4)).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:2", "4:2"]);
}

#[test]
fn a_failing_way_back_leaves_the_migration_applied() {
    let db = Database::new();
    let wrong = migration(2, |schema| {
        schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
        schema.execute("CREATE TABLE b (id INTEGER)").undo("DROP TABLE no_b");
    });
    db.up(&[table(1), wrong]).unwrap();
    let before = db.whole_picture();
    let error = db.rollback(&[table(1), wrong], &Rollback::LastBatch).unwrap_err();
    insta::assert_snapshot!(text(&error));
    assert_eq!(db.whole_picture(), before);
}

#[test]
fn a_deferred_foreign_key_that_does_not_hold_fails_the_commit() {
    let db = Database::new();
    let mut connection = db.connect();
    diesel::connection::SimpleConnection::batch_execute(&mut connection, "PRAGMA foreign_keys = ON").unwrap();
    let wrong = migration(1, |schema| {
        schema
            .execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
            .undo("DROP TABLE a");
        schema
            .execute("CREATE TABLE b (a INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)")
            .undo("DROP TABLE b");
        schema.execute("INSERT INTO b VALUES (1)").up_only();
    });
    let registry = migrate_core::Registry::of([wrong]).unwrap();
    let error = migrate_core::Runner::new(&mut connection, registry)
        .up(&migrate_core::Target::Latest)
        .unwrap_err();
    insta::assert_snapshot!(text(&error));
    drop(connection);
    assert!(db.whole_picture().is_empty());
}
