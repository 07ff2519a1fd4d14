//! MySQL and MariaDB, through Diesel's `MysqlConnection`.
//!
//! DDL auto-commits, so the session holds the lock: a named lock, which the server releases when the session ends.
//! Independent of the lock, the key of a history row lets only one run claim it.

mod canonical;
mod introspect;
mod object_digest;
mod open;
#[cfg(feature = "testing")]
mod test_server;

use std::any::{Any, TypeId};
use std::rc::Rc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{MysqlConnection, QueryableByName, RunQueryDsl, sql_query};

use super::history_rows;
use super::{Begun, DriverError, DriverErrorKind, LockScope, Session, StoredRows, Traits};
use crate::dialect::{Dialect, DialectVersion};
use crate::history::table::{HistoryTable, SessionBaseline};
use crate::render::{MySql, SqlDialect};
use crate::sql::literals_of;
use crate::state::LiveSchema;

/// The dialect until the server's version is known. The SQL in this file is valid on MySQL and MariaDB.
const DIALECT: &MySql = &MySql::since(Dialect::MariaDb, (10, 6));

impl Session for MysqlConnection {
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

    fn capture_baseline(&mut self, _history: &str, wait: Duration) -> Result<SessionBaseline, DriverError> {
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
            return Err(DriverError {
                kind: DriverErrorKind::Other,
                message: "no database is selected; name one at the end of the URL".to_owned(),
            });
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
        let on_duty = format!(
            "SET SESSION sql_mode = '{}', {}, lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, \
             lc_messages = 'en_US'",
            modes.join(","),
            settings.replace("autocommit = 0", "autocommit = 1"),
        );
        self.execute(&on_duty)?;
        // The role comes first, because the rest may need its privileges.
        let back = format!("UNLOCK TABLES; SET ROLE {role}; USE {}", DIALECT.identifier(&schema));
        Ok(SessionBaseline {
            restore_baseline: Some(format!("{back}; {on_duty}")),
            restore_original: Some(format!(
                "{back}; SET SESSION sql_mode = '{sql_mode}', {settings}, {waits}, {language}"
            )),
            unchanged_settings: None,
            schema: Some(schema),
            session: None,
            is_pooled: false,
        })
    }

    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError> {
        let query = table.select_all(&format!(
            ", {VERSION} AS server, cast(bit_xor({}) OVER () AS SIGNED) AS history_version",
            row_version()
        ));
        let load = |connection: &mut MysqlConnection| -> Result<_, DriverError> {
            Ok(Some(history_rows::load(connection, &query, with_details, version_of)?))
        };
        match load(self) {
            Err(error) if error.kind == DriverErrorKind::Other => match is_there(self, table)? {
                // Another run may have created it in between.
                true => load(self),
                false => Ok(None),
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

    fn history_version(&mut self, table: &HistoryTable) -> Result<Option<i64>, DriverError> {
        // Outside a transaction, another connection may change history before the version is used.
        if self.transaction_depth() == 0 || !is_there(self, table)? {
            return Ok(None);
        }
        let query = format!(
            "SELECT cast(bit_xor({}) AS SIGNED) AS number FROM {}",
            row_version(),
            table.qualified()
        );
        number(self, &query)
    }

    fn history_version_after_commit(&mut self, table: &HistoryTable) -> Result<Option<i64>, DriverError> {
        self.history_version(table)
    }

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

    fn begin_step(&mut self) -> Result<(), DriverError> {
        Ok(AnsiTransactionManager::begin_transaction_sql(
            self,
            "START TRANSACTION",
        )?)
    }

    fn catalog_context(&mut self) -> Result<String, DriverError> {
        let settings = "concat_ws(' ', database(), current_role(), @@sql_mode, @@time_zone)";
        one_text(self, &format!("SELECT {} AS text", hash(settings)))
    }

    fn object_digest(&mut self, names: &[String]) -> Result<Option<String>, DriverError> {
        let is_mariadb = self.version()?.name() == Dialect::MariaDb;
        object_digest::of(self, names, is_mariadb).map(Some)
    }

    fn commit(&mut self) -> Result<(), DriverError> {
        Ok(AnsiTransactionManager::commit_transaction(self)?)
    }

    fn rollback(&mut self) -> Result<bool, DriverError> {
        // Outside a transaction a savepoint ends at once, so the second statement fails.
        let probe = "SAVEPOINT migrate_probe; ROLLBACK TO SAVEPOINT migrate_probe";
        let was_open = self.batch_execute(probe).is_ok();
        while self.transaction_depth() > 1 {
            // Rolling back a missing savepoint fails, but still lowers Diesel's depth by one.
            let _ = AnsiTransactionManager::rollback_transaction(self);
        }
        if self.transaction_depth() == 1 {
            AnsiTransactionManager::rollback_transaction(self)?;
        } else {
            // A step may have begun this transaction with its own SQL.
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

    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError> {
        let is_mariadb = self.version()?.name() == Dialect::MariaDb;
        introspect::read(self, is_mariadb).map(|live| {
            if live == **earlier {
                earlier.clone()
            } else {
                Rc::new(live)
            }
        })
    }

    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError> {
        let mut rows = Vec::new();
        for (table, columns) in of {
            let literals: Vec<String> = columns
                .iter()
                .map(|column| {
                    let column = DIALECT.identifier(column);
                    // Bytes may not be valid text.
                    let bytes = format!("concat('X''', hex(concat({column})), '''')");
                    let text = format!(
                        "concat('''', replace(replace(cast({column} AS CHAR), '\\\\', '\\\\\\\\'), '''', ''''''), '''')"
                    );
                    format!("coalesce(if(charset(concat({column})) = 'binary', {bytes}, {text}), 'NULL')")
                })
                .collect();
            let query = format!(
                "SELECT concat_ws(',', {}) AS text FROM {}",
                literals.join(", "),
                DIALECT.identifier(table)
            );
            rows.push(
                texts(self, &query)?
                    .iter()
                    .map(|row| literals_of(Dialect::MySql, row))
                    .collect(),
            );
        }
        Ok(rows)
    }

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

const VERSION: &str = "version()";

/// The current role in the form that `SET ROLE` accepts. MariaDB returns a bare name or NULL, MySQL a list in that
/// form: <https://mariadb.com/kb/en/current_role/>,
/// <https://dev.mysql.com/doc/refman/8.4/en/information-functions.html#function_current-role>.
const CURRENT_ROLE: &str = "coalesce(if(version() LIKE '%MariaDB%', concat('`', replace(current_role(), '`', '``'), '`'), \
                            current_role()), 'NONE')";

/// Returns an SQL expression for a hash of 160 bits in hexadecimal digits. MySQL has no `sha1` and no `md5` from 9.6
/// on: <https://dev.mysql.com/doc/relnotes/mysql/9.6/en/>.
fn hash(text: &str) -> String {
    format!("left(sha2({text}, 256), 40)")
}

/// Returns an SQL expression for the part of one row in the history version.
fn row_version() -> String {
    let row = "concat_ws(':', group_name, version, state, progress, coalesce(claim, '-'))";
    format!("cast(conv(left(sha2({row}, 256), 15), 16, 10) AS UNSIGNED)")
}

/// Parses a version such as `8.4.2` or `10.11.6-MariaDB-0+deb12u1`: <https://mariadb.com/kb/en/version/>.
fn version_of(version: &str) -> DialectVersion {
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

/// Returns an SQL expression for the database that holds the history table.
fn schema_of(table: &HistoryTable) -> String {
    table
        .schema()
        .map_or("database()".to_owned(), |schema| DIALECT.text(schema))
}

fn is_there(connection: &mut MysqlConnection, table: &HistoryTable) -> Result<bool, DriverError> {
    let query = format!(
        "SELECT count(*) AS number FROM information_schema.tables WHERE table_schema = {} AND table_name = {}",
        schema_of(table),
        DIALECT.text(table.name())
    );
    Ok(number(connection, &query)? != Some(0))
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

fn number(connection: &mut MysqlConnection, query: &str) -> Result<Option<i64>, DriverError> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = Nullable<BigInt>)]
        number: Option<i64>,
    }
    let row: Number = sql_query(query).get_result(connection)?;
    Ok(row.number)
}

fn texts(connection: &mut MysqlConnection, query: &str) -> Result<Vec<String>, DriverError> {
    #[derive(QueryableByName)]
    struct OneText {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<OneText> = sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}

fn one_text(connection: &mut MysqlConnection, query: &str) -> Result<String, DriverError> {
    texts(connection, query)?
        .pop()
        .ok_or_else(|| DieselError::NotFound.into())
}
