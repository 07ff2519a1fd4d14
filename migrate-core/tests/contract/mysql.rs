//! Features of MySQL and MariaDB only: DDL with an implicit commit, and sessions that select a database, lock tables
//! and activate roles.

use std::time::Duration;

use migrate_core::{Dialect, ErrorKind, Event, Migration, Rollback, Schema, Target};

use crate::sessions::{EVERY_WAY, Way, does_no_harm};
use crate::support::{AnyConnection, Database, generated, migration, table, text, untransactional};

macro_rules! settings {
    () => {
        "SELECT concat_ws(' ', database(), current_role(), @@sql_mode, @@autocommit, @@foreign_key_checks, @@unique_checks, \
         @@time_zone, @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@character_set_client, @@character_set_connection, \
         @@collation_connection"
    };
}

on_mysql! {
    session_changes_of_a_step_do_no_harm
    history_is_written_after_a_step_deactivates_a_role
    lock_errors_are_recognized_in_any_language
    tables_that_fresh_cannot_drop_are_in_no_history
    a_foreign_key_and_its_index_are_added_together
    defaults_are_set_for_every_type
    statements_end_where_the_server_ends_them
    a_claim_that_appears_before_the_lock_is_recovered
}

/// A query for the settings of a session. Only MariaDB shows an open transaction to every user.
fn settings(db: &Database) -> &'static str {
    match db.dialect() {
        Dialect::MariaDb => concat!(settings!(), ", @@in_transaction) AS text"),
        _ => concat!(settings!(), ") AS text"),
    }
}

fn session_changes_of_a_step_do_no_harm(db: &Database) {
    let other = db.another();
    let uses: &'static str = Box::leak(format!("USE {}", other.name()).into_boxed_str());
    for sql in [
        uses,
        "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
        "SET foreign_key_checks = 0, unique_checks = 0",
        "SET time_zone = '+09:00'",
        "SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1",
        "SET NAMES latin1",
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "LOCK TABLES t1 WRITE",
        "SET ROLE NONE",
        "DO RELEASE_ALL_LOCKS()",
        "DO GET_LOCK('another', 0)",
    ] {
        does_no_harm(db, sql, &EVERY_WAY, settings(db));
    }
    does_no_harm(db, "START TRANSACTION", &[Way::Rust], settings(db));
    // Outside a transaction, a Rust step must not leave a transaction open.
    let but_from_rust = [Way::Sql, Way::Rust, Way::SqlOutsideTransaction];
    does_no_harm(db, "SET autocommit = 0", &but_from_rust, settings(db));
    assert_eq!(other.whole_picture(), [""; 0]);
}

/// A user with privileges through a role only. Dropping it drops the user and the role.
struct WithRole<'a>(&'a Database);

impl WithRole<'_> {
    fn new(db: &Database) -> WithRole<'_> {
        let (role, user) = (db.name(), format!("{}_user", db.name()));
        db.execute(&format!("CREATE ROLE {role}"));
        let made = WithRole(db);
        db.execute(&format!("GRANT ALL ON {role}.* TO {role}"));
        db.execute(&format!("CREATE USER {user}@'%'"));
        db.execute(&format!("GRANT {role} TO {user}@'%'"));
        let to = if db.dialect() == Dialect::MariaDb { "FOR" } else { "TO" };
        db.execute(&format!("SET DEFAULT ROLE {role} {to} {user}@'%'"));
        made
    }

    fn connect(&self) -> AnyConnection {
        let (url, name) = (self.0.url(), self.0.name());
        let (_, place) = url.split_once('@').unwrap();
        AnyConnection::open(&format!("mysql://{name}_user@{place}"))
    }
}

impl Drop for WithRole<'_> {
    fn drop(&mut self) {
        let name = self.0.name();
        self.0.execute(&format!("DROP USER IF EXISTS {name}_user@'%'"));
        self.0.execute(&format!("DROP ROLE {name}"));
    }
}

fn history_is_written_after_a_step_deactivates_a_role(db: &Database) {
    let user = WithRole::new(db);
    let mut connection = user.connect();
    let before = connection.texts(settings(db));
    let all = [
        table(1),
        deactivates_role(10),
        generated(11),
        deactivates_role_outside(20),
        generated(21),
    ];
    connection.runner(&all).up(&Target::Latest).unwrap();
    assert_eq!(connection.texts(settings(db)), before);
    assert_eq!(db.tables(), ["t1", "t11", "t21"]);
    assert_eq!(db.claims(), 0);
}

fn deactivates_role(version: u64) -> Migration {
    migration(version, |schema| schema.execute("SET ROLE NONE").up_only())
}

fn deactivates_role_outside(version: u64) -> Migration {
    untransactional(version, |schema| {
        schema.execute("SET ROLE NONE").up_only();
        schema.execute("SELECT 1").up_only();
    })
}

/// Errors are recognized in any language of the server's messages.
fn lock_errors_are_recognized_in_any_language(db: &Database) {
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
    assert!(error.contains("blocked by connection "), "{error}");
    drop(runner);
    assert_eq!(connection.texts("SELECT @@lc_messages AS text"), ["de_DE"]);
}

