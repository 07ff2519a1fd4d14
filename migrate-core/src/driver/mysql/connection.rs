//! The connection to MySQL or MariaDB: its session baseline, statements and transactions.

use std::any::{Any, TypeId};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::sql_types::{Nullable, Text};
use diesel::{MysqlConnection, QueryableByName, RunQueryDsl, sql_query};

use super::DIALECT;
use super::history_store::no_database;
use crate::dialect::{Dialect, DialectVersion};
use crate::driver::query::one_text;
use crate::driver::{DriverError, SqlConnection, Traits, transaction};
use crate::history::table::SessionBaseline;
use crate::render::SqlDialect;

impl SqlConnection for MysqlConnection {
    fn traits(&self) -> Traits {
        Traits {
            dialect: DIALECT,
            connection: TypeId::of::<MysqlConnection>(),
        }
    }

    fn connection(&mut self) -> &mut dyn Any {
        self
    }

    fn database_label(&mut self) -> String {
        let query = "SELECT concat('the ', if(version() LIKE '%MariaDB%', 'MariaDB', 'MySQL'), ' database ', \
                     coalesce(database(), '(none)'), ' on ', @@hostname, ':', @@port) AS text";
        one_text(self, query).unwrap_or_else(|_| "the MySQL or MariaDB database".to_owned())
    }

    fn execute(&mut self, sql: &str) -> Result<(), DriverError> {
        // Sent as text, because some statements cannot be prepared:
        // https://dev.mysql.com/doc/refman/8.4/en/sql-prepared-statements.html
        Ok(self.batch_execute(sql)?)
    }

    fn execute_counting(&mut self, sql: &str) -> Result<usize, DriverError> {
        Ok(sql_query(sql).execute(self)?)
    }

    fn version(&mut self) -> Result<DialectVersion, DriverError> {
        Ok(version_of(&one_text(self, &format!("SELECT {VERSION} AS text"))?))
    }

    fn capture_baseline(&mut self, wait: Duration) -> Result<SessionBaseline, DriverError> {
        #[derive(QueryableByName)]
        struct Found {
            #[diesel(sql_type = Nullable<Text>)]
            schema: Option<String>,
            #[diesel(sql_type = Text)]
            role: String,
            #[diesel(sql_type = Text)]
            sql_mode: String,
            #[diesel(sql_type = Text)]
            settings: String,
            #[diesel(sql_type = Text)]
            waits: String,
            #[diesel(sql_type = Text)]
            language: String,
        }
        let found: Found = sql_query(format!(
            "SELECT database() AS `schema`, {CURRENT_ROLE} AS `role`, @@sql_mode AS `sql_mode`, \
             concat('autocommit = ', @@autocommit, ', foreign_key_checks = ', @@foreign_key_checks, ', unique_checks = ', \
             @@unique_checks, ', time_zone = ', quote(@@time_zone), ', character_set_client = ', @@character_set_client, \
             ', character_set_connection = ', @@character_set_connection, ', collation_connection = ', \
             @@collation_connection, ', character_set_results = ', coalesce(@@character_set_results, 'NULL')) AS `settings`, \
             concat('lock_wait_timeout = ', @@lock_wait_timeout, ', innodb_lock_wait_timeout = ', \
             @@innodb_lock_wait_timeout) AS `waits`, concat('lc_messages = ', quote(@@lc_messages)) AS `language`",
        ))
        .get_result(self)?;
        let Some(schema) = found.schema else {
            return Err(no_database());
        };
        // Whole seconds, at least one:
        // https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_lock_wait_timeout
        let seconds = wait.as_secs().max(1);
        let Found {
            role,
            sql_mode,
            settings,
            waits,
            language,
            ..
        } = found;
        // Keeps the settings that it finds, except modes that change the meaning of string literals or truncate values
        // silently. Messages are in English, because errors are classified by their text.
        let modes = sql_mode.split(',').filter(|mode| !mode.is_empty());
        let mut modes: Vec<&str> = modes.filter(|mode| *mode != "NO_BACKSLASH_ESCAPES").collect();
        if !modes.contains(&"STRICT_TRANS_TABLES") {
            modes.push("STRICT_TRANS_TABLES");
        }
        let settings_of_run = format!(
            "SET SESSION sql_mode = '{}', {}, lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, \
             lc_messages = 'en_US'",
            modes.join(","),
            settings.replace("autocommit = 0", "autocommit = 1"),
        );
        self.execute(&settings_of_run)?;
        // The role comes first, because the rest may need its privileges.
        let role_and_database = format!("UNLOCK TABLES; SET ROLE {role}; USE {}", DIALECT.identifier(&schema));
        Ok(SessionBaseline {
            restore_baseline: Some(format!("{role_and_database}; {settings_of_run}")),
            restore_original: Some(format!(
                "{role_and_database}; SET SESSION sql_mode = '{sql_mode}', {settings}, {waits}, {language}"
            )),
            unchanged_settings: None,
            schema: Some(schema),
            session: None,
            is_pooled: false,
        })
    }

    fn begin_step(&mut self) -> Result<(), DriverError> {
        Ok(AnsiTransactionManager::begin_transaction_sql(
            self,
            "START TRANSACTION",
        )?)
    }

    fn commit(&mut self) -> Result<(), DriverError> {
        transaction::commit(self)
    }

    fn rollback(&mut self) -> Result<bool, DriverError> {
        // Outside a transaction a savepoint ends at once, so the second statement fails.
        let probe = "SAVEPOINT migrate_probe; ROLLBACK TO SAVEPOINT migrate_probe";
        let was_open = self.batch_execute(probe).is_ok();
        transaction::roll_back(self, true)?;
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

pub(super) const VERSION: &str = "version()";

/// The current role in the form that `SET ROLE` accepts. MariaDB returns a bare name or NULL, MySQL a list in that
/// form: <https://mariadb.com/kb/en/current_role/>,
/// <https://dev.mysql.com/doc/refman/8.4/en/information-functions.html#function_current-role>.
const CURRENT_ROLE: &str = "coalesce(if(version() LIKE '%MariaDB%', concat('`', replace(current_role(), '`', '``'), '`'), \
                            current_role()), 'NONE')";

/// Parses a version such as `8.4.2` or `10.11.6-MariaDB-0+deb12u1`: <https://mariadb.com/kb/en/version/>.
pub(super) fn version_of(version: &str) -> DialectVersion {
    let name = match version.to_ascii_lowercase().contains("mariadb") {
        true => Dialect::MariaDb,
        false => Dialect::MySql,
    };
    // Older MariaDB servers, and proxies, may print 5.5.5 first, for clients that accept no other number.
    let own = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut numbers = own.split(['.', '-']).map_while(|number| number.parse().ok());
    let major = numbers.next().unwrap_or_default();
    DialectVersion::of_server(name, (major, numbers.next().unwrap_or_default()))
}
