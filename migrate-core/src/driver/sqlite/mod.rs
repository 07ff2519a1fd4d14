//! SQLite, through Diesel's `SqliteConnection`.

mod ddl_parser;
mod open;
pub(super) mod process_lock;

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use self::ddl_parser::{parse_index, parse_table};
use self::process_lock::ProcessLock;
use super::error::{kind_of, message_of};
use super::history_rows;
use super::{Begun, DriverError, DriverErrorKind, LockScope, Session, StoredRows, Traits};
use crate::dialect::Dialect;
use crate::history::table::HistoryTable;
use crate::render::{SqlDialect, Sqlite};
use crate::schema::{self, Table, Trigger};
use crate::sql::literals_of;
use crate::state::LiveSchema;

/// The table of the statistics that ANALYZE collects.
const STATISTICS: &str = "sqlite_stat1";

impl Session for SqliteConnection {
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

    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError> {
        let query = table.select_all("");
        let load = |connection: &mut SqliteConnection| {
            history_rows::load(connection, &query, with_details, |_| Dialect::Sqlite.into())
        };
        let error = match load(self) {
            Ok(found) => return Ok(Some(found)),
            Err(error) if kind_of(&message_of(&error)) == DriverErrorKind::Locked => return Err(error.into()),
            Err(error) => error,
        };
        // The text of the error depends on the SQLite version, so the catalog decides if the table exists.
        let exists = number(
            self,
            &format!(
                "SELECT count(*) AS number FROM main.sqlite_master WHERE lower(name) = lower({})",
                Sqlite.text(table.name())
            ),
        );
        match exists {
            Ok(0) => Ok(None),
            // Another process may have created it in between.
            Ok(_) => Ok(Some(load(self)?)),
            Err(_) => Err(error.into()),
        }
    }

    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError> {
        let query = format!(
            "SELECT lower(name) AS text FROM pragma_table_info({}, 'main')",
            Sqlite.text(table.name())
        );
        texts(self, &query)
    }

    fn history_version(&mut self, _table: &HistoryTable) -> Result<Option<i64>, DriverError> {
        #[derive(QueryableByName)]
        struct DataVersion {
            #[diesel(sql_type = BigInt)]
            data_version: i64,
        }
        let row: DataVersion = sql_query("PRAGMA data_version").get_result(self)?;
        Ok(Some(row.data_version))
    }

    fn begin(&mut self, _table: &HistoryTable, _wait: Duration, held: &LockScope) -> Result<Begun, DriverError> {
        begin_immediate(self)?;
        let holder = match held {
            LockScope::Transaction => other_holder(self),
            LockScope::Session | LockScope::Process(_) => Ok(None),
        };
        let error = match holder {
            Ok(None) => {
                return Ok(Begun {
                    is_held: false,
                    session: None,
                });
            }
            Ok(Some(holder)) => DriverError {
                kind: DriverErrorKind::Busy,
                message: format!("{holder}, outside a transaction"),
            },
            Err(error) => error,
        };
        // The first error is the one to report.
        let _ = self.rollback();
        Err(error)
    }

    fn extend_lock(&mut self, _table: &HistoryTable) -> Result<LockScope, DriverError> {
        match file(self)? {
            Some(database) => {
                let path = ProcessLock::path_beside(Path::new(&database));
                let taken = ProcessLock::take(path.clone());
                taken
                    .map(LockScope::Process)
                    .map_err(|error| lock_file_error(&path, &error))
            }
            // No other process can see it.
            None => Ok(LockScope::Session),
        }
    }

    fn release_lock(&mut self, _table: &HistoryTable, held: LockScope) -> Result<(), DriverError> {
        let LockScope::Process(lock) = held else { return Ok(()) };
        // Other runs check the file under the write lock, so it is removed under the write lock. A file that stays is
        // harmless.
        if begin_immediate(self).is_ok() {
            let _ = lock.remove();
            self.rollback()?;
        }
        Ok(())
    }

    fn object_digest(&mut self, names: &[String]) -> Result<Option<String>, DriverError> {
        let names: Vec<String> = names.iter().map(|name| Sqlite.text(&name.to_lowercase())).collect();
        let query = format!(
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS text FROM main.sqlite_master \
             WHERE lower(name) IN ({0}) OR lower(tbl_name) IN ({0}) ORDER BY type, name",
            names.join(", ")
        );
        let parts = texts(self, &query)?;
        Ok(Some(schema::digest(parts.iter().map(String::as_str))))
    }

    fn begin_step(&mut self) -> Result<(), DriverError> {
        begin_immediate(self)
    }

    fn commit(&mut self) -> Result<(), DriverError> {
        Ok(AnsiTransactionManager::commit_transaction(self)?)
    }

