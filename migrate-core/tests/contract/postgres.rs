//! Features of PostgreSQL only: transactional DDL, roles, search paths, concurrent indexes.

use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_query;
use migrate_core::{ErrorKind, Event, Migration, Rollback, Target};

use crate::builder::everything;
use crate::sessions::{EVERY_WAY, Way, does_no_harm};
use crate::support::{AnyConnection, Database, generated, migration, table, text, untransactional};

on_postgres! {
    session_changes_of_a_step_do_no_harm
    a_function_that_changes_a_setting_does_no_harm
    a_step_that_ends_the_transaction_is_reported
    a_step_that_ignores_an_sql_error_fails
    a_schema_name_that_needs_quotes_is_supported
    backslashes_are_kept_in_any_string_mode
    history_writes_use_the_lock_timeout_of_steps
    missing_history_privileges_are_a_clear_error
    fresh_drops_schema_objects_and_unused_extensions
    fresh_reports_that_other_schemas_are_kept
    fresh_empties_only_the_schema_of_the_run
    non_transactional_steps_run_outside_a_transaction
    an_invalid_index_is_rebuilt
    invalid_indexes_are_dropped_for_any_notation
    leftovers_of_a_reindex_are_dropped_first
    an_index_that_another_session_builds_is_kept
    a_transaction_that_blocks_an_index_build_is_named
    waiting_outside_a_transaction_does_not_block_others
    statements_end_where_the_server_ends_them
    a_change_between_two_messages_is_noticed
    a_change_of_an_older_transaction_is_noticed
    a_change_during_a_message_is_noticed_by_the_next
}

fn session_changes_of_a_step_do_no_harm(db: &Database) {
    let settings = "SELECT concat_ws(' ', current_setting('role'), session_user, (SELECT string_agg(name || ' = ' || setting, \
                    ', ' ORDER BY name) FROM pg_settings)) AS text";
    let all = settings.replace("pg_settings)", "pg_settings), current_setting('app.tenant')");
    let in_every_way = [
        "SET search_path = other",
        "SET ROLE pg_monitor",
        "SET SESSION AUTHORIZATION pg_monitor",
        "SET lock_timeout = '1ms'",
        "SET default_transaction_read_only = on",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET client_min_messages = error",
        "SET session_replication_role = replica",
        "SET standard_conforming_strings = off",
        "SET TIME ZONE 'Asia/Tokyo'",
        "SELECT pg_advisory_unlock_all()",
        "SELECT pg_advisory_lock(1)",
    ];
    db.execute("CREATE SCHEMA other");
    for sql in in_every_way {
        does_no_harm(db, sql, &EVERY_WAY, &all);
    }
    // `RESET ALL` also resets custom settings, whose former values are unknown.
    does_no_harm(db, "RESET ALL", &EVERY_WAY, settings);
    let outside = [Way::SqlOutsideTransaction, Way::RustOutsideTransaction];
    does_no_harm(db, "DISCARD ALL", &outside, settings);
    // A Rust step must not leave a transaction open.
    does_no_harm(db, "BEGIN", &[Way::Sql], &all);
    let elsewhere = "SELECT count(*) FROM pg_class WHERE relnamespace = 'other'::regnamespace";
    assert_eq!(db.number(elsewhere), 0);
}

