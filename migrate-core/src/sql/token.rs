//! Tokens of SQL text, and the reasons why text is not tokens.

use std::fmt;

use super::literal::unescaped;

/// A token of SQL text, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    pub(crate) text: &'a str,
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A bare keyword or name.
    Word,
    /// A name in quotes, backticks or brackets.
    QuotedName,
    /// A string literal with its prefix, such as `E'..'`. PostgreSQL continues one on the next line.
    Text(Escapes),
    /// A literal of bits or bytes: `X'..'` or `B'..'`.
    Bits,
    Number,
    /// A parameter, such as `$1`, `?` or `:name`.
    Parameter,
    /// A comment. The opening and closing marks of an executable comment are two comments; its content is code.
    Comment,
    Blank,
    /// One character of an operator, a parenthesis, a comma, a semicolon.
    Sign,
}

/// The escapes inside a string literal, beside a doubled quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escapes {
    None,
    /// The backslash escapes of `E'..'`.
    Postgres,
    /// The backslash escapes of MySQL and MariaDB.
    MySql,
    /// The Unicode escapes of `U&'..'`. A backslash does not escape a quote.
    Unicode,
    /// No escapes and no doubled quotes: `$$..$$`.
    Dollar,
}

impl Token<'_> {
    /// Returns true if the token is neither blank nor a comment.
    pub(crate) fn is_significant(&self) -> bool {
        !matches!(self.kind, TokenKind::Comment | TokenKind::Blank)
    }

    /// Returns true if the token is this bare word or sign, in any case.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// Returns true if the token is one of these bare words or signs, in any case.
    pub(crate) fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Returns the name without its quotes, or `None` for a token that is no name.
    pub(crate) fn name(&self) -> Option<String> {
        match self.kind {
            TokenKind::Word => Some(self.text.to_owned()),
            TokenKind::QuotedName => {
                let open = self.text.find(['"', '`', '['])?;
                let inside = &self.text[open + 1..self.text.len() - 1];
                Some(match self.text.as_bytes()[open] {
                    b'[' => inside.to_owned(),
                    // The prefix of a Unicode escape.
                    _ if open > 0 => unescaped(&inside.replace("\"\"", "\""), Escapes::Unicode),
                    b'`' => inside.replace("``", "`"),
                    _ => inside.replace("\"\"", "\""),
                })
            }
            _ => None,
        }
    }
}

/// The reason why text cannot be split into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenizeError {
    /// Something opens and never closes.
    Unclosed {
        opener: Opener,
        /// The line, from 1.
        line: usize,
    },
    /// A comment with a version number, such as `/*!80000 .. */`, ends elsewhere on a server that executes it.
    AmbiguousComment {
        /// The line, from 1.
        line: usize,
    },
}

/// What opens and never closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    Quote(char),
    Comment,
    /// `$$` or `$tag$`.
    Dollar,
}

impl TokenizeError {
    /// Returns the line of the text, from 1.
    pub(crate) fn line(self) -> usize {
        match self {
            TokenizeError::Unclosed { line, .. } | TokenizeError::AmbiguousComment { line } => line,
        }
    }
}

impl fmt::Display for TokenizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenizeError::Unclosed { opener, .. } => match opener {
                Opener::Quote('`') => f.write_str("an unclosed backtick"),
                Opener::Quote(quote) => write!(f, "an unclosed `{quote}`"),
                Opener::Comment => f.write_str("an unclosed `/*`"),
                Opener::Dollar => f.write_str("an unclosed dollar quote"),
            },
            TokenizeError::AmbiguousComment { .. } => {
                f.write_str("a comment with a version number that servers read differently")
            }
        }
    }
}
