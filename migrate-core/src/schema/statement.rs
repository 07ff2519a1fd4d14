//! What a user's statement does, as far as its words tell: what it changes, whether that can be seen afterwards, and what it
//! leaves in the session for the statements after it.
//!
//! What is not known here is taken for the worst.

use super::sql_text::{Piece, pieces};

/// What a raw statement may have changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Nothing: it reads, or it sets something of the connection.
    Nothing,
    /// Rows of tables, and not what the tables are.
    Rows,
    /// These tables, views or types, and what belongs to them.
    Names(Vec<String>),
    /// This index, of whichever table it is.
    Index(String),
    /// It cannot be told.
    Anything,
}

/// What a raw statement may have changed, by the words that it begins with.
pub(crate) fn touched(sql: &str) -> Touched {
    let Ok(pieces) = pieces(sql) else {
        return Touched::Anything;
    };
    let mut words = pieces.into_iter().filter(Piece::is_said);
    let Some(first) = words.next() else {
        return Touched::Nothing;
    };
    match first.written().to_ascii_uppercase().as_str() {
        // Another statement stands in it: https://mariadb.com/kb/en/set-statement/
        "SET"
            if words
                .clone()
                .next()
                .is_some_and(|next| next.written().eq_ignore_ascii_case("statement")) =>
        {
            Touched::Anything
        }
        "SELECT" | "VALUES" | "EXPLAIN" | "ANALYZE" | "VACUUM" | "REINDEX" | "PRAGMA" | "SET" | "GRANT" | "REVOKE"
        | "LOCK" | "NOTIFY" | "REFRESH" | "CLUSTER" => Touched::Nothing,
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "MERGE" | "TRUNCATE" | "WITH" => Touched::Rows,
        "CREATE" | "ALTER" | "DROP" | "COMMENT" => object(&words.collect::<Vec<_>>()),
        _ => Touched::Anything,
    }
}

/// The objects that a raw statement makes, changes or drops, if all that it does can be seen by their definitions.
pub(crate) fn seen_by(sql: &str) -> Option<Vec<String>> {
    // These change rows, or change back what they have changed when they are done again.
    let hidden = [
        "EXCHANGE", "IMPORT", "DISCARD", "TRUNCATE", "COPY", "ATTACH", "DETACH", "INHERIT",
    ];
    let says = said(sql);
    let is_first = |word: &str| says.first().is_some_and(|first| first.eq_ignore_ascii_case(word));
    let has = |word: &&str| says.iter().any(|said| said.eq_ignore_ascii_case(word));
    let changes_values = is_first("ALTER") && has(&"USING");
    if hidden.iter().any(has) || !has_definition(sql) || changes_values || may_stay_in_part(sql) {
        return None;
    }
    match touched(sql) {
        _ if names_schema(sql) || leaves(sql) != Leaves::Nothing => None,
        Touched::Names(names) => Some(names),
        Touched::Index(index) => Some(vec![index]),
        Touched::Nothing | Touched::Rows | Touched::Anything => None,
    }
}

/// Whether a part of what a statement does may stay when it fails outside a transaction: it holds others, which may commit; or
/// it drops several things, and some may be gone and others not.
pub(crate) fn may_stay_in_part(sql: &str) -> bool {
    let holds_others = ["CALL", "DO", "EXECUTE", "BEGIN", "IF", "FOR", "WHILE", "LOOP", "REPEAT"];
    let says = said(sql);
    let is_first = |word: &&str| says.first().is_some_and(|first| first.eq_ignore_ascii_case(word));
    holds_others.iter().any(is_first) || (is_first(&"DROP") && says.contains(&","))
}

/// The words and signs of a text, without comments; none if it cannot be read.
fn said(sql: &str) -> Vec<&str> {
    let pieces = pieces(sql).unwrap_or_default().into_iter();
    pieces
        .filter(Piece::is_said)
        .map(Piece::written)
        .map(str::trim)
        .collect()
}

