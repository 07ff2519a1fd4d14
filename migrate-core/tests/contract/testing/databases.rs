//! Test databases on servers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use migrate_core::prelude::*;
use migrate_core::testing::{ServerConnection, TestDatabase, TestResult, TestServer};
use migrate_core::{Rollback, Target};

on_every_test_server! {
    a_database_moves_to_any_migration
    databases_are_independent_and_take_more_connections
    a_database_is_dropped_despite_panics_and_connections
    a_migrated_copy_equals_a_migrated_database
}

/// The queries of these tests.
trait Ask: ServerConnection {
    fn number(&mut self, query: &str) -> i64;
}

#[derive(QueryableByName)]
pub(crate) struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Ask for PgConnection {
    fn number(&mut self, query: &str) -> i64 {
        let query = format!("SELECT ({query})::bigint AS number");
        sql_query(query).get_result::<Number>(self).unwrap().number
    }
}

impl Ask for MysqlConnection {
    fn number(&mut self, query: &str) -> i64 {
        let query = format!("SELECT cast(({query}) AS SIGNED) AS number");
        sql_query(query).get_result::<Number>(self).unwrap().number
    }
}

#[derive(Migration)]
#[migration(version = 10, unlisted)]
struct CreateUsers;

impl Migrate for CreateUsers {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("name", 100);
        });
    }
}

#[derive(Migration)]
#[migration(version = 20, unlisted)]
struct LowerNames;

impl Migrate for LowerNames {
    fn up(&self, schema: &mut Schema) {
        schema.execute("UPDATE users SET name = lower(name)").up_only();
    }
}

const ALL: [Migration; 2] = [Migration::of::<CreateUsers>(), Migration::of::<LowerNames>()];

fn a_database_moves_to_any_migration<C: Ask>(server: TestServer<C>) -> TestResult {
    let mut db = server.database_of(ALL)?;
    db.before::<LowerNames>()?;
    db.conn().batch_execute("INSERT INTO users (name) VALUES ('Ada')")?;
    db.apply::<LowerNames>()?;
    assert_eq!(db.conn().number("SELECT count(*) FROM users WHERE name = 'ada'"), 1);
    db.undo_version("10")?;
    db.up(&Target::Next(1))?;
    db.rollback(&Rollback::All)?;
    assert!(!db.runner().is_current()?);
    Ok(())
}

fn databases_are_independent_and_take_more_connections<C: Ask>(server: TestServer<C>) -> TestResult {
    let mut one = server.migrated_of(ALL)?;
    let mut other = server.migrated_of(ALL)?;
    one.connect()?
        .batch_execute("INSERT INTO users (name) VALUES ('Ada')")?;
    C::establish(one.url())?.batch_execute("INSERT INTO users (name) VALUES ('Bo')")?;
    assert_eq!(one.conn().number("SELECT count(*) FROM users"), 2);
    assert_eq!(other.conn().number("SELECT count(*) FROM users"), 0);
    Ok(())
}

fn a_database_is_dropped_despite_panics_and_connections<C: Ask>(server: TestServer<C>) -> TestResult {
    let db = server.migrated_of(ALL)?;
    let url = db.url().to_owned();
    let mut in_a_transaction = db.connect()?;
    in_a_transaction.batch_execute("BEGIN; SELECT count(*) FROM users; INSERT INTO users (name) VALUES ('Ada')")?;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut db = db;
        assert_eq!(db.conn().number("SELECT 1"), 2, "a test fails");
    }));
    assert!(outcome.is_err());
    assert!(C::establish(&url).is_err());
    Ok(())
}

fn a_migrated_copy_equals_a_migrated_database<C: Ask>(server: TestServer<C>) -> TestResult {
    let (mut first, mut second) = (server.migrated_of(ALL)?, server.migrated_of(ALL)?);
    for db in [&mut first, &mut second] {
        assert!(db.runner().is_current()?);
        assert_eq!(db.runner().differences()?, [""; 0]);
        db.conn().batch_execute("INSERT INTO users (name) VALUES ('Ada')")?;
        db.rollback(&Rollback::All)?;
        db.up(&Target::Latest)?;
    }
    Ok(())
}

#[derive(Migration)]
#[migration(version = 30, unlisted)]
struct LeaveAMark;

static RUNS: AtomicUsize = AtomicUsize::new(0);

