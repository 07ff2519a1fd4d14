//! Compares the tokenizer with the one of `sqlparser` on generated texts that both accept.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sqlparser::dialect as other;
use sqlparser::tokenizer::{Token as OtherToken, Tokenizer as OtherTokenizer};

use super::token::TokenKind;
use super::tokenizer::tokenize;
use crate::dialect::Dialect;

/// The number of texts for each dialect.
const CASES: u32 = 20_000;

/// The parts of the generated texts: whatever begins, ends or escapes a token in some dialect, and a little around it.
const PARTS: &[&str] = &[
    "'",
    "''",
    "\"",
    "\"\"",
    "`",
    "``",
    "[",
    "]",
    "\\",
    "\\'",
    "\\\"",
    "\\\\",
    "--",
    "-- ",
    "--\t",
    "#",
    "# ",
    "/*",
    "*/",
    "/*/",
    "/* /* */ */",
    "/**/",
    "*",
    "/",
    "-",
    "+",
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    " ",
    " ",
    "\n'",
    "$",
    "$$",
    "$a$",
    "$1",
    "?",
    "?1",
    ":",
    "::",
    ":a",
    "@",
    "@@",
    "@a",
    "E'",
    "e'",
    "N'",
    "n'",
    "X'",
    "x'0f'",
    "B'",
    "b'01'",
    "U&'",
    "U&\"",
    "_utf8'",
    "_utf8mb4 'a'",
    "E'a\\'b'",
    "'it\\'s'",
    "'it''s'",
    "\"a\\\"b\"",
    "$$ ; $$",
    "$a$ $$ $a$",
    "a",
    "A1",
    "a$b",
    "_a",
    "é",
    "日本",
    "🦀",
    "select",
    "e",
    "E",
    "x",
    "b",
    "n",
    "u",
    "q",
    "r",
    "1",
    "12",
    "1.5",
    ".5",
    "1.",
    "1e5",
    "1e",
    "1e+5",
    "1e-",
    "1_000",
    "0x1F",
    "0x",
    "0b01",
    "0b",
    "0o7",
    "1a",
    "1--1",
    "1..2",
    ".",
    "..",
    ",",
    ";",
    "(",
    ")",
    "=",
    "<>",
    "!=",
    "<=",
    "||",
    "|",
    "&",
    "&&",
    "!",
    "~",
    "~*",
    "^",
    "%",
    "->",
    "->>",
    "@>",
    "<@",
    "{",
    "}",
];

/// A token in the form that both tokenizers can be compared in. A sign is one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    QuotedName,
    Text,
    Bits,
    Number,
    Parameter,
    Sign,
}

/// Returns our significant tokens, or `None` if the text is refused.
fn ours(dialect: Dialect, text: &str) -> Option<Vec<(Kind, &str)>> {
    let tokens = tokenize(dialect, text).ok()?;
    let tokens = tokens.into_iter().filter_map(|token| {
        let kind = match token.kind {
            TokenKind::Word => Kind::Word,
            TokenKind::QuotedName => Kind::QuotedName,
            TokenKind::Text(_) => Kind::Text,
            TokenKind::Bits => Kind::Bits,
            TokenKind::Number => Kind::Number,
            TokenKind::Parameter => Kind::Parameter,
            TokenKind::Sign => Kind::Sign,
            TokenKind::Comment | TokenKind::Blank => return None,
        };
        Some((kind, token.text))
    });
    Some(tokens.collect())
}

