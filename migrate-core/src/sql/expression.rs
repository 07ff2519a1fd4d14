//! The SQL that users write inside builders: checks, defaults, index expressions, queries of views.

use super::token::{Escapes, Token, TokenKind, TokenizeError};
use super::tokenizer::tokenize;
use crate::dialect::Dialect;

/// The reason why a text cannot be an expression inside a generated statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpressionProblem {
    Blank,
    Nul,
    Unreadable(TokenizeError),
    Comment,
    Semicolon,
    /// A closing parenthesis or bracket without its opening one.
    Unopened(char),
    /// An opening parenthesis or bracket that never closes.
    Unclosed(char),
}

/// Checks that text can be an expression inside a generated statement without ending the statement.
///
/// # Errors
///
/// Returns the reason if it cannot.
pub(crate) fn check_expression(dialect: Dialect, text: &str) -> Result<(), ExpressionProblem> {
    if text.trim().is_empty() {
        return Err(ExpressionProblem::Blank);
    }
    if text.contains('\0') {
        return Err(ExpressionProblem::Nul);
    }
    let mut open = Vec::new();
    for token in tokenize(dialect, text).map_err(ExpressionProblem::Unreadable)? {
        if token.kind == TokenKind::Comment {
            return Err(ExpressionProblem::Comment);
        }
        let closed = match token.text {
            "(" | "[" => {
                open.push(token.text);
                continue;
            }
            ")" => (')', "("),
            "]" => (']', "["),
            ";" => return Err(ExpressionProblem::Semicolon),
            _ => continue,
        };
        if open.pop() != Some(closed.1) {
            return Err(ExpressionProblem::Unopened(closed.0));
        }
    }
    match open.pop() {
        Some(opening) => Err(ExpressionProblem::Unclosed(opening.chars().next().unwrap_or('('))),
        None => Ok(()),
    }
}

/// Returns true if an expression is closed whatever the settings of the session are: on PostgreSQL,
/// `standard_conforming_strings` decides about a backslash in a plain literal.
pub(crate) fn is_certain(dialect: Dialect, text: &str) -> bool {
    check_expression(dialect, text).is_ok()
        && tokenize(dialect, text).is_ok_and(|tokens| !tokens.iter().any(|token| is_uncertain(dialect, token)))
}

/// Returns true if the end of a token depends on the settings of the session.
pub(super) fn is_uncertain(dialect: Dialect, token: &Token<'_>) -> bool {
    dialect == Dialect::Postgres && token.kind == TokenKind::Text(Escapes::None) && token.text.contains('\\')
}

fn is_name(token: &Token<'_>, name: &str) -> bool {
    token
        .name()
        .is_some_and(|written| written.to_lowercase() == name.to_lowercase())
}

/// Returns the tokens of a text without comments and blanks.
fn significant(dialect: Dialect, text: &str) -> Result<Vec<Token<'_>>, TokenizeError> {
    let mut tokens = tokenize(dialect, text)?;
    tokens.retain(Token::is_significant);
    Ok(tokens)
}

/// Returns true if text contains a name, quoted or not, in any case. An SQL keyword counts as a name only in quotes.
pub(crate) fn mentions(dialect: Dialect, text: &str, name: &str) -> bool {
    let is_reserved = NEVER_NAMES.contains(&name.to_lowercase().as_str());
    let is_it = |token: &Token<'_>| !(token.kind == TokenKind::Word && is_reserved) && is_name(token, name);
    tokenize(dialect, text).is_ok_and(|tokens| tokens.iter().any(is_it))
}

/// Returns true if a query selects all columns of a table with `*`.
pub(crate) fn selects_star(dialect: Dialect, query: &str) -> bool {
    let Ok(tokens) = significant(dialect, query) else {
        return true;
    };
    tokens
        .windows(2)
        .any(|pair| pair[1].is("*") && pair[0].is_one_of(&[",", ".", "SELECT", "DISTINCT", "ALL"]))
}

/// Returns true if text qualifies a column with this table, as in `users.email`.
pub(crate) fn is_qualified_by(dialect: Dialect, text: &str, table: &str) -> bool {
    let tokens = significant(dialect, text).unwrap_or_default();
    tokens
        .windows(2)
        .any(|pair| is_name(&pair[0], table) && pair[1].is("."))
}

/// Returns the text with each use of a name replaced, as databases do on a rename.
pub(crate) fn renamed(dialect: Dialect, text: &str, from: &str, to: &str) -> String {
    let Ok(tokens) = tokenize(dialect, text) else {
        return text.to_owned();
    };
    let is_plain = to
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && to.starts_with(|c: char| !c.is_ascii_digit())
        && !RESERVED.contains(&to);
    let is_called = |at: usize| {
        let next = tokens[at + 1..].iter().find(|token| token.is_significant());
        next.is_some_and(|token| token.is("("))
    };
    let replaced = tokens.iter().enumerate().map(|(at, token)| {
        let is_bare = token.kind == TokenKind::Word;
        // A function may have the name of the column.
        if !is_name(token, from) || is_bare && is_called(at) {
            return token.text.to_owned();
        }
        let takes_backticks = matches!(dialect, Dialect::MySql | Dialect::MariaDb);
        match token.text.starts_with('`') || is_bare && takes_backticks {
            _ if is_bare && is_plain => to.to_owned(),
            true => format!("`{}`", to.replace('`', "``")),
            false => format!("\"{}\"", to.replace('"', "\"\"")),
        }
    });
    replaced.collect()
}

