//! A failed database operation, with its cause classified.

use std::fmt;

#[cfg(feature = "_driver")]
use super::classify_error::kind_of_error;

/// A failed database operation, with its cause classified.
#[doc(hidden)]
#[derive(Debug)]
pub struct DriverError {
    pub(crate) kind: DriverErrorKind,
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DriverErrorKind {
    /// Another connection held a lock longer than the allowed wait.
    Locked,
    /// Another run holds the lock; the message names it.
    Busy,
    /// The statement forbids a copy of the table, and the server cannot run it without one.
    WouldCopy,
    /// The run was stopped while it waited.
    Stopped,
    /// The connection is lost.
    ConnectionLost,
    /// The file is not a database.
    NotADatabase,
    /// The database file, or its directory, is not writable.
    ReadOnly,
    /// The database user lacks a privilege.
    Denied,
    /// Two rows have the same key.
    UniqueViolation,
    /// A row has NULL in a NOT NULL column.
    NotNullViolation,
    /// A row references a row that does not exist.
    ForeignKeyViolation,
    /// The expression of a CHECK is false for a row.
    CheckViolation,
    /// A value does not fit its column, or is NULL in a column that becomes NOT NULL. MariaDB reports both in the same
    /// words.
    Truncated,
    /// A prepared statement of another client, which a pooler has put into this server session.
    StatementOfOthers,
    Other,
}

impl DriverErrorKind {
    /// Classifies an error of a step, if the database or Diesel is its source.
    pub(crate) fn behind(error: &(dyn std::error::Error + 'static)) -> Option<DriverErrorKind> {
        let mut error = Some(error);
        while let Some(this) = error {
            if let Some(error) = this.downcast_ref::<DriverError>() {
                return Some(error.kind);
            }
            #[cfg(feature = "_driver")]
            if let Some(error) = this.downcast_ref::<diesel::result::Error>() {
                return Some(kind_of_error(error));
            }
            error = this.source();
        }
        None
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DriverError {}
