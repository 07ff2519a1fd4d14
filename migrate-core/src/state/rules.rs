//! Checks that need no schema: names, defaults and types.

use std::fmt;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::location::Location;
use crate::schema::column_type::{ColumnType, DefaultValue, Value};
use crate::schema::naming;
use crate::schema::table::Column;
use crate::sql::{self, ExpressionProblem, TokenKind};

pub(super) fn diagnostic(location: Location, mistake: Mistake) -> Diagnostic {
    mistake.at(location)
}

pub(super) fn unknown_definition(message: String) -> Mistake {
    Code::UNKNOWN_DEFINITION
        .mistake(message)
        .help("describe what the raw SQL does to the schema with `.changes(..)`")
}

pub(super) fn made_by_raw_sql(name: &str) -> Mistake {
    unknown_definition(format!(
        "rollback cannot recreate `{name}`, because its definition is unknown after raw SQL"
    ))
}

/// Checks that a name is valid on every database.
pub(super) fn check_name(what: impl fmt::Display, name: &str) -> Result<(), Mistake> {
    let invalid = |message: String| Code::INVALID_NAME.mistake(message);
    if name.is_empty() {
        return Err(invalid(format!("{what} is empty")));
    }
    if name.len() > naming::LONGEST {
        return Err(invalid(format!(
            "{what} is {} bytes long, but at most {} are allowed: `{name}`",
            name.len(),
            naming::LONGEST
        ))
        .help("shorten it"));
    }
    if name.chars().any(char::is_control) {
        return Err(
            invalid(format!("{what} contains a control character: {name:?}")).help("remove the control character")
        );
    }
    Ok(())
}

/// Refuses the name of an object with a dot: as one identifier it would name an object with a dot in its name, not one
/// in another schema.
pub(super) fn check_unqualified(name: &str) -> Result<(), Mistake> {
    match name.contains('.') {
        false => Ok(()),
        true => Err(Code::INVALID_NAME
            .mistake(format!("`{name}` contains a dot, but a name has no schema"))
            .help(
                "choose the schema for the whole run, with `search_path` on PostgreSQL or the database of the URL; SQL that \
                 names another schema belongs into `execute`",
            )),
    }
}

pub(super) fn listed(columns: &[String]) -> String {
    format!("`{}`", columns.join("`, `"))
}

/// Checks that a text can be an expression inside a generated statement. `what` is the subject of a message: "the
/// default of `age`".
pub(super) fn check_expression(dialect: Dialect, what: impl fmt::Display, sql: &str) -> Result<(), Mistake> {
    let Err(problem) = sql::check_expression(dialect, sql) else {
        return Ok(());
    };
    let invalid = |problem: &str| Code::INVALID_EXPRESSION.mistake(format!("{what} {problem}"));
    Err(match problem {
        ExpressionProblem::Blank => invalid("is blank").help("write an SQL expression"),
        ExpressionProblem::Nul => invalid("contains a NUL character"),
        // Another database would read the backslash as itself.
        ExpressionProblem::Unreadable(_) if sql::reads_backslash_escapes(dialect) && sql.contains('\\') => {
            Code::AMBIGUOUS_BACKSLASH
                .mistake(format!(
                    "{} reads the backslash in `{sql}` as an escape, unlike other databases",
                    dialect.title()
                ))
                .help("write `char(92)` for the backslash, as in `concat('a', char(92), 'b')`")
        }
        ExpressionProblem::Unreadable(error) => invalid(&format!("contains {error}")),
        ExpressionProblem::Comment => invalid("contains a comment").help("remove the comment"),
        ExpressionProblem::Semicolon => invalid("contains a semicolon").help("remove the semicolon"),
        ExpressionProblem::Unopened(')') => invalid("contains a `)` without a matching `(`"),
        ExpressionProblem::Unopened(closing) => invalid(&format!("contains a `{closing}` without a matching `[`")),
        ExpressionProblem::Unclosed(opening) => invalid(&format!("contains an unclosed `{opening}`")),
    })
}

