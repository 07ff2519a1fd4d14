//! The runner on PostgreSQL: what a run leaves behind, whatever happens in it. Each test has a database of its own.

#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_query;
use migrate_core::prelude::*;
use migrate_core::{ErrorKind, MigrationRef, Registry, Rollback, Runner, State, Target, Version, expression};

use support::{Database, migration, table, untransactional};

fn everything() -> [Migration; 3] {
    [
        migration(1, |schema| {
            schema.create_enum("mood", ["sad", "glad"]);
            schema.create_table("users", |t| {
                t.id();
                t.varchar("email", 200).unique();
                t.text("name").nullable();
                t.numeric("balance", 10, 2).default(0);
                t.enum_of("feels", "mood").default("glad");
                t.timestamptz("seen").default_now();
                t.check("users_email", "email LIKE '%@%'");
            });
            schema.create_table("posts", |t| {
                t.id();
                t.big_int("user_id")
                    .references("users", "id")
                    .on_delete(Reaction::Cascade);
                t.text("title");
                t.index(["user_id"]);
            });
        }),
        migration(2, |schema| {
            schema.alter_table("users", |t| t.text("handle").nullable());
            schema.run(fill_handles).up_only();
            schema.alter_table("users", |t| t.set_not_null("handle"));
            schema.create_index("users", [expression("lower(handle)")]).unique();
            schema.create_view("handles", "SELECT handle FROM users");
        }),
        migration(3, |schema| {
            schema.rename_table("posts", "articles");
            // From here on the table is not known, and its key has to follow its name all the same.
            schema
                .execute("ALTER TABLE articles ALTER COLUMN title SET STORAGE PLAIN")
                .undo("ALTER TABLE articles ALTER COLUMN title SET STORAGE EXTENDED");
        }),
    ]
}

fn fill_handles(conn: &mut PgConnection) -> QueryResult<()> {
    // A transaction inside the migration's own is a savepoint.
    conn.transaction(|conn| {
        sql_query("UPDATE users SET handle = split_part(email, '@', 1)").execute(conn)?;
        Ok(())
    })
}

#[test]
fn migrations_go_up_and_down_and_up_again_with_their_rows() {
    let Some(db) = Database::new() else { return };
    let all = everything();
    db.up(&all[..1]).unwrap();
    db.execute(
        "INSERT INTO users (email) VALUES ('ada@example.org'); INSERT INTO posts (user_id, title) VALUES (1, 'Hello')",
    );
    let before = db.with(&all, |runner| runner.status()).unwrap();
    assert_eq!(before[0].state, State::Applied);

    assert_eq!(db.up(&all).unwrap().batch, Some(2));
    assert_eq!(db.text("SELECT handle FROM users"), "ada");
    assert_eq!(db.applied(), "1:applied:1 2:applied:2 3:applied:2");
    assert!(db.up(&all).unwrap().is_empty());
    assert!(db.with(&all, |runner| runner.is_current()).unwrap());

    db.rollback(&all, &Rollback::LastBatch).unwrap();
    assert_eq!(db.applied(), "1:applied:1");
    assert_eq!(db.number("SELECT count(*) FROM posts"), 1);
    db.up(&all).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM articles"), 1);
    db.rollback(&all, &Rollback::All).unwrap();
    assert_eq!(
        db.number("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"),
        1
    );
}

