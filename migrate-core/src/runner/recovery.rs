//! The recovery of an abandoned claim: a later run decides if the in-flight step completed.

use super::hooks::Hooks;
use super::in_flight::InFlightStep;
use super::load_history::load_rows;
use super::lock::{Tx, in_transaction};
use super::replay::Planning;
use super::session::Connection;
use crate::driver::DriverError;
use crate::error::Error;
use crate::history::table::RowUpdate;
use crate::history::{History, HistoryRow, Phase};
use crate::plan::resume::direction_of;
use crate::sql::SessionEffect;

/// Waits for the lock, and recovers the claim of a run that is gone. A running migration holds the lock, so a run that
/// gets the lock and finds a claim knows that its run is gone.
pub(super) fn recover_claim(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
) -> Result<(), Error> {
    in_transaction(connection, hooks, |tx| {
        let history = load_rows(tx)?;
        let interrupted = history.interrupted(planning.registry());
        match interrupted.filter(|row| row.claim.is_some()).cloned() {
            Some(row) => resolve_in_flight_step(tx, planning, &history, &row),
            None => Ok(()),
        }
    })
}

/// Takes over the claim of a run that is gone, with a compare-and-swap. Decides if its in-flight step completed; if
/// nothing can show that, the step stays undecided until a person resolves it.
fn resolve_in_flight_step(
    tx: &mut Tx<'_, '_>,
    planning: &mut Planning,
    history: &History,
    row: &HistoryRow,
) -> Result<(), Error> {
    let unknown = InFlightStep::Unknown.text();
    let mut change = RowUpdate {
        claim: Some(None),
        ..RowUpdate::default()
    };
    let in_flight = row.in_flight.as_deref().map(InFlightStep::parse);
    match &in_flight {
        None | Some(InFlightStep::Unknown) => {}
        Some(InFlightStep::Again) => change.in_flight = Some(None),
        Some(InFlightStep::Seen {
            digest,
            catalog_context,
            checksum,
            touches,
        }) => {
            let settings = settings_of(planning, tx, history, row);
            match digest_in_context(tx, catalog_context, touches, settings)? {
                None => change.in_flight = Some(Some(&unknown)),
                Some(now) => {
                    change.in_flight = Some(None);
                    if now != *digest {
                        change.progress = Some(row.progress + 1);
                        change.checksum = (row.phase == Phase::Applying).then_some(*checksum);
                    }
                }
            }
        }
    }
    tx.history_writer().update_row(row.id(), row.claim.as_deref(), &change)
}

/// Returns a digest of the objects under the session settings of the interrupted run, or `None` if this session cannot
/// have those settings.
fn digest_in_context(
    connection: &mut Connection<'_>,
    catalog_context: &str,
    touches: &[String],
    settings: Vec<String>,
) -> Result<Option<String>, Error> {
    let read = |connection: &mut Connection<'_>| -> Result<Option<String>, DriverError> {
        if connection.catalog_context()? == catalog_context {
            return connection.object_digest(touches);
        }
        for sql in settings {
            connection.execute(&sql)?;
        }
        let digest = match connection.catalog_context()? == catalog_context {
            true => connection.object_digest(touches)?,
            false => None,
        };
        connection.restore_baseline()?;
        Ok(digest)
    };
    read(connection).map_err(|error| connection.error("the schema cannot be read", error))
}

/// Returns the statements by which the completed steps of a migration set their session.
fn settings_of(
    planning: &mut Planning,
    connection: &Connection<'_>,
    history: &History,
    row: &HistoryRow,
) -> Vec<String> {
    let Some(migration) = planning.registry().get(row.id()).copied() else {
        return Vec::new();
    };
    let planned = planning.plan_one(connection.plan_for(), history, None, &migration, direction_of(row));
    let steps = planned.map(|planned| planned.steps).unwrap_or_default();
    let done = steps.iter().take(row.progress);
    done.filter(|step| step.session_effect() == SessionEffect::Setting)
        .filter_map(|step| step.sql().map(str::to_owned))
        .collect()
}
