//! The connection to PostgreSQL: its session baseline, statements and transactions.

use std::any::{Any, TypeId};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, CacheSize, Connection, SimpleConnection};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::{DIALECT, invalid_index, milliseconds};
use crate::dialect::{Dialect, DialectVersion};
use crate::driver::query::{one_text, texts};
use crate::driver::{DriverError, DriverErrorKind, SqlConnection, Traits, transaction};
use crate::history::table::SessionBaseline;
use crate::render::SqlDialect;
use crate::sql::StatementInfo;

impl SqlConnection for PgConnection {
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
        let query = "SELECT coalesce('schema ' || current_schema() || ' of ', '') || 'the PostgreSQL database ' \
                     || current_database() || coalesce(' on ' || host(inet_server_addr()) || ':' || inet_server_port(), '') AS text";
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

    fn capture_baseline(&mut self, _wait: Duration) -> Result<SessionBaseline, DriverError> {
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
        let process = DIALECT.text(this_process());
        let found: Found = sql_query(format!(
            "SELECT current_schema()::text AS schema, session_user::text AS user, current_setting('role') AS role, \
             (SELECT coalesce(string_agg(format(', (%L, %L)', name, setting), ''), '') FROM pg_settings \
             WHERE source = 'session') AS settings, {MEANING_OF_SQL} AS meaning, \
             current_setting('standard_conforming_strings') = 'on' AS reads_standard_strings, \
             pg_backend_pid()::bigint AS session, nullif(current_setting('migrate.used_by', true), '') AS used_by, \
             set_config('migrate.used_by', {process}, false) AS _used_by_now"
        ))
        .get_result(self)?;
        let Some(schema) = found.schema else {
            return Err(no_schema());
        };
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
            schema: Some(schema),
            restore_original: Some(restore.clone()),
            restore_baseline: Some(restore),
            // A false condition divides by zero. Where backslashes escape quotes, a statement may end elsewhere.
            unchanged_settings: found
                .reads_standard_strings
                .then(|| format!("1 / ({MEANING_OF_SQL} = {})::integer", DIALECT.text(&found.meaning))),
            session: Some(found.session),
            is_pooled: found.used_by.is_some_and(|process| process != *this_process()),
        })
    }

    fn disable_statement_cache(&mut self) {
        self.set_prepared_statement_cache_size(CacheSize::Disabled);
    }

    fn wait_in_transaction(&mut self, wait: Duration) -> Result<(), DriverError> {
        self.execute(&format!("SET LOCAL lock_timeout = {}", milliseconds(wait)))
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

    fn commit(&mut self) -> Result<(), DriverError> {
        transaction::commit(self)
    }

    fn rollback(&mut self) -> Result<bool, DriverError> {
        // Outside a transaction a savepoint fails and a query succeeds. In a failed transaction both fail, every time.
        let mut has_failed = || self.batch_execute("SELECT 1").is_err();
        let has_failed = has_failed() && has_failed();
        let was_open = has_failed || self.batch_execute("SAVEPOINT migrate_probe").is_ok();
        transaction::roll_back(self, was_open)?;
        Ok(was_open)
    }

    fn transaction_depth(&mut self) -> u32 {
        transaction::depth(self)
    }

    fn set_foreign_keys(&mut self, kept: bool) -> Result<bool, DriverError> {
        // Only SQLite rebuilds tables.
        Ok(kept)
    }
}

/// Returns the schema that the run uses: the first one of the search path that exists.
///
/// # Errors
///
/// If none exists.
pub(super) fn current_schema(connection: &mut PgConnection) -> Result<String, DriverError> {
    let name = one_text(connection, "SELECT coalesce(current_schema()::text, '') AS text")?;
    match name.is_empty() {
        true => Err(no_schema()),
        false => Ok(name),
    }
}

fn no_schema() -> DriverError {
    DriverError {
        kind: DriverErrorKind::Other,
        message: "no schema of the search path exists; create it, or set another `search_path`".to_owned(),
    }
}

/// The server's version as a number, such as 150004.
pub(super) const VERSION: &str = "current_setting('server_version_num')";

pub(super) fn version_of(number: &str) -> DialectVersion {
    let major = number.parse::<u32>().unwrap_or_default() / 10_000;
    DialectVersion::of_server(Dialect::Postgres, (major, 0))
}

/// Returns a random name of this process. The name of another process in a server session reveals a pooler.
fn this_process() -> &'static String {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| format!("{:016x}", RandomState::new().build_hasher().finish()))
}

/// An SQL expression for the settings on which the meaning of a statement depends, in the list of
/// <https://www.postgresql.org/docs/current/runtime-config-client.html>.
const MEANING_OF_SQL: &str = "md5(concat_ws(' ', session_user, current_user, current_setting('search_path'), \
     current_setting('standard_conforming_strings'), current_setting('session_replication_role'), \
     current_setting('row_security'), current_setting('default_tablespace'), \
     current_setting('default_table_access_method'), current_setting('check_function_bodies'), \
     current_setting('DateStyle'), current_setting('IntervalStyle'), current_setting('TimeZone'), \
     current_setting('client_encoding'), current_setting('transform_null_equals')))";