/// Raw SQL whose functions and triggers change settings travels in one message like other raw SQL.
fn a_function_that_changes_a_setting_does_no_harm(db: &Database) {
    db.execute("CREATE SCHEMA other");
    db.execute(
        "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM set_config('search_path', 'other', false); PERFORM set_config('work_mem', '1MB', false); \
         RETURN NEW; END $$",
    );
    let all = [
        migration(1, |schema| {
            schema.execute("CREATE TABLE noted (id bigint)").up_only();
            schema
                .execute("CREATE TRIGGER leaves AFTER INSERT ON noted EXECUTE FUNCTION leave()")
                .up_only();
        }),
        migration(2, |schema| {
            schema.execute("INSERT INTO noted VALUES (1)").up_only();
        }),
        table(3),
        migration(4, |schema| {
            schema
                .execute("DO $$ BEGIN PERFORM set_config('search_path', 'other', false); END $$")
                .up_only();
        }),
        generated(5),
        generated(6),
    ];
    let mut connection = db.connect();
    let work_mem = "SELECT current_setting('work_mem') || current_setting('search_path') AS text";
    let before = connection.texts(work_mem);
    connection.runner(&all).up(&Target::Latest).unwrap();
    assert_eq!(connection.texts(work_mem), before);
    assert_eq!(db.tables(), ["noted", "t3", "t5", "t6"]);
    assert_eq!(db.states().len(), 6);
}

fn a_step_that_ends_the_transaction_is_reported(db: &Database) {
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
        assert_eq!(db.states()[0], "1:applied", "{sql}");
        // The error describes the earlier steps correctly.
        let reports_committed = !error.to_string().contains("were rolled back");
        let is_there = db.tables().contains(&"half".to_owned());
        assert_eq!(reports_committed, is_there, "{sql}: {error}");
        assert_eq!(is_there, sql != "ROLLBACK", "{sql}: {error}");
        db.execute("DROP TABLE IF EXISTS half; DELETE FROM __migrations WHERE version = 2");
    }
}

fn a_step_that_ignores_an_sql_error_fails(db: &Database) {
    fn goes_on(conn: &mut PgConnection) -> QueryResult<()> {
        let _ = sql_query("INSERT INTO nowhere VALUES (1)").execute(conn);
        Ok(())
    }
    let all = [table(1), migration(2, |schema| schema.run(goes_on).up_only())];
    let error = db.up(&all).unwrap_err().to_string();
    assert!(
        error.contains("a statement of the step failed, but the step continued"),
        "{error}"
    );
    assert_eq!(db.batches(), ["1:1"]);
}

fn a_schema_name_that_needs_quotes_is_supported(db: &Database) {
    db.execute(&format!(
        "CREATE SCHEMA \"Ten\"\"ant-1\"; ALTER DATABASE {} SET search_path TO \"Ten\"\"ant-1\"",
        db.name()
    ));
    let mut all = everything(db.engine).to_vec();
    all.push(untransactional(4, |schema| {
        schema.create_index("users", ["name"]).concurrently();
    }));
    db.up(&all).unwrap();
    assert_eq!(db.differences(&all), [""; 0]);
    db.with(&all, |runner| runner.plan_rollback(&Rollback::All)).unwrap();
    db.with(&all, |runner| runner.fresh()).unwrap();
    db.rollback(&all, &Rollback::All).unwrap();
    assert_eq!(db.batches(), [""; 0]);
}

fn backslashes_are_kept_in_any_string_mode(db: &Database) {
    db.execute(&format!(
        "ALTER DATABASE {} SET standard_conforming_strings = off",
        db.name()
    ));
    let all = [migration(1, |schema| {
        schema.create_enum("slash", ["\\", "'\\n"]);
        schema.create_table("files", |t| {
            t.id();
            t.text("path").default("C:\\new\\table");
            t.binary("bytes").default(&[0_u8, 255][..]);
            t.enum_type("slash", "slash").default("'\\n");
            t.comment("\\t");
        });
        // Raw SQL keeps the meaning that the session's settings give it.
        schema
            .execute("INSERT INTO files (id, path) VALUES (1, DEFAULT), (2, '\\x41')")
            .up_only();
    })];
    db.up(&all).unwrap();
    let stored = "SELECT concat_ws(' ', path, encode(bytes, 'hex'), slash, obj_description('files'::regclass)) AS text \
                  FROM files ORDER BY id";
    assert_eq!(db.texts(stored), ["C:\\new\\table 00ff '\\n \\t", "A 00ff '\\n \\t"]);
}

