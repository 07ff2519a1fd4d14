//! The errors of a command.

use migrate_core::{Diagnostic, Error, ErrorKind};

use crate::exit::Exit;

/// The error of a command.
#[derive(Debug)]
pub(crate) enum CliError {
    /// The arguments or the settings are invalid.
    Usage(UsageError),
    /// The database cannot be opened.
    Open {
        message: String,
        cause: String,
        next: String,
    },
    /// A file cannot be read or written.
    File {
        message: String,
        cause: String,
        next: String,
    },
    /// `check` found problems.
    Check {
        diagnostics: Vec<Diagnostic>,
        next: Vec<String>,
    },
    /// An error of migrate-core.
    Core(Error),
}

/// An error in the arguments or the settings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageError {
    pub(crate) message: String,
    pub(crate) next: String,
}

impl UsageError {
    pub(crate) fn new(message: impl Into<String>, next: impl Into<String>) -> UsageError {
        UsageError {
            message: message.into(),
            next: next.into(),
        }
    }
}

impl CliError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            CliError::Usage(_) => Exit::Usage,
            CliError::Core(error) => match error.kind() {
                ErrorKind::InvalidTarget | ErrorKind::InvalidSetting => Exit::Usage,
                ErrorKind::Stopped => Exit::Stopped,
                _ => Exit::Failed,
            },
            CliError::Open { .. } | CliError::File { .. } | CliError::Check { .. } => Exit::Failed,
        }
    }
}

/// The headline of the diagnostics of `check`.
pub(crate) const NOT_READY: &str = "the migrations are not ready to be released";

impl From<UsageError> for CliError {
    fn from(error: UsageError) -> CliError {
        CliError::Usage(error)
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> CliError {
        CliError::Core(error)
    }
}
