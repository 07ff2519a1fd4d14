//! Diesel's type for a column, as `diesel print-schema` reads it from a database of each kind.

use crate::dialect_name::DialectName;
use crate::schema::{Column, ColumnType};

/// The SQL type of a column in Diesel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DieselType {
    /// What stands after the arrow of `table!`.
    pub(super) name: String,
    /// The type alone: of an array, that of its elements.
    pub(super) element: String,
    /// What it holds at most, where Diesel says that.
    pub(super) max_length: Option<u32>,
    /// Its name in the database, if Diesel does not have the type itself.
    pub(super) defined_as: Option<String>,
}

impl DieselType {
    fn known(name: &str) -> DieselType {
        DieselType {
            name: name.to_owned(),
            element: name.to_owned(),
            max_length: None,
            defined_as: None,
        }
    }
}

/// The type of a column on a database; `None` if Diesel has none for it.
pub(super) fn diesel_type(dialect: DialectName, column: &Column) -> Option<DieselType> {
    match dialect {
        DialectName::Sqlite => sqlite(column).map(DieselType::known),
        DialectName::Postgres => Some(postgres(&column.column_type)),
        DialectName::MySql | DialectName::MariaDb => None,
    }
}

/// The type that Diesel reads from what SQLite calls it, or would if it knew the type.
fn sqlite(column: &Column) -> Option<&'static str> {
    if column.auto_increment {
        return Some("Integer");
    }
    Some(match &column.column_type {
        ColumnType::SmallInt => "SmallInt",
        ColumnType::Integer => "Integer",
        ColumnType::BigInt => "BigInt",
        ColumnType::Float => "Float",
        ColumnType::Double | ColumnType::Numeric { .. } => "Double",
        ColumnType::Bool => "Bool",
        ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) => "Text",
        ColumnType::Binary => "Binary",
        ColumnType::Date => "Date",
        ColumnType::Time => "Time",
        ColumnType::Timestamp => "Timestamp",
        ColumnType::Timestamptz => "TimestamptzSqlite",
        ColumnType::Json => "Json",
        ColumnType::Jsonb => "Jsonb",
        ColumnType::Uuid | ColumnType::Enum(_) => return None,
        ColumnType::Named(name) => return sqlite_named(&name.to_lowercase()),
    })
}

/// The type that Diesel reads from a name that SQLite does not know.
fn sqlite_named(name: &str) -> Option<&'static str> {
    let has = |part: &str| name.contains(part);
    let is_any = |names: &[&str]| names.contains(&name);
    Some(match name {
        _ if is_any(&["boolean", "bool"]) || has("tiny") && has("int") => "Bool",
        _ if name == "int2" || has("small") && has("int") => "SmallInt",
        _ if name == "int8" || has("big") && has("int") => "BigInt",
        _ if has("int") => "Integer",
        _ if has("char") || has("clob") || has("text") => "Text",
        _ if has("blob") || has("binary") => "Binary",
        _ if has("float") || has("real") => "Float",
        _ if has("double") || has("num") || has("dec") => "Double",
        _ if is_any(&["datetime", "timestamp"]) => "Timestamp",
        "date" => "Date",
        "time" => "Time",
        _ => return None,
    })
}

/// What PostgreSQL calls it in its catalogue, in camel case: <https://www.postgresql.org/docs/current/catalog-pg-type.html>.
fn postgres(column_type: &ColumnType) -> DieselType {
    let known = DieselType::known;
    let with_length = |name: &str, length: u32| DieselType {
        max_length: Some(length),
        ..known(name)
    };
    match column_type {
        ColumnType::SmallInt => known("Int2"),
        ColumnType::Integer => known("Int4"),
        ColumnType::BigInt => known("Int8"),
        ColumnType::Float => known("Float4"),
        ColumnType::Double => known("Float8"),
        ColumnType::Numeric { .. } => known("Numeric"),
        ColumnType::Bool => known("Bool"),
        ColumnType::Text => known("Text"),
        ColumnType::VarChar(length) => with_length("Varchar", *length),
        ColumnType::Char(length) => with_length("Bpchar", *length),
        ColumnType::Binary => known("Bytea"),
        ColumnType::Date => known("Date"),
        ColumnType::Time => known("Time"),
        ColumnType::Timestamp => known("Timestamp"),
        ColumnType::Timestamptz => known("Timestamptz"),
        ColumnType::Json => known("Json"),
        ColumnType::Jsonb => known("Jsonb"),
        ColumnType::Uuid => known("Uuid"),
        ColumnType::Enum(name) => defined(name),
        ColumnType::Named(name) => postgres_named(name),
    }
}

/// A type by its name, which may have a length or a precision after it, and `[]` if it is an array.
fn postgres_named(name: &str) -> DieselType {
    let lower = name.trim().to_ascii_lowercase();
    if let Some(element) = lower.strip_suffix("[]") {
        let element = postgres_named(element);
        return DieselType {
            name: format!("Array<Nullable<{}>>", element.name),
            max_length: None,
            ..element
        };
    }
    let word = lower.split('(').next().unwrap_or_default().trim();
    let length = lower
        .split(['(', ')'])
        .nth(1)
        .and_then(|length| length.trim().parse().ok());
    let alias = ALIASES.iter().find(|(alias, _)| *alias == word);
    let word = alias.map_or(word, |(_, name)| name);
    let holds_text = matches!(word, "varchar" | "bpchar");
    if KNOWN_TO_DIESEL.contains(&word) {
        return DieselType {
            max_length: length.filter(|_| holds_text),
            ..DieselType::known(&camel_case(word))
        };
    }
    defined(word)
}

fn defined(name: &str) -> DieselType {
    DieselType {
        defined_as: Some(name.to_owned()),
        ..DieselType::known(&camel_case(name))
    }
}

/// The names that SQL has for types which PostgreSQL keeps under others:
/// <https://www.postgresql.org/docs/current/datatype.html>.
const ALIASES: &[(&str, &str)] = &[
    ("bigint", "int8"),
    ("bit varying", "varbit"),
    ("boolean", "bool"),
    ("character", "bpchar"),
    ("char", "bpchar"),
    ("character varying", "varchar"),
    ("decimal", "numeric"),
    ("double precision", "float8"),
    ("float", "float8"),
    ("int", "int4"),
    ("integer", "int4"),
    ("real", "float4"),
    ("smallint", "int2"),
    ("time without time zone", "time"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
];

/// The types of PostgreSQL that Diesel has: <https://docs.rs/diesel/2.3/diesel/pg/sql_types/index.html>.
const KNOWN_TO_DIESEL: &[&str] = &[
    "bit",
    "bool",
    "bpchar",
    "bytea",
    "cidr",
    "citext",
    "date",
    "datemultirange",
    "daterange",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int4multirange",
    "int4range",
    "int8",
    "int8multirange",
    "int8range",
    "interval",
    "json",
    "jsonb",
    "macaddr",
    "macaddr8",
    "money",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "tsmultirange",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "uuid",
    "varchar",
];

/// `user_mood` is `UserMood`.
fn camel_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    words
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(letters).collect::<String>()
        })
        .collect()
}
