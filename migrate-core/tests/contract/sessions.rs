//! The server session of a run: its lock, the locks that it waits for, and its traces after an interruption.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use migrate_core::{ErrorKind, Event, Rollback, Schema, Target};

use crate::support::{AnyConnection, Database, generated, migration, reference, table, untransactional};

on_every_server! {
    a_run_that_holds_the_lock_is_named
    waiting_for_a_locked_table_does_not_block_others
    the_next_run_recovers_an_interrupted_run
    the_lock_timeout_applies_to_many_pending_migrations
    a_rust_step_is_retried_after_a_lock_conflict
    losing_the_lock_to_another_run_is_reported
}

fn a_run_that_holds_the_lock_is_named(db: &Database) {
    db.up(&[table(1)]).unwrap();
    let mut other = db.connect();
    other.execute(&takes_lock(db));
    let who = match db.engine.is_postgres() {
        true => "another migration run is in progress (pid ",
        false => "another migration run is in progress (connection ",
    };
    let mut connection = db.connect();
    let mut runner = connection
        .runner(&[table(1), table(2)])
        .lock_timeout(Duration::from_millis(200));
    let error = runner.up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains(who), "{error}");
    // Commands that edit history wait for the same lock.
    let error = runner.accept(&reference(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    // `fresh` waits for it too.
    let error = runner.fresh().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    drop(runner);
    assert_eq!(db.tables(), ["t1"]);
}

/// Acquires the lock of a run.
pub(crate) fn takes_lock(db: &Database) -> String {
    if db.engine.is_postgres() {
        let key = "hashtextextended(current_database() || '.\"public\".\"__migrations\"', 2026112301)";
        format!("BEGIN; SELECT pg_advisory_xact_lock({key})")
    } else {
        format!(
            "SELECT get_lock(concat('migrate:', left(sha2('`{}`.`__migrations`', 256), 40)), 0)",
            db.name()
        )
    }
}

fn waiting_for_a_locked_table_does_not_block_others(db: &Database) {
    let all = [
        table(1),
        migration(2, |schema| schema.alter_table("t1", |t| t.text("name").nullable())),
    ];
    db.up(&all[..1]).unwrap();
    let mut holder = db.connect();
    let hold = "BEGIN; SELECT * FROM t1";
    holder.execute(hold);
    let waiting = if db.engine.is_postgres() {
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't1'::regclass"
    } else {
        "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state LIKE 'Waiting for table metadata%'"
    };
    thread::scope(|scope| {
        let up = scope.spawn(|| db.up(&all));
        // The run waits behind the holder, yields to the next waiter, and tries again.
        while db.number(waiting) == 0 && !up.is_finished() {
            thread::yield_now();
        }
        let began = Instant::now();
        assert_eq!(db.number("SELECT count(*) FROM t1"), 1);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        holder.execute("COMMIT");
        up.join().unwrap().unwrap();
    });
    assert_eq!(db.batches(), ["1:1", "2:2"]);

    holder.execute(hold);
    let mut connection = db.connect();
    let mut runner = connection.runner(&all).lock_timeout(Duration::from_millis(300));
    let error = runner.rollback(&Rollback::Last(1)).unwrap_err().to_string();
    let (cause, who) = if db.engine.is_postgres() {
        ("canceling statement due to lock timeout", "blocked by pid ")
    } else {
        ("Lock wait timeout exceeded", "blocked by connection ")
    };
    assert!(error.contains(cause), "{error}");
    assert!(error.contains("that holds the lock"), "{error}");
    assert!(error.contains(who), "{error}");
    holder.execute("COMMIT");
    db.rollback(&all, &Rollback::Last(1)).unwrap();
    assert_eq!(db.batches(), ["1:1"]);
}

/// The state after a kill outside a transaction, right before or right after the second step.
fn the_next_run_recovers_an_interrupted_run(db: &Database) {
    let both = untransactional(2, |schema| {
        schema.create_table("first", |t| t.id());
        schema.create_table("second", |t| t.id());
    });
    let all = [table(1), both];
    db.up(&all).unwrap();
    let expected = checksum(db);
    db.rollback(&all, &Rollback::Last(1)).unwrap();
    for has_happened in [false, true] {
        let stops = untransactional(2, |schema| {
            schema.create_table("first", |t| t.id());
            schema.execute("SELECT * FROM nowhere").up_only();
        });
        db.up(&[table(1), stops]).unwrap_err();
        // The runner's checkpoint before the second step: the digest of an object that does not exist. On MySQL and
        // MariaDB, the hash of the length of one empty text.
        let digest = db.texts(db.engine.pick(
            "",
            "SELECT md5('') AS text",
            "SELECT '2c0a8a99dc147d5445c3b49d035665b2' AS text",
        ));
        let digest = digest.concat();
        let catalog_context = db.texts(db.engine.pick(
            "",
            "SELECT md5(concat_ws(' ', current_user, current_schemas(false)::text, 'off')) AS text",
            "SELECT left(sha2(concat_ws(' ', database(), current_role(), @@sql_mode, @@time_zone), 256), 40) AS text",
        ));
        let catalog_context = catalog_context.concat();
        db.execute(&format!(
            "UPDATE __migrations SET claim = 'gone', in_flight = '{digest}\n{catalog_context}\n{expected}\nsecond' WHERE version = 2"
        ));
        if has_happened {
            db.execute("CREATE TABLE second (id bigint)");
        }
        db.up(&[table(1), both]).unwrap();
        assert_eq!(db.tables(), ["first", "second", "t1"]);
        assert_eq!(checksum(db), expected);
        assert_eq!(db.claims(), 0);
        db.rollback(&[table(1), both], &Rollback::Last(1)).unwrap();
    }
}

fn losing_the_lock_to_another_run_is_reported(db: &Database) {
    let gives_up = db
        .engine
        .pick("", "SELECT pg_advisory_unlock_all()", "DO RELEASE_ALL_LOCKS()");
    let other: &'static Mutex<Option<AnyConnection>> = Box::leak(Box::default());
    let (url, takes) = (db.url(), takes_lock(db));
    let takes = move || {
        let mut connection = AnyConnection::open(&url);
        connection.execute(&takes);
        *other.lock().unwrap() = Some(connection);
    };
    let takes: &'static (dyn Fn() + Send + Sync) = Box::leak(Box::new(takes));
    let steps = move |schema: &mut Schema| {
        let gives_up = rust_step!(|conn| conn.batch_execute(gives_up).map(|()| takes()));
        schema.run(gives_up).up_only();
        schema.execute("INSERT INTO t1 VALUES (2)").up_only();
    };
    let all = [table(1), untransactional(2, steps)];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    let said = "another migration run holds the lock now";
    assert!(error.to_string().contains(said), "{error}");
    assert_eq!(db.number("SELECT count(*) FROM t1"), 1);
    assert_eq!(db.states(), ["1:applied", "2:applying:0"]);
    *other.lock().unwrap() = None;
    assert_eq!(db.up(&all).unwrap_err().kind(), ErrorKind::Interrupted);
    db.with(&all, |runner| runner.resolve(&reference(2), 1)).unwrap();
    db.up(&all).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM t1"), 2);
}

fn checksum(db: &Database) -> String {
    db.texts("SELECT checksum AS text FROM __migrations WHERE version = 2")
        .concat()
}

/// Several migrations that could be pipelined; the first must wait.
fn the_lock_timeout_applies_to_many_pending_migrations(db: &Database) {
    let all = [
        table(1),
        migration(2, |schema| schema.alter_table("t1", |t| t.text("name").nullable())),
        generated(3),
        generated(4),
    ];
    db.up(&all[..1]).unwrap();
    let mut holder = db.connect();
    holder.execute("BEGIN; SELECT * FROM t1");
    let mut connection = db.connect();
    let mut runner = connection.runner(&all).lock_timeout(Duration::from_millis(300));
    let error = runner.up(&Target::Latest).unwrap_err();
    assert!(error.to_string().contains("blocked by "), "{error}");
    holder.execute("COMMIT");
    db.up(&all).unwrap();
    assert_eq!(db.claims(), 0);
}

fn a_rust_step_is_retried_after_a_lock_conflict(db: &Database) {
    let steps = |schema: &mut Schema| {
        schema
            .run(rust_step!(|conn| conn.batch_execute("UPDATE t1 SET id = id + 1")))
            .up_only();
    };
    let all = [table(1), migration(2, steps)];
    db.up(&all[..1]).unwrap();
    let mut holder = db.connect();
    holder.execute("BEGIN; UPDATE t1 SET id = 5");
    let mut connection = db.connect();
    let mut told = 0;
    let mut runner = connection.runner(&all).observe(|event| {
        if let Event::Waiting { .. } = event {
            told += 1;
            holder.execute("COMMIT");
        }
    });
    runner.up(&Target::Latest).unwrap();
    drop(runner);
    assert_eq!(told, 1);
    assert_eq!(db.number("SELECT id FROM t1"), 6);
}

/// The ways to send SQL to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Sql,
    Rust,
    SqlOutsideTransaction,
    RustOutsideTransaction,
}

