//! The one public error: what went wrong, where, what state the database is in, and what to do next.
//!
//! One opaque type for the whole crate, because users rarely branch on more than its [`ErrorKind`], while every failure
//! owes them the same facts. Its texts are built where the failure is noticed.

use std::fmt;

use crate::location::Location;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why something could not be done.
///
/// Printed, it is the whole story on several lines; the parts are there one by one as well. Nothing in it holds a
/// password. `Debug` prints the same text, so that `fn main() -> Result<(), migrate_core::Error>` reads well.
pub struct Error(Box<Parts>);

#[derive(Default)]
struct Parts {
    kind: ErrorKind,
    message: String,
    diagnostics: Vec<Diagnostic>,
    migration: Option<String>,
    location: Option<Location>,
    statement: Option<String>,
    cause: Option<Cause>,
    state: Option<String>,
    next: Vec<String>,
}

const NOTHING_CHANGED: &str = "nothing was changed";

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No migration is registered.
    NoMigrations,
    /// Two migrations share group and version.
    DuplicateVersion,
    /// A migration is written wrongly; noticed before anything ran.
    InvalidMigration,
    /// A target names what does not exist, or asks for more than there is.
    InvalidTarget,
    /// A setting, such as the history table's name, is not usable.
    InvalidSetting,
    /// History holds a version that is not linked.
    Missing,
    /// A migration differs from what was applied.
    Changed,
    /// A pending migration is older than an applied one, and strict order was asked for.
    OutOfOrder,
    /// A migration outside a transaction was cut off half way.
    Interrupted,
    /// The run was stopped by who started it.
    Stopped,
    /// Somebody else held the lock for too long.
    Locked,
    /// The history table is of another shape, was written by a newer version, or was edited by hand.
    History,
    /// A step failed in the database, or in Rust.
    StepFailed,
    /// A step ended the transaction that it ran in.
    TransactionEnded,
    /// The database could not be reached or did not answer as it should.
    #[default]
    Database,
}

impl ErrorKind {
    /// Its name for machines, such as `"step_failed"`. It never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::NoMigrations => "no_migrations",
            ErrorKind::DuplicateVersion => "duplicate_version",
            ErrorKind::InvalidMigration => "invalid_migration",
            ErrorKind::InvalidTarget => "invalid_target",
            ErrorKind::InvalidSetting => "invalid_setting",
            ErrorKind::Missing => "missing",
            ErrorKind::Changed => "changed",
            ErrorKind::OutOfOrder => "out_of_order",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Stopped => "stopped",
            ErrorKind::Locked => "locked",
            ErrorKind::History => "history",
            ErrorKind::StepFailed => "step_failed",
            ErrorKind::TransactionEnded => "transaction_ended",
            ErrorKind::Database => "database",
        }
    }
}

/// One of several things that are wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where, if it is in the user's source.
    pub location: Option<Location>,
    /// What, and what to write instead.
    pub message: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Parts {
            kind,
            message: message.into(),
            ..Parts::default()
        }))
    }

    /// Everything that is wrong with migrations, found while planning.
    pub(crate) fn of_diagnostics(diagnostics: Vec<Diagnostic>) -> Error {
        let mut error = Error::new(ErrorKind::InvalidMigration, "there are mistakes in the migrations");
        error.0.diagnostics = diagnostics;
        error.nothing_changed().next("fix the lines above")
    }

    pub(crate) fn diagnostic(mut self, location: Option<Location>, message: impl Into<String>) -> Error {
        self.0.diagnostics.push(Diagnostic {
            location,
            message: message.into(),
        });
        self
    }

    pub(crate) fn migration(mut self, migration: impl fmt::Display) -> Error {
        self.0.migration = Some(migration.to_string());
        self
    }

    pub(crate) fn at(mut self, location: Location) -> Error {
        self.0.location = Some(location);
        self
    }

    pub(crate) fn statement(mut self, statement: impl Into<String>) -> Error {
        self.0.statement = Some(statement.into());
        self
    }

    pub(crate) fn with_cause(mut self, cause: impl Into<Cause>) -> Error {
        self.0.cause = Some(cause.into());
        self
    }

    pub(crate) fn state(mut self, state: impl Into<String>) -> Error {
        self.0.state = Some(state.into());
        self
    }

    /// More about the state the database is in: what was done before this failed.
    pub(crate) fn and_state(mut self, more: &str) -> Error {
        self.0.state = Some(match self.0.state.as_deref() {
            None | Some(NOTHING_CHANGED) => more.to_owned(),
            Some(state) => format!("{state}; {more}"),
        });
        self
    }

    pub(crate) fn nothing_changed(self) -> Error {
        self.state(NOTHING_CHANGED)
    }

    pub(crate) fn next(mut self, next: impl Into<String>) -> Error {
        self.0.next.push(next.into());
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Everything that was found wrong at once, such as all mistakes of a plan.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// The migration that failed: its version and name.
    #[must_use]
    pub fn failed_migration(&self) -> Option<&str> {
        self.0.migration.as_deref()
    }

    /// The line of the user's source that the failing step was written in.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.0.location
    }

    /// The statement that failed, or the name of the Rust step.
    #[must_use]
    pub fn failed_statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// What the database said, or what the Rust step returned.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// What state the database is in now.
    #[must_use]
    pub fn database_state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }

    /// What to do next; each line is one way.
    #[must_use]
    pub fn next_steps(&self) -> &[String] {
        &self.0.next
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for diagnostic in &self.0.diagnostics {
            match diagnostic.location {
                Some(location) => entry(f, &location.to_string(), &diagnostic.message)?,
                None => entry(f, "-", &diagnostic.message)?,
            }
        }
        if let Some(migration) = &self.0.migration {
            entry(f, "migration", migration)?;
        }
        if let Some(location) = self.0.location {
            entry(f, "at", &location.to_string())?;
        }
        if let Some(statement) = &self.0.statement {
            entry(f, "statement", statement)?;
        }
        if let Some(cause) = &self.0.cause {
            entry(f, "cause", &cause.to_string())?;
        }
        if let Some(state) = &self.0.state {
            entry(f, "state", state)?;
        }
        for next in &self.0.next {
            entry(f, "next", next)?;
        }
        Ok(())
    }
}

/// One labelled line; further lines of the text are indented under the first.
fn entry(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut lines = text.trim().lines();
    let label = if label == "-" {
        "  -".to_owned()
    } else {
        format!("  {label}:")
    };
    write!(f, "\n{label} {}", lines.next().unwrap_or_default())?;
    for line in lines {
        write!(f, "\n    {line}")?;
    }
    Ok(())
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// `source` stays empty on purpose: the cause is part of the text, and a chain printer would say it twice.
impl std::error::Error for Error {}
