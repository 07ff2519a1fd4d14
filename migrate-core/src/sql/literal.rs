//! The values of string literals, and lists of literals.

use super::token::{Escapes, Token, TokenKind};
use super::tokenizer::tokenize;
use crate::dialect::Dialect;

impl Token<'_> {
    /// Returns the value of a string literal, or `None` for other tokens.
    pub(crate) fn value(&self) -> Option<String> {
        let TokenKind::Text(escapes) = self.kind else {
            return None;
        };
        if escapes == Escapes::Dollar {
            let mark = 2 + self.text[1..].find('$')?;
            return Some(self.text[mark..self.text.len() - mark].to_owned());
        }
        let open = self.text.find(['\'', '"'])?;
        let quote = char::from(self.text.as_bytes()[open]);
        let mut value = String::new();
        let mut is_inside = true;
        let mut chars = self.text[open + 1..].chars().peekable();
        // The next part of a continued literal begins with a quote too.
        while let Some(c) = chars.next() {
            match c {
                '\\' if is_inside && escapes != Escapes::None => {
                    value.push(c);
                    value.extend(chars.next());
                }
                _ if c == quote && is_inside && chars.peek() == Some(&quote) => value.extend(chars.next()),
                _ if c == quote => is_inside = !is_inside,
                _ if is_inside => value.push(c),
                '-' if chars.peek() == Some(&'-') => {
                    let _ = chars.find(|c| matches!(c, '\n' | '\r'));
                }
                _ => {}
            }
        }
        Some(unescaped(&value, escapes))
    }

    /// Returns the digits of a literal of bits or bytes, or `None` for other tokens.
    #[allow(dead_code, reason = "only some drivers read such literals")]
    pub(crate) fn digits(&self) -> Option<&str> {
        let inside = self.text.get(2..self.text.len().checked_sub(1)?)?;
        (self.kind == TokenKind::Bits).then_some(inside)
    }
}

/// Resolves the escapes in the content of a string literal.
pub(crate) fn unescaped(text: &str, escapes: Escapes) -> String {
    if matches!(escapes, Escapes::None | Escapes::Dollar) || !text.contains('\\') {
        return text.to_owned();
    }
    let mut value = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        value.push_str(before);
        let (escaped, length) = match escapes {
            Escapes::MySql => mysql_escape(after),
            Escapes::Postgres => postgres_escape(after),
            Escapes::Unicode => unicode_escape(after),
            Escapes::None | Escapes::Dollar => return text.to_owned(),
        };
        value.push_str(&escaped);
        rest = &after[length..];
    }
    value + rest
}

/// Returns the meaning of an escape, from the text after the backslash, and the length of what belongs to it.
fn mysql_escape(after: &str) -> (String, usize) {
    let Some(c) = after.chars().next() else {
        return ("\\".to_owned(), 0);
    };
    // https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
    let escaped = match c {
        '0' => "\0".to_owned(),
        'b' => "\u{8}".to_owned(),
        'n' => "\n".to_owned(),
        'r' => "\r".to_owned(),
        't' => "\t".to_owned(),
        'Z' => "\u{1a}".to_owned(),
        // Outside of a pattern these stand for themselves.
        '%' | '_' => format!("\\{c}"),
        _ => c.to_string(),
    };
    (escaped, c.len_utf8())
}

/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE>
fn postgres_escape(after: &str) -> (String, usize) {
    let Some(c) = after.chars().next() else {
        return ("\\".to_owned(), 0);
    };
    let number = |from: usize, most: usize, radix: u32| {
        let digits = after[from..]
            .chars()
            .take(most)
            .take_while(|c| c.is_digit(radix))
            .count();
        let code = u32::from_str_radix(&after[from..from + digits], radix).ok()?;
        Some((char::from_u32(code)?.to_string(), from + digits))
    };
    let number = match c {
        '0'..='7' => number(0, 3, 8),
        'x' => number(1, 2, 16),
        'u' => number(1, 4, 16),
        'U' => number(1, 8, 16),
        _ => None,
    };
    let letter = match c {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        c => c,
    };
    number.unwrap_or((letter.to_string(), c.len_utf8()))
}

