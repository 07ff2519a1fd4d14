//! A run decides at its start what it does, whatever others do with the database during it.

use std::cell::Cell;
use std::sync::mpsc;
use std::thread;

use migrate_core::{Event, Migration, Rollback, Runner, Target};

use crate::support::{Database, generated, tables};

on_every_database! {
    up_applies_the_requested_number
    rollback_rolls_back_the_requested_number
    redo_repeats_the_requested_number
    two_concurrent_rollbacks_roll_back_one_batch
    a_rollback_reports_only_its_own_work
}

/// Runs `work` and calls `between` with another connection after each migration.
fn with_others<T>(db: &Database, between: impl Fn(), work: impl FnOnce(&mut Runner<'_>) -> T) -> T {
    let mut connection = db.connect();
    let mut runner = connection.runner(&tables(1..=6)).observe(|event| {
        if let Event::Finished(_) = event {
            between();
        }
    });
    work(&mut runner)
}

fn with_application_writing<T>(db: &Database, work: impl FnOnce(&mut Runner<'_>) -> T) -> T {
    db.execute("CREATE TABLE application (id INTEGER)");
    with_others(db, || db.execute("INSERT INTO application VALUES (1)"), work)
}

fn up_applies_the_requested_number(db: &Database) {
    let report = with_application_writing(db, |runner| runner.up(&Target::Next(2))).unwrap();
    assert_eq!(report.executed.len(), 2);
    assert_eq!(db.batches().len(), 2);
}

fn rollback_rolls_back_the_requested_number(db: &Database) {
    db.up(&tables(1..=6)).unwrap();
    let report = with_application_writing(db, |runner| runner.rollback(&Rollback::Last(2))).unwrap();
    assert_eq!(report.executed.len(), 2);
    assert_eq!(db.batches().len(), 4);
}

fn redo_repeats_the_requested_number(db: &Database) {
    db.up(&tables(1..=6)).unwrap();
    let before = db.batches();
    let report = with_application_writing(db, |runner| runner.redo(3)).unwrap();
    assert_eq!(report.executed.len(), 6);
    assert_eq!(db.batches(), before);
}

fn two_concurrent_rollbacks_roll_back_one_batch(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    db.up(&tables(1..=4)).unwrap();
    let has_begun = Cell::new(false);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let other = || {
            if !has_begun.replace(true) {
                let tell = tell.clone();
                scope.spawn(move || {
                    let mut connection = db.connect();
                    let mut runner = connection.runner(&tables(1..=4)).observe(|event| {
                        // With a session lock, this run waits until the other one releases it.
                        if let Event::Waiting { .. } = event {
                            tell.send(()).unwrap();
                        }
                    });
                    runner.rollback(&Rollback::LastBatch).unwrap();
                    drop(runner);
                    let _ = tell.send(());
                });
                // Continues when the other run is done, or at least waits.
                told.recv().unwrap();
            }
        };
        with_others(db, other, |runner| runner.rollback(&Rollback::LastBatch)).unwrap();
    });
    assert_eq!(db.batches().len(), 2);
}

fn a_rollback_reports_only_its_own_work(db: &Database) {
    let all: Vec<Migration> = (1..=4).map(generated).collect();
    db.up(&all).unwrap();
    let has_begun = Cell::new(false);
    let mut connection = db.connect();
    let mut runner = connection.runner(&all).observe(|event| {
        // Before the first statement, another run rolls back the same migrations, where the lock allows it.
        if let Event::Started { .. } = event
            && db.engine.is_postgres()
            && !has_begun.replace(true)
        {
            db.rollback(&all, &Rollback::Last(2)).unwrap();
        }
    });
    let report = runner.rollback(&Rollback::Last(2)).unwrap();
    assert_eq!(report.executed.len(), if db.engine.is_postgres() { 0 } else { 2 });
    assert_eq!(db.batches(), ["1:1", "2:1"]);
}
