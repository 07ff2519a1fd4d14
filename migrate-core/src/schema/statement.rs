//! Classifies raw SQL statements by their words: the objects that a statement changes, whether that is observable, and
//! the state that it leaves in the session.
//!
//! Unknown statements get the most cautious answer.

use super::sql_text::{Token, tokenize};

/// The possible effect of a raw statement on the schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// No effect: the statement reads, or changes a setting or an object that the schema state does not track.
    Nothing,
    /// Rows of tables, but not the definitions of tables.
    Rows,
    /// These tables, views or types, and their parts.
    Names(Vec<String>),
    /// This index, on an unnamed table.
    Index(String),
    /// Unknown.
    Anything,
}

/// Returns the possible effect of a raw statement, from its first words.
pub(crate) fn effect(sql: &str) -> Effect {
    let Ok(tokens) = tokenize(sql) else {
        return Effect::Anything;
    };
    let mut words = tokens.into_iter().filter(Token::is_significant);
    let Some(first) = words.next() else {
        return Effect::Nothing;
    };
    match first.as_str().to_ascii_uppercase().as_str() {
        // SET STATEMENT contains another statement: https://mariadb.com/kb/en/set-statement/
        "SET"
            if words
                .clone()
                .next()
                .is_some_and(|next| next.as_str().eq_ignore_ascii_case("statement")) =>
        {
            Effect::Anything
        }
        "SELECT" | "VALUES" | "EXPLAIN" | "ANALYZE" | "VACUUM" | "REINDEX" | "PRAGMA" | "SET" | "GRANT" | "REVOKE"
        | "LOCK" | "NOTIFY" | "REFRESH" | "CLUSTER" => Effect::Nothing,
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "MERGE" | "TRUNCATE" | "WITH" => Effect::Rows,
        "CREATE" | "ALTER" | "DROP" | "COMMENT" => object(&words.collect::<Vec<_>>()),
        _ => Effect::Anything,
    }
}

/// Returns the objects that a raw statement creates, changes or drops, if their definitions show its whole effect.
pub(crate) fn observable_objects(sql: &str) -> Option<Vec<String>> {
    // These statements change rows, or their repetition reverts them.
    let hidden = [
        "EXCHANGE", "IMPORT", "DISCARD", "TRUNCATE", "COPY", "ATTACH", "DETACH", "INHERIT",
    ];
    let says = significant(sql);
    let is_first = |word: &str| says.first().is_some_and(|first| first.eq_ignore_ascii_case(word));
    let has = |word: &&str| says.iter().any(|said| said.eq_ignore_ascii_case(word));
    let changes_values = is_first("ALTER") && has(&"USING");
    if hidden.iter().any(has) || !has_definition(sql) || changes_values || may_fail_partially(sql) {
        return None;
    }
    match effect(sql) {
        _ if names_schema(sql) || session_effect(sql) != SessionEffect::Nothing => None,
        Effect::Names(names) => Some(names),
        Effect::Index(index) => Some(vec![index]),
        Effect::Nothing | Effect::Rows | Effect::Anything => None,
    }
}

/// Returns true if a failed statement may leave a part of its effect outside a transaction. It contains other
/// statements, which may commit, or it drops several objects one after the other.
pub(crate) fn may_fail_partially(sql: &str) -> bool {
    let holds_others = ["CALL", "DO", "EXECUTE", "BEGIN", "IF", "FOR", "WHILE", "LOOP", "REPEAT"];
    let says = significant(sql);
    let is_first = |word: &&str| says.first().is_some_and(|first| first.eq_ignore_ascii_case(word));
    holds_others.iter().any(is_first) || (is_first(&"DROP") && says.contains(&","))
}

/// Returns the tokens of a text without comments and whitespace, or nothing if the text cannot be read.
fn significant(sql: &str) -> Vec<&str> {
    let tokens = tokenize(sql).unwrap_or_default().into_iter();
    tokens
        .filter(Token::is_significant)
        .map(Token::as_str)
        .map(str::trim)
        .collect()
}

/// Returns true if a name may have a schema before it, which may differ from the schema of the connection.
fn names_schema(sql: &str) -> bool {
    let says = significant(sql);
    let is_name = |word: &str| {
        !word.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation() && !"\"`[_".contains(c))
    };
    // COMMENT ON COLUMN names the column with its table.
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

/// The state that a statement leaves in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionEffect {
    Nothing,
    /// A setting, which another session can repeat.
    Setting,
    /// State that another session cannot have: a temporary table, or a value computed from earlier rows.
    Lost,
}

