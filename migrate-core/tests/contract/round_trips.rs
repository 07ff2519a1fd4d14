//! The number of round trips of a run, counted by a proxy.

use migrate_core::Target;
#[cfg(feature = "postgres")]
use migrate_core::{Migration, Rollback};

use crate::proxy::Proxy;
use crate::support::{AnyConnection, Database, generated};

on_every_server! {
    a_run_with_nothing_to_do_costs_one_query
}

// The other databases checkpoint each statement separately.
#[cfg(feature = "postgres")]
on_postgres! {
    a_thousand_generated_migrations_are_pipelined
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
