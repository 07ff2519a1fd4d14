//! The facts about a step's SQL, made once while planning: from data for generated SQL, from one pass over the tokens for
//! raw SQL.

use super::effect::{self, Effect, SessionEffect};
use super::expression::is_uncertain;
use super::split;
use super::token::{Token, TokenKind, TokenizeError};
use super::tokenizer::Tokenizer;
use crate::dialect::Dialect;

/// The facts about the SQL of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementInfo {
    pub(crate) statements: Statements,
    /// The first words of the first statement, in upper case; at most [`WORDS`].
    pub(crate) first_words: Vec<String>,
    /// The possible effect on the schema of each statement.
    pub(crate) effects: Vec<Effect>,
    /// The objects that the SQL changes. Empty unless their definitions show everything that the SQL does.
    pub(crate) observable: Vec<String>,
    pub(crate) session_effect: SessionEffect,
    /// Set if the SQL runs CONCURRENTLY: it allows other reads and writes, and waits for open transactions.
    pub(crate) concurrent: Option<Concurrent>,
    /// True if an interruption leaves the SQL in a state that it cannot run again from.
    pub(crate) must_not_time_out: bool,
    /// True if the SQL may safely run twice.
    pub(crate) is_idempotent: bool,
    /// True if the SQL may leave a part of its work in the database when it fails outside a transaction.
    pub(crate) may_fail_partially: bool,
    /// True if the SQL is one statement that ends where its text ends, and neither begins nor ends a transaction. After
    /// its [terminator](StatementInfo::terminator), other statements may follow in the same message.
    pub(crate) is_self_contained: bool,
    /// The text that ends the statement: a semicolon, outside of a trailing comment.
    pub(crate) terminator: &'static str,
}

/// The number of words to keep. `CREATE TEMPORARY TRIGGER` is the longest start that matters.
const WORDS: usize = 3;

/// The statements in a raw text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statements {
    None,
    One,
    Several,
    /// A database would silently ignore what follows a NUL character.
    CutByNul,
    /// The text is not tokens, as far as the dialect's rules are known.
    Unreadable(TokenizeError),
}

/// A PostgreSQL statement that runs CONCURRENTLY. Names keep their quotes and their schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Concurrent {
    CreateIndex {
        /// `None` if the server chooses the name.
        index: Option<String>,
        table: String,
    },
    ReindexIndex {
        index: String,
    },
    ReindexTable {
        table: String,
    },
    /// A failed attempt leaves no index that another attempt must drop.
    Other,
}

impl StatementInfo {
    /// Returns the facts about SQL that was generated for an operation on these objects.
    pub(crate) fn of_generated(
        names: Vec<String>,
        concurrent: Option<Concurrent>,
        is_self_contained: bool,
    ) -> StatementInfo {
        StatementInfo {
            statements: Statements::One,
            first_words: Vec::new(),
            effects: vec![Effect::Names(names.clone())],
            observable: names,
            session_effect: SessionEffect::Nothing,
            concurrent,
            must_not_time_out: false,
            is_idempotent: false,
            may_fail_partially: false,
            is_self_contained,
            terminator: ";",
        }
    }

    /// Reads the facts about a user's raw SQL.
    pub(crate) fn of_raw(dialect: Dialect, sql: &str) -> StatementInfo {
        let read = Read::of(Tokenizer::new(dialect, sql));
        let all = split::statements(dialect, &read.tokens);
        let is_readable = read.error.is_none();
        let only = match all.as_slice() {
            [only] if is_readable => Some(*only),
            _ => None,
        };
        let words = all.first().copied().unwrap_or_default().iter();
        let words = words.filter(|token| is_word(token)).take(WORDS);
        let statements = match (&all, read.error) {
            _ if sql.contains('\0') => Statements::CutByNul,
            (all, _) if all.len() > 1 => Statements::Several,
            (_, Some(error)) => Statements::Unreadable(error),
            (all, None) if !all.iter().flat_map(|one| one.iter()).any(is_word) => Statements::None,
            _ if is_several_with_ansi_quotes(dialect, sql) => Statements::Several,
            _ => Statements::One,
        };
        let first_words: Vec<String> = words.map(|token| token.text.to_ascii_uppercase()).collect();
        let is_certain = !read.tokens.iter().any(|token| is_uncertain(dialect, token));
        StatementInfo {
            effects: match is_readable {
                true => all.iter().map(|one| effect::effect(one)).collect(),
                false => vec![Effect::Anything],
            },
            observable: only.and_then(effect::observable_objects).unwrap_or_default(),
            session_effect: match is_readable {
                true => all.iter().map(|one| effect::session_effect(one)).max(),
                false => Some(SessionEffect::Lost),
            }
            .unwrap_or(SessionEffect::Nothing),
            concurrent: concurrent(dialect, &all),
            // An interrupted DETACH CONCURRENTLY cannot be repeated:
            // https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
            must_not_time_out: dialect == Dialect::Postgres && read.tokens.iter().any(|token| token.is("DETACH")),
            is_idempotent: only.is_some_and(effect::is_idempotent),
            may_fail_partially: !is_readable || all.iter().any(|one| effect::may_fail_partially(one)),
            is_self_contained: statements == Statements::One && is_certain && transaction_word(&first_words).is_none(),
            statements,
            first_words,
            terminator: read.terminator(),
        }
    }

