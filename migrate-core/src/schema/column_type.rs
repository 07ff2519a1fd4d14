//! Column types and default values. `render` writes their SQL.

use std::fmt;

/// The type of a column. The names follow Diesel's `sql_types`.
///
/// [`TableBuilder`](crate::schema::TableBuilder) has a method for most types. Its method
/// [`column`](crate::schema::TableBuilder::column) adds a column of any type, and [`set_type`](crate::schema::AlterTable::set_type)
/// changes the type of a column.
///
/// ```
/// # use migrate_core::Schema;
/// # use migrate_core::schema::ColumnType;
/// fn up(schema: &mut Schema) {
///     schema.alter_table("users", |t| {
///         t.column("token", ColumnType::Uuid).default_sql("gen_random_uuid()");
///         t.column("location", ColumnType::Named("geometry(Point, 4326)".to_owned())).nullable();
///         t.set_type("visits", ColumnType::BigInt);
///     });
/// }
/// assert_eq!(ColumnType::VarChar(40).to_string(), "varchar(40)");
/// ```
///
/// SQLite stores values by type affinity. It does not enforce integer ranges, text lengths or numeric precision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// A 16-bit signed integer, -32,768 to 32,767. SQL: `SMALLINT`.
    SmallInt,
    /// A 32-bit signed integer, -2,147,483,648 to 2,147,483,647. SQL: `INTEGER`.
    Integer,
    /// A 64-bit signed integer, -2^63 to 2^63 - 1. SQL: `BIGINT`.
    BigInt,
    /// A 32-bit floating point number. SQL: PostgreSQL `REAL`; SQLite, MySQL and MariaDB `FLOAT`. SQLite stores 64
    /// bits.
    Float,
    /// A 64-bit floating point number. SQL: PostgreSQL `DOUBLE PRECISION`; SQLite, MySQL and MariaDB `DOUBLE`.
    Double,
    /// A decimal number. SQL: SQLite and PostgreSQL `NUMERIC(precision, scale)`; MySQL and MariaDB
    /// `DECIMAL(precision, scale)`. SQLite stores a 64-bit integer or floating point number.
    Numeric {
        /// The number of all digits, at least 1.
        precision: u16,
        /// The number of digits after the decimal point, at most `precision`.
        scale: u16,
    },
    /// A boolean. SQL: `BOOLEAN`. SQLite, MySQL and MariaDB store 0 or 1.
    Bool,
    /// Text of any length. SQL: SQLite and PostgreSQL `TEXT`; MySQL and MariaDB `LONGTEXT`, which cannot be part of a
    /// key or an index.
    Text,
    /// Text of at most this many characters, at least 1. SQL: `VARCHAR(n)`.
    VarChar(u32),
    /// Text of a fixed length in characters, at least 1. SQL: `CHAR(n)`.
    Char(u32),
    /// Bytes of any length. SQL: SQLite `BLOB`; PostgreSQL `BYTEA`; MySQL and MariaDB `LONGBLOB`, which cannot be part
    /// of a key or an index.
    Binary,
    /// A date. SQL: `DATE`.
    Date,
    /// A time of day, without a time zone. SQL: SQLite and PostgreSQL `TIME`; MySQL and MariaDB `TIME(6)`.
    Time,
    /// A date and time, without a time zone. SQL: SQLite and PostgreSQL `TIMESTAMP`; MySQL and MariaDB `DATETIME(6)`.
    Timestamp,
    /// A point in time. SQL: SQLite and PostgreSQL `TIMESTAMPTZ`; MySQL and MariaDB `TIMESTAMP(6)`. Its range is 1970
    /// to 2038; MariaDB from version 11.5 extends it to 2106 on most 64-bit systems.
    Timestamptz,
    /// JSON, stored as text where the database allows it. SQL: `JSON`.
    Json,
    /// JSON, stored in a binary form where the database has one. SQL: SQLite and PostgreSQL `JSONB`; MySQL and MariaDB
    /// `JSON`.
    Jsonb,
    /// A UUID. SQL: PostgreSQL `UUID`. On the other databases, planning fails; use [`Binary`](ColumnType::Binary) or
    /// [`Text`](ColumnType::Text) on SQLite, and `Char(36)` on MySQL and MariaDB.
    Uuid,
    /// A value of the named enum, which [`create_enum`](crate::Schema::create_enum) created. SQL: PostgreSQL `"name"`.
    /// On the other databases, planning fails.
    Enum(String),
    /// A type as SQL, such as `citext`, `geometry(Point, 4326)` or MySQL's `ENUM('a', 'b')`. SQL: the text as written.
    /// Quoted text in it is for MySQL and MariaDB; for SQLite and PostgreSQL, planning fails.
    Named(String),
}

