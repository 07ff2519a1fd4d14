//! The named lock of a run, and who may hold locks.

use std::time::Duration;

use diesel::MysqlConnection;

use super::{DIALECT, hash};
use crate::driver::query::{number, one_text, texts};
use crate::driver::{Begun, DriverError, DriverErrorKind, LockScope, RunLock, SqlConnection};
use crate::history::table::HistoryTable;
use crate::render::SqlDialect;

impl RunLock for MysqlConnection {
    fn begin(&mut self, table: &HistoryTable, _wait: Duration, _held: &LockScope) -> Result<Begun, DriverError> {
        self.reacquire_lock(table)?;
        self.begin_step()?;
        Ok(Begun {
            is_held: true,
            session: None,
        })
    }

    fn reacquire_lock(&mut self, table: &HistoryTable) -> Result<(), DriverError> {
        let lock = lock_of(table);
        // 1 if the session has the lock, 0 if another one holds it, NULL after an error:
        // https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html
        let query = format!(
            "SELECT if(is_used_lock({lock}) = connection_id(), 1, cast(get_lock({lock}, 0) AS SIGNED)) AS number"
        );
        match number(self, &query)? {
            Some(1) => Ok(()),
            Some(0) => Err(DriverError {
                kind: DriverErrorKind::Busy,
                message: holder(self, &lock),
            }),
            other => Err(DriverError {
                kind: DriverErrorKind::Other,
                message: format!("the server answered the request for a lock with {other:?}"),
            }),
        }
    }

    fn extend_lock(&mut self, _table: &HistoryTable) -> Result<LockScope, DriverError> {
        Ok(LockScope::Session)
    }

    fn release_lock(&mut self, table: &HistoryTable, _held: LockScope) -> Result<(), DriverError> {
        match number(
            self,
            &format!("SELECT cast(release_lock({}) AS SIGNED) AS number", lock_of(table)),
        )? {
            Some(1) => Ok(()),
            _ => Err(DriverError {
                kind: DriverErrorKind::Other,
                message: "this session no longer holds the lock of the run".to_owned(),
            }),
        }
    }

    fn lock_holder_hint(&mut self) -> String {
        "find the connection that holds the lock, such as an application or `mysql` client with an open transaction \
         (`SHOW FULL PROCESSLIST` and `SELECT * FROM information_schema.innodb_trx` list them)"
            .to_owned()
    }

    fn blockers(&mut self, _names: &[String], _concurrently: bool) -> Vec<String> {
        // The server reveals table locks only where it is configured to. A user without the privilege to see
        // transactions still sees connections with a running statement.
        let transactions = "LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id";
        let none =
            "LEFT JOIN (SELECT 0 AS trx_mysql_thread_id, now() AS trx_started) t ON t.trx_mysql_thread_id = p.id";
        let query = |transactions| {
            format!(
                "SELECT concat('connection ', p.id, ' of ', p.user, ' from ', p.host, ', ', lower(p.command), ' for ', \
                 p.time, ' s', coalesce(concat(', transaction open for ', timestampdiff(SECOND, t.trx_started, now()), \
                 ' s'), ''), coalesce(concat(', running: ', left(p.info, 100)), '')) AS text \
                 FROM information_schema.processlist p {transactions} \
                 WHERE p.id <> connection_id() AND p.db = database() AND (t.trx_started IS NOT NULL OR p.info IS NOT NULL) \
                 ORDER BY t.trx_started IS NULL, t.trx_started LIMIT 5"
            )
        };
        texts(self, &query(transactions))
            .or_else(|_| texts(self, &query(none)))
            .unwrap_or_default()
    }
}

/// Returns an SQL expression for the lock's name: at most 64 characters, and different for each history table.
fn lock_of(table: &HistoryTable) -> String {
    format!("concat('migrate:', {})", hash(&DIALECT.text(&table.qualified())))
}

/// Describes the run that holds the lock.
fn holder(connection: &mut MysqlConnection, lock: &str) -> String {
    let query = format!(
        "SELECT concat('connection ', id, ' of ', user, ' from ', host) AS text FROM information_schema.processlist \
         WHERE id = is_used_lock({lock})"
    );
    one_text(connection, &query)
        .unwrap_or_else(|_| "its connection is already closed, or hidden from this user".to_owned())
}