    fn rollback(&mut self) -> Result<bool, DriverError> {
        // A step or a failed statement may have ended the transaction already. Diesel would treat its own failing
        // ROLLBACK as a broken connection, so it gets a transaction to roll back.
        let was_open = self.batch_execute("BEGIN").is_err();
        while self.transaction_depth() > 1 {
            // Rolling back a missing savepoint fails, but still lowers Diesel's depth by one.
            let _ = AnsiTransactionManager::rollback_transaction(self);
        }
        if self.transaction_depth() == 1 {
            AnsiTransactionManager::rollback_transaction(self)?;
        } else {
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

    fn broken_references(&mut self) -> Result<Vec<String>, DriverError> {
        texts(
            self,
            "SELECT 'row ' || coalesce(rowid, '?') || ' of `' || \"table\" || '` references a missing row of `' || parent || '`' AS text \
             FROM pragma_foreign_key_check",
        )
    }

    fn lock_holder_hint(&mut self) -> String {
        format!(
            "find the process that holds the lock, such as an application or a database shell with an open transaction \
             (`lsof {}` lists them)",
            self.database_label()
        )
    }

    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError> {
        // The index of a constraint has no SQL; the constraint describes it.
        let objects: Vec<Object> = sql_query(
            "SELECT type AS kind, name, tbl_name AS \"table\", sql FROM main.sqlite_master \
             WHERE sql IS NOT NULL AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_stat1') \
             ORDER BY type = 'table' DESC, rowid",
        )
        .load(self)?;
        // The table exists once ANALYZE has run: https://sqlite.org/fileformat2.html#stat1tab
        let analyzed = match objects.iter().any(|object| object.name == STATISTICS) {
            true => texts(self, "SELECT DISTINCT tbl AS text FROM main.sqlite_stat1")?,
            false => Vec::new(),
        };
        let shadows = match objects.iter().any(Object::is_virtual) {
            // https://sqlite.org/pragma.html#pragma_table_list
            true => texts(
                self,
                "SELECT name AS text FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'",
            )?,
            false => Vec::new(),
        };
        let mut live = LiveSchema::default();
        let mut of_tables: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        let is_own = |object: &Object| object.name != STATISTICS && !shadows.contains(&object.table);
        for object in objects.into_iter().filter(is_own) {
            if object.kind == "view" {
                live.views.insert(object.name, object.sql);
            } else {
                of_tables.entry(object.table.clone()).or_default().push(object);
            }
        }
        for (name, objects) in of_tables {
            let text: String = objects.iter().map(|object| format!("{};\n", object.sql)).collect();
            let table = match earlier.tables.get(&name) {
                Some(table) if earlier.texts.get(&name) == Some(&text) => table.clone(),
                // A trigger on a view has no table.
                _ => match parsed(&name, &objects) {
                    Some(table) => table,
                    None => continue,
                },
            };
            live.tables.insert(name.clone(), table);
            live.texts.insert(name, text);
        }
        for (name, table) in &mut live.tables {
            if let Ok(table) = table {
                table.analyzed = analyzed.contains(name);
            }
        }
        Ok(Rc::new(live))
    }

    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError> {
        #[derive(QueryableByName)]
        struct OneRow {
            #[diesel(sql_type = BigInt)]
            number: i64,
            #[diesel(sql_type = Text)]
            text: String,
        }
        let mut rows = vec![Vec::new(); of.len()];
        let queries: Vec<String> = of
            .iter()
            .enumerate()
            .map(|(number, (table, columns))| {
                let literals: Vec<String> = columns
                    .iter()
                    .map(|column| format!("quote({})", Sqlite.identifier(column)))
                    .collect();
                // In groups, because the depth of an expression is limited:
                // https://sqlite.org/limits.html#max_expr_depth
                let groups: Vec<String> = literals
                    .chunks(50)
                    .map(|group| format!("({})", group.join(" || ',' || ")))
                    .collect();
                format!(
                    "SELECT {number} AS number, {} AS text FROM main.{}",
                    groups.join(" || ',' || "),
                    Sqlite.identifier(table)
                )
            })
            .collect();
        // Fewer at once than SQLite's limit: https://sqlite.org/limits.html#max_compound_select
        for queries in queries.chunks(100) {
            for row in sql_query(queries.join(" UNION ALL ")).load::<OneRow>(self)? {
                if let Some(rows) = usize::try_from(row.number).ok().and_then(|number| rows.get_mut(number)) {
                    rows.push(literals_of(Dialect::Sqlite, &row.text));
                }
            }
        }
        Ok(rows)
    }

    fn drop_everything(&mut self, _history: &HistoryTable, _wait: Duration) -> Result<(), DriverError> {
        let before = self.set_foreign_keys(false)?;
        let result = begin_immediate(self)
            .and_then(|()| drop_all_objects(self))
            .and_then(|()| self.commit());
        if result.is_err() && self.transaction_depth() > 0 {
            // The first error is the one to report.
            let _ = self.rollback();
        }
        self.set_foreign_keys(before)?;
        result
    }
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

impl Object {
    fn is_virtual(&self) -> bool {
        self.sql.starts_with("CREATE VIRTUAL ")
    }
}

/// Parses a table with its indexes and triggers; the table is the first object. Returns the reason if a text is not
/// understood, and `None` if there is no table.
fn parsed(name: &str, objects: &[Object]) -> Option<Result<Table, String>> {
    let (first, others) = objects.split_first().filter(|(first, _)| first.kind == "table")?;
    let all = || {
        // The text of a renamed table may keep the old name; the catalog has the current one.
        let mut table = Table {
            name: name.to_owned(),
            ..parse_table(&first.sql)?
        };
        for Object { kind, name, sql, .. } in others {
            match kind.as_str() {
                "trigger" => table.triggers.push(Trigger {
                    name: name.clone(),
                    sql: sql.clone(),
                }),
                "index" => {
                    let index = parse_index(sql).map_err(|why| format!("index {name}: {why}"))?;
                    table.indexes.push(index);
                }
                _ => {}
            }
        }
        Ok(table)
    };
    Some(all())
}

/// Returns the file of the database, or `None` for a database in memory.
fn file(connection: &mut SqliteConnection) -> Result<Option<String>, DriverError> {
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

/// Describes the process that runs a migration outside a transaction, if there is one.
fn other_holder(connection: &mut SqliteConnection) -> Result<Option<String>, DriverError> {
    let Some(database) = file(connection)? else {
        return Ok(None);
    };
    let path = ProcessLock::path_beside(Path::new(&database));
    ProcessLock::holder(&path).map_err(|error| lock_file_error(&path, &error))
}

fn lock_file_error(path: &Path, error: &io::Error) -> DriverError {
    DriverError {
        kind: DriverErrorKind::Other,
        message: format!(
            "the lock file {} cannot be used: {error}; delete it if no migration run is in progress",
            path.display()
        ),
    }
}

/// Begins an immediate transaction. A deferred one fails without waiting if another connection has written since its
/// first read.
fn begin_immediate(connection: &mut SqliteConnection) -> Result<(), DriverError> {
    Ok(AnsiTransactionManager::begin_transaction_sql(
        connection,
        "BEGIN IMMEDIATE",
    )?)
}

/// Drops views and triggers first, because they refer to tables, and virtual tables before the shadow tables that they
/// own.
fn drop_all_objects(connection: &mut SqliteConnection) -> Result<(), DriverError> {
    let query = "SELECT 'DROP ' || type || ' IF EXISTS main.\"' || replace(name, '\"', '\"\"') || '\"' AS text \
                 FROM main.sqlite_master \
                 WHERE type IN ('table', 'view', 'trigger') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY type = 'table', sql NOT LIKE 'CREATE VIRTUAL %'";
    for statement in texts(connection, query)? {
        connection.execute(&statement)?;
    }
    Ok(())
}

fn number(connection: &mut SqliteConnection, query: &str) -> Result<i64, DriverError> {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let row: Number = sql_query(query).get_result(connection)?;
    Ok(row.number)
}

fn texts(connection: &mut SqliteConnection, query: &str) -> Result<Vec<String>, DriverError> {
    #[derive(QueryableByName)]
    struct OneText {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<OneText> = sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use crate::dialect::Dialect;
    use crate::plan::rows_at_fault::tests::{CHANGES, up};

    #[test]
    fn queries_for_rows_at_fault_find_the_rows() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        diesel::sql_query(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, city TEXT, boss BIGINT, age INTEGER)",
        )
        .execute(&mut conn)
        .unwrap();
        let values = "(1, 'a', 'x', NULL, 1), (2, 'a', 'x', 1, 20), (3, NULL, 'x', 9, 1)";
        diesel::sql_query(format!("INSERT INTO users VALUES {values}"))
            .execute(&mut conn)
            .unwrap();
        for (change, violation, ..) in CHANGES {
            for (_, rows) in up(*change, Dialect::Sqlite) {
                let count = format!("SELECT 1 FROM ({}) LIMIT 1", rows.query);
                let found: QueryResult<Vec<i32>> =
                    diesel::dsl::sql::<diesel::sql_types::Integer>(&count).load(&mut conn);
                assert_eq!(found, Ok(vec![1]), "{violation:?}: {}", rows.query);
            }
        }
    }
}
