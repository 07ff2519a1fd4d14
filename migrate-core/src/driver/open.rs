//! Opens the database of a URL, with the connection type of its dialect.

use std::fmt;

use crate::code::Code;
use crate::database_url::{DatabaseUrl, InvalidDatabaseUrl};

/// A connection type that a URL can open. Each driver implements it.
#[cfg(feature = "_driver")]
pub(crate) trait Open: Sized {
    fn open(url: &DatabaseUrl, missing: MissingFile) -> Result<Self, OpenError>;
}

/// What to do if a SQLite file does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingFile {
    /// Create it.
    Create,
    /// Use an empty database in memory instead.
    ReadAsEmpty,
}

/// The reason why a database cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The feature of the database is not enabled.
    NotEnabled {
        /// The feature of this crate.
        feature: &'static str,
    },
    /// The URL cannot be passed to the database's client.
    InvalidUrl {
        /// The headline: one sentence.
        message: String,
        /// The likeliest fix.
        help: &'static str,
    },
    /// The client, or the server, reported an error.
    Failed {
        /// The headline: one sentence.
        message: String,
        /// The error.
        cause: String,
        /// The likeliest fix.
        help: &'static str,
    },
}

impl OpenError {
    /// The stable code; `docs/errors.md` describes each.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            OpenError::NotEnabled { .. } => Code::DRIVER_NOT_ENABLED,
            OpenError::InvalidUrl { .. } => Code::INVALID_DATABASE_URL,
            OpenError::Failed { .. } => Code::CANNOT_OPEN_DATABASE,
        }
    }

    #[cfg(feature = "_driver")]
    pub(super) fn failed(url: &DatabaseUrl, cause: impl fmt::Display, help: &'static str) -> OpenError {
        OpenError::Failed {
            message: format!("{url} cannot be opened"),
            // libpq ends its messages with a line break.
            cause: cause.to_string().trim_end().to_owned(),
            help,
        }
    }
}

impl From<InvalidDatabaseUrl> for OpenError {
    fn from(error: InvalidDatabaseUrl) -> OpenError {
        OpenError::InvalidUrl {
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::NotEnabled { feature } => {
                write!(
                    f,
                    "this program is built without the feature `{feature}` of migrate-core"
                )
            }
            OpenError::InvalidUrl { message, .. } => f.write_str(message),
            OpenError::Failed { message, cause, .. } => write!(f, "{message}: {cause}"),
        }
    }
}

impl std::error::Error for OpenError {}
