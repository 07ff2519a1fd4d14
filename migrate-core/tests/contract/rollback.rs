//! Rolling back: batches, numbers, targets, inverses, redo.

use diesel::prelude::*;
use diesel::sql_query;
use migrate_core::error::{Advice, Help};
use migrate_core::{Dialect, Direction, ErrorKind, Rollback, Schema};

use crate::support::{Database, in_group, migration, migration_with_down, reference, table, tables};

on_every_database! {
    the_last_batch_is_rolled_back_newest_first
    rollback_stops_at_its_target
    a_target_that_does_not_exist_is_an_error
    rollback_follows_the_order_of_application
    down_is_derived_from_up_in_reverse
    a_custom_down_replaces_the_derived_one
    a_changed_migration_rolls_back_with_its_current_code
    migrations_of_other_programs_are_not_rolled_back
    redo_changes_nothing_if_up_is_invalid
    a_failed_redo_reports_the_rolled_back_migrations
    redo_explains_how_to_reapply_if_its_rollback_fails
    redo_leaves_history_unchanged
    redo_leaves_pending_migrations_pending
    an_unlinked_migration_stops_the_whole_rollback
    a_down_that_does_not_restore_the_schema_is_refused
}

fn to(version: u64) -> Rollback {
    Rollback::To(reference(version))
}

fn the_last_batch_is_rolled_back_newest_first(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    let before = db.whole_picture();
    db.up(&tables(1..=4)).unwrap();
    let report = db.rollback(&tables(1..=4), &Rollback::LastBatch).unwrap();
    let order: Vec<i64> = report
        .executed
        .iter()
        .map(|done| done.migration.version().as_i64())
        .collect();
    assert_eq!(order, [4, 3]);
    assert_eq!(db.whole_picture(), before);
}

fn rollback_stops_at_its_target(db: &Database) {
    let all = tables(1..=5);
    db.up(&all).unwrap();
    db.rollback(&all, &Rollback::Last(1)).unwrap();
    assert_eq!(db.batches().len(), 4);
    db.rollback(&all, &to(2)).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1"]);
    db.rollback(&all, &Rollback::All).unwrap();
    assert_eq!(db.batches(), [""; 0]);
    assert_eq!(db.picture(), [""; 0]);
    assert!(db.rollback(&all, &Rollback::LastBatch).unwrap().is_empty());
}

fn a_target_that_does_not_exist_is_an_error(db: &Database) {
    let all = tables(1..=3);
    db.up(&all[..2]).unwrap();
    let before = db.whole_picture();
    for how_far in [to(3), to(9), Rollback::Last(0), Rollback::Last(3)] {
        let error = db.rollback(&all, &how_far).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTarget, "{error}");
    }
    assert_eq!(db.whole_picture(), before);
}

fn rollback_follows_the_order_of_application(db: &Database) {
    db.up(&[table(2)]).unwrap();
    db.up(&[table(1), table(2)]).unwrap();
    db.rollback(&[table(1), table(2)], &Rollback::Last(1)).unwrap();
    assert_eq!(db.batches(), ["2:1"]);
}

fn down_is_derived_from_up_in_reverse(db: &Database) {
    // Updates a row if the count matches, and otherwise fails with "not found".
    macro_rules! count {
        ($expected:literal) => {
            rust_step!(|conn| {
                let only = concat!(
                    "UPDATE c SET n = n + 1 WHERE (SELECT count(*) FROM a) = ",
                    $expected
                );
                match sql_query(only).execute(conn)? {
                    1 => Ok(()),
                    _ => Err(diesel::result::Error::NotFound),
                }
            })
        };
    }
    db.execute("CREATE TABLE c (n INTEGER)");
    db.execute("INSERT INTO c VALUES (0)");
    let all = [migration(1, |schema| {
        schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
        schema.execute("INSERT INTO a VALUES (1)").up_only();
        schema.run(count!(1)).undo(count!(2));
        schema
            .execute("INSERT INTO a VALUES (2)")
            .undo("DELETE FROM a WHERE id = 3");
        schema.execute("INSERT INTO a VALUES (3)").undo(count!(3));
    })];
    db.up(&all).unwrap();
    let plan = db.with(&all, |runner| runner.plan_rollback(&Rollback::All)).unwrap();
    assert_eq!(plan.migrations()[0].steps().len(), 5);
    db.rollback(&all, &Rollback::All).unwrap();
    assert_eq!(db.tables(), ["c"]);
    assert_eq!(db.number("SELECT n FROM c"), 3);
}

