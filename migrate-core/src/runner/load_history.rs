//! Reads history, and explains a table that is not a valid history table.

use super::session::Connection;
use crate::code::Code;
use crate::driver::{DriverError, DriverErrorKind, HistoryVersion};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::columns::{COLUMNS, lacking};
use crate::history::{BadRows, History, Phase};

/// The fix for a history table that this tool did not write.
const REVERT_EDIT: &str = "if the history table was edited by hand, revert the edit";

/// History at one moment.
pub(super) struct LoadedHistory {
    /// `None` if the history table does not exist.
    pub(super) history: Option<History>,
    /// The history version, if it came with the rows.
    pub(super) version: Option<HistoryVersion>,
}

/// Reads history with all that people see of it. The dialect of the connection is known afterwards.
pub(super) fn load(connection: &mut Connection<'_>) -> Result<LoadedHistory, Error> {
    load_with(connection, true)
}

/// Reads history to decide what to apply. Messages about unfinished or invalid rows show all of a row.
pub(super) fn load_to_decide(connection: &mut Connection<'_>) -> Result<LoadedHistory, Error> {
    let is_unfinished = |history: &History| history.rows().iter().any(|row| row.phase != Phase::Applied);
    match load_with(connection, false) {
        Ok(loaded) if loaded.history.as_ref().is_some_and(is_unfinished) => load(connection),
        Err(error) if error.code() == Code::NEWER_HISTORY => load(connection),
        result => result,
    }
}

fn load_with(connection: &mut Connection<'_>, with_details: bool) -> Result<LoadedHistory, Error> {
    let table = connection.table().clone();
    match connection.history(&table, with_details) {
        Ok(None) => {
            connection.settle_dialect(None)?;
            Ok(LoadedHistory {
                history: None,
                version: Some(HistoryVersion::NoTable),
            })
        }
        Ok(Some(stored)) => {
            connection.settle_dialect(stored.version)?;
            match History::from_stored(stored.rows) {
                Ok(history) => Ok(LoadedHistory {
                    history: Some(history),
                    version: stored.history_version,
                }),
                Err(bad) => Err(invalid_rows(table.name(), bad)),
            }
        }
        Err(error) if matches!(error.kind, DriverErrorKind::Locked | DriverErrorKind::Denied) => {
            Err(connection.error("history cannot be read", error))
        }
        Err(error) => {
            let columns = connection.columns(&table).unwrap_or_default();
            match columns.is_empty() {
                true => Err(connection.error("history cannot be read", error)),
                false => Err(invalid_table(connection, &columns, error)),
            }
        }
    }
}

/// Reads the rows of history; none if its table does not exist.
pub(super) fn load_rows(connection: &mut Connection<'_>) -> Result<History, Error> {
    Ok(load(connection)?.history.unwrap_or_default())
}

/// Reads the history version; `None` if it cannot be known now.
pub(super) fn load_version(connection: &mut Connection<'_>) -> Result<Option<HistoryVersion>, Error> {
    let table = connection.table().clone();
    connection
        .history_version(&table)
        .map_err(|error| connection.error("history cannot be read", error))
}

/// Builds the error for a table that exists with these columns, but cannot be read as history.
fn invalid_table(connection: &Connection<'_>, columns: &[String], error: DriverError) -> Error {
    let table = connection.table().name();
    let missing = lacking(columns);
    let lacks: Vec<&str> = missing.iter().map(|column| column.name).collect();
    if lacks.is_empty() {
        return Error::new(
            Code::INVALID_HISTORY,
            format!("the history table {table} cannot be read"),
        )
        .with_cause(error)
        .nothing_changed()
        .help(REVERT_EDIT);
    }
    if lacks.len() < COLUMNS.len() / 2 {
        let columns: Vec<String> = missing.iter().map(|column| column.sql()).collect();
        return Error::new(
            Code::INVALID_HISTORY,
            format!("the history table {table} lacks the columns {}", lacks.join(", ")),
        )
        .nothing_changed()
        .help(format!("add the columns: `{}`", columns.join("`, `")));
    }
    Error::new(
        Code::INVALID_HISTORY,
        format!("the table {table} is not a history table"),
    )
    .finding(None, format!("it lacks the columns {}", lacks.join(", ")))
    .nothing_changed()
    .help(Help::new("choose another name for the history table with ").advice(Advice::HistoryTable))
}

fn invalid_rows(table: &str, bad: BadRows) -> Error {
    match bad {
        BadRows::Newer { format, tool_version } => Error::new(
            Code::NEWER_HISTORY,
            format!("the history table {table} has the newer format {format}"),
        )
        .nothing_changed()
        .help(format!("use version {tool_version} of this tool or a newer one")),
        BadRows::Edited(rows) => {
            let mut error = Error::new(
                Code::INVALID_HISTORY,
                format!("the history table {table} contains invalid rows"),
            );
            for row in rows {
                error = error.with_diagnostic(row.at(None));
            }
            error.nothing_changed().help(REVERT_EDIT)
        }
    }
}
