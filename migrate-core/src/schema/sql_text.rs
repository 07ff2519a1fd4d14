//! What can be told of the SQL texts that users write inside other words: checks, defaults, indexes' expressions.
//!
//! It knows quotes, comments, parentheses and words, and nothing else of SQL's grammar.

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A bare word, or a name in double quotes, backticks or brackets, as written.
    Name(&'a str),
    /// A text in single quotes.
    Text(&'a str),
    Comment(&'a str),
    /// Blanks, numbers' dots, operators, parentheses.
    Other(&'a str),
}

impl<'a> Piece<'a> {
    pub(crate) fn written(self) -> &'a str {
        match self {
            Piece::Name(text) | Piece::Text(text) | Piece::Comment(text) | Piece::Other(text) => text,
        }
    }

    /// The name without its quotes.
    pub(crate) fn name(self) -> Option<String> {
        let Piece::Name(written) = self else { return None };
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

/// A text cut into pieces, which together are the text again.
///
/// # Errors
///
/// If a quote is never closed.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' | '`' => quoted(rest, first).ok_or_else(|| format!("a {first} in it is never closed"))?,
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            _ if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (piece, after) = rest.split_at(end);
        pieces.push(match first {
            _ if piece.starts_with("--") || piece.starts_with("/*") => Piece::Comment(piece),
            '\'' => Piece::Text(piece),
            '"' | '`' | '[' => Piece::Name(piece),
            c if is_word(c) => Piece::Name(piece),
            _ => Piece::Other(piece),
        });
        rest = after;
    }
    Ok(pieces)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Where a quoted piece ends; a doubled quote does not end it.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            continue;
        }
        match chars.peek() {
            Some((_, next)) if *next == quote => {
                chars.next();
            }
            _ => return Some(at + quote.len_utf8()),
        }
    }
    None
}

/// Whether a text can stand as an expression inside a statement of ours, without ending it.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn check_expression(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("it is blank".to_owned());
    }
    if text.contains('\0') {
        return Err("it holds a NUL character".to_owned());
    }
    let mut depth = 0_usize;
    for piece in pieces(text)? {
        if let Piece::Comment(_) = piece {
            return Err("it holds a comment; take it out".to_owned());
        }
        match piece.written() {
            "(" => depth += 1,
            ")" => {
                depth = depth
                    .checked_sub(1)
                    .ok_or("a parenthesis is closed that was not opened")?;
            }
            ";" => return Err("it holds a semicolon".to_owned()),
            _ => {}
        }
    }
    if depth > 0 {
        return Err("a parenthesis in it is never closed".to_owned());
    }
    Ok(())
}

/// Whether a text names something, quoted or not, in whatever case.
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    pieces(text).is_ok_and(|pieces| {
        pieces
            .into_iter()
            .filter_map(Piece::name)
            .any(|word| word.to_lowercase() == name.to_lowercase())
    })
}

/// The text with each mention of a name replaced, as databases do when what it names is renamed.
pub(crate) fn renamed(text: &str, from: &str, to: &str) -> String {
    let Ok(pieces) = pieces(text) else {
        return text.to_owned();
    };
    let is_plain = to
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && to.starts_with(|c: char| !c.is_ascii_digit());
    pieces
        .into_iter()
        .map(|piece| match piece.name() {
            Some(name) if name.to_lowercase() == from.to_lowercase() => match piece.written().chars().next() {
                Some('`') => format!("`{}`", to.replace('`', "``")),
                Some(first) if is_word(first) && is_plain => to.to_owned(),
                _ => format!("\"{}\"", to.replace('"', "\"\"")),
            },
            _ => piece.written().to_owned(),
        })
        .collect()
}

