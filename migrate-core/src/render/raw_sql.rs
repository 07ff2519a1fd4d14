//! Reads the outline of a user's SQL text without a database: its first words, and if more than one statement follows.
//!
//! It knows comments, quotes and the bodies of triggers, and nothing else of SQL's grammar.

use crate::code::Code;
use crate::diagnostic::Mistake;

/// The outline of a SQL text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline {
    /// The first words of the first statement, in upper case; at most [`WORDS`].
    pub(super) words: Vec<String>,
    /// True if something other than a semicolon follows the first statement.
    pub(super) more_follows: bool,
}

/// The number of words to keep. `CREATE TEMPORARY TRIGGER` is the longest start that matters.
const WORDS: usize = 3;

/// Reads the outline of a text. A trigger's body ends with `; END`, as in SQLite's own `sqlite3_complete`
/// (<https://sqlite.org/c3ref/complete.html>), so the semicolons in it do not end the statement.
pub(super) fn outline(sql: &str) -> Outline {
    let mut outline = Outline {
        words: Vec::new(),
        more_follows: false,
    };
    let mut ended = false;
    let mut tokens = Tokens { rest: sql }.peekable();
    while let Some(token) = tokens.next() {
        if ended {
            outline.more_follows |= token != Lexeme::Semicolon;
            continue;
        }
        match token {
            Lexeme::Word(word) if outline.words.len() < WORDS => outline.words.push(word.to_ascii_uppercase()),
            Lexeme::Word(_) | Lexeme::Other => {}
            Lexeme::Semicolon if outline.words.is_empty() => {}
            Lexeme::Semicolon if is_trigger(&outline.words) => {
                if matches!(tokens.peek(), Some(Lexeme::Word(word)) if word.eq_ignore_ascii_case("END")) {
                    tokens.next();
                    ended = true;
                }
            }
            Lexeme::Semicolon => ended = true,
        }
    }
    outline
}

/// Checks that a text holds a statement, and no NUL character.
///
/// # Errors
///
/// The problem, and what to do.
pub(super) fn check_has_statement(sql: &str) -> Result<(), Mistake> {
    // A database reads a text up to the first NUL, and would silently ignore the rest.
    if sql.contains('\0') {
        return Err(Code::NUL_IN_SQL
            .mistake("this SQL contains a NUL character")
            .help("remove the character"));
    }
    if outline(sql).words.is_empty() {
        return Err(Code::NO_STATEMENT
            .mistake("this SQL contains no statement")
            .help("write a statement, or remove the step"));
    }
    Ok(())
}

/// Returns the mistake of a step with several statements, where it must be one.
pub(super) fn several_statements(why: &str) -> Mistake {
    Code::SEVERAL_STATEMENTS
        .mistake(format!("this SQL contains several statements{why}"))
        .help("write one `execute` for each statement")
}

/// Checks that the first statement does not begin or end a transaction or a savepoint.
///
/// # Errors
///
/// The keyword, and what to do instead.
pub(super) fn check_leaves_transactions_alone(sql: &str) -> Result<(), Mistake> {
    let words = outline(sql).words;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        // BEGIN NOT ATOMIC starts a compound statement: https://mariadb.com/kb/en/begin-end/
        ["BEGIN", "NOT", ..] => Ok(()),
        [
            word @ ("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE"),
            ..,
        ]
        | [word @ "START", "TRANSACTION", ..] => Err(Code::TRANSACTION_STATEMENT
            .mistake(format!(
                "`{word}` has no effect here: each step is committed separately"
            ))
            .help("remove it; for statements that belong together write a Rust step with `conn.transaction(..)`")),
        _ => Ok(()),
    }
}

/// Returns true if a text may be one statement with others in its body, by the keywords of MySQL and MariaDB:
/// <https://dev.mysql.com/doc/refman/8.4/en/sql-data-definition-statements.html>,
/// <https://mariadb.com/kb/en/begin-end/>.
pub(super) fn may_be_compound(sql: &str) -> bool {
    let words: Vec<String> = Tokens { rest: sql }
        .filter_map(|token| match token {
            Lexeme::Word(word) => Some(word.to_ascii_uppercase()),
            Lexeme::Semicolon | Lexeme::Other => None,
        })
        .collect();
    match words.first().map(String::as_str) {
        Some("CREATE" | "ALTER") => words.iter().any(|word| {
            matches!(
                word.as_str(),
                "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT" | "PACKAGE"
            )
        }),
        Some("BEGIN" | "IF" | "FOR" | "WHILE" | "LOOP" | "REPEAT") => words.len() > 1,
        _ => false,
    }
}

