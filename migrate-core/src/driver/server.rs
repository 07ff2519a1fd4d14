//! The rows of history as servers send them: with the server's version, which costs no question of its own then.

use diesel::QueryableByName;
use diesel::sql_types::Text;

use super::StoredRows;
use super::answer::Row;
use crate::dialect_name::DialectVersion;

/// A row of history, and the version of the server that holds it.
#[derive(QueryableByName)]
pub(super) struct RowOnServer {
    #[diesel(embed)]
    stored: Row,
    #[diesel(sql_type = Text)]
    server: String,
}

/// The rows, and which database the version is of that came with them.
pub(super) fn stored_rows(rows: Vec<RowOnServer>, version: impl Fn(&str) -> DialectVersion) -> StoredRows {
    StoredRows {
        version: rows.first().map(|row| version(&row.server)),
        rows: rows.into_iter().map(|row| row.stored.into()).collect(),
    }
}
