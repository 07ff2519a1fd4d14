//! Types, defaults and expressions as MySQL and MariaDB print them, converted to the form that migrations use.

use std::borrow::Cow;

use crate::dialect::Dialect;
use crate::schema::{ColumnType, DefaultValue, Value};
use crate::sql::{Escapes, TokenKind, tokenize, unescaped};

/// MySQL and MariaDB print SQL by the same lexical rules.
const DIALECT: Dialect = Dialect::MySql;

/// Parses a type as `COLUMN_TYPE` prints it: <https://dev.mysql.com/doc/refman/8.4/en/data-types.html>.
pub(super) fn column_type(printed: &str) -> ColumnType {
    let name = without_width(printed);
    let inside = |word: &str| name.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')');
    let length = |word: &str| inside(word)?.parse().ok();
    if let Some(length) = length("varchar") {
        return ColumnType::VarChar(length);
    }
    if let Some(length) = length("char") {
        return ColumnType::Char(length);
    }
    if let Some((precision, scale)) = inside("decimal").and_then(|both| both.split_once(','))
        && let (Ok(precision), Ok(scale)) = (precision.parse(), scale.parse())
    {
        return ColumnType::Numeric { precision, scale };
    }
    match name.as_ref() {
        "smallint" => ColumnType::SmallInt,
        "int" => ColumnType::Integer,
        "bigint" => ColumnType::BigInt,
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "tinyint(1)" => ColumnType::Bool,
        "longtext" => ColumnType::Text,
        "longblob" => ColumnType::Binary,
        "date" => ColumnType::Date,
        "time(6)" => ColumnType::Time,
        "datetime(6)" => ColumnType::Timestamp,
        "timestamp(6)" => ColumnType::Timestamptz,
        "json" => ColumnType::Json,
        other => ColumnType::Named(other.to_owned()),
    }
}

/// Removes the display width, which does not limit values. Newer MySQL servers print none, except for BOOL:
/// <https://dev.mysql.com/doc/refman/8.4/en/numeric-type-attributes.html>.
fn without_width(printed: &str) -> Cow<'_, str> {
    let integers = ["tinyint", "smallint", "mediumint", "int", "bigint", "year"];
    let is_kept = printed.starts_with("tinyint(1)") || printed.ends_with("zerofill");
    match printed.split_once('(') {
        Some((word, rest)) if integers.contains(&word) && !is_kept => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{word}{after}").into()
        }
        _ => printed.into(),
    }
}

/// Parses a default into a value where possible, else into an expression. `printed` is SQL. MariaDB prints `NULL` for
/// no default: <https://mariadb.com/kb/en/information-schema-columns-table/>.
pub(super) fn default_value(of: &ColumnType, printed: &str) -> Option<DefaultValue> {
    let sql = expression(printed);
    let is = |word: &str| sql.eq_ignore_ascii_case(word);
    if is("NULL") {
        return None;
    }
    if is("current_timestamp(6)") || is("now(6)") {
        return Some(DefaultValue::Now);
    }
    Some(match literal(of, &sql) {
        Some(value) => DefaultValue::Value(value),
        None => DefaultValue::Expression(sql),
    })
}

fn literal(of: &ColumnType, sql: &str) -> Option<Value> {
    if let [only] = tokenize(DIALECT, sql).ok()?.as_slice() {
        let hexadecimal = only.text.strip_prefix("0x").filter(|_| only.kind == TokenKind::Number);
        let hexadecimal = hexadecimal.or_else(|| only.digits().filter(|_| only.text.starts_with(['x', 'X'])));
        match (only.value(), hexadecimal) {
            (Some(text), _) => return Some(text_value(of, text)),
            (None, Some(digits)) => return bytes(digits).map(Value::Binary),
            (None, None) => {}
        }
    }
    if *of == ColumnType::Bool {
        return match sql {
            "0" => Some(Value::Bool(false)),
            "1" => Some(Value::Bool(true)),
            _ => None,
        };
    }
    if !sql.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None;
    }
    let number = without_zeros(sql);
    let whole = number.parse().ok().map(Value::Integer);
    whole.or_else(|| number.parse().ok().map(Value::Double))
}

fn text_value(of: &ColumnType, text: String) -> Value {
    match of {
        ColumnType::Binary => Value::Binary(text.into_bytes()),
        ColumnType::Named(name) if name.starts_with("binary") || name.starts_with("varbinary") => {
            Value::Binary(text.into_bytes())
        }
        // The servers pad fractional seconds with zeros.
        ColumnType::Time | ColumnType::Timestamp | ColumnType::Timestamptz => {
            Value::Text(without_zeros(&text).to_owned())
        }
        _ => Value::Text(text),
    }
}

