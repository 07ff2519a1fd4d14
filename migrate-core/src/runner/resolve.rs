//! What a person says of a migration that was cut off, where nothing else can tell, and what history then holds.

use super::{Runner, queue};
use crate::error::{Error, ErrorKind};
use crate::history::table::RowUpdate;
use crate::history::{AppliedMigration, MigrationState, MigrationStatus, Phase};
use crate::migration::Direction;
use crate::plan::PlannedMigration;
use crate::target::MigrationRef;

/// A migration that was cut off half way: see [`Runner::interrupted`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InterruptedMigration {
    /// The migration with its steps, those that are still to run and those before them.
    pub planned: PlannedMigration,
    /// How many steps have happened, as history says.
    pub done: usize,
    /// The step after them may have happened as well: the run was killed while it was at work on it.
    pub is_undecided: bool,
    /// What history says of it.
    pub applied: AppliedMigration,
}

impl Runner<'_> {
    /// Where a migration stands that was cut off half way, and its steps. Writes nothing.
    ///
    /// # Errors
    ///
    /// If it is not in the state [`State::Interrupted`], or its steps cannot be planned.
    pub fn interrupted(&mut self, reference: &MigrationRef) -> Result<InterruptedMigration, Error> {
        self.with_lock_wait(|runner| runner.read_interrupted(reference))
    }

    /// Says how far a migration outside a transaction got that was cut off half way: its first `done` steps have happened.
    ///
    /// With all of them it counts as finished, with none as never begun; otherwise the next run goes on from there. Runs no
    /// step.
    ///
    /// # Errors
    ///
    /// If it is not in the state [`State::Interrupted`], or has fewer steps.
    pub fn resolve(&mut self, reference: &MigrationRef, done: usize) -> Result<(), Error> {
        self.with_lock_wait(|runner| runner.in_own_transaction(|runner| runner.resolve_in_transaction(reference, done)))
    }

    fn read_interrupted(&mut self, reference: &MigrationRef) -> Result<InterruptedMigration, Error> {
        let history = self.read_history()?.unwrap_or_default();
        let entries = history.compare(&self.registry, &self.checksums);
        let entry = reference.find(&entries, MigrationStatus::id)?;
        let (MigrationState::Interrupted, Some(row), Some(migration)) = (entry.state, &entry.applied, &entry.migration)
        else {
            return Err(Error::new(
                ErrorKind::InvalidTarget,
                format!(
                    "{entry} is {}, not interrupted here; there is nothing to resolve",
                    entry.state
                ),
            )
            .next("`migrate status` shows the state of each"));
        };
        let direction = match row.phase {
            Phase::Reverting => Direction::Down,
            Phase::Applying | Phase::Applied => Direction::Up,
        };
        let planned =
            queue::plan_one(&mut self.planner(&history), migration, direction).map_err(Error::of_diagnostics)?;
        Ok(InterruptedMigration {
            planned,
            done: row.progress,
            is_undecided: row.claim.is_some() || row.in_flight.is_some(),
            applied: row.clone(),
        })
    }

    fn resolve_in_transaction(&mut self, reference: &MigrationRef, done: usize) -> Result<(), Error> {
        let InterruptedMigration {
            planned, applied: row, ..
        } = self.read_interrupted(reference)?;
        let direction = planned.direction();
        let all = planned.steps().len();
        if done > all {
            return Err(
                Error::new(ErrorKind::InvalidTarget, format!("{row} has {all} steps, not {done}")).next(format!(
                    "give a number up to {all}; `migrate resolve {}` shows the steps",
                    row.id()
                )),
            );
        }
        let gone = (direction == Direction::Up && done == 0) || (direction == Direction::Down && done == all);
        let statement = if gone {
            self.table.delete(row.id())
        } else {
            let finished = done == all || done == 0;
            self.table.update(
                row.id(),
                row.claim.as_deref(),
                &RowUpdate {
                    phase: finished.then_some(Phase::Applied),
                    progress: Some(done),
                    checksum: (direction == Direction::Up)
                        .then(|| planned.checksums.get(done).map(String::as_str))
                        .flatten(),
                    claim: Some(None),
                    in_flight: Some(None),
                    ..RowUpdate::default()
                },
            )
        };
        self.bookkeeping(&statement)
    }
}
