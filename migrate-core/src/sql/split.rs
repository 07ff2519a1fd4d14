//! Splits the tokens of a text into statements, by what the dialects accept between semicolons.

use super::token::{Token, TokenKind};
use crate::dialect::Dialect;

/// Splits tokens without blanks and comments into statements, without the semicolons that end them.
pub(super) fn statements<'t, 'a>(dialect: Dialect, tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut statements = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        let end = match dialect {
            Dialect::Sqlite => sqlite_end(rest),
            Dialect::Postgres => postgres_end(rest),
            Dialect::MySql | Dialect::MariaDb => mysql_end(rest),
        };
        let (statement, after) = rest.split_at(end.min(rest.len()));
        if !statement.is_empty() {
            statements.push(statement);
        }
        rest = after.get(1..).unwrap_or_default();
    }
    statements
}

fn first_semicolon(tokens: &[Token<'_>]) -> usize {
    let semicolon = tokens.iter().position(|token| token.is(";"));
    semicolon.unwrap_or(tokens.len())
}

/// A trigger's body ends with `; END`, as in SQLite's own `sqlite3_complete`: <https://sqlite.org/c3ref/complete.html>.
fn sqlite_end(tokens: &[Token<'_>]) -> usize {
    let is_temporary = tokens
        .get(1)
        .is_some_and(|token| token.is_one_of(&["TEMP", "TEMPORARY"]));
    let kind = tokens.get(1 + usize::from(is_temporary));
    let is_trigger = tokens[0].is("CREATE") && kind.is_some_and(|token| token.is("TRIGGER"));
    if !is_trigger {
        return first_semicolon(tokens);
    }
    let end = tokens.windows(2).position(|pair| pair[0].is(";") && pair[1].is("END"));
    match end {
        Some(at) => at + 2 + first_semicolon(&tokens[at + 2..]),
        None => tokens.len(),
    }
}

/// As psql splits statements: a semicolon in parentheses belongs to a rule, and one between BEGIN ATOMIC and END to a
/// function. <https://www.postgresql.org/docs/current/sql-createfunction.html>
fn postgres_end(tokens: &[Token<'_>]) -> usize {
    let replaces = usize::from(tokens.get(1).is_some_and(|token| token.is("OR"))) * 2;
    let is_routine = tokens[0].is("CREATE")
        && tokens
            .get(1 + replaces)
            .is_some_and(|token| token.is_one_of(&["FUNCTION", "PROCEDURE"]));
    let (mut parentheses, mut blocks) = (0_usize, 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        let is_at_top = parentheses == 0;
        match token.text {
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            ";" if is_at_top && blocks == 0 => return at,
            _ if !is_routine || !is_at_top => {}
            _ if token.is("BEGIN") && tokens.get(at + 1).is_some_and(|next| next.is("ATOMIC")) => blocks += 1,
            _ if token.is("CASE") && blocks > 0 => blocks += 1,
            _ if token.is("END") => blocks = blocks.saturating_sub(1),
            _ => {}
        }
    }
    tokens.len()
}

/// A stored program holds statements: <https://dev.mysql.com/doc/refman/8.4/en/sql-compound-statements.html>,
/// <https://mariadb.com/kb/en/using-compound-statements-outside-of-stored-programs/>.
fn mysql_end(tokens: &[Token<'_>]) -> usize {
    let is_first = |words: &[&str]| tokens[0].is_one_of(words);
    let is_label = tokens.get(1).is_some_and(|token| token.is(":"));
    let is_block = tokens[0].is("BEGIN") && tokens.get(1).is_some_and(|token| token.is("NOT"));
    if is_block || is_label || is_first(&["IF", "LOOP", "REPEAT", "WHILE", "FOR", "CASE"]) {
        return Program::default().end(tokens, 0);
    }
    if !is_first(&["CREATE", "ALTER"]) {
        return first_semicolon(tokens);
    }
    let Some((kind, at)) = program_kind(tokens) else {
        return first_semicolon(tokens);
    };
    let find = |from: usize, word: &str| (from..first_semicolon(tokens)).find(|at| tokens[*at].is(word));
    match kind {
        "TRIGGER" => match find(at, "EACH") {
            Some(each) => {
                let follows = tokens
                    .get(each + 2)
                    .is_some_and(|token| token.is_one_of(&["FOLLOWS", "PRECEDES"]));
                Program::default().end(tokens, each + if follows { 4 } else { 2 })
            }
            None => first_semicolon(tokens),
        },
        "EVENT" => match find(at, "DO") {
            Some(then) => Program::default().end(tokens, then + 1),
            None => first_semicolon(tokens),
        },
        // The body of a package ends with an END of its own.
        "PACKAGE" => Program::in_block().end(tokens, at + 1),
        _ => routine_end(tokens, at),
    }
}

/// Returns the kind of stored program that CREATE or ALTER names, and its position.
fn program_kind(tokens: &[Token<'_>]) -> Option<(&'static str, usize)> {
    let kinds = ["TRIGGER", "EVENT", "PROCEDURE", "FUNCTION", "PACKAGE"];
    for (at, token) in tokens.iter().enumerate().skip(1) {
        if let Some(kind) = kinds.into_iter().find(|kind| token.is(kind)) {
            return Some((kind, at));
        }
        // DEFINER = 'user'@'host'
        let is_of_user = token.kind != TokenKind::Word || tokens[at - 1].is_one_of(&["=", "@"]);
        if !is_of_user && !token.is_one_of(&["OR", "REPLACE", "DEFINER", "AGGREGATE"]) {
            return None;
        }
    }
    None
}

/// Returns the end of a procedure or function whose kind is at `at`.
fn routine_end(tokens: &[Token<'_>], at: usize) -> usize {
    let starts = [
        "BEGIN", "IF", "CASE", "LOOP", "REPEAT", "WHILE", "FOR", "RETURN", "SET", "SELECT", "INSERT", "UPDATE",
        "DELETE", "CALL", "DO", "WITH",
    ];
    let mut depth = 0_usize;
    let mut declares = false;
    for (now, token) in tokens.iter().enumerate().skip(at + 1) {
        let is_label = tokens.get(now + 1).is_some_and(|next| next.is(":"));
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            ";" if depth == 0 && !declares => return now,
            _ if depth > 0 => {}
            // In Oracle mode, declarations follow: https://mariadb.com/kb/en/sql_modeoracle/
            _ if token.is_one_of(&["AS", "IS"]) => declares = true,
            _ if declares && !token.is("BEGIN") => {}
            // The type of a function in Oracle mode: RETURN INT AS.
            _ if token.is("RETURN") && is_oracle_type(&tokens[now + 1..]) => {}
            // IF NOT EXISTS, and RETURNS SET('a').
            _ if token.is("IF")
                && tokens
                    .get(now + 1)
                    .is_some_and(|next| next.is_one_of(&["NOT", "EXISTS"])) => {}
            _ if token.is("SET") && tokens[now - 1].is("RETURNS") => {}
            _ if is_label || token.is_one_of(&starts) => return Program::default().end(tokens, now),
            _ => {}
        }
    }
    tokens.len()
}

/// Returns true if tokens begin with a type and the AS or IS after it.
fn is_oracle_type(tokens: &[Token<'_>]) -> bool {
    let mut after = tokens
        .iter()
        .skip(1)
        .skip_while(|token| token.is_one_of(&["(", ")", ","]) || token.kind == TokenKind::Number);
    match after.next() {
        Some(token) if token.is("AS") => true,
        Some(token) if token.is("IS") => !after
            .next()
            .is_some_and(|next| next.is_one_of(&["NOT", "NULL", "TRUE", "FALSE", "UNKNOWN"])),
        _ => false,
    }
}

/// The open blocks of a stored program.
#[derive(Default)]
struct Program {
    /// For each open block, true if it is a CASE inside an expression.
    blocks: Vec<bool>,
}

impl Program {
    fn in_block() -> Program {
        Program { blocks: vec![false] }
    }

    /// Returns the position of the semicolon that ends the program, which begins at `from` with a statement.
    fn end(mut self, tokens: &[Token<'_>], from: usize) -> usize {
        let next_is = |at: usize, words: &[&str]| tokens.get(at + 1).is_some_and(|next| next.is_one_of(words));
        let loops = ["LOOP", "REPEAT", "WHILE", "FOR"];
        // True if a statement may begin at the current token.
        let mut starts = true;
        // True inside the DECLARE of a handler, whose statement may be a block.
        let mut handles = false;
        let mut at = from;
        while let Some(token) = tokens.get(at) {
            let is_in_expression = self.blocks.last() == Some(&true);
            if token.is(";") {
                if self.blocks.is_empty() {
                    return at;
                }
                (starts, handles) = (true, false);
            } else if starts && next_is(at, &[":"]) {
                at += 1;
            } else if token.is("END") && (starts || is_in_expression || next_is(at, &["REPEAT"])) {
                let was_expression = self.blocks.pop() == Some(true);
                if !was_expression && (next_is(at, &loops) || next_is(at, &["IF", "CASE"])) {
                    at += 1;
                }
                starts = false;
            } else if token.is("BEGIN") && (starts || handles) {
                self.blocks.push(false);
                (starts, handles) = (true, false);
            } else if starts && token.is_one_of(&["LOOP", "REPEAT"]) {
                self.blocks.push(false);
            } else if (starts && token.is_one_of(&["IF", "CASE", "WHILE", "FOR"]))
                || (handles && token.is("IF") && !next_is(at, &["("]))
            {
                self.blocks.push(false);
                (starts, handles) = (false, false);
            } else if token.is("CASE") {
                self.blocks.push(true);
            } else if token.is_one_of(&["THEN", "ELSE"]) {
                starts = !is_in_expression;
            } else if token.is_one_of(&["DO", "LOOP"]) {
                // A loop's header ends here. At the start of a statement, DO computes an expression.
                starts = !starts;
            } else if token.is("HANDLER") {
                handles = true;
                starts = false;
            } else {
                // BEGIN NOT ATOMIC is one opening.
                starts = starts && token.is_one_of(&["NOT", "ATOMIC"]);
            }
            at += 1;
        }
        tokens.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::tokenize;

    fn count(dialect: Dialect, sql: &str) -> usize {
        let mut tokens = tokenize(dialect, sql).unwrap();
        tokens.retain(Token::is_significant);
        statements(dialect, &tokens).len()
    }

    #[test]
    fn semicolons_end_statements_outside_of_quotes_and_comments() {
        for dialect in Dialect::ALL {
            for (sql, expected) in [
                ("", 0),
                (";", 0),
                ("SELECT 1", 1),
                ("SELECT 1;", 1),
                (";; SELECT 1 ; ; -- done;", 1),
                ("SELECT ';' , \";\" -- ; \n ; /* ; DROP TABLE a; */", 1),
                ("SELECT 'it''s; fine'", 1),
                ("INSERT INTO a VALUES ('é;', '🦀;')", 1),
                ("SELECT 1; SELECT 2", 2),
                ("SELECT 1;;DROP TABLE a;", 2),
                ("SELECT 1; -- so\nSELECT 2", 2),
                ("SELECT 1; 'x'", 2),
                ("CREATE TABLE trigger_log (id INTEGER); SELECT 1", 2),
            ] {
                assert_eq!(count(dialect, sql), expected, "{dialect}: {sql}");
            }
        }
        assert_eq!(count(Dialect::Sqlite, "SELECT `;`, [;]"), 1);
    }

    #[test]
    fn a_sqlite_trigger_ends_with_its_end() {
        let count = |sql: &str| count(Dialect::Sqlite, sql);
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN \
                       UPDATE a SET n = CASE WHEN 1 THEN 2 END; DELETE FROM b; END";
        assert_eq!(count(trigger), 1);
        assert_eq!(count(&format!("{trigger};")), 1);
        assert_eq!(
            count(
                &trigger
                    .replace("CREATE", "create temp")
                    .replace("; END", "; /* ; */ end")
            ),
            1
        );
        assert_eq!(count(&format!("{trigger}; SELECT 1")), 2);
    }

    #[test]
    fn a_postgres_routine_ends_after_its_atomic_body() {
        let count = |sql: &str| count(Dialect::Postgres, sql);
        let function = "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC \
                        SELECT CASE WHEN true THEN 1 ELSE 2 END; SELECT 3; END";
        assert_eq!(count(function), 1);
        assert_eq!(count(&format!("{function}; DROP TABLE a")), 2);
        assert_eq!(
            count("CREATE RULE r AS ON INSERT TO a DO ALSO (DELETE FROM b; DELETE FROM c)"),
            1
        );
        assert_eq!(count("DO $$ BEGIN PERFORM 1; END $$"), 1);
        assert_eq!(count("DO $a$ BEGIN PERFORM '$$'; END $a$; SELECT 1"), 2);
        assert_eq!(count("SELECT atomic FROM a; DROP TABLE a"), 2);
        assert_eq!(count("BEGIN; SELECT 1; END"), 3);
    }

    #[test]
    fn a_mysql_program_ends_after_its_body() {
        let programs = [
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1",
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW FOLLOWS u IF NEW.b THEN SET NEW.b = 1; ELSE SET NEW.b = 2; END IF",
            "CREATE DEFINER = `root`@'%' PROCEDURE p(IN a INT) COMMENT 'x' BEGIN SELECT IF(a, 1, 2); SELECT 2; END",
            "CREATE PROCEDURE p() BEGIN END",
            "CREATE PROCEDURE IF NOT EXISTS p() SELECT 1",
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN CASE WHEN 1 THEN 2 ELSE 3 END",
            "CREATE FUNCTION f() RETURNS SET('a', 'b') DETERMINISTIC BEGIN RETURN 'a'; END",
            "CREATE PROCEDURE p() outside: BEGIN inside: LOOP LEAVE inside; END LOOP inside; END outside",
            "CREATE PROCEDURE p() BEGIN WHILE a DO SET a = CASE b WHEN 1 THEN 2 ELSE 3 END; END WHILE; SELECT 1; END",
            "CREATE PROCEDURE p() BEGIN REPEAT SET @a = 1; UNTIL @a END REPEAT; SELECT 1; END",
            "CREATE PROCEDURE p() BEGIN CASE a WHEN 1 THEN SELECT 1; ELSE BEGIN END; END CASE; SELECT 1; END",
            "CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END; SELECT 1; END",
            "CREATE PROCEDURE p() BEGIN DECLARE CONTINUE HANDLER FOR NOT FOUND SET @a = IF(1, 2, 3); SELECT t.end FROM t; END",
            "CREATE PROCEDURE p() IF a THEN SELECT 1; ELSEIF b THEN SELECT 2; END IF",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM a; DELETE FROM b; END",
            "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END",
            "FOR i IN 1..3 DO SELECT i; SELECT 1; END FOR",
            "IF (SELECT 1) THEN SELECT 1; SELECT 2; END IF",
            "CREATE PROCEDURE p AS a INT; b INT; BEGIN SELECT 1; SELECT 2; END",
            "CREATE FUNCTION f(a INT) RETURN VARCHAR(10) AS b INT; BEGIN RETURN b; END",
            "CREATE FUNCTION f(a INT) RETURNS INT RETURN a IS NOT NULL",
            "CREATE PROCEDURE p() BEGIN DO IF(1, 2, 3); SELECT 1; END",
        ];
        for dialect in [Dialect::MySql, Dialect::MariaDb] {
            for program in programs {
                assert_eq!(count(dialect, program), 1, "{program}");
                assert_eq!(count(dialect, &format!("{program};")), 1, "{program}");
                assert_eq!(count(dialect, &format!("{program}; DROP TABLE a")), 2, "{program}");
            }
            for sql in [
                "CREATE TABLE a (event INT, `trigger` INT); DROP TABLE b",
                "ALTER TABLE a ADD procedure_name INT; CREATE TABLE event (a INT)",
                "CREATE VIEW v AS SELECT 'FUNCTION'; DROP TABLE b",
                "BEGIN; SELECT 1",
                "ALTER EVENT e DISABLE; DROP TABLE a",
                "ALTER EVENT e DISABLE; DO SLEEP(1)",
            ] {
                assert_eq!(count(dialect, sql), 2, "{sql}");
            }
        }
    }
}
