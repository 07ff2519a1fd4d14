//! One finding about the user's source: its code, its location, the headline and the help.

use std::fmt;

use crate::code::Code;
use crate::location::Location;

/// One of several errors that were found at once, such as those of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// The line of the user's source, if the diagnostic is about one.
    pub location: Option<Location>,
    /// The headline: one sentence.
    pub message: String,
    /// The likeliest fix.
    pub help: Option<String>,
}

/// Prints the headline with its code, and the help; not the location.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

/// A [`Diagnostic`] that has no location yet.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    code: Code,
    message: String,
    help: Option<String>,
}

impl Code {
    /// Creates a mistake with this code.
    #[doc(hidden)]
    pub fn mistake(self, message: impl Into<String>) -> Mistake {
        Mistake {
            code: self,
            message: message.into(),
            help: None,
        }
    }
}

#[doc(hidden)]
impl Mistake {
    /// Sets the likeliest fix.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Mistake {
        self.help = Some(help.into());
        self
    }

    /// Returns the mistake with its location in the user's source.
    #[must_use]
    pub fn at(self, location: impl Into<Option<Location>>) -> Diagnostic {
        Diagnostic {
            code: self.code,
            location: location.into(),
            message: self.message,
            help: self.help,
        }
    }
}
