//! History rows as servers return them, with the server version and the history version, so that neither needs a query
//! of its own.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};

use super::StoredRows;
use super::error::Row;
use crate::dialect::DialectVersion;

/// A history row, the server's version, and the version of all rows.
#[derive(QueryableByName)]
pub(super) struct RowOnServer {
    #[diesel(embed)]
    stored: Row,
    #[diesel(sql_type = Text)]
    server: String,
    #[diesel(sql_type = BigInt)]
    history_version: i64,
}

/// Converts the rows; `version` parses the server's version.
pub(super) fn stored_rows(rows: Vec<RowOnServer>, version: impl Fn(&str) -> DialectVersion) -> StoredRows {
    StoredRows {
        history_version: rows.first().map(|row| row.history_version),
        version: rows.first().map(|row| version(&row.server)),
        rows: rows.into_iter().map(|row| row.stored.into()).collect(),
    }
}
