//! What only PostgreSQL has: transactions that hold changes of the schema, roles, search paths, concurrent indexes, poolers.

use std::time::Duration;

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_query;
use migrate_core::{ErrorKind, Rollback, Target};

use crate::processes;
use crate::suite::everything;
use crate::support::{AnyConnection, Database, Server, migration, table, untransactional};

#[test]
fn what_a_step_sets_of_the_connection_does_not_outlive_its_migration() {
    let Some(db) = Database::new(Server::Postgres) else {
        return;
    };
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
    let Some(db) = Database::new(Server::Postgres) else {
        return;
    };
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
fn a_step_that_goes_on_after_an_error_is_not_taken_for_done() {
    fn goes_on(conn: &mut PgConnection) -> QueryResult<()> {
        let _ = sql_query("INSERT INTO nowhere VALUES (1)").execute(conn);
        Ok(())
    }
    let Some(db) = Database::new(Server::Postgres) else {
        return;
    };
    let all = [table(1), migration(2, |schema| schema.run(goes_on).up_only())];
    let error = db.up(&all).unwrap_err().to_string();
    assert!(
        error.contains("a statement in it failed, and the step went on"),
        "{error}"
    );
    assert_eq!(db.applied(), "1:applied:1");
}

#[test]
fn fresh_drops_what_is_there_and_nothing_of_extensions() {
    let Some(db) = Database::new(Server::Postgres) else {
        return;
    };
    db.execute(
        "CREATE TABLE a (id int PRIMARY KEY, kind int); CREATE VIEW v AS SELECT * FROM a; CREATE TYPE e AS ENUM ('x'); \
         CREATE DOMAIN d AS text; CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE MATERIALIZED VIEW m AS SELECT * FROM v; CREATE TYPE pair AS (a int, b int)",
    );
    db.with(&everything(db.server), |runner| runner.fresh()).unwrap();
    assert_eq!(
        db.text("SELECT string_agg(typname, ',') FROM pg_type WHERE typname IN ('e', 'd', 'pair', 'a', 'v', 'm')"),
        ""
    );
    assert_eq!(db.applied(), "1:applied:1 2:applied:1 3:applied:1");
}

#[test]
fn what_no_transaction_can_hold_runs_outside_one() {
    let Some(db) = Database::new(Server::Postgres) else {
        return;
    };
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
fn an_index_that_was_left_invalid_is_built_anew() {
    let Some(db) = Database::new(Server::Postgres) else {
        return;
    };
    db.up(&[table(1)]).unwrap();
    db.execute("INSERT INTO t1 VALUES (1); ALTER TABLE t1 DROP CONSTRAINT t1_pkey; INSERT INTO t1 VALUES (1)");
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema
                .create_index("t1", ["id"])
                .unique()
                .concurrently()
                .named("one_each");
        }),
    ];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed, "{error}");
    assert_eq!(db.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 1);
    db.execute("DELETE FROM t1");
    db.up(&all).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    assert_eq!(db.applied(), "1:applied:1 2:applied:2");
}

#[test]
fn outside_a_transaction_a_lock_is_waited_for_without_holding_up_others_as_well() {
    let Some(db) = Database::new(Server::Postgres) else {
        return;
    };
    let all = [
        table(1),
        untransactional(2, |schema| schema.alter_table("t1", |t| t.text("name").nullable())),
    ];
    db.up(&all[..1]).unwrap();
    let mut holder = db.connect();
    holder.execute("BEGIN; SELECT * FROM t1");
    let mut connection = db.connect();
    let mut runner = connection.runner(&all).lock_timeout(Duration::from_millis(300));
    let error = runner.up(&Target::Latest).unwrap_err().to_string();
    assert!(error.contains("canceling statement due to lock timeout"), "{error}");
    assert!(error.contains("in the way: pid "), "{error}");
    holder.execute("COMMIT");
    db.up(&all).unwrap();
    assert_eq!(db.applied(), "1:applied:1 2:applied:2");
}

/// What `MIGRATE_TEST_PGBOUNCER` names stands in front of the server of `MIGRATE_TEST_POSTGRES`, in transaction mode.
fn behind_a_pooler() -> Option<(Database, String)> {
    let db = Database::new(Server::Postgres)?;
    let Ok(pooler) = std::env::var("MIGRATE_TEST_PGBOUNCER") else {
        eprintln!(
            "NOT TESTED behind a pooler: MIGRATE_TEST_PGBOUNCER names none, such as postgres://postgres@127.0.0.1:6432"
        );
        return None;
    };
    let url = format!("{pooler}/{}", db.name());
    Some((db, url))
}

#[test]
fn behind_a_pooler_processes_at_once_apply_each_migration_once() {
    if let Some((db, url)) = behind_a_pooler() {
        processes::apply_at_once(&db, &url);
    }
}

#[test]
fn behind_a_pooler_some_apply_and_some_roll_back() {
    if let Some((db, url)) = behind_a_pooler() {
        processes::apply_and_roll_back(&db, &url);
    }
}

#[test]
fn behind_a_pooler_what_needs_a_session_of_its_own_is_refused() {
    let Some((db, url)) = behind_a_pooler() else { return };
    let all = [
        table(1),
        untransactional(2, |schema| schema.execute("VACUUM t1").up_only()),
    ];
    let mut connection = AnyConnection::open(Server::Postgres, &url);
    connection.runner(&all[..1]).up(&Target::Latest).unwrap();
    // What another process leaves in a session of the server tells that it is shared.
    connection.execute("SELECT set_config('migrate.used_by', 'another process', false)");
    let error = connection.runner(&all).up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting, "{error}");
    assert!(
        error.to_string().contains("a pooler shares the sessions out"),
        "{error}"
    );
    assert_eq!(db.applied(), "1:applied:1");
    db.up(&all).unwrap();
}
