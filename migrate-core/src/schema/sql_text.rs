//! Analyses the SQL that users write inside builders: checks, defaults, index expressions, queries of views.
//!
//! It recognises quotes, comments, parentheses and words, and no other grammar of SQL.

use std::fmt;

use crate::code::Code;
use crate::diagnostic::Mistake;

/// A token of SQL text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A bare word, or a name in double quotes, backticks or brackets, as written.
    Name(&'a str),
    /// Text in single quotes.
    Text(&'a str),
    Comment(&'a str),
    /// Whitespace, operators, parentheses, dots.
    Other(&'a str),
}

impl<'a> Token<'a> {
    pub(crate) fn as_str(self) -> &'a str {
        match self {
            Token::Name(text) | Token::Text(text) | Token::Comment(text) | Token::Other(text) => text,
        }
    }

    /// Returns true if the token is neither whitespace nor a comment.
    pub(crate) fn is_significant(&self) -> bool {
        !matches!(self, Token::Comment(_)) && !self.as_str().trim().is_empty()
    }

    /// Returns the name without its quotes, or `None` for other tokens.
    pub(crate) fn name(self) -> Option<String> {
        let Token::Name(written) = self else { return None };
        Some(match written.chars().next() {
            Some(quote @ ('"' | '`')) => {
                let doubled = format!("{quote}{quote}");
                written[1..written.len().saturating_sub(1).max(1)].replace(&doubled, &quote.to_string())
            }
            Some('[') => written[1..written.len().saturating_sub(1).max(1)].to_owned(),
            _ => written.to_owned(),
        })
    }
}

/// Splits text into tokens. Joined, they are the text again.
///
/// # Errors
///
/// Fails if a quote or a bracket is never closed.
pub(crate) fn tokenize<'a>(text: &'a str) -> Result<Vec<Token<'a>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let (end, token): (usize, fn(&'a str) -> Token<'a>) = match first {
            b'\'' => (quoted(rest, '\'')?, Token::Text),
            b'"' => (quoted(rest, '"')?, Token::Name),
            b'`' => (quoted(rest, '`')?, Token::Name),
            b'[' => (closed(rest, "]")?, Token::Name),
            b'-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), Token::Comment),
            b'/' if rest.starts_with("/*") => (closed(rest, "*/").unwrap_or(rest.len()), Token::Comment),
            _ if is_word(first) => (run(rest, is_word), Token::Name),
            _ if first.is_ascii_whitespace() => (run(rest, |byte| byte.is_ascii_whitespace()), Token::Other),
            _ => (1, Token::Other),
        };
        let (written, after) = rest.split_at(end);
        tokens.push(token(written));
        rest = after;
    }
    Ok(tokens)
}

/// Non-ASCII bytes are part of a word, as in the databases: <https://sqlite.org/draft/tokenreq.html>.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii()
}

/// Returns the length of the leading run of such bytes.
fn run(text: &str, is_part: fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len())
}

/// Returns the end of a token whose opening and closing delimiters have the same length.
fn closed(text: &str, end: &str) -> Result<usize, String> {
    let inside = text.get(end.len()..).unwrap_or_default();
    let at = inside
        .find(end)
        .ok_or_else(|| format!("an unclosed `{}`", &text[..end.len()]))?;
    Ok(at + 2 * end.len())
}

/// Returns the end of a quoted token. A doubled quote does not end it.
fn quoted(text: &str, quote: char) -> Result<usize, String> {
    let mut end = 1;
    while let Some(at) = text[end..].find(quote) {
        end += at + 1;
        if !text[end..].starts_with(quote) {
            return Ok(end);
        }
        end += 1;
    }
    Err(match quote {
        '`' => "an unclosed backtick".to_owned(),
        _ => format!("an unclosed `{quote}`"),
    })
}

/// Checks that text can be an expression inside a generated statement without ending the statement.
///
/// # Errors
///
/// Returns the reason if it cannot.
pub(crate) fn check_expression(what: impl fmt::Display, text: &str) -> Result<(), Mistake> {
    let invalid = |problem: &str| Code::INVALID_EXPRESSION.mistake(format!("{what} {problem}"));
    if text.trim().is_empty() {
        return Err(invalid("is blank").help("write an SQL expression"));
    }
    if text.contains('\0') {
        return Err(invalid("contains a NUL character"));
    }
    let mut depth = 0_usize;
    let tokens = tokenize(text).map_err(|unclosed| invalid(&format!("contains {unclosed}")))?;
    for token in tokens {
        if let Token::Comment(_) = token {
            return Err(invalid("contains a comment").help("remove the comment"));
        }
        match token.as_str() {
            "(" => depth += 1,
            ")" => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| invalid("contains a `)` without a matching `(`"))?;
            }
            ";" => return Err(invalid("contains a semicolon").help("remove the semicolon")),
            _ => {}
        }
    }
    if depth > 0 {
        return Err(invalid("contains an unclosed `(`"));
    }
    Ok(())
}

/// Returns true if text contains a name, quoted or not, in any case. An SQL keyword counts as a name only in quotes.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    let is_reserved = NEVER_NAMES.contains(&name.to_lowercase().as_str());
    tokenize(text).is_ok_and(|tokens| {
        tokens.into_iter().any(|token| {
            let is_bare = token.as_str().bytes().next().is_some_and(is_word);
            !(is_bare && is_reserved)
                && token
                    .name()
                    .is_some_and(|word| word.to_lowercase() == name.to_lowercase())
        })
    })
}

