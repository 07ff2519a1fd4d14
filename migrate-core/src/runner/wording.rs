//! Words that several messages of a run share.

use crate::error::Error;
use crate::migration::Direction;
use crate::plan::PlannedMigration;

/// The state of the database after a failure in a transaction.
pub(super) const ROLLED_BACK: &str = "the transaction was rolled back; the database is unchanged";

/// The name of a planned migration in messages.
pub(super) fn subject(planned: &PlannedMigration) -> String {
    match planned.direction() {
        Direction::Up => format!("migration {}", planned.migration()),
        Direction::Down => format!("the rollback of migration {}", planned.migration()),
    }
}

/// Adds the earlier work to the state of an error.
pub(super) fn and_before(error: Error, before: &str) -> Error {
    match error.database_state() {
        Some(ROLLED_BACK) => error.state(format!("the transaction was rolled back; {before}")),
        _ => error.and_state(before),
    }
}

/// Returns a number with its noun, in the singular or the plural.
pub(super) fn number_of(count: usize, one: &str, several: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {several}"),
    }
}
