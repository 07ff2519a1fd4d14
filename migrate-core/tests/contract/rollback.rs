//! Rolling back: batches, numbers, targets, inverses, redo.

use diesel::prelude::*;
use diesel::sql_query;
use migrate_core::{Dialect, ErrorKind, Rollback, Schema};

use crate::support::{Database, in_group, migration, migration_with_down, reference, table, tables};

on_every_database! {
    the_last_batch_is_taken_back_newest_first
    steps_and_targets_take_back_as_much_as_they_say
    a_target_that_does_not_exist_is_an_error
    the_order_is_that_of_application_not_of_versions
    the_inverse_is_worked_out_from_up_in_reverse
    a_down_of_ones_own_is_what_runs
    a_changed_migration_is_rolled_back_by_what_it_says_today
    another_programs_migrations_are_left_alone
    redo_begins_nothing_that_it_cannot_end
    redo_tells_what_it_has_rolled_back_when_it_fails_half_way
    redo_tells_how_to_go_forward_again_when_the_way_back_fails
    redo_keeps_history_as_it_was
    redo_leaves_what_is_pending_pending
    nothing_is_rolled_back_if_one_of_them_is_not_linked
    a_down_that_does_not_lead_back_is_refused_before_anything_runs
}

fn to(version: u64) -> Rollback {
    Rollback::To(reference(version))
}

fn the_last_batch_is_taken_back_newest_first(db: &Database) {
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

fn steps_and_targets_take_back_as_much_as_they_say(db: &Database) {
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

fn the_order_is_that_of_application_not_of_versions(db: &Database) {
    db.up(&[table(2)]).unwrap();
    db.up(&[table(1), table(2)]).unwrap();
    db.rollback(&[table(1), table(2)], &Rollback::Last(1)).unwrap();
    assert_eq!(db.batches(), ["2:1"]);
}

fn the_inverse_is_worked_out_from_up_in_reverse(db: &Database) {
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

fn a_down_of_ones_own_is_what_runs(db: &Database) {
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

fn a_changed_migration_is_rolled_back_by_what_it_says_today(db: &Database) {
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

fn another_programs_migrations_are_left_alone(db: &Database) {
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

fn redo_begins_nothing_that_it_cannot_end(db: &Database) {
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

fn redo_tells_what_it_has_rolled_back_when_it_fails_half_way(db: &Database) {
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
    assert!(
        error.to_string().contains("1 rolled back before, to be applied again"),
        "{error}"
    );
}

fn redo_tells_how_to_go_forward_again_when_the_way_back_fails(db: &Database) {
    let failing = migration(2, |schema| {
        schema
            .execute("CREATE TABLE t2 (id INTEGER)")
            .undo("DROP TABLE nowhere");
    });
    let all = [table(1), failing, table(3)];
    db.up(&all).unwrap();
    // The second time, no earlier migration was rolled back.
    for (steps, is_told) in [(2, true), (1, false)] {
        let error = db.with(&all, |runner| runner.redo(steps)).unwrap_err();
        let advice = "`migrate up` applies again what was rolled back".to_owned();
        assert_eq!(error.next_steps().contains(&advice), is_told, "{error}");
    }
    assert_eq!(db.batches(), ["1:1", "2:1"]);
}

fn redo_keeps_history_as_it_was(db: &Database) {
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

fn redo_leaves_what_is_pending_pending(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    db.with(&tables(1..=3), |runner| runner.redo(1)).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1"]);
}

fn nothing_is_rolled_back_if_one_of_them_is_not_linked(db: &Database) {
    db.up(&tables(1..=3)).unwrap();
    let before = db.whole_picture();
    let error = db.rollback(&tables(1..=2), &Rollback::LastBatch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert!(error.to_string().contains("tester@here"), "{error}");
    assert_eq!(db.whole_picture(), before);
}

fn a_down_that_does_not_lead_back_is_refused_before_anything_runs(db: &Database) {
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
    insta::assert_snapshot!(db.said(&error), @r"
    there are mistakes in the migrations
      migrate-core/tests/contract/rollback.rs:N: `down` of m2 does not lead back to the schema from before it: view `names`: it is there
      migrate-core/tests/contract/rollback.rs:N: `down` of m2 does not lead back to the schema from before it: table `users`: it has the index users_name_idx (name)
      state: nothing was changed
      next: fix the lines above
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
