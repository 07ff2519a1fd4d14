//! The words for raw SQL that a dialect refuses as one step.

use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::sql::{StatementInfo, Statements, TokenizeError};

/// Checks that raw SQL holds a statement that its database reads to the end.
///
/// # Errors
///
/// The problem, and what to do.
pub(super) fn check_has_statement(raw: &StatementInfo) -> Result<(), Mistake> {
    match raw.statements {
        Statements::CutByNul => Err(Code::NUL_IN_SQL
            .mistake("this SQL contains a NUL character")
            .help("remove the character")),
        Statements::None => Err(Code::NO_STATEMENT
            .mistake("this SQL contains no statement")
            .help("write a statement, or remove the step")),
        Statements::One | Statements::Several | Statements::Unreadable(_) => Ok(()),
    }
}

/// Checks that raw SQL is one statement. `why` follows "several statements" in the message.
///
/// # Errors
///
/// The problem, and what to do.
pub(super) fn check_is_one(raw: &StatementInfo, why: &str) -> Result<(), Mistake> {
    match raw.statements {
        Statements::Several => Err(Code::SEVERAL_STATEMENTS
            .mistake(format!("this SQL contains several statements{why}"))
            .help("write one `execute` for each statement")),
        Statements::Unreadable(error) => {
            let mistake = Code::UNREADABLE_SQL.mistake(format!("this SQL contains {error}, in line {}", error.line()));
            Err(mistake.help(match error {
                TokenizeError::Unclosed { .. } => "close it",
                TokenizeError::AmbiguousComment { .. } => "remove the comment, or its version number",
            }))
        }
        Statements::One | Statements::None | Statements::CutByNul => Ok(()),
    }
}

/// Checks that the first statement does not begin or end a transaction or a savepoint.
///
/// # Errors
///
/// The keyword, and what to do instead.
pub(super) fn check_leaves_transactions_alone(raw: &StatementInfo) -> Result<(), Mistake> {
    match raw.transaction_word() {
        Some(word) => Err(Code::TRANSACTION_STATEMENT
            .mistake(format!(
                "`{word}` has no effect here: each step is committed separately"
            ))
            .help("remove it; for statements that belong together write a Rust step with `conn.transaction(..)`")),
        None => Ok(()),
    }
}
