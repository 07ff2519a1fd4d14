//! A place in the user's source, for messages.

use std::fmt;
use std::panic::Location;

/// A file and line in the user's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The path as the compiler was given it: relative to the workspace for its members.
    pub file: &'static str,
    /// The line, counted from 1.
    pub line: u32,
}

impl Place {
    /// Where the nearest `#[track_caller]` function was called.
    #[track_caller]
    pub(crate) fn of_caller() -> Place {
        let location = Location::caller();
        Place {
            file: location.file(),
            line: location.line(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