#[test]
fn looking_writes_nothing() {
    let Some(db) = Database::new() else { return };
    let all = everything();
    assert_eq!(
        db.with(&all, |runner| runner.plan(&Target::Latest))
            .unwrap()
            .migrations()
            .len(),
        3
    );
    assert!(!db.with(&all, |runner| runner.is_current()).unwrap());
    assert_eq!(
        db.number("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
        0
    );
}

#[test]
fn a_failing_step_leaves_nothing_and_history_untouched() {
    let Some(db) = Database::new() else { return };
    let fails = migration(2, |schema| {
        schema.create_table("half", |t| t.id());
        schema.execute("INSERT INTO nowhere VALUES (1)").up_only();
    });
    let error = db.up(&[table(1), fails, table(3)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    let said = error.to_string();
    let lines: Vec<&str> = said.lines().filter(|line| !line.contains("at: ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    applying 2 m2 (src/migrations.rs:1) failed at step 2 of 2
      migration: 2 m2
      statement: INSERT INTO nowhere VALUES (1)
      cause: relation "nowhere" does not exist
      state: nothing of it stays: its transaction was rolled back, and the database is as it was before; 1 migration before it stays applied (batch 1)
      next: mend the step, then `migrate up`
    "#);
    assert_eq!(db.applied(), "1:applied:1");
    assert_eq!(db.text("SELECT to_regclass('half')"), "");
}

#[test]
fn a_step_that_goes_on_after_an_error_is_not_taken_for_done() {
    fn goes_on(conn: &mut PgConnection) -> QueryResult<()> {
        let _ = sql_query("INSERT INTO nowhere VALUES (1)").execute(conn);
        Ok(())
    }
    let Some(db) = Database::new() else { return };
    let all = [table(1), migration(2, |schema| schema.run(goes_on).up_only())];
    let error = db.up(&all).unwrap_err().to_string();
    assert!(
        error.contains("a statement in it failed, and the step went on"),
        "{error}"
    );
    assert_eq!(db.applied(), "1:applied:1");
}

#[test]
fn what_a_step_sets_of_the_connection_does_not_outlive_its_migration() {
    let Some(db) = Database::new() else { return };
    let all = [
        migration(1, |schema| {
            schema.execute("CREATE SCHEMA other").undo("DROP SCHEMA other");
            schema.execute("SET search_path = other").up_only();
        }),
        migration(2, |schema| schema.execute("SET ROLE pg_monitor").up_only()),
        table(3),
    ];
    db.up(&all).unwrap();
    assert_eq!(db.applied(), "1:applied:1 2:applied:1 3:applied:1");
    assert_eq!(db.text("SELECT to_regclass('public.t3')"), "t3");
    assert_eq!(
        db.number("SELECT count(*) FROM pg_class WHERE relname = '__migrations'"),
        1
    );
}

#[test]
fn a_step_that_ends_the_transaction_is_told() {
    let Some(db) = Database::new() else { return };
    let ends = |sql: &'static str| {
        [
            table(1),
            migration(2, move |schema| {
                schema.create_table("half", |t| t.id());
                schema.execute(sql).up_only();
            }),
        ]
    };
    for sql in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN"] {
        let error = db.up(&ends(sql)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TransactionEnded, "{sql}: {error}");
        assert!(db.applied().starts_with("1:applied:1"), "{sql}: {}", db.applied());
        db.execute("DROP TABLE IF EXISTS half; DELETE FROM __migrations WHERE version = 2");
    }
}

#[test]
fn what_no_transaction_can_hold_runs_outside_one() {
    let Some(db) = Database::new() else { return };
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema
                .execute("CREATE INDEX CONCURRENTLY t1_again ON t1 (id)")
                .undo("DROP INDEX CONCURRENTLY t1_again");
            schema.execute("VACUUM t1").up_only();
        }),
    ];
    db.up(&all).unwrap();
    assert_eq!(db.applied(), "1:applied:1 2:applied:1");
    db.rollback(&all, &Rollback::Steps(1)).unwrap();
    assert_eq!(db.text("SELECT to_regclass('t1_again')"), "");
}

#[test]
fn runs_at_once_apply_each_migration_once_in_one_batch() {
    let Some(db) = Database::new() else { return };
    db.execute("CREATE TABLE audit (id bigserial, version bigint, what text)");
    let all: Vec<Migration> = (1..=8)
        .map(|version| {
            migration(version, move |schema| {
                schema.create_table(format!("t{version}"), |t| t.id());
                schema
                    .execute(format!("INSERT INTO audit (version, what) VALUES ({version}, 'up')"))
                    .undo(format!("INSERT INTO audit (version, what) VALUES ({version}, 'down')"));
            })
        })
        .collect();
    let begin = Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                begin.wait();
                db.up(&all).unwrap();
            });
        }
    });
    assert_eq!(db.number("SELECT count(*) FROM audit"), 8);
    assert_eq!(db.number("SELECT count(DISTINCT batch) FROM __migrations"), 1);

    // Half go up, the others back; what each version has seen alternates, and the schema is what history says.
    thread::scope(|scope| {
        for turn in 0..16 {
            let (db, all, begin) = (&db, &all, &begin);
            scope.spawn(move || {
                begin.wait();
                if turn % 2 == 0 {
                    db.up(all).unwrap();
                } else {
                    db.rollback(all, &Rollback::Steps(3)).unwrap();
                }
            });
        }
    });
    let twice = "SELECT count(*) FROM (SELECT what, lag(what) OVER (PARTITION BY version ORDER BY id) AS before FROM audit) AS a \
                 WHERE what = before";
    assert_eq!(db.number(twice), 0);
    let tables = "SELECT count(*) FROM pg_class WHERE relname LIKE 't_' AND relkind = 'r'";
    assert_eq!(db.number(tables), db.number("SELECT count(*) FROM __migrations"));
    db.up(&all).unwrap();
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE claim IS NOT NULL"),
        0
    );
}

