//! Runs in a single transaction.

use migrate_core::prelude::*;
use migrate_core::{Error, ErrorKind, Report, Rollback, Target};

use crate::support::{Database, generated, migration, untransactional};

on_transactional_ddl! {
    up_applies_all_migrations_or_none
    rollback_rolls_back_all_migrations_or_none
}

#[cfg(feature = "postgres")]
on_postgres! {
    each_migration_waits_for_locks_briefly
    ending_the_transaction_reports_earlier_migrations
}

on_every_database! {
    non_transactional_migrations_are_refused_up_front
}

fn up_in_single_transaction(db: &Database, all: &[Migration]) -> Result<Report, Error> {
    let mut connection = db.connect();
    connection.runner(all).single_transaction(true).up(&Target::Latest)
}

fn fails(version: u64) -> Migration {
    migration(version, |schema| {
        schema.create_view("broken", "SELECT nothing FROM nowhere");
    })
}

fn fills(version: u64) -> Migration {
    migration(version, |schema| {
        schema.alter_table("t1", |t| t.integer("size").nullable());
        schema
            .execute("INSERT INTO t1 (size) VALUES (7)")
            .undo("DELETE FROM t1");
        schema.alter_table("t1", |t| t.set_not_null("size"));
    })
}

fn up_applies_all_migrations_or_none(db: &Database) {
    let error = up_in_single_transaction(db, &[generated(1), fills(2), generated(3), fails(4)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed, "{error}");
    assert_eq!(
        error.database_state(),
        Some("the transaction, with 3 earlier migrations in it, was rolled back; the database is unchanged")
    );
    assert_eq!(db.whole_picture(), [""; 0]);

    let all = [generated(1), fills(2), generated(3)];
    let report = up_in_single_transaction(db, &all).unwrap();
    assert_eq!((report.executed.len(), report.batch), (3, Some(1)));
    assert_eq!(db.batches(), ["1:1", "2:1", "3:1"]);
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE claim IS NOT NULL"),
        0
    );
    assert_eq!(db.number("SELECT size FROM t1"), 7);
    assert_eq!(db.differences(&all), [""; 0]);
    assert!(up_in_single_transaction(db, &all).unwrap().is_empty());
}

fn rollback_rolls_back_all_migrations_or_none(db: &Database) {
    let stuck = migration(1, |schema| {
        schema.create_table("t1", |t| t.id());
        schema.execute("SELECT 1").undo("DELETE FROM nowhere");
    });
    let all = [stuck, generated(2), generated(3)];
    db.up(&all).unwrap();
    let mut connection = db.connect();
    let mut runner = connection.runner(&all).single_transaction(true);
    let error = runner.rollback(&Rollback::All).unwrap_err();
    assert_eq!(error.failed_migration(), Some("1 m1"), "{error}");
    assert_eq!(db.batches(), ["1:1", "2:1", "3:1"]);
    assert_eq!(db.tables(), ["t1", "t2", "t3"]);
    runner.rollback(&Rollback::Last(2)).unwrap();
    drop(runner);
    assert_eq!(db.batches(), ["1:1"]);
    assert_eq!(db.tables(), ["t1"]);
}

fn non_transactional_migrations_are_refused_up_front(db: &Database) {
    let outside = untransactional(2, |schema| schema.create_table("outside", |t| t.id()));
    let error = up_in_single_transaction(db, &[generated(1), outside]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting, "{error}");
    let expected = match db.engine.has_transactional_ddl() {
        true => "migration 2 m2 has `transaction = false`",
        false => "auto-commits DDL, so one transaction cannot hold several migrations",
    };
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(db.whole_picture(), [""; 0]);
}

#[test]
fn a_data_step_beside_a_rebuild_is_refused() {
    let db = Database::in_file();
    let before = migration(1, |schema| {
        schema.create_table("users", |t| t.id());
        schema.create_table("posts", |t| {
            t.id();
            t.integer("size").default(1);
            t.big_int("user_id")
                .references("users", "id")
                .on_delete(ForeignKeyAction::Cascade);
        });
        schema.execute("INSERT INTO users VALUES (1)").up_only();
        schema.execute("INSERT INTO posts VALUES (1, 2, 1)").up_only();
    });
    let rebuilds = migration(2, |schema| {
        schema.alter_table("posts", |t| t.check("sane", "size > 0"));
    });
    let deletes = migration(3, |schema| schema.execute("DELETE FROM users").up_only());
    let all = [before, rebuilds, deletes];
    db.up(&all[..1]).unwrap();
    let error = up_in_single_transaction(&db, &all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting, "{error}");
    assert!(error.to_string().contains("would not cascade"), "{error}");
    assert_eq!(db.batches(), ["1:1"]);
    db.up(&all).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM posts"), 0);
}

#[cfg(feature = "postgres")]
fn each_migration_waits_for_locks_briefly(db: &Database) {
    let notes = |version: u64| {
        migration(version, |schema| {
            let note = "INSERT INTO waits SELECT current_setting('lock_timeout')";
            schema.execute(note).up_only();
        })
    };
    let makes = migration(1, |schema| {
        schema
            .execute("CREATE TABLE waits (wait text)")
            .undo("DROP TABLE waits");
    });
    up_in_single_transaction(db, &[makes, notes(2), notes(3)]).unwrap();
    assert_eq!(db.texts("SELECT wait AS text FROM waits"), ["2s", "2s"]);
}

#[cfg(feature = "postgres")]
fn ending_the_transaction_reports_earlier_migrations(db: &Database) {
    let ends = migration(3, |schema| schema.execute("COMMIT").up_only());
    let error = up_in_single_transaction(db, &[generated(1), generated(2), ends]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TransactionEnded, "{error}");
    assert!(
        error
            .to_string()
            .contains("the same transaction held 2 earlier migrations; history shows which of them are committed"),
        "{error}"
    );
    assert_eq!(db.states()[..2], ["1:applied", "2:applied"]);
}
