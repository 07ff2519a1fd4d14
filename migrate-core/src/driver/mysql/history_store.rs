//! The history table on MySQL and MariaDB, and its version.

use diesel::MysqlConnection;

use super::DIALECT;
use super::connection::{VERSION, version_of};
use crate::driver::query::{number, texts};
use crate::driver::{
    DriverError, DriverErrorKind, HistoryStore, HistoryVersion, SqlConnection, StoredRows, history_rows,
};
use crate::history::table::HistoryTable;
use crate::render::SqlDialect;

impl HistoryStore for MysqlConnection {
    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError> {
        let server = format!(
            ", {VERSION} AS server, cast(bit_xor({}) OVER () AS SIGNED) AS history_version",
            row_version()
        );
        let query = table.select_all(&server, "");
        let load = |connection: &mut MysqlConnection| -> Result<_, DriverError> {
            Ok(Some(history_rows::load(connection, &query, with_details, version_of)?))
        };
        match load(self) {
            Err(error) if error.kind == DriverErrorKind::Other => match is_there(self, table)? {
                // Another run may have created it in between.
                true => load(self),
                false => check_database(self).map(|()| None),
            },
            result => result,
        }
    }

    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError> {
        let query = format!(
            "SELECT lower(column_name) AS text FROM information_schema.columns \
             WHERE table_schema = {} AND table_name = {}",
            schema_of(table),
            DIALECT.text(table.name())
        );
        texts(self, &query)
    }

    fn history_version(&mut self, table: &HistoryTable) -> Result<Option<HistoryVersion>, DriverError> {
        // Outside a transaction, another connection may change history before the version is used.
        if self.transaction_depth() == 0 {
            return Ok(None);
        }
        if !is_there(self, table)? {
            return Ok(Some(HistoryVersion::NoTable));
        }
        let query = format!(
            "SELECT cast(bit_xor({}) AS SIGNED) AS number FROM {}",
            row_version(),
            table.qualified()
        );
        Ok(number(self, &query)?.map(HistoryVersion::Number))
    }

    fn history_version_after_commit(&mut self, table: &HistoryTable) -> Result<Option<HistoryVersion>, DriverError> {
        self.history_version(table)
    }
}

/// Returns an SQL expression for the part of one row in the history version.
fn row_version() -> String {
    let row = "concat_ws(':', group_name, version, state, progress, coalesce(claim, '-'))";
    format!("cast(conv(left(sha2({row}, 256), 15), 16, 10) AS UNSIGNED)")
}

/// Returns an SQL expression for the database that holds the history table.
fn schema_of(table: &HistoryTable) -> String {
    table
        .schema()
        .map_or("database()".to_owned(), |schema| DIALECT.text(schema))
}

/// Checks that a database is selected. Without one, no table exists.
fn check_database(connection: &mut MysqlConnection) -> Result<(), DriverError> {
    match number(connection, "SELECT database() IS NULL AS number")? {
        Some(0) => Ok(()),
        _ => Err(no_database()),
    }
}

pub(super) fn no_database() -> DriverError {
    DriverError {
        kind: DriverErrorKind::Other,
        message: "no database is selected; name one at the end of the URL".to_owned(),
    }
}

fn is_there(connection: &mut MysqlConnection, table: &HistoryTable) -> Result<bool, DriverError> {
    let query = format!(
        "SELECT count(*) AS number FROM information_schema.tables WHERE table_schema = {} AND table_name = {}",
        schema_of(table),
        DIALECT.text(table.name())
    );
    Ok(number(connection, &query)? != Some(0))
}
