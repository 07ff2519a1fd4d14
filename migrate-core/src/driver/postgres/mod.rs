//! PostgreSQL, through Diesel's `PgConnection`.
//!
//! Each transaction holds an advisory lock, so that one run at a time writes. The transaction holds it and not the
//! session, because a pooler may share the session. The key of a history row covers the cases that the lock cannot.

mod drop_all;
mod introspect;
mod invalid_index;
mod lock;
mod open;
#[cfg(feature = "testing")]
mod test_server;

use std::any::{Any, TypeId};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, CacheSize, Connection, SimpleConnection, TransactionManager};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use self::lock::{IS_LOCK, holder, key_of, lock_lost};
use super::history_rows;
use super::{
    Begun, DriverError, DriverErrorKind, HistoryPrecondition, LockScope, PipelineEnvelope, Session, StoredRows, Traits,
};
use crate::dialect::{Dialect, DialectVersion};
use crate::history::table::{HistoryTable, SessionBaseline};
use crate::render::{Postgres, SqlDialect};
use crate::sql::StatementInfo;
use crate::state::LiveSchema;

/// The dialect until the server's version is known.
const DIALECT: &Postgres = &Postgres::since((13, 0));

impl Session for PgConnection {
    fn traits(&self) -> Traits {
        Traits {
            dialect: DIALECT,
            connection: TypeId::of::<PgConnection>(),
        }
    }

    fn connection(&mut self) -> &mut dyn Any {
        self
    }

    fn database_label(&mut self) -> String {
        let query = "SELECT 'the PostgreSQL database ' || current_database() \
                     || coalesce(' on ' || host(inet_server_addr()) || ':' || inet_server_port(), '') AS text";
        // A failed transaction answers no queries.
        one_text(self, query).unwrap_or_else(|_| "the PostgreSQL database".to_owned())
    }

    fn execute(&mut self, sql: &str) -> Result<(), DriverError> {
        Ok(self.batch_execute(sql)?)
    }

    fn execute_counting(&mut self, sql: &str) -> Result<usize, DriverError> {
        Ok(sql_query(sql).execute(self)?)
    }

    fn version(&mut self) -> Result<DialectVersion, DriverError> {
        Ok(version_of(&one_text(self, &format!("SELECT {VERSION} AS text"))?))
    }

