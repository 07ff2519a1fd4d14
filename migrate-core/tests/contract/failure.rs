//! Failing steps: a transaction rolls everything back; elsewhere history records the completed steps. The error
//! explains all of it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use migrate_core::{Direction, ErrorKind, Migration, Rollback, Schema, Target};

use crate::support::{Database, generated, migration, reference, table, tables};

on_every_database! {
    a_failed_third_statement_leaves_a_consistent_state
    a_failed_rust_step_leaves_a_consistent_state
    a_panic_in_a_rust_step_leaves_a_consistent_state
    the_connection_is_usable_after_a_panic
    earlier_migrations_stay_applied_and_are_reported
    a_failed_rollback_keeps_the_migration_applied
    a_mistake_in_one_migration_affects_no_other
    an_error_reports_what_was_executed_before_it
    rows_with_the_same_key_are_found_by_a_query
    rows_with_null_are_found_by_a_query
    rows_without_the_row_that_they_reference_are_found_by_a_query
    rows_for_which_a_check_is_false_are_found_by_a_query
}

on_transactional_ddl! {
    a_failed_first_migration_leaves_an_empty_database
    a_violated_deferred_foreign_key_fails_the_commit
}

/// A migration whose third step is `last`.
fn third_step_is(last: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    migration(3, move |schema| {
        schema
            .execute("ALTER TABLE t1 ADD COLUMN extra VARCHAR(10)")
            .undo("ALTER TABLE t1 DROP COLUMN extra");
        schema.execute("UPDATE t1 SET extra = 'x', id = id + 1").up_only();
        last(schema);
    })
}

/// The third step fails. Either nothing has changed, or the first two steps are recorded and the next run resumes with
/// the third.
fn fails(db: &Database, failing: Migration) {
    db.up(&tables(1..=2)).unwrap();
    let before = (db.whole_picture(), db.bytes());

    let error = db.up(&[table(1), table(2), failing]).unwrap_err();

    assert_text!(db, db.said(&error));
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(error.failed_migration(), Some("3 m3"));
    assert!(error.location().is_some());
    assert!(error.failed_statement().is_some());
    assert!(error.cause().is_some());
    assert!(error.database_state().is_some());
    assert!(!error.helps().is_empty());
    if db.engine.has_transactional_ddl() {
        assert_eq!((db.whole_picture(), db.bytes()), before);
    } else {
        assert_eq!(db.states(), ["1:applied", "2:applied", "3:applying:2"]);
        assert_eq!(db.number("SELECT sum(id) FROM t1 WHERE extra = 'x'"), 2);
        assert_eq!(db.number("SELECT sum(id) FROM t2"), 2);
    }
    let fixed = third_step_is(|schema| schema.execute("UPDATE t1 SET id = id + 10").up_only());
    db.up(&[table(1), table(2), fixed]).unwrap();
    assert_eq!(db.number("SELECT sum(id) FROM t1"), 12);
    assert_eq!(db.states(), ["1:applied", "2:applied", "3:applied"]);
    assert_eq!(db.claims(), 0);
}

fn a_failed_third_statement_leaves_a_consistent_state(db: &Database) {
    let failing = third_step_is(|schema| schema.execute("INSERT INTO nowhere\nVALUES (1)").up_only());
    fails(db, failing);
}

fn a_failed_rust_step_leaves_a_consistent_state(db: &Database) {
    type Failure = Box<dyn std::error::Error + Send + Sync>;
    let fill = rust_step!(|conn| {
        conn.batch_execute("DELETE FROM t1")?;
        Err::<(), Failure>("an address has no @".into())
    });
    fails(db, third_step_is(move |schema| schema.run(fill).up_only()));
}

fn a_panic_in_a_rust_step_leaves_a_consistent_state(db: &Database) {
    fails(db, third_step_is(panics));
}

fn panics(schema: &mut Schema) {
    let panics = rust_step!(|conn| {
        conn.batch_execute("DELETE FROM t1")?;
        conn.transaction(|conn| -> QueryResult<()> {
            conn.batch_execute("DELETE FROM t2")?;
            panic!("row {} has no address", 7)
        })
    });
    schema.run(panics).up_only();
}

fn the_connection_is_usable_after_a_panic(db: &Database) {
    let mut connection = db.connect();
    let all = [table(1), table(2), third_step_is(panics)];
    connection.runner(&all).up(&Target::Latest).unwrap_err();
    let inserted = with_connection!(&mut connection, connection => connection.transaction(|connection| {
        connection.batch_execute("INSERT INTO t2 VALUES (5)")
    }));
    inserted.unwrap();
    assert_eq!(db.number("SELECT count(*) FROM t2"), 2);
}

