//! The database of another program is refused and stays as it was: on the first run by its objects, later by its history.

use migrate_core::error::Code;
use migrate_core::{Error, Migration, Rollback, Runner, Target};

use crate::support::{Database, generated, in_group, in_package, migration, reference, table};

on_every_database! {
    a_database_of_others_is_refused_and_stays_as_it_was
    the_history_of_another_tool_is_named
    a_view_alone_is_refused
    declared_objects_are_expected_if_nothing_runs_before
    ignored_objects_are_left_out_of_account
    on_existing_lets_the_first_run_continue
    later_runs_are_not_checked
    an_empty_history_table_is_a_first_run
    fresh_empties_the_database_of_others
    a_program_of_the_same_package_continues_after_another_was_first
    the_history_of_another_package_is_refused
    another_program_in_a_group_of_its_own_does_no_harm
    a_renamed_package_runs_and_accept_settles_it
    two_programs_at_once_do_not_mix
    runs_of_one_program_at_once_are_not_refused
}

#[cfg(feature = "postgres")]
on_postgres! {
    foreign_tables_are_refused
    objects_of_extensions_are_left_out_of_account
    tables_of_other_schemas_are_left_out_of_account
}

fn guarded<T>(db: &Database, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>) -> T) -> T {
    let mut connection = db.connect();
    work(&mut connection.runner(migrations).on_existing(false))
}

fn up(db: &Database, migrations: &[Migration]) -> Result<(), Error> {
    guarded(db, migrations, |runner| runner.up(&Target::Latest)).map(drop)
}

fn is_refused(result: &Result<(), Error>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.code() == Code::DATABASE_NOT_EMPTY)
}

/// Users of an application, in a database without history.
fn with_users(db: &Database) {
    db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20)); INSERT INTO users VALUES (1, 'ann')");
}

fn a_database_of_others_is_refused_and_stays_as_it_was(db: &Database) {
    with_users(db);
    for number in 1..=7 {
        db.execute(&format!("CREATE TABLE more{number} (id INTEGER PRIMARY KEY)"));
    }
    let (before, bytes) = (db.whole_picture(), db.bytes());
    // The first step would lose rows.
    let all = [migration(1, |schema| {
        schema.execute("DROP TABLE IF EXISTS users").up_only();
    })];
    let error = up(db, &all).unwrap_err();
    assert_eq!(error.code(), Code::DATABASE_NOT_EMPTY);
    // The headline names the server.
    let text = db.said(&error);
    assert_same_text!(text.split_once('\n').unwrap().1);
    let planned = guarded(db, &all, |runner| runner.plan(&Target::Latest)).map(drop);
    assert!(is_refused(&planned));
    for target in [Target::Next(1), Target::To("1".parse().unwrap())] {
        let result = guarded(db, &all, |runner| runner.up(&target)).map(drop);
        assert!(is_refused(&result), "{target:?}");
    }
    let mut connection = db.connect();
    let mut single = connection.runner(&all).on_existing(false).single_transaction(true);
    assert!(is_refused(&single.up(&Target::Latest).map(drop)));
    drop(single);
    assert!(!guarded(db, &all, |runner| runner.is_current()).unwrap());
    assert_eq!(guarded(db, &all, |runner| runner.status()).unwrap().len(), 1);
    assert_eq!((db.whole_picture(), db.bytes()), (before, bytes));
}

