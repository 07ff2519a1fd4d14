//! Several processes on one database.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use migrate_core::prelude::*;
use migrate_core::{Rollback, Target};

use crate::support::{AnyConnection, Database, Server, migration};

on_every_server! {
    thirty_two_processes_apply_each_migration_once_in_one_batch
    some_apply_and_some_roll_back_and_history_is_what_happened
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

macro_rules! note_in_rust {
    ($conn:ident, $version:ident, $what:literal) => {
        diesel::insert_into(audit::table)
            .values((audit::version.eq($version), audit::what.eq($what)))
            .execute($conn)
            .map(drop)
    };
}

/// What is done to an audit table tells a second application. Some are generated alone, some have raw SQL, some a Rust step.
pub(crate) fn audited() -> Vec<Migration> {
    (1..=12)
        .map(|version| {
            migration(version, move |schema| {
                let number = i64::try_from(version).unwrap();
                schema.create_table(format!("t{version:02}"), |t| t.id());
                let note = |what: &str| format!("INSERT INTO audit (version, what) VALUES ({version}, '{what}')");
                match version % 3 {
                    0 => schema.execute(note("up")).undo(note("down")),
                    1 => schema
                        .run((
                            move |conn: &mut PgConnection| note_in_rust!(conn, number, "up"),
                            move |conn: &mut MysqlConnection| note_in_rust!(conn, number, "up"),
                        ))
                        .undo((
                            move |conn: &mut PgConnection| note_in_rust!(conn, number, "down"),
                            move |conn: &mut MysqlConnection| note_in_rust!(conn, number, "down"),
                        )),
                    _ => drop(schema.create_index(format!("t{version:02}"), ["id"])),
                }
            })
        })
        .collect()
}

/// Not a test of its own: what a child process does.
#[test]
fn child() {
    let (Ok(url), Ok(work)) = (std::env::var(URL), std::env::var(WORK)) else {
        return;
    };
    let server = if url.starts_with("postgres") {
        Server::Postgres
    } else {
        Server::MySql
    };
    let mut connection = AnyConnection::open(server, &url);
    let mut runner = connection.runner(&audited()).lock_timeout(Duration::from_secs(240));
    match work.as_str() {
        "up" => drop(runner.up(&Target::Latest).unwrap()),
        "rollback" => drop(runner.rollback(&Rollback::Steps(3)).unwrap()),
        other => panic!("no such work: {other}"),
    }
}

fn spawn(url: &str, work: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--nocapture"])
        .env(URL, url)
        .env(WORK, work)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn all_succeed(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn audit_table(db: &Database) {
    let id = if db.server.is_postgres() {
        "bigserial"
    } else {
        "bigint AUTO_INCREMENT"
    };
    db.execute(&format!(
        "CREATE TABLE audit (id {id} PRIMARY KEY, version bigint, what varchar(10))"
    ));
}

fn thirty_two_processes_apply_each_migration_once_in_one_batch(db: &Database) {
    apply_at_once(db, &db.url());
}

pub(crate) fn apply_at_once(db: &Database, url: &str) {
    audit_table(db);
    all_succeed((0..32).map(|_| spawn(url, "up")).collect());
    assert_eq!(db.number("SELECT count(*) FROM audit"), 8);
    assert_eq!(db.number("SELECT count(DISTINCT version) FROM audit"), 8);
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE state = 'applied' AND claim IS NULL"),
        12
    );
    assert_eq!(db.number("SELECT count(DISTINCT batch) FROM __migrations"), 1);
}

fn some_apply_and_some_roll_back_and_history_is_what_happened(db: &Database) {
    apply_and_roll_back(db, &db.url());
}

pub(crate) fn apply_and_roll_back(db: &Database, url: &str) {
    audit_table(db);
    db.up(&audited()).unwrap();
    let work = |turn: usize| if turn.is_multiple_of(2) { "up" } else { "rollback" };
    all_succeed((0..32).map(|turn| spawn(url, work(turn))).collect());
    let mut connection = db.connect();
    for version in 1..=12 {
        let what = connection.texts(&format!(
            "SELECT what AS text FROM audit WHERE version = {version} ORDER BY id"
        ));
        for (place, what) in what.iter().enumerate() {
            assert_eq!(
                what,
                if place.is_multiple_of(2) { "up" } else { "down" },
                "of {version}, at {place}"
            );
        }
    }
    let tables: Vec<String> = db.tables().into_iter().filter(|name| name != "audit").collect();
    let mut applied = connection.texts("SELECT concat('t', right(concat('0', version), 2)) AS text FROM __migrations");
    applied.sort();
    assert_eq!(tables, applied);
    db.up(&audited()).unwrap();
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE claim IS NOT NULL"),
        0
    );
}