/// Returns the text without irrelevant differences: blanks, comments, and quotes and case of names.
pub(crate) fn normalize(dialect: Dialect, text: &str) -> String {
    let Ok(tokens) = significant(dialect, text) else {
        return text.to_owned();
    };
    let written = tokens.into_iter().map(|token| {
        token
            .name()
            .map_or_else(|| token.text.to_owned(), |name| name.to_lowercase())
    });
    written.collect::<Vec<_>>().join(" ")
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

#[cfg(test)]
mod tests {
    use super::*;
    use Dialect::{MariaDb, MySql, Postgres, Sqlite};

    #[test]
    fn an_expression_stays_inside_its_parentheses() {
        for dialect in Dialect::ALL {
            for text in ["a > 0", "name <> ';'", "f(a, (b))", "\"we;ird\" = '--'", "a = 'it''s'"] {
                assert_eq!(check_expression(dialect, text), Ok(()), "{dialect}: {text}");
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
                "a /*",
                "a --",
                "a\0",
                "n > [é",
                "n > [",
                "(a])",
            ] {
                assert!(check_expression(dialect, text).is_err(), "{dialect}: {text:?}");
            }
        }
    }

    #[test]
    fn an_expression_is_read_by_the_rules_of_its_dialect() {
        for (dialect, text, is_valid) in [
            (Postgres, r"a <> E'it\'s'", true),
            (Postgres, r"replace(a, E'\'', '')", true),
            (Postgres, r"a <> 'it\'s'", false),
            (Postgres, "a <> $$it's$$", true),
            (Postgres, "a[1] # 2", true),
            (Postgres, "a <> $$it's", false),
            (Sqlite, r"a <> 'C:\'", true),
            (Sqlite, "a <> $$it's$$", false),
            (MySql, r"a <> 'it\'s'", true),
            (MySql, r"a <> 'C:\'", false),
            (MySql, "a > 1--1", true),
            (MySql, "a > 1-- 1", false),
            (MySql, "a > 1 # 1", false),
            (MySql, "a /*! + 1 */", false),
            (MariaDb, "a /*M! + 1 */", false),
            (MariaDb, "a <> \"it's\"", true),
        ] {
            assert_eq!(check_expression(dialect, text).is_ok(), is_valid, "{dialect}: {text}");
        }
    }

    #[test]
    fn names_are_found_and_replaced_with_any_quotes() {
        assert!(mentions(Sqlite, "lower(Email) = 'x'", "email"));
        assert!(mentions(Sqlite, "\"a\"\"b\" > 1", "a\"b"));
        assert!(mentions(Sqlite, "[a b] > 1", "a b"));
        assert!(!mentions(Sqlite, "'email' = emails", "email"));
        assert!(!mentions(Sqlite, "1 /*/ email */ + 1", "email"));
        assert_eq!(
            renamed(Sqlite, "email <> 'email' AND lower(\"email\")", "email", "mail"),
            "mail <> 'email' AND lower(\"mail\")"
        );
        assert_eq!(
            renamed(Sqlite, "date(date) > date ('x')", "date", "day"),
            "date(day) > date ('x')"
        );
    }

    #[test]
    fn a_literal_is_not_a_name() {
        assert!(!mentions(Postgres, "a <> $$ b $$", "b"));
        assert!(!mentions(Postgres, r"a <> E'\' b '", "b"));
        assert!(!mentions(MySql, r"a <> '\' b '", "b"));
        assert!(!mentions(MySql, "a <> \"b\"", "b"));
        assert!(mentions(Postgres, "a <> \"b\"", "b"));
        assert!(mentions(Postgres, "a[b] > 1", "b"));
        assert!(mentions(MySql, "a /*!80000 + b */", "b"));
        assert_eq!(renamed(MySql, "a <> \"b\" + b", "b", "c d"), "a <> \"b\" + `c d`");
        assert_eq!(
            renamed(Postgres, "a <> E'\\'b' + b", "b", "c d"),
            "a <> E'\\'b' + \"c d\""
        );
    }

    #[test]
    fn only_a_plain_literal_with_a_backslash_is_uncertain() {
        assert!(is_certain(Postgres, r"a <> E'\''"));
        assert!(!is_certain(Postgres, r"a <> 'C:\'"));
        assert!(is_certain(MySql, r"a <> '\''"));
        assert!(is_certain(Sqlite, r"a <> 'C:\'"));
    }
}
