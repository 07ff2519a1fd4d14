//! Valid SQL fragments of operations for each database, so that the tests fail only for SQL that the framework
//! generates.

use migrate_core::Dialect;
use migrate_core::schema::{AlterTable, ColumnBuilder, ColumnType, DropColumn, kind};

use Dialect::{Postgres, Sqlite};

/// A value, or an expression for one.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Integer(i32),
    Double(f64),
    Text(&'static str),
    Sql(String),
}

impl Given {
    pub(crate) fn default_of(self, column: ColumnBuilder<kind::Any>) -> ColumnBuilder<kind::Any> {
        match self {
            Given::Integer(value) => column.default(value),
            Given::Double(value) => column.default(value),
            Given::Text(value) => column.default(value),
            Given::Sql(sql) => column.default_sql(sql),
        }
    }

    pub(crate) fn undo_fill_of(self, column: DropColumn) {
        match self {
            Given::Integer(value) => column.undo_fill(value),
            Given::Double(value) => column.undo_fill(value),
            Given::Text(value) => column.undo_fill(value),
            Given::Sql(sql) => column.undo_fill_sql(sql),
        }
    }

    pub(crate) fn set_default(self, t: &AlterTable, column: &str) {
        match self {
            Given::Integer(value) => t.set_default(column, value),
            Given::Double(value) => t.set_default(column, value),
            Given::Text(value) => t.set_default(column, value),
            Given::Sql(sql) => t.set_default_sql(column, sql),
        }
    }
}

pub(crate) fn quoted(dialect: Dialect, name: &str) -> String {
    match dialect {
        Sqlite | Postgres => format!("\"{name}\""),
        _ => format!("`{name}`"),
    }
}

/// The values of the enum `mood`: one for each row, so that such a column can be unique.
pub(crate) const MOODS: [&str; 3] = ["sad", "glad", "so-so"];

/// The column types.
pub(crate) fn types(dialect: Dialect) -> Vec<ColumnType> {
    let mut types = vec![
        ColumnType::Integer,
        ColumnType::BigInt,
        ColumnType::Text,
        ColumnType::VarChar(40),
        ColumnType::Double,
        ColumnType::Timestamp,
    ];
    if dialect != Sqlite {
        types.extend([
            ColumnType::SmallInt,
            ColumnType::Numeric {
                precision: 10,
                scale: 2,
            },
            ColumnType::Date,
            ColumnType::Timestamptz,
            ColumnType::Jsonb,
        ]);
    }
    if dialect == Postgres {
        types.extend([ColumnType::Uuid, ColumnType::Enum("mood".to_owned())]);
    }
    types
}

/// The kind of values of a type.
enum Sort {
    Whole,
    Fraction,
    Day,
    Moment,
    Json,
    Uuid,
    Mood,
    Text,
}

fn sort(column_type: &ColumnType) -> Sort {
    match column_type {
        ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => Sort::Whole,
        ColumnType::Double | ColumnType::Numeric { .. } => Sort::Fraction,
        ColumnType::Date => Sort::Day,
        ColumnType::Timestamp | ColumnType::Timestamptz => Sort::Moment,
        ColumnType::Jsonb => Sort::Json,
        ColumnType::Uuid => Sort::Uuid,
        ColumnType::Enum(_) => Sort::Mood,
        _ => Sort::Text,
    }
}

pub(crate) fn is_text(column_type: &ColumnType) -> bool {
    matches!(sort(column_type), Sort::Text)
}

const A_UUID: &str = "5f0c8e62-0f4b-4c1b-8f6e-2d7b3a9e1c50";

/// Returns a default of a column.
pub(crate) fn default(dialect: Dialect, column_type: &ColumnType) -> Given {
    match sort(column_type) {
        Sort::Whole => Given::Integer(7),
        Sort::Fraction => Given::Double(0.5),
        Sort::Day => Given::Text("2024-02-03"),
        Sort::Moment => Given::Sql(now(dialect).to_owned()),
        Sort::Json => Given::Text("{}"),
        Sort::Uuid => Given::Text(A_UUID),
        Sort::Mood => Given::Text("glad"),
        Sort::Text => Given::Text("it's"),
    }
}

fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Sqlite | Postgres => "CURRENT_TIMESTAMP",
        _ => "CURRENT_TIMESTAMP(6)",
    }
}

/// Returns an expression as a default.
pub(crate) fn computed(dialect: Dialect, column_type: &ColumnType) -> String {
    let sql = match sort(column_type) {
        Sort::Whole | Sort::Fraction => "1 + 1",
        Sort::Day => "CURRENT_DATE",
        Sort::Moment => now(dialect),
        Sort::Json if dialect == Postgres => "jsonb_build_array(1, 2)",
        Sort::Json => "json_array(1, 2)",
        Sort::Uuid => "gen_random_uuid()",
        Sort::Mood => "('gl' || 'ad')::mood",
        Sort::Text => "lower('A')",
    };
    sql.to_owned()
}

/// Returns the value that fills a restored column.
pub(crate) fn fill(column_type: &ColumnType) -> Given {
    match sort(column_type) {
        Sort::Whole => Given::Integer(20),
        Sort::Fraction => Given::Double(2.5),
        Sort::Day => Given::Text("2024-02-03"),
        Sort::Moment => Given::Text("2024-02-03 04:05:06"),
        Sort::Json => Given::Text("[]"),
        Sort::Uuid => Given::Text(A_UUID),
        Sort::Mood => Given::Text("sad"),
        Sort::Text => Given::Text("filled"),
    }
}

/// Returns an expression that fills a restored column, distinct in each row.
pub(crate) fn fill_from_id(dialect: Dialect, column_type: &ColumnType) -> String {
    let sql = match (sort(column_type), dialect) {
        (Sort::Whole | Sort::Fraction, _) => "id + 1",
        (Sort::Moment, Sqlite) => "datetime('2024-02-03', id || ' days')",
        (Sort::Day | Sort::Moment, Postgres) => "timestamp '2024-02-03' + id * interval '1 day'",
        (Sort::Day | Sort::Moment, _) => "'2024-02-03' + INTERVAL id DAY",
        (Sort::Json, Postgres) => "to_jsonb(id)",
        (Sort::Uuid, _) => "md5(id::text)::uuid",
        (Sort::Mood, _) => "(ARRAY['sad', 'glad', 'so-so'])[id / 10]::mood",
        (Sort::Json | Sort::Text, Sqlite | Postgres) => "'row' || id",
        (Sort::Json, _) => "json_array(id)",
        (Sort::Text, _) => "concat('row', id)",
    };
    sql.to_owned()
}

/// Returns an expression that converts a column of any type to another type and keeps distinct values distinct. Returns
/// `None` if there is no such expression.
pub(crate) fn turned(dialect: Dialect, column: &str, to: &ColumnType) -> Option<String> {
    let column = quoted(dialect, column);
    if dialect != Postgres {
        return Some(column);
    }
    let hash = format!("hashtext({column}::text)");
    Some(match sort(to) {
        // Fits into 16 bits.
        Sort::Whole | Sort::Fraction => format!("{hash} % 30000"),
        Sort::Day => format!("date '2024-02-03' + {hash} % 100000"),
        Sort::Moment => format!("timestamp '2024-02-03' + {hash} * interval '1 second'"),
        Sort::Json => format!("to_jsonb({column}::text)"),
        Sort::Uuid => format!("md5({column}::text)::uuid"),
        Sort::Mood => return None,
        Sort::Text => format!("{column}::text"),
    })
}

/// Returns a condition on a column of any type.
pub(crate) fn is_not(dialect: Dialect, column: &str, text: &str) -> String {
    match dialect {
        Sqlite => format!("{column} <> '{text}'"),
        // Not a cast: PostgreSQL drops a redundant cast when the column becomes a text, but the rollback would need it.
        _ => format!("concat({column}) <> '{text}'"),
    }
}

/// Returns an expression on a column of any type, for an index.
pub(crate) fn indexed(dialect: Dialect, column: &str) -> String {
    match dialect {
        Postgres => format!("{column} IS NULL"),
        _ => format!("lower({column})"),
    }
}
