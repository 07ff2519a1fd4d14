//! Parses a column type from SQL: `timestamp(3) with time zone`, `ENUM('a', 'b')`, `app."Mood"[]`.

use crate::dialect::Dialect;
use crate::sql::{Token, tokenize};

/// The parts of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TypeName {
    /// The schema, if the type has one.
    pub(super) schema: Option<String>,
    /// The name and the words after it, in lower case unless quoted.
    pub(super) words: Vec<String>,
    /// True if the name is quoted.
    pub(super) is_quoted: bool,
    /// The arguments in parentheses, without quotes.
    pub(super) arguments: Vec<String>,
    /// True if brackets follow.
    pub(super) has_brackets: bool,
}

impl TypeName {
    /// Parses a type; `None` if it cannot be read.
    pub(super) fn of(dialect: Dialect, sql: &str) -> Option<TypeName> {
        let mut written = TypeName::default();
        let mut depth = 0_usize;
        let tokens = tokenize(dialect, sql).ok()?;
        let mut tokens = tokens.into_iter().filter(Token::is_significant);
        while let Some(token) = tokens.next() {
            match token.text {
                "(" => {
                    depth += 1;
                    written.arguments.push(String::new());
                }
                ")" => depth = depth.checked_sub(1)?,
                "," => written.arguments.push(String::new()),
                _ if depth > 0 => written.arguments.last_mut()?.push_str(&unquoted(token)),
                "." => written.schema = written.words.pop(),
                "[" => {
                    written.has_brackets = true;
                    tokens.find(|token| token.is("]"))?;
                }
                text => {
                    written.is_quoted = text.starts_with('"');
                    written.words.push(match written.is_quoted {
                        true => unquoted(token),
                        false => text.to_lowercase(),
                    });
                }
            }
        }
        (!written.words.is_empty()).then_some(written)
    }

    /// Returns the first argument, if it is a number.
    pub(super) fn number(&self) -> Option<u64> {
        self.arguments.first()?.parse().ok()
    }
}

fn unquoted(token: Token<'_>) -> String {
    let inside = token.value().or_else(|| token.name());
    inside.unwrap_or_else(|| token.text.to_owned())
}

/// Resolves the longest alias that the words begin with. Returns its name and the words after it.
pub(super) fn resolved<'a>(words: &'a [String], aliases: &[(&str, &'static str)]) -> (&'a str, &'a [String]) {
    let begins = |alias: &str| alias.split(' ').eq(words.iter().take(alias.split(' ').count()));
    let fitting = aliases.iter().filter(|(alias, _)| begins(alias));
    match fitting.max_by_key(|(alias, _)| alias.len()) {
        Some((alias, name)) => (name, &words[alias.split(' ').count()..]),
        None => match words {
            [first, rest @ ..] => (first, rest),
            [] => ("", words),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{TypeName, resolved};
    use crate::dialect::Dialect;

    #[test]
    fn a_type_name_is_parsed_with_any_quoted_content() {
        let written = TypeName::of(Dialect::MySql, "ENUM ('a', 'it''s', ') [,') CHARACTER SET latin1").unwrap();
        assert_eq!(written.words, ["enum", "character", "set", "latin1"]);
        assert_eq!(written.arguments, ["a", "it's", ") [,"]);
        let written = TypeName::of(Dialect::Postgres, "App.\"My Mood\"[][3]").unwrap();
        assert_eq!(written.schema.as_deref(), Some("app"));
        assert_eq!(written.words, ["My Mood"]);
        assert!(written.is_quoted && written.has_brackets);
        assert_eq!(
            TypeName::of(Dialect::Postgres, "NUMERIC(10, 2)").unwrap().number(),
            Some(10)
        );
        assert_eq!(TypeName::of(Dialect::MySql, "ENUM('a"), None);
        assert_eq!(TypeName::of(Dialect::MySql, "  "), None);
    }

    #[test]
    fn the_longest_alias_wins() {
        let words = TypeName::of(Dialect::MySql, "national char varying(3) collate x")
            .unwrap()
            .words;
        let aliases = [("national char", "char"), ("national char varying", "varchar")];
        let (name, rest) = resolved(&words, &aliases);
        assert_eq!((name, rest.join(" ").as_str()), ("varchar", "collate x"));
    }
}