impl ColumnType {
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self, ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt)
    }

    /// Returns true if a column of this type can store a value. `Named` accepts every value.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        match self {
            ColumnType::SmallInt => matches!(value, Value::Integer(number) if i16::try_from(*number).is_ok()),
            ColumnType::Integer => matches!(value, Value::Integer(number) if i32::try_from(*number).is_ok()),
            ColumnType::BigInt => matches!(value, Value::Integer(_)),
            ColumnType::Float | ColumnType::Double | ColumnType::Numeric { .. } => {
                matches!(value, Value::Integer(_) | Value::Double(_))
            }
            ColumnType::Bool => matches!(value, Value::Bool(_)),
            ColumnType::Binary => matches!(value, Value::Binary(_)),
            ColumnType::VarChar(length) | ColumnType::Char(length) => {
                matches!(value, Value::Text(text) if text.chars().count() <= *length as usize)
            }
            ColumnType::Date | ColumnType::Time | ColumnType::Timestamp | ColumnType::Timestamptz => {
                matches!(value, Value::Text(text) if may_be_moment(text))
            }
            ColumnType::Text | ColumnType::Json | ColumnType::Jsonb | ColumnType::Uuid | ColumnType::Enum(_) => {
                matches!(value, Value::Text(_))
            }
            ColumnType::Named(_) => true,
        }
    }

    /// Returns true if a conversion to another type can lose a part of a value: a fraction, or the date or time of a
    /// timestamp.
    pub(crate) fn loses_as(&self, to: &ColumnType) -> bool {
        use ColumnType::{BigInt, Date, Double, Float, Integer, Numeric, SmallInt, Time, Timestamp, Timestamptz};
        match (self, to) {
            (Float | Double, SmallInt | Integer | BigInt | Numeric { .. })
            | (Timestamp | Timestamptz, Date | Time)
            | (Double, Float) => true,
            (Numeric { scale, .. }, SmallInt | Integer | BigInt) => *scale > 0,
            (Numeric { scale: from, .. }, Numeric { scale: to, .. }) => to < from,
            _ => false,
        }
    }

    /// Returns the canonical name of the type, for checksums and messages. These names must never change.
    pub(crate) fn encoding(&self) -> String {
        match self {
            ColumnType::SmallInt => "small_int".to_owned(),
            ColumnType::Integer => "integer".to_owned(),
            ColumnType::BigInt => "big_int".to_owned(),
            ColumnType::Float => "float".to_owned(),
            ColumnType::Double => "double".to_owned(),
            ColumnType::Numeric { precision, scale } => format!("numeric({precision}, {scale})"),
            ColumnType::Bool => "bool".to_owned(),
            ColumnType::Text => "text".to_owned(),
            ColumnType::VarChar(length) => format!("varchar({length})"),
            ColumnType::Char(length) => format!("char({length})"),
            ColumnType::Binary => "binary".to_owned(),
            ColumnType::Date => "date".to_owned(),
            ColumnType::Time => "time".to_owned(),
            ColumnType::Timestamp => "timestamp".to_owned(),
            ColumnType::Timestamptz => "timestamptz".to_owned(),
            ColumnType::Json => "json".to_owned(),
            ColumnType::Jsonb => "jsonb".to_owned(),
            ColumnType::Uuid => "uuid".to_owned(),
            ColumnType::Enum(name) => format!("enum {name}"),
            ColumnType::Named(name) => format!("named {name}"),
        }
    }
}

/// Prints the type as migrations name it: `big_int`, `varchar(100)`, `enum mood`.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encoding())
    }
}

/// Returns true if a text may be a date or a time: it contains a digit or is a special value of PostgreSQL,
/// <https://www.postgresql.org/docs/current/datatype-datetime.html>.
fn may_be_moment(text: &str) -> bool {
    let words = [
        "allballs",
        "epoch",
        "infinity",
        "-infinity",
        "now",
        "today",
        "tomorrow",
        "yesterday",
    ];
    text.contains(|c: char| c.is_ascii_digit()) || words.contains(&text.trim().to_ascii_lowercase().as_str())
}

/// The default of a column: the value of an inserted row that gives none.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// A literal value.
    Value(Value),
    /// The current time, `CURRENT_TIMESTAMP`.
    Now,
    /// An SQL expression, which reaches the database as written.
    Expression(String),
}

impl DefaultValue {
    /// Returns the SQL expression, if the default is one.
    pub(crate) fn expression(&self) -> Option<&str> {
        match self {
            DefaultValue::Expression(sql) => Some(sql),
            DefaultValue::Value(_) | DefaultValue::Now => None,
        }
    }
}

/// A literal value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A floating point number.
    Double(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i16> for Value {
    fn from(value: i16) -> Value {
        Value::Integer(value.into())
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Integer(value.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Double(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Value {
        Value::Binary(value.to_owned())
    }
}