    fn capture_baseline(&mut self, history: &str, _wait: Duration) -> Result<SessionBaseline, DriverError> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = Nullable<Text>)]
            schema: Option<String>,
            #[diesel(sql_type = Text)]
            user: String,
            #[diesel(sql_type = Text)]
            role: String,
            #[diesel(sql_type = Text)]
            settings: String,
            #[diesel(sql_type = Text)]
            meaning: String,
            #[diesel(sql_type = Bool)]
            reads_standard_strings: bool,
            #[diesel(sql_type = BigInt)]
            session: i64,
            #[diesel(sql_type = Nullable<Text>)]
            used_by: Option<String>,
            #[diesel(sql_type = Text)]
            _used_by_now: String,
        }
        let table = DIALECT.text(&DIALECT.identifier(history));
        let process = DIALECT.text(this_process());
        let found: Found = sql_query(format!(
            "SELECT coalesce((SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid = to_regclass({table})), current_schema()::text) AS schema, \
             session_user::text AS user, current_setting('role') AS role, \
             (SELECT coalesce(string_agg(format(', (%L, %L)', name, setting), ''), '') FROM pg_settings \
             WHERE source = 'session') AS settings, {MEANING_OF_SQL} AS meaning, \
             current_setting('standard_conforming_strings') = 'on' AS reads_standard_strings, \
             pg_backend_pid()::bigint AS session, nullif(current_setting('migrate.used_by', true), '') AS used_by, \
             set_config('migrate.used_by', {process}, false) AS _used_by_now"
        ))
        .get_result(self)?;
        // Settings return to their value at the capture; those that were set later return to the value at the session's
        // start. Settings of one transaction end with it.
        let restore = format!(
            "SET SESSION AUTHORIZATION {}; SELECT set_config('role', {}, false); \
             SELECT set_config(s.name, coalesce(found.setting, s.reset_val), false) FROM pg_settings s \
             LEFT JOIN (VALUES (NULL, NULL){}) AS found (name, setting) ON found.name = s.name \
             WHERE (s.source = 'session' OR found.name IS NOT NULL) AND s.context IN ('user', 'superuser') AND NOT starts_with(s.name, 'transaction_') \
             AND s.setting IS DISTINCT FROM coalesce(found.setting, s.reset_val)",
            DIALECT.identifier(&found.user),
            DIALECT.text(&found.role),
            found.settings
        );
        Ok(SessionBaseline {
            schema: found.schema,
            restore_original: Some(restore.clone()),
            restore_baseline: Some(restore),
            // A false condition divides by zero. Where backslashes escape quotes, a statement may end elsewhere.
            unchanged_settings: found.reads_standard_strings.then(|| {
                format!(
                    "SELECT 1 / ({MEANING_OF_SQL} = {})::integer",
                    DIALECT.text(&found.meaning)
                )
            }),
            session: Some(found.session),
            is_pooled: found.used_by.is_some_and(|process| process != *this_process()),
        })
    }

    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError> {
        // A failed query would abort the open transaction.
        if self.transaction_depth() > 0 && !is_there(self, table)? {
            return Ok(None);
        }
        let query = table.select_all(&format!(
            ", {VERSION} AS server, (sum({ROW_VERSION}) OVER ())::bigint AS history_version"
        ));
        let load = |connection: &mut PgConnection| -> Result<_, DriverError> {
            Ok(Some(history_rows::load(connection, &query, with_details, version_of)?))
        };
        match load(self) {
            Err(error) if error.kind == DriverErrorKind::Other && self.transaction_depth() == 0 => {
                match is_there(self, table)? {
                    // Another run may have created it in between.
                    true => load(self),
                    false => Ok(None),
                }
            }
            result => result,
        }
    }

    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError> {
        let query = format!(
            "SELECT attname::text AS text FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped",
            DIALECT.text(&table.qualified())
        );
        texts(self, &query)
    }

    fn history_version(&mut self, table: &HistoryTable) -> Result<Option<i64>, DriverError> {
        // Outside a transaction, another connection may change history before the version is used.
        if self.transaction_depth() == 0 || !is_there(self, table)? {
            return Ok(None);
        }
        Ok(Some(number(
            self,
            &format!("SELECT {} AS number", history_version_of(table)),
        )?))
    }

    fn history_version_after_commit(&mut self, table: &HistoryTable) -> Result<Option<i64>, DriverError> {
        self.history_version(table)
    }

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

    fn pipeline_envelope(
        &self,
        table: &HistoryTable,
        run: &str,
        wait: Duration,
        expected: HistoryPrecondition,
    ) -> Option<PipelineEnvelope> {
        let milliseconds = milliseconds(wait);
        let left = format!("migrate.run_{run}");
        let history_version = history_version_of(table);
        let holds = match expected {
            HistoryPrecondition::NoTable => format!("to_regclass({}) IS NULL", DIALECT.text(&table.qualified())),
            HistoryPrecondition::Version(expected) => format!("{history_version} = {expected}"),
            HistoryPrecondition::LeftByRun => format!("{history_version} = current_setting('{left}', true)::bigint"),
        };
        // A false condition divides by zero, which ends the message. The precondition is a separate statement, because
        // its snapshot must be newer than the lock.
        Some(PipelineEnvelope {
            opening: format!(
                "{BEGIN};\nSET LOCAL lock_timeout = {milliseconds};\n\
                 SELECT 1 / pg_try_advisory_xact_lock({})::integer;\n\
                 SELECT 1 / coalesce({holds}, false)::integer;\n",
                key_of(table)
            ),
            duration_ms: "(extract(epoch FROM clock_timestamp() - transaction_timestamp()) * 1000)::bigint",
            closing: format!(
                "SELECT set_config('{left}', {history_version}::text, false), \
                 set_config('{0}', (coalesce(nullif(current_setting('{0}', true), ''), '0')::bigint + 1)::text, false);\n\
                 COMMIT;\n",
                committed_by(run)
            ),
        })
    }

    fn pipelined_transactions(&mut self, run: &str) -> Result<Option<i64>, DriverError> {
        let query = format!(
            "SELECT coalesce(current_setting('{}', true), '') AS text",
            committed_by(run)
        );
        Ok(one_text(self, &query)?.parse().ok())
    }

    fn is_in_session(&self, session: i64) -> String {
        format!("pg_backend_pid() = {session}")
    }

    fn disable_statement_cache(&mut self) {
        self.set_prepared_statement_cache_size(CacheSize::Disabled);
    }

    fn wait_in_transaction(&mut self, wait: Duration) -> Result<(), DriverError> {
        self.execute(&format!("SET LOCAL lock_timeout = {}", milliseconds(wait)))
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

    fn begin_step(&mut self) -> Result<(), DriverError> {
        Ok(AnsiTransactionManager::begin_transaction_sql(self, "BEGIN")?)
    }

    fn prepare_statement(&mut self, info: Option<&StatementInfo>, wait: Duration) -> Result<(), DriverError> {
        let milliseconds = match info.is_some_and(|info| info.must_not_time_out) {
            true => 0,
            false => milliseconds(wait),
        };
        self.execute(&format!("SET lock_timeout = {milliseconds}"))?;
        let concurrent = info.and_then(|info| info.concurrent.as_ref());
        let Some(left_invalid) = concurrent.and_then(invalid_index::left_invalid) else {
            return Ok(());
        };
        for index in texts(self, &left_invalid)? {
            tracing::info!(index, "dropped an invalid index of an earlier attempt");
            self.execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {index}"))?;
        }
        Ok(())
    }

    fn catalog_context(&mut self) -> Result<String, DriverError> {
        one_text(
            self,
            "SELECT md5(concat_ws(' ', current_user, current_schemas(false)::text, current_setting('quote_all_identifiers'))) \
             AS text",
        )
    }

    fn object_digest(&mut self, names: &[String]) -> Result<Option<String>, DriverError> {
        Ok(Some(one_text(self, &digest_of(names))?))
    }

    fn commit(&mut self) -> Result<(), DriverError> {
        Ok(AnsiTransactionManager::commit_transaction(self)?)
    }

    fn rollback(&mut self) -> Result<bool, DriverError> {
        // Outside a transaction a savepoint fails and a query succeeds. In a failed transaction both fail, every time.
        let mut has_failed = || self.batch_execute("SELECT 1").is_err();
        let has_failed = has_failed() && has_failed();
        let was_open = has_failed || self.batch_execute("SAVEPOINT migrate_probe").is_ok();
        while self.transaction_depth() > 1 {
            // Rolling back a missing savepoint fails, but still lowers Diesel's depth by one.
            let _ = AnsiTransactionManager::rollback_transaction(self);
        }
        if self.transaction_depth() == 1 {
            AnsiTransactionManager::rollback_transaction(self)?;
        } else if was_open {
            self.batch_execute("ROLLBACK")?;
        }
        Ok(was_open)
    }

    fn transaction_depth(&mut self) -> u32 {
        AnsiTransactionManager::transaction_manager_status_mut(self)
            .transaction_depth()
            .ok()
            .flatten()
            .map_or(0, std::num::NonZeroU32::get)
    }

    fn set_foreign_keys(&mut self, kept: bool) -> Result<bool, DriverError> {
        // Only SQLite rebuilds tables.
        Ok(kept)
    }

    fn broken_references(&mut self) -> Result<Vec<String>, DriverError> {
        Ok(Vec::new())
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

    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError> {
        introspect::read(self).map(|live| {
            if live == **earlier {
                earlier.clone()
            } else {
                Rc::new(live)
            }
        })
    }

    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError> {
        #[derive(QueryableByName)]
        struct OneRow {
            #[diesel(sql_type = BigInt)]
            number: i64,
            #[diesel(sql_type = Array<Text>)]
            literals: Vec<String>,
        }
        let mut rows = vec![Vec::new(); of.len()];
        let queries: Vec<String> = of
            .iter()
            .enumerate()
            .map(|(number, (table, columns))| {
                let literals: Vec<String> = columns
                    .iter()
                    .map(|column| format!("quote_nullable({}::text)", DIALECT.identifier(column)))
                    .collect();
                format!(
                    "SELECT {number}::bigint AS number, ARRAY[{}]::text[] AS literals FROM {}",
                    literals.join(", "),
                    DIALECT.identifier(table)
                )
            })
            .collect();
        for queries in queries.chunks(100) {
            for row in sql_query(queries.join(" UNION ALL ")).load::<OneRow>(self)? {
                if let Some(rows) = usize::try_from(row.number).ok().and_then(|number| rows.get_mut(number)) {
                    rows.push(row.literals);
                }
            }
        }
        Ok(rows)
    }

    fn fresh_scope(&mut self) -> String {
        let schema = one_text(self, "SELECT coalesce(current_schema()::text, '') AS text").unwrap_or_default();
        format!(
            "the schema `{schema}` of {} (other schemas are unchanged)",
            self.database_label()
        )
    }

    fn drop_everything(&mut self, history: &HistoryTable, _wait: Duration) -> Result<(), DriverError> {
        // History outside the emptied schema would still list objects that no longer exist.
        if let Some(schema) = history.schema() {
            let query = format!("SELECT current_schema() = {} AS truth", DIALECT.text(schema));
            if !truth(self, &query)? {
                return Err(DriverError {
                    kind: DriverErrorKind::Other,
                    message: format!(
                        "the history table is in schema `{schema}`, but another schema is first in the search path and would be \
                         emptied"
                    ),
                });
            }
        }
        AnsiTransactionManager::begin_transaction_sql(self, "BEGIN")?;
        let result = drop_all::drop_all_objects(self).and_then(|()| self.commit());
        if result.is_err() && self.transaction_depth() > 0 {
            // The first error is the one to report.
            let _ = self.rollback();
        }
        result
    }
}

/// The first statement takes the lock, and the second one must see everything that was committed before.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// An SQL expression for the part of one row in the history version.
const ROW_VERSION: &str =
    "hashtextextended(concat_ws(':', group_name, version, state, progress, claim), 0) % 1000000007";

fn history_version_of(table: &HistoryTable) -> String {
    format!(
        "(SELECT coalesce(sum({ROW_VERSION}), 0)::bigint FROM {})",
        table.qualified()
    )
}

/// Returns the setting that counts the committed transactions of a run's pipelines in this session.
fn committed_by(run: &str) -> String {
    format!("migrate.committed_by_{run}")
}

/// The server's version as a number, such as 150004.
const VERSION: &str = "current_setting('server_version_num')";

fn version_of(number: &str) -> DialectVersion {
    let major = number.parse::<u32>().unwrap_or_default() / 10_000;
    DialectVersion::of_server(Dialect::Postgres, (major, 0))
}

/// Returns a random name of this process. The name of another process in a server session reveals a pooler.
fn this_process() -> &'static String {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| format!("{:016x}", RandomState::new().build_hasher().finish()))
}