/// Returns the state that a statement leaves in the session for later statements.
pub(crate) fn session_effect(sql: &str) -> SessionEffect {
    let says = significant(sql);
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
        0 if sets => SessionEffect::Setting,
        1 if sets_by_function => SessionEffect::Setting,
        _ if sets || sets_by_function || is(0, &["PREPARE", "DECLARE"]) => SessionEffect::Lost,
        _ if is(0, &["CREATE"]) && makes_temporary => SessionEffect::Lost,
        _ => SessionEffect::Nothing,
    }
}

/// Returns true if servers report the object of a CREATE, ALTER, DROP or COMMENT in definitions of tables, views and
/// enums.
fn has_definition(sql: &str) -> bool {
    let before_kind = ["OR", "REPLACE", "TEMP", "TEMPORARY", "CONSTRAINT", "ON"];
    let tokens = tokenize(sql).unwrap_or_default();
    let mut words = tokens
        .iter()
        .filter(|token| token.is_significant())
        .map(|token| token.as_str());
    let is = |word: &str, among: &[&str]| among.iter().any(|one| one.eq_ignore_ascii_case(word));
    match words
        .nth(1)
        .filter(|word| !is(word, &before_kind))
        .or_else(|| words.find(|word| !is(word, &before_kind)))
    {
        Some(kind) if is(kind, &["TYPE"]) => significant(sql).iter().any(|word| word.eq_ignore_ascii_case("ENUM")),
        Some(kind) => !is(kind, &["TRIGGER", "POLICY", "RULE", "DOMAIN"]),
        None => false,
    }
}

/// Returns true if running a raw statement twice has the effect of running it once.
pub(crate) fn is_idempotent(sql: &str) -> bool {
    let words = [
        "ANALYZE", "VACUUM", "REINDEX", "PRAGMA", "SET", "GRANT", "REVOKE", "LOCK", "REFRESH", "CLUSTER",
    ];
    let Ok(tokens) = tokenize(sql) else { return false };
    let mut said = tokens.into_iter().filter(Token::is_significant);
    let is_one_of_them = said
        .next()
        .is_some_and(|first| words.iter().any(|word| first.as_str().eq_ignore_ascii_case(word)));
    // Another statement may follow, or be part of it: https://mariadb.com/kb/en/set-statement/
    let does_more = |token: Token<'_>| token.as_str().contains(';') || token.as_str().eq_ignore_ascii_case("statement");
    is_one_of_them && !said.any(does_more)
}

