//! The error for a database failure outside any migration.

use crate::code::Code;
use crate::driver::{DriverError, DriverErrorKind, Session};
use crate::error::Error;
use crate::help::{Advice, Help};

/// The fix for a file that cannot be written.
pub(super) const MAY_WRITE: &str = "make the file and its directory writable for this user";

/// Builds the error for a failure of a connection.
pub(super) fn database_error(driver: &mut dyn Session, what: &str, error: DriverError) -> Error {
    let database = driver.database_label();
    let hint = match error.kind {
        DriverErrorKind::Locked => driver.lock_holder_hint(),
        _ => String::new(),
    };
    describe(&database, &hint, what, error)
}

/// Builds the error for a failure in `database`. `lock_holder_hint` is advice on how to find the holder of a lock.
pub(super) fn describe(database: &str, lock_holder_hint: &str, what: &str, error: DriverError) -> Error {
    let failed = |code| Error::new(code, format!("{what} in {database}"));
    match error.kind {
        DriverErrorKind::Locked => Error::new(
            Code::LOCK_TIMEOUT,
            format!("timed out waiting for a lock on {database}"),
        )
        .with_cause(error)
        .nothing_changed()
        .help(format!("{lock_holder_hint}, then try again"))
        .help(wait_longer()),
        DriverErrorKind::Stopped => Error::new(Code::STOPPED, "the run was stopped while it waited for a lock")
            .with_cause(error)
            .nothing_changed()
            .help("try again when the other run has finished"),
        DriverErrorKind::NotADatabase => failed(Code::NOT_A_DATABASE)
            .with_cause(error)
            .nothing_changed()
            .help("check the path: the file is not a SQLite database, or it is encrypted"),
        DriverErrorKind::ReadOnly => failed(Code::READ_ONLY)
            .with_cause(error)
            .nothing_changed()
            .help(MAY_WRITE),
        DriverErrorKind::Denied => failed(Code::PERMISSION_DENIED)
            .with_cause(error)
            .help("grant this user the permission, or connect as a user that has it"),
        DriverErrorKind::ConnectionLost => failed(Code::CONNECTION_LOST)
            .with_cause(error)
            .state("the connection was lost; the database rolls back what was not committed")
            .help(Help::from(Advice::Status).text(" shows the current state; then try again")),
        DriverErrorKind::Busy
        | DriverErrorKind::WouldCopy
        | DriverErrorKind::UniqueViolation
        | DriverErrorKind::NotNullViolation
        | DriverErrorKind::ForeignKeyViolation
        | DriverErrorKind::CheckViolation
        | DriverErrorKind::Truncated
        | DriverErrorKind::StatementOfOthers
        | DriverErrorKind::Other => failed(Code::DATABASE_FAILED).with_cause(error).help(
            Help::new("fix the database error; ")
                .advice(Advice::Status)
                .text(" shows the current state"),
        ),
    }
}

pub(super) fn wait_longer() -> Help {
    Help::new("to wait longer, raise ").advice(Advice::LockTimeout)
}
