//! Parses a column type from SQL: `timestamp(3) with time zone`, `ENUM('a', 'b')`, `app."Mood"[]`.

use crate::schema::{Token, tokenize};

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
    pub(super) fn of(sql: &str) -> Option<TypeName> {
        let mut written = TypeName::default();
        let mut depth = 0_usize;
        for token in tokenize(sql).ok()? {
            match (token, token.as_str()) {
                (Token::Comment(_), _) => {}
                (_, "(") => {
                    depth += 1;
                    written.arguments.push(String::new());
                }
                (_, ")") => depth = depth.checked_sub(1)?,
                (_, ",") => written.arguments.push(String::new()),
                (_, blank) if blank.trim().is_empty() => {}
                (_, text) if depth > 0 => written.arguments.last_mut()?.push_str(&unquoted(token, text)),
                (_, ".") => written.schema = written.words.pop(),
                (_, text) if text.starts_with('[') => written.has_brackets = true,
                (_, text) => {
                    written.is_quoted = text.starts_with('"');
                    written.words.push(match written.is_quoted {
                        true => unquoted(token, text),
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

fn unquoted(token: Token<'_>, text: &str) -> String {
    match (token, token.name()) {
        (Token::Text(_), _) => text[1..text.len().saturating_sub(1).max(1)].replace("''", "'"),
        (_, Some(name)) => name,
        _ => text.to_owned(),
    }
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

    #[test]
    fn a_type_name_is_parsed_with_any_quoted_content() {
        let written = TypeName::of("ENUM ('a', 'it''s', ') [,') CHARACTER SET latin1").unwrap();
        assert_eq!(written.words, ["enum", "character", "set", "latin1"]);
        assert_eq!(written.arguments, ["a", "it's", ") [,"]);
        let written = TypeName::of("App.\"My Mood\"[][3]").unwrap();
        assert_eq!(written.schema.as_deref(), Some("app"));
        assert_eq!(written.words, ["My Mood"]);
        assert!(written.is_quoted && written.has_brackets);
        assert_eq!(TypeName::of("NUMERIC(10, 2)").unwrap().number(), Some(10));
        assert_eq!(TypeName::of("ENUM('a"), None);
        assert_eq!(TypeName::of("  "), None);
    }

    #[test]
    fn the_longest_alias_wins() {
        let words = TypeName::of("national char varying(3) collate x").unwrap().words;
        let aliases = [("national char", "char"), ("national char varying", "varchar")];
        let (name, rest) = resolved(&words, &aliases);
        assert_eq!((name, rest.join(" ").as_str()), ("varchar", "collate x"));
    }
}
