//! Sample values for each column type, distinct for each number.

use crate::render::SqlDialect;
use crate::schema::{Column, ColumnType, Value};
use crate::sql::text_values;
use crate::state::LiveSchema;

/// Returns a sample value for a column.
pub(super) fn typed(dialect: &dyn SqlDialect, live: &LiveSchema, column: &Column, number: usize) -> Value {
    let name = &column.name;
    let integer = i64::try_from(number).unwrap_or_default();
    match &column.column_type {
        ColumnType::SmallInt => Value::Integer(integer % 30_000),
        ColumnType::Integer | ColumnType::BigInt => Value::Integer(integer),
        ColumnType::Float | ColumnType::Double => Value::Double(number as f64 + 0.5),
        ColumnType::Numeric { precision, scale } => {
            let digits = u32::from(precision.saturating_sub(*scale)).min(9);
            Value::Integer(integer % 10_i64.pow(digits))
        }
        ColumnType::Bool => Value::Bool(number.is_multiple_of(2)),
        ColumnType::Text => Value::Text(text(name, number)),
        ColumnType::VarChar(length) => Value::Text(at_most(text(name, number), number, *length)),
        ColumnType::Char(length) => Value::Text(digits(number, *length)),
        ColumnType::Binary => Value::Binary(number.to_be_bytes().to_vec()),
        ColumnType::Date => Value::Text(date(number)),
        ColumnType::Time => Value::Text(time(number)),
        ColumnType::Timestamp => Value::Text(format!("{} {}", date(number), time(number))),
        ColumnType::Timestamptz => Value::Text(match dialect.features().timestamptz_offsets {
            true => format!("{} {}+00:00", date(number), time(number)),
            // In the session's time zone.
            false => format!("{} {}", date(number), time(number)),
        }),
        ColumnType::Json | ColumnType::Jsonb => Value::Text(format!("{{\"number\":{number}}}")),
        ColumnType::Uuid => Value::Text(uuid(number)),
        ColumnType::Enum(of) => {
            let values = live.enums.get(of).map(Vec::as_slice).unwrap_or_default();
            Value::Text(one_of(values, number).unwrap_or_else(|| text(name, number)))
        }
        ColumnType::Named(word) => named(dialect, word, name, number),
    }
}

/// Returns a sample value for a type by its database name, if the name is known:
/// <https://www.postgresql.org/docs/current/datatype.html>, <https://dev.mysql.com/doc/refman/8.4/en/data-types.html>.
fn named(dialect: &dyn SqlDialect, word: &str, name: &str, number: usize) -> Value {
    let lower = word.to_ascii_lowercase();
    let first = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let in_parentheses = lower
        .split_once('(')
        .and_then(|(_, rest)| rest.split([',', ')']).next());
    let length: Option<u32> = in_parentheses.and_then(|length| length.parse().ok());
    let integer = i64::try_from(number).unwrap_or_default();
    let [_, a, b, c] = u32::try_from(number).unwrap_or_default().to_be_bytes();
    Value::Text(match first {
        _ if lower.ends_with("[]") => "{}".to_owned(),
        _ if first.ends_with("range") => "empty".to_owned(),
        "enum" | "set" => one_of(&text_values(dialect.kind(), word), number).unwrap_or_default(),
        "interval" => format!("{number} seconds"),
        "point" => format!("({number},0)"),
        "inet" | "cidr" => format!("10.{a}.{b}.{c}"),
        "macaddr" => format!("08:00:2b:{a:02x}:{b:02x}:{c:02x}"),
        "xml" => format!("<a>{number}</a>"),
        "tsvector" | "tsquery" => format!("word{number}"),
        "uuid" => uuid(number),
        "timestamp" | "datetime" => format!("{} {}", date(number), time(number)),
        "date" => date(number),
        "time" => time(number),
        "year" => (1970 + number % 100).to_string(),
        "bit" if dialect.features().bits_are_text => {
            let length = length.unwrap_or(1) as usize;
            last(&format!("{number:0length$b}"), length)
        }
        "bit" => return Value::Integer(integer % (1 << length.unwrap_or(1).min(32))),
        "numeric" | "decimal" | "float" | "double" | "money" | "oid" => return Value::Integer(integer),
        _ if first.contains("int") => return Value::Integer(integer),
        _ => match length {
            Some(length) => at_most(text(name, number), number, length),
            None => text(name, number),
        },
    })
}

fn one_of(values: &[String], number: usize) -> Option<String> {
    values.get(number.checked_rem(values.len())?).cloned()
}

fn date(number: usize) -> String {
    format!(
        "{}-{:02}-{:02}",
        2000 + number / 336,
        number / 28 % 12 + 1,
        number % 28 + 1
    )
}

fn time(number: usize) -> String {
    format!("{:02}:{:02}:{:02}", number / 3600 % 24, number / 60 % 60, number % 60)
}

fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn digits(number: usize, length: u32) -> String {
    let length = length as usize;
    last(&format!("{number:0length$}"), length)
}

/// Returns a plausible text for a column name.
fn text(name: &str, number: usize) -> String {
    let lower = name.to_ascii_lowercase();
    let is = |word: &str| lower.contains(word);
    if is("mail") {
        format!("person{number}@example.org")
    } else if is("url") || is("link") {
        format!("https://example.org/{number}")
    } else {
        format!("{name} {number}")
    }
}

/// Returns the text if it is short enough, otherwise the last digits of the number.
fn at_most(text: String, number: usize, length: u32) -> String {
    let length = length as usize;
    match text.chars().count() <= length {
        true => text,
        false => last(&number.to_string(), length),
    }
}

/// Returns the last characters, in which numbers differ.
fn last(text: &str, length: usize) -> String {
    let skipped = text.chars().count().saturating_sub(length);
    text.chars().skip(skipped).collect()
}
