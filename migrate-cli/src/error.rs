//! Everything that a command can fail with.

use migrate_core::{Diagnostic, Error, ErrorKind};

use crate::exit::Exit;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum CliError {
    /// What was asked for cannot be meant.
    Usage(UsageError),
    /// The database could not be opened.
    Open {
        message: String,
        cause: String,
        next: String,
    },
    /// A file could not be read or written.
    File {
        message: String,
        cause: String,
        next: String,
    },
    /// `check` found something.
    Check {
        diagnostics: Vec<Diagnostic>,
        next: Vec<String>,
    },
    /// The library's own error.
    Core(Error),
}

/// A mistake in what was asked for.
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

/// The one line that `check` says before what it found.
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
