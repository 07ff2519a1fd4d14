//! The advisory lock of a run: its key, and who holds it.

use diesel::PgConnection;

use super::{DIALECT, one_text};
use crate::driver::{DriverError, DriverErrorKind};
use crate::history::table::HistoryTable;
use crate::render::SqlDialect;

/// Separates this tool's advisory locks from those of others.
const LOCK_SALT: i64 = 2_026_112_301;

/// Returns an SQL expression for the key of a history table's advisory locks.
pub(super) fn key_of(table: &HistoryTable) -> String {
    format!(
        "hashtextextended(current_database() || {}, {LOCK_SALT})",
        DIALECT.text(&format!(".{}", table.qualified()))
    )
}

/// A condition on a row `l` of `pg_locks`: it is the advisory lock of `k.key`. See
/// <https://www.postgresql.org/docs/current/view-pg-locks.html>.
pub(super) const IS_LOCK: &str = "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
                       AND l.classid::bigint = (k.key >> 32) & 4294967295 AND l.objid::bigint = k.key & 4294967295";

pub(super) fn lock_lost() -> DriverError {
    DriverError {
        kind: DriverErrorKind::Other,
        message: "this session no longer holds the advisory lock of the run; a pooler may have switched sessions"
            .to_owned(),
    }
}

/// Describes the run that holds the lock.
pub(super) fn holder(connection: &mut PgConnection, key: &str) -> String {
    let query = format!(
        "SELECT 'pid ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' from ' || host(a.client_addr), '') \
         || coalesce(', since ' || to_char(a.xact_start, 'HH24:MI:SS'), '') AS text \
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid, (SELECT {key} AS key) AS k WHERE {IS_LOCK} LIMIT 1"
    );
    one_text(connection, &query).unwrap_or_else(|_| "its connection is already closed".to_owned())
}
