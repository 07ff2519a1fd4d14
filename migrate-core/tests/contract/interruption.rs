//! Migrations outside a transaction: how far they got, going on, and what a person has to say.

use std::time::Duration;

use diesel::prelude::*;
use migrate_core::{ErrorKind, MigrationRef, Rollback, State, Target, Version};

use crate::support::{Database, table, text, untransactional};

fn two() -> MigrationRef {
    MigrationRef::from(Version::new(2).unwrap())
}

fn three_steps(second: &'static str) -> [migrate_core::Migration; 2] {
    [
        table(1),
        untransactional(2, move |schema| {
            schema
                .execute("INSERT INTO t1 VALUES (10)")
                .undo("DELETE FROM t1 WHERE id = 10");
            schema.execute(second).undo("DELETE FROM t1 WHERE id = 20");
            schema
                .execute("INSERT INTO t1 VALUES (30)")
                .undo("DELETE FROM t1 WHERE id = 30");
        }),
    ]
}

fn sum(db: &Database) -> i64 {
    db.number("SELECT sum(id) FROM t1")
}

#[test]
fn what_no_transaction_can_hold_runs_outside_one() {
    let db = Database::new();
    let all = [untransactional(1, |schema| {
        schema
            .execute("PRAGMA journal_mode = WAL")
            .undo("PRAGMA journal_mode = DELETE");
        schema.execute("VACUUM").up_only();
    })];
    db.up(&all).unwrap();
    assert!(db.with(&all, |runner| runner.is_current()).unwrap());
    db.rollback(&all, &Rollback::All).unwrap();
    assert!(db.batches().is_empty());
}

#[test]
fn after_a_failure_the_next_run_goes_on_with_the_step_that_failed() {
    let db = Database::new();
    let error = db.up(&three_steps("INSERT INTO nowhere VALUES (20)")).unwrap_err();
    insta::assert_snapshot!(text(&error));
    assert_eq!(sum(&db), 11);

    db.up(&three_steps("INSERT INTO t1 VALUES (20)")).unwrap();
    assert_eq!(sum(&db), 61);
    let undisturbed = Database::new();
    undisturbed.up(&three_steps("INSERT INTO t1 VALUES (20)")[..1]).unwrap();
    undisturbed.up(&three_steps("INSERT INTO t1 VALUES (20)")).unwrap();
    assert!(
        db.with(&three_steps("INSERT INTO t1 VALUES (20)"), |runner| runner.is_current())
            .unwrap()
    );
    assert!(db.history().iter().all(|row| row.ends_with("unclaimed")));
}

#[test]
fn a_done_step_that_was_changed_stops_the_next_run() {
    let db = Database::new();
    db.up(&three_steps("INSERT INTO nowhere VALUES (20)")).unwrap_err();
    let before = db.whole_picture();
    let changed = [
        table(1),
        untransactional(2, |schema| {
            schema.execute("INSERT INTO t1 VALUES (11)").up_only();
            schema.execute("INSERT INTO t1 VALUES (20)").up_only();
        }),
    ];
    let error = db.up(&changed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(db.whole_picture(), before);
}

#[test]
fn what_a_run_that_is_gone_has_left_is_taken_over() {
    let db = Database::new();
    let all = three_steps("INSERT INTO t1 VALUES (20)");
    db.up(&three_steps("INSERT INTO nowhere VALUES (20)")).unwrap_err();
    // As a killed process leaves it, before a step that is committed with its mark.
    db.execute("UPDATE __migrations SET claim = 'gone' WHERE version = 2");
    std::fs::write(lock_file(&db), "pid 1").unwrap();
    db.up(&all).unwrap();
    assert_eq!(sum(&db), 61);
    assert!(db.with(&all, |runner| runner.is_current()).unwrap());
    assert!(!lock_file(&db).exists());
}

fn lock_file(db: &Database) -> std::path::PathBuf {
    let mut path = db.path().into_os_string();
    path.push("-migrating");
    path.into()
}

#[test]
fn outside_a_transaction_another_run_is_waited_for() {
    let db = Database::new();
    db.up(&[table(1)]).unwrap();
    // As another process holds it while it works.
    std::fs::write(lock_file(&db), "pid 17").unwrap();
    let other = std::fs::File::open(lock_file(&db)).unwrap();
    other.lock().unwrap();
    let mut connection = db.connect();
    let registry = migrate_core::Registry::of([table(1), table(2)]).unwrap();
    let mut runner = migrate_core::Runner::new(&mut connection, registry).lock_timeout(Duration::ZERO);
    let error = runner.up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(
        error
            .to_string()
            .contains("another run is at work (pid 17, outside a transaction)"),
        "{error}"
    );
    drop(other);
    assert_eq!(runner.up(&Target::Latest).unwrap().done.len(), 1);
    assert!(!lock_file(&db).exists());
}

#[test]
fn while_it_is_at_work_outside_a_transaction_others_see_the_file() {
    let db = Database::new();
    let path = lock_file(&db);
    let looks = move |_: &mut SqliteConnection| -> QueryResult<()> {
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("pid {}", std::process::id())
        );
        assert!(std::fs::File::open(&path).unwrap().try_lock().is_err());
        Ok(())
    };
    let all = [untransactional(1, move |schema| {
        schema.run(looks.clone()).up_only();
    })];
    db.up(&all).unwrap();
    assert!(!lock_file(&db).exists());
}

