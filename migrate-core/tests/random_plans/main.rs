//! Random plans on SQLite, with rows: applied, taken back, applied again. Taking back restores the schema, applying again
//! leads to the same one, what the framework knows of it is what it reads back, and rows that no operation destroys are all
//! there.
//!
//! The same 1,000 plans each time; `CI_FULL=1` runs 20,000 others.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod live;
mod one_line;
mod operation;
mod schema_rs;

use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::prelude::*;
use migrate_core::__private::{Declaration, declare};
use migrate_core::{
    DialectName, Error, ErrorKind, Migrate, Migration, Plan, Registry, Rollback, Runner, Schema, Target,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use operation::Operation;

struct Up(Vec<Operation>);

impl Migrate for Up {
    fn up(&self, schema: &mut Schema) {
        self.0.iter().for_each(|operation| operation.record(schema));
    }
}

fn migration(version: u64, operations: &[Operation]) -> Migration {
    let declaration = Declaration {
        version,
        name: "random",
        group: "default",
        description: "",
        transaction: true,
        file: "src/random.rs",
        line: 1,
        module: "random",
    };
    declare(declaration, Box::leak(Box::new(Up(operations.to_vec()))))
}

fn run<T>(
    connection: &mut SqliteConnection,
    migrations: &[Migration],
    work: impl FnOnce(&mut Runner<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    work(&mut Runner::new(connection, Registry::of(migrations.iter().copied())?))
}

/// A plan: what there is before rows come, and what is done to the rows.
#[derive(Clone, Debug)]
struct Case {
    before: Vec<Operation>,
    after: Vec<Vec<Operation>>,
}

fn case() -> impl Strategy<Value = Case> {
    let before = prop::collection::vec(operation::creation(), 4..10);
    let after = prop::collection::vec(prop::collection::vec(operation::change(), 4..16), 1..4);
    (before, after).prop_map(|(before, after)| Case { before, after })
}

/// Keeps of the operations those that the planner takes, one after the other.
fn taken(case: &Case) -> (Vec<Operation>, Vec<Vec<Operation>>, usize) {
    let is_taken = |migrations: &[Vec<Operation>]| {
        let registry = migrations.iter().zip(1..).map(|(one, version)| migration(version, one));
        Registry::of(registry).is_ok_and(|registry| Plan::offline(&registry, DialectName::Sqlite).is_ok())
    };
    let mut migrations: Vec<Vec<Operation>> = vec![Vec::new()];
    let mut refused = 0;
    for (position, group) in std::iter::once(&case.before).chain(&case.after).enumerate() {
        if position > 0 {
            migrations.push(Vec::new());
        }
        for operation in group {
            let last = migrations.len() - 1;
            migrations[last].push(operation.clone());
            if !is_taken(&migrations) {
                migrations[last].pop();
                refused += 1;
            }
        }
        if position > 0 && migrations.last().is_some_and(Vec::is_empty) {
            migrations.pop();
        }
    }
    let mut migrations = migrations.into_iter();
    (migrations.next().unwrap_or_default(), migrations.collect(), refused)
}

/// What the framework knows of the database is what it reads back from it.
fn agrees(connection: &mut SqliteConnection, migrations: &[Migration]) -> Result<(), TestCaseError> {
    let differences = run(connection, migrations, |runner| runner.differences());
    let differences = differences.map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

#[derive(Default)]
struct Seen {
    operations: AtomicUsize,
    refused_by_planner: AtomicUsize,
    refused_back: AtomicUsize,
    refused_by_rows: AtomicUsize,
    rebuilds: AtomicUsize,
    rows: AtomicUsize,
}

fn check(case: &Case, seen: &Seen) -> Result<(), TestCaseError> {
    let (before, after, refused) = taken(case);
    seen.refused_by_planner.fetch_add(refused, Ordering::Relaxed);
    if before.is_empty() || after.is_empty() {
        return Err(TestCaseError::reject("nothing was left of it"));
    }
    let fail = |what: &str, error: Error| TestCaseError::fail(format!("{what}: {error}"));
    let migrations: Vec<Migration> = std::iter::once(&before)
        .chain(&after)
        .zip(1..)
        .map(|(operations, version)| migration(version, operations))
        .collect();
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    live::execute(&mut connection, "PRAGMA foreign_keys = ON");
    run(&mut connection, &migrations[..1], |runner| runner.up(&Target::Latest))
        .map_err(|error| fail("what comes before rows", error))?;
    let rows = live::fill(&mut connection);
    seen.rows.fetch_add(rows, Ordering::Relaxed);
    agrees(&mut connection, &migrations)?;
    let schema_before = live::schema(&mut connection);
    let rows_before = live::rows(&mut connection);

    let plan = run(&mut connection, &migrations, |runner| runner.plan(&Target::Latest))
        .map_err(|error| fail("the plan for what is there", error))?;
    let is_rebuilt = |sql: &str| sql.contains("__migrate_new_");
    let steps = plan.migrations().iter().flat_map(|migration| migration.steps());
    let rebuilds = steps.filter(|step| step.sql().is_some_and(is_rebuilt)).count();
    seen.rebuilds.fetch_add(usize::from(rebuilds > 0), Ordering::Relaxed);

    if let Err(error) = run(&mut connection, &migrations, |runner| runner.up(&Target::Latest)) {
        // Only rows may stand against it: two alike where one is allowed, or none where one has to be.
        let said = error.to_string();
        let by_rows = [
            "UNIQUE constraint failed",
            "NOT NULL constraint failed",
            "CHECK constraint failed",
        ];
        prop_assert!(by_rows.iter().any(|reason| said.contains(reason)), "{}", said);
        seen.refused_by_rows.fetch_add(1, Ordering::Relaxed);
        run(&mut connection, &migrations, |runner| {
            runner.rollback(&Rollback::To("1".parse().unwrap()))
        })
        .map_err(|error| fail("back after rows were against it", error))?;
        prop_assert_eq!(live::schema(&mut connection), schema_before);
        return Ok(());
    }
    seen.operations
        .fetch_add(after.iter().map(Vec::len).sum(), Ordering::Relaxed);
    agrees(&mut connection, &migrations)?;
    let schema_after = live::schema(&mut connection);

    if let Err(error) = run(&mut connection, &migrations, |runner| {
        runner.rollback(&Rollback::To("1".parse().unwrap()))
    }) {
        if error.kind() == ErrorKind::InvalidMigration {
            // Each way back is right by itself, and one of them lacks a fact for the other: nothing has run.
            prop_assert_eq!(live::schema(&mut connection), schema_after, "after a refused way back");
            seen.refused_back.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        // What a dropped column is filled with need not be there in the table that it refers to.
        prop_assert!(
            error.to_string().contains("refers to nothing"),
            "the way back: {}",
            error
        );
        seen.refused_by_rows.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    }
    prop_assert_eq!(live::schema(&mut connection), schema_before, "after the way back");
    agrees(&mut connection, &migrations)?;
    let lost = operation::lost(after.iter().flatten());
    let rows_after = live::rows(&mut connection);
    for (table, columns) in &rows_before {
        for (column, values) in columns {
            let is_lost =
                lost.contains(&(table.clone(), None)) || lost.contains(&(table.clone(), Some(column.clone())));
            if !is_lost {
                let kept = rows_after.get(table).and_then(|columns| columns.get(column));
                prop_assert_eq!(kept, Some(values), "{}.{}", table, column);
            }
        }
    }

    if lost.is_empty() {
        run(&mut connection, &migrations, |runner| runner.up(&Target::Latest))
            .map_err(|error| fail("the second way there", error))?;
        prop_assert_eq!(
            live::schema(&mut connection),
            schema_after,
            "after the second way there"
        );
    }
    Ok(())
}

#[test]
fn every_plan_goes_there_and_back_and_keeps_its_rows() {
    let is_full = std::env::var_os("CI_FULL").is_some();
    let cases = if is_full { 20_000 } else { 1_000 };
    let seen = Seen::default();
    let config = Config {
        cases,
        max_global_rejects: cases * 10,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = if is_full {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let result = runner.run(&case(), |case| check(&case, &seen));
    let number = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{cases} plans: {} operations run there and back, {} plans with a table made anew, {} rows; refused: {} operations \
         and {} ways back by the planner, {} plans by rows",
        number(&seen.operations),
        number(&seen.rebuilds),
        number(&seen.rows),
        number(&seen.refused_by_planner),
        number(&seen.refused_back),
        number(&seen.refused_by_rows),
    );
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
