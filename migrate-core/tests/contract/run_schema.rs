//! The schema of a run: history and tables are in one schema, whatever else the search path leads to.

use migrate_core::{Error, Migration, Rollback, Runner, Target};

use crate::support::{AnyConnection, Database, generated};

#[cfg(feature = "postgres")]
on_postgres! {
    the_first_schema_of_the_path_has_its_own_history
    a_rollback_touches_only_its_own_schema
    a_schema_of_the_user_that_appears_later_is_another_schema
    a_temporary_history_table_is_not_history
    a_path_without_a_schema_is_refused
    tenants_of_one_database_have_their_own_history
}

#[cfg(feature = "mysql")]
on_mysql! {
    a_url_without_a_database_is_refused
}

fn both() -> [Migration; 2] {
    [generated(1), generated(2)]
}

/// Connects with a search path.
#[cfg(feature = "postgres")]
fn with_path(db: &Database, path: &str) -> AnyConnection {
    let mut connection = db.connect();
    connection.execute(&format!("SET search_path = {path}"));
    connection
}

#[cfg(feature = "postgres")]
fn tables_of(db: &Database, schema: &str) -> Vec<String> {
    db.texts(&format!(
        "SELECT relname::text AS text FROM pg_class WHERE relkind = 'r' AND relnamespace = '{schema}'::regnamespace \
         ORDER BY relname"
    ))
}

/// What each reading command says.
fn every_answer(runner: &mut Runner<'_>) -> [Result<String, Error>; 4] {
    let states = |states: Vec<migrate_core::history::MigrationStatus>| {
        let states = states.iter().map(|entry| format!("{} {}", entry.id(), entry.state));
        states.collect::<Vec<_>>().join(", ")
    };
    [
        runner.status().map(states),
        runner.is_current().map(|is_current| is_current.to_string()),
        runner
            .plan(&Target::Latest)
            .map(|plan| plan.migrations().len().to_string()),
        runner
            .plan_rollback(&Rollback::All)
            .map(|plan| plan.migrations().len().to_string()),
    ]
}

#[cfg(feature = "postgres")]
fn the_first_schema_of_the_path_has_its_own_history(db: &Database) {
    db.up(&both()).unwrap();
    db.execute("CREATE SCHEMA tenant1");
    let mut connection = with_path(db, "tenant1, public");
    let answers = every_answer(&mut connection.runner(&both())).map(Result::unwrap);
    assert_eq!(answers, ["1 pending, 2 pending", "false", "2", "0"]);
    connection.runner(&both()).up(&Target::Latest).unwrap();
    assert_eq!(tables_of(db, "tenant1"), ["__migrations", "t1", "t2"]);
    assert_eq!(tables_of(db, "public"), ["__migrations", "t1", "t2"]);
    let answers = every_answer(&mut connection.runner(&both())).map(Result::unwrap);
    assert_eq!(answers, ["1 applied, 2 applied", "true", "0", "2"]);
    let path = connection.texts("SELECT current_setting('search_path') AS text");
    assert_eq!(path, ["tenant1, public"]);
}

#[cfg(feature = "postgres")]
fn a_rollback_touches_only_its_own_schema(db: &Database) {
    db.up(&both()).unwrap();
    // Tables without history.
    db.execute("CREATE SCHEMA tenant1; CREATE TABLE tenant1.t1 (id bigint); CREATE TABLE tenant1.t2 (id bigint)");
    let mut connection = with_path(db, "tenant1, public");
    let before = db.whole_picture();
    for rollback in [Rollback::LastBatch, Rollback::Last(1), Rollback::All] {
        // There is nothing to roll back here, as an answer or as an error.
        drop(connection.runner(&both()).rollback(&rollback));
    }
    drop(connection.runner(&both()).redo(1));
    assert_eq!(db.whole_picture(), before);
    assert_eq!(tables_of(db, "tenant1"), ["t1", "t2"]);
}