fn is_trigger(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["CREATE", "TRIGGER", ..] | ["CREATE", "TEMP" | "TEMPORARY", "TRIGGER"]
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Lexeme<'a> {
    Word(&'a str),
    Semicolon,
    /// Quoted text, numbers, operators.
    Other,
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Consumes `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Consumes everything up to and including `end`, or the whole rest.
    fn skip_past(&mut self, start: usize, end: &str) {
        let length = self
            .rest
            .get(start..)
            .and_then(|rest| rest.find(end))
            .map_or(self.rest.len(), |at| start + at + end.len());
        self.take(length);
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Lexeme<'a>;

    fn next(&mut self) -> Option<Lexeme<'a>> {
        loop {
            self.rest = self.rest.trim_start();
            let first = self.rest.chars().next()?;
            match first {
                '-' if self.rest.starts_with("--") => self.skip_past(0, "\n"),
                '/' if self.rest.starts_with("/*") => self.skip_past(2, "*/"),
                // A doubled quote reads as two quoted texts, which makes no difference here.
                '\'' | '"' | '`' => {
                    self.skip_past(1, first.encode_utf8(&mut [0; 4]));
                    return Some(Lexeme::Other);
                }
                '[' => {
                    self.skip_past(1, "]");
                    return Some(Lexeme::Other);
                }
                ';' => {
                    self.take(1);
                    return Some(Lexeme::Semicolon);
                }
                _ if first.is_alphanumeric() || first == '_' => {
                    let length = self
                        .rest
                        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                        .unwrap_or(self.rest.len());
                    return Some(Lexeme::Word(self.take(length)));
                }
                _ => {
                    self.take(first.len_utf8());
                    return Some(Lexeme::Other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn more_follows(sql: &str) -> bool {
        outline(sql).more_follows
    }

    #[test]
    fn semicolons_in_quotes_and_comments_are_ignored() {
        for sql in [
            "SELECT 1",
            "SELECT 1;",
            ";; SELECT 1 ; ; -- done;",
            "SELECT ';' , \";\" , `;` , [;] -- ; \n ; /* ; DROP TABLE a; */",
            "SELECT 'it''s; fine'",
            "SELECT '",
            "SELECT 1 /* never closed; DROP TABLE a",
            "INSERT INTO a VALUES ('é;', '🦀;')",
        ] {
            assert!(!more_follows(sql), "{sql}");
        }
    }

    #[test]
    fn a_second_statement_is_detected() {
        for sql in [
            "SELECT 1; SELECT 2",
            "SELECT 1;;DROP TABLE a;",
            "SELECT 1; -- so\nSELECT 2",
            "SELECT 1; 'x'",
            "CREATE TABLE trigger_log (id INTEGER); SELECT 1",
        ] {
            assert!(more_follows(sql), "{sql}");
        }
    }

    #[test]
    fn a_trigger_is_one_statement_up_to_its_end() {
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN \
                       UPDATE a SET n = CASE WHEN 1 THEN 2 END; DELETE FROM b; END";
        assert!(!more_follows(trigger));
        assert!(!more_follows(&format!("{trigger};")));
        assert!(!more_follows(
            &trigger
                .replace("CREATE", "create temp")
                .replace("; END", "; /* ; */ end")
        ));
        assert!(more_follows(&format!("{trigger}; SELECT 1")));
    }

    #[test]
    fn the_first_words_are_kept_without_comments() {
        assert_eq!(outline("/* a */ commit -- b\n work").words, ["COMMIT", "WORK"]);
        assert_eq!(
            outline("PRAGMA foreign_keys=OFF").words,
            ["PRAGMA", "FOREIGN_KEYS", "OFF"]
        );
        assert_eq!(outline("-- nothing").words, [""; 0]);
    }
}