/// Returns the significant tokens of `sqlparser`, or `None` if it refuses the text.
fn theirs(dialect: Dialect, text: &str) -> Option<Vec<(Kind, &str)>> {
    let dialect: &dyn other::Dialect = match dialect {
        Dialect::Sqlite => &other::SQLiteDialect {},
        Dialect::Postgres => &other::PostgreSqlDialect {},
        Dialect::MySql | Dialect::MariaDb => &other::MySqlDialect {},
    };
    let tokens = OtherTokenizer::new(dialect, text).with_unescape(false);
    let tokens = { tokens }.tokenize_with_location().ok()?;
    let mut found = Vec::new();
    for token in tokens {
        let written = &text[offset(text, token.span.start)..offset(text, token.span.end)];
        let kind = match token.token {
            OtherToken::EOF | OtherToken::Whitespace(_) => continue,
            OtherToken::Word(word) if word.quote_style.is_some() => Kind::QuotedName,
            OtherToken::Word(_) => Kind::Word,
            OtherToken::HexStringLiteral(_) if written.starts_with('0') => Kind::Number,
            OtherToken::HexStringLiteral(_) | OtherToken::SingleQuotedByteStringLiteral(_) => Kind::Bits,
            OtherToken::Number(..) => Kind::Number,
            OtherToken::SingleQuotedString(_)
            | OtherToken::DoubleQuotedString(_)
            | OtherToken::DollarQuotedString(_)
            | OtherToken::NationalStringLiteral(_)
            | OtherToken::EscapedStringLiteral(_)
            | OtherToken::UnicodeStringLiteral(_) => Kind::Text,
            OtherToken::Placeholder(_) => Kind::Parameter,
            _ => {
                let signs = written.char_indices();
                found.extend(signs.map(|(at, sign)| (Kind::Sign, &written[at..at + sign.len_utf8()])));
                continue;
            }
        };
        found.push((kind, written));
    }
    Some(found)
}

/// Returns the byte of a line and a column.
fn offset(text: &str, at: sqlparser::tokenizer::Location) -> usize {
    let count = |number: u64| usize::try_from(number).unwrap() - 1;
    let line: usize = text.split_inclusive('\n').take(count(at.line)).map(str::len).sum();
    let column = text[line..].char_indices().nth(count(at.column));
    column.map_or(text.len(), |(column, _)| line + column)
}

/// A class of texts that the two tokenizers read differently. Where the database accepts such a text at all, ours agrees
/// with its manual. Texts inside a class are not compared, so each class names what makes it.
struct Exclusion {
    /// What `sqlparser` does, and why it is wrong.
    why: &'static str,
    dialects: &'static [Dialect],
    is_in: fn(text: &str, ours: &[(Kind, &str)]) -> bool,
}

