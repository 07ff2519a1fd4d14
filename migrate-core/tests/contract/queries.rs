//! How many statements go to the database. Pragmas, which ask SQLite's library and not the database, do not count.

use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use migrate_core::{Migration, Registry, Rollback, Runner, Target};

use crate::support::{Database, migration, tables, untransactional};

/// The statements that `work` sends, without pragmas.
fn statements(db: &Database, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>)) -> Vec<String> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut connection = db.connect();
    let seen = Arc::clone(&sent);
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            seen.lock().unwrap().push(query.to_string());
        }
    });
    let registry = Registry::of(migrations.iter().copied()).unwrap();
    work(&mut Runner::new(&mut connection, registry));
    drop(connection);
    let sent = sent.lock().unwrap().clone();
    sent.into_iter()
        .filter(|query| !query.starts_with("PRAGMA"))
        .map(|query| {
            let query = query.split(" -- binds").next().unwrap_or_default();
            let words: Vec<&str> = query
                .split_whitespace()
                .take(3)
                // A savepoint is named after its run.
                .map(|word| {
                    if word.starts_with("migrate_") {
                        "migrate_#"
                    } else {
                        word
                    }
                })
                .collect();
            words.join(" ")
        })
        .collect()
}

#[test]
fn nothing_to_do_is_one_query() {
    let db = Database::new();
    let all = tables(1..=50);
    db.up(&all).unwrap();
    let up = statements(&db, &all, |runner| drop(runner.up(&Target::Latest).unwrap()));
    assert_eq!(up, ["SELECT seq, group_name,"]);
    let status = statements(&db, &all, |runner| drop(runner.status().unwrap()));
    assert_eq!(status.len(), 1);
    let is_current = statements(&db, &all, |runner| assert!(runner.is_current().unwrap()));
    assert_eq!(is_current.len(), 1);
}

#[test]
fn a_migration_of_sql_is_its_steps_in_savepoints_and_one_row() {
    let db = Database::new();
    db.up(&tables(1..=1)).unwrap();
    let sent = statements(&db, &tables(1..=2), |runner| drop(runner.up(&Target::Latest).unwrap()));
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            "BEGIN IMMEDIATE",
            "SAVEPOINT migrate_#",
            "CREATE TABLE t2",
            "RELEASE migrate_#",
            "SAVEPOINT migrate_#",
            "INSERT INTO t2",
            "RELEASE migrate_#",
            "INSERT INTO main.\"__migrations\"",
            "COMMIT",
        ]
    );
}

#[test]
fn many_migrations_read_history_once_and_close_their_batch_once() {
    let db = Database::new();
    db.up(&tables(1..=1)).unwrap();
    let sent = statements(&db, &tables(1..=11), |runner| drop(runner.up(&Target::Latest).unwrap()));
    let count = |what: &str| sent.iter().filter(|query| query.starts_with(what)).count();
    assert_eq!(count("SELECT"), 1);
    assert_eq!(count("BEGIN"), 10);
    assert_eq!(count("COMMIT"), 10);
    assert_eq!(count("INSERT INTO main"), 10);
    assert_eq!(count("UPDATE"), 1);
}

#[test]
fn a_rust_step_adds_its_claim() {
    let db = Database::new();
    db.up(&tables(1..=1)).unwrap();
    let all = [
        tables(1..=1)[0],
        migration(2, |schema| {
            schema.run(|_: &mut SqliteConnection| QueryResult::Ok(())).up_only();
        }),
    ];
    let sent = statements(&db, &all, |runner| drop(runner.up(&Target::Latest).unwrap()));
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            "BEGIN IMMEDIATE",
            "INSERT INTO main.\"__migrations\"",
            "SAVEPOINT migrate_#",
            "RELEASE migrate_#",
            "UPDATE main.\"__migrations\" SET",
            "COMMIT",
        ]
    );
}

#[test]
fn outside_a_transaction_there_is_a_claim_a_mark_per_step_and_a_completion() {
    let db = Database::new();
    db.up(&tables(1..=1)).unwrap();
    let all = [
        tables(1..=1)[0],
        untransactional(2, |schema| {
            schema.execute("INSERT INTO t1 VALUES (2)").up_only();
            schema.execute("INSERT INTO t1 VALUES (3)").up_only();
        }),
    ];
    let sent = statements(&db, &all, |runner| drop(runner.up(&Target::Latest).unwrap()));
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            "BEGIN IMMEDIATE",
            "INSERT INTO main.\"__migrations\"",
            "COMMIT",
            "INSERT INTO t1",
            "UPDATE main.\"__migrations\" SET",
            "INSERT INTO t1",
            "BEGIN IMMEDIATE",
            "UPDATE main.\"__migrations\" SET",
            "COMMIT",
        ]
    );
}

#[test]
fn a_rollback_is_its_steps_and_one_row() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    let sent = statements(&db, &tables(1..=2), |runner| {
        drop(runner.rollback(&Rollback::Steps(1)).unwrap());
    });
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            "BEGIN IMMEDIATE",
            "SAVEPOINT migrate_#",
            "DROP TABLE t2",
            "RELEASE migrate_#",
            "DELETE FROM main.\"__migrations\"",
            "COMMIT",
        ]
    );
}
