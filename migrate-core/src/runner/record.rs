//! What an attempt writes to history: its claim, its checkpoints and its end.

use std::time::Instant;

use super::attempt::Attempt;
use super::failure::MigrationFailure;
use super::in_flight::InFlightStep;
use super::session::Connection;
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::Phase;
use crate::history::table::{HistoryTable, NewRow, RowUpdate};
use crate::migration::{Direction, MigrationId};

/// Writes history under the lock.
pub(super) struct HistoryWriter<'w, 'c> {
    connection: &'w mut Connection<'c>,
    /// A condition of each `UPDATE`.
    only_if: Option<&'w str>,
}

impl<'w, 'c> HistoryWriter<'w, 'c> {
    pub(super) fn new(connection: &'w mut Connection<'c>, only_if: Option<&'w str>) -> HistoryWriter<'w, 'c> {
        HistoryWriter { connection, only_if }
    }

    /// Creates the history table, if the attempt is the first one.
    pub(super) fn create_table(&mut self, attempt: &Attempt<'_>) -> Result<(), MigrationFailure> {
        match attempt.makes_table {
            true => self.execute(&self.connection.table().create()),
            false => Ok(()),
        }
    }

    /// Records, before the first step, that this run executes the migration.
    pub(super) fn claim(&mut self, attempt: &Attempt<'_>) -> Result<(), MigrationFailure> {
        let planned = attempt.planned;
        let id = planned.migration.id();
        let statement = match (&attempt.row, planned.direction) {
            (None, _) => self.connection.table().insert(&NewRow {
                sequence: attempt.sequence,
                id,
                name: planned.migration.name(),
                batch: attempt.batch,
                checksum: planned.checksum_after(0),
                phase: Phase::Applying,
                progress: 0,
                claim: Some(&attempt.run_id),
                duration_ms: None,
                applied_by: &attempt.applied_by,
                package: planned.migration.package(),
            }),
            (Some(row), direction) => self.update(
                id,
                row.claim.as_deref(),
                &RowUpdate {
                    claim: Some(Some(&attempt.run_id)),
                    // The run that finishes a migration owns its batch.
                    batch: (direction == Direction::Up).then_some(attempt.batch),
                    phase: (direction == Direction::Down).then_some(Phase::Reverting),
                    progress: Some(planned.done),
                    in_flight: Some(None),
                    ..RowUpdate::default()
                },
            ),
        };
        self.execute_one(&statement)
    }

    /// Returns the statement that records, before a step, how a later run can decide if the step completed.
    pub(super) fn in_flight(&self, attempt: &Attempt<'_>, in_flight: &InFlightStep) -> String {
        self.update(
            attempt.planned.migration.id(),
            Some(&attempt.run_id),
            &RowUpdate {
                in_flight: Some(Some(&in_flight.text())),
                ..RowUpdate::default()
            },
        )
    }

    /// Returns the statement that records that exactly the first `done` steps have completed.
    pub(super) fn checkpoint(&self, attempt: &Attempt<'_>, done: usize, claim: Option<&str>) -> String {
        let planned = attempt.planned;
        self.update(
            planned.migration.id(),
            Some(&attempt.run_id),
            &RowUpdate {
                progress: Some(done),
                checksum: (planned.direction == Direction::Up).then(|| planned.checksum_after(done)),
                claim: Some(claim),
                in_flight: Some(None),
                ..RowUpdate::default()
            },
        )
    }

    /// Records that the migration is done.
    pub(super) fn finish(&mut self, attempt: &Attempt<'_>, started: Instant) -> Result<(), MigrationFailure> {
        let duration_ms = started.elapsed().as_millis().to_string();
        let claimed = attempt.claims_first();
        let statement = finishing(self.connection.table(), attempt, claimed, &duration_ms, self.only_if);
        self.execute_one(&statement)?;
        match attempt.is_last && attempt.has_open_claims {
            true => self.execute(&self.connection.table().finish_batch()),
            false => Ok(()),
        }
    }

    /// Runs a statement that must change exactly one row of this run.
    pub(super) fn execute_one(&mut self, statement: &str) -> Result<(), MigrationFailure> {
        match self.connection.execute_counting(statement) {
            Ok(1) => Ok(()),
            Ok(_) => Err(MigrationFailure::ClaimLost),
            Err(error) => Err(MigrationFailure::History(error)),
        }
    }

    /// Updates a row outside an attempt, if `claimed_by` holds its claim.
    pub(super) fn update_row(
        &mut self,
        id: MigrationId<'_>,
        claimed_by: Option<&str>,
        change: &RowUpdate<'_>,
    ) -> Result<(), Error> {
        self.write(&self.update(id, claimed_by, change))
    }

    /// Deletes a row outside an attempt.
    pub(super) fn delete_row(&mut self, id: MigrationId<'_>) -> Result<(), Error> {
        self.write(&self.connection.table().delete(id))
    }

    fn write(&mut self, statement: &str) -> Result<(), Error> {
        match self.connection.execute_counting(statement) {
            Ok(0) => Err(Error::new(
                Code::HISTORY_CONFLICT,
                "another process changed history during this run",
            )
            .help(
                Help::new("inspect the database first; ")
                    .advice(Advice::Status)
                    .text(" shows the current state"),
            )),
            Ok(_) => Ok(()),
            Err(error) => Err(self.connection.error("history cannot be written", error)),
        }
    }

    fn update(&self, id: MigrationId<'_>, claimed_by: Option<&str>, change: &RowUpdate<'_>) -> String {
        self.connection.table().update(id, claimed_by, change, self.only_if)
    }

    fn execute(&mut self, statement: &str) -> Result<(), MigrationFailure> {
        self.connection.execute(statement).map_err(MigrationFailure::History)
    }
}

/// Returns the statement that records the end of a migration; `duration_ms` is an SQL expression. `claimed` is true if
/// the migration has a row already.
pub(super) fn finishing(
    table: &HistoryTable,
    attempt: &Attempt<'_>,
    claimed: bool,
    duration_ms: &str,
    only_if: Option<&str>,
) -> String {
    let planned = attempt.planned;
    let id = planned.migration.id();
    match planned.direction {
        Direction::Down => table.delete(id),
        Direction::Up if claimed => table.update(
            id,
            Some(&attempt.run_id),
            &RowUpdate {
                phase: Some(Phase::Applied),
                progress: Some(planned.steps.len()),
                checksum: Some(planned.checksum()),
                claim: Some(attempt.claim_when_done()),
                in_flight: Some(None),
                duration_ms: Some(duration_ms),
                ..RowUpdate::default()
            },
            only_if,
        ),
        Direction::Up => table.insert(&NewRow {
            sequence: attempt.sequence,
            id,
            name: planned.migration.name(),
            batch: attempt.batch,
            checksum: planned.checksum(),
            phase: Phase::Applied,
            progress: planned.steps.len(),
            claim: attempt.claim_when_done(),
            duration_ms: Some(duration_ms),
            applied_by: &attempt.applied_by,
            package: planned.migration.package(),
        }),
    }
}
