//! Applies every plan, rolls it back, and applies it again.

use std::cell::RefCell;
use std::fmt;

use migrate_core::{Dialect, Direction, Error, ErrorKind, Migration, Rollback, Target};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::database::{Objects, PlanDatabase};
use super::operation::{self, Operation};
use super::plan::{Taken, Wish, wish};
use crate::support::Database;

on_every_database! {
    every_plan_goes_up_and_down_and_keeps_its_rows
}

/// The name of the plans' enum in [`PlanDatabase::objects`].
const ENUM: &str = "enum mood";

#[derive(Default)]
struct Seen {
    plans: u32,
    up_and_down: u32,
    up_twice: u32,
    operations: usize,
    rebuilds: usize,
    rows: usize,
    refused_by_planner: usize,
    refused_rollbacks: usize,
    refused_by_rows: usize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} plans, {} of them up and down and {} up again: {} operations, {} plans with a rebuilt table, {} rows; \
             refused: {} operations and {} rollbacks by the planner, {} plans by rows",
            self.plans,
            self.up_and_down,
            self.up_twice,
            self.operations,
            self.rebuilds,
            self.rows,
            self.refused_by_planner,
            self.refused_rollbacks,
            self.refused_by_rows,
        )
    }
}

/// Checks that the schema state matches introspection.
fn agrees(database: &mut PlanDatabase, migrations: &[Migration]) -> Result<(), TestCaseError> {
    prop_assert_eq!(differences(database, migrations)?, [""; 0]);
    Ok(())
}

fn differences(database: &mut PlanDatabase, migrations: &[Migration]) -> Result<Vec<String>, TestCaseError> {
    let differences = database.runner(migrations).differences();
    differences.map_err(|error| TestCaseError::fail(error.to_string()))
}

/// Checks that the rollback has restored everything, except an enum value, which PostgreSQL cannot remove.
fn check_restored(
    database: &mut PlanDatabase,
    taken: &Taken,
    before: &Objects,
    after_what: &str,
) -> Result<(), TestCaseError> {
    let value_stays = taken.after().any(|operation| matches!(operation, Operation::AddValue));
    let mut objects = database.objects();
    let mut differences = differences(database, &taken.migrations())?;
    if value_stays {
        let there = objects.insert(ENUM.to_owned(), before[ENUM].clone());
        prop_assert!(
            there.is_some_and(|values| before[ENUM].is_subset(&values)),
            "{}",
            after_what
        );
        differences.retain(|difference| !difference.contains("found furious, "));
    }
    prop_assert_eq!(&objects, before, "{}", after_what);
    prop_assert_eq!(differences, [""; 0], "{}", after_what);
    Ok(())
}

fn there(database: &mut PlanDatabase, migrations: &[Migration]) -> Result<(), Error> {
    database.runner(migrations).up(&Target::Latest).map(drop)
}

/// Rolls back to the schema before rows were inserted.
fn back(database: &mut PlanDatabase, migrations: &[Migration]) -> Result<(), Error> {
    let first = Rollback::To("1".parse().unwrap());
    database.runner(migrations).rollback(&first).map(drop)
}

/// Rolls back. Returns false if the planner or a row prevents it.
fn comes_back(database: &mut PlanDatabase, migrations: &[Migration], seen: &mut Seen) -> Result<bool, TestCaseError> {
    let objects = database.objects();
    let Err(error) = back(database, migrations) else {
        return Ok(true);
    };
    if error.kind() == ErrorKind::InvalidMigration {
        // Each rollback is valid on its own, but one of them lacks a fact for the other: nothing has run.
        prop_assert_eq!(database.objects(), objects, "after a refused rollback");
        seen.refused_rollbacks += 1;
        return Ok(false);
    }
    let said = error.to_string();
    let by_rows = database.by_rows(Direction::Down);
    prop_assert!(
        by_rows.iter().any(|reason| said.contains(reason)),
        "the rollback: {}",
        said
    );
    seen.refused_by_rows += 1;
    Ok(false)
}