const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        why: "It reads a comment directly after an operator as a part of the operator. \
              https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-OPERATORS: `--` and `/*` cannot \
              appear anywhere in an operator name",
        dialects: &[Dialect::Sqlite, Dialect::Postgres, Dialect::MySql],
        is_in: |text, _| {
            let is_operator = |before: &str| before.ends_with(|c| "~!@#^&|`?+-*/%<>=".contains(c));
            let mut comments = text.match_indices("--").chain(text.match_indices("/*"));
            comments.any(|(at, _)| is_operator(&text[..at])) || text.contains("---")
        },
    },
    Exclusion {
        why: "It reads a backslash in X'..' as an escape. No database does; SQLite and MySQL refuse the literal",
        dialects: &[Dialect::Sqlite, Dialect::Postgres, Dialect::MySql],
        is_in: |_, ours| {
            ours.iter()
                .any(|(kind, text)| *kind == Kind::Bits && text.contains('\\'))
        },
    },
    Exclusion {
        why: "It reads a lone `$` as a parameter. SQLite and PostgreSQL refuse it; MySQL reads a name, \
              https://dev.mysql.com/doc/refman/8.4/en/identifiers.html",
        dialects: &[Dialect::Sqlite, Dialect::Postgres, Dialect::MySql],
        is_in: |text, _| text.contains('$'),
    },
    Exclusion {
        why: "It splits `1a`. SQLite reads one token, and refuses it: https://sqlite.org/draft/tokenreq.html H41130",
        dialects: &[Dialect::Sqlite],
        is_in: |_, ours| {
            let has_letters = |text: &str| text.contains(|c: char| !(c.is_ascii_digit() || "._eE+-".contains(c)));
            let is_junk = |text: &str| {
                has_letters(text) || text.ends_with(['e', 'E', '_']) || text.matches(['e', 'E']).count() > 1
            };
            ours.iter().any(|(kind, text)| *kind == Kind::Number && is_junk(text))
        },
    },
    Exclusion {
        why: "It does not know the parameters `:a`, `@a` and `#a`, nor their suffixes. https://sqlite.org/lang_expr.html#varparam",
        dialects: &[Dialect::Sqlite],
        is_in: |text, _| text.contains([':', '@', '#']),
    },
    Exclusion {
        why: "It reads `1..` as a number and a dot. PostgreSQL reads a number and `..`, as PL/pgSQL's ranges need",
        dialects: &[Dialect::Postgres],
        is_in: |text, _| text.contains(".."),
    },
    Exclusion {
        why: "It has no U&\"..\". https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS-UESCAPE",
        dialects: &[Dialect::Postgres],
        is_in: |_, ours| {
            let is_unicode = |text: &str| text.starts_with(['u', 'U']);
            ours.iter()
                .any(|(kind, text)| *kind == Kind::QuotedName && is_unicode(text))
        },
    },
    Exclusion {
        why: "It does not continue E'..' on the next line. \
              https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS",
        dialects: &[Dialect::Postgres],
        is_in: |_, ours| {
            let continues = |text: &str| text.starts_with(['e', 'E']) && text.contains(['\n', '\r']);
            ours.iter().any(|(kind, text)| *kind == Kind::Text && continues(text))
        },
    },
    Exclusion {
        why: "It reads b\"..\" as bytes. PostgreSQL and MySQL read a name and what follows it",
        dialects: &[Dialect::Postgres, Dialect::MySql],
        is_in: |text, _| text.to_ascii_lowercase().contains("b\""),
    },
    Exclusion {
        why: "It opens no comment at `--` before the end of the text or a control character. \
              https://dev.mysql.com/doc/refman/8.4/en/comments.html",
        dialects: &[Dialect::MySql],
        is_in: |text, _| text.ends_with("--") || text.contains("--\n") || text.contains("--\r"),
    },
    Exclusion {
        why: "It reads `?1` as one parameter. MySQL reads `?` and a number",
        dialects: &[Dialect::MySql],
        is_in: |text, _| text.contains('?'),
    },
    Exclusion {
        why: "It reads `@` as a part of names. https://dev.mysql.com/doc/refman/8.4/en/identifiers.html",
        dialects: &[Dialect::MySql],
        is_in: |text, _| text.contains('@'),
    },
    Exclusion {
        why: "It reads `1e` as a number and a name. MySQL reads the name `1e`: its number needs a digit after the `e`",
        dialects: &[Dialect::MySql],
        is_in: |_, ours| {
            let begins_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            ours.iter()
                .any(|(kind, text)| *kind == Kind::Word && begins_with_digit(text))
        },
    },
    Exclusion {
        why: "It reads `.5r` as a name. MySQL reads a number and a name: `SELECT .5r` is 0.5 with an alias",
        dialects: &[Dialect::MySql],
        is_in: |text, ours| {
            let is_fraction = |kind: Kind, text: &str| kind == Kind::Number && text.contains('.');
            let is_prefixed = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
            let joined = |one: &str, other: &str| text.contains(&format!("{one}{other}"));
            ours.windows(2).any(|two| {
                let is_lettered = two[1].0 == Kind::Word || is_prefixed(two[1].1);
                is_fraction(two[0].0, two[0].1) && is_lettered && joined(two[0].1, two[1].1)
            })
        },
    },
    Exclusion {
        why: "It reads `0b1` as a name. https://dev.mysql.com/doc/refman/8.4/en/bit-value-literals.html",
        dialects: &[Dialect::MySql],
        is_in: |_, ours| {
            ours.iter()
                .any(|(kind, text)| *kind == Kind::Number && text.starts_with("0b"))
        },
    },
    Exclusion {
        why: "It reads `..1e5` as a dot and a name. MySQL reads no name there, and refuses two dots",
        dialects: &[Dialect::MySql],
        is_in: |text, _| text.contains(".."),
    },
    Exclusion {
        why: "It reads no prefix of a literal after any dot. MySQL reads none after a dot that qualifies a name; it refuses \
              every other dot before a literal",
        dialects: &[Dialect::MySql],
        is_in: |text, _| {
            let lower = text.to_ascii_lowercase();
            [".x'", ".b'", ".n'"].iter().any(|prefixed| lower.contains(prefixed))
        },
    },
    Exclusion {
        why: "It reports other places for the content of `/*! .. */`. Both read it as code; a test of `statement` holds that",
        dialects: &[Dialect::MySql],
        is_in: |text, _| text.contains("/*!"),
    },
];

