//! Migrations outside a transaction: checkpoints, resuming, and undecided steps.

use diesel::connection::SimpleConnection;
use migrate_core::{ErrorKind, Migration, MigrationState, Rollback, Schema};

use crate::support::{Database, reference, table, untransactional};

on_every_database! {
    the_next_run_resumes_with_the_failed_step
    a_changed_completed_step_stops_the_next_run
    the_next_run_recovers_the_claim_of_a_dead_run
    an_idempotent_in_flight_step_is_repeated
    an_undecided_step_is_settled_by_resolve
    resolve_refuses_invalid_targets
    a_resumed_run_repeats_earlier_session_settings
    lost_session_state_stops_the_next_run
    transaction_control_is_refused_outside_a_transaction
    an_interrupted_rollback_resumes
    a_changed_interrupted_rollback_does_not_resume
    a_program_handles_only_its_own_interruptions
    a_rust_step_that_leaves_a_transaction_open_is_noticed
}

/// Inserts three rows into `t1`; `second` is the statement for the second row.
pub(crate) fn three_steps(second: &'static str) -> [Migration; 2] {
    [
        table(1),
        untransactional(2, move |schema| {
            schema
                .execute("INSERT INTO t1 VALUES (10)")
                .undo("DELETE FROM t1 WHERE id = 10");
            // Its rollback fails without the table `gate`.
            schema
                .execute(second)
                .undo("DELETE FROM t1 WHERE id = 20 AND 0 = (SELECT count(*) FROM gate)");
            schema
                .execute("INSERT INTO t1 VALUES (30)")
                .undo("DELETE FROM t1 WHERE id = 30");
        }),
    ]
}

pub(crate) fn sum(db: &Database) -> i64 {
    db.number("SELECT sum(id) FROM t1")
}

fn the_next_run_resumes_with_the_failed_step(db: &Database) {
    let error = db.up(&three_steps("INSERT INTO nowhere VALUES (20)")).unwrap_err();
    assert_text!(db, db.said(&error));
    assert_eq!(sum(db), 11);

    let fixed = three_steps("INSERT INTO t1 VALUES (20)");
    db.up(&fixed).unwrap();
    assert_eq!(sum(db), 61);
    assert_eq!(db.batches(), ["1:1", "2:2"]);
    assert!(db.with(&fixed, |runner| runner.is_current()).unwrap());
    assert_eq!(db.claims(), 0);
    let undisturbed = db.another();
    undisturbed.up(&fixed[..1]).unwrap();
    undisturbed.up(&fixed).unwrap();
    assert_eq!(states_and_prints(db), states_and_prints(&undisturbed));
}

/// A resumed run repeats the session settings of earlier steps.
fn a_resumed_run_repeats_earlier_session_settings(db: &Database) {
    let set = db
        .engine
        .pick("PRAGMA cache_size = 4711", "SET app.who = '4711'", "SET @who = 4711");
    let insert = db.engine.pick(
        "INSERT INTO t1 SELECT cache_size FROM pragma_cache_size",
        "INSERT INTO t1 VALUES (current_setting('app.who')::int)",
        "INSERT INTO t1 VALUES (@who)",
    );
    let with = |second: &'static str| {
        let steps = move |schema: &mut Schema| {
            schema.execute(set).up_only();
            schema.execute(second).up_only();
            schema.execute(insert).up_only();
        };
        [table(1), untransactional(2, steps)]
    };
    db.up(&with("INSERT INTO nowhere VALUES (20)")).unwrap_err();
    db.up(&with("INSERT INTO t1 VALUES (20)")).unwrap();
    assert_eq!(sum(db), 1 + 20 + 4711);
    assert_eq!(db.claims(), 0);
}

fn lost_session_state_stops_the_next_run(db: &Database) {
    let with = |second: &'static str| {
        let steps = move |schema: &mut Schema| {
            schema.execute("CREATE TEMPORARY TABLE few (id int)").up_only();
            schema.execute("INSERT INTO few VALUES (20)").up_only();
            schema.execute(second).up_only();
        };
        [table(1), untransactional(2, steps)]
    };
    let fixed = with("INSERT INTO t1 SELECT id FROM few");
    db.up(&with("INSERT INTO nowhere SELECT id FROM few")).unwrap_err();
    let error = db.up(&fixed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    assert_same_text!(db.said(&error));
    db.with(&fixed, |runner| runner.resolve(&reference(2), 0)).unwrap();
    db.up(&fixed).unwrap();
    assert_eq!(sum(db), 21);
}