/// Converts a wait for a setting in which 0 means no limit.
fn milliseconds(wait: Duration) -> i32 {
    i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// An SQL expression for the settings on which the meaning of a statement depends, in the list of
/// <https://www.postgresql.org/docs/current/runtime-config-client.html>.
const MEANING_OF_SQL: &str = "md5(concat_ws(' ', session_user, current_user, current_setting('search_path'), \
     current_setting('standard_conforming_strings'), current_setting('session_replication_role'), \
     current_setting('row_security'), current_setting('default_tablespace'), \
     current_setting('default_table_access_method'), current_setting('check_function_bodies'), \
     current_setting('DateStyle'), current_setting('IntervalStyle'), current_setting('TimeZone'), \
     current_setting('client_encoding'), current_setting('transform_null_equals')))";

/// Returns a query for a digest of the named objects. An unfinished index does not count:
/// <https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY>.
fn digest_of(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| DIALECT.text(name)).collect();
    format!(
        "WITH named AS (SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace \
         AND c.relname = ANY (ARRAY[{}]::text[]) AND (c.relkind IN ('r', 'p', 'v', 'm') \
         OR EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND i.indisvalid))), \
         parts AS ( \
         SELECT 'relation ' || relname || ' ' || coalesce(obj_description(oid, 'pg_class'), '') AS part FROM named \
         UNION ALL SELECT concat_ws(' ', 'column', n.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
         a.attidentity, a.attgenerated, a.attcollation, pg_get_expr(d.adbin, d.adrelid), col_description(n.oid, a.attnum)) \
         FROM named n JOIN pg_attribute a ON a.attrelid = n.oid AND a.attnum > 0 AND NOT a.attisdropped \
         LEFT JOIN pg_attrdef d ON d.adrelid = n.oid AND d.adnum = a.attnum \
         UNION ALL SELECT concat_ws(' ', 'constraint', n.relname, k.conname, k.convalidated, pg_get_constraintdef(k.oid)) \
         FROM named n JOIN pg_constraint k ON k.conrelid = n.oid \
         UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM named n JOIN pg_index i ON i.indrelid = n.oid AND i.indisvalid \
         UNION ALL SELECT pg_get_viewdef(v.oid) FROM named v JOIN pg_class c ON c.oid = v.oid WHERE c.relkind IN ('v', 'm') \
         UNION ALL SELECT concat_ws(' ', 'value', t.typname, e.enumsortorder, e.enumlabel) FROM pg_enum e \
         JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typnamespace = quote_ident(current_schema())::regnamespace \
         AND t.typname = ANY (ARRAY[{}]::text[])) \
         SELECT md5(coalesce(string_agg(part, E'\\n' ORDER BY part), '')) AS text FROM parts",
        names.join(", "),
        names.join(", ")
    )
}

fn is_there(connection: &mut PgConnection, table: &HistoryTable) -> Result<bool, DriverError> {
    let name = DIALECT.text(&table.qualified());
    // Reading the catalog takes a lock on it, and so sees the latest commits. The function alone would answer from the
    // cache of this session.
    let query = format!("SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass({name})) AS truth");
    truth(connection, &query)
}

fn truth(connection: &mut PgConnection, query: &str) -> Result<bool, DriverError> {
    #[derive(QueryableByName)]
    struct Truth {
        #[diesel(sql_type = Bool)]
        truth: bool,
    }
    let row: Truth = sql_query(query).get_result(connection)?;
    Ok(row.truth)
}

fn number(connection: &mut PgConnection, query: &str) -> Result<i64, DriverError> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let row: Number = sql_query(query).get_result(connection)?;
    Ok(row.number)
}

fn texts(connection: &mut PgConnection, query: &str) -> Result<Vec<String>, DriverError> {
    #[derive(QueryableByName)]
    struct OneText {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<OneText> = sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}

fn one_text(connection: &mut PgConnection, query: &str) -> Result<String, DriverError> {
    texts(connection, query)?
        .pop()
        .ok_or_else(|| DieselError::NotFound.into())
}
