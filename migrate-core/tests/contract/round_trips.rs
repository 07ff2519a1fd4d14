//! The number of round trips of a run, counted by a proxy.

use migrate_core::Target;
#[cfg(feature = "postgres")]
use migrate_core::{Migration, Rollback};

use crate::proxy::Proxy;
#[cfg(feature = "postgres")]
use crate::support::migration;
use crate::support::{AnyConnection, Database, generated};

on_every_server! {
    a_run_with_nothing_to_do_costs_one_query
}

// The other databases checkpoint each statement separately.
#[cfg(feature = "postgres")]
on_postgres! {
    a_thousand_generated_migrations_are_pipelined
    a_migration_of_raw_sql_costs_five_round_trips
    a_failing_statement_of_raw_sql_is_named
}

fn a_run_with_nothing_to_do_costs_one_query(db: &Database) {
    let all = [generated(1), generated(2)];
    db.up(&all).unwrap();
    let proxy = Proxy::new(db);
    let mut connection = AnyConnection::open(&proxy.url(db));
    proxy.begin();
    assert!(connection.runner(&all).up(&Target::Latest).unwrap().is_empty());
    // On MySQL, Diesel prepares a query before running it.
    let expected = if db.engine.is_postgres() { 1 } else { 2 };
    assert_eq!(proxy.round_trips(), expected);
}

#[cfg(feature = "postgres")]
fn a_thousand_generated_migrations_are_pipelined(db: &Database) {
    let all: Vec<Migration> = (1..=1000).map(generated).collect();
    let proxy = Proxy::new(db);
    let mut connection = AnyConnection::open(&proxy.url(db));
    proxy.begin();
    let report = connection.runner(&all).up(&Target::Latest).unwrap();
    let there = proxy.round_trips();
    assert_eq!(report.executed.len(), 1000);
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE state = 'applied' AND claim IS NULL"),
        1000
    );
    // Each migration has its own transaction.
    let transactions = "SELECT count(DISTINCT xmin::text) FROM pg_class WHERE relname LIKE 't%' AND relkind = 'r' \
                        AND relnamespace = 'public'::regnamespace";
    assert_eq!(db.number(transactions), 1000);
    assert_eq!(db.number("SELECT count(DISTINCT batch) FROM __migrations"), 1);
    proxy.begin();
    connection.runner(&all).rollback(&Rollback::All).unwrap();
    let back = proxy.round_trips();
    assert_eq!(db.tables(), [""; 0]);
    eprintln!("1,000 migrations: {there} round trips, and {back} back");
    assert!(there <= 50 && back <= 50, "{there} and {back}");
}

/// A migration of closed raw statements: comments, quotes and bodies that hold semicolons included.
#[cfg(feature = "postgres")]
fn raw(version: u64, statements: usize) -> Migration {
    migration(version, move |schema| {
        schema
            .execute(format!("CREATE TABLE r{version} (id bigint, text text)"))
            .up_only();
        for number in 0..statements {
            schema
                .execute(format!("INSERT INTO r{version} VALUES ({number}, 'a;b') -- one; row"))
                .up_only();
        }
        schema
            .execute(format!(
                "DO $body$ BEGIN UPDATE r{version} SET text = E'it\\'s; done'; END $body$"
            ))
            .up_only();
    })
}

#[cfg(feature = "postgres")]
fn a_migration_of_raw_sql_costs_five_round_trips(db: &Database) {
    db.up(&[generated(1)]).unwrap();
    let proxy = Proxy::new(db);
    let mut connection = AnyConnection::open(&proxy.url(db));
    let of = |connection: &mut AnyConnection, all: &[Migration]| {
        proxy.begin();
        connection.runner(all).up(&Target::Latest).unwrap();
        proxy.round_trips()
    };
    let nothing = of(&mut connection, &[generated(1)]);
    let mut all = vec![generated(1), raw(2, 1)];
    let one = of(&mut connection, &all);
    all.push(raw(3, 200));
    let many = of(&mut connection, &all);
    assert_eq!(one, many);
    assert!(
        one - nothing <= 5,
        "{one} round trips, and {nothing} with nothing to do"
    );

    // Of several migrations, each costs its own message.
    all.extend((4..=23).map(|version| raw(version, 20)));
    let twenty = of(&mut connection, &all);
    assert!(twenty - nothing <= 5 + 20, "{twenty} round trips");
    assert_eq!(db.number("SELECT count(*) FROM r23 WHERE text = 'it''s; done'"), 20);
    assert_eq!(db.number("SELECT count(*) FROM __migrations WHERE claim IS NULL"), 23);
}

#[cfg(feature = "postgres")]
fn a_failing_statement_of_raw_sql_is_named(db: &Database) {
    let failing = migration(2, |schema| {
        schema.execute("CREATE TABLE made (id bigint)").up_only();
        schema.execute("INSERT INTO made VALUES (1)").up_only();
        schema.execute("INSERT INTO missing VALUES (1)").up_only();
    });
    let error = db.up(&[raw(1, 3), failing, raw(3, 3)]).unwrap_err();
    assert_eq!(
        error.failed_statement(),
        Some("INSERT INTO missing VALUES (1)"),
        "{error}"
    );
    assert_eq!(db.tables(), ["r1"]);
    assert_eq!(db.batches(), ["1:1"]);
}
