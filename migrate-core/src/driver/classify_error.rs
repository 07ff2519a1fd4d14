//! The classification of database errors.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::{DriverError, DriverErrorKind};
use crate::render::REBUILT;

impl From<DieselError> for DriverError {
    fn from(error: DieselError) -> DriverError {
        // Messages show a table under rebuild by the name that the user knows.
        DriverError {
            kind: kind_of_error(&error),
            message: message_of(&error).replace(REBUILT, ""),
        }
    }
}

pub(super) fn kind_of_error(error: &DieselError) -> DriverErrorKind {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _) => DriverErrorKind::ConnectionLost,
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => DriverErrorKind::UniqueViolation,
        DieselError::DatabaseError(DatabaseErrorKind::NotNullViolation, _) => DriverErrorKind::NotNullViolation,
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => DriverErrorKind::ForeignKeyViolation,
        DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, _) => DriverErrorKind::CheckViolation,
        error => kind_of(&message_of(error)),
    }
}

pub(super) fn message_of(error: &DieselError) -> String {
    match error {
        DieselError::DatabaseError(_, information) => match information.details() {
            Some(details) => format!("{} ({details})", information.message()),
            None => information.message().to_owned(),
        },
        other => other.to_string(),
    }
}

/// Diesel passes on a message without its code. SQLite's texts are fixed for each code
/// (<https://sqlite.org/rescode.html>, `sqlite3_errstr`). Servers answer in their configured language; this function
/// recognizes the English texts.
pub(super) fn kind_of(message: &str) -> DriverErrorKind {
    match message {
        "database is locked"
        | "database table is locked"
        | "database schema is locked: main"
        | "canceling statement due to lock timeout"
        | "deadlock detected"
        | "Lock wait timeout exceeded; try restarting transaction"
        | "Deadlock found when trying to get lock; try restarting transaction" => DriverErrorKind::Locked,
        "file is not a database" => DriverErrorKind::NotADatabase,
        "attempt to write a readonly database" | "unable to open database file" => DriverErrorKind::ReadOnly,
        _ if ["ALGORITHM=INPLACE", "LOCK=NONE"]
            .iter()
            .any(|demand| message.starts_with(demand) && message[demand.len()..].starts_with(" is not supported")) =>
        {
            DriverErrorKind::WouldCopy
        }
        // These messages continue with the locked object or the holder.
        _ if message.starts_with("deadlock detected (") || message.starts_with("could not obtain lock on ") => {
            DriverErrorKind::Locked
        }
        _ if message.starts_with("permission denied for ") => DriverErrorKind::Denied,
        _ if message.starts_with("prepared statement \"__diesel_stmt_") => DriverErrorKind::StatementOfOthers,
        _ => of_rows(message).unwrap_or_else(|| match LOST.iter().any(|lost| message.contains(lost)) {
            true => DriverErrorKind::ConnectionLost,
            false => DriverErrorKind::Other,
        }),
    }
}

/// Returns the kind of constraint that rows violate, from the English texts of MySQL and MariaDB. Diesel reports no kind
/// for a text that may hold several statements. <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>
fn of_rows(message: &str) -> Option<DriverErrorKind> {
    let begins = |beginning: &str| message.starts_with(beginning);
    Some(match message {
        _ if begins("Duplicate entry '") => DriverErrorKind::UniqueViolation,
        _ if begins("Data truncated for column ") => DriverErrorKind::Truncated,
        "Invalid use of NULL value" => DriverErrorKind::NotNullViolation,
        _ if begins("Column '") && message.ends_with("' cannot be null") => DriverErrorKind::NotNullViolation,
        _ if message.contains(": a foreign key constraint fails (") => DriverErrorKind::ForeignKeyViolation,
        _ if begins("Check constraint '") && message.ends_with("' is violated.") => DriverErrorKind::CheckViolation,
        _ if begins("CONSTRAINT `") && message.contains("` failed for `") => DriverErrorKind::CheckViolation,
        _ => return None,
    })
}

/// The messages of PostgreSQL, MySQL and MariaDB clients after the server has closed the connection.
const LOST: [&str; 5] = [
    "server closed the connection unexpectedly",
    "terminating connection due to ",
    "Lost connection to ",
    "erver has gone away",
    "Connection was killed",
];
