//! The connection to SQLite: its file, settings, statements and transactions.

use std::any::{Any, TypeId};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use crate::driver::{DriverError, SqlConnection, Traits, transaction};
use crate::render::Sqlite;

impl SqlConnection for SqliteConnection {
    fn traits(&self) -> Traits {
        Traits {
            dialect: &Sqlite,
            connection: TypeId::of::<SqliteConnection>(),
        }
    }

    fn connection(&mut self) -> &mut dyn Any {
        self
    }

    fn database_label(&mut self) -> String {
        match file(self) {
            Ok(Some(file)) => file,
            Ok(None) => "the in-memory database".to_owned(),
            Err(_) => "the SQLite database".to_owned(),
        }
    }

    fn set_lock_wait(&mut self, wait: Duration) -> Result<Option<Duration>, DriverError> {
        #[derive(QueryableByName)]
        struct BusyTimeout {
            #[diesel(sql_type = BigInt)]
            timeout: i64,
        }
        let before: BusyTimeout = sql_query("PRAGMA busy_timeout").get_result(self)?;
        let milliseconds = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        self.execute(&format!("PRAGMA busy_timeout = {milliseconds}"))?;
        let before = u64::try_from(before.timeout).unwrap_or_default();
        Ok(Some(Duration::from_millis(before)))
    }

    fn execute(&mut self, sql: &str) -> Result<(), DriverError> {
        Ok(self.batch_execute(sql)?)
    }

    fn execute_counting(&mut self, sql: &str) -> Result<usize, DriverError> {
        Ok(sql_query(sql).execute(self)?)
    }

    fn begin_step(&mut self) -> Result<(), DriverError> {
        begin_immediate(self)
    }

    fn commit(&mut self) -> Result<(), DriverError> {
        transaction::commit(self)
    }

    fn rollback(&mut self) -> Result<bool, DriverError> {
        // A step or a failed statement may have ended the transaction already. Diesel would treat its own failing
        // ROLLBACK as a broken connection, so it gets a transaction to roll back.
        let was_open = self.batch_execute("BEGIN").is_err();
        transaction::roll_back(self, true)?;
        Ok(was_open)
    }

    fn transaction_depth(&mut self) -> u32 {
        transaction::depth(self)
    }

    fn set_foreign_keys(&mut self, kept: bool) -> Result<bool, DriverError> {
        #[derive(QueryableByName)]
        struct ForeignKeys {
            #[diesel(sql_type = BigInt)]
            foreign_keys: i64,
        }
        let before: ForeignKeys = sql_query("PRAGMA foreign_keys").get_result(self)?;
        // Inside a transaction the pragma has no effect: https://sqlite.org/pragma.html#pragma_foreign_keys
        self.execute(&format!("PRAGMA foreign_keys = {}", if kept { "ON" } else { "OFF" }))?;
        // A failed rebuild may have left it on.
        self.execute("PRAGMA legacy_alter_table = OFF")?;
        Ok(before.foreign_keys != 0)
    }
}

/// Returns the file of the database, or `None` for a database in memory.
pub(super) fn file(connection: &mut SqliteConnection) -> Result<Option<String>, DriverError> {
    #[derive(QueryableByName)]
    struct Database {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Nullable<Text>)]
        file: Option<String>,
    }
    let databases: Vec<Database> = sql_query("PRAGMA database_list").load(connection)?;
    let main = databases.into_iter().find(|database| database.name == "main");
    Ok(main.and_then(|main| main.file).filter(|file| !file.is_empty()))
}

/// Begins an immediate transaction. A deferred one fails without waiting if another connection has written since its
/// first read.
pub(super) fn begin_immediate(connection: &mut SqliteConnection) -> Result<(), DriverError> {
    Ok(AnsiTransactionManager::begin_transaction_sql(
        connection,
        "BEGIN IMMEDIATE",
    )?)
}