/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-UESCAPE>. A character other than
/// the backslash, which UESCAPE names, is not resolved.
fn unicode_escape(after: &str) -> (String, usize) {
    let code = |from: usize, length: usize| {
        let digits = after.get(from..from + length)?;
        let code = u32::from_str_radix(digits, 16).ok()?;
        Some((char::from_u32(code)?.to_string(), from + length))
    };
    let escaped = match after.chars().next() {
        Some('\\') => Some(("\\".to_owned(), 1)),
        Some('+') => code(1, 6),
        _ => code(0, 4),
    };
    escaped.unwrap_or_else(|| ("\\".to_owned(), 0))
}

/// Returns the values of the string literals in a text, or nothing if the text cannot be read.
pub(crate) fn text_values(dialect: Dialect, sql: &str) -> Vec<String> {
    let tokens = tokenize(dialect, sql).unwrap_or_default();
    tokens.iter().filter_map(Token::value).collect()
}

/// Splits a list of literals at its commas.
#[allow(dead_code, reason = "only some drivers read lists of literals")]
pub(crate) fn literals_of(dialect: Dialect, list: &str) -> Vec<String> {
    let mut literals = vec![String::new()];
    let Ok(tokens) = tokenize(dialect, list) else {
        return vec![list.to_owned()];
    };
    for token in tokens {
        match (token.is(","), literals.last_mut()) {
            (false, Some(literal)) => literal.push_str(token.text),
            _ => literals.push(String::new()),
        }
    }
    literals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_by_the_rules_of_the_dialect() {
        use Dialect::{MySql, Postgres, Sqlite};
        for (dialect, literal, value) in [
            (Sqlite, "'it''s'", "it's"),
            (Sqlite, r"'a\n'", r"a\n"),
            (Postgres, r"'a\n'", r"a\n"),
            (Postgres, r"E'it\'s''\n\x41\101\u00e9\\'", "it's'\nAAé\\"),
            (Postgres, "E'a' -- why\n 'b\\tc'", "ab\tc"),
            (Postgres, r"U&'d\0061t\+000061'", "data"),
            (Postgres, "$x$it's $$ \\n$x$", "it's $$ \\n"),
            (Postgres, "N'a'", "a"),
            (MySql, r"'it\'s \0\Z\n\%\\'", "it's \0\u{1a}\n\\%\\"),
            (MySql, r#""a\"b""c""#, "a\"b\"c"),
        ] {
            assert_eq!(text_values(dialect, literal), [value], "{literal}");
        }
    }

    #[test]
    fn a_list_is_split_at_its_commas_only() {
        assert_eq!(
            literals_of(Dialect::Sqlite, "1,-1.5e+20,'a,''b\\',X'00',NULL,"),
            ["1", "-1.5e+20", "'a,''b\\'", "X'00'", "NULL", ""]
        );
        assert_eq!(literals_of(Dialect::MySql, r"'a\',b',2"), [r"'a\',b'", "2"]);
    }

    #[test]
    fn names_lose_their_quotes() {
        let name = |dialect, sql| tokenize(dialect, sql).unwrap()[0].name();
        for (dialect, sql, expected) in [
            (Dialect::Sqlite, "[a b]", Some("a b")),
            (Dialect::Sqlite, "\"a\"\"b\"", Some("a\"b")),
            (Dialect::MySql, "`a``b`", Some("a`b")),
            (Dialect::MySql, "\"a\"", None),
            (Dialect::Postgres, "U&\"d\\0061ta\"", Some("data")),
            (Dialect::Postgres, "ünï$1", Some("ünï$1")),
        ] {
            assert_eq!(name(dialect, sql).as_deref(), expected, "{sql}");
        }
    }
}
