//! Applying: order, targets, reports, events.

use diesel::prelude::*;
use migrate_core::{Dialect, Direction, ErrorKind, Event, MigrationRef, MigrationState, Registry, Runner, Target};

use crate::builder::everything;
use crate::support::{Database, in_group, migration, migration_with_down, reference, table, tables, untransactional};

on_every_database! {
    migrations_are_applied_by_version_in_one_batch
    a_second_run_has_nothing_to_do_and_writes_nothing
    each_run_is_a_batch
    up_stops_at_its_target
    a_target_that_does_not_exist_is_an_error
    an_ambiguous_version_must_name_its_group
    all_mistakes_are_reported_before_anything_runs
    status_and_plan_create_no_table
    up_runs_the_planned_steps
    a_connection_inside_a_transaction_is_refused
    connection_settings_are_restored
    fresh_empties_the_database_and_applies_all
    a_failed_fresh_reports_that_everything_was_dropped
    fresh_drops_nothing_if_a_migration_is_invalid
}

fn to(version: u64) -> Target {
    Target::To(reference(version))
}

fn migrations_are_applied_by_version_in_one_batch(db: &Database) {
    let report = db.up(&[table(10), table(9), table(1)]).unwrap();
    assert_eq!(report.batch, Some(1));
    assert!(report.executed.iter().all(|done| done.direction == Direction::Up));
    assert_eq!(db.batches(), ["1:1", "9:1", "10:1"]);
    assert_eq!(db.number("SELECT count(*) FROM t9"), 1);
}

fn a_second_run_has_nothing_to_do_and_writes_nothing(db: &Database) {
    db.up(&tables(1..=3)).unwrap();
    let before = (db.whole_picture(), db.bytes());
    assert!(db.up(&tables(1..=3)).unwrap().is_empty());
    assert_eq!((db.whole_picture(), db.bytes()), before);
}

fn each_run_is_a_batch(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    db.up(&tables(1..=4)).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:2", "4:2"]);
    assert_eq!(db.claims(), 0);
}

fn up_stops_at_its_target(db: &Database) {
    let all = tables(1..=5);
    db.with(&all, |runner| runner.up(&to(2))).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1"]);
    db.with(&all, |runner| runner.up(&Target::Next(2))).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:2", "4:2"]);
    assert!(db.with(&all, |runner| runner.up(&to(3))).unwrap().is_empty());
}

fn a_target_that_does_not_exist_is_an_error(db: &Database) {
    let all = tables(1..=3);
    for target in [to(4), Target::Next(0), Target::Next(4)] {
        let error = db.with(&all, |runner| runner.up(&target)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTarget, "{error}");
        assert!(!error.helps().is_empty());
    }
    assert_eq!(db.whole_picture(), [""; 0]);
}

fn an_ambiguous_version_must_name_its_group(db: &Database) {
    let of_group = |group: &'static str| {
        in_group(group, 1, move |schema| {
            schema
                .execute(format!("CREATE TABLE {group} (id INTEGER)"))
                .undo(format!("DROP TABLE {group}"));
        })
    };
    let all = [of_group("audit"), of_group("jobs")];
    let error = db.with(&all, |runner| runner.up(&to(1))).unwrap_err();
    assert!(error.to_string().contains("audit:1 or jobs:1"), "{error}");
    let one: MigrationRef = "jobs:1".parse().unwrap();
    // IDs order by version, then by group.
    let report = db.with(&all, |runner| runner.up(&Target::To(one))).unwrap();
    assert_eq!(report.executed.len(), 2);
}

fn all_mistakes_are_reported_before_anything_runs(db: &Database) {
    let error = db
        .up(&[
            table(1),
            migration(2, |_| {}),
            migration(3, |schema| {
                schema.execute("  ").up_only();
                schema.execute("SELECT 1; DROP TABLE t1").up_only();
                schema.execute("COMMIT").up_only();
                schema.execute("DELETE FROM t1");
                schema.execute("DELETE FROM t1").undo(" ");
            }),
            migration(4, |schema| {
                schema.run(|_: &mut String| Ok::<(), std::fmt::Error>(())).up_only();
            }),
            migration_with_down(
                5,
                |schema| {
                    schema.execute("DELETE FROM t1");
                },
                |_| {},
            ),
            migration(6, |schema| {
                let sqlite = (Dialect::Sqlite, "VACUUM");
                let others = [Dialect::Postgres, Dialect::MySql, Dialect::MariaDb];
                let others = others.map(|dialect| (dialect, "/* nothing */"));
                schema.execute([sqlite, others[0], others[1], others[2]]).up_only();
            }),
        ])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMigration);
    assert_text!(db, db.said(&error));
    assert_eq!(db.whole_picture(), [""; 0]);
}

