//! Source locations for messages.

use std::fmt;

/// A file and line of the user's source. It prints as `file:line`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The path, as the compiler received it: relative to the workspace for workspace members.
    pub file: &'static str,
    /// The line number, starting at 1.
    pub line: u32,
}

impl Location {
    /// Returns the location of the caller of the nearest `#[track_caller]` function.
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
