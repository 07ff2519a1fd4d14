//! The checks of `test_migrations!` on random migrations. They accept all plans of the planner with three exceptions:
//! valid rows break a new constraint, something is dropped and created again, or two rollbacks lack a fact together.
//!
//! They run on SQLite only.

use migrate_core::testing::Checks;
use migrate_core::{Code, Dialect, Error, ErrorKind};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::plan::wish;

#[test]
fn valid_migrations_pass_the_checks() {
    let wishes = wish(Dialect::Sqlite);
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut random = TestRunner::new_with_rng(Config::default(), seed);
    let (mut green, mut refused, mut broken, mut lost) = (0, 0, 0, 0);
    while green < 100 {
        let taken = wishes.new_tree(&mut random).unwrap().current().taken();
        if taken.is_empty() {
            continue;
        }
        let checks = Checks::new("no package").migrations(taken.migrations());
        if let Err(error) = checks.every_plan_is_right() {
            // Each rollback is valid on its own, but one of them lacks a fact for the other.
            assert_eq!(error.kind(), ErrorKind::InvalidMigration, "{error}\n{taken:?}");
            let lacks_a_value = [Code::NO_VALUE_FOR_ROWS, Code::SAME_VALUE_IN_EVERY_ROW];
            let mut codes = error.diagnostics().iter().map(|diagnostic| diagnostic.code);
            assert!(codes.any(|code| lacks_a_value.contains(&code)), "{error}\n{taken:?}");
            refused += 1;
            continue;
        }
        checks.each_migration_is_recorded_the_same_twice().unwrap();
        checks.all_migrations_apply_to_an_empty_database().unwrap();
        checks.each_migration_goes_up_down_and_up_again().unwrap();
        match checks.each_migration_goes_up_down_and_up_again_with_rows() {
            Ok(()) => green += 1,
            Err(error) if breaks_a_constraint(&error) => broken += 1,
            Err(error) if error.code() == Code::ACCIDENTAL_REPLACEMENT => lost += 1,
            Err(error) => panic!("{error}\n{taken:?}"),
        }
    }
    println!(
        "test_migrations!: {green} sets of random migrations pass, {refused} are refused on rollback, {broken} break a \
         constraint on rows, {lost} drop something and create it again"
    );
    assert!(refused + broken + lost < green / 2, "too few are compared to the end");
}

fn breaks_a_constraint(error: &Error) -> bool {
    let cause = error.cause().map(ToString::to_string).unwrap_or_default();
    error.kind() == ErrorKind::StepFailed && cause.contains("constraint failed")
        || error.code() == Code::BROKEN_REFERENCES
}
