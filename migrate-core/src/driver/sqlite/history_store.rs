//! The history table on SQLite, and its version.

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use crate::dialect::Dialect;
use crate::driver::classify_error::{kind_of, message_of};
use crate::driver::query::{number, texts};
use crate::driver::{DriverError, DriverErrorKind, HistoryStore, HistoryVersion, StoredRows, history_rows};
use crate::history::table::HistoryTable;
use crate::render::{SqlDialect, Sqlite};

impl HistoryStore for SqliteConnection {
    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError> {
        let query = table.select_all("", "");
        let load = |connection: &mut SqliteConnection| {
            history_rows::load(connection, &query, with_details, |_| Dialect::Sqlite.into())
        };
        let error = match load(self) {
            Ok(found) => return Ok(Some(found)),
            Err(error) if kind_of(&message_of(&error)) == DriverErrorKind::Locked => return Err(error.into()),
            Err(error) => error,
        };
        // The text of the error depends on the SQLite version, so the catalog decides if the table exists.
        let exists = number(
            self,
            &format!(
                "SELECT count(*) AS number FROM main.sqlite_master WHERE lower(name) = lower({})",
                Sqlite.text(table.name())
            ),
        );
        match exists {
            Ok(Some(0)) => Ok(None),
            // Another process may have created it in between.
            Ok(_) => Ok(Some(load(self)?)),
            Err(_) => Err(error.into()),
        }
    }

    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError> {
        let query = format!(
            "SELECT lower(name) AS text FROM pragma_table_info({}, 'main')",
            Sqlite.text(table.name())
        );
        texts(self, &query)
    }

    fn history_version(&mut self, _table: &HistoryTable) -> Result<Option<HistoryVersion>, DriverError> {
        #[derive(QueryableByName)]
        struct DataVersion {
            #[diesel(sql_type = BigInt)]
            data_version: i64,
        }
        let row: DataVersion = sql_query("PRAGMA data_version").get_result(self)?;
        Ok(Some(HistoryVersion::Number(row.data_version)))
    }
}
