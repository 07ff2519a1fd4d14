//! The errors of a command.

use migrate_core::database::OpenError;
use migrate_core::error::Diagnostic;
use migrate_core::{Code, Error, ErrorKind};

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
        help: &'static str,
    },
    /// A file cannot be read or written.
    File {
        code: Code,
        message: String,
        cause: String,
        help: String,
    },
    /// `check` found errors.
    Check {
        diagnostics: Vec<Diagnostic>,
        help: Vec<String>,
        /// The difference between a stale `schema.rs` and its new text.
        diff: Option<String>,
    },
    /// An error of migrate-core.
    Core(Error),
}

/// An error in the arguments or the settings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageError {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl UsageError {
    pub(crate) fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> UsageError {
        UsageError {
            code,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl CliError {
    /// The stable code.
    pub(crate) fn code(&self) -> Code {
        match self {
            CliError::Usage(error) => error.code,
            CliError::Open { .. } => Code::CANNOT_OPEN_DATABASE,
            CliError::File { code, .. } => *code,
            CliError::Check { .. } => Code::CHECK_FOUND_ERRORS,
            CliError::Core(error) => error.code(),
        }
    }

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
pub(crate) const CHECK_FAILED: &str = Code::CHECK_FOUND_ERRORS.title();

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> CliError {
        let code = error.code();
        match error {
            OpenError::Failed { message, cause, help } => CliError::Open { message, cause, help },
            OpenError::InvalidUrl { message, help } => UsageError::new(code, message, help).into(),
            OpenError::NotEnabled { feature } => UsageError::new(
                code,
                format!("this program is built without the feature `{feature}` of migrate-cli"),
                format!("enable it in Cargo.toml: migrate-cli = {{ .., features = [\"{feature}\"] }}"),
            )
            .into(),
        }
    }
}

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
