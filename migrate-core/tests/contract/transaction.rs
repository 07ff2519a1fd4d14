//! Steps and the transaction that they run in.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use migrate_core::{ErrorKind, Migration, Rollback, Schema, State};

use crate::support::{Database, migration, table, text};

/// t1 is there; the migration writes 10, runs `step`, and writes 20.
fn around(step: impl Fn(&mut SqliteConnection) -> QueryResult<()> + Send + Sync + Copy + 'static) -> [Migration; 2] {
    let up = move |schema: &mut Schema| {
        schema.execute("INSERT INTO t1 VALUES (10)").up_only();
        schema.run(step).up_only();
        schema.execute("INSERT INTO t1 VALUES (20)").up_only();
    };
    [table(1), migration(2, up)]
}

fn rows(db: &Database) -> Vec<String> {
    crate::support::texts(&mut db.connect(), "SELECT CAST(id AS TEXT) AS text FROM t1 ORDER BY id")
}

#[test]
fn a_transaction_of_the_step_is_part_of_the_migrations() {
    let db = Database::new();
    let all = [
        table(1),
        migration(2, |schema| {
            schema
                .run(|conn: &mut SqliteConnection| {
                    conn.transaction(|conn| conn.batch_execute("INSERT INTO t1 VALUES (10)"))?;
                    let undone: QueryResult<()> = conn.transaction(|conn| {
                        conn.batch_execute("INSERT INTO t1 VALUES (11)")?;
                        Err(diesel::result::Error::RollbackTransaction)
                    });
                    assert!(undone.is_err());
                    Ok::<(), diesel::result::Error>(())
                })
                .up_only();
            schema.execute("INSERT INTO nowhere VALUES (1)").up_only();
        }),
    ];
    db.up(&all).unwrap_err();
    assert_eq!(rows(&db), ["1"]);
    db.up(&around(|conn| {
        conn.transaction(|conn| conn.batch_execute("INSERT INTO t1 VALUES (15)"))
    }))
    .unwrap();
    assert_eq!(rows(&db), ["1", "10", "15", "20"]);
}

#[test]
fn a_step_that_commits_is_noticed_and_the_next_run_goes_on_after_it() {
    let db = Database::new();
    let error = db
        .up(&around(|conn| conn.batch_execute("INSERT INTO t1 VALUES (15); COMMIT")))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    insta::assert_snapshot!(text(&error));
    assert_eq!(rows(&db), ["1", "10", "15"]);

    let mended = around(|conn| conn.batch_execute("INSERT INTO t1 VALUES (15)"));
    let entries = db.with(&mended, |runner| runner.status()).unwrap();
    assert_eq!(entries[1].state, State::Interrupted);
    db.up(&mended).unwrap();
    assert_eq!(rows(&db), ["1", "10", "15", "20"]);
    assert!(db.with(&mended, |runner| runner.is_current()).unwrap());
}

#[test]
fn a_step_that_commits_and_fails_is_noticed() {
    let db = Database::new();
    let error = db
        .up(&around(|conn| {
            conn.batch_execute("INSERT INTO t1 VALUES (15); COMMIT; nonsense")
        }))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    insta::assert_snapshot!(text(&error));
    assert_eq!(rows(&db), ["1", "10", "15"]);
}

#[test]
fn a_step_that_commits_and_begins_again_is_noticed() {
    let db = Database::new();
    let error = db
        .up(&around(|conn| {
            conn.batch_execute("COMMIT; BEGIN; INSERT INTO t1 VALUES (15)")
        }))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    assert_eq!(rows(&db), ["1", "10"]);
    let entries = db.with(&around(|_| Ok(())), |runner| runner.status()).unwrap();
    assert_eq!(entries[1].state, State::Interrupted);
}

#[test]
fn a_step_that_rolls_back_is_noticed() {
    let db = Database::new();
    let error = db
        .up(&around(|conn| {
            conn.batch_execute("ROLLBACK; INSERT INTO t1 VALUES (15)")
        }))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    insta::assert_snapshot!(text(&error));
    assert_eq!(rows(&db), ["1", "15"]);
    let entries = db.with(&around(|_| Ok(())), |runner| runner.status()).unwrap();
    assert_eq!(entries[1].state, State::Pending);
}

#[test]
fn a_step_that_leaves_a_transaction_open_is_noticed() {
    let db = Database::new();
    let error = db
        .up(&around(|conn| {
            use diesel::connection::{AnsiTransactionManager, TransactionManager};

            AnsiTransactionManager::begin_transaction(conn)
        }))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(rows(&db), ["1"]);
}

#[test]
fn a_statement_that_rolls_back_on_conflict_is_a_plain_failure() {
    let db = Database::new();
    let all = [
        table(1),
        migration(2, |schema| {
            schema.execute("CREATE UNIQUE INDEX u ON t1 (id)").undo("DROP INDEX u");
            schema.execute("INSERT OR ROLLBACK INTO t1 VALUES (1)").up_only();
        }),
    ];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(db.picture().len(), 2);
    assert_eq!(db.batches(), ["1:1"]);
}

#[test]
fn a_way_back_that_commits_is_noticed() {
    let db = Database::new();
    let all = [
        table(1),
        migration(2, |schema| {
            schema
                .execute("INSERT INTO t1 VALUES (10)")
                .undo("DELETE FROM t1 WHERE id = 10");
            schema
                .run(|_: &mut SqliteConnection| QueryResult::Ok(()))
                .undo(|conn: &mut SqliteConnection| conn.batch_execute("COMMIT"));
        }),
    ];
    db.up(&all).unwrap();
    let error = db.rollback(&all, &Rollback::Steps(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded);
    assert_eq!(db.up(&all).unwrap_err().kind(), ErrorKind::Interrupted);
    // The way back goes on after the step that has happened.
    db.rollback(&all, &Rollback::Steps(1)).unwrap();
    assert_eq!(rows(&db), ["1"]);
    assert_eq!(db.batches(), ["1:1"]);
}