fn a_failed_first_migration_leaves_an_empty_database(db: &Database) {
    let error = db
        .up(&[migration(1, |schema| {
            schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
            schema.execute("CREATE TABLE a (id INTEGER)").up_only();
        })])
        .unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(db.whole_picture(), [""; 0]);
}

fn earlier_migrations_stay_applied_and_are_reported(db: &Database) {
    let wrong = migration(3, |schema| {
        schema.execute("nonsense").up_only();
    });
    let error = db.up(&[table(1), table(2), wrong]).unwrap_err();
    assert_text!(db, db.said(&error));
    let stays: &[&str] = match db.engine.has_transactional_ddl() {
        true => &["1:1", "2:1"],
        false => &["1:1", "2:1", "3:1"],
    };
    assert_eq!(db.batches(), stays);
    // The next run is a deploy with its own batch.
    db.up(&tables(1..=4)).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:2", "4:2"]);
}

fn a_failed_rollback_keeps_the_migration_applied(db: &Database) {
    let with = |undo: &'static str| {
        let second = migration(2, move |schema| {
            schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
            schema.execute("INSERT INTO t1 VALUES (2)").undo(undo);
            schema.execute("CREATE TABLE b (id INTEGER)").undo("DROP TABLE b");
        });
        [table(1), second]
    };
    let wrong = with("DELETE FROM nowhere");
    db.up(&wrong).unwrap();
    let before = db.whole_picture();
    let error = db.rollback(&wrong, &Rollback::Last(1)).unwrap_err();
    assert_text!(db, db.said(&error));
    if db.engine.has_transactional_ddl() {
        assert_eq!(db.whole_picture(), before);
    } else {
        assert_eq!(db.states(), ["1:applied", "2:reverting:1"]);
        assert_eq!(db.tables(), ["a", "t1"]);
    }
    db.rollback(&with("DELETE FROM t1 WHERE id = 2"), &Rollback::Last(1))
        .unwrap();
    assert_eq!(db.tables(), ["t1"]);
    assert_eq!(db.number("SELECT count(*) FROM t1"), 1);
    assert_eq!(db.states(), ["1:applied"]);
}

fn a_violated_deferred_foreign_key_fails_the_commit(db: &Database) {
    let mut connection = db.connect();
    connection.execute(db.engine.pick("PRAGMA foreign_keys = ON", "SELECT 1", ""));
    let wrong = migration(1, |schema| {
        schema
            .execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
            .undo("DROP TABLE a");
        schema
            .execute("CREATE TABLE b (a INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)")
            .undo("DROP TABLE b");
        schema.execute("INSERT INTO b VALUES (1)").up_only();
    });
    let error = connection.runner(&[wrong]).up(&Target::Latest).unwrap_err();
    assert_text!(db, db.said(&error));
    assert_eq!(db.whole_picture(), [""; 0]);
}

fn an_error_reports_what_was_executed_before_it(db: &Database) {
    let undo_fails = migration(2, |schema| {
        schema
            .execute("CREATE TABLE t2 (id INTEGER)")
            .undo("DROP TABLE nowhere");
    });
    let fails = migration(4, |schema| schema.execute("nonsense").up_only());
    let executed = |error: &migrate_core::Error| -> Vec<(u64, Direction)> {
        let executed = error.report().map(|report| report.executed.clone()).unwrap_or_default();
        let version =
            |done: &migrate_core::report::ExecutedMigration| done.migration.version().to_string().parse().unwrap();
        executed.iter().map(|done| (version(done), done.direction)).collect()
    };
    let all = [table(1), undo_fails, table(3), fails];
    let error = db.up(&all).unwrap_err();
    assert_eq!(
        executed(&error),
        [(1, Direction::Up), (2, Direction::Up), (3, Direction::Up)]
    );
    assert_eq!(error.report().unwrap().batch, Some(1));
    // The first one of a run has nothing before it.
    let rest = &all[..3];
    if db.engine.has_transactional_ddl() {
        assert_eq!(executed(&db.up(&all).unwrap_err()), []);
    } else {
        db.with(&all, |runner| runner.resolve(&reference(4), 0)).unwrap();
    }
    let error = db.rollback(rest, &Rollback::All).unwrap_err();
    assert_eq!(executed(&error), [(3, Direction::Down)]);
    assert_eq!(error.report().unwrap().batch, None);
}

