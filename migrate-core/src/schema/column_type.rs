//! What a column can hold, and the values that it can be given by default. How a database writes them is a dialect's.

use std::fmt;

/// The type of a column, named after Diesel's `sql_types`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// 16 bits, signed.
    SmallInt,
    /// 32 bits, signed.
    Integer,
    /// 64 bits, signed.
    BigInt,
    /// 32 bits of floating point.
    Float,
    /// 64 bits of floating point.
    Double,
    /// A decimal number: so many digits in all, and so many of them after the point.
    Numeric {
        /// Digits in all.
        precision: u16,
        /// Digits after the point.
        scale: u16,
    },
    /// True or false.
    Bool,
    /// Text of any length.
    Text,
    /// Text of at most so many characters.
    VarChar(u32),
    /// Text of exactly so many characters.
    Char(u32),
    /// Bytes.
    Binary,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time of day, without a time zone.
    Timestamp,
    /// A moment.
    Timestamptz,
    /// JSON, kept as text where the database can.
    Json,
    /// JSON in a binary form where the database has one.
    Jsonb,
    /// A UUID. Only PostgreSQL has such a type.
    Uuid,
    /// A value of an enum that [`create_enum`](crate::Schema::create_enum) made, by the enum's name.
    Enum(String),
    /// A type by the name that the database has for it, such as `citext` or `geometry(Point, 4326)`.
    Named(String),
}

impl ColumnType {
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self, ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt)
    }

    /// Whether a value can be one of this type. A type by its name takes any.
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

    /// Whether values lose a part when they become ones of another type: fractions, or the time of a day.
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

    /// The type in the words of a canonical encoding, and of messages. It never changes.
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

/// In the words of a migration: `big_int`, `varchar(100)`, `enum mood`.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encoding())
    }
}

/// Whether a text may be a date or a time: it holds a digit, or is a word that PostgreSQL takes for one,
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

/// What a column is given when a row does not say.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// A literal.
    Value(Value),
    /// The moment at which the row is written.
    Now,
    /// An SQL expression, as the database takes it.
    Expression(String),
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Double(f64),
    /// A text.
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
