//! SQLite files: their locks, statements outside a transaction, and objects other than tables.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use migrate_core::{ErrorKind, Rollback, Target};

use crate::support::{Database, migration, table, tables, untransactional};

#[test]
fn fresh_drops_every_kind_of_sqlite_object() {
    let db = Database::in_file();
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
    assert_eq!(report.executed.len(), 2);
    let fresh = Database::in_file();
    fresh.up(&all).unwrap();
    // SQLite never drops its own table of sequences, which is empty here.
    let mut picture = db.picture();
    picture.retain(|object| !object.starts_with("table sqlite_sequence"));
    assert_eq!(picture, fresh.picture());
}

#[test]
fn a_file_that_is_not_a_database_is_refused_and_kept() {
    let db = Database::in_file();
    let content = "not a database, but somebody's letter, long enough to be read as a header. ".repeat(20);
    std::fs::write(db.path(), &content).unwrap();
    let error = db.up(&tables(1..=1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(error.to_string().contains("file is not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(db.path()).unwrap(), content);
}

#[test]
fn non_transactional_steps_run_outside_a_transaction() {
    let db = Database::in_file();
    let all = [untransactional(1, |schema| {
        schema
            .execute("PRAGMA journal_mode = WAL")
            .undo("PRAGMA journal_mode = DELETE");
        schema.execute("VACUUM").up_only();
    })];
    db.up(&all).unwrap();
    assert!(db.with(&all, |runner| runner.is_current()).unwrap());
    db.rollback(&all, &Rollback::All).unwrap();
    assert_eq!(db.batches(), [""; 0]);
}

fn lock_file(db: &Database) -> PathBuf {
    let mut path = db.path().into_os_string();
    path.push("-migrating");
    path.into()
}

#[test]
fn a_run_outside_a_transaction_waits_for_another() {
    let db = Database::in_file();
    db.up(&[table(1)]).unwrap();
    // The lock of another process that is running migrations.
    std::fs::write(lock_file(&db), "pid 17").unwrap();
    let other = File::open(lock_file(&db)).unwrap();
    other.lock().unwrap();
    let mut connection = db.connect();
    let all = [table(1), table(2)];
    let mut runner = connection.runner(&all).lock_timeout(Duration::ZERO);
    let error = runner.up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(
        error
            .to_string()
            .contains("another migration run is in progress (pid 17, outside a transaction)"),
        "{error}"
    );
    drop(other);
    // The lock file that it has left is removed.
    assert_eq!(runner.up(&Target::Latest).unwrap().executed.len(), 1);
    assert!(!lock_file(&db).exists());
}

#[test]
fn a_run_outside_a_transaction_holds_a_lock_file() {
    let db = Database::in_file();
    let path = lock_file(&db);
    let looks = move |_: &mut SqliteConnection| -> QueryResult<()> {
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("pid {}", std::process::id())
        );
        assert!(File::open(&path).unwrap().try_lock().is_err());
        Ok(())
    };
    let all = [untransactional(1, move |schema| {
        schema.run(looks.clone()).up_only();
    })];
    db.up(&all).unwrap();
    assert!(!lock_file(&db).exists());
}

#[test]
fn a_statement_that_rolls_back_on_conflict_is_a_plain_failure() {
    let db = Database::in_file();
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
fn a_locked_database_times_out_with_a_helpful_error() {
    let db = Database::in_file();
    db.up(&tables(1..=1)).unwrap();
    let mut holder = db.connect();
    holder.execute("BEGIN IMMEDIATE; CREATE TABLE held (id INTEGER)");

    let mut connection = db.connect();
    let all = tables(1..=2);
    let mut runner = connection.runner(&all).lock_timeout(Duration::from_millis(300));
    let started = Instant::now();
    let error = runner.up(&Target::Latest).unwrap_err();
    assert!(
        started.elapsed() >= Duration::from_millis(250),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(error.kind(), ErrorKind::Locked);
    insta::assert_snapshot!(db.said(&error));

    holder.execute("ROLLBACK");
    runner.up(&Target::Latest).unwrap();
}
