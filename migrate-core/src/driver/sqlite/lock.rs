//! The lock of a run: the write lock of the database, and beyond a transaction a lock file.

use std::io;
use std::path::Path;
use std::time::Duration;

use diesel::SqliteConnection;

use super::connection::{begin_immediate, file};
use super::process_lock::ProcessLock;
use crate::driver::{Begun, DriverError, DriverErrorKind, LockScope, RunLock, SqlConnection};
use crate::history::table::HistoryTable;

impl RunLock for SqliteConnection {
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

    fn lock_holder_hint(&mut self) -> String {
        format!(
            "find the process that holds the lock, such as an application or a database shell with an open transaction \
             (`lsof {}` lists them)",
            self.database_label()
        )
    }
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
