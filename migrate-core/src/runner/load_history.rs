//! Reads history, and explains a table that is not a valid history table.

use super::session::Connection;
use crate::code::Code;
use crate::driver::{DriverError, DriverErrorKind};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::table::COLUMNS;
use crate::history::{BadRows, History};

/// The fix for a history table that this tool did not write.
const REVERT_EDIT: &str = "if the history table was edited by hand, revert the edit";

/// History at one moment.
pub(super) struct LoadedHistory {
    /// `None` if the history table does not exist.
    pub(super) history: Option<History>,
    /// The history version, if it came with the rows.
    pub(super) version: Option<i64>,
}

/// Reads history. The dialect of the connection is known afterwards.
pub(super) fn load(connection: &mut Connection<'_>) -> Result<LoadedHistory, Error> {
    let table = connection.table().clone();
    match connection.history(&table) {
        Ok(None) => {
            connection.settle_dialect(None)?;
            Ok(LoadedHistory {
                history: None,
                version: None,
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
pub(super) fn load_version(connection: &mut Connection<'_>) -> Result<Option<i64>, Error> {
    let table = connection.table().clone();
    connection
        .history_version(&table)
        .map_err(|error| connection.error("history cannot be read", error))
}

/// Builds the error for a table that exists with these columns, but cannot be read as history.
fn invalid_table(connection: &Connection<'_>, columns: &[String], error: DriverError) -> Error {
    let table = connection.table().name();
    let lacks: Vec<&str> = COLUMNS
        .into_iter()
        .filter(|column| !columns.iter().any(|name| name == column))
        .collect();
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
        let create = connection.table().create();
        let column = |name: &&str| create.lines().map(str::trim).find(|line| line.starts_with(*name));
        let columns: Vec<&str> = lacks
            .iter()
            .filter_map(column)
            .map(|line| line.trim_end_matches(','))
            .collect();
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