fn history_writes_use_the_lock_timeout_of_steps(db: &Database) {
    db.up(&[table(1)]).unwrap();
    db.execute(
        "CREATE TABLE waits (wait text); CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN INSERT INTO waits VALUES (current_setting(''lock_timeout'')); RETURN new; END'; \
         CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON __migrations FOR EACH ROW EXECUTE FUNCTION keep()",
    );
    db.up(&[table(1), table(2), table(3)]).unwrap();
    assert_eq!(db.texts("SELECT DISTINCT wait AS text FROM waits"), ["2s"]);
}

fn missing_history_privileges_are_a_clear_error(db: &Database) {
    db.up(&[table(1)]).unwrap();
    let mut connection = db.connect();
    connection.execute("SET ROLE pg_monitor");
    let error = connection.runner(&[table(1)]).status().unwrap_err().to_string();
    assert!(error.contains("permission denied for table __migrations"), "{error}");
    assert!(error.contains("help: grant this user the permission"), "{error}");
    assert!(!error.contains("by hand"), "{error}");
}

fn fresh_drops_schema_objects_and_unused_extensions(db: &Database) {
    db.execute(
        "CREATE TABLE a (id int PRIMARY KEY, kind int); CREATE VIEW v AS SELECT * FROM a; CREATE TYPE e AS ENUM ('x'); \
         CREATE DOMAIN d AS text; CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE MATERIALIZED VIEW m AS SELECT * FROM v; CREATE TYPE pair AS (a int, b int); \
         CREATE SCHEMA tenant; CREATE EXTENSION citext; CREATE TABLE tenant.kept (name citext)",
    );
    let made = "CREATE COLLATION \"C l\" FROM \"C\"; CREATE EXTENSION cube; CREATE EXTENSION earthdistance; \
                CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple); \
                CREATE TEXT SEARCH CONFIGURATION texts (COPY = simple); CREATE TABLE places (at earth, name text COLLATE \"C l\")";
    let mut all = everything(db.engine).to_vec();
    all.push(migration(4, move |schema| schema.execute(made).up_only()));
    db.with(&all, |runner| runner.fresh()).unwrap();
    assert_eq!(
        db.number("SELECT count(*) FROM pg_type WHERE typname IN ('e', 'd', 'pair', 'a', 'v', 'm')"),
        0
    );
    db.with(&all, |runner| runner.fresh()).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1", "3:1", "4:1"]);
    assert_eq!(db.number("SELECT count(name) FROM tenant.kept"), 0);
}

fn fresh_reports_that_other_schemas_are_kept(db: &Database) {
    let all = [migration(1, |schema| schema.execute("CREATE SCHEMA tenant").up_only())];
    db.up(&all).unwrap();
    let stays = "schema public of the PostgreSQL database";
    assert!(db.with(&all, |runner| runner.fresh_scope()).contains(stays));
    let error = db.with(&all, |runner| runner.fresh()).unwrap_err().to_string();
    assert!(error.contains(stays), "{error}");
    assert!(
        error.contains("(other schemas are unchanged) was dropped before"),
        "{error}"
    );
}

fn fresh_empties_only_the_schema_of_the_run(db: &Database) {
    let all = [table(1)];
    db.up(&all).unwrap();
    db.execute("CREATE SCHEMA first; CREATE TABLE first.others (id int)");
    let before = db.whole_picture();
    let mut connection = db.connect();
    connection.execute("SET search_path = first, public");
    let mut runner = connection.runner(&all);
    assert!(runner.fresh_scope().starts_with("schema first of "));
    runner.fresh().unwrap();
    drop(runner);
    assert_eq!(
        connection.texts("SELECT tablename::text AS text FROM pg_tables WHERE schemaname = 'first' ORDER BY 1"),
        ["__migrations", "t1"]
    );
    assert_eq!(db.whole_picture(), before);
}

fn non_transactional_steps_run_outside_a_transaction(db: &Database) {
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
    assert_eq!(db.batches(), ["1:1", "2:1"]);
    db.rollback(&all, &Rollback::Last(1)).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 't1_again'"), 0);
}

