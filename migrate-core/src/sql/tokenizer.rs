//! Splits SQL text into tokens by the lexical rules of a dialect.
//!
//! The rules are those of <https://sqlite.org/draft/tokenreq.html>,
//! <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>,
//! <https://dev.mysql.com/doc/refman/8.4/en/language-structure.html> and
//! <https://mariadb.com/kb/en/comment-syntax/>. Session settings that change them have their defaults here:
//! `standard_conforming_strings` is on, `ANSI_QUOTES` is off. The MySQL driver switches `NO_BACKSLASH_ESCAPES` off.

use super::token::{Escapes, Opener, Token, TokenKind, TokenizeError};
use crate::dialect::Dialect;

/// Returns true if a backslash in a plain string literal is an escape:
/// <https://dev.mysql.com/doc/refman/8.4/en/string-literals.html>.
pub(crate) fn reads_backslash_escapes(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::MySql | Dialect::MariaDb)
}

/// Splits text into tokens. Joined, they are the text again.
///
/// # Errors
///
/// Fails if a quote, a bracket or a comment is never closed.
pub(crate) fn tokenize(dialect: Dialect, text: &str) -> Result<Vec<Token<'_>>, TokenizeError> {
    Tokenizer::new(dialect, text).collect()
}

/// What is directly before the next token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Name,
    /// A dot directly after a name.
    Qualifier,
    Other,
}

/// An iterator over the tokens of a text. It ends after the first error.
#[derive(Clone)]
pub(super) struct Tokenizer<'a> {
    dialect: Dialect,
    /// True to read double quotes on MySQL and MariaDB as `ANSI_QUOTES` does.
    has_ansi_quotes: bool,
    text: &'a str,
    at: usize,
    /// The start of the executable comment around the next token.
    executable: Option<usize>,
    before: Before,
}

impl<'a> Tokenizer<'a> {
    pub(super) fn new(dialect: Dialect, text: &'a str) -> Tokenizer<'a> {
        Tokenizer {
            dialect,
            has_ansi_quotes: false,
            text,
            at: 0,
            executable: None,
            before: Before::Other,
        }
    }

    pub(super) fn with_ansi_quotes(self) -> Tokenizer<'a> {
        Tokenizer {
            has_ansi_quotes: true,
            ..self
        }
    }

    fn is_mysql_like(&self) -> bool {
        reads_backslash_escapes(self.dialect)
    }

    /// Returns the kind and the length of the next token. `rest` begins with `first`.
    fn read(&mut self, rest: &str, first: char) -> Result<(TokenKind, usize), TokenizeError> {
        let next = rest[first.len_utf8()..].chars().next();
        if let Some(length) = self.blank(rest) {
            return Ok((TokenKind::Blank, length));
        }
        match first {
            '-' | '#' if self.opens_line_comment(rest) => Ok((TokenKind::Comment, self.line_end(rest))),
            '/' if next == Some('*') => self.comment(rest),
            '*' if next == Some('/') && self.executable.is_some() => {
                self.executable = None;
                Ok((TokenKind::Comment, 2))
            }
            '\'' => self.literal(rest, 0, TokenKind::Text(self.escapes())),
            '"' if self.is_mysql_like() && !self.has_ansi_quotes => {
                self.literal(rest, 0, TokenKind::Text(Escapes::MySql))
            }
            '"' => self.literal(rest, 0, TokenKind::QuotedName),
            '`' if self.dialect != Dialect::Postgres => self.literal(rest, 0, TokenKind::QuotedName),
            '[' if self.dialect == Dialect::Sqlite => match rest.find(']') {
                Some(end) => Ok((TokenKind::QuotedName, end + 1)),
                None => Err(self.unclosed(Opener::Quote('['))),
            },
            // MySQL reads a bare name after a qualifier, whatever it looks like.
            _ if self.before == Before::Qualifier
                && self.is_mysql_like()
                && self.is_byte_in_word(rest.as_bytes()[0]) =>
            {
                Ok((TokenKind::Word, run(rest, 0, |byte| self.is_byte_in_word(byte))))
            }
            '0'..='9' => Ok(self.number(rest)),
            '.' if next.is_some_and(|next| next.is_ascii_digit())
                && !(self.before == Before::Name && self.is_mysql_like()) =>
            {
                Ok(self.number(rest))
            }
            '$' if self.dialect == Dialect::Postgres => self.dollar(rest),
            '?' | ':' | '@' | '#' | '$' if self.dialect == Dialect::Sqlite => Ok(sqlite_variable(rest)),
            '?' if self.is_mysql_like() => Ok((TokenKind::Parameter, 1)),
            _ if self.is_in_word(first) => self.word(rest),
            _ => Ok((TokenKind::Sign, first.len_utf8())),
        }
    }

