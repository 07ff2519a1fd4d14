//! How often a run asks the server, counted by a proxy between the two.

use migrate_core::prelude::*;
use migrate_core::{ErrorKind, Rollback, Target};

use crate::proxy::Proxy;
use crate::support::{AnyConnection, Database, migration, table};

on_every_server! {
    nothing_to_do_costs_one_question
    a_thousand_generated_migrations_travel_together
    what_is_wrong_in_one_migration_touches_no_other
}

fn nothing_to_do_costs_one_question(db: &Database) {
    let all = [table(1), table(2)];
    db.up(&all).unwrap();
    let proxy = Proxy::new(db);
    let mut connection = AnyConnection::open(db.server, &proxy.url(db));
    proxy.begin();
    assert!(connection.runner(&all).up(&Target::Latest).unwrap().is_empty());
    // Diesel prepares a query of MySQL before it runs it.
    let expected = if db.server.is_postgres() { 1 } else { 2 };
    assert_eq!(proxy.round_trips(), expected);
}

fn a_thousand_generated_migrations_travel_together(db: &Database) {
    if !db.server.is_postgres() {
        // Each statement is marked by itself there.
        return;
    }
    let all: Vec<Migration> = (1..=1000).map(table).collect();
    let proxy = Proxy::new(db);
    let mut connection = AnyConnection::open(db.server, &proxy.url(db));
    proxy.begin();
    let report = connection.runner(&all).up(&Target::Latest).unwrap();
    let there = proxy.round_trips();
    assert_eq!(report.done.len(), 1000);
    assert_eq!(
        db.number("SELECT count(*) FROM __migrations WHERE state = 'applied' AND claim IS NULL"),
        1000
    );
    // Each in a transaction of its own.
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

fn what_is_wrong_in_one_migration_touches_no_other(db: &Database) {
    let wrong: [fn(&mut Schema); 4] = [
        |schema| schema.create_view("broken", "SELECT 1 AS a /* never closed"),
        |schema| schema.create_view("broken", "SELECT 1 AS a WHERE"),
        |schema| schema.create_view("broken", "SELECT nothing FROM nowhere"),
        |schema| schema.create_table("t1", |t| t.id()),
    ];
    let all = |wrong: Option<fn(&mut Schema)>| -> Vec<Migration> {
        let all = (1..=9).map(|version| match (version, wrong) {
            (5, Some(wrong)) => migration(5, wrong),
            _ => table(version),
        });
        all.collect()
    };
    for (number, wrong) in wrong.into_iter().enumerate() {
        let result = db.up(&all(Some(wrong)));
        let error = result.unwrap_err();
        if error.kind() == ErrorKind::InvalidMigration {
            // Found while planning: nothing has run.
            continue;
        }
        assert_eq!(error.failed_migration(), Some("5 m5"), "{number}: {error}");
        assert_eq!(db.tables(), ["t1", "t2", "t3", "t4"], "{number}");
        let report = db.up(&all(None)).unwrap();
        assert_eq!(report.done.len(), 5, "{number}");
        db.rollback(&all(None), &Rollback::All).unwrap();
    }
}
