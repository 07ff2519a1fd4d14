//! Manual resolution of an interrupted migration: a person decides how many steps completed.

use super::hooks::Hooks;
use super::load_history::load_rows;
use super::lock::in_transaction;
use super::replay::Planning;
use super::session::Connection;
use super::wording::number_of;
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::table::RowUpdate;
use crate::history::{HistoryRow, MigrationState, Phase};
use crate::migration::Direction;
use crate::plan::InterruptedMigration;
use crate::plan::resume::direction_of;
use crate::target::MigrationRef;

/// Reads an interrupted migration, and plans its steps.
pub(super) fn read_interrupted(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    reference: &MigrationRef,
) -> Result<InterruptedMigration, Error> {
    Ok(plan_interrupted(connection, planning, reference)?.0)
}

fn plan_interrupted(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    reference: &MigrationRef,
) -> Result<(InterruptedMigration, HistoryRow), Error> {
    let history = load_rows(connection)?;
    let entries = history.compare(planning.registry(), connection.dialect().kind());
    let entry = reference.find(&entries, |entry| entry.id)?;
    let (MigrationState::Interrupted, Some(row), Some(migration)) = (entry.state, entry.row, entry.migration) else {
        return Err(Error::new(
            Code::WRONG_STATE,
            format!("migration {entry} is {}, not interrupted", entry.state),
        )
        .help(Help::from(Advice::Status).text(" shows the state of each migration")));
    };
    let (row, migration) = (row.clone(), *migration);
    let planned = planning.plan_one(connection.plan_for(), &history, None, &migration, direction_of(&row))?;
    let interrupted = InterruptedMigration {
        planned,
        done: row.progress,
        is_undecided: row.claim.is_some() || row.in_flight.is_some(),
        applied: row.applied(),
    };
    Ok((interrupted, row))
}

/// Records that exactly the first `done` steps of an interrupted migration completed.
pub(super) fn resolve(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    reference: &MigrationRef,
    done: usize,
) -> Result<(), Error> {
    in_transaction(connection, hooks, |tx| {
        let (InterruptedMigration { planned, .. }, row) = plan_interrupted(tx, planning, reference)?;
        let direction = planned.direction();
        let all = planned.steps().len();
        if done > all {
            return Err(Error::new(
                Code::INVALID_COUNT,
                format!("migration {row} has {}, not {done}", number_of(all, "step", "steps")),
            )
            .help(format!("use a number up to {all}")));
        }
        let is_undone = (direction == Direction::Up && done == 0) || (direction == Direction::Down && done == all);
        if is_undone {
            return tx.history_writer().delete_row(row.id());
        }
        let finished = done == all || done == 0;
        let change = RowUpdate {
            phase: finished.then_some(Phase::Applied),
            progress: Some(done),
            checksum: (direction == Direction::Up)
                .then(|| planned.checksums.get(done).copied())
                .flatten(),
            claim: Some(None),
            in_flight: Some(None),
            ..RowUpdate::default()
        };
        tx.history_writer().update_row(row.id(), row.claim.as_deref(), &change)
    })
}
