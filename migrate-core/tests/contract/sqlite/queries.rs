//! The number of statements per run. Pragmas are not counted, because they do not query the database.

use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use migrate_core::{Migration, Plan, Registry, Rollback, Runner, Target};

use crate::support::{Database, migration, tables, untransactional};

/// Returns the statements that `work` sends.
fn sent(db: &Database, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>)) -> Vec<String> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut connection = SqliteConnection::establish(&db.url()).unwrap();
    let seen = Arc::clone(&sent);
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            seen.lock().unwrap().push(query.to_string());
        }
    });
    let registry = Registry::of(migrations.iter().copied()).unwrap();
    work(&mut Runner::new(&mut connection, registry));
    drop(connection);
    let sent = sent.lock().unwrap().clone();
    let without_binds = |query: String| query.split(" -- binds").next().unwrap_or_default().to_owned();
    sent.into_iter().map(without_binds).collect()
}

/// Returns the first three words of each statement that `work` sends, without pragmas.
fn statements(db: &Database, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>)) -> Vec<String> {
    sent(db, migrations, work)
        .into_iter()
        .filter(|query| !query.starts_with("PRAGMA"))
        .map(|query| {
            let words: Vec<&str> = query
                .split_whitespace()
                .take(3)
                // The name of a savepoint differs from run to run.
                .map(|word| {
                    if word.starts_with("migrate_") {
                        "migrate_#"
                    } else {
                        word
                    }
                })
                .collect();
            words.join(" ")
        })
        .collect()
}

/// Returns the statements of a plan, in order.
fn planned(plan: &Plan) -> Vec<String> {
    let text = plan.to_string();
    let lines = text.lines().filter(|line| !line.starts_with("--"));
    let sql: Vec<&str> = lines.collect();
    let statements = sql.join("\n");
    let statements = statements
        .split(";\n")
        .map(|sql| sql.trim().trim_end_matches(';').to_owned());
    statements.filter(|sql| !sql.is_empty()).collect()
}

#[test]
fn the_printed_plan_is_the_sql_that_runs() {
    let db = Database::in_file();
    let all = [
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.text("name").nullable();
                t.index(["name"]);
            });
            schema.create_view("names", "SELECT name FROM users");
        }),
        migration(2, |schema| {
            schema.execute("INSERT INTO users (name) VALUES ('a')").up_only();
            schema.alter_table("users", |t| t.set_default("name", "b"));
        }),
        migration(3, |schema| schema.alter_table("users", |t| t.text("bio").nullable())),
    ];
    let check = |plan: &dyn Fn(&mut Runner<'_>) -> Plan, run: &dyn Fn(&mut Runner<'_>)| {
        let plan = db.with(&all, |runner| plan(runner));
        // Pragmas and checks that run in another form than planned are ignored on both sides.
        let is_asked = |sql: &String| {
            let asked = [
                "PRAGMA foreign_keys",
                "PRAGMA foreign_key_check",
                "PRAGMA legacy_alter_table = OFF",
            ];
            asked.contains(&sql.as_str())
        };
        let planned: Vec<String> = planned(&plan).into_iter().filter(|sql| !is_asked(sql)).collect();
        assert!(planned.len() > 15, "{planned:?}");
        let is_ours = |sql: &String| {
            let looks = [
                "SELECT seq",
                "SELECT count(*)",
                "SELECT type AS kind",
                "SELECT 'row '",
                "PRAGMA busy",
                "PRAGMA data",
                "PRAGMA schema_version",
            ];
            // Savepoints, history and introspection are not part of a plan.
            sql.contains("migrate_") && sql.contains("SAVEPOINT")
                || sql.starts_with("RELEASE ")
                || sql.contains("__migrations")
                || looks.iter().any(|look| sql.starts_with(look))
        };
        let ran = sent(&db, &all, run);
        let ran: Vec<String> = ran.into_iter().filter(|sql| !is_ours(sql) && !is_asked(sql)).collect();
        assert_eq!(ran, planned);
    };
    check(&|runner| runner.plan(&Target::Latest).unwrap(), &|runner| {
        drop(runner.up(&Target::Latest).unwrap());
    });
    check(&|runner| runner.plan_rollback(&Rollback::All).unwrap(), &|runner| {
        drop(runner.rollback(&Rollback::All).unwrap());
    });
}

