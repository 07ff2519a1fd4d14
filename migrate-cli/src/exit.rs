//! The exit codes.

use std::process::ExitCode;

use crate::interrupt;

/// The result of a command, as an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Exit {
    /// 0: success, or nothing to do.
    Done,
    /// 1: failure.
    Failed,
    /// 2: wrong usage, such as an unknown command, a malformed URL, an unknown version or a confirmation that was not
    /// given.
    Usage,
    /// 3: `status --exit-code` found a migration that is pending, out of order, changed, missing or interrupted.
    Pending,
    /// 130: stopped by Ctrl-C, SIGTERM or SIGHUP before the command finished.
    Stopped,
}

impl Exit {
    /// Returns the number of the exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Pending => 3,
            Exit::Stopped => interrupt::EXIT_CODE,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
