//! The one public error: the failure, its location, the state of the database, and the next step.
//!
//! One opaque type serves the whole crate, because users rarely branch on more than its [`ErrorKind`], and every failure
//! has the same parts. The code that detects a failure writes its texts.

use std::fmt;

use crate::report::Report;

pub use crate::code::{Code, ErrorKind};
pub use crate::diagnostic::Diagnostic;
pub use crate::dialect::UnknownDialect;
pub use crate::help::{Advice, Help};
pub use crate::location::Location;
pub use crate::version::InvalidVersion;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The error of every fallible function of this crate.
///
/// [`Display`](fmt::Display) prints it in the shape of rustc: the code and the headline, the location of the step, the
/// statement, the cause, a note with the state of the database, and at most two lines of help. The methods return the
/// parts one by one. No part contains a password. `Debug` prints the same text, so that
/// `fn main() -> Result<(), migrate_core::Error>` reads well.
///
/// ```
/// use migrate_core::{ErrorKind, Registry};
/// use migrate_core::error::Advice;
///
/// let error = Registry::of([]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NoMigrations);
/// assert_eq!(error.code().to_string(), "M0101");
/// assert!(error.to_string().starts_with("[M0101] "));
/// // The same text without the code, with the advice in other words.
/// let text = error.words(|advice| match advice {
///     Advice::Up => "`deploy`".to_owned(),
///     other => other.to_string(),
/// });
/// assert!(text.starts_with(error.message()));
/// ```
pub struct Error(Box<Parts>);

struct Parts {
    code: Code,
    message: String,
    diagnostics: Vec<Diagnostic>,
    migration: Option<String>,
    location: Option<Location>,
    statement: Option<String>,
    cause: Option<Cause>,
    state: Option<String>,
    help: Vec<Help>,
    report: Option<Report>,
}

const NOTHING_CHANGED: &str = "nothing was changed";

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Error {
        Error(Box::new(Parts {
            code,
            message: message.into(),
            diagnostics: Vec::new(),
            migration: None,
            location: None,
            statement: None,
            cause: None,
            state: None,
            help: Vec::new(),
            report: None,
        }))
    }

    /// Returns one error for all diagnostics of planning.
    pub(crate) fn of_diagnostics(diagnostics: Vec<Diagnostic>) -> Error {
        let headline = |count| format!("the migrations have {count} errors");
        Error::of_several(Code::INVALID_MIGRATIONS, diagnostics, headline).nothing_changed()
    }

    /// Returns several diagnostics as one error with this code and headline. A single one becomes the error itself.
    pub(crate) fn of_several(code: Code, diagnostics: Vec<Diagnostic>, headline: impl Fn(usize) -> String) -> Error {
        let mut error = match diagnostics.as_slice() {
            [only] => {
                let mut error = Error::new(only.code, &only.message);
                error.0.location = only.location;
                error.0.help.extend(only.help.as_deref().map(Help::from));
                error
            }
            several => Error::new(code, headline(several.len())),
        };
        error.0.diagnostics = diagnostics;
        error
    }

    /// Adds a diagnostic with the code of the error.
    pub(crate) fn finding(self, location: Option<Location>, message: impl Into<String>) -> Error {
        let diagnostic = self.0.code.mistake(message).at(location);
        self.with_diagnostic(diagnostic)
    }

    /// Adds a diagnostic with its own code.
    pub(crate) fn with_diagnostic(mut self, diagnostic: Diagnostic) -> Error {
        self.0.diagnostics.push(diagnostic);
        self
    }

    /// Adds the migrations that the run executed before it failed.
    pub(crate) fn with_report(mut self, report: Report) -> Error {
        self.0.report = Some(report);
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

    /// Adds to the state of the database, such as the work that completed before the failure.
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

    /// Adds a help. The likeliest comes first. An error has at most two; a further one is dropped.
    pub(crate) fn help(mut self, help: impl Into<Help>) -> Error {
        if self.0.help.len() < 2 {
            self.0.help.push(help.into());
        }
        self
    }

    /// Replaces all helps by one that fits better, such as in a test.
    #[cfg(all(feature = "testing", feature = "_driver"))]
    pub(crate) fn only_help(mut self, help: impl Into<Help>) -> Error {
        self.0.help.clear();
        self.help(help)
    }

    /// The stable code, such as `M0701`; `docs/errors.md` describes each.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind()
    }

    /// The headline: one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The diagnostics that were found at once, such as all errors of a plan. A single one is also the headline.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// The migration that failed: its version and name.
    #[must_use]
    pub fn failed_migration(&self) -> Option<&str> {
        self.0.migration.as_deref()
    }

    /// The location in the user's source: of the failed step, or of the migration.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.0.location
    }

    /// The statement that failed, or the name of the Rust step.
    #[must_use]
    pub fn failed_statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// The error of the database, or the error that the Rust step returned.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// The state of the database after the failure.
    #[must_use]
    pub fn database_state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }

    /// The helps, at most two, the likeliest first.
    #[must_use]
    pub fn helps(&self) -> &[Help] {
        &self.0.help
    }

    /// The migrations that the run executed before it failed; `None` if it executed none.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.0.report.as_ref().filter(|report| !report.is_empty())
    }

    /// The whole text without the code, with each [`Advice`] in the words that `word` gives for it.
    #[must_use]
    pub fn words(&self, word: impl Fn(&Advice) -> String) -> String {
        let parts = &self.0;
        let mut text = parts.message.clone();
        if let Some(location) = parts.location {
            text += &format!("\n  --> {location}");
        }
        let is_headline = |diagnostic: &Diagnostic| parts.diagnostics.len() == 1 && diagnostic.message == parts.message;
        for diagnostic in parts.diagnostics.iter().filter(|diagnostic| !is_headline(diagnostic)) {
            let label = match diagnostic.location {
                Some(location) => format!("{location}:"),
                None => "-".to_owned(),
            };
            let message = match diagnostic.code == parts.code {
                true => diagnostic.message.clone(),
                false => format!("[{}] {}", diagnostic.code, diagnostic.message),
            };
            entry(&mut text, &label, &message);
            if let Some(help) = &diagnostic.help {
                entry(&mut text, "  help:", help);
            }
        }
        if let Some(statement) = &parts.statement {
            entry(&mut text, "statement:", statement);
        }
        if let Some(cause) = &parts.cause {
            entry(&mut text, "cause:", &cause.to_string());
        }
        if let Some(state) = &parts.state {
            entry(&mut text, "note:", state);
        }
        for help in &parts.help {
            entry(&mut text, "help:", &help.words(&word));
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.0.code, self.words(ToString::to_string))
    }
}

/// Appends one labelled line; further lines of the text are indented under the first.
fn entry(text: &mut String, label: &str, lines: &str) {
    let mut lines = lines.trim().lines();
    *text += &format!("\n  {label} {}", lines.next().unwrap_or_default());
    for line in lines {
        *text += &format!("\n    {line}");
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// `source` returns nothing on purpose: the cause is part of the text, and a printer of error chains would repeat it.
impl std::error::Error for Error {}