/// Rows are at fault for a change to `t1` and `t2`; the error gives a query that finds just those.
fn rows_are_found(db: &Database, rows: &'static str, change: fn(&mut Schema), code: &str, found: i64) {
    let before = migration(1, move |schema| {
        schema.create_table("t1", |t| {
            t.id();
            t.integer("size").nullable();
            t.big_int("other").nullable();
        });
        schema.create_table("t2", |t| t.id());
        schema.execute("INSERT INTO t2 (id) VALUES (1)").up_only();
        schema.execute(rows).up_only();
    });
    let all = [before, migration(2, change)];
    db.up(&all[..1]).unwrap();
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed, "{error}");
    assert_eq!(error.code().to_string(), code, "{error}");
    assert!(error.helps().len() <= 2, "{error}");
    let help = error.helps()[0].to_string();
    let (text, query) = help.split_once(": SELECT ").unwrap();
    assert!(text.contains("rows") && !text.contains("fix the step"), "{error}");
    let query = format!("SELECT count(*) FROM (SELECT {query}) AS at_fault");
    assert_eq!(db.number(&query), found, "{error}");
    db.execute("DELETE FROM t1");
    db.up(&all).unwrap();
    assert_eq!(db.states(), ["1:applied", "2:applied"]);
}

fn rows_with_the_same_key_are_found_by_a_query(db: &Database) {
    let rows = "INSERT INTO t1 (id, size) VALUES (1, 7), (2, 8), (3, 7), (4, NULL), (5, NULL)";
    let change = |schema: &mut Schema| schema.alter_table("t1", |t| t.index(["size"]).unique());
    rows_are_found(db, rows, change, "M0702", 1);
}

fn rows_with_null_are_found_by_a_query(db: &Database) {
    let rows = "INSERT INTO t1 (id, size) VALUES (1, 7), (2, NULL), (3, NULL)";
    let change = |schema: &mut Schema| schema.alter_table("t1", |t| t.set_not_null("size"));
    rows_are_found(db, rows, change, "M0702", 2);
}

fn rows_without_the_row_that_they_reference_are_found_by_a_query(db: &Database) {
    let rows = "INSERT INTO t1 (id, other) VALUES (1, 1), (2, 9), (3, NULL), (4, 10)";
    let change = |schema: &mut Schema| schema.alter_table("t1", |t| t.foreign_key(["other"], "t2", ["id"]));
    let code = db.engine.pick("M0703", "M0702", "M0702");
    rows_are_found(db, rows, change, code, 2);
}

fn rows_for_which_a_check_is_false_are_found_by_a_query(db: &Database) {
    let rows = "INSERT INTO t1 (id, size) VALUES (1, 7), (2, -1), (3, NULL)";
    let change = |schema: &mut Schema| schema.alter_table("t1", |t| t.check("sane", "size > 0"));
    rows_are_found(db, rows, change, "M0702", 1);
}

fn a_mistake_in_one_migration_affects_no_other(db: &Database) {
    let wrong: [fn(&mut Schema); 4] = [
        |schema| schema.create_view("broken", "SELECT 1 AS a /* never closed"),
        |schema| schema.create_view("broken", "SELECT 1 AS a WHERE"),
        |schema| schema.create_view("broken", "SELECT nothing FROM nowhere"),
        |schema| schema.create_table("t1", |t| t.id()),
    ];
    let all = |wrong: Option<fn(&mut Schema)>| -> Vec<Migration> {
        let all = (1..=9).map(|version| match (version, wrong) {
            (5, Some(wrong)) => migration(5, wrong),
            _ => generated(version),
        });
        all.collect()
    };
    let mut has_run = Vec::new();
    for (number, wrong) in wrong.into_iter().enumerate() {
        let result = db.up(&all(Some(wrong)));
        let error = result.unwrap_err();
        if error.kind() == ErrorKind::InvalidMigration {
            // The planner reports it: nothing has run.
            assert_eq!(db.tables(), [""; 0], "{number}");
            continue;
        }
        has_run.push(number);
        assert_eq!(error.failed_migration(), Some("5 m5"), "{number}: {error}");
        assert_eq!(db.tables(), ["t1", "t2", "t3", "t4"], "{number}");
        let report = db.up(&all(None)).unwrap();
        assert_eq!(report.executed.len(), 5, "{number}");
        db.rollback(&all(None), &Rollback::All).unwrap();
    }
    // The planner reports the other mistakes.
    assert_eq!(has_run, [1, 2]);
}
