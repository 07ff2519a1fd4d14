//! SQLite's SQL: only what is its own.

use super::Dialect;
use super::raw_sql::outline;

/// SQLite.
#[derive(Debug)]
pub(crate) struct Sqlite;

impl Dialect for Sqlite {
    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn text(&self, value: &str) -> String {
        format!("'{}'", value.replace('\'', "''"))
    }

    fn qualified(&self, table: &str) -> String {
        format!("main.{}", self.identifier(table))
    }

    fn is_reserved(&self, table: &str) -> bool {
        // https://sqlite.org/lang_createtable.html
        table.to_ascii_lowercase().starts_with("sqlite_")
    }

    fn now(&self) -> &'static str {
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    }

    fn check_raw(&self, sql: &str, in_transaction: bool) -> Result<(), String> {
        // SQLite reads a text up to the first NUL and would leave the rest out without a word.
        if sql.contains('\0') {
            return Err("the SQL holds a NUL character; take it out".to_owned());
        }
        let outline = outline(sql);
        let words: Vec<&str> = outline.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => return Err("the SQL holds no statement; write one, or leave the step out".to_owned()),
            [
                word @ ("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE"),
                ..,
            ] => {
                return Err(format!(
                    "`{word}` would end or nest the transaction behind the runner's back; leave it out: a migration \
                     runs in a transaction of its own"
                ));
            }
            ["VACUUM", ..] if in_transaction => {
                return Err(needs_no_transaction("`VACUUM` cannot run inside a transaction"));
            }
            // https://sqlite.org/pragma.html#pragma_foreign_keys
            ["PRAGMA", "FOREIGN_KEYS", ..] if in_transaction => {
                return Err(needs_no_transaction(
                    "`PRAGMA foreign_keys` does nothing inside a transaction",
                ));
            }
            _ => {}
        }
        if outline.more_follows {
            return Err("the SQL holds more than one statement; write one `execute` for each".to_owned());
        }
        Ok(())
    }
}

fn needs_no_transaction(what: &str) -> String {
    format!("{what}; put it into a migration of its own with `#[migration(.., transaction = false)]`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_escaped() {
        assert_eq!(Sqlite.identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(Sqlite.text("it's"), "'it''s'");
        assert_eq!(Sqlite.qualified("x"), "main.\"x\"");
    }

    #[test]
    fn what_ends_a_transaction_is_refused() {
        for sql in [
            "COMMIT",
            "end;",
            "/* x */ Rollback TO a",
            "begin",
            "SAVEPOINT s",
            "release s",
        ] {
            for in_transaction in [true, false] {
                assert!(Sqlite.check_raw(sql, in_transaction).is_err(), "{sql}");
            }
        }
    }

    #[test]
    fn what_needs_no_transaction_is_refused_inside_one() {
        for sql in ["VACUUM", "PRAGMA foreign_keys = OFF", "pragma foreign_keys=on"] {
            assert!(Sqlite.check_raw(sql, true).is_err(), "{sql}");
            assert_eq!(Sqlite.check_raw(sql, false), Ok(()), "{sql}");
        }
    }

    #[test]
    fn a_text_with_nothing_in_it_is_refused() {
        for sql in ["", ";", "-- later", "SELECT 1\0; DROP TABLE a"] {
            assert!(Sqlite.check_raw(sql, true).is_err(), "{sql:?}");
        }
    }
}