fn the_history_of_another_tool_is_named(db: &Database) {
    for (tool, table, columns) in [
        (
            "Diesel",
            "__diesel_schema_migrations",
            "version VARCHAR(50) PRIMARY KEY",
        ),
        ("sqlx", "_sqlx_migrations", "version BIGINT PRIMARY KEY"),
        ("refinery", "refinery_schema_history", "version INTEGER PRIMARY KEY"),
        ("SeaORM", "seaql_migrations", "version VARCHAR(50) PRIMARY KEY"),
        (
            "golang-migrate",
            "schema_migrations",
            "version BIGINT PRIMARY KEY, dirty BOOLEAN",
        ),
        (
            "Rails or dbmate",
            "schema_migrations",
            "version VARCHAR(50) PRIMARY KEY",
        ),
        ("Flyway", "flyway_schema_history", "installed_rank INTEGER PRIMARY KEY"),
        ("Liquibase", "DATABASECHANGELOG", "ID VARCHAR(50) PRIMARY KEY"),
        ("Alembic", "alembic_version", "version_num VARCHAR(32) PRIMARY KEY"),
        ("Knex", "knex_migrations", "id INTEGER PRIMARY KEY"),
        ("Django", "django_migrations", "id INTEGER PRIMARY KEY"),
    ] {
        let db = db.another();
        let first = columns.split(' ').next().unwrap();
        db.execute(&format!("CREATE TABLE {table} ({columns})"));
        db.execute(&format!("INSERT INTO {table} ({first}) VALUES ('1'), ('2')"));
        let error = up(&db, &[generated(1)]).unwrap_err();
        let text = error.to_string().to_lowercase();
        let expected = format!("the history of {tool}: `{table}`, 2 rows").to_lowercase();
        assert!(text.contains(&expected), "{text}");
        assert_eq!(db.tables().len(), 1);
    }
    let db = db.another();
    db.execute("CREATE TABLE schema_migrations (version VARCHAR(50) PRIMARY KEY)");
    db.execute("CREATE TABLE ar_internal_metadata (id INTEGER PRIMARY KEY)");
    let text = up(&db, &[generated(1)]).unwrap_err().to_string();
    assert!(
        text.contains("the history of Rails: `schema_migrations`, 0 rows"),
        "{text}"
    );
}

fn a_view_alone_is_refused(db: &Database) {
    db.execute("CREATE VIEW answer AS SELECT 42 AS number");
    let result = up(db, &[generated(1)]);
    assert!(is_refused(&result));
    assert!(result.unwrap_err().to_string().contains("1 view: `answer`"));
}

fn users() -> Migration {
    migration(1, |schema| {
        schema.declare(|schema| {
            schema.create_table("users", |t| {
                t.integer("id").primary_key();
                t.varchar("name", 20).nullable();
            });
        });
    })
}

fn declared_objects_are_expected_if_nothing_runs_before(db: &Database) {
    with_users(db);
    let late = [
        generated(1),
        migration(2, |schema| {
            schema.declare(|schema| {
                schema.create_table("users", |t| {
                    t.integer("id").primary_key();
                    t.varchar("name", 20).nullable();
                });
            });
        }),
    ];
    assert!(is_refused(&up(db, &late)));
    db.execute("CREATE TABLE others (id INTEGER PRIMARY KEY)");
    assert!(is_refused(&up(db, &[users(), generated(2)])));
    db.execute("DROP TABLE others");
    up(db, &[users(), generated(2)]).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:1"]);
}

fn ignored_objects_are_left_out_of_account(db: &Database) {
    db.execute("CREATE TABLE spatial_ref_sys (id INTEGER PRIMARY KEY)");
    db.execute("CREATE TABLE geometry (id INTEGER PRIMARY KEY)");
    db.execute("CREATE VIEW spatial_view AS SELECT 1 AS number");
    let run = |names: &'static [&'static str]| {
        let mut connection = db.connect();
        let mut runner = connection
            .runner(&[table(1)])
            .on_existing(false)
            .ignore(names.iter().copied());
        runner.up(&Target::Latest).map(drop)
    };
    assert!(is_refused(&run(&[])));
    assert!(is_refused(&run(&["spatial_*"])));
    run(&["geometry", "spatial_*"]).unwrap();
}

fn on_existing_lets_the_first_run_continue(db: &Database) {
    with_users(db);
    let mut connection = db.connect();
    connection
        .runner(&[generated(1)])
        .on_existing(true)
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(db.number("SELECT count(*) FROM users"), 1);
}

