//! Checks that need no schema: names, defaults and types.

use crate::error::Diagnostic;
use crate::location::Location;
use crate::schema::column_type::{ColumnType, DefaultValue, Value};
use crate::schema::table::Column;
use crate::schema::{naming, sql_text};

pub(super) fn diagnostic(location: Location, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        location: Some(location),
        message: message.into(),
    }
}

pub(super) fn made_by_raw_sql(name: &str) -> String {
    format!(
        "`{name}` was made by raw SQL, so how to make it again is not known; say what that made with `.changes(..)`"
    )
}

/// Checks that a name is valid on every database.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a name is empty".to_owned());
    }
    if name.len() > naming::LONGEST {
        return Err(format!(
            "the name `{name}` has {} bytes, and databases take {}; shorten it",
            name.len(),
            naming::LONGEST
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("the name {name:?} holds a control character; take it out"));
    }
    Ok(())
}

pub(super) fn listed(columns: &[String]) -> String {
    format!("`{}`", columns.join("`, `"))
}

pub(super) fn check_default(default: &DefaultValue) -> Result<(), String> {
    match default {
        DefaultValue::Expression(sql) => {
            sql_text::check_expression(sql).map_err(|why| format!("the default's expression: {why}"))
        }
        DefaultValue::Value(Value::Double(number)) if !number.is_finite() => {
            Err("the default is not a finite number".to_owned())
        }
        DefaultValue::Value(Value::Text(text)) if text.contains('\0') => {
            Err("the default holds a NUL character, which databases do not keep in texts".to_owned())
        }
        DefaultValue::Value(_) | DefaultValue::Now => Ok(()),
    }
}

/// Checks that a column has at most one source of values: generated, default or auto-increment.
pub(super) fn check_has_one_source(column: &Column) -> Result<(), String> {
    let name = &column.name;
    match (&column.generated, &column.default) {
        (Some(_), Some(_)) => Err(format!(
            "`{name}` is generated and cannot have a default; leave one of them out"
        )),
        (Some(_), None) if column.auto_increment => Err(format!("`{name}` is generated and cannot be counted up")),
        (None, Some(_)) if column.auto_increment => Err(format!(
            "`{name}` is counted up by the database and cannot have a default; leave one of them out"
        )),
        _ => Ok(()),
    }
}

/// Checks the parameters of a type.
pub(super) fn check_type(column_type: &ColumnType) -> Result<(), String> {
    match column_type {
        ColumnType::VarChar(0) | ColumnType::Char(0) => {
            Err("a text of 0 characters holds nothing; give a length".to_owned())
        }
        ColumnType::Numeric { precision: 0, .. } => {
            Err("a number of 0 digits holds nothing; give a precision".to_owned())
        }
        ColumnType::Numeric { precision, scale } if scale > precision => Err(format!(
            "of {precision} digits, {scale} cannot stand behind the point; the first number counts all of them"
        )),
        ColumnType::Named(name) => check_type_name(name),
        _ => Ok(()),
    }
}

/// Checks that a default fits the type of its column.
pub(super) fn check_fits(name: &str, column_type: &ColumnType, default: &DefaultValue) -> Result<(), String> {
    let is_moment = matches!(
        column_type,
        ColumnType::Timestamp | ColumnType::Timestamptz | ColumnType::Named(_)
    );
    let fits = match default {
        DefaultValue::Value(value) => column_type.takes(value),
        DefaultValue::Now => is_moment,
        DefaultValue::Expression(_) => true,
    };
    if fits {
        return Ok(());
    }
    let default = match default {
        DefaultValue::Value(Value::Bool(value)) => value.to_string(),
        DefaultValue::Value(Value::Integer(value)) => value.to_string(),
        DefaultValue::Value(Value::Double(value)) => value.to_string(),
        DefaultValue::Value(Value::Text(value)) => format!("{value:?}"),
        DefaultValue::Value(Value::Binary(_)) => "a sequence of bytes".to_owned(),
        DefaultValue::Now | DefaultValue::Expression(_) => "the present moment".to_owned(),
    };
    Err(format!("`{name}`: {default} is no value of {}", column_type.encoding()))
}

/// Returns true if an expression calls a function that gives each row another value.
pub(super) fn differs_by_row(sql: &str) -> bool {
    [
        "random",
        "randomblob",
        "rand",
        "uuid",
        "uuidv4",
        "uuidv7",
        "gen_random_uuid",
        "nextval",
    ]
    .iter()
    .any(|function| sql_text::mentions(sql, function))
}

/// Checks a type given by its SQL, which goes into statements as written.
fn check_type_name(name: &str) -> Result<(), String> {
    let is_right = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '(' | ')' | ',' | '.' | '[' | ']');
    let is_word = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    // Text in quotes is a value of an enum or a set. Databases interpret a backslash in it differently.
    let is_text_or_right = |token: sql_text::Token<'_>| match token {
        sql_text::Token::Text(text) => !text.contains('\\'),
        other => other.as_str().chars().all(is_right),
    };
    let is_right = sql_text::tokenize(name).is_ok_and(|tokens| tokens.into_iter().all(is_text_or_right));
    if !is_word || !is_right || sql_text::check_expression(name).is_err() {
        return Err(format!(
            "{name:?} cannot be the name of a type; give it as the database writes it, such as `geometry(Point, 4326)`"
        ));
    }
    Ok(())
}
