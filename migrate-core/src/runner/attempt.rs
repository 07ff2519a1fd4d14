//! What a run knows of one migration when its turn comes.

use crate::history::AppliedMigration;
use crate::plan::PlannedMigration;

/// One migration's turn in a run.
pub(super) struct Attempt<'a> {
    pub(super) planned: &'a PlannedMigration,
    pub(super) run_id: String,
    pub(super) batch: i64,
    /// Its place in the order of application, if it is applied.
    pub(super) sequence: i64,
    /// Its row, if it has one: it is being rolled back, or goes on after an interruption.
    pub(super) row: Option<AppliedMigration>,
    /// The history table has to be made first.
    pub(super) makes_table: bool,
    /// Nothing follows it in the run.
    pub(super) is_last: bool,
    /// Rows that are done hold claims, which the last turn gives up.
    pub(super) has_open_claims: bool,
}

impl Attempt<'_> {
    /// The claim that the row holds when the migration is done: the run's, as long as more is to follow.
    pub(super) fn claim_when_done(&self) -> Option<&str> {
        (!self.is_last).then_some(self.run_id.as_str())
    }
}