fn an_invalid_index_is_rebuilt(db: &Database) {
    db.up(&[table(1)]).unwrap();
    db.execute("INSERT INTO t1 VALUES (1)");
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema
                .create_index("t1", ["id"])
                .unique()
                .concurrently()
                .name("one_each");
        }),
    ];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed, "{error}");
    assert_eq!(db.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 1);
    db.execute("DELETE FROM t1");
    db.up(&all).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    assert_eq!(db.batches(), ["1:1", "2:2"]);
}

fn invalid(db: &Database) -> Vec<String> {
    db.texts("SELECT indexrelid::regclass::text AS text FROM pg_index WHERE NOT indisvalid ORDER BY 1")
}

fn invalid_indexes_are_dropped_for_any_notation(db: &Database) {
    db.execute("CREATE SCHEMA tenant");
    let of_tenant = "CREATE TABLE tenant.\"Users\" (id int); INSERT INTO tenant.\"Users\" VALUES (1), (1)";
    let another = "CREATE TABLE other (id int); INSERT INTO other VALUES (1), (1)";
    db.execute(&format!("{of_tenant}; {another}"));
    let mut all = vec![table(1)];
    db.up(&all).unwrap();
    // Nothing else is dropped: valid indexes, other names, other tables.
    db.execute("INSERT INTO t1 VALUES (1); CREATE INDEX t1_valid ON t1 (id)");
    let mut by_hand = PgConnection::establish(&db.url()).unwrap();
    for sql in [
        "CREATE UNIQUE INDEX CONCURRENTLY t1_mine ON t1 (id)",
        "CREATE UNIQUE INDEX CONCURRENTLY ON other (id)",
    ] {
        sql_query(sql).execute(&mut by_hand).unwrap_err();
    }
    let left = ["other_id_idx", "t1_mine"];
    assert_eq!(invalid(db), left);
    for (version, (table, index, sql)) in (2..).zip([
        ("t1", "i1", "-- why\nCREATE UNIQUE INDEX CONCURRENTLY i1 ON t1 (id)"),
        (
            "t1",
            "\"I2\"",
            "create\n unique INDEX concurrently IF NOT EXISTS \"I2\" ON t1 (id)",
        ),
        ("t1", "t1_id_idx", "CREATE UNIQUE INDEX CONCURRENTLY ON t1 (id)"),
        (
            "tenant.\"Users\"",
            "tenant.i4",
            "CREATE UNIQUE INDEX CONCURRENTLY i4 ON tenant.\"Users\" (id)",
        ),
    ]) {
        all.push(untransactional(version, move |schema| schema.execute(sql).up_only()));
        db.up(&all).unwrap_err();
        assert_eq!(invalid(db).len(), 3, "{sql}");
        db.execute(&format!("DELETE FROM {table}"));
        db.up(&all).unwrap();
        assert_eq!(invalid(db), left, "{sql}");
        let is_there = format!("SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('{index}')");
        assert_eq!(db.number(&is_there), 1, "{sql}");
        db.execute(&format!("DROP INDEX {index}; INSERT INTO {table} VALUES (1), (1)"));
    }
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 't1_valid'"), 1);
}

/// A transaction whose snapshot stays unchanged until it ends.
fn old_transaction(db: &Database) -> AnyConnection {
    let mut old = db.connect();
    old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    old
}

