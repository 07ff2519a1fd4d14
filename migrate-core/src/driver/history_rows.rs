//! History rows as Diesel decodes them: by position, because a look-up of each name takes longer than the query.
//!
//! The positions are those of [`COLUMNS`](crate::history::columns::COLUMNS). Servers add their version and the history
//! version to each row, so that neither needs a query of its own.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::query_builder::SqlQuery;
use diesel::query_dsl::methods::LoadQuery;
use diesel::row::NamedRow;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::{HistoryVersion, StoredRows};
use crate::dialect::DialectVersion;
use crate::history::columns::{COLUMNS, position};
use crate::history::{RowDetails, StoredRow};

/// A history row, and what a server adds.
pub(super) struct LoadedRow<const DETAILS: bool> {
    stored: StoredRow,
    /// The server's version, and the version of all rows.
    server: Option<(String, i64)>,
}

impl<const DETAILS: bool, DB: Backend> QueryableByName<DB> for LoadedRow<DETAILS>
where
    i64: FromSql<BigInt, DB>,
    String: FromSql<Text, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> deserialize::Result<LoadedRow<DETAILS>> {
        let integer = |at: usize| row.get_value::<BigInt, i64, usize>(at);
        let text = |at: usize| row.get_value::<Text, String, usize>(at);
        let optional_text = |at: usize| row.get_value::<Nullable<Text>, Option<String>, usize>(at);
        let details = match DETAILS {
            true => Some(RowDetails {
                duration_ms: row
                    .get_value::<Nullable<BigInt>, Option<i64>, usize>(const { position("duration_ms") })?,
                applied_by: text(const { position("applied_by") })?,
                tool_version: text(const { position("tool_version") })?,
            }),
            false => None,
        };
        let server = match row.field_count() > COLUMNS.len() {
            true => Some((text(COLUMNS.len())?, integer(COLUMNS.len() + 1)?)),
            false => None,
        };
        Ok(LoadedRow {
            stored: StoredRow {
                sequence: integer(const { position("seq") })?,
                group: text(const { position("group_name") })?,
                version: integer(const { position("version") })?,
                name: text(const { position("name") })?,
                batch: integer(const { position("batch") })?,
                checksum: text(const { position("checksum") })?,
                state: text(const { position("state") })?,
                progress: integer(const { position("progress") })?,
                claim: optional_text(const { position("claim") })?,
                in_flight: optional_text(const { position("in_flight") })?,
                applied_at: text(const { position("applied_at") })?,
                details,
                format: integer(const { position("format") })?,
                package: text(const { position("package") })?,
            },
            server,
        })
    }
}

/// Loads history rows; `version` parses the server's version.
pub(super) fn load<'q, C>(
    connection: &mut C,
    query: &'q str,
    with_details: bool,
    version: fn(&str) -> DialectVersion,
) -> QueryResult<StoredRows>
where
    SqlQuery: LoadQuery<'q, C, LoadedRow<true>> + LoadQuery<'q, C, LoadedRow<false>>,
{
    match with_details {
        true => Ok(stored_rows::<true>(sql_query(query).load(connection)?, version)),
        false => Ok(stored_rows::<false>(sql_query(query).load(connection)?, version)),
    }
}

fn stored_rows<const DETAILS: bool>(rows: Vec<LoadedRow<DETAILS>>, version: fn(&str) -> DialectVersion) -> StoredRows {
    let server = rows.first().and_then(|row| row.server.as_ref());
    StoredRows {
        version: server.map(|(server, _)| version(server)),
        history_version: server.map(|(_, number)| HistoryVersion::Number(*number)),
        rows: rows.into_iter().map(|row| row.stored).collect(),
    }
}