fn later_runs_are_not_checked(db: &Database) {
    up(db, &[generated(1)]).unwrap();
    with_users(db);
    up(db, &[generated(1), generated(2)]).unwrap();
    guarded(db, &[generated(1), generated(2)], |runner| {
        runner.rollback(&Rollback::Last(1))
    })
    .unwrap();
    guarded(db, &[generated(1), generated(2)], |runner| runner.redo(1)).unwrap();
}

fn an_empty_history_table_is_a_first_run(db: &Database) {
    up(db, &[generated(1)]).unwrap();
    guarded(db, &[generated(1)], |runner| runner.rollback(&Rollback::All)).unwrap();
    up(db, &[generated(1)]).unwrap();
    guarded(db, &[generated(1)], |runner| runner.rollback(&Rollback::All)).unwrap();
    with_users(db);
    assert!(is_refused(&up(db, &[generated(1)])));
}

fn fresh_empties_the_database_of_others(db: &Database) {
    with_users(db);
    guarded(db, &[generated(1)], |runner| runner.fresh()).unwrap();
    assert_eq!(db.tables(), ["t1"]);
}

fn a_program_of_the_same_package_continues_after_another_was_first(db: &Database) {
    let mut connection = db.connect();
    let mut has_begun = false;
    let mine = [generated(1), generated(2)];
    // Another program makes its tables after this one has looked, and before it holds the lock.
    let mut runner = connection.runner(&mine).on_existing(false).observe(|event| {
        if matches!(event, migrate_core::Event::Started { .. }) && !has_begun && db.engine.is_postgres() {
            has_begun = true;
            let mut other = db.connect();
            other.runner(&[table(7)]).up(&Target::Latest).unwrap();
        }
    });
    let result = runner.up(&Target::Latest);
    drop(runner);
    // History is not as it was, so the run looks again and continues as a later one.
    result.unwrap();
    assert_eq!(db.tables().len(), if db.engine.is_postgres() { 3 } else { 2 });
}

fn of_package(package: &'static str, version: u64) -> Migration {
    in_package(package, version, move |schema| {
        schema.create_table(format!("{package}{version}"), |t| t.id());
    })
}

fn the_history_of_another_package_is_refused(db: &Database) {
    up(db, &[of_package("shop", 1), of_package("shop", 2)]).unwrap();
    let (before, bytes) = (db.whole_picture(), db.bytes());
    let blog = [of_package("blog", 11), of_package("blog", 12)];
    let error = up(db, &blog).unwrap_err();
    assert_same_text!(db.said(&error));
    let results = guarded(db, &blog, |runner| {
        [
            runner.up(&Target::Next(1)).map(drop),
            runner.rollback(&Rollback::Last(1)).map(drop),
            runner.rollback(&Rollback::All).map(drop),
            runner.redo(1).map(drop),
            runner.plan(&Target::Latest).map(drop),
            runner.plan_rollback(&Rollback::LastBatch).map(drop),
            runner.status().map(drop),
            runner.is_current().map(drop),
        ]
    });
    for result in results {
        assert_eq!(result.unwrap_err().code(), Code::HISTORY_OF_OTHERS);
    }
    assert_eq!((db.whole_picture(), db.bytes()), (before, bytes));
    guarded(db, &blog, |_| ());
    db.connect()
        .runner(&blog)
        .allow_missing(true)
        .up(&Target::Latest)
        .unwrap();
    assert_eq!(db.tables(), ["blog11", "blog12", "shop1", "shop2"]);
}

fn another_program_in_a_group_of_its_own_does_no_harm(db: &Database) {
    up(db, &[of_package("shop", 1)]).unwrap();
    let jobs = [in_group("jobs", 1, |schema| {
        schema.create_table("jobs", |t| t.id());
    })];
    up(db, &jobs).unwrap();
    up(db, &[of_package("shop", 1), of_package("shop", 2)]).unwrap();
    guarded(db, &jobs, |runner| runner.rollback(&Rollback::All)).unwrap();
    assert_eq!(db.tables(), ["shop1", "shop2"]);
}

