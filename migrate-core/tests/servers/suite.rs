//! What holds on every server.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_query;
use migrate_core::prelude::*;
use migrate_core::{ErrorKind, MigrationRef, Rollback, State, Target, Version, expression};

use crate::support::{Database, Server, migration, table, untransactional};

on_every_server! {
    migrations_go_up_and_down_and_up_again_with_their_rows
    what_the_migrations_say_is_what_is_there
    looking_writes_nothing
    a_failing_step_leaves_the_ones_before_it_and_history_says_so
    a_rust_step_that_fails_leaves_no_rows
    a_run_that_is_cut_off_is_taken_over
    what_nothing_can_tell_is_left_to_a_person
    another_run_that_does_not_end_is_named
    fresh_leaves_nothing_of_before
    a_table_that_somebody_holds_is_waited_for_without_holding_up_others
    a_lock_is_known_for_one_in_any_language
    the_connection_is_given_back_as_it_was
}

pub(crate) fn everything(server: Server) -> [Migration; 3] {
    [
        migration(1, move |schema| {
            if server.is_postgres() {
                schema.create_enum("mood", ["sad", "glad"]);
            }
            schema.create_table("users", |t| {
                t.id();
                t.varchar("email", 200).unique();
                t.text("name").nullable();
                t.numeric("balance", 10, 2).default(0);
                if server.is_postgres() {
                    t.enum_of("feels", "mood").default("glad");
                }
                t.timestamptz("seen").default_now();
                t.check("users_email", "email LIKE '%@%'");
                t.comment("people");
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
        migration(2, move |schema| {
            schema.alter_table("users", |t| t.varchar("handle", 100).nullable());
            schema.run((fill_handles, fill_handles_of_mysql)).up_only();
            schema.alter_table("users", |t| t.set_not_null("handle"));
            if server.is_postgres() {
                schema.create_index("users", [expression("lower(handle)")]).unique();
            } else {
                schema.create_index("users", ["handle"]).unique();
            }
            schema.create_view("handles", "SELECT handle FROM users");
        }),
        migration(3, |schema| {
            schema.rename_table("posts", "articles");
            // From here on the table is not known, and on PostgreSQL its key has to follow its name all the same.
            schema
                .execute("ALTER TABLE articles ADD COLUMN kind integer")
                .undo("ALTER TABLE articles DROP COLUMN kind");
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

fn fill_handles_of_mysql(conn: &mut MysqlConnection) -> QueryResult<()> {
    conn.transaction(|conn| {
        sql_query("UPDATE users SET handle = substring_index(email, '@', 1)").execute(conn)?;
        Ok(())
    })
}

fn migrations_go_up_and_down_and_up_again_with_their_rows(db: &Database) {
    let all = everything(db.server);
    db.up(&all[..1]).unwrap();
    db.execute("INSERT INTO users (email) VALUES ('ada@example.org')");
    db.execute("INSERT INTO posts (user_id, title) VALUES (1, 'Hello')");
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
    assert_eq!(db.tables(), [""; 0]);
}

fn what_the_migrations_say_is_what_is_there(db: &Database) {
    let all = everything(db.server);
    for count in 1..=all.len() {
        db.up(&all[..count]).unwrap();
        assert_eq!(db.with(&all[..count], |runner| runner.differences()).unwrap(), [""; 0]);
    }
    db.execute("ALTER TABLE users ADD COLUMN stray integer");
    let differences = db.with(&all, |runner| runner.differences()).unwrap();
    assert_eq!(differences, ["table `users`: it has the column stray integer"]);
}

fn looking_writes_nothing(db: &Database) {
    let all = everything(db.server);
    let planned = db.with(&all, |runner| runner.plan(&Target::Latest)).unwrap();
    assert_eq!(planned.migrations().len(), 3);
    assert!(!db.with(&all, |runner| runner.is_current()).unwrap());
    assert_eq!(
        db.number("SELECT count(*) FROM information_schema.tables WHERE table_name = '__migrations' AND table_schema = 'public'"),
        0
    );
    assert_eq!(db.tables(), [""; 0]);
}

fn a_failing_step_leaves_the_ones_before_it_and_history_says_so(db: &Database) {
    let with_second = |sql: &'static str| {
        let second = migration(2, move |schema| {
            schema.create_table("half", |t| t.id());
            schema.execute(sql).up_only();
        });
        [table(1), second, table(3)]
    };
    let error = db.up(&with_second("INSERT INTO nowhere VALUES (1)")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed);
    assert_eq!(error.failed_statement(), Some("INSERT INTO nowhere VALUES (1)"));
    let said: Vec<&str> = [error.message()]
        .into_iter()
        .chain(error.database_state())
        .chain(error.next_steps().iter().map(String::as_str))
        .collect();
    if db.server.is_postgres() {
        let expected = [
            "applying 2 m2 (src/migrations.rs:1) failed at step 2 of 2",
            "nothing of it stays: its transaction was rolled back, and the database is as it was before; 1 migration before it \
             stays applied (batch 1)",
            "mend the step, then `migrate up`",
        ];
        assert_eq!(said, expected);
        assert_eq!(db.applied(), "1:applied:1");
        assert_eq!(db.tables(), ["t1"]);
    } else {
        assert_eq!(said.len(), 4, "{error}");
        assert!(
            said[1].starts_with("the steps before it are committed, as M"),
            "{error}"
        );
        assert!(said[2].ends_with("then goes on with step 2"), "{error}");
        assert_eq!(db.applied(), "1:applied:1 2:applying:1");
        assert_eq!(db.tables(), ["half", "t1"]);
    }
    db.up(&with_second("INSERT INTO half VALUES (1)")).unwrap();
    assert_eq!(db.tables(), ["half", "t1", "t3"]);
    assert_eq!(db.number("SELECT count(*) FROM half"), 1);
}

fn a_rust_step_that_fails_leaves_no_rows(db: &Database) {
    fn of_postgres(conn: &mut PgConnection) -> QueryResult<()> {
        sql_query("INSERT INTO t1 VALUES (1)").execute(conn)?;
        Err(diesel::result::Error::NotFound)
    }
    fn of_mysql(conn: &mut MysqlConnection) -> QueryResult<()> {
        sql_query("INSERT INTO t1 VALUES (1)").execute(conn)?;
        Err(diesel::result::Error::NotFound)
    }
    let fails = migration(2, |schema| schema.run((of_postgres, of_mysql)).up_only());
    db.up(&[table(1), fails]).unwrap_err();
    assert_eq!(db.number("SELECT count(*) FROM t1"), 0);
}

/// What a run leaves that was killed outside a transaction, right before the second step or right after it.
fn a_run_that_is_cut_off_is_taken_over(db: &Database) {
    let both = untransactional(2, |schema| {
        schema.create_table("first", |t| t.id());
        schema.create_table("second", |t| t.id());
    });
    let expected = {
        let all = [table(1), both];
        db.up(&all).unwrap();
        let fingerprint = db.text("SELECT fingerprint FROM __migrations WHERE version = 2");
        db.rollback(&all, &Rollback::Steps(1)).unwrap();
        fingerprint
    };
    for has_happened in [false, true] {
        let stops = untransactional(2, |schema| {
            schema.create_table("first", |t| t.id());
            schema.execute("SELECT * FROM nowhere").up_only();
        });
        db.up(&[table(1), stops]).unwrap_err();
        // As the runner writes it down before the second step: a digest of what is there, which is nothing.
        let digest = match db.server.is_postgres() {
            true => db.text("SELECT md5('')"),
            false => db.text("SELECT md5(char(0))"),
        };
        db.execute(&format!(
            "UPDATE __migrations SET claim = 'gone', doubt = '{digest}\n{expected}\nsecond' WHERE version = 2"
        ));
        if has_happened {
            db.execute("CREATE TABLE second (id bigint)");
        }
        db.up(&[table(1), both]).unwrap();
        assert_eq!(db.tables(), ["first", "second", "t1"]);
        assert_eq!(
            db.text("SELECT fingerprint FROM __migrations WHERE version = 2"),
            expected
        );
        assert_eq!(
            db.number("SELECT count(*) FROM __migrations WHERE claim IS NOT NULL OR doubt IS NOT NULL"),
            0
        );
        db.rollback(&[table(1), both], &Rollback::Steps(1)).unwrap();
    }
}

fn what_nothing_can_tell_is_left_to_a_person(db: &Database) {
    let all = [
        table(1),
        untransactional(2, |schema| {
            schema.create_table("first", |t| t.id());
            schema.execute("INSERT INTO first VALUES (1)").up_only();
        }),
    ];
    let stops = untransactional(2, |schema| {
        schema.create_table("first", |t| t.id());
        schema.execute("SELECT * FROM nowhere").up_only();
    });
    db.up(&[table(1), stops]).unwrap_err();
    db.execute("UPDATE __migrations SET claim = 'gone', doubt = 'unknown' WHERE version = 2");
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(
        error
            .to_string()
            .contains("`migrate repair 2 --done 2` says that it has"),
        "{error}"
    );
    let id = MigrationRef::from(Version::new(2).unwrap());
    db.with(&all, |runner| runner.repair(&id, 1)).unwrap();
    db.up(&all).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM first"), 1);
}

fn another_run_that_does_not_end_is_named(db: &Database) {
    db.up(&[table(1)]).unwrap();
    let _other = db.at_work();
    let who = match db.server.is_postgres() {
        true => "another run is at work (pid ",
        false => "another run is at work (connection ",
    };
    let mut connection = db.connect();
    let mut runner = connection
        .runner(&[table(1), table(2)])
        .lock_timeout(Duration::from_millis(200));
    let error = runner.up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(error.to_string().contains(who), "{error}");
    // What is written into history by hand waits for the same lock.
    let error = runner
        .accept(&MigrationRef::from(Version::new(1).unwrap()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
}

fn fresh_leaves_nothing_of_before(db: &Database) {
    db.execute("CREATE TABLE a (id int PRIMARY KEY)");
    db.execute("CREATE TABLE b (id int PRIMARY KEY REFERENCES a (id))");
    db.execute("CREATE VIEW v AS SELECT * FROM a");
    let all = everything(db.server);
    db.with(&all, |runner| runner.fresh()).unwrap();
    db.with(&all, |runner| runner.fresh()).unwrap();
    assert_eq!(db.tables(), ["articles", "handles", "users"]);
    assert_eq!(db.applied(), "1:applied:1 2:applied:1 3:applied:1");
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
    let waiting = if db.server.is_postgres() {
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
        assert_eq!(db.number("SELECT count(*) FROM t1"), 0);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        holder.execute("COMMIT");
        up.join().unwrap().unwrap();
    });
    assert_eq!(db.applied(), "1:applied:1 2:applied:2");

    holder.execute(hold);
    let mut connection = db.connect();
    let mut runner = connection.runner(&all).lock_timeout(Duration::from_millis(300));
    let error = runner.rollback(&Rollback::Steps(1)).unwrap_err().to_string();
    let (cause, who) = if db.server.is_postgres() {
        ("canceling statement due to lock timeout", "in the way: pid ")
    } else {
        ("Lock wait timeout exceeded", "in the way: connection ")
    };
    assert!(error.contains(cause), "{error}");
    assert!(error.contains("look for who holds the lock"), "{error}");
    assert!(error.contains(who), "{error}");
    holder.execute("COMMIT");
    db.rollback(&all, &Rollback::Steps(1)).unwrap();
    assert_eq!(db.applied(), "1:applied:1");
}

fn the_connection_is_given_back_as_it_was(db: &Database) {
    let settings = if db.server.is_postgres() {
        "SELECT concat_ws(' ', current_setting('search_path'), current_setting('role'), current_setting('lock_timeout'), \
         (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())) AS text"
    } else {
        "SELECT concat_ws(' ', @@sql_mode, @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@foreign_key_checks, \
         @@time_zone, database()) AS text"
    };
    let mut connection = db.connect();
    let before = connection.texts(settings);
    let all = [
        table(1),
        untransactional(2, |schema| schema.create_table("t2", |t| t.id())),
        table(3),
    ];
    connection.runner(&all).up(&Target::Latest).unwrap();
    assert_eq!(connection.texts(settings), before);
    let fails = migration(4, |schema| schema.execute("SELECT * FROM nowhere").up_only());
    let all = [all[0], all[1], all[2], fails];
    connection.runner(&all).up(&Target::Latest).unwrap_err();
    assert_eq!(connection.texts(settings), before);
}

/// What went wrong is known by the server's words, whatever language it speaks.
fn a_lock_is_known_for_one_in_any_language(db: &Database) {
    if db.server.is_postgres() {
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
