//! The advisory lock of a run, and who holds locks.

use std::time::Duration;

use diesel::connection::AnsiTransactionManager;
use diesel::sql_types::{BigInt, Bool};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::{BEGIN, DIALECT, milliseconds, truth};
use crate::driver::query::{one_text, texts};
use crate::driver::{Begun, DriverError, DriverErrorKind, LockScope, RunLock, SqlConnection};
use crate::history::table::HistoryTable;
use crate::render::SqlDialect;

impl RunLock for PgConnection {
    fn begin(&mut self, table: &HistoryTable, wait: Duration, _held: &LockScope) -> Result<Begun, DriverError> {
        #[derive(QueryableByName)]
        struct Tried {
            #[diesel(sql_type = Bool)]
            has_lock: bool,
            #[diesel(sql_type = BigInt)]
            session: i64,
        }
        let milliseconds = milliseconds(wait);
        AnsiTransactionManager::begin_transaction_sql(
            self,
            &format!("{BEGIN}; SET LOCAL lock_timeout = {milliseconds}"),
        )?;
        let key = key_of(table);
        // Polled: a statement that waits holds a snapshot, and `CREATE INDEX CONCURRENTLY` would wait for it in turn.
        let tried = sql_query(format!(
            "SELECT pg_try_advisory_xact_lock({key}) AS has_lock, pg_backend_pid()::bigint AS session"
        ))
        .get_result::<Tried>(self);
        let error = match tried {
            Ok(tried) if tried.has_lock => {
                return Ok(Begun {
                    is_held: false,
                    session: Some(tried.session),
                });
            }
            Ok(_) => DriverError {
                kind: DriverErrorKind::Busy,
                message: holder(self, &key),
            },
            Err(error) => error.into(),
        };
        // The first error is the one to report.
        let _ = self.rollback();
        Err(error)
    }

    fn is_in_session(&self, session: i64) -> String {
        format!("pg_backend_pid() = {session}")
    }

    fn extend_lock(&mut self, table: &HistoryTable) -> Result<LockScope, DriverError> {
        // The session already holds this key for the transaction, so the request never waits:
        // https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
        match truth(
            self,
            &format!("SELECT pg_try_advisory_lock({}) AS truth", key_of(table)),
        )? {
            true => Ok(LockScope::Session),
            false => Err(lock_lost()),
        }
    }

    fn reacquire_lock(&mut self, table: &HistoryTable) -> Result<(), DriverError> {
        let key = key_of(table);
        // A lock that is taken twice must be released twice.
        let regained = format!(
            "SELECT CASE WHEN EXISTS (SELECT FROM pg_locks l WHERE {IS_LOCK} AND l.pid = pg_backend_pid()) THEN true \
             ELSE pg_try_advisory_lock(k.key) END AS truth FROM (SELECT {key} AS key) AS k"
        );
        match truth(self, &regained)? {
            true => Ok(()),
            false => Err(DriverError {
                kind: DriverErrorKind::Busy,
                message: holder(self, &key),
            }),
        }
    }

    fn release_lock(&mut self, table: &HistoryTable, _held: LockScope) -> Result<(), DriverError> {
        match truth(self, &format!("SELECT pg_advisory_unlock({}) AS truth", key_of(table)))? {
            true => Ok(()),
            false => Err(lock_lost()),
        }
    }

    fn lock_holder_hint(&mut self) -> String {
        "find the session that holds the lock, such as an application or `psql` with an open transaction \
         (`SELECT pid, state, query FROM pg_stat_activity WHERE state <> 'idle'` lists them)"
            .to_owned()
    }

    fn blockers(&mut self, names: &[String], concurrently: bool) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| DIALECT.text(name)).collect();
        // A concurrent build waits for every transaction that may still see older rows.
        let or_sees_the_past = match concurrently {
            true => {
                "OR a.backend_xmin IS NOT NULL AND a.backend_type = 'client backend' AND a.datname = current_database()"
            }
            false => "",
        };
        let of_named = match names.as_slice() {
            [] => String::new(),
            names => format!("AND c.relname = ANY (ARRAY[{}]::text[]) ", names.join(", ")),
        };
        let query = format!(
            "SELECT concat_ws(', ', concat_ws(' ', 'pid', a.pid, 'of', a.usename, 'from ' || host(a.client_addr)), \
             nullif(a.application_name, ''), a.state || ' for ' || (extract(epoch FROM now() - a.state_change))::int || ' s', \
             'transaction open for ' || (extract(epoch FROM now() - a.xact_start))::int || ' s', \
             'last statement: ' || left(regexp_replace(a.query, '[[:space:]]+', ' ', 'g'), 100)) AS text FROM pg_stat_activity a \
             WHERE a.pid <> pg_backend_pid() AND (EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
             WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' \
             AND c.relnamespace = quote_ident(current_schema())::regnamespace {of_named}AND l.database = \
             (SELECT oid FROM pg_database WHERE datname = current_database())) {or_sees_the_past}) ORDER BY a.xact_start LIMIT 5"
        );
        texts(self, &query).unwrap_or_default()
    }
}

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
const IS_LOCK: &str = "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
                       AND l.classid::bigint = (k.key >> 32) & 4294967295 AND l.objid::bigint = k.key & 4294967295";

fn lock_lost() -> DriverError {
    DriverError {
        kind: DriverErrorKind::Other,
        message: "this session no longer holds the advisory lock of the run; a pooler may have switched sessions"
            .to_owned(),
    }
}

/// Describes the run that holds the lock.
fn holder(connection: &mut PgConnection, key: &str) -> String {
    let query = format!(
        "SELECT 'pid ' || a.pid || coalesce(' of ' || a.usename, '') || coalesce(' from ' || host(a.client_addr), '') \
         || coalesce(', since ' || to_char(a.xact_start, 'HH24:MI:SS'), '') AS text \
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid, (SELECT {key} AS key) AS k WHERE {IS_LOCK} LIMIT 1"
    );
    one_text(connection, &query).unwrap_or_else(|_| "its connection is already closed".to_owned())
}