/// The text without what does not matter: blanks, the quotes and the case of names.
pub(crate) fn normal(text: &str) -> String {
    let Ok(pieces) = pieces(text) else {
        return text.to_owned();
    };
    let written = pieces
        .into_iter()
        .filter(|piece| !matches!(piece, Piece::Comment(_)))
        .map(|piece| {
            piece
                .name()
                .map_or_else(|| piece.written().trim().to_owned(), |name| name.to_lowercase())
        });
    written
        .filter(|written| !written.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a raw statement may have changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Nothing: it reads, or it sets something of the connection.
    Nothing,
    /// Rows of tables, and not what the tables are.
    Rows,
    /// These tables or views, and what belongs to them.
    Names(Vec<String>),
    /// It cannot be told.
    Anything,
}

/// What a raw statement may have changed, by the words that it begins with.
pub(crate) fn touched(sql: &str) -> Touched {
    let Ok(pieces) = pieces(sql) else {
        return Touched::Anything;
    };
    let mut words = pieces
        .into_iter()
        .filter(|piece| !piece.written().trim().is_empty() && !matches!(piece, Piece::Comment(_)))
        .peekable();
    let Some(first) = words.next() else {
        return Touched::Nothing;
    };
    match first.written().to_ascii_uppercase().as_str() {
        "SELECT" | "VALUES" | "EXPLAIN" | "ANALYZE" | "VACUUM" | "REINDEX" | "PRAGMA" | "SET" => Touched::Nothing,
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "MERGE" | "TRUNCATE" | "WITH" => Touched::Rows,
        "CREATE" | "ALTER" | "DROP" => object(words).map_or(Touched::Anything, Touched::Names),
        _ => Touched::Anything,
    }
}

/// The tables and views that a CREATE, ALTER or DROP is about; `None` if that is not told.
fn object<'a>(words: impl Iterator<Item = Piece<'a>>) -> Option<Vec<String>> {
    let words: Vec<Piece<'a>> = words.collect();
    let is = |piece: &Piece<'_>, word: &str| piece.written().eq_ignore_ascii_case(word);
    let name_after = |at: usize| -> Option<String> {
        let mut at = at;
        while ["IF", "NOT", "EXISTS"]
            .iter()
            .any(|word| words.get(at).is_some_and(|piece| is(piece, word)))
        {
            at += 1;
        }
        // A schema before the name says nothing here.
        while words.get(at + 1).is_some_and(|piece| piece.written() == ".") {
            at += 2;
        }
        words.get(at)?.name()
    };
    let kind = words
        .iter()
        .position(|piece| ["TABLE", "VIEW", "INDEX", "TRIGGER"].iter().any(|kind| is(piece, kind)))?;
    // Anything before it but these is a statement that is not known here.
    let known = [
        "TEMP",
        "TEMPORARY",
        "UNIQUE",
        "VIRTUAL",
        "OR",
        "REPLACE",
        "MATERIALIZED",
    ];
    if !words[..kind]
        .iter()
        .all(|piece| known.iter().any(|word| is(piece, word)))
    {
        return None;
    }
    if is(&words[kind], "TABLE") || is(&words[kind], "VIEW") {
        let renamed_to = words
            .windows(3)
            .position(|three| is(&three[0], "RENAME") && is(&three[1], "TO"))
            .and_then(|at| words[at + 2].name());
        let mut names = vec![name_after(kind + 1)?];
        names.extend(renamed_to);
        return Some(names);
    }
    let on = words.iter().skip(kind).position(|piece| is(piece, "ON"))? + kind;
    Some(vec![name_after(on + 1)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_stays_inside_its_parentheses() {
        for text in ["a > 0", "name <> ';'", "f(a, (b))", "\"we;ird\" = '--'", "a = 'it''s'"] {
            assert_eq!(check_expression(text), Ok(()), "{text}");
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
        ] {
            assert!(check_expression(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_found_and_replaced_whatever_its_quotes() {
        assert!(mentions("lower(Email) = 'x'", "email"));
        assert!(mentions("\"a\"\"b\" > 1", "a\"b"));
        assert!(!mentions("'email' = emails", "email"));
        assert_eq!(
            renamed("email <> 'email' AND lower(\"email\")", "email", "mail"),
            "mail <> 'email' AND lower(\"mail\")"
        );
    }

    #[test]
    fn raw_sql_touches_what_it_names() {
        let names = |names: &[&str]| Touched::Names(names.iter().map(|&name| name.to_owned()).collect());
        for (sql, expected) in [
            ("SELECT 1", Touched::Nothing),
            ("-- so\nDELETE /* all */ FROM a", Touched::Rows),
            ("update users set a = 1", Touched::Rows),
            ("CREATE TABLE users (posts INTEGER)", names(&["users"])),
            ("create table if not exists main.\"a b\" (id)", names(&["a b"])),
            ("ALTER TABLE users RENAME TO people", names(&["users", "people"])),
            ("CREATE UNIQUE INDEX i ON users (email)", names(&["users"])),
            (
                "CREATE TRIGGER t AFTER INSERT ON users BEGIN DELETE FROM posts; END",
                names(&["users"]),
            ),
            ("DROP VIEW v", names(&["v"])),
            ("DROP INDEX i", Touched::Anything),
            ("CREATE FUNCTION f() RETURNS TABLE (a int)", Touched::Anything),
            ("DO $$ x $$", Touched::Anything),
            ("CREATE TABLE a (b TEXT DEFAULT '", Touched::Anything),
        ] {
            assert_eq!(touched(sql), expected, "{sql}");
        }
    }
}
