//! Many processes at once on one database.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use migrate_core::prelude::*;
use migrate_core::{Code, Rollback, Target};

use crate::support::{AnyConnection, Database, migration};

on_every_database! {
    thirty_two_processes_apply_each_migration_once_in_one_batch
    concurrent_up_and_rollback_keep_history_correct
}

const URL: &str = "MIGRATE_TEST_CHILD_URL";
const WORK: &str = "MIGRATE_TEST_CHILD_WORK";

diesel::table! {
    audit (id) {
        id -> BigInt,
        version -> BigInt,
        what -> Text,
    }
}

/// A Rust step that writes into the audit table.
macro_rules! note {
    ($version:ident, $what:literal) => {
        rust_step!(|conn| diesel::insert_into(audit::table)
            .values((audit::version.eq($version), audit::what.eq($what)))
            .execute(conn)
            .map(drop))
    };
}

/// An audit table reveals a second application. The migrations use generated SQL only, raw SQL, or a Rust step.
fn audited() -> Vec<Migration> {
    (1..=12)
        .map(|version| {
            migration(version, move |schema| {
                let number = i64::try_from(version).unwrap();
                schema.create_table(format!("t{version:02}"), |t| t.id());
                let note = |what: &str| format!("INSERT INTO audit (version, what) VALUES ({version}, '{what}')");
                match version % 3 {
                    0 => schema.execute(note("up")).undo(note("down")),
                    1 => schema.run(note!(number, "up")).undo(note!(number, "down")),
                    _ => drop(schema.create_index(format!("t{version:02}"), ["id"])),
                }
            })
        })
        .collect()
}

#[test]
#[ignore = "what a child process does"]
fn child() {
    let (url, work) = (std::env::var(URL).unwrap(), std::env::var(WORK).unwrap());
    let mut connection = AnyConnection::open(&url);
    let mut runner = connection.runner(&audited()).lock_timeout(Duration::from_secs(240));
    match work.as_str() {
        "up" => drop(runner.up(&Target::Latest).unwrap()),
        "rollback" => match runner.rollback(&Rollback::Last(3)) {
            Ok(_) => {}
            // The `up` of another process has applied fewer than 3 so far.
            Err(error) if error.code() == Code::INVALID_COUNT => {}
            Err(error) => panic!("{error}"),
        },
        other => panic!("no such work: {other}"),
    }
}

fn spawn(url: &str, work: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--ignored", "--nocapture"])
        .env(URL, url)
        .env(WORK, work)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts 32 processes at once, each with its work.
fn at_once(url: &str, work: impl Fn(usize) -> &'static str) {
    // One such test at a time, because a server limits its connections.
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let children: Vec<Child> = (0..32).map(|number| spawn(url, work(number))).collect();
    let outputs: Vec<_> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    drop(turn);
    for output in outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn make_audit_table(db: &Database) {
    let id = db.engine.pick(
        "integer PRIMARY KEY AUTOINCREMENT",
        "bigserial PRIMARY KEY",
        "bigint AUTO_INCREMENT PRIMARY KEY",
    );
    db.execute(&format!(
        "CREATE TABLE audit (id {id}, version bigint, what varchar(10))"
    ));
}

fn thirty_two_processes_apply_each_migration_once_in_one_batch(db: &Database) {
    apply_at_once(db, &db.url());
}

pub(crate) fn apply_at_once(db: &Database, url: &str) {
    make_audit_table(db);
    at_once(url, |_| "up");
    assert_eq!(db.number("SELECT count(*) FROM audit"), 8);
    assert_eq!(db.number("SELECT count(DISTINCT version) FROM audit"), 8);
    let alone = db.another();
    make_audit_table(&alone);
    alone.up(&audited()).unwrap();
    assert_eq!(db.history(), alone.history());
    // Rolled back inserts have advanced the counters.
    let but_rows = |db: &Database| -> Vec<String> {
        let picture = db.picture().into_iter();
        picture
            .filter(|line| !line.starts_with("audit: '") && !line.starts_with("audit: {"))
            .collect()
    };
    assert_eq!(but_rows(db), but_rows(&alone));
}

fn concurrent_up_and_rollback_keep_history_correct(db: &Database) {
    apply_and_roll_back(db, &db.url());
}

pub(crate) fn apply_and_roll_back(db: &Database, url: &str) {
    make_audit_table(db);
    db.up(&audited()).unwrap();
    at_once(url, |number| if number.is_multiple_of(2) { "up" } else { "rollback" });
    for version in 1..=12 {
        let what = db.texts(&format!(
            "SELECT what AS text FROM audit WHERE version = {version} ORDER BY id"
        ));
        for (place, what) in what.iter().enumerate() {
            let expected = if place.is_multiple_of(2) { "up" } else { "down" };
            assert_eq!(what, expected, "of {version}, at {place}");
        }
        let is_applied = db.number(&format!("SELECT count(*) FROM __migrations WHERE version = {version}")) == 1;
        let has_table = db.tables().contains(&format!("t{version:02}"));
        assert_eq!(is_applied, has_table, "{version}");
        if version % 3 < 2 {
            assert_eq!(is_applied, what.len() % 2 == 1, "{version}");
        }
    }
    db.up(&audited()).unwrap();
    assert_eq!(db.claims(), 0);
}