/// `what` is the subject of a message: "the default of `age`".
pub(super) fn check_default(dialect: Dialect, what: impl fmt::Display, default: &DefaultValue) -> Result<(), Mistake> {
    match default {
        DefaultValue::Expression(sql) => check_expression(dialect, what, sql),
        DefaultValue::Value(Value::Double(number)) if !number.is_finite() => {
            Err(Code::INVALID_DEFAULT.mistake(format!("{what} is not a finite number")))
        }
        DefaultValue::Value(Value::Text(text)) if text.contains('\0') => Err(Code::INVALID_DEFAULT
            .mistake(format!("{what} contains a NUL character"))
            .help("remove the NUL character, which databases do not store in text")),
        DefaultValue::Value(_) | DefaultValue::Now => Ok(()),
    }
}

/// Checks that a column has at most one source of values: generated, default or auto-increment.
pub(super) fn check_has_one_source(column: &Column) -> Result<(), Mistake> {
    let name = &column.name;
    let message = match (&column.generated, &column.default) {
        (Some(_), Some(_)) => format!("generated column `{name}` cannot have a default"),
        (Some(_), None) if column.auto_increment => format!("generated column `{name}` cannot be auto-increment"),
        (None, Some(_)) if column.auto_increment => format!("auto-increment column `{name}` cannot have a default"),
        _ => return Ok(()),
    };
    Err(Code::TWO_VALUE_SOURCES.mistake(message).help("remove one of the two"))
}

/// Checks the parameters of a type.
pub(super) fn check_type(dialect: Dialect, name: &str, column_type: &ColumnType) -> Result<(), Mistake> {
    let invalid = |message: String| Err(Code::INVALID_TYPE.mistake(message));
    match column_type {
        ColumnType::VarChar(0) | ColumnType::Char(0) => {
            invalid(format!("the length of column `{name}` must be at least 1"))
        }
        ColumnType::Numeric { precision: 0, .. } => {
            invalid(format!("the precision of column `{name}` must be at least 1"))
        }
        ColumnType::Numeric { precision, scale } if scale > precision => Err(Code::INVALID_TYPE
            .mistake(format!(
                "column `{name}` has scale {scale}, which is greater than its precision {precision}"
            ))
            .help("increase the precision, which counts all digits, or reduce the scale")),
        ColumnType::Named(type_name) => check_type_name(dialect, name, type_name),
        _ => Ok(()),
    }
}

/// Checks that a default fits the type of its column.
pub(super) fn check_fits(
    what: &str,
    name: &str,
    column_type: &ColumnType,
    default: &DefaultValue,
) -> Result<(), Mistake> {
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
        DefaultValue::Value(Value::Binary(_)) => "binary data".to_owned(),
        DefaultValue::Now | DefaultValue::Expression(_) => "the current time".to_owned(),
    };
    Err(Code::INVALID_DEFAULT.mistake(format!(
        "{what} `{name}` is not a valid {}: {default}",
        column_type.encoding()
    )))
}

/// Returns true if an expression calls a function that gives each row another value.
pub(super) fn differs_by_row(dialect: Dialect, sql: &str) -> bool {
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
    .any(|function| sql::mentions(dialect, sql, function))
}

/// Checks a type given by its SQL, which goes into statements as written.
fn check_type_name(dialect: Dialect, column: &str, name: &str) -> Result<(), Mistake> {
    let is_right = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '(' | ')' | ',' | '.' | '[' | ']');
    let is_word = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    // Text in quotes is a value of an enum or a set. Databases interpret a backslash in it differently.
    let is_text_or_right = |token: &sql::Token<'_>| match token.kind {
        TokenKind::Text(_) => token.text.starts_with('\'') && !token.text.contains('\\'),
        _ => token.text.chars().all(is_right),
    };
    let is_right = sql::tokenize(dialect, name).is_ok_and(|tokens| tokens.iter().all(is_text_or_right));
    if !is_word || !is_right || sql::check_expression(dialect, name).is_err() {
        return Err(Code::INVALID_TYPE
            .mistake(format!(
                "column `{column}` has the type {name:?}, which is not a type name"
            ))
            .help("write the type as the database does, such as `geometry(Point, 4326)`"));
    }
    Ok(())
}
