//! Reads SQL text: the only place that knows the lexical rules of the dialects.
//!
//! It knows tokens, where a statement ends, and the first words of statements. It knows no other grammar. What it does
//! not understand is an error or unknown, never harmless.

#[cfg(feature = "sqlite")]
mod cursor;
mod effect;
mod expression;
mod literal;
#[cfg(test)]
mod oracle;
mod split;
mod statement;
mod token;
mod tokenizer;

#[cfg(feature = "sqlite")]
pub(crate) use cursor::{Cursor, SpannedToken, spelled};
#[cfg(feature = "testing")]
pub(crate) use effect::written_table;
pub(crate) use effect::{Effect, SessionEffect, effects};
pub(crate) use expression::{
    ExpressionProblem, check_expression, is_certain, is_qualified_by, mentions, normalize, renamed, selects_star,
};
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub(crate) use literal::literals_of;
pub(crate) use literal::text_values;
#[cfg(feature = "mysql")]
pub(crate) use literal::unescaped;
pub(crate) use statement::{Concurrent, StatementInfo, Statements};
#[cfg(feature = "mysql")]
pub(crate) use token::Escapes;
pub(crate) use token::{Token, TokenKind, TokenizeError};
pub(crate) use tokenizer::{reads_backslash_escapes, tokenize};