#[cfg(feature = "postgres")]
fn a_schema_of_the_user_that_appears_later_is_another_schema(db: &Database) {
    let path = "\"$user\", public";
    with_path(db, path).runner(&[generated(1)]).up(&Target::Latest).unwrap();
    db.execute("CREATE SCHEMA AUTHORIZATION CURRENT_USER");
    let mut connection = with_path(db, path);
    let answers = every_answer(&mut connection.runner(&both())).map(Result::unwrap);
    assert_eq!(answers[0], "1 pending, 2 pending");
    connection.runner(&both()).up(&Target::Latest).unwrap();
    assert_eq!(tables_of(db, "public"), ["__migrations", "t1"]);
    assert_eq!(
        db.number("SELECT count(*) FROM pg_tables WHERE schemaname = current_user"),
        3
    );
}

#[cfg(feature = "postgres")]
fn a_temporary_history_table_is_not_history(db: &Database) {
    db.up(&[generated(1)]).unwrap();
    let mut connection = db.connect();
    connection.execute("CREATE TEMPORARY TABLE __migrations AS SELECT * FROM public.__migrations LIMIT 0");
    let answers = every_answer(&mut connection.runner(&both())).map(Result::unwrap);
    assert_eq!(answers, ["1 applied, 2 pending", "false", "1", "1"]);
    connection.runner(&both()).up(&Target::Latest).unwrap();
    assert_eq!(connection.number("SELECT count(*) FROM pg_temp.__migrations"), 0);
    assert_eq!(db.batches(), ["1:1", "2:2"]);
}

#[cfg(feature = "postgres")]
fn a_path_without_a_schema_is_refused(db: &Database) {
    db.up(&both()).unwrap();
    let before = db.whole_picture();
    for path in ["nowhere", "''", "nowhere, \"$user\""] {
        let mut connection = with_path(db, path);
        for answer in every_answer(&mut connection.runner(&both())) {
            let error = answer.unwrap_err().to_string();
            assert!(error.contains("no schema of the search path exists"), "{error}");
        }
        connection.runner(&both()).up(&Target::Latest).unwrap_err();
        connection.runner(&both()).rollback(&Rollback::All).unwrap_err();
        connection.runner(&both()).redo(1).unwrap_err();
        connection.runner(&both()).fresh().unwrap_err();
    }
    assert_eq!(db.whole_picture(), before);
}

/// One hundred schemas and four workers. Two workers have one program of N migrations, two one of N + 1.
#[cfg(feature = "postgres")]
fn tenants_of_one_database_have_their_own_history(db: &Database) {
    let schemas = |numbers: std::ops::Range<usize>| numbers.map(|number| format!("tenant{number}"));
    db.execute("CREATE TABLE plans (id bigint PRIMARY KEY)");
    db.execute(
        &schemas(0..100)
            .map(|schema| format!("CREATE SCHEMA {schema};"))
            .collect::<String>(),
    );
    let program = |last: u64| -> Vec<Migration> { (1..=last).map(generated).collect() };
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                for schema in schemas(worker * 25..(worker + 1) * 25) {
                    let mut connection = with_path(db, &format!("{schema}, public"));
                    let all = program(2 + worker as u64 % 2);
                    connection.runner(&all).on_existing(false).up(&Target::Latest).unwrap();
                }
            });
        }
    });
    for (number, schema) in schemas(0..100).enumerate() {
        let expected: &[&str] = match number / 25 % 2 {
            0 => &["__migrations", "t1", "t2"],
            _ => &["__migrations", "t1", "t2", "t3"],
        };
        assert_eq!(tables_of(db, &schema), expected, "{schema}");
    }
    assert_eq!(tables_of(db, "public"), ["plans"]);
}

#[cfg(feature = "mysql")]
fn a_url_without_a_database_is_refused(db: &Database) {
    let url = db.url();
    let server = url.rsplit_once('/').unwrap().0;
    let mut connection = AnyConnection::open(server);
    for answer in every_answer(&mut connection.runner(&both())) {
        let error = answer.unwrap_err().to_string();
        assert!(error.contains("no database is selected"), "{error}");
    }
    connection.runner(&both()).up(&Target::Latest).unwrap_err();
    connection.runner(&both()).rollback(&Rollback::All).unwrap_err();
    connection.runner(&both()).redo(1).unwrap_err();
    connection.runner(&both()).fresh().unwrap_err();
    assert_eq!(db.tables(), [""; 0]);
}