impl Migrate for LeaveAMark {
    fn up(&self, schema: &mut Schema) {
        schema.run(leave_a_mark).up_only();
    }
}

fn leave_a_mark(conn: &mut PgConnection) -> QueryResult<()> {
    RUNS.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    // A comment belongs to the database itself, so a copy of the database lacks it.
    conn.batch_execute(&format!(
        "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''migrated by {process}''', current_database()); END $$"
    ))
}

#[test]
fn coexisting_databases_share_a_template_that_is_dropped() -> TestResult {
    let Some(server) = TestServer::<PgConnection>::from_env()? else {
        return Ok(());
    };
    let migrations = [Migration::of::<CreateUsers>(), Migration::of::<LeaveAMark>()];
    let mut outside = server.database_of(ALL)?;
    let query = format!(
        "SELECT count(*) FROM pg_shdescription WHERE description = 'migrated by {}'",
        std::process::id()
    );
    let mut marked = || outside.conn().number(&query);

    let first = server.migrated_of(migrations)?;
    assert_eq!(
        (RUNS.load(Ordering::Relaxed), marked()),
        (1, 1),
        "the only one is not copied"
    );
    let more = [(); 4].map(|()| server.migrated_of(migrations).unwrap());
    assert_eq!(
        (RUNS.load(Ordering::Relaxed), marked()),
        (2, 2),
        "the others are copies of one"
    );
    drop(first);
    let mut one_more = server.migrated_of(migrations)?;
    assert!(one_more.runner().is_current()?);
    assert_eq!(RUNS.load(Ordering::Relaxed), 2);

    drop((more, one_more));
    assert_eq!(marked(), 0, "what was copied is dropped with the last copy");
    drop(server.migrated_of(migrations)?);
    assert_eq!(RUNS.load(Ordering::Relaxed), 3);
    Ok(())
}

#[test]
fn an_unconfigured_server_is_reported_on_stderr() {
    for (test, said) in [
        (
            "testing::databases::a_database_moves_to_any_migration::postgres",
            "NOT TESTED on PostgreSQL: MIGRATE_TEST_POSTGRES is not set to the URL of a server, such as postgres://postgres@127.0.0.1\n",
        ),
        (
            "testing::databases::a_database_moves_to_any_migration::mysql",
            "NOT TESTED on MySQL or MariaDB: MIGRATE_TEST_MYSQL is not set to the URL of a server, such as mysql://root@127.0.0.1\n",
        ),
    ] {
        // A passing test, whose output the harness hides.
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env_remove("MIGRATE_TEST_POSTGRES")
            .env("MIGRATE_TEST_MYSQL", "")
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && out.contains("1 passed"), "{out}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), said);
    }
}

#[test]
fn invalid_servers_are_reported_without_the_password() {
    let said = [
        TestServer::<PgConnection>::at("mysql://me:secret@host").unwrap_err(),
        TestServer::<PgConnection>::at("postgres://me:sec/ret@host").unwrap_err(),
        TestServer::<MysqlConnection>::at("me:secret@host").unwrap_err(),
        creation_error_at("postgres://me:secret@127.0.0.1:1/app?connect_timeout=2"),
    ];
    let said: Vec<String> = said.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n\n"), @r#"
    [M0830] the test server is not a valid PostgreSQL URL: it has the scheme of another database
      help: use a URL such as `postgres://postgres@127.0.0.1`

    [M0830] the test server is not a valid PostgreSQL URL: its password contains reserved characters
      help: write `@`, `:`, `/`, `?`, `#` and spaces in the password as %40, %3A, %2F, %3F, %23 and %20

    [M0830] the test server is not a valid MySQL or MariaDB URL: it has no scheme
      help: use a URL such as `mysql://root@127.0.0.1`

    [M0831] a test database cannot be created on postgres://127.0.0.1:1
      cause: connection to server at "127.0.0.1", port 1 failed: Connection refused
        	Is the server running on that host and accepting TCP/IP connections?
      help: check that PostgreSQL is running there, and check the user and the password
      help: grant the user the right to create databases: `ALTER ROLE .. CREATEDB`
    "#);
}

fn creation_error_at(url: &str) -> migrate_core::Error {
    let server = TestServer::<PgConnection>::at(url).unwrap();
    let made: Result<TestDatabase<PgConnection>, _> = server.database_of(ALL);
    made.unwrap_err()
}
