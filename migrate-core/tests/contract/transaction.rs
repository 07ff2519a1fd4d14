//! Steps inside the transaction of their migration.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use migrate_core::{ErrorKind, Migration, MigrationState, Rollback, Schema};

use crate::support::{Database, migration, table};

on_every_database! {
    a_nested_transaction_joins_that_of_the_migration
    a_step_that_leaves_a_transaction_open_is_noticed
}

on_transactional_ddl! {
    a_step_that_commits_is_noticed_and_up_resumes_after_it
    a_step_that_commits_and_fails_is_noticed
    a_step_that_commits_and_begins_again_is_noticed
    a_step_that_rolls_back_is_noticed
    a_rollback_that_commits_is_noticed
}

/// `t1` exists; the migration inserts 10, runs `step`, and inserts 20.
fn around(step: impl Fn(&mut Schema) + Send + Sync + 'static) -> [Migration; 2] {
    let up = move |schema: &mut Schema| {
        schema.execute("INSERT INTO t1 VALUES (10)").up_only();
        step(schema);
        schema.execute("INSERT INTO t1 VALUES (20)").up_only();
    };
    [table(1), migration(2, up)]
}

/// The step is a Rust function that sends SQL.
fn around_sending(sql: &'static str) -> [Migration; 2] {
    around(move |schema| schema.run(rust_step!(|conn| conn.batch_execute(sql))).up_only())
}

fn rows(db: &Database) -> Vec<String> {
    db.texts("SELECT concat(id, '') AS text FROM t1 ORDER BY id")
}

fn a_nested_transaction_joins_that_of_the_migration(db: &Database) {
    let twice = rust_step!(|conn| {
        conn.transaction(|conn| conn.batch_execute("INSERT INTO t1 VALUES (15)"))?;
        let undone: QueryResult<()> = conn.transaction(|conn| {
            conn.batch_execute("INSERT INTO t1 VALUES (16)")?;
            Err(diesel::result::Error::RollbackTransaction)
        });
        assert!(undone.is_err());
        Ok::<(), diesel::result::Error>(())
    });
    let fails = rust_step!(|conn| {
        conn.transaction(|conn| conn.batch_execute("INSERT INTO t1 VALUES (15)"))?;
        Err::<(), _>(diesel::result::Error::NotFound)
    });
    db.up(&around(move |schema| schema.run(fails).up_only())).unwrap_err();
    let stays: &[&str] = if db.engine.has_transactional_ddl() {
        &["1"]
    } else {
        &["1", "10"]
    };
    assert_eq!(rows(db), stays);
    db.up(&around(move |schema| schema.run(twice).up_only())).unwrap();
    assert_eq!(rows(db), ["1", "10", "15", "20"]);
}

fn a_step_that_commits_is_noticed_and_up_resumes_after_it(db: &Database) {
    let error = db
        .up(&around_sending("INSERT INTO t1 VALUES (15); COMMIT"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    assert_text!(db, db.said(&error));
    assert_eq!(rows(db), ["1", "10", "15"]);

    let fixed = around_sending("INSERT INTO t1 VALUES (15)");
    let entries = db.with(&fixed, |runner| runner.status()).unwrap();
    assert_eq!(entries[1].state, MigrationState::Interrupted);
    db.up(&fixed).unwrap();
    assert_eq!(rows(db), ["1", "10", "15", "20"]);
    assert!(db.with(&fixed, |runner| runner.is_current()).unwrap());
}

fn a_step_that_commits_and_fails_is_noticed(db: &Database) {
    let error = db
        .up(&around_sending(
            "INSERT INTO t1 VALUES (15); COMMIT; INSERT INTO nowhere VALUES (1)",
        ))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    assert_text!(db, db.said(&error));
    assert_eq!(rows(db), ["1", "10", "15"]);
}

fn a_step_that_commits_and_begins_again_is_noticed(db: &Database) {
    let error = db
        .up(&around_sending("COMMIT; BEGIN; INSERT INTO t1 VALUES (15)"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    assert_eq!(rows(db), ["1", "10"]);
    let entries = db
        .with(&around_sending("INSERT INTO t1 VALUES (15)"), |runner| runner.status())
        .unwrap();
    assert_eq!(entries[1].state, MigrationState::Interrupted);
}

fn a_step_that_rolls_back_is_noticed(db: &Database) {
    let error = db
        .up(&around_sending("ROLLBACK; INSERT INTO t1 VALUES (15)"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    assert_text!(db, db.said(&error));
    assert_eq!(rows(db), ["1", "15"]);
    let entries = db
        .with(&around_sending("INSERT INTO t1 VALUES (15)"), |runner| runner.status())
        .unwrap();
    assert_eq!(entries[1].state, MigrationState::Pending);
}

fn a_step_that_leaves_a_transaction_open_is_noticed(db: &Database) {
    let leaves = rust_step!(|conn| {
        conn.batch_execute("INSERT INTO t1 VALUES (15)")?;
        AnsiTransactionManager::begin_transaction(conn)
    });
    let error = db.up(&around(move |schema| schema.run(leaves).up_only())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    let stays: &[&str] = if db.engine.has_transactional_ddl() {
        &["1"]
    } else {
        &["1", "10"]
    };
    assert_eq!(rows(db), stays);
    db.up(&around_sending("INSERT INTO t1 VALUES (15)")).unwrap();
    assert_eq!(rows(db), ["1", "10", "15", "20"]);
}

fn a_rollback_that_commits_is_noticed(db: &Database) {
    let all = [
        table(1),
        migration(2, |schema| {
            schema
                .execute("INSERT INTO t1 VALUES (10)")
                .undo("DELETE FROM t1 WHERE id = 10");
            schema
                .run(rust_step!(|conn| conn.batch_execute("SELECT 1")))
                .undo(rust_step!(|conn| conn.batch_execute("COMMIT")));
        }),
    ];
    db.up(&all).unwrap();
    let error = db.rollback(&all, &Rollback::Last(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    assert_eq!(db.up(&all).unwrap_err().kind(), ErrorKind::Interrupted);
    // The rollback resumes after the completed step.
    db.rollback(&all, &Rollback::Last(1)).unwrap();
    assert_eq!(rows(db), ["1"]);
    assert_eq!(db.batches(), ["1:1"]);
}
