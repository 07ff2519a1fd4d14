//! A cursor over the tokens of a text, for parsers of what a database printed.

use super::token::Token;
use super::tokenizer::tokenize;
use crate::dialect::Dialect;

/// A token, with a flag for blanks or a comment before it.
#[derive(Clone, Copy)]
pub(crate) struct SpannedToken<'a> {
    pub(crate) token: Token<'a>,
    pub(crate) after_blank: bool,
}

impl SpannedToken<'_> {
    pub(crate) fn is(&self, word: &str) -> bool {
        self.token.is(word)
    }
}

/// Joins tokens into a text, with one blank wherever there were blanks or comments.
pub(crate) fn spelled(tokens: &[SpannedToken<'_>]) -> String {
    let mut text = String::new();
    for token in tokens {
        if token.after_blank && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(token.token.text);
    }
    text
}

/// A cursor over the tokens of a text, without blanks and comments.
pub(crate) struct Cursor<'a> {
    tokens: Vec<SpannedToken<'a>>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(dialect: Dialect, sql: &'a str) -> Result<Cursor<'a>, String> {
        let mut tokens = Vec::new();
        let mut after_blank = false;
        for token in tokenize(dialect, sql).map_err(|error| error.to_string())? {
            if token.is_significant() {
                tokens.push(SpannedToken { token, after_blank });
            }
            after_blank = !token.is_significant();
        }
        Ok(Cursor { tokens, at: 0 })
    }

    pub(crate) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|token| token.token)
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    /// Returns true if `word` is the token after the next one.
    pub(crate) fn is_second(&self, word: &str) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|token| token.is(word))
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Returns true if the next token is this bare word or sign, in any case.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is(word))
    }

    pub(crate) fn take(&mut self, word: &str) -> bool {
        let is_next = self.is(word);
        self.at += usize::from(is_next);
        is_next
    }

    pub(crate) fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) {
            return Ok(());
        }
        Err(self.not_understood())
    }

    pub(crate) fn not_understood(&self) -> String {
        match self.peek() {
            Some(token) => format!("its SQL contains `{}`, which is not supported", token.text),
            None => "its SQL ends unexpectedly".to_owned(),
        }
    }

    pub(crate) fn refuse(&self, word: &str) -> Result<(), String> {
        if self.is(word) {
            Err(self.not_understood())
        } else {
            Ok(())
        }
    }

    pub(crate) fn name(&mut self) -> Result<String, String> {
        // SQLite also accepts a text in single quotes as a name.
        let name = self.peek().and_then(|token| token.name().or_else(|| token.value()));
        let name = name.ok_or_else(|| self.not_understood())?;
        self.at += 1;
        Ok(name)
    }

    /// Reads `(a, b)`.
    pub(crate) fn names(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let mut names = vec![self.name()?];
        while self.take(",") {
            names.push(self.name()?);
        }
        // A name with a collation or an order is refused, because these would be lost.
        self.expect(")")?;
        Ok(names)
    }

    /// Reads the text between parentheses.
    pub(crate) fn in_parentheses(&mut self) -> Result<String, String> {
        let parts = self.split_parentheses()?;
        let parts: Vec<String> = parts.iter().map(|part| spelled(part)).collect();
        Ok(parts.join(", "))
    }

    /// Reads the tokens between parentheses, split at the outer commas.
    pub(crate) fn split_parentheses(&mut self) -> Result<Vec<Vec<SpannedToken<'a>>>, String> {
        self.expect("(")?;
        let mut parts = vec![Vec::new()];
        let mut depth = 1_usize;
        loop {
            let Some(token) = self.tokens.get(self.at).copied() else {
                return Err(self.not_understood());
            };
            self.at += 1;
            match token.token.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                "," if depth == 1 => {
                    parts.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                return Ok(parts);
            }
            if let Some(part) = parts.last_mut() {
                part.push(token);
            }
        }
    }

    /// Reads all that is left.
    pub(crate) fn rest(&mut self) -> String {
        let rest = spelled(&self.tokens[self.at..]);
        self.at = self.tokens.len();
        rest
    }
}
