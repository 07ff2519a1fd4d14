//! The rows of history as servers send them: with the server's version and the marker, which cost no questions of their own
//! then.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};

use super::StoredRows;
use super::error::Row;
use crate::dialect::DialectVersion;

/// A row of history, the version of the server that holds it, and the marker of all rows.
#[derive(QueryableByName)]
pub(super) struct RowOnServer {
    #[diesel(embed)]
    stored: Row,
    #[diesel(sql_type = Text)]
    server: String,
    #[diesel(sql_type = BigInt)]
    history_version: i64,
}

/// The rows, and which database the version is of that came with them.
pub(super) fn stored_rows(rows: Vec<RowOnServer>, version: impl Fn(&str) -> DialectVersion) -> StoredRows {
    StoredRows {
        history_version: rows.first().map(|row| row.history_version),
        version: rows.first().map(|row| version(&row.server)),
        rows: rows.into_iter().map(|row| row.stored.into()).collect(),
    }
}
