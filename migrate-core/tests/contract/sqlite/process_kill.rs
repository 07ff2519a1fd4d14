//! Processes that are killed while they migrate a SQLite file.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use diesel::prelude::*;
use migrate_core::{Migration, Target};

use crate::support::{AnyConnection, Database, migration};

const FILE: &str = "MIGRATE_TEST_FILE";

/// Fifty migrations with SQL and Rust steps, and a table that some of them rebuild.
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
                // Every migration writes here, so a second application would show.
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

#[test]
#[ignore = "what a child process does"]
fn child() {
    let path = std::env::var(FILE).unwrap();
    AnyConnection::open(&path).runner(&fifty()).up(&Target::Latest).unwrap();
}

fn spawn(db: &Database) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::process_kill::child", "--ignored", "--nocapture"])
        .env(FILE, db.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_next_run_finishes_a_run_killed_at_any_moment() {
    let alone = Database::in_file();
    let started = Instant::now();
    let output = spawn(&alone).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let whole = started.elapsed();

    let mut cut_off = 0;
    let moments = 40;
    for moment in 0..moments {
        let db = Database::in_file();
        let mut child = spawn(&db);
        // Kills after a fraction of the whole duration. The query below shows the progress.
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
    eprintln!("killed at {moments} moments, {cut_off} of them between the first and the last migration");
    assert!(cut_off > 0, "no kill hit a run at work: the moments are badly spread");
}
