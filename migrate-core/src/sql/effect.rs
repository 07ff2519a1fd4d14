//! What raw statements change, from their first words: objects of the schema, and the state of the session.
//!
//! Unknown statements get the most cautious answer.

use super::split;
use super::token::Token;
use super::tokenizer::tokenize;
use crate::dialect::Dialect;

/// The possible effect of a raw statement on the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Returns the possible effect of each statement of a raw text.
pub(crate) fn effects(dialect: Dialect, sql: &str) -> Vec<Effect> {
    let Ok(mut tokens) = tokenize(dialect, sql) else {
        return vec![Effect::Anything];
    };
    tokens.retain(Token::is_significant);
    split::statements(dialect, &tokens).into_iter().map(effect).collect()
}

/// Returns the table that a statement of rows writes to; `None` if it may write to any.
#[cfg(feature = "testing")]
pub(crate) fn written_table(dialect: Dialect, sql: &str) -> Option<String> {
    let before_the_name = [
        "INSERT", "REPLACE", "OR", "ABORT", "FAIL", "IGNORE", "ROLLBACK", "INTO", "UPDATE", "DELETE", "FROM", "ONLY",
        "TRUNCATE", "TABLE",
    ];
    let tokens = tokenize(dialect, sql).ok()?;
    let mut words = tokens.into_iter().filter(Token::is_significant);
    let first = words.find(|token| !token.is_one_of(&before_the_name))?;
    // A schema before the name is irrelevant.
    let name = match words.next() {
        Some(token) if token.is(".") => words.next()?.name(),
        _ => first.name(),
    };
    name.filter(|name| !name.eq_ignore_ascii_case("with"))
}

/// Returns the possible effect of a statement.
pub(super) fn effect(statement: &[Token<'_>]) -> Effect {
    let Some((first, after)) = statement.split_first() else {
        return Effect::Nothing;
    };
    // SET STATEMENT contains another statement: https://mariadb.com/kb/en/set-statement/
    if first.is("SET") && after.first().is_some_and(|next| next.is("STATEMENT")) {
        return Effect::Anything;
    }
    let reads = [
        "SELECT", "VALUES", "EXPLAIN", "ANALYZE", "VACUUM", "REINDEX", "PRAGMA", "SET", "GRANT", "REVOKE", "LOCK",
        "NOTIFY", "REFRESH", "CLUSTER",
    ];
    let writes = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "TRUNCATE", "WITH"];
    match () {
        () if first.is_one_of(&reads) => Effect::Nothing,
        () if first.is_one_of(&writes) => Effect::Rows,
        () if first.is_one_of(&["CREATE", "ALTER", "DROP", "COMMENT"]) => object(after),
        () => Effect::Anything,
    }
}

/// Returns the effect of a CREATE, ALTER, DROP or COMMENT, from the words after the first.
fn object(words: &[Token<'_>]) -> Effect {
    let is_one_of = |at: usize, among: &[&str]| words.get(at).is_some_and(|token| token.is_one_of(among));
    let is = |at: usize, word: &str| is_one_of(at, &[word]);
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

/// Returns the objects that a statement creates, changes or drops, if their definitions show its whole effect.
pub(super) fn observable_objects(statement: &[Token<'_>]) -> Option<Vec<String>> {
    // These statements change rows, or their repetition reverts them.
    let hidden = [
        "EXCHANGE", "IMPORT", "DISCARD", "TRUNCATE", "COPY", "ATTACH", "DETACH", "INHERIT",
    ];
    let is_first = |word: &str| statement.first().is_some_and(|first| first.is(word));
    let has = |words: &[&str]| statement.iter().any(|token| token.is_one_of(words));
    let changes_values = is_first("ALTER") && has(&["USING"]);
    if has(&hidden) || !has_definition(statement) || changes_values || may_fail_partially(statement) {
        return None;
    }
    match effect(statement) {
        _ if names_schema(statement) || session_effect(statement) != SessionEffect::Nothing => None,
        Effect::Names(names) => Some(names),
        Effect::Index(index) => Some(vec![index]),
        Effect::Nothing | Effect::Rows | Effect::Anything => None,
    }
}

/// Returns true if a failed statement may leave a part of its effect outside a transaction. It contains other
/// statements, which may commit, or it drops several objects one after the other.
pub(super) fn may_fail_partially(statement: &[Token<'_>]) -> bool {
    let holds_others = ["CALL", "DO", "EXECUTE", "BEGIN", "IF", "FOR", "WHILE", "LOOP", "REPEAT"];
    let is_first = |words: &[&str]| statement.first().is_some_and(|first| first.is_one_of(words));
    is_first(&holds_others) || (is_first(&["DROP"]) && statement.iter().any(|token| token.is(",")))
}

/// Returns true if a name may have a schema before it, which may differ from the schema of the connection.
fn names_schema(statement: &[Token<'_>]) -> bool {
    // COMMENT ON COLUMN names the column with its table.
    let is_comment = statement.iter().any(|token| token.is("COMMENT"));
    let named = statement.windows(3).filter(|three| {
        three[1].is(".") && three[0].name().is_some() && three[2].name().is_some() && !three[0].is("main")
    });
    named.count() > usize::from(is_comment)
}

/// The state that a statement leaves in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SessionEffect {
    Nothing,
    /// A setting, which another session can repeat.
    Setting,
    /// State that another session cannot have: a temporary table, or a value computed from earlier rows.
    Lost,
}

/// Returns the state that a statement leaves in the session for later statements.
pub(super) fn session_effect(statement: &[Token<'_>]) -> SessionEffect {
    let is = |at: usize, words: &[&str]| statement.get(at).is_some_and(|token| token.is_one_of(words));
    let selects = statement.iter().filter(|token| token.is("SELECT")).count();
    let sets = (is(0, &["SET"]) && !is(1, &["STATEMENT"])) || is(0, &["USE", "RESET", "PRAGMA"]);
    let sets_by_function = is(0, &["SELECT"]) && statement.iter().any(|token| token.is("set_config"));
    let before_kind = ["OR", "REPLACE", "GLOBAL", "LOCAL"];
    let kind = (1..statement.len()).find(|at| !is(*at, &before_kind));
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
fn has_definition(statement: &[Token<'_>]) -> bool {
    let before_kind = ["OR", "REPLACE", "TEMP", "TEMPORARY", "CONSTRAINT", "ON"];
    match statement.iter().skip(1).find(|token| !token.is_one_of(&before_kind)) {
        Some(kind) if kind.is("TYPE") => statement.iter().any(|token| token.is("ENUM")),
        Some(kind) => !kind.is_one_of(&["TRIGGER", "POLICY", "RULE", "DOMAIN"]),
        None => false,
    }
}

/// Returns true if running a statement twice has the effect of running it once.
pub(super) fn is_idempotent(statement: &[Token<'_>]) -> bool {
    let words = [
        "ANALYZE", "VACUUM", "REINDEX", "PRAGMA", "SET", "GRANT", "REVOKE", "LOCK", "REFRESH", "CLUSTER",
    ];
    // SET STATEMENT holds another statement: https://mariadb.com/kb/en/set-statement/
    let holds_another = statement.iter().any(|token| token.is("STATEMENT"));
    statement.first().is_some_and(|first| first.is_one_of(&words)) && !holds_another
}
