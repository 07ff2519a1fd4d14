//! Runs that are asked to stop.

use std::cell::Cell;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::time::Duration;

use diesel::connection::SimpleConnection;
use migrate_core::prelude::*;
use migrate_core::{Error, ErrorKind, Event, Report, Target};

use crate::support::{Database, migration, untransactional};

on_every_database! {
    a_stopped_run_ends_between_two_migrations
    a_run_stopped_outside_a_transaction_resumes_later
}

on_transactional_ddl! {
    a_run_stopped_in_a_transaction_is_rolled_back
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
on_every_server! {
    a_run_that_waits_for_another_can_be_stopped
    a_run_that_waits_for_a_table_can_be_stopped
}

// Only PostgreSQL pipelines migrations.
#[cfg(feature = "postgres")]
on_postgres! {
    a_stop_finishes_the_pipeline_in_flight
}

/// Asks the run to stop after this number of started steps.
fn up_until(db: &Database, all: &[Migration], steps: usize) -> Result<Report, Error> {
    let begun = Cell::new(0);
    let mut connection = db.connect();
    let runner = connection.runner(all).observe(|event| {
        if matches!(event, Event::Step { .. }) {
            begun.set(begun.get() + 1);
        }
    });
    runner.stop_when(|| begun.get() >= steps).up(&Target::Latest)
}

/// Raw SQL, so that the migration travels in a message of its own.
fn raw(version: u64) -> Migration {
    migration(version, move |schema| {
        schema
            .execute(format!("CREATE TABLE t{version} (id bigint)"))
            .undo(format!("DROP TABLE t{version}").as_str());
    })
}

fn a_stopped_run_ends_between_two_migrations(db: &Database) {
    let all = [raw(1), raw(2), raw(3), raw(4)];
    let error = up_until(db, &all, 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    assert_eq!(error.message(), "the run was stopped before migration 3 m3");
    assert_eq!(
        error.database_state(),
        Some("2 earlier migrations remain applied (batch 1)")
    );
    assert_eq!(
        error.helps()[0].to_string(),
        "`Runner::up` applies the 2 remaining migrations"
    );
    assert_eq!(db.batches(), ["1:1", "2:1"]);
    assert_eq!(db.tables(), ["t1", "t2"]);
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE claim IS NOT NULL"),
        0
    );
    assert_eq!(db.up(&all).unwrap().executed.len(), 2);
}

fn a_run_stopped_in_a_transaction_is_rolled_back(db: &Database) {
    // PostgreSQL sends the raw SQL of a migration in one message, but not Rust steps.
    let both = migration(2, |schema| {
        schema
            .run(rust_step!(|conn| conn.batch_execute("CREATE TABLE first (id bigint)")))
            .undo("DROP TABLE first");
        schema
            .execute("CREATE TABLE second (id bigint)")
            .undo("DROP TABLE second");
    });
    let error = up_until(db, &[raw(1), both], 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    assert_eq!(error.message(), "the run was stopped before step 2 of migration 2 m2");
    assert_eq!(db.batches(), ["1:1"]);
    assert_eq!(db.tables(), ["t1"]);
}

fn a_run_stopped_outside_a_transaction_resumes_later(db: &Database) {
    let both = untransactional(2, |schema| {
        schema
            .execute("CREATE TABLE first (id bigint)")
            .undo("DROP TABLE first");
        schema
            .execute("CREATE TABLE second (id bigint)")
            .undo("DROP TABLE second");
    });
    let all = [raw(1), both];
    let error = up_until(db, &all, 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    let state = error.database_state().unwrap_or_default();
    assert!(
        state.contains("history records the migration as interrupted"),
        "{error}"
    );
    assert_eq!(error.helps()[0].to_string(), "`Runner::up` resumes with step 2");
    assert_eq!(db.tables(), ["first", "t1"]);
    db.up(&all).unwrap();
    assert_eq!(db.tables(), ["first", "second", "t1"]);
    assert_eq!(db.batches().len(), 2);
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn a_run_that_waits_for_another_can_be_stopped(db: &Database) {
    let all = [raw(1), raw(2)];
    db.up(&all[..1]).unwrap();
    let mut other = db.connect();
    other.execute(&crate::sessions::takes_lock(db));
    let waits = Cell::new(false);
    let mut connection = db.connect();
    let runner = connection
        .runner(&all)
        .lock_timeout(Duration::from_secs(600))
        .observe(|event| waits.set(waits.get() || matches!(event, Event::Waiting { .. })));
    let error = runner.stop_when(|| waits.get()).up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    assert!(error.to_string().contains("while it waited for a lock"), "{error}");
    assert_eq!(db.batches(), ["1:1"]);
}

#[cfg(feature = "postgres")]
fn a_stop_finishes_the_pipeline_in_flight(db: &Database) {
    let all: Vec<Migration> = (1..=100).map(crate::support::generated).collect();
    // The request to stop arrives while the first message is in flight.
    let is_in_flight = Cell::new(false);
    let mut connection = db.connect();
    let mut runner = connection.runner(&all).stop_when(|| is_in_flight.replace(true));
    let error = runner.up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    assert_eq!(error.message(), "the run was stopped before migration 33 m33");
    assert_eq!(
        error.database_state(),
        Some("32 earlier migrations remain applied (batch 1)")
    );
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE state = 'applied' AND claim IS NULL"),
        32
    );
    assert_eq!(db.up(&all).unwrap().executed.len(), 68);
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn a_run_that_waits_for_a_table_can_be_stopped(db: &Database) {
    let all = [
        raw(1),
        migration(2, |schema| schema.alter_table("t1", |t| t.integer("size").nullable())),
    ];
    db.up(&all[..1]).unwrap();
    let mut holder = db.connect();
    holder.execute("BEGIN; SELECT * FROM t1");
    let waits = Cell::new(false);
    let mut connection = db.connect();
    let runner = connection
        .runner(&all)
        .lock_timeout(Duration::from_secs(600))
        .observe(|event| waits.set(waits.get() || matches!(event, Event::Waiting { .. })));
    let error = runner.stop_when(|| waits.get()).up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    holder.execute("COMMIT");
    db.up(&all).unwrap();
    assert_eq!(db.states(), ["1:applied", "2:applied"]);
}
