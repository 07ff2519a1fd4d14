//! The history compared with the program: states and their ways out, and invalid histories.

use migrate_core::history::MigrationStatus;
use migrate_core::{Dialect, ErrorKind, Registry, Rollback, Target};

use crate::support::{AnyConnection, Database, in_group, migration, reference, table, tables};

on_every_database! {
    status_reports_every_state
    migrations_ahead_do_not_stop_an_older_program
    missing_migrations_stop_up_unless_allowed
    changed_migrations_stop_up_unless_allowed_or_accepted
    undo_and_line_endings_do_not_change_the_checksum
    out_of_order_migrations_apply_unless_order_is_strict
    groups_are_independent_and_unknown_ones_are_ignored
    a_version_alone_is_of_the_default_group
    groups_of_other_programs_are_counted
    an_older_checksum_encoding_is_updated_silently
    the_history_table_can_have_another_name
    a_table_of_another_shape_is_refused
    a_missing_history_column_is_refused_until_restored
    a_history_of_a_newer_version_is_refused
    a_history_that_was_edited_by_hand_is_refused
    impossible_history_values_are_refused
    an_unexpected_null_in_history_is_refused
    changed_sql_of_another_dialect_is_ignored
}

fn states(db: &Database, migrations: &[migrate_core::Migration]) -> Vec<String> {
    let line = |entry: &MigrationStatus| format!("{} {}", entry.id(), entry.state);
    db.with(migrations, |runner| runner.status())
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

/// The second of the tables, changed after it was applied.
fn changed() -> migrate_core::Migration {
    migration(2, |schema| {
        schema
            .execute("CREATE TABLE t2 (id INTEGER, more TEXT)")
            .undo("DROP TABLE t2");
    })
}

fn status_reports_every_state(db: &Database) {
    db.up(&[table(1), table(2), table(4), table(5), table(9)]).unwrap();
    assert_eq!(
        states(db, &[table(1), changed(), table(3), table(5), table(6)]),
        [
            "1 applied",
            "2 changed",
            "3 out of order",
            "4 missing",
            "5 applied",
            "6 out of order",
            "9 ahead"
        ]
    );
}

fn migrations_ahead_do_not_stop_an_older_program(db: &Database) {
    db.up(&tables(1..=3)).unwrap();
    assert!(db.up(&tables(1..=2)).unwrap().is_empty());
    assert!(db.with(&tables(1..=2), |runner| runner.is_current()).unwrap());
}

fn missing_migrations_stop_up_unless_allowed(db: &Database) {
    db.up(&tables(1..=3)).unwrap();
    let before = db.whole_picture();
    let without = [table(1), table(3), table(4)];
    let error = db.up(&without).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert_same_text!(db.said(&error));
    assert_eq!(db.whole_picture(), before);
    assert!(!db.with(&without, |runner| runner.is_current()).unwrap());

    db.connect()
        .runner(&without)
        .allow_missing(true)
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:1", "4:2"]);
}

fn changed_migrations_stop_up_unless_allowed_or_accepted(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    let before = db.whole_picture();
    let all = [table(1), changed(), table(3)];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert_same_text!(db.said(&error));
    assert_eq!(db.whole_picture(), before);

    db.connect()
        .runner(&all)
        .allow_changed(true)
        .up(&Target::Next(1))
        .unwrap();
    assert_eq!(states(db, &all), ["1 applied", "2 changed", "3 applied"]);

    db.with(&all, |runner| runner.accept(&reference(2))).unwrap();
    assert_eq!(states(db, &all), ["1 applied", "2 applied", "3 applied"]);
    let error = db.with(&all, |runner| runner.accept(&reference(2))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTarget);
}

fn undo_and_line_endings_do_not_change_the_checksum(db: &Database) {
    db.up(&[migration(1, |schema| {
        schema.execute("CREATE TABLE a\n(id INTEGER)").undo("DROP TABLE a");
    })])
    .unwrap();
    let again = [migration(1, |schema| {
        schema.execute("CREATE TABLE a\r\n(id INTEGER)").up_only();
    })];
    assert_eq!(states(db, &again), ["1 applied"]);
}

fn out_of_order_migrations_apply_unless_order_is_strict(db: &Database) {
    db.up(&[table(2)]).unwrap();
    let all = tables(1..=2);
    let error = db
        .connect()
        .runner(&all)
        .strict_order(true)
        .up(&Target::Latest)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfOrder);
    assert_same_text!(db.said(&error));
    db.up(&all).unwrap();
    assert_eq!(db.batches(), ["2:1", "1:2"]);
}