fn leftovers_of_a_reindex_are_dropped_first(db: &Database) {
    let all = |sql: &'static str| {
        [
            migration(1, |schema| {
                schema.create_table("users", |t| {
                    t.id();
                    t.text("name").unique();
                });
            }),
            untransactional(2, move |schema| schema.execute(sql).up_only()),
        ]
    };
    for sql in [
        "REINDEX TABLE CONCURRENTLY users",
        "REINDEX (CONCURRENTLY, VERBOSE) INDEX public.users_pkey",
    ] {
        let db = db.another();
        db.up(&all(sql)[..1]).unwrap();
        let mut old = old_transaction(&db);
        let mut connection = db.connect();
        let mut runner = connection.runner(&all(sql)).lock_timeout(Duration::from_millis(200));
        runner.up(&Target::Latest).unwrap_err();
        assert!(invalid(&db).concat().contains("_ccnew"), "{sql}");
        old.execute("COMMIT");
        db.up(&all(sql)).unwrap();
        assert_eq!(invalid(&db), [""; 0], "{sql}");
        let copies = "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_cc%'";
        assert_eq!(db.number(copies), 0, "{sql}");
    }
}

fn an_index_that_another_session_builds_is_kept(db: &Database) {
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema.execute("CREATE INDEX CONCURRENTLY ON t1 (id)").up_only();
        }),
    ];
    db.up(&all[..1]).unwrap();
    let mut old = old_transaction(db);
    thread::scope(|scope| {
        let builds = scope.spawn(|| db.execute("CREATE INDEX CONCURRENTLY t1_id_idx ON t1 (id)"));
        while invalid(db).is_empty() && !builds.is_finished() {
            thread::yield_now();
        }
        let up = scope.spawn(|| db.up(&all));
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't1'::regclass";
        while db.number(waiting) == 0 && !up.is_finished() {
            thread::yield_now();
        }
        old.execute("COMMIT");
        builds.join().unwrap();
        up.join().unwrap().unwrap();
    });
    assert_eq!(
        db.texts("SELECT relname::text AS text FROM pg_class WHERE relname LIKE 't1_id_idx%' ORDER BY 1"),
        ["t1_id_idx", "t1_id_idx1"]
    );
    assert_eq!(invalid(db), [""; 0]);
}

fn a_transaction_that_blocks_an_index_build_is_named(db: &Database) {
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema.declare(|schema| schema.create_table("t1", |t| t.integer("id").nullable()));
            schema.create_index("t1", ["id"]).concurrently();
        }),
    ];
    db.up(&all[..1]).unwrap();
    let mut old = old_transaction(db);
    let mut told = Vec::new();
    let mut connection = db.connect();
    let mut runner = connection
        .runner(&all)
        .lock_timeout(Duration::from_millis(200))
        .observe(|event| {
            if let Event::Waiting { reason } = event {
                told.push((*reason).to_owned());
            }
        });
    let error = runner.up(&Target::Latest).unwrap_err().to_string();
    drop(runner);
    assert!(error.contains("canceling statement due to lock timeout"), "{error}");
    assert!(error.contains("blocked by pid "), "{error}");
    assert!(told.concat().contains("waits for open transactions"), "{told:?}");
    old.execute("COMMIT");
    db.up(&all).unwrap();
    assert_eq!(invalid(db), [""; 0]);
    assert_eq!(db.batches(), ["1:1", "2:2"]);
}

fn waiting_outside_a_transaction_does_not_block_others(db: &Database) {
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
    assert!(error.contains("blocked by pid "), "{error}");
    holder.execute("COMMIT");
    db.up(&all).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:2"]);
}