    /// Returns the first word, if the first statement begins or ends a transaction or a savepoint.
    pub(crate) fn transaction_word(&self) -> Option<&str> {
        transaction_word(&self.first_words)
    }

    /// Returns true for raw SQL that changes rows only, and no schema.
    pub(crate) fn is_of_rows(&self) -> bool {
        !self.effects.is_empty() && self.effects.iter().all(|effect| *effect == Effect::Rows)
    }
}

fn transaction_word(words: &[String]) -> Option<&str> {
    let mut first = words.iter().map(String::as_str);
    match (first.next()?, first.next(), first.next()) {
        // A compound statement: https://mariadb.com/kb/en/begin-end/
        ("BEGIN", Some("NOT"), Some("ATOMIC")) => None,
        // A prepared statement of this name: https://dev.mysql.com/doc/refman/8.4/en/prepare.html
        ("PREPARE", Some("TRANSACTION"), Some("FROM")) => None,
        (word @ ("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE"), ..)
        | (word @ ("START" | "PREPARE"), Some("TRANSACTION"), _) => Some(word),
        _ => None,
    }
}

fn is_word(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Number)
}

/// Returns true if a text is several statements where the session has `ANSI_QUOTES`: then a backslash before a double
/// quote does not escape it. <https://dev.mysql.com/doc/refman/8.4/en/sql-mode.html#sqlmode_ansi_quotes>
fn is_several_with_ansi_quotes(dialect: Dialect, sql: &str) -> bool {
    let has_modes = matches!(dialect, Dialect::MySql | Dialect::MariaDb);
    if !has_modes || !sql.contains('"') || !sql.contains('\\') {
        return false;
    }
    let read = Read::of(Tokenizer::new(dialect, sql).with_ansi_quotes());
    let all = split::statements(dialect, &read.tokens);
    // The server refuses the whole text if the parentheses of the first statement do not match.
    let count = |sign: &str| all[0].iter().filter(|token| token.is(sign)).count();
    all.len() > 1 && count("(") == count(")")
}

/// The tokens of a text up to its end or its first error, without blanks and comments.
struct Read<'a> {
    tokens: Vec<Token<'a>>,
    error: Option<TokenizeError>,
    ends_in_line_comment: bool,
}

impl<'a> Read<'a> {
    fn of(tokenizer: Tokenizer<'a>) -> Read<'a> {
        let mut read = Read {
            tokens: Vec::new(),
            error: None,
            ends_in_line_comment: false,
        };
        for token in tokenizer {
            match token {
                Ok(token) if token.is_significant() => {
                    read.tokens.push(token);
                    read.ends_in_line_comment = false;
                }
                Ok(token) if token.kind == TokenKind::Comment => {
                    read.ends_in_line_comment = token.text.starts_with("--") || token.text.starts_with('#');
                }
                Ok(_) => {}
                Err(error) => read.error = Some(error),
            }
        }
        read
    }

    fn terminator(&self) -> &'static str {
        match self.tokens.last() {
            Some(last) if last.is(";") && !self.ends_in_line_comment => "",
            _ if self.ends_in_line_comment => "\n;",
            _ => ";",
        }
    }
}