fn groups_are_independent_and_unknown_ones_are_ignored(db: &Database) {
    let job = |version: u64| {
        in_group("jobs", version, move |schema| {
            schema
                .execute(format!("CREATE TABLE j{version} (id INTEGER)"))
                .undo(format!("DROP TABLE j{version}").as_str());
        })
    };
    db.up(&[job(5), job(7)]).unwrap();
    assert_eq!(states(db, &[table(1)]), ["1 pending"]);
    db.up(&[table(1)]).unwrap();
    assert_eq!(
        states(db, &[table(1), table(2), job(6), job(7)]),
        [
            "1 applied",
            "2 pending",
            "jobs:5 missing",
            "jobs:6 out of order",
            "jobs:7 applied"
        ]
    );
}

fn an_older_checksum_encoding_is_updated_silently(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    let before = db.history();
    db.execute("UPDATE __migrations SET checksum = '0:abc' WHERE version = 1");
    assert_eq!(states(db, &tables(1..=2)), ["1 applied", "2 applied"]);
    db.up(&tables(1..=2)).unwrap();
    assert_eq!(db.history(), before);
    // A checksum with an unknown tag belongs to a newer program: it is neither checked nor replaced.
    db.execute("UPDATE __migrations SET checksum = '9:abc' WHERE version = 1");
    db.up(&tables(1..=2)).unwrap();
    assert!(db.history()[0].contains("9:abc"));
}

fn the_history_table_can_have_another_name(db: &Database) {
    let name = "odd \"name\"; `--";
    let mut connection = db.connect();
    let named = |connection: &mut AnyConnection, name: &str| {
        let runner = connection.runner(&tables(1..=1)).history_table(name);
        runner.and_then(|mut runner| runner.up(&Target::Latest))
    };
    named(&mut connection, name).unwrap();
    assert_eq!(db.number(&format!("SELECT count(*) FROM {}", db.quoted(name))), 1);
    assert!(named(&mut connection, name).unwrap().is_empty());
    for name in ["", " ", "a\nb", &"x".repeat(64)] {
        let error = named(&mut connection, name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSetting);
    }
}

