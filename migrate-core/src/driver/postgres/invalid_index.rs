//! Concurrent index builds: finds the invalid indexes of an earlier attempt, which the next attempt drops first.
//!
//! The manual recommends this:
//! <https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY>,
//! <https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY>.

use std::collections::VecDeque;

use super::DIALECT;
use crate::render::SqlDialect;
use crate::schema::{Token, tokenize};

/// Returns a query for the indexes that an earlier attempt of a statement left invalid, or `None` if the statement
/// builds none concurrently.
pub(super) fn left_invalid(sql: &str) -> Option<String> {
    let build = Build::read(sql)?;
    // An index that another session builds right now is invalid as well. A build of another role is visible only by its
    // lock. An index of a partitioned table is invalid until each partition has its own.
    Some(format!(
        "SELECT i.indexrelid::regclass::text AS text FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid \
         WHERE NOT i.indisvalid AND n.relkind = 'i' AND {} AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p \
         JOIN pg_locks l ON l.pid = p.pid AND l.relation = i.indrelid WHERE p.datname = current_database())",
        build.condition()
    ))
}

/// A statement that builds indexes concurrently. Names keep their spelling and their schema.
#[derive(Debug, PartialEq, Eq)]
enum Build {
    Create {
        /// `None` if the server chooses the name.
        index: Option<String>,
        table: String,
    },
    ReindexOne {
        index: String,
    },
    ReindexAll {
        table: String,
    },
}

impl Build {
    fn read(sql: &str) -> Option<Build> {
        let tokens = tokenize(sql).ok()?;
        let mut words = Words(tokens.into_iter().filter(Token::is_significant).collect());
        if words.take("CREATE") {
            words.take("UNIQUE");
            if !(words.take("INDEX") && words.take("CONCURRENTLY")) {
                return None;
            }
            for word in ["IF", "NOT", "EXISTS"] {
                words.take(word);
            }
            let index = if words.take("ON") { None } else { Some(words.name()?) };
            if index.is_some() && !words.take("ON") {
                return None;
            }
            words.take("ONLY");
            let table = words.name()?;
            return Some(Build::Create { index, table });
        }
        if !words.take("REINDEX") || !words.has("CONCURRENTLY") {
            return None;
        }
        while words.has(")") {
            words.0.pop_front();
        }
        let is_table = words.take("TABLE");
        if !is_table && !words.take("INDEX") {
            return None;
        }
        words.take("CONCURRENTLY");
        let name = words.name()?;
        Some(match is_table {
            true => Build::ReindexAll { table: name },
            false => Build::ReindexOne { index: name },
        })
    }

    /// Returns a condition on an index `i` with the `pg_class` row `n`: an attempt of this statement may have left it.
    fn condition(&self) -> String {
        let oid = |name: &str| format!("to_regclass({})", DIALECT.text(name));
        let copies = "n.relname ~ '_cc(new|old)[0-9]*$'";
        match self {
            Build::Create {
                index: Some(index),
                table,
            } => format!(
                "i.indrelid = {} AND n.relname = (parse_ident({}))[1]::name",
                oid(table),
                DIALECT.text(index)
            ),
            Build::Create { index: None, table } => {
                format!("i.indrelid = {} AND n.relname ~ '_idx[0-9]*$'", oid(table))
            }
            Build::ReindexOne { index } => format!(
                "i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = {}) AND {copies}",
                oid(index)
            ),
            // The TOAST table of a table has an index as well.
            Build::ReindexAll { table } => format!(
                "i.indrelid IN (SELECT unnest(ARRAY[c.oid, c.reltoastrelid]) FROM pg_class c WHERE c.oid = {}) AND {copies}",
                oid(table)
            ),
        }
    }
}

/// The remaining tokens of a statement.
struct Words<'a>(VecDeque<Token<'a>>);

impl Words<'_> {
    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|token| token.as_str().eq_ignore_ascii_case(word))
    }

    /// Consumes a word if it is the next token.
    fn take(&mut self, word: &str) -> bool {
        let is_next = self
            .0
            .front()
            .is_some_and(|next| next.as_str().eq_ignore_ascii_case(word));
        is_next && self.0.pop_front().is_some()
    }

    /// Consumes a name with its qualifiers.
    fn name(&mut self) -> Option<String> {
        let mut name = self.0.pop_front()?.as_str().to_owned();
        while self.take(".") {
            name.push('.');
            name.push_str(self.0.pop_front()?.as_str());
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_index_builds_are_parsed_in_any_notation() {
        let create = |index: Option<&str>, table: &str| {
            Some(Build::Create {
                index: index.map(str::to_owned),
                table: table.to_owned(),
            })
        };
        for (sql, expected) in [
            (
                "CREATE INDEX CONCURRENTLY i ON users (name)",
                create(Some("i"), "users"),
            ),
            (
                "-- why\ncreate\n unique /* so */ index concurrently if not exists \"I\" on only tenant.\"Users\"(name)",
                create(Some("\"I\""), "tenant.\"Users\""),
            ),
            ("CREATE INDEX CONCURRENTLY ON users (name)", create(None, "users")),
            (
                "REINDEX TABLE CONCURRENTLY users",
                Some(Build::ReindexAll {
                    table: "users".to_owned(),
                }),
            ),
            (
                "REINDEX (VERBOSE, CONCURRENTLY) INDEX a . b",
                Some(Build::ReindexOne {
                    index: "a.b".to_owned(),
                }),
            ),
            ("CREATE INDEX i ON users (name)", None),
            ("CREATE INDEX \"concurrently\" ON users (name)", None),
            ("REINDEX TABLE users", None),
            ("REINDEX SCHEMA CONCURRENTLY public", None),
            ("DROP INDEX CONCURRENTLY i", None),
            ("CREATE INDEX CONCURRENTLY", None),
            ("", None),
        ] {
            assert_eq!(Build::read(sql), expected, "{sql}");
        }
    }
}