fn statements_end_where_the_server_ends_them(db: &Database) {
    db.execute("CREATE TABLE kept (a text)");
    let rows = || db.number("SELECT count(*) AS number FROM kept");
    for sql in [
        "INSERT INTO kept VALUES (1); INSERT INTO kept VALUES ('$')",
        "INSERT INTO kept VALUES ('\\'); INSERT INTO kept VALUES ('it''s')",
        "INSERT INTO kept VALUES (1) -- it's\r; INSERT INTO kept VALUES (2)",
        "INSERT INTO kept VALUES (5 # 3); INSERT INTO kept VALUES (2)",
        "INSERT INTO kept VALUES ($a$ $$ $a$); INSERT INTO kept VALUES ($$ $a$ $$)",
        "INSERT INTO kept SELECT 1 AS atomic; INSERT INTO kept VALUES (2)",
        "INSERT INTO kept SELECT a$b$ FROM (SELECT 1 AS a$b$) c; INSERT INTO kept SELECT a$b$ FROM (SELECT 1 AS a$b$) c",
    ] {
        let error = db.up(&[untransactional(1, move |schema| schema.execute(sql).up_only())]);
        let error = error.unwrap_err();
        assert!(text(&error).contains("[M0416]"), "{sql}: {}", text(&error));
        assert_eq!(rows(), 0, "{sql}");
        // The server runs both.
        db.execute(sql);
        assert_eq!(rows(), 2, "{sql}");
        db.execute("DELETE FROM kept");
    }
    let one = [
        "INSERT INTO kept VALUES (E'it\\'s; fine')",
        "INSERT INTO kept VALUES (E'a' -- it's\n 'it\\'s; fine')",
        "INSERT INTO kept VALUES ('C:\\'); -- done;",
        "INSERT INTO kept VALUES ($a$it's; $$ fine$a$)",
        "INSERT INTO kept VALUES (1) /* a /* b; */ c; */",
        "INSERT INTO kept VALUES (U&'\\0061;')",
        "DO $$ BEGIN INSERT INTO kept VALUES (1); END $$",
        "CREATE RULE r AS ON DELETE TO kept DO ALSO (SELECT 1; SELECT 2)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
    ];
    let migrations: Vec<Migration> = (1..)
        .zip(one)
        .map(|(version, sql)| untransactional(version, move |schema| schema.execute(sql).up_only()))
        .collect();
    db.up(&migrations).unwrap();
    assert_eq!(rows(), 7);
}

/// Applies more migrations than one message holds. After the first message, `other` undoes the last migration of it.
fn undone_by(db: &Database, other: &mut AnyConnection) {
    let all: Vec<Migration> = (1..=40).map(generated).collect();
    let mut connection = db.connect();
    let mut finished = 0;
    let mut runner = connection.runner(&all).observe(|event| {
        if let Event::Finished(_) = event {
            finished += 1;
            if finished == 32 {
                other.execute("DELETE FROM __migrations WHERE version = 32; DROP TABLE t32; COMMIT");
            }
        }
    });
    runner.up(&Target::Latest).unwrap();
    drop(runner);
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE state = 'applied'"),
        40
    );
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 't32'"), 1);
}

fn a_change_between_two_messages_is_noticed(db: &Database) {
    let mut other = db.connect();
    undone_by(db, &mut other);
}

fn a_change_of_an_older_transaction_is_noticed(db: &Database) {
    let mut other = db.connect();
    other.execute("BEGIN; SELECT pg_current_xact_id()");
    undone_by(db, &mut other);
}

fn a_change_during_a_message_is_noticed_by_the_next(db: &Database) {
    db.execute("CREATE TABLE gate (id bigint PRIMARY KEY)");
    let raw = |version, sql: &'static str| migration(version, move |schema| schema.execute(sql).up_only());
    let all = [
        generated(1),
        raw(2, "INSERT INTO gate VALUES (1) ON CONFLICT DO NOTHING"),
        raw(3, "INSERT INTO gate VALUES (3)"),
    ];
    db.up(&all[..1]).unwrap();
    let mut other = db.connect();
    other.execute("BEGIN; INSERT INTO gate VALUES (1); DELETE FROM __migrations; DROP TABLE t1");
    thread::scope(|scope| {
        let run = scope.spawn(|| db.up(&all));
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while db.number(waiting) == 0 {}
        other.execute("COMMIT");
        run.join().unwrap().unwrap();
    });
    // The run looks again, and applies the first migration once more.
    assert_eq!(
        db.texts("SELECT version::text AS text FROM __migrations ORDER BY version"),
        ["1", "2", "3"]
    );
    assert_eq!(db.number("SELECT count(*) FROM pg_class WHERE relname = 't1'"), 1);
}
