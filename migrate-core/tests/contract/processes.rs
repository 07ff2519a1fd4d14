//! Several processes on one file, and processes that are killed.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use migrate_core::{ErrorKind, Migration, Registry, Rollback, Runner, Target};

use crate::support::{Database, migration, tables, text};

const DATABASE: &str = "MIGRATE_TEST_DATABASE";
const WORK: &str = "MIGRATE_TEST_WORK";

/// Fifty migrations, with SQL and Rust steps, and a table that some of them make anew.
fn fifty() -> Vec<Migration> {
    (1..=50)
        .map(|version| {
            migration(version, move |schema| {
                schema
                    .execute(format!("CREATE TABLE t{version} (id INTEGER PRIMARY KEY, body TEXT)"))
                    .undo(format!("DROP TABLE t{version}").as_str());
                let fill = move |conn: &mut SqliteConnection| -> QueryResult<()> {
                    for row in 0..20 {
                        diesel::sql_query(format!("INSERT INTO t{version} VALUES ({row}, 'row {row}')"))
                            .execute(conn)?;
                    }
                    Ok(())
                };
                if version % 3 == 0 {
                    schema.run(fill).up_only();
                } else {
                    schema
                        .execute(format!("INSERT INTO t{version} VALUES (1, 'one')"))
                        .up_only();
                }
                match version {
                    1 => schema.create_table("grown", |t| {
                        t.id();
                        t.text("body").default("none");
                    }),
                    _ if version % 5 == 0 => {
                        schema.execute("INSERT INTO grown (body) VALUES ('a row')").up_only();
                        schema.alter_table("grown", |t| {
                            t.integer(format!("c{version}")).default(1);
                            t.set_default("body", format!("given by {version}"));
                        });
                    }
                    _ => {}
                }
                // Written by every migration that is applied: a second application would be seen.
                schema
                    .execute("CREATE TABLE IF NOT EXISTS journal (what TEXT)")
                    .up_only();
                schema
                    .execute(format!("INSERT INTO journal VALUES ('up {version}')"))
                    .undo(format!("INSERT INTO journal VALUES ('down {version}')").as_str());
            })
        })
        .collect()
}

/// Not a test of its own: what a child process does.
#[test]
fn child() {
    let Ok(path) = std::env::var(DATABASE) else {
        return;
    };
    let mut connection = SqliteConnection::establish(&path).unwrap();
    let registry = Registry::of(fifty()).unwrap();
    let mut runner = Runner::new(&mut connection, registry).lock_timeout(Duration::from_secs(120));
    match std::env::var(WORK).unwrap().as_str() {
        "up" => drop(runner.up(&Target::Latest).unwrap()),
        "rollback" => drop(runner.rollback(&Rollback::LastBatch).unwrap()),
        other => panic!("no such work: {other}"),
    }
}

fn spawn(db: &Database, work: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--nocapture"])
        .env(DATABASE, db.path())
        .env(WORK, work)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn succeeds(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn twenty_processes_apply_each_migration_once_in_one_batch() {
    let db = Database::new();
    let children: Vec<Child> = (0..20).map(|_| spawn(&db, "up")).collect();
    children.into_iter().for_each(succeeds);

    let alone = Database::new();
    alone.up(&fifty()).unwrap();
    assert_eq!(db.history(), alone.history());
    assert_eq!(db.picture(), alone.picture());
    assert_eq!(db.number("SELECT count(DISTINCT batch) FROM __migrations"), 1);
}

#[test]
fn some_apply_and_some_roll_back_and_history_is_what_happened() {
    let db = Database::new();
    let children: Vec<Child> = (0..12)
        .map(|n| spawn(&db, if n % 3 == 2 { "rollback" } else { "up" }))
        .collect();
    children.into_iter().for_each(succeeds);

    for version in 1..=50 {
        let entries = crate::support::texts(
            &mut db.connect(),
            &format!(
                "SELECT what AS text FROM journal WHERE what IN ('up {version}', 'down {version}') ORDER BY rowid"
            ),
        );
        for (at, entry) in entries.iter().enumerate() {
            assert_eq!(entry.starts_with("up"), at % 2 == 0, "{version}: {entries:?}");
        }
        let is_applied = db.number(&format!("SELECT count(*) FROM __migrations WHERE version = {version}")) == 1;
        let has_table = db.number(&format!("SELECT count(*) FROM sqlite_master WHERE name = 't{version}'")) == 1;
        assert_eq!(is_applied, has_table);
        assert_eq!(is_applied, entries.len() % 2 == 1);
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_finished_by_the_next() {
    let alone = Database::new();
    let started = Instant::now();
    succeeds(spawn(&alone, "up"));
    let whole = started.elapsed();

    let mut cut_off = 0;
    let moments = 40;
    for moment in 0..moments {
        let db = Database::new();
        let mut child = spawn(&db, "up");
        // A share of the time that a whole run takes; how far that is, the next line asks.
        thread::sleep(whole * moment / moments);
        child.kill().unwrap();
        child.wait().unwrap();
        let applied = match db.path().exists() {
            true => db.number("SELECT count(*) FROM sqlite_master WHERE name GLOB 't[0-9]*'"),
            false => 0,
        };
        cut_off += u32::from((1..50).contains(&applied));

        db.up(&fifty()).unwrap();

        assert_eq!(db.history(), alone.history(), "killed after {applied}");
        assert_eq!(db.picture(), alone.picture(), "killed after {applied}");
    }
    println!("killed at {moments} moments, {cut_off} of them between the first and the last migration");
    assert!(cut_off > 0, "no kill hit a run at work: the moments are badly spread");
}

#[test]
fn a_locked_database_is_waited_for_and_then_an_error_says_who_to_look_for() {
    let db = Database::new();
    db.up(&tables(1..=1)).unwrap();
    let mut holder = db.connect();
    diesel::connection::SimpleConnection::batch_execute(&mut holder, "BEGIN IMMEDIATE; CREATE TABLE held (id INTEGER)")
        .unwrap();

    let mut connection = db.connect();
    let mut runner =
        Runner::new(&mut connection, Registry::of(tables(1..=2)).unwrap()).lock_timeout(Duration::from_millis(300));
    let started = Instant::now();
    let error = runner.up(&Target::Latest).unwrap_err();
    assert!(
        started.elapsed() >= Duration::from_millis(250),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(error.kind(), ErrorKind::Locked);
    let path = db.path().display().to_string();
    insta::assert_snapshot!(text(&error).replace(&path, "test.db"));

    diesel::connection::SimpleConnection::batch_execute(&mut holder, "ROLLBACK").unwrap();
    runner.up(&Target::Latest).unwrap();
}