    /// Returns the length of the blanks that text begins with. Non-ASCII blanks are part of words in all databases.
    fn blank(&self, rest: &str) -> Option<usize> {
        if self.dialect == Dialect::Sqlite && rest.starts_with('\u{feff}') {
            return Some('\u{feff}'.len_utf8());
        }
        let is_blank = |byte: u8| match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => true,
            b'\x0b' => self.dialect != Dialect::Sqlite,
            _ => false,
        };
        Some(run(rest, 0, is_blank)).filter(|length| *length > 0)
    }

    fn opens_line_comment(&self, rest: &str) -> bool {
        if rest.starts_with('#') {
            return self.is_mysql_like();
        }
        match rest.strip_prefix("--") {
            Some(after) if self.is_mysql_like() => after
                .chars()
                .next()
                .is_none_or(|next| next == ' ' || next.is_ascii_control()),
            after => after.is_some(),
        }
    }

    /// Returns the length of a comment up to the end of its line.
    fn line_end(&self, rest: &str) -> usize {
        let ends: &[char] = match self.dialect {
            Dialect::Postgres => &['\n', '\r'],
            Dialect::Sqlite | Dialect::MySql | Dialect::MariaDb => &['\n'],
        };
        rest.find(ends).unwrap_or(rest.len())
    }

    /// Reads a comment that begins with `/*`.
    fn comment(&mut self, rest: &str) -> Result<(TokenKind, usize), TokenizeError> {
        let mark = match self.dialect {
            Dialect::MySql | Dialect::MariaDb if rest.starts_with("/*!") => 3,
            Dialect::MariaDb if rest.starts_with("/*M!") => 4,
            _ => {
                let nests = self.dialect == Dialect::Postgres;
                return match comment_end(rest, if nests { usize::MAX } else { 0 }) {
                    Some(end) => Ok((TokenKind::Comment, end)),
                    // SQLite closes a comment at the end of the text.
                    None if self.dialect == Dialect::Sqlite => Ok((TokenKind::Comment, rest.len())),
                    None => Err(self.unclosed(Opener::Comment)),
                };
            }
        };
        let digits = run(rest, mark, |byte| byte.is_ascii_digit()) - mark;
        let is_conditional = digits >= 5;
        let opening = if is_conditional { mark + digits } else { mark };
        if is_conditional {
            let ends = (self.executable_end(opening), comment_end(rest, 1));
            match ends {
                (Some(as_code), Some(as_comment)) if as_code == as_comment => {}
                (None, None) => return Err(self.unclosed(Opener::Comment)),
                _ => return Err(TokenizeError::AmbiguousComment { line: self.line() }),
            }
        }
        self.executable = Some(self.at);
        Ok((TokenKind::Comment, opening))
    }

    /// Returns the length of an executable comment if its content is code. The content begins after `opening` bytes.
    fn executable_end(&self, opening: usize) -> Option<usize> {
        let mut inside = self.clone();
        inside.at += opening;
        inside.executable = Some(self.at);
        while inside.executable.is_some() {
            inside.next()?.ok()?;
        }
        Some(inside.at - self.at)
    }

    /// Reads a quoted token whose quote is at `open`.
    fn literal(&self, rest: &str, open: usize, kind: TokenKind) -> Result<(TokenKind, usize), TokenizeError> {
        let quote = rest.as_bytes()[open];
        let has_backslashes = matches!(kind, TokenKind::Text(Escapes::Postgres | Escapes::MySql));
        let end = |open: usize| {
            quote_end(rest, open + 1, quote, has_backslashes).ok_or_else(|| self.unclosed(Opener::Quote(quote.into())))
        };
        let mut length = end(open)?;
        // The escapes of the first part hold for the parts on the next lines.
        while kind == TokenKind::Text(Escapes::Postgres)
            && let Some(next) = continuation(rest, length)
        {
            length = end(next)?;
        }
        Ok((kind, length))
    }

    fn escapes(&self) -> Escapes {
        match self.is_mysql_like() {
            true => Escapes::MySql,
            false => Escapes::None,
        }
    }

    /// Reads a token that begins with `$` on PostgreSQL: a dollar quote or a parameter.
    fn dollar(&self, rest: &str) -> Result<(TokenKind, usize), TokenizeError> {
        let digits = run(rest, 1, |byte| byte.is_ascii_digit());
        if digits > 1 {
            return Ok((TokenKind::Parameter, digits));
        }
        let is_in_tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
        let tag = run(rest, 1, is_in_tag);
        if rest.as_bytes().get(tag) != Some(&b'$') {
            return Ok((TokenKind::Sign, 1));
        }
        let (mark, after) = rest.split_at(tag + 1);
        match after.find(mark) {
            Some(end) => Ok((TokenKind::Text(Escapes::Dollar), 2 * mark.len() + end)),
            None => Err(self.unclosed(Opener::Dollar)),
        }
    }

    /// Reads a number. On MySQL and MariaDB a word may begin with digits.
    fn number(&self, rest: &str) -> (TokenKind, usize) {
        let bytes = rest.as_bytes();
        let has_separators = !self.is_mysql_like();
        let digits_from = |from: usize| {
            run(rest, from, |byte| {
                byte.is_ascii_digit() || has_separators && byte == b'_'
            })
        };
        let in_word = run(rest, 0, |byte| self.is_byte_in_word(byte));
        let radix: Option<fn(u8) -> bool> = match (bytes[0], bytes.get(1)) {
            (b'0', Some(b'x')) => Some(|byte| byte.is_ascii_hexdigit()),
            (b'0', Some(b'X')) if has_separators => Some(|byte| byte.is_ascii_hexdigit()),
            (b'0', Some(b'b')) if self.dialect != Dialect::Sqlite => Some(|byte| matches!(byte, b'0' | b'1')),
            (b'0', Some(b'B')) if self.dialect == Dialect::Postgres => Some(|byte| matches!(byte, b'0' | b'1')),
            (b'0', Some(b'o' | b'O')) if self.dialect == Dialect::Postgres => {
                Some(|byte| (b'0'..=b'7').contains(&byte))
            }
            _ => None,
        };
        if let Some(is_digit) = radix {
            let end = run(rest, 2, |byte| is_digit(byte) || has_separators && byte == b'_');
            if end > 2 && (!self.is_mysql_like() || end == in_word) {
                return (TokenKind::Number, self.with_junk(rest, end));
            }
        }
        let mut end = digits_from(0);
        let is_integer = end > 0;
        let exponent = |from: usize| {
            let sign = usize::from(matches!(bytes.get(from + 1), Some(b'+' | b'-')));
            let is_exponent = matches!(bytes.get(from), Some(b'e' | b'E'))
                && bytes.get(from + 1 + sign).is_some_and(u8::is_ascii_digit);
            is_exponent.then(|| digits_from(from + 1 + sign))
        };
        if is_integer && self.is_mysql_like() && end < in_word {
            return match exponent(end) {
                Some(end) => (TokenKind::Number, end),
                None => (TokenKind::Word, in_word),
            };
        }
        // PostgreSQL reads `1..2` as a range.
        let is_range = rest[end..].starts_with("..") && self.dialect == Dialect::Postgres;
        if bytes.get(end) == Some(&b'.') && !is_range {
            end = digits_from(end + 1);
        }
        let end = exponent(end).unwrap_or(end);
        (TokenKind::Number, self.with_junk(rest, end))
    }

    /// SQLite reads letters directly after a number as a part of it, and refuses it.
    fn with_junk(&self, rest: &str, end: usize) -> usize {
        match self.dialect {
            Dialect::Sqlite => run(rest, end, |byte| self.is_byte_in_word(byte)),
            Dialect::Postgres | Dialect::MySql | Dialect::MariaDb => end,
        }
    }

    /// Reads a word, or a literal whose prefix the word is.
    fn word(&self, rest: &str) -> Result<(TokenKind, usize), TokenizeError> {
        let bytes = rest.as_bytes();
        let is_postgres = self.dialect == Dialect::Postgres;
        let prefixed = match (bytes[0].to_ascii_lowercase(), bytes.get(1), bytes.get(2)) {
            (b'x', Some(b'\''), _) => Some((1, TokenKind::Bits)),
            (b'b', Some(b'\''), _) if self.dialect != Dialect::Sqlite => Some((1, TokenKind::Bits)),
            (b'n', Some(b'\''), _) if self.dialect != Dialect::Sqlite => Some((1, TokenKind::Text(self.escapes()))),
            (b'e', Some(b'\''), _) if is_postgres => Some((1, TokenKind::Text(Escapes::Postgres))),
            (b'u', Some(b'&'), Some(b'\'')) if is_postgres => Some((2, TokenKind::Text(Escapes::Unicode))),
            (b'u', Some(b'&'), Some(b'"')) if is_postgres => Some((2, TokenKind::QuotedName)),
            _ => None,
        };
        match prefixed {
            Some((open, kind)) => self.literal(rest, open, kind),
            None => Ok((TokenKind::Word, run(rest, 0, |byte| self.is_byte_in_word(byte)))),
        }
    }

    /// Returns true if a word may begin with a character that is not a digit.
    fn is_in_word(&self, first: char) -> bool {
        match first {
            '$' => self.is_mysql_like(),
            _ => first.is_ascii_alphabetic() || first == '_' || !first.is_ascii(),
        }
    }

    /// Non-ASCII bytes are part of a word in all databases.
    fn is_byte_in_word(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii()
    }

    fn line(&self) -> usize {
        1 + self.text[..self.at].matches('\n').count()
    }

    fn unclosed(&self, opener: Opener) -> TokenizeError {
        TokenizeError::Unclosed {
            opener,
            line: self.line(),
        }
    }
}

