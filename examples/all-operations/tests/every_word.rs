//! Every word is used, and all of them go there and back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use diesel::prelude::*;
use migrate_core::{DialectName, Plan, Registry, Rollback, Runner, Target};

/// The public methods of the files that hold the words.
fn words() -> Vec<String> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrate-core/src/schema");
    let files = [
        "mod.rs",
        "step.rs",
        "words/column.rs",
        "words/enum_value.rs",
        "words/index.rs",
        "words/table.rs",
    ];
    let mut words: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(schema.join(file)).unwrap();
            let methods: Vec<String> = text
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("pub fn "))
                .filter_map(|rest| rest.split(['(', '<']).next().map(str::to_owned))
                .filter(|word| !word.starts_with('$'))
                .collect();
            // The words that a macro makes of a list.
            let listed: Vec<String> = text
                .lines()
                .filter(|line| line.contains(" = ColumnType::") && line.trim_end().ends_with(';'))
                .filter_map(|line| line.trim().split(':').next().map(str::to_owned))
                .collect();
            methods.into_iter().chain(listed)
        })
        .collect();
    words.sort();
    words.dedup();
    words
}

#[test]
fn every_word_is_used() {
    let words = words();
    assert!(words.len() > 60, "only {} words were found", words.len());
    let example = concat!(include_str!("../src/lib.rs"), include_str!("../src/postgres.rs"));
    let unused: Vec<&String> = words
        .iter()
        .filter(|word| !example.contains(&format!("{word}(")))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn those_of_postgres_are_planned_for_it() {
    let registry = Registry::of(all_operations::postgres::all()).unwrap();
    let there = Plan::offline(&registry, DialectName::Postgres).unwrap();
    let back = Plan::offline_rollback(&registry, DialectName::Postgres).unwrap();
    insta::assert_snapshot!(format!("{there}\n{back}"));
}

#[test]
fn all_go_there_and_back_with_rows() {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    let runner = |connection: &mut SqliteConnection, work: &dyn Fn(&mut Runner<'_>)| {
        work(&mut Runner::linked(connection).unwrap());
    };
    runner(&mut connection, &|runner| {
        runner.up(&Target::Steps(2)).unwrap();
    });
    diesel::connection::SimpleConnection::batch_execute(
        &mut connection,
        "INSERT INTO people (email, country) VALUES ('ada@example.org', 'gb'), ('bob@example.org', 'us');
         INSERT INTO memberships (person_id, role, team) VALUES (1, 'owner', 'red'), (2, 'guest', 'blue');
         INSERT INTO audit (what) VALUES ('something'), ('something else');",
    )
    .unwrap();
    for _ in 0..2 {
        runner(&mut connection, &|runner| {
            assert_eq!(runner.up(&Target::Latest).unwrap().done.len(), 1);
            assert_eq!(runner.differences().unwrap(), [""; 0]);
        });
        runner(&mut connection, &|runner| {
            assert_eq!(runner.rollback(&Rollback::Steps(1)).unwrap().done.len(), 1);
            assert_eq!(runner.differences().unwrap(), [""; 0]);
        });
    }
    runner(&mut connection, &|runner| {
        runner.up(&Target::Latest).unwrap();
    });
    let people: i64 =
        diesel::dsl::sql::<diesel::sql_types::BigInt>("SELECT count(*) FROM people JOIN members ON id = person_id")
            .get_result(&mut connection)
            .unwrap();
    assert_eq!(people, 2);
    runner(&mut connection, &|runner| {
        runner.rollback(&Rollback::All).unwrap();
        assert_eq!(runner.differences().unwrap(), [""; 0]);
    });
}
