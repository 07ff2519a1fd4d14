//! What history says against the program: states, and the ways out; and histories that cannot be right.

use migrate_core::{DialectName, Entry, ErrorKind, MigrationRef, Registry, Runner, Target, Version};

use crate::support::{Database, in_group, migration, table, tables, text};

fn states(db: &Database, migrations: &[migrate_core::Migration]) -> Vec<String> {
    let line = |entry: &Entry| format!("{} {}", entry.id(), entry.state);
    db.with(migrations, |runner| runner.status())
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

fn reference(version: u64) -> MigrationRef {
    MigrationRef::from(Version::new(version).unwrap())
}

/// The second of the tables, changed after it was applied.
fn changed() -> migrate_core::Migration {
    migration(2, |schema| {
        schema
            .execute("CREATE TABLE t2 (id INTEGER, more TEXT)")
            .undo("DROP TABLE t2");
    })
}

#[test]
fn a_status_tells_every_state() {
    let db = Database::new();
    db.up(&[table(1), table(2), table(4), table(5), table(9)]).unwrap();
    assert_eq!(
        states(&db, &[table(1), changed(), table(3), table(5), table(6)]),
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

#[test]
fn what_is_ahead_does_not_stop_an_old_program() {
    let db = Database::new();
    db.up(&tables(1..=3)).unwrap();
    assert!(db.up(&tables(1..=2)).unwrap().is_empty());
    assert!(db.with(&tables(1..=2), |runner| runner.is_current()).unwrap());
}

#[test]
fn what_is_missing_stops_up_unless_it_is_allowed() {
    let db = Database::new();
    db.up(&tables(1..=3)).unwrap();
    let before = db.whole_picture();
    let without = [table(1), table(3), table(4)];
    let error = db.up(&without).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    insta::assert_snapshot!(text(&error));
    assert_eq!(db.whole_picture(), before);
    assert!(!db.with(&without, |runner| runner.is_current()).unwrap());

    let mut connection = db.connect();
    Runner::new(&mut connection, Registry::of(without).unwrap())
        .allow_missing(true)
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:1", "4:2"]);
}

#[test]
fn what_was_changed_stops_up_unless_it_is_allowed_or_accepted() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    let before = db.whole_picture();
    let all = [table(1), changed(), table(3)];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    insta::assert_snapshot!(text(&error));
    assert_eq!(db.whole_picture(), before);

    let mut connection = db.connect();
    Runner::new(&mut connection, Registry::of(all).unwrap())
        .allow_changed(true)
        .up(&Target::Steps(1))
        .unwrap();
    assert_eq!(states(&db, &all), ["1 applied", "2 changed", "3 applied"]);

    db.with(&all, |runner| runner.accept(&reference(2))).unwrap();
    assert_eq!(states(&db, &all), ["1 applied", "2 applied", "3 applied"]);
    let error = db.with(&all, |runner| runner.accept(&reference(2))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTarget);
}

#[test]
fn ways_back_and_line_ends_are_no_change() {
    let db = Database::new();
    db.up(&[migration(1, |schema| {
        schema.execute("CREATE TABLE a\n(id INTEGER)").undo("DROP TABLE a");
    })])
    .unwrap();
    let again = [migration(1, |schema| {
        schema.execute("CREATE TABLE a\r\n(id INTEGER)").up_only();
    })];
    assert_eq!(states(&db, &again), ["1 applied"]);
}

#[test]
fn what_is_out_of_order_is_applied_unless_order_is_strict() {
    let db = Database::new();
    db.up(&[table(2)]).unwrap();
    let all = tables(1..=2);
    let mut connection = db.connect();
    let error = Runner::new(&mut connection, Registry::of(all.clone()).unwrap())
        .strict_order(true)
        .up(&Target::Latest)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfOrder);
    insta::assert_snapshot!(text(&error));
    drop(connection);
    db.up(&all).unwrap();
    assert_eq!(db.batches(), ["2:1", "1:2"]);
}

#[test]
fn groups_are_judged_by_themselves_and_other_programs_groups_not_at_all() {
    let db = Database::new();
    let job = |version: u64| {
        in_group("jobs", version, move |schema| {
            schema
                .execute(format!("CREATE TABLE j{version} (id INTEGER)"))
                .undo(format!("DROP TABLE j{version}").as_str());
        })
    };
    db.up(&[job(5), job(7)]).unwrap();
    assert_eq!(states(&db, &[table(1)]), ["1 pending"]);
    db.up(&[table(1)]).unwrap();
    assert_eq!(
        states(&db, &[table(1), table(2), job(6), job(7)]),
        [
            "1 applied",
            "2 pending",
            "jobs:5 missing",
            "jobs:6 out of order",
            "jobs:7 applied"
        ]
    );
}

#[test]
fn a_fingerprint_of_an_older_encoding_is_stamped_anew_and_is_no_change() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    let before = db.history();
    db.execute("UPDATE __migrations SET fingerprint = '0:abc' WHERE version = 1");
    assert_eq!(states(&db, &tables(1..=2)), ["1 applied", "2 applied"]);
    db.up(&tables(1..=2)).unwrap();
    assert_eq!(db.history(), before);
    // A newer program's stamp is not ours to judge or to replace.
    db.execute("UPDATE __migrations SET fingerprint = '9:abc' WHERE version = 1");
    db.up(&tables(1..=2)).unwrap();
    assert!(db.history()[0].contains("9:abc"));
}