fn tables_that_fresh_cannot_drop_are_in_no_history(db: &Database) {
    let all = [table(1), table(2)];
    db.up(&all).unwrap();
    let mut reader = AnyConnection::open(&db.url());
    reader.execute("START TRANSACTION");
    reader.texts("SELECT count(*) AS text FROM t2");
    let mut connection = AnyConnection::open(&db.url());
    let mut runner = connection.runner(&all).lock_timeout(Duration::from_secs(1));
    assert_eq!(runner.fresh().unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(db.tables(), ["t2"]);
    assert_eq!(
        db.number("SELECT count(*) AS number FROM information_schema.tables WHERE table_schema = database()"),
        1
    );
    reader.execute("COMMIT");
    db.with(&all, |runner| runner.fresh()).unwrap();
    assert_eq!(db.tables(), ["t1", "t2"]);
}

/// Applies the change, compares the schema, rolls it back, and compares again.
fn check_up_and_down(db: &Database, up: impl Fn(&mut Schema) + Send + Sync + 'static) {
    let all = [
        migration(1, |schema| {
            schema.create_table("things", |t| {
                t.id();
                t.text("words").nullable();
                t.json("facts").nullable();
                t.timestamp("seen").nullable();
            });
        }),
        migration(2, up),
    ];
    db.up(&all).unwrap();
    assert_eq!(db.differences(&all), [""; 0]);
    db.rollback(&all, &Rollback::Last(1)).unwrap();
    assert_eq!(db.differences(&all), [""; 0]);
}

fn a_foreign_key_and_its_index_are_added_together(db: &Database) {
    check_up_and_down(db, |schema| {
        schema.alter_table("things", |t| {
            t.big_int("parent_id").nullable().references("things", "id");
            t.unique(["parent_id"]);
        });
    });
}

fn defaults_are_set_for_every_type(db: &Database) {
    check_up_and_down(db, |schema| {
        schema.alter_table("things", |t| {
            t.set_default("words", "none");
            t.set_default("facts", "{}");
            t.set_default_sql("seen", "CURRENT_TIMESTAMP(6)");
            t.text("more").fill("filled").default("none");
        });
    });
}

fn statements_end_where_the_server_ends_them(db: &Database) {
    db.execute("CREATE TABLE kept (a text)");
    db.execute("CREATE TABLE other (a int)");
    let rows = || db.number("SELECT count(*) AS number FROM kept");
    for sql in [
        "INSERT INTO kept VALUES (1--1); INSERT INTO kept VALUES (2)",
        "INSERT INTO kept VALUES (1) # it's\n; INSERT INTO kept VALUES (2)",
        "INSERT INTO kept VALUES (1) -- it's\n; INSERT INTO kept VALUES (2)",
        "INSERT INTO kept VALUES ('\\\\'); INSERT INTO kept VALUES ('\\'')",
        "INSERT INTO kept VALUES (1) /* /* */; INSERT INTO kept VALUES (2)",
        "CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW SET NEW.a = 1; INSERT INTO kept VALUES (1), (2)",
        "CREATE TABLE event (a int); INSERT INTO kept VALUES (1), (2)",
    ] {
        let error = db.up(&[migration(1, move |schema| schema.execute(sql).up_only())]);
        let error = error.unwrap_err();
        assert!(text(&error).contains("[M0416]"), "{sql}: {}", text(&error));
        assert_eq!(rows(), 0, "{sql}");
        // The server runs both.
        db.execute(sql);
        assert_eq!(rows(), 2, "{sql}");
        db.execute("DELETE FROM kept");
    }
    let one = [
        "INSERT INTO kept VALUES ('it\\'s; fine')",
        "INSERT INTO kept VALUES (\"it\\\"s; fine\")",
        "INSERT INTO kept VALUES (1) # note; more\n",
        "INSERT INTO kept VALUES (1--1)",
        "INSERT INTO kept VALUES (1) --",
        "/*!50000 INSERT INTO kept VALUES (1) */",
        "INSERT INTO kept VALUES (_utf8mb4'it\\'s; fine')",
        "INSERT INTO kept VALUES (N'it\\'s; fine')",
        "INSERT INTO kept SELECT o.x'a\\';b' FROM (SELECT 1 AS x) o",
    ];
    let migrations: Vec<Migration> = (1..)
        .zip(one)
        .map(|(version, sql)| migration(version, move |schema| schema.execute(sql).up_only()))
        .collect();
    db.up(&migrations).unwrap();
    assert_eq!(rows(), 9);
}

/// Another run claims a migration and is gone, after this run has read history and before it gets the lock.
fn a_claim_that_appears_before_the_lock_is_recovered(db: &Database) {
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema.execute("CREATE TABLE made (id INTEGER)").undo("DROP TABLE made");
            schema.execute("INSERT INTO gate VALUES (1)").up_only();
        }),
    ];
    db.up(&all[..1]).unwrap();
    let lock = format!(
        "concat('migrate:', left(sha2('`{}`.`__migrations`', 256), 40))",
        db.name()
    );
    let mut gone = db.connect();
    // Twice, because the other run releases it once.
    for _ in 0..2 {
        assert_eq!(gone.number(&format!("SELECT get_lock({lock}, 0) AS number")), 1);
    }
    let mut connection = db.connect();
    let mut is_first = true;
    let mut runner = connection.runner(&all).observe(|event| {
        if let Event::Waiting { .. } = event
            && std::mem::take(&mut is_first)
        {
            gone.runner(&all).up(&Target::Latest).unwrap_err();
            gone.execute("UPDATE __migrations SET claim = 'gone' WHERE version = 2; CREATE TABLE gate (id INTEGER)");
            assert_eq!(gone.number(&format!("SELECT release_lock({lock}) AS number")), 1);
        }
    });
    runner.up(&Target::Latest).unwrap();
    drop(runner);
    assert_eq!(db.states(), ["1:applied", "2:applied"]);
    assert_eq!(db.number("SELECT count(*) FROM gate"), 1);
}