fn check(database: &mut PlanDatabase, wish: &Wish, seen: &mut Seen) -> Result<(), TestCaseError> {
    let taken = wish.taken();
    seen.refused_by_planner += taken.refused;
    if taken.is_empty() {
        return Err(TestCaseError::reject("nothing was left of it"));
    }
    seen.plans += 1;
    goes(database, &taken, seen).map_err(|error| TestCaseError::fail(format!("{error}\n{taken:#?}")))
}

fn goes(database: &mut PlanDatabase, taken: &Taken, seen: &mut Seen) -> Result<(), TestCaseError> {
    let migrations = taken.migrations();
    let fail = |what: &str, error: Error| TestCaseError::fail(format!("{what}: {error}"));
    database.empty();
    there(database, &migrations[..1]).map_err(|error| fail("what comes before rows", error))?;
    seen.rows += database.fill();
    agrees(database, &migrations)?;
    let objects_before = database.objects();
    let rows_before = database.rows();

    let plan = database.runner(&migrations).plan(&Target::Latest);
    let plan = plan.map_err(|error| fail("the plan for what is there", error))?;
    let is_rebuilt = |sql: &str| sql.contains("__migrate_new_");
    let mut steps = plan.migrations().iter().flat_map(|migration| migration.steps());
    seen.rebuilds += usize::from(steps.any(|step| step.sql().is_some_and(is_rebuilt)));

    if let Err(error) = there(database, &migrations) {
        // Only rows may prevent it, such as duplicates for a unique key or NULL for NOT NULL.
        let said = error.to_string();
        let by_rows = database.by_rows(Direction::Up);
        prop_assert!(by_rows.iter().any(|reason| said.contains(reason)), "{}", said);
        seen.refused_by_rows += 1;
        if !matches!(database.dialect(), Dialect::MySql | Dialect::MariaDb) {
            back(database, &migrations).map_err(|error| fail("back after rows were against it", error))?;
            check_restored(database, taken, &objects_before, "back after rows were against it")?;
        }
        // Without the rows, the run resumes where it stopped.
        database.remove_rows();
        there(database, &migrations).map_err(|error| fail("on without the rows", error))?;
        agrees(database, &migrations)?;
        if comes_back(database, &migrations, seen)? {
            check_restored(database, taken, &objects_before, "back without the rows")?;
        }
        return Ok(());
    }
    seen.operations += taken.after().count();
    agrees(database, &migrations)?;
    let objects_after = database.objects();

    if !comes_back(database, &migrations, seen)? {
        return Ok(());
    }
    check_restored(database, taken, &objects_before, "after the rollback")?;
    let lost = operation::lost(taken.after());
    let rows_after = database.rows();
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
    seen.up_and_down += 1;

    if lost.is_empty() {
        there(database, &migrations).map_err(|error| fail("the second way there", error))?;
        prop_assert_eq!(database.objects(), objects_after, "after the second way there");
        seen.up_twice += 1;
    }
    Ok(())
}

fn every_plan_goes_up_and_down_and_keeps_its_rows(db: &Database) {
    let database = PlanDatabase::like(db);
    let is_full = std::env::var_os("CI_FULL").is_some();
    let plans = match (database.dialect(), is_full) {
        (Dialect::Sqlite, false) => 1_000,
        (Dialect::Sqlite, true) => 20_000,
        (_, false) => 300,
        (_, true) => 3_000,
    };
    let config = Config {
        cases: plans,
        max_global_rejects: plans * 10,
        max_shrink_iters: 100,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = if is_full {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let wishes = wish(database.dialect());
    let database = RefCell::new(database);
    let seen = RefCell::<Seen>::default();
    let result = runner.run(&wishes, |wish| {
        check(&mut database.borrow_mut(), &wish, &mut seen.borrow_mut())
    });
    let seen = seen.into_inner();
    println!("{}: {seen}", database.borrow_mut().name());
    if let Err(failure) = result {
        panic!("{failure}");
    }
    assert!(seen.up_and_down >= plans * 4 / 5, "{seen}");
}