#[test]
fn nothing_to_do_is_one_query() {
    let db = Database::in_file();
    let all = tables(1..=50);
    db.up(&all).unwrap();
    let up = statements(&db, &all, |runner| drop(runner.up(&Target::Latest).unwrap()));
    assert_eq!(up, ["SELECT seq, group_name,"]);
    let status = statements(&db, &all, |runner| drop(runner.status().unwrap()));
    assert_eq!(status.len(), 1);
    let is_current = statements(&db, &all, |runner| assert!(runner.is_current().unwrap()));
    assert_eq!(is_current.len(), 1);
}

#[test]
fn an_sql_migration_sends_its_statements_and_one_row() {
    let db = Database::in_file();
    db.up(&tables(1..=1)).unwrap();
    let sent = statements(&db, &tables(1..=2), |runner| drop(runner.up(&Target::Latest).unwrap()));
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            "BEGIN IMMEDIATE",
            "CREATE TABLE t2",
            "INSERT INTO t2",
            "INSERT INTO main.\"__migrations\"",
            "COMMIT",
        ]
    );
}

#[test]
fn many_migrations_read_history_once_and_close_their_batch_once() {
    let db = Database::in_file();
    db.up(&tables(1..=1)).unwrap();
    let sent = statements(&db, &tables(1..=11), |runner| drop(runner.up(&Target::Latest).unwrap()));
    let count = |what: &str| sent.iter().filter(|query| query.starts_with(what)).count();
    assert_eq!(count("SELECT"), 1);
    assert_eq!(count("BEGIN"), 10);
    assert_eq!(count("COMMIT"), 10);
    assert_eq!(count("INSERT INTO main"), 10);
    assert_eq!(count("UPDATE"), 1);
}

#[test]
fn a_rust_step_adds_its_claim() {
    let db = Database::in_file();
    db.up(&tables(1..=1)).unwrap();
    let all = [
        tables(1..=1)[0],
        migration(2, |schema| {
            schema.run(|_: &mut SqliteConnection| QueryResult::Ok(())).up_only();
        }),
    ];
    let sent = statements(&db, &all, |runner| drop(runner.up(&Target::Latest).unwrap()));
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            "BEGIN IMMEDIATE",
            "INSERT INTO main.\"__migrations\"",
            "SAVEPOINT migrate_#",
            "RELEASE SAVEPOINT migrate_#",
            "UPDATE main.\"__migrations\" SET",
            "COMMIT",
        ]
    );
}

#[test]
fn a_run_outside_a_transaction_checkpoints_each_step() {
    let db = Database::in_file();
    db.up(&tables(1..=1)).unwrap();
    let all = [
        tables(1..=1)[0],
        untransactional(2, |schema| {
            schema.execute("INSERT INTO t1 VALUES (2)").up_only();
            schema.create_table("t2", |t| t.id());
        }),
    ];
    let sent = statements(&db, &all, |runner| drop(runner.up(&Target::Latest).unwrap()));
    let mark = "UPDATE main.\"__migrations\" SET";
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            // Raw SQL created `t1`, so the run asks the database which tables exist.
            "SELECT type AS",
            "BEGIN IMMEDIATE",
            "INSERT INTO main.\"__migrations\"",
            "COMMIT",
            // Changed rows commit together with their checkpoints.
            "BEGIN IMMEDIATE",
            mark,
            "INSERT INTO t1",
            mark,
            "COMMIT",
            // The catalogs show if a schema change has completed.
            "SELECT type ||",
            mark,
            "CREATE TABLE \"t2\"",
            "BEGIN IMMEDIATE",
            mark,
            "COMMIT",
            // Removes the lock file.
            "BEGIN IMMEDIATE",
            "BEGIN",
            "ROLLBACK",
        ]
    );
}

#[test]
fn a_rollback_sends_its_steps_and_deletes_one_row() {
    let db = Database::in_file();
    db.up(&tables(1..=2)).unwrap();
    let sent = statements(&db, &tables(1..=2), |runner| {
        drop(runner.rollback(&Rollback::Last(1)).unwrap());
    });
    assert_eq!(
        sent,
        [
            "SELECT seq, group_name,",
            "BEGIN IMMEDIATE",
            "DROP TABLE t2",
            "DELETE FROM main.\"__migrations\"",
            "COMMIT",
        ]
    );
}
