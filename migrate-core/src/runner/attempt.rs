//! The inputs for the execution of one migration in a run.

use std::rc::Rc;

use crate::history::HistoryRow;
use crate::migration::Direction;
use crate::plan::PlannedMigration;

/// One attempt to execute a migration.
pub(super) struct Attempt<'a> {
    pub(super) planned: &'a PlannedMigration,
    pub(super) run_id: Rc<str>,
    pub(super) applied_by: Rc<str>,
    pub(super) batch: i64,
    /// The sequence number for a new row.
    pub(super) sequence: i64,
    /// The existing row, if there is one: the migration is rolled back, or it is resumed.
    pub(super) row: Option<HistoryRow>,
    /// The history table must be created first.
    pub(super) makes_table: bool,
    /// No migration follows in the run.
    pub(super) is_last: bool,
    /// Finished rows hold claims, which the last attempt releases.
    pub(super) has_open_claims: bool,
}

impl Attempt<'_> {
    /// Returns the claim that the row keeps when the migration is done: the run's, while more migrations follow.
    pub(super) fn claim_when_done(&self) -> Option<&str> {
        (!self.is_last).then_some(&*self.run_id)
    }

    /// Returns true if the migration needs a row before its first step. If a user's step ends the transaction, that row
    /// shows if it was committed. Other migrations need only one row at the end.
    pub(super) fn claims_first(&self) -> bool {
        let resumes = self.planned.done > 0 || (self.planned.direction == Direction::Up && self.row.is_some());
        resumes || !self.planned.is_whole() || self.planned.may_end_transaction()
    }
}
