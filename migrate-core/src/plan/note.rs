//! Warnings and notes that a plan prints for its reader.

use std::fmt;

use crate::code::Code;

/// A warning or a note about a step of a [`Plan`](crate::Plan).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    code: Option<Code>,
    message: String,
}

impl Note {
    pub(crate) fn warning(code: Code, message: impl Into<String>) -> Note {
        Note {
            code: Some(code),
            message: message.into(),
        }
    }

    pub(crate) fn info(message: impl Into<String>) -> Note {
        Note {
            code: None,
            message: message.into(),
        }
    }

    /// The stable code of a warning; `None` for a note.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// The message without the code.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Prints `warning[M0601]: ..` or `note: ..`.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "warning[{code}]: {}", self.message),
            None => write!(f, "note: {}", self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Note;
    use crate::Code;

    #[test]
    fn only_a_warning_prints_a_code() {
        let warning = Note::warning(Code::TABLE_ROWS_LOST, "the rows of `users` are lost");
        assert_eq!(warning.to_string(), "warning[M0601]: the rows of `users` are lost");
        let note = Note::info("`users` is restored without its rows");
        assert_eq!(note.to_string(), "note: `users` is restored without its rows");
    }
}