fn packages(db: &Database) -> Vec<String> {
    db.texts("SELECT concat(version, ':', package) AS text FROM __migrations ORDER BY seq")
}

fn a_renamed_package_runs_and_accept_settles_it(db: &Database) {
    let named = |package: &'static str, versions: std::ops::RangeInclusive<u64>| -> Vec<Migration> {
        let migration = |version| {
            in_package(package, version, move |schema| {
                schema.create_table(format!("t{version}"), |t| t.id());
            })
        };
        versions.map(migration).collect()
    };
    up(db, &named("shop", 1..=2)).unwrap();
    // One linked version is enough to know the program.
    up(db, &named("store", 1..=3)).unwrap();
    assert_eq!(packages(db), ["1:shop", "2:shop", "3:store"]);
    guarded(db, &named("store", 1..=3), |runner| runner.accept(&reference(1))).unwrap();
    assert_eq!(packages(db), ["1:store", "2:store", "3:store"]);
    let error = guarded(db, &named("store", 1..=3), |runner| runner.accept(&reference(1))).unwrap_err();
    assert_eq!(error.code(), Code::WRONG_STATE);
    // The versions of the old names are gone, but the package is known.
    up(db, &named("store", 11..=12)).unwrap_err();
}

fn two_programs_at_once_do_not_mix(db: &Database) {
    let mut connection = db.connect();
    let mut has_begun = false;
    let blog = [of_package("blog", 11), of_package("blog", 12)];
    let mut runner = connection.runner(&blog).on_existing(false).observe(|event| {
        // Before the first statement, where the lock allows it.
        if matches!(event, migrate_core::Event::Started { .. }) && !has_begun && db.engine.is_postgres() {
            has_begun = true;
            up(db, &[of_package("shop", 1)]).unwrap();
        }
    });
    let result = runner.up(&Target::Latest);
    drop(runner);
    match db.engine.is_postgres() {
        true => {
            assert_eq!(result.unwrap_err().code(), Code::HISTORY_OF_OTHERS);
            assert_eq!(db.tables(), ["shop1"]);
        }
        false => assert_eq!(db.tables(), ["blog11", "blog12"]),
    }
}

#[cfg(feature = "postgres")]
fn foreign_tables_are_refused(db: &Database) {
    db.execute(
        "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing; \
         CREATE FOREIGN TABLE theirs (id bigint) SERVER elsewhere",
    );
    let error = up(db, &[generated(1)]).unwrap_err();
    assert_eq!(error.code(), Code::DATABASE_NOT_EMPTY);
    assert!(error.to_string().contains("1 table: `theirs`"), "{error}");
}

#[cfg(feature = "postgres")]
fn objects_of_extensions_are_left_out_of_account(db: &Database) {
    db.execute(
        "CREATE TABLE spatial_ref_sys (srid integer); ALTER EXTENSION plpgsql ADD TABLE spatial_ref_sys; \
         CREATE VIEW geometry_columns AS SELECT 1 AS number; ALTER EXTENSION plpgsql ADD VIEW geometry_columns",
    );
    up(db, &[generated(1)]).unwrap();
}

#[cfg(feature = "postgres")]
fn tables_of_other_schemas_are_left_out_of_account(db: &Database) {
    db.execute("CREATE SCHEMA audit; CREATE TABLE audit.log (id bigint)");
    up(db, &[generated(1)]).unwrap();
}

fn runs_of_one_program_at_once_are_not_refused(db: &Database) {
    let all = [of_package("blog", 1), of_package("blog", 2)];
    let applied: usize = std::thread::scope(|scope| {
        let run = || {
            guarded(db, &all, |runner| runner.up(&Target::Latest))
                .unwrap()
                .executed
                .len()
        };
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(applied, 2);
}