#[test]
fn what_nothing_can_tell_is_settled_by_a_person() {
    for (said, sum_then) in [(1, 61), (2, 41), (0, 71), (3, 11)] {
        let db = Database::new();
        db.up(&three_steps("INSERT INTO nowhere VALUES (20)")).unwrap_err();
        // As a process leaves it that was killed in a step in Rust.
        db.execute("UPDATE __migrations SET claim = 'gone', doubt = 'unknown' WHERE version = 2");
        let all = three_steps("INSERT INTO t1 VALUES (20)");
        let error = db.up(&all).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        if said == 1 {
            insta::assert_snapshot!(text(&error));
        }
        assert_eq!(sum(&db), 11);

        db.with(&all, |runner| runner.repair(&two(), said)).unwrap();
        db.up(&all).unwrap();
        assert_eq!(sum(&db), sum_then, "after --done {said}");
        assert!(db.with(&all, |runner| runner.is_current()).unwrap());
    }
}

#[test]
fn repair_refuses_what_cannot_be() {
    let db = Database::new();
    let all = three_steps("INSERT INTO nowhere VALUES (20)");
    db.up(&all[..1]).unwrap();
    for reference in [two(), MigrationRef::from(Version::new(1).unwrap())] {
        let error = db.with(&all, |runner| runner.repair(&reference, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTarget);
    }
    db.up(&all).unwrap_err();
    let error = db.with(&all, |runner| runner.repair(&two(), 4)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTarget);
}

#[test]
fn an_interrupted_way_back_goes_on_where_it_stopped() {
    let db = Database::new();
    let all = three_steps("INSERT INTO t1 VALUES (20)");
    db.up(&all).unwrap();
    db.execute("CREATE TRIGGER guard BEFORE DELETE ON t1 WHEN old.id = 20 BEGIN SELECT RAISE(ABORT, 'guarded'); END");
    let error = db.rollback(&all, &Rollback::Steps(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(sum(&db), 31);
    assert_eq!(
        db.with(&all, |runner| runner.status()).unwrap()[1].state,
        State::Interrupted
    );
    assert_eq!(db.up(&all).unwrap_err().kind(), ErrorKind::Interrupted);
    db.execute("DROP TRIGGER guard");
    // What was cut off is finished, and nothing else is begun.
    assert_eq!(db.rollback(&all, &Rollback::LastBatch).unwrap().done.len(), 1);
    assert_eq!(db.batches().len(), 1);
    db.rollback(&all, &Rollback::LastBatch).unwrap();
    assert!(db.picture().is_empty());
    assert!(db.batches().is_empty());
}

#[test]
fn an_interrupted_way_back_that_was_changed_is_not_gone_on_with() {
    let db = Database::new();
    let with = |constraint: &'static str| {
        [untransactional(1, move |schema| {
            schema
                .execute(format!("CREATE TABLE t (id INTEGER {constraint})"))
                .undo("DROP TABLE t");
        })]
    };
    db.up(&with("")).unwrap();
    db.execute("ALTER TABLE t RENAME TO elsewhere");
    db.rollback(&with(""), &Rollback::All).unwrap_err();
    let error = db.rollback(&with("NOT NULL"), &Rollback::All).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(db.batches().len(), 1);
}

#[test]
fn one_program_is_not_stopped_by_anothers_interruption_nor_blind_to_its_own() {
    let db = Database::new();
    let cut_off = |table: &'static str| {
        [untransactional(1, move |schema| {
            schema.execute(format!("CREATE TABLE {table} (id INTEGER)")).up_only();
            schema.execute("INSERT INTO nowhere VALUES (1)").up_only();
        })]
    };
    db.up(&cut_off("theirs")).unwrap_err();
    db.execute("UPDATE __migrations SET group_name = 'theirs'");
    for _ in 0..2 {
        assert_eq!(db.up(&cut_off("ours")).unwrap_err().kind(), ErrorKind::StepFailed);
    }
}

#[test]
fn a_rust_step_that_leaves_a_transaction_open_is_noticed() {
    let db = Database::new();
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema
                .run(|conn: &mut SqliteConnection| {
                    diesel::connection::SimpleConnection::batch_execute(conn, "BEGIN; INSERT INTO t1 VALUES (10)")
                })
                .up_only();
        }),
    ];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(sum(&db), 1);
}