fn transaction_control_is_refused_outside_a_transaction(db: &Database) {
    for sql in ["BEGIN", "-- now\nCOMMIT", "rollback", "SAVEPOINT here"] {
        let steps = move |schema: &mut Schema| {
            schema.execute("INSERT INTO t1 VALUES (2)").up_only();
            schema.execute(sql).up_only();
        };
        let error = db.up(&[table(1), untransactional(2, steps)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration, "{sql}: {error}");
        assert_eq!(db.tables(), [""; 0], "{sql}");
    }
}

fn states_and_prints(db: &Database) -> Vec<String> {
    db.texts("SELECT concat_ws(' ', version, state, progress, checksum) AS text FROM __migrations ORDER BY seq")
}

fn a_changed_completed_step_stops_the_next_run(db: &Database) {
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

fn the_next_run_recovers_the_claim_of_a_dead_run(db: &Database) {
    let all = three_steps("INSERT INTO t1 VALUES (20)");
    db.up(&three_steps("INSERT INTO nowhere VALUES (20)")).unwrap_err();
    // The state after a kill before a step that commits together with its checkpoint.
    db.execute("UPDATE __migrations SET claim = 'gone' WHERE version = 2");
    db.up(&all).unwrap();
    assert_eq!(sum(db), 61);
    assert!(db.with(&all, |runner| runner.is_current()).unwrap());
    assert_eq!(db.claims(), 0);
}

fn an_idempotent_in_flight_step_is_repeated(db: &Database) {
    let vacuum = db.engine.pick("VACUUM", "VACUUM t1", "ANALYZE TABLE t1");
    let all = |second: &'static str| {
        [
            table(1),
            untransactional(2, move |schema| {
                schema.execute("INSERT INTO t1 VALUES (10)").up_only();
                schema.execute(second).up_only();
            }),
        ]
    };
    db.up(&all("SELECT * FROM nowhere")).unwrap_err();
    db.execute("UPDATE __migrations SET claim = 'gone', in_flight = 'again' WHERE version = 2");
    db.up(&all(vacuum)).unwrap();
    assert_eq!(sum(db), 11);
    assert_eq!(db.claims(), 0);
}

fn an_undecided_step_is_settled_by_resolve(db: &Database) {
    for (said, sum_then) in [(1, 61), (2, 41), (0, 71), (3, 11)] {
        let db = db.another();
        db.up(&three_steps("INSERT INTO nowhere VALUES (20)")).unwrap_err();
        // The state after a kill inside a Rust step.
        db.execute("UPDATE __migrations SET claim = 'gone', in_flight = 'unknown' WHERE version = 2");
        let all = three_steps("INSERT INTO t1 VALUES (20)");
        let error = db.up(&all).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        if said == 1 {
            assert_same_text!(db.said(&error));
        }
        assert_eq!(sum(&db), 11);
        let interrupted = db.with(&all, |runner| runner.interrupted(&reference(2))).unwrap();
        assert_eq!((interrupted.done, interrupted.is_undecided), (1, true));
        assert_eq!(interrupted.planned.steps().len(), 3);

        db.with(&all, |runner| runner.resolve(&reference(2), said)).unwrap();
        db.up(&all).unwrap();
        assert_eq!(sum(&db), sum_then, "after --done {said}");
        assert!(db.with(&all, |runner| runner.is_current()).unwrap());
    }
}

fn resolve_refuses_invalid_targets(db: &Database) {
    let all = three_steps("INSERT INTO nowhere VALUES (20)");
    db.up(&all[..1]).unwrap();
    for version in [1, 2] {
        let error = db
            .with(&all, |runner| runner.resolve(&reference(version), 1))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTarget);
    }
    db.up(&all).unwrap_err();
    let error = db.with(&all, |runner| runner.resolve(&reference(2), 4)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTarget);
}

fn an_interrupted_rollback_resumes(db: &Database) {
    let all = three_steps("INSERT INTO t1 VALUES (20)");
    db.up(&all).unwrap();
    let error = db.rollback(&all, &Rollback::Last(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(sum(db), 31);
    assert_eq!(
        db.with(&all, |runner| runner.status()).unwrap()[1].state,
        MigrationState::Interrupted
    );
    assert_eq!(db.up(&all).unwrap_err().kind(), ErrorKind::Interrupted);
    db.execute("CREATE TABLE gate (id INTEGER)");
    // The interrupted rollback is finished, and no other one starts.
    assert_eq!(db.rollback(&all, &Rollback::LastBatch).unwrap().executed.len(), 1);
    assert_eq!(db.batches().len(), 1);
    db.rollback(&all, &Rollback::LastBatch).unwrap();
    assert_eq!(db.tables(), ["gate"]);
    assert_eq!(db.batches(), [""; 0]);
}

fn a_changed_interrupted_rollback_does_not_resume(db: &Database) {
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

fn a_program_handles_only_its_own_interruptions(db: &Database) {
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

fn a_rust_step_that_leaves_a_transaction_open_is_noticed(db: &Database) {
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema
                .run(rust_step!(
                    |conn| conn.batch_execute("BEGIN; INSERT INTO t1 VALUES (10)")
                ))
                .up_only();
        }),
    ];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(sum(db), 1);
}