/// Returns the effect of a CREATE, ALTER, DROP or COMMENT, from the words after the first.
fn object(words: &[Token<'_>]) -> Effect {
    let is = |at: usize, word: &str| {
        words
            .get(at)
            .is_some_and(|token| token.as_str().eq_ignore_ascii_case(word))
    };
    let is_one_of = |at: usize, among: &[&str]| among.iter().any(|word| is(at, word));
    // CASCADE reaches objects beyond the named one.
    if (0..words.len()).any(|at| is(at, "CASCADE") && !is_one_of(at.wrapping_sub(1), &["DELETE", "UPDATE"])) {
        return Effect::Anything;
    }
    let name_at = |mut at: usize| -> Option<(String, usize)> {
        while is_one_of(at, &["IF", "NOT", "EXISTS", "CONCURRENTLY", "ONLY"]) {
            at += 1;
        }
        // The schema before a name is irrelevant here.
        while is(at + 1, ".") {
            at += 2;
        }
        Some((words.get(at)?.name()?, at))
    };
    // Any other word before the kind means an unknown statement.
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
        return Effect::Anything;
    };
    let names = |names: Option<Vec<String>>| names.map_or(Effect::Anything, Effect::Names);
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
                return Effect::Names(all);
            }
        }
        return Effect::Anything;
    }
    if is(kind, "COLUMN") {
        // The table precedes the column, in COMMENT ON COLUMN.
        let dot = (kind..words.len())
            .rfind(|at| is(*at, "."))
            .filter(|dot| !is(*dot, "IS"));
        return names(dot.and_then(|dot| Some(vec![words.get(dot.checked_sub(1)?)?.name()?])));
    }
    if is_one_of(kind, &["INDEX", "TRIGGER", "POLICY", "RULE"]) {
        let on = (kind..words.len()).find(|at| is(*at, "ON"));
        return match on {
            Some(on) => names(name_at(on + 1).map(|(name, _)| vec![name])),
            None if is(kind, "INDEX") => name_at(kind + 1).map_or(Effect::Anything, |(name, _)| Effect::Index(name)),
            None => Effect::Anything,
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
        return Effect::Nothing;
    }
    Effect::Anything
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_effects_are_repeatable_settings_or_lost() {
        for (sql, left) in [
            ("SET search_path TO tenant", SessionEffect::Setting),
            ("-- why\nuse other", SessionEffect::Setting),
            ("SET @who = 'ann'", SessionEffect::Setting),
            (
                "SELECT set_config('search_path', 'tenant', false)",
                SessionEffect::Setting,
            ),
            ("SET @last = (SELECT max(id) FROM users)", SessionEffect::Lost),
            (
                "SELECT set_config('a.b', (SELECT max(id)::text FROM users), false)",
                SessionEffect::Lost,
            ),
            ("CREATE TEMPORARY TABLE t (id int)", SessionEffect::Lost),
            ("CREATE OR REPLACE TEMP VIEW v AS VALUES (1)", SessionEffect::Lost),
            (
                "SET STATEMENT max_statement_time = 1 FOR DELETE FROM a",
                SessionEffect::Nothing,
            ),
            ("CREATE TABLE temp (id int)", SessionEffect::Nothing),
            ("SELECT 1", SessionEffect::Nothing),
        ] {
            assert_eq!(session_effect(sql), left, "{sql}");
        }
    }

    #[test]
    fn only_simple_single_statements_are_idempotent() {
        for sql in [
            "VACUUM t",
            "-- why\nANALYZE",
            "SET lock_timeout = '5s'",
            "PRAGMA user_version = 3",
        ] {
            assert!(is_idempotent(sql), "{sql}");
        }
        for sql in [
            "SET lock_timeout = '5s'; UPDATE a SET n = n + 1",
            "SET STATEMENT max_statement_time = 100 FOR INSERT INTO a VALUES (1)",
            "UPDATE a SET n = n + 1",
            "CALL grow()",
        ] {
            assert!(!is_idempotent(sql), "{sql}");
        }
        assert_eq!(
            effect("SET STATEMENT max_statement_time = 1 FOR ALTER TABLE a ADD b int"),
            Effect::Anything
        );
    }

    #[test]
    fn only_changes_of_definitions_are_observable() {
        for (sql, name) in [
            ("CREATE TABLE a (id int)", "a"),
            ("ALTER TABLE a ALTER COLUMN b TYPE bigint", "a"),
            ("CREATE UNIQUE INDEX i ON a (b)", "a"),
            ("ALTER TABLE a ADD CHECK (b > 0.5)", "a"),
            ("COMMENT ON COLUMN a.b IS 'c.d'", "a"),
            ("CREATE OR REPLACE VIEW v AS VALUES (1)", "v"),
            ("CREATE TYPE mood AS ENUM ('sad')", "mood"),
        ] {
            assert_eq!(observable_objects(sql), Some(vec![name.to_owned()]), "{sql}");
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
            assert_eq!(observable_objects(sql), None, "{sql}");
        }
    }

    #[test]
    fn raw_sql_affects_the_objects_that_it_names() {
        let names = |names: &[&str]| Effect::Names(names.iter().map(|&name| name.to_owned()).collect());
        for (sql, expected) in [
            ("SELECT 1", Effect::Nothing),
            ("-- so\nDELETE /* all */ FROM a", Effect::Rows),
            ("update users set a = 1", Effect::Rows),
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
            ("DROP INDEX IF EXISTS main.i", Effect::Index("i".to_owned())),
            ("DROP INDEX i ON users", names(&["users"])),
            ("CREATE FUNCTION f() RETURNS TABLE (a int)", Effect::Nothing),
            ("CREATE EXTENSION IF NOT EXISTS citext", Effect::Nothing),
            ("GRANT SELECT ON users TO reader", Effect::Nothing),
            ("CREATE TYPE app.mood AS ENUM ('a')", names(&["mood"])),
            ("COMMENT ON COLUMN app.users.name IS 'a.b'", names(&["users"])),
            ("COMMENT ON TABLE users IS NULL", names(&["users"])),
            ("DROP TABLE users CASCADE", Effect::Anything),
            (
                "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c ON DELETE CASCADE",
                names(&["a"]),
            ),
            ("ALTER TABLE ONLY users SET (fillfactor = 70)", names(&["users"])),
            ("CREATE INDEX CONCURRENTLY i ON ONLY users (a)", names(&["users"])),
            ("CREATE SERVER s", Effect::Anything),
            ("DO $$ x $$", Effect::Anything),
            ("CREATE TABLE a (b TEXT DEFAULT '", Effect::Anything),
        ] {
            assert_eq!(effect(sql), expected, "{sql}");
        }
    }
}
