//! The session of a run on a server: its lock, the locks that it waits for, and what it leaves behind when it is cut off.

use std::thread;
use std::time::{Duration, Instant};

use migrate_core::{ErrorKind, Rollback, Target};

use crate::support::{AnyConnection, Database, migration, reference, table, untransactional};

on_every_server! {
    another_run_that_does_not_end_is_named
    a_table_that_somebody_holds_is_waited_for_without_holding_up_others
    a_run_that_is_cut_off_is_taken_over
    a_lock_is_known_for_one_in_any_language
}

/// A connection that holds what a run holds while it works.
pub(crate) fn at_work(db: &Database) -> AnyConnection {
    let mut other = db.connect();
    if db.engine.is_postgres() {
        let key = "hashtextextended(current_database() || '.\"public\".\"__migrations\"', 2026112301)";
        other.execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({key})"));
    } else {
        let table = format!("`{}`.`__migrations`", db.name());
        other.execute(&format!("SELECT get_lock(concat('migrate:', sha1('{table}')), 0)"));
    }
    other
}

fn another_run_that_does_not_end_is_named(db: &Database) {
    db.up(&[table(1)]).unwrap();
    let _other = at_work(db);
    let who = db.engine.pick(
        "",
        "another run is at work (pid ",
        "another run is at work (connection ",
    );
    let mut connection = db.connect();
    let mut runner = connection
        .runner(&[table(1), table(2)])
        .lock_timeout(Duration::from_millis(200));
    let error = runner.up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains(who), "{error}");
    // What is written into history by hand waits for the same lock.
    let error = runner.accept(&reference(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
}

fn a_table_that_somebody_holds_is_waited_for_without_holding_up_others(db: &Database) {
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
        // It queues behind the holder, gives way to who comes behind it, and queues again.
        while db.number(waiting) == 0 {
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
    let error = runner.rollback(&Rollback::Steps(1)).unwrap_err().to_string();
    let (cause, who) = if db.engine.is_postgres() {
        ("canceling statement due to lock timeout", "in the way: pid ")
    } else {
        ("Lock wait timeout exceeded", "in the way: connection ")
    };
    assert!(error.contains(cause), "{error}");
    assert!(error.contains("look for who holds the lock"), "{error}");
    assert!(error.contains(who), "{error}");
    holder.execute("COMMIT");
    db.rollback(&all, &Rollback::Steps(1)).unwrap();
    assert_eq!(db.batches(), ["1:1"]);
}

/// What a run leaves that was killed outside a transaction, right before the second step or right after it.
fn a_run_that_is_cut_off_is_taken_over(db: &Database) {
    let both = untransactional(2, |schema| {
        schema.create_table("first", |t| t.id());
        schema.create_table("second", |t| t.id());
    });
    let all = [table(1), both];
    db.up(&all).unwrap();
    let expected = fingerprint(db);
    db.rollback(&all, &Rollback::Steps(1)).unwrap();
    for has_happened in [false, true] {
        let stops = untransactional(2, |schema| {
            schema.create_table("first", |t| t.id());
            schema.execute("SELECT * FROM nowhere").up_only();
        });
        db.up(&[table(1), stops]).unwrap_err();
        // As the runner writes it down before the second step: a digest of what is there, which is nothing.
        let digest = db.texts(
            db.engine
                .pick("", "SELECT md5('') AS text", "SELECT md5(char(0)) AS text"),
        );
        let digest = digest.concat();
        db.execute(&format!(
            "UPDATE __migrations SET claim = 'gone', doubt = '{digest}\n{expected}\nsecond' WHERE version = 2"
        ));
        if has_happened {
            db.execute("CREATE TABLE second (id bigint)");
        }
        db.up(&[table(1), both]).unwrap();
        assert_eq!(db.tables(), ["first", "second", "t1"]);
        assert_eq!(fingerprint(db), expected);
        assert_eq!(db.claims(), 0);
        db.rollback(&[table(1), both], &Rollback::Steps(1)).unwrap();
    }
}

fn fingerprint(db: &Database) -> String {
    db.texts("SELECT fingerprint AS text FROM __migrations WHERE version = 2")
        .concat()
}

/// What went wrong is known by the server's words, whatever language it speaks.
fn a_lock_is_known_for_one_in_any_language(db: &Database) {
    if db.engine.is_postgres() {
        // Its language is the server's own, and not every user's to set.
        return;
    }
    let all = [
        table(1),
        migration(2, |schema| schema.alter_table("t1", |t| t.text("name").nullable())),
    ];
    db.up(&all[..1]).unwrap();
    let mut holder = db.connect();
    holder.execute("BEGIN; SELECT * FROM t1");
    let mut connection = db.connect();
    connection.execute("SET SESSION lc_messages = 'de_DE'");
    let mut runner = connection.runner(&all).lock_timeout(Duration::from_millis(300));
    let error = runner.up(&Target::Latest).unwrap_err().to_string();
    assert!(error.contains("in the way: connection "), "{error}");
    drop(runner);
    assert_eq!(connection.texts("SELECT @@lc_messages AS text"), ["de_DE"]);
}
