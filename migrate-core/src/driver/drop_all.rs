//! Emptying a database, for `fresh`.

use std::time::Duration;

use super::{DriverError, SqlConnection};
use crate::history::table::HistoryTable;

/// Drops all objects of a database.
#[doc(hidden)]
pub trait DropAll: SqlConnection {
    /// Describes the objects that [`drop_everything`](DropAll::drop_everything) drops, for messages, without a
    /// password.
    fn fresh_scope(&mut self) -> String {
        self.database_label()
    }

    /// Drops every object of the database; on PostgreSQL, of the connection's schema. MySQL and MariaDB commit each
    /// drop, so there the history table goes first and never lists objects that no longer exist. Elsewhere one
    /// transaction drops all or nothing. Each drop waits up to `wait` for locks.
    fn drop_everything(&mut self, history: &HistoryTable, wait: Duration) -> Result<(), DriverError>;
}
