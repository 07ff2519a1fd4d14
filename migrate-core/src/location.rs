//! A location in the user's source, for messages.

use std::fmt;

/// A file and line in the user's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The path as the compiler was given it: relative to the workspace for its members.
    pub file: &'static str,
    /// The line, counted from 1.
    pub line: u32,
}

impl Location {
    /// Where the nearest `#[track_caller]` function was called.
    #[track_caller]
    pub(crate) fn of_caller() -> Location {
        let caller = std::panic::Location::caller();
        Location {
            file: caller.file(),
            line: caller.line(),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