#[test]
fn another_run_that_does_not_end_is_named() {
    let Some(db) = Database::new() else { return };
    db.up(&[table(1)]).unwrap();
    let mut other = db.connect();
    // What a run holds while it works, taken by hand.
    let key = "hashtextextended(current_database() || '.\"public\".\"__migrations\"', 2026112301)";
    other
        .batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({key})"))
        .unwrap();
    let registry = Registry::of([table(1), table(2)]).unwrap();
    let mut connection = db.connect();
    let mut runner = Runner::new(&mut connection, registry).lock_timeout(Duration::from_millis(200));
    let error = runner.up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains("another run is at work (pid "), "{error}");
    // What is written into history by hand waits for the same lock.
    let error = runner
        .accept(&MigrationRef::from(Version::new(1).unwrap()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
}

#[test]
fn fresh_drops_what_is_there_and_nothing_of_extensions() {
    let Some(db) = Database::new() else { return };
    db.execute(
        "CREATE TABLE a (id int PRIMARY KEY, kind int); CREATE VIEW v AS SELECT * FROM a; CREATE TYPE e AS ENUM ('x'); \
         CREATE DOMAIN d AS text; CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE MATERIALIZED VIEW m AS SELECT * FROM v; CREATE TYPE pair AS (a int, b int)",
    );
    db.with(&everything(), |runner| runner.fresh()).unwrap();
    assert_eq!(
        db.text("SELECT string_agg(typname, ',') FROM pg_type WHERE typname IN ('e', 'd', 'pair', 'a', 'v', 'm')"),
        ""
    );
    assert_eq!(db.applied(), "1:applied:1 2:applied:1 3:applied:1");
}

#[test]
fn a_table_that_somebody_holds_is_waited_for_without_holding_up_others() {
    let Some(db) = Database::new() else { return };
    let all = [
        table(1),
        migration(2, |schema| schema.alter_table("t1", |t| t.text("name").nullable())),
    ];
    db.up(&all[..1]).unwrap();
    let mut holder = db.connect();
    holder.batch_execute("BEGIN; SELECT * FROM t1").unwrap();
    thread::scope(|scope| {
        let up = scope.spawn(|| db.up(&all));
        // It queues behind the holder, gives way to who comes behind it, and queues again.
        while db.number("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't1'::regclass") == 0 {
            thread::yield_now();
        }
        let began = Instant::now();
        assert_eq!(db.number("SELECT count(*) FROM t1"), 0);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        holder.batch_execute("COMMIT").unwrap();
        up.join().unwrap().unwrap();
    });
    assert_eq!(db.applied(), "1:applied:1 2:applied:2");

    holder.batch_execute("BEGIN; SELECT * FROM t1").unwrap();
    let registry = Registry::of(all).unwrap();
    let mut connection = db.connect();
    let mut runner = Runner::new(&mut connection, registry).lock_timeout(Duration::from_millis(300));
    let error = runner.rollback(&Rollback::Steps(1)).unwrap_err().to_string();
    assert!(error.contains("canceling statement due to lock timeout"), "{error}");
    assert!(error.contains("look for who holds the lock"), "{error}");
    assert!(error.contains("in the way: pid "), "{error}");
    assert!(error.contains("its last statement: BEGIN; SELECT * FROM t1"), "{error}");
    assert_eq!(db.applied(), "1:applied:1 2:applied:2");
}