/// Whether something may be named with a schema before it, which need not be the one that is looked at.
fn names_schema(sql: &str) -> bool {
    let says = said(sql);
    let is_name = |word: &str| {
        !word.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation() && !"\"`[_".contains(c))
    };
    // A comment on a column names it with its table.
    let dots = if says.iter().any(|word| word.eq_ignore_ascii_case("COMMENT")) {
        1
    } else {
        0
    };
    let named = says.windows(3).filter(|three| {
        three[1] == "." && is_name(three[0]) && is_name(three[2]) && !three[0].eq_ignore_ascii_case("main")
    });
    named.count() > dots
}

/// What a statement leaves in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    Nothing,
    /// A setting, which another session can be given as well.
    Setting,
    /// What another session cannot have: a table of its own, or a value worked out from rows as they were.
    Lost,
}

/// What a user's statement leaves in its session for those after it.
pub(crate) fn leaves(sql: &str) -> Leaves {
    let says = said(sql);
    let is = |at: usize, words: &[&str]| {
        says.get(at)
            .is_some_and(|said| words.iter().any(|word| said.eq_ignore_ascii_case(word)))
    };
    let selects = says.iter().filter(|word| word.eq_ignore_ascii_case("SELECT")).count();
    let sets = (is(0, &["SET"]) && !is(1, &["STATEMENT"])) || is(0, &["USE", "RESET", "PRAGMA"]);
    let sets_by_function = is(0, &["SELECT"]) && says.iter().any(|word| word.eq_ignore_ascii_case("set_config"));
    let before_kind = ["OR", "REPLACE", "GLOBAL", "LOCAL"];
    let kind = (1..says.len()).find(|at| !is(*at, &before_kind));
    let makes_temporary = kind.is_some_and(|at| is(at, &["TEMP", "TEMPORARY"]));
    match selects {
        0 if sets => Leaves::Setting,
        1 if sets_by_function => Leaves::Setting,
        _ if sets || sets_by_function || is(0, &["PREPARE", "DECLARE"]) => Leaves::Lost,
        _ if is(0, &["CREATE"]) && makes_temporary => Leaves::Lost,
        _ => Leaves::Nothing,
    }
}

/// Whether what a CREATE, ALTER, DROP or COMMENT is about is a part of the definitions that servers tell of tables, views and
/// enums.
fn has_definition(sql: &str) -> bool {
    let before_kind = ["OR", "REPLACE", "TEMP", "TEMPORARY", "CONSTRAINT", "ON"];
    let pieces = pieces(sql).unwrap_or_default();
    let mut words = pieces
        .iter()
        .filter(|piece| piece.is_said())
        .map(|piece| piece.written());
    let is = |word: &str, among: &[&str]| among.iter().any(|one| one.eq_ignore_ascii_case(word));
    match words
        .nth(1)
        .filter(|word| !is(word, &before_kind))
        .or_else(|| words.find(|word| !is(word, &before_kind)))
    {
        Some(kind) if is(kind, &["TYPE"]) => said(sql).iter().any(|word| word.eq_ignore_ascii_case("ENUM")),
        Some(kind) => !is(kind, &["TRIGGER", "POLICY", "RULE", "DOMAIN"]),
        None => false,
    }
}

/// Whether a raw statement that was done is as good as one that was done twice.
pub(crate) fn is_repeatable(sql: &str) -> bool {
    let words = [
        "ANALYZE", "VACUUM", "REINDEX", "PRAGMA", "SET", "GRANT", "REVOKE", "LOCK", "REFRESH", "CLUSTER",
    ];
    let Ok(pieces) = pieces(sql) else { return false };
    let mut said = pieces.into_iter().filter(Piece::is_said);
    let is_one_of_them = said
        .next()
        .is_some_and(|first| words.iter().any(|word| first.written().eq_ignore_ascii_case(word)));
    // Another statement may follow, or stand inside: https://mariadb.com/kb/en/set-statement/
    let does_more =
        |piece: Piece<'_>| piece.written().contains(';') || piece.written().eq_ignore_ascii_case("statement");
    is_one_of_them && !said.any(does_more)
}

