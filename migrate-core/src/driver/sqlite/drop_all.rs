//! Drops all objects of a database file.

use std::time::Duration;

use diesel::SqliteConnection;

use super::connection::begin_immediate;
use crate::driver::query::texts;
use crate::driver::{DriverError, DropAll, SqlConnection};
use crate::history::table::HistoryTable;

impl DropAll for SqliteConnection {
    fn drop_everything(&mut self, _history: &HistoryTable, _wait: Duration) -> Result<(), DriverError> {
        let before = self.set_foreign_keys(false)?;
        let result = begin_immediate(self).and_then(|()| {
            let result = drop_all_objects(self);
            self.end_after(result)
        });
        self.set_foreign_keys(before)?;
        result
    }
}

/// Drops views and triggers first, because they refer to tables, and virtual tables before the shadow tables that they
/// own.
fn drop_all_objects(connection: &mut SqliteConnection) -> Result<(), DriverError> {
    let query = "SELECT 'DROP ' || type || ' IF EXISTS main.\"' || replace(name, '\"', '\"\"') || '\"' AS text \
                 FROM main.sqlite_master \
                 WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY type = 'table', sql NOT LIKE 'CREATE VIRTUAL %'";
    for statement in texts(connection, query)? {
        connection.execute(&statement)?;
    }
    Ok(())
}
