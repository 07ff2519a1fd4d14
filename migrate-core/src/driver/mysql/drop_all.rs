//! Drops all objects of a database, one commit each.

use std::time::Duration;

use diesel::MysqlConnection;

use crate::driver::query::{one_text, texts};
use crate::driver::{DriverError, DropAll, SqlConnection};
use crate::history::table::HistoryTable;

impl DropAll for MysqlConnection {
    fn drop_everything(&mut self, history: &HistoryTable, wait: Duration) -> Result<(), DriverError> {
        let before = one_text(
            self,
            "SELECT concat('foreign_key_checks = ', @@foreign_key_checks, ', lock_wait_timeout = ', @@lock_wait_timeout) AS text",
        )?;
        let seconds = wait.as_secs().max(1);
        self.execute(&format!(
            "SET SESSION foreign_key_checks = 0, lock_wait_timeout = {seconds}"
        ))?;
        let result = self
            .execute(&format!("DROP TABLE IF EXISTS {}", history.qualified()))
            .and_then(|()| drop_all_objects(self));
        // The first error is the one to report.
        let kept = self.execute(&format!("SET SESSION {before}"));
        result.and(kept)
    }
}

/// Drops the views, tables, routines and events of the database. Each drop commits separately.
fn drop_all_objects(connection: &mut MysqlConnection) -> Result<(), DriverError> {
    let quoted = |name: &str| format!("'`', replace({name}, '`', '``'), '`'");
    let query = format!(
        "SELECT text FROM (\
         SELECT if(table_type LIKE '%VIEW', 0, 1) AS turn, concat('DROP ', if(table_type LIKE '%VIEW', 'VIEW', \
         if(table_type = 'SEQUENCE', 'SEQUENCE', 'TABLE')), ' IF EXISTS ', {}) AS text \
         FROM information_schema.tables WHERE table_schema = database() \
         UNION ALL SELECT 2, concat('DROP ', routine_type, ' IF EXISTS ', {}) FROM information_schema.routines \
         WHERE routine_schema = database() \
         UNION ALL SELECT 3, concat('DROP EVENT IF EXISTS ', {}) FROM information_schema.events \
         WHERE event_schema = database()) AS objects ORDER BY turn, text",
        quoted("table_name"),
        quoted("routine_name"),
        quoted("event_name")
    );
    for statement in texts(connection, &query)? {
        connection.execute(&statement)?;
    }
    Ok(())
}