/// Checks that every command fails with this kind of error and changes nothing.
fn is_refused(db: &Database, kind: ErrorKind) -> String {
    let before = db.whole_picture();
    let all = tables(1..=3);
    let status = db.with(&all, |runner| runner.status()).unwrap_err();
    let up = db.up(&all).unwrap_err();
    let back = db.rollback(&all, &Rollback::LastBatch).unwrap_err();
    for error in [&status, &up, &back] {
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(db.whole_picture(), before);
    db.said(&up)
}

fn a_table_of_another_shape_is_refused(db: &Database) {
    db.execute("CREATE TABLE __migrations (version VARCHAR(20) PRIMARY KEY, state VARCHAR(20))");
    assert_same_text!(is_refused(db, ErrorKind::History));
}

fn a_missing_history_column_is_refused_until_restored(db: &Database) {
    db.up(&tables(1..=1)).unwrap();
    db.execute("ALTER TABLE __migrations DROP COLUMN in_flight");
    let says = is_refused(db, ErrorKind::History);
    let (_, column) = says.split_once("add the columns: `").unwrap();
    let (column, _) = column.split_once('`').unwrap();
    db.execute(&format!("ALTER TABLE __migrations ADD COLUMN {column}"));
    db.up(&tables(1..=2)).unwrap();
    assert_eq!(db.states(), ["1:applied", "2:applied"]);
}

fn a_history_of_a_newer_version_is_refused(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    db.execute("UPDATE __migrations SET format = 2, tool_version = '9.9.9' WHERE version = 2");
    assert_same_text!(is_refused(db, ErrorKind::History));
}

fn a_history_that_was_edited_by_hand_is_refused(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    db.execute("UPDATE __migrations SET version = -2, state = 'done' WHERE version = 2");
    db.execute("UPDATE __migrations SET state = 'done', batch = -1 WHERE version = 1");
    assert_same_text!(is_refused(db, ErrorKind::History));
}

fn impossible_history_values_are_refused(db: &Database) {
    db.up(&tables(1..=1)).unwrap();
    db.execute("CREATE TABLE kept AS SELECT * FROM __migrations");
    for edit in [
        "checksum = 'garbage'",
        "checksum = ''",
        "applied_at = 'yesterday'",
        "seq = 9223372036854775807",
        "batch = 9223372036854775807",
        "progress = -1",
    ] {
        db.execute(&format!("UPDATE __migrations SET {edit}"));
        is_refused(db, ErrorKind::History);
        db.execute("DELETE FROM __migrations");
        db.execute("INSERT INTO __migrations SELECT * FROM kept");
    }
}

fn an_unexpected_null_in_history_is_refused(db: &Database) {
    db.up(&tables(1..=2)).unwrap();
    // SQLite cannot alter a column, so the table is recreated without NOT NULL.
    for sql in db.engine.pick(
        vec![
            "CREATE TABLE copy AS SELECT * FROM __migrations",
            "DROP TABLE __migrations",
            "ALTER TABLE copy RENAME TO __migrations",
        ],
        vec!["ALTER TABLE __migrations ALTER COLUMN name DROP NOT NULL"],
        vec!["ALTER TABLE __migrations MODIFY name VARCHAR(255)"],
    ) {
        db.execute(sql);
    }
    db.execute("UPDATE __migrations SET name = NULL");
    assert_same_text!(is_refused(db, ErrorKind::History));
}

#[test]
fn an_empty_registry_and_a_duplicate_version_are_refused() {
    assert_eq!(Registry::of([]).unwrap_err().kind(), ErrorKind::NoMigrations);
    let twice = migrate_core::__private::register(
        migrate_core::__private::MigrationMeta {
            version: 1,
            name: "another",
            group: "default",
            description: "",
            transaction: true,
            file: "src/other.rs",
            line: 7,
            module: "other",
            package: "tests",
        },
        &Nothing,
    );
    let error = Registry::of([table(1), twice]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateVersion);
    insta::assert_snapshot!(error.to_string());
    // A migration that is linked twice counts once.
    assert_eq!(Registry::of([table(1), table(1), table(2)]).unwrap().len(), 2);
}

struct Nothing;

impl migrate_core::Migrate for Nothing {
    fn up(&self, _schema: &mut migrate_core::Schema) {}
}

fn changed_sql_of_another_dialect_is_ignored(db: &Database) {
    let with = |another: &'static str| {
        let all = [Dialect::Sqlite, Dialect::Postgres, Dialect::MySql];
        let texts = all.map(|dialect| match is_own(db, dialect) {
            true => (dialect, "CREATE TABLE a (id INTEGER)"),
            false => (dialect, another),
        });
        migration(1, move |schema| schema.execute(texts).undo("DROP TABLE a"))
    };
    db.up(&[with("CREATE TABLE a (id BIGINT)")]).unwrap();
    assert_eq!(states(db, &[with("CREATE TABLE a (id FLOAT)")]), ["1 applied"]);
}

fn is_own(db: &Database, dialect: Dialect) -> bool {
    dialect == db.engine.pick(Dialect::Sqlite, Dialect::Postgres, Dialect::MySql)
}

fn of_group(group: &'static str, version: u64) -> migrate_core::Migration {
    in_group(group, version, move |schema| {
        schema.create_table(format!("{group}{version}"), |t| t.id());
    })
}

fn a_version_alone_is_of_the_default_group(db: &Database) {
    let all = [
        table(3),
        of_group("audit", 3),
        of_group("jobs", 3),
        of_group("audit", 4),
        of_group("jobs", 4),
    ];
    db.up(&all).unwrap();
    let answer = |reference: &str| {
        let error = db
            .with(&all, |runner| runner.interrupted(&reference.parse().unwrap()))
            .unwrap_err();
        error.message().to_owned()
    };
    assert_eq!(answer("3"), "migration 3 m3 is applied, not interrupted");
    assert_eq!(answer("default:3"), answer("3"));
    assert_eq!(answer("jobs:3"), "migration jobs:3 m3 is applied, not interrupted");
    assert_eq!(answer("4"), "version 4 exists in several groups");
}

fn groups_of_other_programs_are_counted(db: &Database) {
    db.up(&[
        table(1),
        of_group("audit", 2),
        of_group("audit", 3),
        of_group("jobs", 1),
    ])
    .unwrap();
    let groups = db.with(&[table(1)], |runner| runner.unlinked_groups()).unwrap();
    let groups: Vec<String> = groups.iter().map(|(group, count)| format!("{group} {count}")).collect();
    assert_eq!(groups, ["audit 2", "jobs 1"]);
    assert_eq!(states(db, &[table(1)]), ["1 applied"]);
}