impl<'a> Iterator for Tokenizer<'a> {
    type Item = Result<Token<'a>, TokenizeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            self.at = self.executable.take()?;
            let error = self.unclosed(Opener::Comment);
            self.at = self.text.len();
            return Some(Err(error));
        };
        match self.read(rest, first) {
            Ok((kind, length)) => {
                self.at += length;
                self.before = match kind {
                    TokenKind::Word | TokenKind::QuotedName => Before::Name,
                    TokenKind::Sign if first == '.' && self.before == Before::Name => Before::Qualifier,
                    _ => Before::Other,
                };
                Some(Ok(Token {
                    kind,
                    text: &rest[..length],
                }))
            }
            Err(error) => {
                self.at = self.text.len();
                self.executable = None;
                Some(Err(error))
            }
        }
    }
}

/// Returns the end of the run of such bytes that begins at `from`.
fn run(text: &str, from: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let after = text.bytes().skip(from).position(|byte| !is_part(byte));
    after.map_or(text.len(), |length| from + length)
}

/// Returns the end of a comment that begins with `/*`. Comments nest up to `levels`.
fn comment_end(text: &str, levels: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (2, 0_usize);
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'/', b'*') if depth < levels => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') if depth == 0 => return Some(at + 2),
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    None
}

/// Returns the end of a quoted token whose content begins at `from`. A doubled quote does not end it.
fn quote_end(text: &str, from: usize, quote: u8, has_backslashes: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        let is_doubled = *byte == quote && bytes.get(at + 1) == Some(&quote);
        match byte {
            b'\\' if has_backslashes => at += 2,
            _ if is_doubled => at += 2,
            _ if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

/// Returns the quote that continues a PostgreSQL literal, which ends at `from`: only blanks with a line break, and
/// comments, are between the two.
fn continuation(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut has_break) = (from, false);
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => {
                has_break = true;
                at += 1;
            }
            b' ' | b'\t' | b'\x0b' | b'\x0c' => at += 1,
            b'-' if bytes.get(at + 1) == Some(&b'-') => at = run(text, at, |byte| byte != b'\n' && byte != b'\r'),
            b'\'' if has_break => return Some(at),
            _ => return None,
        }
    }
}

/// Reads a token that begins with `?`, `:`, `@`, `#` or `$` on SQLite, which accepts Tcl's names of variables:
/// <https://sqlite.org/lang_expr.html#varparam>.
fn sqlite_variable(rest: &str) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    if bytes[0] == b'?' {
        return (TokenKind::Parameter, run(rest, 1, |byte| byte.is_ascii_digit()));
    }
    let is_in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii();
    let (mut at, mut letters) = (1, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            _ if is_in_name(*byte) => {
                letters += 1;
                at += 1;
            }
            b'(' if letters > 0 => {
                let end = run(rest, at, |byte| byte != b')' && !byte.is_ascii_whitespace());
                at = end + usize::from(bytes.get(end) == Some(&b')'));
                break;
            }
            b':' if bytes.get(at + 1) == Some(&b':') => at += 2,
            _ => break,
        }
    }
    match letters {
        0 => (TokenKind::Sign, 1),
        _ => (TokenKind::Parameter, at),
    }
}
