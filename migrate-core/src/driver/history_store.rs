//! History as a database stores it: its rows, its version, and transactions that depend on its version.

use std::time::Duration;

use super::DriverError;
use crate::dialect::DialectVersion;
use crate::history::StoredRow;
use crate::history::table::HistoryTable;
use crate::migration::Direction;

/// The history table of a database.
#[doc(hidden)]
pub trait HistoryStore {
    /// Returns the history rows, or `None` if the history table does not exist. Without details it does not decode the
    /// columns that no decision needs.
    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError>;

    /// Returns the column names of the history table; none if the table does not exist.
    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError>;

    /// Returns the history version, or `None` if it cannot be known now.
    fn history_version(&mut self, table: &HistoryTable) -> Result<Option<HistoryVersion>, DriverError>;

    /// Returns the history version as it will be after the commit of the open transaction, or `None` if the commit does
    /// not change it.
    fn history_version_after_commit(&mut self, _table: &HistoryTable) -> Result<Option<HistoryVersion>, DriverError> {
        Ok(None)
    }

    /// Returns true if several statements, and transactions, can travel in one message.
    fn has_pipelines(&self) -> bool {
        false
    }

    /// Returns the SQL around the statements of one pipelined transaction, the one at `position` of its run. It takes the
    /// lock, and continues only if history is as expected. Returns `None` if the database does not support pipelines.
    fn pipeline_envelope(
        &self,
        _table: &HistoryTable,
        _run: &str,
        _wait: Duration,
        _expected: HistoryVersion,
        _direction: Direction,
        _position: usize,
    ) -> Option<PipelineEnvelope> {
        None
    }

    /// Returns the last pipelined transaction that a run has committed in this server session.
    fn last_pipelined(&mut self, _run: &str) -> Result<LastPipelined, DriverError> {
        Ok(LastPipelined::default())
    }
}

/// The history rows, with the versions that the query returned.
#[doc(hidden)]
#[derive(Debug)]
pub struct StoredRows {
    pub(crate) rows: Vec<StoredRow>,
    /// The dialect and server version, if they came with the rows.
    pub(crate) version: Option<DialectVersion>,
    /// The history version at the time of the read, if it came with the rows.
    pub(crate) history_version: Option<HistoryVersion>,
}

/// A state of history, to find out if another connection has changed it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryVersion {
    /// The history table does not exist.
    NoTable,
    /// A number that changes when another connection changes history.
    Number(i64),
    /// The state that the last pipelined transaction of the run left. Only the server knows its number.
    LeftByRun,
}

/// The last pipelined transaction of a run in a server session.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct LastPipelined {
    /// Its position in the run; `None` if the run has committed none in this session.
    pub(crate) position: Option<usize>,
    /// The server session, where a pooler may share sessions.
    pub(crate) session: Option<i64>,
}

/// The SQL around the statements of one pipelined transaction.
#[doc(hidden)]
#[derive(Debug)]
pub struct PipelineEnvelope {
    pub(crate) opening: String,
    /// An SQL expression for the duration of the transaction, in milliseconds.
    pub(crate) duration_ms: &'static str,
    /// A clause of the statement that records the migration. It tells the server session what the run has done.
    pub(crate) returning: String,
}