pub(crate) const EVERY_WAY: [Way; 4] = [
    Way::Sql,
    Way::Rust,
    Way::SqlOutsideTransaction,
    Way::RustOutsideTransaction,
];

/// Checks that a step with this SQL does no harm: later migrations create their tables in the right place, history
/// stays complete, the run keeps its lock, and the connection's settings are restored.
pub(crate) fn does_no_harm(db: &Database, sql: &'static str, ways: &[Way], settings: &str) {
    let mut all = vec![table(1)];
    let mut tables = vec!["t1".to_owned()];
    let is_postgres = db.engine.is_postgres();
    for (number, &way) in (1..).zip(ways) {
        let steps = move |schema: &mut Schema| {
            match way {
                Way::Sql | Way::SqlOutsideTransaction => schema.execute(sql).up_only(),
                Way::Rust | Way::RustOutsideTransaction => {
                    schema.run(rust_step!(|conn| conn.batch_execute(sql))).up_only();
                }
            }
            // PostgreSQL may send the raw SQL of a migration in one message, but not a Rust step.
            match way {
                Way::Sql if is_postgres => schema.run(rust_step!(|conn| conn.batch_execute("SELECT 1"))).up_only(),
                _ => schema.execute("SELECT 1").up_only(),
            }
        };
        all.push(match way {
            Way::Sql | Way::Rust => migration(number * 10, steps),
            Way::SqlOutsideTransaction | Way::RustOutsideTransaction => untransactional(number * 10, steps),
        });
        all.push(generated(number * 10 + 1));
        tables.push(format!("t{}", number * 10 + 1));
    }
    let mut connection = db.connect();
    // Settings of the connection's owner.
    connection.execute(db.engine.pick(
        "",
        "SET app.tenant = 'x'; SET work_mem = '8MB'",
        "SET time_zone = '+01:00'",
    ));
    let before = connection.texts(settings);
    let mut locked_out = 0;
    let result = connection
        .runner(&all)
        .observe(|event| {
            // After the SQL, before the end of its migration.
            if let Event::Step { position: 2, label, .. } = event
                && (*label == "SELECT 1" || label.starts_with("Rust step"))
            {
                let mut other = db.connect();
                let error = other
                    .runner(&all)
                    .lock_timeout(Duration::ZERO)
                    .up(&Target::Latest)
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Locked, "{sql}: {error}");
                locked_out += 1;
            }
        })
        .up(&Target::Latest);
    result.unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert_eq!(locked_out, ways.len(), "{sql}");
    assert_eq!(db.tables(), tables, "{sql}");
    let applied: Vec<String> = all
        .iter()
        .map(|migration| format!("{}:applied", migration.version()))
        .collect();
    assert_eq!(db.states(), applied, "{sql}");
    assert_eq!(db.claims(), 0, "{sql}");
    assert_eq!(connection.texts(settings), before, "{sql}");
    db.rollback(&all, &Rollback::All).unwrap();
}