/// Returns true if a query selects all columns of a table with `*`.
pub(crate) fn selects_star(query: &str) -> bool {
    let Ok(tokens) = tokenize(query) else { return true };
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Comment(_)))
        .map(|token| token.as_str())
        .filter(|written| !written.trim().is_empty())
        .collect();
    let begins_a_column = |before: &str| {
        let is = |word: &str| before.eq_ignore_ascii_case(word);
        is(",") || is(".") || is("SELECT") || is("DISTINCT") || is("ALL")
    };
    words.windows(2).any(|pair| pair[1] == "*" && begins_a_column(pair[0]))
}

/// Returns true if text qualifies a column with this table, as in `users.email`.
pub(crate) fn is_qualified_by(text: &str, table: &str) -> bool {
    let Ok(tokens) = tokenize(text) else { return false };
    let mut words = tokens
        .into_iter()
        .filter(|token| !token.as_str().trim().is_empty())
        .peekable();
    while let Some(token) = words.next() {
        let is_table = token
            .name()
            .is_some_and(|name| name.to_lowercase() == table.to_lowercase());
        if is_table && words.peek().is_some_and(|next| next.as_str() == ".") {
            return true;
        }
    }
    false
}

/// Keywords that need quotes as names on every database.
const NEVER_NAMES: &[&str] = &[
    "and", "as", "case", "create", "distinct", "else", "from", "group", "having", "in", "is", "join", "not", "null",
    "on", "or", "order", "select", "set", "table", "then", "to", "union", "using", "when", "where",
];

/// Keywords that need quotes as names on at least one database: <https://www.sqlite.org/lang_keywords.html>,
/// <https://www.postgresql.org/docs/current/sql-keywords-appendix.html>.
const RESERVED: &[&str] = &[
    "add",
    "all",
    "alter",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "autoincrement",
    "between",
    "binary",
    "both",
    "by",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "commit",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "delete",
    "desc",
    "distinct",
    "do",
    "drop",
    "else",
    "end",
    "escape",
    "except",
    "exists",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "index",
    "initially",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "nothing",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "set",
    "similar",
    "some",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "transaction",
    "true",
    "union",
    "unique",
    "update",
    "user",
    "using",
    "values",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

/// Returns the text with each use of a name replaced, as databases do on a rename.
pub(crate) fn renamed(text: &str, from: &str, to: &str) -> String {
    let Ok(tokens) = tokenize(text) else {
        return text.to_owned();
    };
    let is_plain = to
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && to.starts_with(|c: char| !c.is_ascii_digit())
        && !RESERVED.contains(&to);
    let is_called = |at: usize| {
        let next = tokens[at + 1..].iter().find(|token| !token.as_str().trim().is_empty());
        next.is_some_and(|token| token.as_str() == "(")
    };
    let replaced = tokens.iter().enumerate().map(|(at, token)| match token.name() {
        Some(name) if name.to_lowercase() == from.to_lowercase() => match token.as_str().bytes().next() {
            // A function may have the name of the column.
            Some(first) if is_word(first) && is_called(at) => token.as_str().to_owned(),
            Some(b'`') => format!("`{}`", to.replace('`', "``")),
            Some(first) if is_word(first) && is_plain => to.to_owned(),
            _ => format!("\"{}\"", to.replace('"', "\"\"")),
        },
        _ => token.as_str().to_owned(),
    });
    replaced.collect()
}

/// Returns the text without irrelevant differences: whitespace, comments, and quotes and case of names.
pub(crate) fn normalize(text: &str) -> String {
    let Ok(tokens) = tokenize(text) else {
        return text.to_owned();
    };
    let written = tokens
        .into_iter()
        .filter(|token| !matches!(token, Token::Comment(_)))
        .map(|token| {
            token
                .name()
                .map_or_else(|| token.as_str().trim().to_owned(), |name| name.to_lowercase())
        });
    written
        .filter(|written| !written.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_stays_inside_its_parentheses() {
        for text in ["a > 0", "name <> ';'", "f(a, (b))", "\"we;ird\" = '--'", "a = 'it''s'"] {
            assert_eq!(check_expression("it", text), Ok(()), "{text}");
        }
        for text in [
            "",
            " ",
            "a); DROP TABLE b; --",
            "a)",
            "(a",
            "a; b",
            "'open",
            "a -- b",
            "a /* b */",
            "a\0",
            "n > [é",
            "n > [",
        ] {
            assert!(check_expression("it", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_found_and_replaced_with_any_quotes() {
        assert!(mentions("lower(Email) = 'x'", "email"));
        assert!(mentions("\"a\"\"b\" > 1", "a\"b"));
        assert!(!mentions("'email' = emails", "email"));
        assert!(!mentions("1 /*/ email */ + 1", "email"));
        assert_eq!(
            renamed("email <> 'email' AND lower(\"email\")", "email", "mail"),
            "mail <> 'email' AND lower(\"mail\")"
        );
        assert_eq!(
            renamed("date(date) > date ('x')", "date", "day"),
            "date(day) > date ('x')"
        );
    }
}