/// What a CREATE, ALTER, DROP or COMMENT is about, from the words after that one.
fn object(words: &[Piece<'_>]) -> Touched {
    let is = |at: usize, word: &str| {
        words
            .get(at)
            .is_some_and(|piece| piece.written().eq_ignore_ascii_case(word))
    };
    let is_one_of = |at: usize, among: &[&str]| among.iter().any(|word| is(at, word));
    // A CASCADE reaches further than the name.
    if (0..words.len()).any(|at| is(at, "CASCADE") && !is_one_of(at.wrapping_sub(1), &["DELETE", "UPDATE"])) {
        return Touched::Anything;
    }
    let name_at = |mut at: usize| -> Option<(String, usize)> {
        while is_one_of(at, &["IF", "NOT", "EXISTS", "CONCURRENTLY", "ONLY"]) {
            at += 1;
        }
        // A schema before the name says nothing here.
        while is(at + 1, ".") {
            at += 2;
        }
        Some((words.get(at)?.name()?, at))
    };
    // Anything else before the kind is a statement that is not known here.
    let before_kind = [
        "TEMP",
        "TEMPORARY",
        "UNIQUE",
        "VIRTUAL",
        "OR",
        "REPLACE",
        "MATERIALIZED",
        "ON",
    ];
    let Some(kind) = (0..words.len()).find(|at| !is_one_of(*at, &before_kind)) else {
        return Touched::Anything;
    };
    let names = |names: Option<Vec<String>>| names.map_or(Touched::Anything, Touched::Names);
    if is_one_of(kind, &["TABLE", "VIEW", "TYPE", "DOMAIN"]) {
        let renamed_to = (kind..words.len())
            .find(|at| is(*at, "RENAME") && is(at + 1, "TO"))
            .and_then(|at| words.get(at + 2)?.name());
        let mut all = Vec::new();
        let mut next = kind + 1;
        while let Some((name, at)) = name_at(next) {
            all.push(name);
            next = at + 2;
            if !is(at + 1, ",") {
                all.extend(renamed_to);
                return Touched::Names(all);
            }
        }
        return Touched::Anything;
    }
    if is(kind, "COLUMN") {
        // The table stands before the column: a comment on it.
        let dot = (kind..words.len())
            .rfind(|at| is(*at, "."))
            .filter(|dot| !is(*dot, "IS"));
        return names(dot.and_then(|dot| Some(vec![words.get(dot.checked_sub(1)?)?.name()?])));
    }
    if is_one_of(kind, &["INDEX", "TRIGGER", "POLICY", "RULE"]) {
        let on = (kind..words.len()).find(|at| is(*at, "ON"));
        return match on {
            Some(on) => names(name_at(on + 1).map(|(name, _)| vec![name])),
            None if is(kind, "INDEX") => name_at(kind + 1).map_or(Touched::Anything, |(name, _)| Touched::Index(name)),
            None => Touched::Anything,
        };
    }
    let outside = [
        "EXTENSION",
        "SCHEMA",
        "SEQUENCE",
        "FUNCTION",
        "PROCEDURE",
        "AGGREGATE",
        "COLLATION",
        "ROLE",
        "USER",
    ];
    if is_one_of(kind, &outside) {
        return Touched::Nothing;
    }
    Touched::Anything
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_session_is_left_with_can_be_given_to_another_or_is_lost() {
        for (sql, left) in [
            ("SET search_path TO tenant", Leaves::Setting),
            ("-- why\nuse other", Leaves::Setting),
            ("SET @who = 'ann'", Leaves::Setting),
            ("SELECT set_config('search_path', 'tenant', false)", Leaves::Setting),
            ("SET @last = (SELECT max(id) FROM users)", Leaves::Lost),
            (
                "SELECT set_config('a.b', (SELECT max(id)::text FROM users), false)",
                Leaves::Lost,
            ),
            ("CREATE TEMPORARY TABLE t (id int)", Leaves::Lost),
            ("CREATE OR REPLACE TEMP VIEW v AS VALUES (1)", Leaves::Lost),
            (
                "SET STATEMENT max_statement_time = 1 FOR DELETE FROM a",
                Leaves::Nothing,
            ),
            ("CREATE TABLE temp (id int)", Leaves::Nothing),
            ("SELECT 1", Leaves::Nothing),
        ] {
            assert_eq!(leaves(sql), left, "{sql}");
        }
    }

    #[test]
    fn what_can_be_done_twice_is_one_statement_of_few_words() {
        for sql in [
            "VACUUM t",
            "-- why\nANALYZE",
            "SET lock_timeout = '5s'",
            "PRAGMA user_version = 3",
        ] {
            assert!(is_repeatable(sql), "{sql}");
        }
        for sql in [
            "SET lock_timeout = '5s'; UPDATE a SET n = n + 1",
            "SET STATEMENT max_statement_time = 100 FOR INSERT INTO a VALUES (1)",
            "UPDATE a SET n = n + 1",
            "CALL grow()",
        ] {
            assert!(!is_repeatable(sql), "{sql}");
        }
        assert_eq!(
            touched("SET STATEMENT max_statement_time = 1 FOR ALTER TABLE a ADD b int"),
            Touched::Anything
        );
    }

    #[test]
    fn what_no_definition_tells_of_is_not_seen() {
        for (sql, name) in [
            ("CREATE TABLE a (id int)", "a"),
            ("ALTER TABLE a ALTER COLUMN b TYPE bigint", "a"),
            ("CREATE UNIQUE INDEX i ON a (b)", "a"),
            ("ALTER TABLE a ADD CHECK (b > 0.5)", "a"),
            ("COMMENT ON COLUMN a.b IS 'c.d'", "a"),
            ("CREATE OR REPLACE VIEW v AS VALUES (1)", "v"),
            ("CREATE TYPE mood AS ENUM ('sad')", "mood"),
        ] {
            assert_eq!(seen_by(sql), Some(vec![name.to_owned()]), "{sql}");
        }
        for sql in [
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET new.b = 1",
            "CREATE POLICY p ON a",
            "CREATE TYPE pair AS (a int, b int)",
            "CREATE DOMAIN d AS text",
            "ALTER TABLE a ATTACH PARTITION b DEFAULT",
            "ALTER TABLE a ALTER COLUMN b TYPE int USING b * 100",
            "ALTER TABLE other.a ADD COLUMN b int",
            "CREATE INDEX i ON \"other\".\"a\" (b)",
            "DROP TABLE a, b",
            "CREATE TEMPORARY TABLE a (id int)",
        ] {
            assert_eq!(seen_by(sql), None, "{sql}");
        }
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
            ("DROP TABLE IF EXISTS a, main.b, \"c\"", names(&["a", "b", "c"])),
            ("DROP INDEX IF EXISTS main.i", Touched::Index("i".to_owned())),
            ("DROP INDEX i ON users", names(&["users"])),
            ("CREATE FUNCTION f() RETURNS TABLE (a int)", Touched::Nothing),
            ("CREATE EXTENSION IF NOT EXISTS citext", Touched::Nothing),
            ("GRANT SELECT ON users TO reader", Touched::Nothing),
            ("CREATE TYPE app.mood AS ENUM ('a')", names(&["mood"])),
            ("COMMENT ON COLUMN app.users.name IS 'a.b'", names(&["users"])),
            ("COMMENT ON TABLE users IS NULL", names(&["users"])),
            ("DROP TABLE users CASCADE", Touched::Anything),
            (
                "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c ON DELETE CASCADE",
                names(&["a"]),
            ),
            ("ALTER TABLE ONLY users SET (fillfactor = 70)", names(&["users"])),
            ("CREATE INDEX CONCURRENTLY i ON ONLY users (a)", names(&["users"])),
            ("CREATE SERVER s", Touched::Anything),
            ("DO $$ x $$", Touched::Anything),
            ("CREATE TABLE a (b TEXT DEFAULT '", Touched::Anything),
        ] {
            assert_eq!(touched(sql), expected, "{sql}");
        }
    }
}