/// Reads the first statement that runs CONCURRENTLY.
fn concurrent(dialect: Dialect, statements: &[&[Token<'_>]]) -> Option<Concurrent> {
    let is_concurrent = |one: &&&[Token<'_>]| one.iter().any(|token| token.is("CONCURRENTLY"));
    let statement = statements.iter().find(is_concurrent)?;
    (dialect == Dialect::Postgres).then(|| index_build(statement).unwrap_or(Concurrent::Other))
}

/// Reads a statement that builds indexes: <https://www.postgresql.org/docs/current/sql-createindex.html>,
/// <https://www.postgresql.org/docs/current/sql-reindex.html>.
fn index_build(statement: &[Token<'_>]) -> Option<Concurrent> {
    let mut words = Words(statement);
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
        return Some(Concurrent::CreateIndex { index, table });
    }
    if !words.take("REINDEX") {
        return None;
    }
    // The options are in parentheses.
    if let Some(end) = words.0.iter().position(|token| token.is(")")) {
        words.0 = &words.0[end + 1..];
    }
    let is_table = words.take("TABLE");
    if !is_table && !words.take("INDEX") {
        return None;
    }
    words.take("CONCURRENTLY");
    let name = words.name()?;
    Some(match is_table {
        true => Concurrent::ReindexTable { table: name },
        false => Concurrent::ReindexIndex { index: name },
    })
}

/// The remaining tokens of a statement.
struct Words<'t, 'a>(&'t [Token<'a>]);

impl Words<'_, '_> {
    fn take(&mut self, word: &str) -> bool {
        match self.0.split_first() {
            Some((next, after)) if next.is(word) => {
                self.0 = after;
                true
            }
            _ => false,
        }
    }

    /// Takes a name with its qualifiers.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            let (next, after) = self.0.split_first()?;
            name.push_str(next.text);
            self.0 = after;
            if !self.take(".") {
                return Some(name);
            }
            name.push('.');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dialect::{MariaDb, MySql, Postgres, Sqlite};

    fn info(sql: &str) -> StatementInfo {
        StatementInfo::of_raw(Postgres, sql)
    }

    #[track_caller]
    fn assert_statements(dialect: Dialect, sql: &str, expected: Statements) {
        assert_eq!(
            StatementInfo::of_raw(dialect, sql).statements,
            expected,
            "{dialect}: {sql}"
        );
    }

    #[test]
    fn one_statement_is_one_by_the_rules_of_its_dialect() {
        for (dialect, sql) in [
            (MySql, r"INSERT INTO a VALUES ('it\'s; fine')"),
            (MySql, "INSERT INTO a VALUES (1) # note; more\n"),
            (MySql, r#"INSERT INTO a VALUES ("it\"s; fine")"#),
            (MySql, "INSERT INTO a VALUES (\"it's; fine\")"),
            (MySql, "INSERT INTO a VALUES (_utf8mb4'it\\'s; fine', N'a\\';', X'3b')"),
            (MySql, "INSERT INTO a VALUES (1) -- it's; fine"),
            (MySql, "SELECT 1 --"),
            (MySql, "/*!40101 SET NAMES utf8 */"),
            (MySql, "/*!40101 SET NAMES utf8 */;"),
            (MySql, "/*!80000 SELECT 'a;' /* b; */ */"),
            (MariaDb, "SELECT 1 /*M!100100 + ';' */"),
            (MySql, "SELECT 1 /*M! ; it's a comment */"),
            (Postgres, r"INSERT INTO a VALUES (E'it\'s; fine')"),
            (Postgres, "INSERT INTO a VALUES (E'a'\n  'it\\'s; fine')"),
            (Postgres, "INSERT INTO a VALUES (E'a' -- it's\n  'it\\'s; fine')"),
            (Postgres, "INSERT INTO a VALUES ('C:\\')"),
            (Postgres, "DO $$ BEGIN PERFORM 'a'; END $$;"),
            (Postgres, "DO $a$ BEGIN PERFORM $$;$$; END $a$"),
            (Postgres, "SELECT 1 /* a /* b; */ c; */"),
            (Postgres, "SELECT a$b, $1, 1 # 2 FROM c WHERE d ? '#;'"),
            (Postgres, "SELECT ARRAY[';'], a[1]"),
            (Postgres, "SELECT U&'d\\0061t\\;', U&\"\\;\""),
            (Sqlite, "SELECT 1 AS [a;b], `c;d`, \"e;f\""),
            (Sqlite, "SELECT 'C:\\'"),
            (Sqlite, "SELECT 1 /* never closed; DROP TABLE a"),
            (Sqlite, "SELECT $a(;)"),
        ] {
            assert_statements(dialect, sql, Statements::One);
        }
    }

    #[test]
    fn several_statements_are_several_by_the_rules_of_their_dialect() {
        for (dialect, sql) in [
            (MySql, "SELECT 1--1; DROP TABLE x"),
            (MySql, "SELECT 1 # it's\n; DROP TABLE x"),
            (MySql, "SELECT 1 -- it's\n; DROP TABLE x"),
            (MySql, "SELECT 1 --\u{7f}it's\n; DROP TABLE x"),
            (MySql, "SELECT 1 -- a\r; DROP TABLE x\n; SELECT 1"),
            (MySql, "SELECT 'a\\\\'; DROP TABLE x"),
            (MySql, "SELECT 1 /* a /* b */; DROP TABLE x"),
            (MySql, "SELECT 1 /*! ; DROP TABLE x */"),
            (MySql, "SELECT 1 /*!50000 ; DROP TABLE x */"),
            (MySql, "SELECT 1 /*M! it's */; DROP TABLE x"),
            (MySql, "SELECT $$; DROP TABLE x; SELECT $$"),
            (MySql, "SELECT [a; DROP TABLE x; SELECT b]"),
            (
                MySql,
                "INSERT INTO kept VALUES (1--1); CREATE TABLE made (a INT); INSERT INTO late VALUES (1)",
            ),
            (MySql, "SELECT 1; SELECT 'never closed"),
            (MySql, r#"SELECT "a\"; DROP TABLE x; -- ""#),
            (
                MariaDb,
                "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1; DROP TABLE x",
            ),
            (Postgres, "UPDATE a SET b = 1; UPDATE a SET b = '$'"),
            (Postgres, "UPDATE a SET b = $1; UPDATE a SET b = $2"),
            (Postgres, "SELECT a$b$; SELECT a$b$"),
            (Postgres, "SELECT 1 -- a\r; DROP TABLE x"),
            (Postgres, "SELECT 'a\\'; DROP TABLE x"),
            (Postgres, "SELECT E'a' 'b\\'; DROP TABLE x"),
            (Postgres, "SELECT 1 AS atomic; DROP TABLE x"),
            (Postgres, "SELECT U&'\\'; DROP TABLE x"),
            (Postgres, "SELECT 1 # it; DROP TABLE x"),
            (Postgres, "DO $$ BEGIN END $$; DROP TABLE x"),
            (Sqlite, "SELECT 1 -- a\r;\n; DROP TABLE x"),
            (Sqlite, "SELECT 'a\\'; DROP TABLE x"),
            (Sqlite, "SELECT 1 /* a /* b */; DROP TABLE x"),
        ] {
            assert_statements(dialect, sql, Statements::Several);
        }
    }

    #[test]
    fn what_is_not_closed_is_not_one_statement() {
        for (dialect, sql, line) in [
            (MySql, "SELECT 1\n, 'a", 2),
            (MySql, r"SELECT 'a\'", 1),
            (MySql, "SELECT 1 /* a", 1),
            (MySql, "SELECT 1 /*! + 1", 1),
            (MySql, "SELECT 1 /*!99999 it's */", 1),
            (Postgres, "SELECT $a$ $b$ $$", 1),
            (Postgres, "SELECT 1 /* a /* b */", 1),
            (Postgres, r"SELECT E'a\'", 1),
            (Sqlite, "SELECT\n\n[a", 3),
        ] {
            match StatementInfo::of_raw(dialect, sql).statements {
                Statements::Unreadable(error) => assert_eq!(error.line(), line, "{dialect}: {sql}"),
                other => panic!("{dialect}: {sql}: {other:?}"),
            }
        }
        assert_statements(Sqlite, "SELECT 1\0; DROP TABLE x", Statements::CutByNul);
        assert_statements(Sqlite, "-- nothing", Statements::None);
        assert_statements(MySql, "# nothing", Statements::None);
        assert_statements(Postgres, "'x'", Statements::None);
    }

    #[test]
    fn statements_that_begin_or_end_transactions_are_known() {
        for sql in [
            "BEGIN",
            "BEGIN NOT DEFERRABLE",
            "begin work",
            "COMMIT AND CHAIN",
            "ROLLBACK TO a",
            "START TRANSACTION",
            "PREPARE TRANSACTION 'a'",
            "END",
        ] {
            let word = sql.split(' ').next().unwrap().to_ascii_uppercase();
            assert_eq!(info(sql).transaction_word(), Some(word.as_str()), "{sql}");
            assert!(!info(sql).is_self_contained, "{sql}");
        }
        for sql in [
            "BEGIN NOT ATOMIC SELECT 1; END",
            "PREPARE transaction FROM 'SELECT 1'",
            "START SLAVE",
        ] {
            assert_eq!(StatementInfo::of_raw(MySql, sql).transaction_word(), None, "{sql}");
        }
    }

    #[test]
    fn the_first_words_are_kept_without_comments() {
        assert_eq!(info("/* a */ commit -- b\n work").first_words, ["COMMIT", "WORK"]);
        assert_eq!(
            StatementInfo::of_raw(Sqlite, "PRAGMA foreign_keys=OFF").first_words,
            ["PRAGMA", "FOREIGN_KEYS", "OFF"]
        );
        assert_eq!(StatementInfo::of_raw(MySql, "/*! commit */").first_words, ["COMMIT"]);
        assert_eq!(info("-- nothing").first_words, [""; 0]);
    }

    #[test]
    fn only_one_certain_statement_is_self_contained() {
        for sql in [
            "SELECT 1",
            "SELECT 1;",
            "SELECT E'\\''",
            "SELECT 1 /* a */",
            "SELECT 1 -- a",
        ] {
            assert!(info(sql).is_self_contained, "{sql}");
        }
        for sql in [
            "SELECT 1; SELECT 2",
            "SELECT '\\'",
            "COMMIT",
            "start transaction",
            "PREPARE TRANSACTION 'a'",
            "SELECT 'a",
            "",
        ] {
            assert!(!info(sql).is_self_contained, "{sql}");
        }
    }

    #[test]
    fn the_terminator_is_outside_of_a_trailing_comment() {
        for (dialect, sql, terminator) in [
            (Postgres, "SELECT 1", ";"),
            (Postgres, "SELECT 1; /* a */", ""),
            (Postgres, "SELECT 1;", ""),
            (Postgres, "SELECT '--'", ";"),
            (Postgres, "SELECT 1 -- a", "\n;"),
            (Postgres, "SELECT 1; -- a", "\n;"),
            (MySql, "SELECT 1 # a */", "\n;"),
            (MySql, "SELECT 1--1", ";"),
            (MySql, "/*! SELECT 1 */", ";"),
        ] {
            assert_eq!(StatementInfo::of_raw(dialect, sql).terminator, terminator, "{sql}");
        }
    }

    #[test]
    fn concurrent_index_builds_are_parsed_in_any_notation() {
        let create = |index: Option<&str>, table: &str| {
            Some(Concurrent::CreateIndex {
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
                Some(Concurrent::ReindexTable {
                    table: "users".to_owned(),
                }),
            ),
            (
                "REINDEX (VERBOSE, CONCURRENTLY) INDEX a . b",
                Some(Concurrent::ReindexIndex {
                    index: "a.b".to_owned(),
                }),
            ),
            ("CREATE INDEX i ON users (name)", None),
            ("CREATE INDEX \"concurrently\" ON users (name)", None),
            ("REINDEX TABLE users", None),
            ("REINDEX SCHEMA CONCURRENTLY public", Some(Concurrent::Other)),
            ("DROP INDEX CONCURRENTLY i", Some(Concurrent::Other)),
            ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", Some(Concurrent::Other)),
            ("CREATE INDEX CONCURRENTLY", Some(Concurrent::Other)),
            ("SELECT $$ CREATE INDEX CONCURRENTLY i ON a (b) $$", None),
            ("", None),
        ] {
            assert_eq!(info(sql).concurrent, expected, "{sql}");
        }
    }

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
            assert_eq!(info(sql).session_effect, left, "{sql}");
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
            assert!(info(sql).is_idempotent, "{sql}");
        }
        for sql in [
            "SET lock_timeout = '5s'; UPDATE a SET n = n + 1",
            "SET STATEMENT max_statement_time = 100 FOR INSERT INTO a VALUES (1)",
            "UPDATE a SET n = n + 1",
            "CALL grow()",
        ] {
            assert!(!info(sql).is_idempotent, "{sql}");
        }
        assert_eq!(
            info("SET STATEMENT max_statement_time = 1 FOR ALTER TABLE a ADD b int").effects,
            [Effect::Anything]
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
            assert_eq!(info(sql).observable, [name], "{sql}");
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
            assert_eq!(info(sql).observable, [""; 0], "{sql}");
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
            let dialect = if sql.contains("TRIGGER") { Sqlite } else { Postgres };
            assert_eq!(StatementInfo::of_raw(dialect, sql).effects, [expected], "{sql}");
        }
    }

    #[test]
    fn each_statement_of_a_text_has_its_effect() {
        let sql = "INSERT INTO a VALUES (1); DROP TABLE b; SET lock_timeout = 1";
        let dropped = Effect::Names(vec!["b".to_owned()]);
        assert_eq!(info(sql).effects, [Effect::Rows, dropped, Effect::Nothing]);
        assert_eq!(info(sql).session_effect, SessionEffect::Setting);
        assert_eq!(info(sql).observable, [""; 0]);
        assert!(!info(sql).is_of_rows() && info("INSERT INTO a VALUES (1);").is_of_rows());
        assert!(!info("SELECT 1").is_of_rows() && !info("").is_of_rows());
    }
}