fn status_and_plan_create_no_table(db: &Database) {
    let all = tables(1..=2);
    let entries = db.with(&all, |runner| runner.status()).unwrap();
    assert!(entries.iter().all(|entry| entry.state == MigrationState::Pending));
    let plan = db.with(&all, |runner| runner.plan(&Target::Latest)).unwrap();
    assert_text!(db, plan.to_string());
    assert!(!db.with(&all, |runner| runner.is_current()).unwrap());
    assert_eq!(db.whole_picture(), [""; 0]);
}

fn up_runs_the_planned_steps(db: &Database) {
    let all = tables(1..=2);
    let plan = db.with(&all, |runner| runner.plan(&Target::Latest)).unwrap();
    let planned: Vec<String> = plan
        .migrations()
        .iter()
        .flat_map(|migration| migration.steps())
        .filter_map(|step| step.sql().map(str::to_owned))
        .collect();
    let mut ran = Vec::new();
    let mut connection = db.connect();
    connection
        .runner(&all)
        .observe(|event| {
            if let Event::Step { label, .. } = event {
                ran.push((*label).to_owned());
            }
        })
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(planned, ran);
}

fn a_connection_inside_a_transaction_is_refused(db: &Database) {
    let registry = Registry::of(tables(1..=1)).unwrap();
    let error = with_connection!(&mut db.connect(), connection => {
        connection.transaction(|connection| {
            let result = Runner::new(connection, registry).up(&Target::Latest);
            QueryResult::Ok(result.unwrap_err())
        })
    });
    assert_eq!(error.unwrap().kind(), ErrorKind::InvalidSetting);
    assert_eq!(db.whole_picture(), [""; 0]);
}

fn connection_settings_are_restored(db: &Database) {
    let settings = db.engine.pick(
        "SELECT concat_ws(' ', (SELECT timeout FROM pragma_busy_timeout), (SELECT foreign_keys FROM pragma_foreign_keys), \
         (SELECT legacy_alter_table FROM pragma_legacy_alter_table)) AS text",
        "SELECT concat_ws(' ', current_setting('search_path'), current_setting('role'), current_setting('lock_timeout'), \
         (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())) AS text",
        "SELECT concat_ws(' ', @@sql_mode, @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@foreign_key_checks, \
         @@autocommit, @@time_zone, database()) AS text",
    );
    let mut connection = db.connect();
    connection.execute(db.engine.pick(
        "PRAGMA busy_timeout = 1234; PRAGMA foreign_keys = ON",
        "SET lock_timeout = 1234",
        "SET lock_wait_timeout = 1234, autocommit = 0, time_zone = '+03:00'",
    ));
    let before = connection.texts(settings);
    let mut all = vec![
        table(1),
        untransactional(2, |schema| schema.execute("INSERT INTO t1 VALUES (2)").up_only()),
        migration(3, |schema| {
            schema.create_table("made", |t| t.varchar("name", 50).nullable());
            schema.alter_table("made", |t| t.set_not_null("name"));
        }),
    ];
    connection.runner(&all).up(&Target::Latest).unwrap();
    assert_eq!(connection.texts(settings), before);
    all.push(migration(4, |schema| schema.execute("SELECT * FROM nowhere").up_only()));
    connection.runner(&all).up(&Target::Latest).unwrap_err();
    assert_eq!(connection.texts(settings), before);
}

fn fresh_empties_the_database_and_applies_all(db: &Database) {
    db.execute("CREATE TABLE a (id int PRIMARY KEY)");
    db.execute("CREATE TABLE b (id int PRIMARY KEY REFERENCES a (id))");
    db.execute("INSERT INTO a VALUES (1)");
    db.execute("INSERT INTO b VALUES (1)");
    db.execute("CREATE VIEW v AS SELECT * FROM a");
    let all = everything(db.engine);
    let report = db.with(&all, |runner| runner.fresh()).unwrap();
    assert_eq!(report.executed.len(), 3);
    db.with(&all, |runner| runner.fresh()).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:1"]);
    let fresh = db.another();
    fresh.up(&all).unwrap();
    assert_eq!(db.picture(), fresh.picture());
}

fn a_failed_fresh_reports_that_everything_was_dropped(db: &Database) {
    db.execute("CREATE TABLE precious (id INTEGER)");
    let failing = [migration(1, |schema| {
        schema.execute("INSERT INTO nowhere VALUES (1)").up_only();
    })];
    let error = db.with(&failing, |runner| runner.fresh()).unwrap_err();
    assert!(error.to_string().contains("was dropped before"), "{error}");
}

fn fresh_drops_nothing_if_a_migration_is_invalid(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    let before = db.whole_picture();
    let wrong = [table(1), table(2), migration(3, |_| {})];
    assert!(db.with(&wrong, |runner| runner.fresh()).is_err());
    assert_eq!(db.whole_picture(), before);
}