/// Removes the trailing zeros of a fraction.
fn without_zeros(text: &str) -> &str {
    match text.rsplit_once('.') {
        Some((_, fraction)) if fraction.bytes().all(|digit| digit.is_ascii_digit()) => {
            text.trim_end_matches('0').trim_end_matches('.')
        }
        _ => text,
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Normalizes an expression, and removes the parentheses that MySQL prints around it.
pub(super) fn expression(printed: &str) -> String {
    let written = sql(printed);
    let mut bare = written.trim();
    while let Some(inside) = inside_parentheses(bare) {
        bare = inside.trim();
    }
    bare.to_owned()
}

/// Returns the content of a text that one pair of parentheses encloses.
fn inside_parentheses(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0_usize;
    for token in tokenize(DIALECT, inside).ok()? {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    Some(inside)
}

/// Normalizes SQL: string literals lose their escapes, except for a doubled backslash, and their UTF-8 introducers. A text that cannot be read
/// stays as it was printed.
pub(super) fn sql(printed: &str) -> String {
    let printed = as_it_was_printed(printed);
    let Ok(tokens) = tokenize(DIALECT, &printed) else {
        return printed.into_owned();
    };
    // https://dev.mysql.com/doc/refman/8.4/en/charset-introducer.html
    let introducers = ["_utf8mb4", "_utf8mb3", "_utf8"];
    let mut sql = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let text_follows = tokens.get(at + 1).is_some_and(|next| next.value().is_some());
        match token.value() {
            Some(text) => sql.push_str(&format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))),
            None if text_follows && introducers.contains(&token.text) => {}
            None => sql.push_str(token.text),
        }
    }
    sql
}

/// Removes the outer level of escapes. MySQL escapes expressions once more, as if inside a string literal; then every
/// quote follows a backslash.
fn as_it_was_printed(printed: &str) -> Cow<'_, str> {
    let mut quotes = printed.match_indices('\'').peekable();
    let is_escaped = quotes.peek().is_some() && quotes.all(|(at, _)| printed[..at].ends_with('\\'));
    if !is_escaped {
        return printed.into();
    }
    unescaped(printed, Escapes::MySql).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_literals_lose_escapes_and_character_set() {
        for (printed, written) in [
            (r"`a` <> 'it\'s \\ '", r"`a` <> 'it''s \\ '"),
            (
                r"concat(`it's`,_utf8mb4'a',_latin1'b')",
                r"concat(`it's`,'a',_latin1'b')",
            ),
            (r"(`a` <> _utf8mb4\'it\\\'s\')", "(`a` <> 'it''s')"),
            (r"(`a` in (_utf8mb4\'\\\\\',_utf8mb4\'\\n\'))", "(`a` in ('\\\\','\n'))"),
            ("'never closed", "'never closed"),
        ] {
            assert_eq!(sql(printed), written, "{printed}");
        }
    }

    #[test]
    fn outer_parentheses_are_removed() {
        for (printed, bare) in [
            ("(`a` > 0)", "`a` > 0"),
            ("((`a` > 0) and (`b` > 0))", "(`a` > 0) and (`b` > 0)"),
            ("(`a` > 0) or (`b` > 0)", "(`a` > 0) or (`b` > 0)"),
            ("(1 + 1)", "1 + 1"),
        ] {
            assert_eq!(expression(printed), bare);
        }
    }

    #[test]
    fn printed_defaults_are_parsed_by_column_type() {
        let of = |name: &str, printed: &str| default_value(&column_type(name), printed);
        let value = |value: Value| Some(DefaultValue::Value(value));
        assert_eq!(of("varchar(9)", "NULL"), None);
        assert_eq!(of("varchar(9)", "'NULL'"), value("NULL".into()));
        assert_eq!(of("longtext", r"_utf8mb4\'it\\\'s\'"), value("it's".into()));
        assert_eq!(of("tinyint(1)", "1"), value(true.into()));
        assert_eq!(of("tinyint(4)", "1"), value(1.into()));
        assert_eq!(of("decimal(10,2)", "0.50"), value(0.5.into()));
        assert_eq!(of("decimal(10,2)", "-10.00"), value((-10).into()));
        assert_eq!(of("double", "1e20"), value(1e20.into()));
        assert_eq!(of("longblob", "X'00fF'"), value(Value::Binary(vec![0, 255])));
        assert_eq!(of("varbinary(3)", "0x00ff"), value(Value::Binary(vec![0, 255])));
        assert_eq!(
            of("datetime(6)", "'2020-01-01 00:00:00.500000'"),
            value("2020-01-01 00:00:00.5".into())
        );
        assert_eq!(of("timestamp(6)", "CURRENT_TIMESTAMP(6)"), Some(DefaultValue::Now));
        for sql in ["current_timestamp()", "b'101'", "1 + 1", "uuid()"] {
            assert_eq!(of("bit(3)", sql), Some(DefaultValue::Expression(sql.to_owned())));
        }
    }

    #[test]
    fn display_widths_are_omitted() {
        assert_eq!(column_type("int(11)"), ColumnType::Integer);
        assert_eq!(column_type("int"), ColumnType::Integer);
        assert_eq!(column_type("tinyint(1)"), ColumnType::Bool);
        for (printed, name) in [
            ("tinyint(4)", "tinyint"),
            ("bigint(20) unsigned", "bigint unsigned"),
            ("int(5) unsigned zerofill", "int(5) unsigned zerofill"),
            ("decimal(5,2) unsigned", "decimal(5,2) unsigned"),
            ("enum('a(','b')", "enum('a(','b')"),
        ] {
            assert_eq!(column_type(printed), ColumnType::Named(name.to_owned()));
        }
    }
}
