//! Queries for one value or one column, on any connection.

use diesel::query_builder::SqlQuery;
use diesel::query_dsl::methods::LoadQuery;
#[cfg(feature = "_server")]
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};

use super::DriverError;

#[derive(QueryableByName)]
pub(super) struct NumberRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
}

#[derive(QueryableByName)]
pub(super) struct TextRow {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Returns the column `number` of the only row.
pub(super) fn number<'q, C>(connection: &mut C, query: &'q str) -> Result<Option<i64>, DriverError>
where
    SqlQuery: LoadQuery<'q, C, NumberRow>,
{
    let row: NumberRow = sql_query(query).get_result(connection)?;
    Ok(row.number)
}

/// Returns the column `text` of each row.
pub(super) fn texts<'q, C>(connection: &mut C, query: &'q str) -> Result<Vec<String>, DriverError>
where
    SqlQuery: LoadQuery<'q, C, TextRow>,
{
    let rows: Vec<TextRow> = sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}

/// Returns the column `text` of the only row.
#[cfg(feature = "_server")]
pub(super) fn one_text<'q, C>(connection: &mut C, query: &'q str) -> Result<String, DriverError>
where
    SqlQuery: LoadQuery<'q, C, TextRow>,
{
    texts(connection, query)?
        .pop()
        .ok_or_else(|| DieselError::NotFound.into())
}