fn a_custom_down_replaces_the_derived_one(db: &Database) {
    let all = [migration_with_down(
        1,
        |schema| {
            schema.execute("CREATE TABLE a (id INTEGER)");
        },
        |schema| {
            schema.execute("ALTER TABLE a RENAME TO a_old");
        },
    )];
    db.up(&all).unwrap();
    db.rollback(&all, &Rollback::All).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM a_old"), 0);
}

fn a_changed_migration_rolls_back_with_its_current_code(db: &Database) {
    let with = |constraint: &'static str| {
        [migration(1, move |schema| {
            schema
                .execute(format!("CREATE TABLE t (id INTEGER {constraint})"))
                .undo("DROP TABLE t");
        })]
    };
    db.up(&with("")).unwrap();
    let mut connection = db.connect();
    let mut runner = connection.runner(&with("NOT NULL")).allow_changed(true);
    assert_eq!(runner.rollback(&Rollback::All).unwrap().executed.len(), 1);
    assert_eq!(db.picture(), [""; 0]);
    db.up(&with("NOT NULL")).unwrap();
}

fn migrations_of_other_programs_are_not_rolled_back(db: &Database) {
    let ours = tables(1..=2);
    let theirs = [in_group("jobs", 1, |schema| {
        schema.execute("CREATE TABLE jobs (id INTEGER)").undo("DROP TABLE jobs");
    })];
    db.up(&ours).unwrap();
    db.up(&theirs).unwrap();
    assert_eq!(db.rollback(&ours, &Rollback::Last(1)).unwrap().executed.len(), 1);
    assert_eq!(db.rollback(&ours, &Rollback::LastBatch).unwrap().executed.len(), 1);
    assert_eq!(db.rollback(&theirs, &Rollback::All).unwrap().executed.len(), 1);
    assert_eq!(db.picture(), [""; 0]);
}

fn redo_changes_nothing_if_up_is_invalid(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    let before = db.whole_picture();
    let wrong = [
        tables(1..=1)[0],
        migration_with_down(
            2,
            |schema| schema.execute("/* nothing */").up_only(),
            |schema| schema.execute("DROP TABLE t2").up_only(),
        ),
    ];
    let mut connection = db.connect();
    let mut runner = connection.runner(&wrong).allow_changed(true);
    let error = runner.redo(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration);
    assert_eq!(db.whole_picture(), before);
}

fn a_failed_redo_reports_the_rolled_back_migrations(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    let failing = [
        tables(1..=1)[0],
        migration(2, |schema| {
            schema.execute("CREATE TABLE t2 (id INTEGER)").undo("DROP TABLE t2");
            schema.execute("INSERT INTO nowhere VALUES (2)").up_only();
        }),
    ];
    let mut connection = db.connect();
    let mut runner = connection.runner(&failing).allow_changed(true);
    let error = runner.redo(1).unwrap_err();
    let state = error.database_state().unwrap_or_default();
    assert!(state.contains("1 migration was rolled back before"), "{error}");
    let executed = &error.report().unwrap().executed;
    assert_eq!(executed.len(), 1, "{executed:?}");
    assert_eq!(executed[0].direction, Direction::Down);
}

