//! What history keeps of a migration's source: accepts a changed migration or a renamed package, and replaces checksums
//! of an older encoding.

use super::hooks::Hooks;
use super::load_history::load_rows;
use super::lock::{Tx, in_transaction};
use super::replay::Planning;
use super::session::Connection;
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::table::RowUpdate;
use crate::history::{History, HistoryRow, MigrationState, Phase, current_checksum};
use crate::target::MigrationRef;

/// Stores the current checksum of a changed migration in history, or the new name of its package in all rows of the
/// package.
pub(super) fn accept(
    connection: &mut Connection<'_>,
    planning: &Planning,
    hooks: &mut Hooks<'_>,
    reference: &MigrationRef,
) -> Result<(), Error> {
    in_transaction(connection, hooks, |tx| {
        let history = load_rows(tx)?;
        let entries = history.compare(planning.registry(), tx.dialect().kind());
        let entry = reference.find(&entries, |entry| entry.id)?;
        match (entry.state, entry.row, entry.migration) {
            (MigrationState::Changed, Some(row), _) => update_checksum(tx, planning, row),
            (_, Some(row), Some(migration)) if row.package != migration.package() => {
                let is_renamed = |other: &&HistoryRow| other.group == row.group && other.package == row.package;
                let mut renamed = history.rows().iter().filter(is_renamed);
                renamed.try_for_each(|other| rename_package(tx, planning, other))
            }
            _ => Err(Error::new(
                Code::WRONG_STATE,
                format!("migration {entry} is {}, not changed", entry.state),
            )
            .help(Help::from(Advice::Status).text(" shows the state of each migration"))),
        }
    })
}

/// Replaces checksums of an older encoding, because they cannot be compared with current ones.
pub(super) fn update_older_checksums(
    connection: &mut Connection<'_>,
    planning: &Planning,
    hooks: &mut Hooks<'_>,
    history: &History,
) -> Result<(), Error> {
    let is_older = |row: &&HistoryRow| row.phase == Phase::Applied && row.checksum.is_older_encoding();
    if !history.rows().iter().any(|row| is_older(&row)) {
        return Ok(());
    }
    in_transaction(connection, hooks, |tx| {
        let history = load_rows(tx)?;
        let mut older = history.rows().iter().filter(is_older);
        older.try_for_each(|row| update_checksum(tx, planning, row))
    })
}

/// Stores the current package of a migration in its row. A migration that is not linked keeps the old one.
fn rename_package(tx: &mut Tx<'_, '_>, planning: &Planning, row: &HistoryRow) -> Result<(), Error> {
    let Some(migration) = planning.registry().get(row.id()) else {
        return Ok(());
    };
    let change = RowUpdate {
        package: Some(migration.package()),
        ..RowUpdate::default()
    };
    tx.history_writer().update_row(row.id(), row.claim.as_deref(), &change)
}

/// Stores the current checksum of a migration in its row.
fn update_checksum(tx: &mut Tx<'_, '_>, planning: &Planning, row: &HistoryRow) -> Result<(), Error> {
    let Some(migration) = planning.registry().get(row.id()) else {
        return Ok(());
    };
    let change = RowUpdate {
        checksum: Some(current_checksum(migration, tx.dialect().kind())),
        ..RowUpdate::default()
    };
    tx.history_writer().update_row(row.id(), row.claim.as_deref(), &change)
}