/// Returns the class that a text is in.
fn exclusion(dialect: Dialect, text: &str, ours: &[(Kind, &str)]) -> Option<&'static Exclusion> {
    let mut classes = EXCLUSIONS.iter();
    classes.find(|class| class.dialects.contains(&dialect) && (class.is_in)(text, ours))
}

#[test]
fn the_tokens_are_those_of_sqlparser() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::MySql] {
        let (accepted, compared) = (Cell::new(0_u32), Cell::new(0_u32));
        let mut runner = TestRunner::new(Config {
            cases: CASES,
            failure_persistence: None,
            ..Config::default()
        });
        let run = runner.run(&vec(select(PARTS), 1..8), |parts| {
            let text = parts.concat();
            if let (Some(ours), Some(theirs)) = (ours(dialect, &text), theirs(dialect, &text)) {
                accepted.set(accepted.get() + 1);
                if exclusion(dialect, &text, &ours).is_none() {
                    compared.set(compared.get() + 1);
                    if ours != theirs {
                        return Err(TestCaseError::fail(format!("{text:?}: {ours:?}, sqlparser {theirs:?}")));
                    }
                }
            }
            Ok(())
        });
        assert_eq!(run, Ok(()), "{dialect}");
        let (accepted, compared) = (accepted.get(), compared.get());
        assert!(
            compared > CASES / 5,
            "{dialect}: {accepted} accepted, {compared} compared"
        );
    }
}

#[test]
fn each_class_of_exclusions_has_an_example() {
    let examples = [
        (Dialect::Postgres, "?--"),
        (Dialect::Sqlite, "X'\\'"),
        (Dialect::Sqlite, "$ "),
        (Dialect::Sqlite, "1a"),
        (Dialect::Sqlite, ":a(b)"),
        (Dialect::Postgres, "1.."),
        (Dialect::Postgres, "U&\"a\""),
        (Dialect::Postgres, "E'a'\n'b'"),
        (Dialect::MySql, "b\"a\""),
        (Dialect::MySql, "1 --"),
        (Dialect::MySql, "?1"),
        (Dialect::MySql, "@a"),
        (Dialect::MySql, "1e"),
        (Dialect::MySql, ".5r"),
        (Dialect::MySql, "0b1"),
        (Dialect::MySql, "..1e5"),
        (Dialect::MySql, "=.x'00'"),
        (Dialect::MySql, "/*! 1 */"),
    ];
    assert_eq!(examples.len(), EXCLUSIONS.len());
    for ((dialect, text), class) in examples.into_iter().zip(EXCLUSIONS) {
        let ours = ours(dialect, text).unwrap_or_default();
        assert!((class.is_in)(text, &ours), "{text:?} is not in: {}", class.why);
        assert_ne!(
            theirs(dialect, text),
            Some(ours),
            "{text:?} no longer differs: {}",
            class.why
        );
    }
}