fn redo_explains_how_to_reapply_if_its_rollback_fails(db: &Database) {
    let failing = migration(2, |schema| {
        schema
            .execute("CREATE TABLE t2 (id INTEGER)")
            .undo("DROP TABLE nowhere");
    });
    let all = [table(1), failing, table(3)];
    db.up(&all).unwrap();
    // The second time, no earlier migration was rolled back.
    for (steps, is_suggested) in [(2, true), (1, false)] {
        let error = db.with(&all, |runner| runner.redo(steps)).unwrap_err();
        let mut advices = error.helps().iter().flat_map(Help::advices);
        // If the rollback is interrupted, both helps are about that.
        let is_suggested = is_suggested && db.engine.has_transactional_ddl();
        assert_eq!(advices.any(|advice| *advice == Advice::Up), is_suggested, "{error}");
        assert_eq!(error.report().map_or(0, |report| report.executed.len()), steps - 1);
    }
    assert_eq!(db.batches(), ["1:1", "2:1"]);
}

fn redo_leaves_history_unchanged(db: &Database) {
    let all = tables(1..=4);
    db.up(&all[..2]).unwrap();
    db.up(&all).unwrap();
    let before = db.history();
    db.execute("DELETE FROM t4; DELETE FROM t2");
    let report = db.with(&all, |runner| runner.redo(3)).unwrap();
    assert_eq!(report.executed.len(), 6);
    assert_eq!(db.history(), before);
    assert_eq!(db.number("SELECT count(*) FROM t4"), 1);
}

fn redo_leaves_pending_migrations_pending(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    db.with(&tables(1..=3), |runner| runner.redo(1)).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1"]);
}

fn an_unlinked_migration_stops_the_whole_rollback(db: &Database) {
    db.up(&tables(1..=3)).unwrap();
    let before = db.whole_picture();
    let error = db.rollback(&tables(1..=2), &Rollback::LastBatch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert!(error.to_string().contains("tester@here"), "{error}");
    assert_eq!(db.whole_picture(), before);
}

fn a_down_that_does_not_restore_the_schema_is_refused(db: &Database) {
    let users = migration(1, |schema| {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("name", 100);
        });
    });
    let up = |schema: &mut Schema| {
        schema.create_table("posts", |t| t.id());
        schema.create_index("users", ["name"]);
        schema.create_view("names", "SELECT name FROM users");
    };
    let forgets = migration_with_down(2, up, |schema| schema.drop_table("posts"));
    let error = db.up(&[users, forgets]).unwrap_err();
    insta::allow_duplicates! {
    insta::assert_snapshot!(db.said(&error), @"
    [M0500] the migrations have 2 errors
      migrate-core/tests/contract/rollback.rs:N: [M0503] `down` of m2 does not restore the schema from before `up`: view `names` exists unexpectedly
        help: correct `down`, or remove it to derive it from `up`
      migrate-core/tests/contract/rollback.rs:N: [M0503] `down` of m2 does not restore the schema from before `up`: table `users`: unexpected index users_name_idx (name)
        help: correct `down`, or remove it to derive it from `up`
      note: nothing was changed
    ");
    }
    assert_eq!(db.picture(), [""; 0]);

    // The effect of raw SQL in `down` is unknown.
    let in_raw_sql = migration_with_down(2, up, |schema| {
        schema.execute("DROP VIEW names").up_only();
        schema
            .execute([
                (Dialect::Sqlite, "DROP INDEX users_name_idx"),
                (Dialect::Postgres, "DROP INDEX users_name_idx"),
                (Dialect::MySql, "DROP INDEX users_name_idx ON users"),
            ])
            .up_only();
        schema.drop_table("posts");
    });
    db.up(&[users]).unwrap();
    let before = db.picture();
    db.up(&[users, in_raw_sql]).unwrap();
    db.rollback(&[users, in_raw_sql], &Rollback::Last(1)).unwrap();
    assert_eq!(db.picture(), before);
}