#[test]
fn the_history_table_can_have_another_name() {
    let db = Database::new();
    let mut connection = db.connect();
    Runner::new(&mut connection, Registry::of(tables(1..=1)).unwrap())
        .history_table("odd \"name\"; --")
        .unwrap()
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(db.number("SELECT count(*) FROM \"odd \"\"name\"\"; --\""), 1);
    for name in ["", " ", "a\nb", &"x".repeat(64)] {
        let mut connection = db.connect();
        let runner = Runner::new(&mut connection, Registry::of(tables(1..=1)).unwrap());
        assert_eq!(
            runner.history_table(name).unwrap_err().kind(),
            ErrorKind::InvalidSetting
        );
    }
}

/// Everything refuses, with this kind, and changes nothing.
fn is_refused(db: &Database, kind: ErrorKind) -> String {
    let before = db.whole_picture();
    let all = tables(1..=3);
    let status = db.with(&all, |runner| runner.status()).unwrap_err();
    let up = db.up(&all).unwrap_err();
    let back = db.rollback(&all, &migrate_core::Rollback::LastBatch).unwrap_err();
    for error in [&status, &up, &back] {
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(db.whole_picture(), before);
    text(&up)
}

#[test]
fn a_table_of_another_shape_is_refused() {
    let db = Database::new();
    db.execute("CREATE TABLE __migrations (version TEXT PRIMARY KEY, state TEXT)");
    insta::assert_snapshot!(is_refused(&db, ErrorKind::History));
}

#[test]
fn a_history_of_a_newer_version_is_refused() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    db.execute("UPDATE __migrations SET format = 2, tool_version = '9.9.9' WHERE version = 2");
    insta::assert_snapshot!(is_refused(&db, ErrorKind::History));
}

#[test]
fn a_history_that_was_edited_by_hand_is_refused() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    db.execute("UPDATE __migrations SET version = 'two', state = 'done' WHERE version = 2");
    db.execute("UPDATE __migrations SET state = 'done', batch = -1 WHERE version = 1");
    insta::assert_snapshot!(is_refused(&db, ErrorKind::History));
}

#[test]
fn numbers_and_texts_that_cannot_be_are_refused() {
    for edit in [
        "fingerprint = 'garbage'",
        "fingerprint = ''",
        "applied_at = 'yesterday'",
        "seq = 9223372036854775807",
        "batch = 9223372036854775807",
        "progress = -1",
    ] {
        let db = Database::new();
        db.up(&tables(1..=1)).unwrap();
        db.execute(&format!("UPDATE __migrations SET {edit}"));
        is_refused(&db, ErrorKind::History);
    }
}

#[test]
fn a_null_where_none_belongs_is_refused() {
    let db = Database::new();
    db.up(&tables(1..=2)).unwrap();
    db.execute(
        "CREATE TABLE copy AS SELECT * FROM __migrations; DROP TABLE __migrations; ALTER TABLE copy RENAME TO __migrations;
         UPDATE __migrations SET name = NULL",
    );
    insta::assert_snapshot!(is_refused(&db, ErrorKind::History));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let db = Database::new();
    let content = "not a database, but somebody's letter, long enough to be read as a header. ".repeat(20);
    std::fs::write(db.path(), &content).unwrap();
    let error = db.up(&tables(1..=1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(error.to_string().contains("file is not a database"), "{error}");
    assert_eq!(std::fs::read_to_string(db.path()).unwrap(), content);
}

#[test]
fn an_empty_set_and_a_version_used_twice_are_refused() {
    assert_eq!(Registry::of([]).unwrap_err().kind(), ErrorKind::NoMigrations);
    let twice = migrate_core::__private::declare(
        migrate_core::__private::Declaration {
            version: 1,
            name: "another",
            group: "default",
            description: "",
            transaction: true,
            file: "src/other.rs",
            line: 7,
            module: "other",
        },
        &Nothing,
    );
    let error = Registry::of([table(1), twice]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicateVersion);
    insta::assert_snapshot!(error.to_string());
    // The same migration, linked twice, is one.
    assert_eq!(Registry::of([table(1), table(1), table(2)]).unwrap().len(), 2);
}

struct Nothing;

impl migrate_core::Migrate for Nothing {
    fn up(&self, _schema: &mut migrate_core::Schema) {}
}

#[test]
fn a_text_for_another_database_is_no_change() {
    let database = Database::new();
    let with = |postgres: &'static str| {
        migration(1, move |schema| {
            schema
                .execute([
                    (DialectName::Sqlite, "CREATE TABLE a (id INTEGER)"),
                    (DialectName::Postgres, postgres),
                ])
                .undo("DROP TABLE a");
        })
    };
    database.up(&[with("CREATE TABLE a (id BIGINT)")]).unwrap();
    assert_eq!(states(&database, &[with("CREATE TABLE a (id UUID)")]), ["1 applied"]);
}
