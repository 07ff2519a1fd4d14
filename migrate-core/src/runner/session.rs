//! The connection during one call of the runner: its lock waits, the baseline of its session, and its dialect.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

use super::database_error::database_error;
use crate::code::Code;
use crate::dialect::DialectVersion;
use crate::driver::{DriverError, Session};
use crate::error::Error;
use crate::history::table::{HistoryTable, SessionBaseline};
use crate::plan::PlanFor;
use crate::render::{SqlDialect, dialect_of};
use crate::state::LiveSchema;

/// The longest lock wait of one statement. It is short, so that other queries do not queue behind the statement. After
/// it, the runner retries the migration until the lock timeout ends.
const STATEMENT_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The facts about a database that stay true between two calls.
#[derive(Clone)]
pub(super) struct Database {
    /// Before the first query, the dialect of the oldest supported version.
    pub(super) dialect: &'static dyn SqlDialect,
    /// True if the dialect matches the version of the server.
    is_dialect_known: bool,
    /// The live schema at the last read. The driver reuses the parts that have not changed.
    live: Rc<LiveSchema>,
}

impl Database {
    pub(super) fn new(dialect: &'static dyn SqlDialect) -> Database {
        Database {
            dialect,
            is_dialect_known: false,
            live: Rc::default(),
        }
    }
}

/// How long statements and runs wait for locks.
#[derive(Clone, Copy)]
pub(super) struct LockWaits {
    /// The longest wait of a run.
    pub(super) run: Duration,
    /// The longest wait of one statement.
    pub(super) statement: Duration,
}

/// The connection during one call. When it is dropped, the session has the settings that the call found.
pub(super) struct Connection<'a> {
    driver: &'a mut (dyn Session + 'static),
    database: &'a mut Database,
    table: HistoryTable,
    waits: LockWaits,
    /// The lock wait to restore, where the driver sets it per connection.
    original_wait: Option<Duration>,
    /// The setting to restore after a rebuild; a panic of an observer ends the rebuild too.
    original_foreign_keys: Option<bool>,
    /// `None` before the first transaction.
    baseline: Option<SessionBaseline>,
}

impl<'a> Connection<'a> {
    /// Sets the lock timeout on a connection.
    ///
    /// # Errors
    ///
    /// Fails if the connection is inside a transaction.
    pub(super) fn open(
        driver: &'a mut (dyn Session + 'static),
        database: &'a mut Database,
        table: HistoryTable,
        lock_timeout: Duration,
    ) -> Result<Connection<'a>, Error> {
        if driver.transaction_depth() > 0 {
            return Err(Error::new(
                Code::OPEN_TRANSACTION,
                "the connection is inside a transaction",
            )
            .nothing_changed()
            .help("pass a connection outside `transaction(..)` and `begin_test_transaction()`; migrations open their own transactions"));
        }
        let original_wait = match driver.set_lock_wait(lock_timeout) {
            Ok(original) => original,
            Err(error) => return Err(database_error(driver, "the session cannot be set up", error)),
        };
        let statement = match original_wait {
            Some(_) => lock_timeout,
            None => lock_timeout.min(STATEMENT_LOCK_TIMEOUT),
        };
        Ok(Connection {
            driver,
            database,
            table,
            waits: LockWaits {
                run: lock_timeout,
                statement,
            },
            original_wait,
            original_foreign_keys: None,
            baseline: None,
        })
    }

    pub(super) fn table(&self) -> &HistoryTable {
        &self.table
    }

    pub(super) fn waits(&self) -> LockWaits {
        self.waits
    }

    /// Returns the dialect; before the first read of history, that of the oldest supported version.
    pub(super) fn dialect(&self) -> &'static dyn SqlDialect {
        self.database.dialect
    }

    pub(super) fn plan_for(&self) -> PlanFor {
        let dialect = self.database.dialect;
        PlanFor {
            dialect,
            connection: Some((self.driver.traits().connection, dialect.kind().connection_name())),
        }
    }

    /// Sets the dialect for the server's version, once. Without `known` it asks the server.
    pub(super) fn settle_dialect(&mut self, known: Option<DialectVersion>) -> Result<(), Error> {
        if self.database.is_dialect_known {
            return Ok(());
        }
        let version = match known {
            Some(version) => version,
            None => match self.driver.version() {
                Ok(version) => version,
                Err(error) => return Err(self.error("the server version cannot be read", error)),
            },
        };
        if !version.is_supported() {
            let oldest = DialectVersion::from(version.name());
            let message = format!("the server {version} is older than {oldest}, the oldest supported version");
            return Err(Error::new(Code::UNSUPPORTED_SERVER, message)
                .nothing_changed()
                .help("use a newer server; an older one may silently misread SQL"));
        }
        self.database.dialect = dialect_of(version);
        self.database.is_dialect_known = true;
        Ok(())
    }

    /// Returns the baseline of the session. The first call captures it, before a step can change the search path, on
    /// which the history table and the lock depend.
    pub(super) fn baseline(&mut self) -> Result<&mut SessionBaseline, DriverError> {
        let baseline = match self.baseline.take() {
            Some(baseline) => baseline,
            None => {
                let baseline = self.driver.capture_baseline(self.waits.statement)?;
                self.table.settle(baseline.schema.as_deref());
                if baseline.is_pooled {
                    self.driver.disable_statement_cache();
                }
                baseline
            }
        };
        Ok(self.baseline.insert(baseline))
    }

    /// Returns the server session, if the baseline was captured and a pooler may share sessions.
    pub(super) fn server_session(&self) -> Option<i64> {
        self.baseline.as_ref().and_then(|baseline| baseline.session)
    }

    /// Returns true if a pooler shares the server session with other clients.
    pub(super) fn is_pooled(&self) -> bool {
        self.baseline.as_ref().is_some_and(|baseline| baseline.is_pooled)
    }

    /// Notices a pooler by a changed server session.
    pub(super) fn notice_pooler(&mut self, session: Option<i64>) {
        if self.baseline.is_some() && self.server_session() != session {
            self.enter_pooler_mode();
        }
    }

    /// Treats server sessions as shared from now on. Returns true if that is new.
    pub(super) fn enter_pooler_mode(&mut self) -> bool {
        let Some(baseline) = self.baseline.as_mut().filter(|baseline| !baseline.is_pooled) else {
            return false;
        };
        baseline.is_pooled = true;
        self.driver.disable_statement_cache();
        true
    }

    /// Returns an SQL expression that fails if a setting that changes the meaning of SQL differs from the baseline; `None`
    /// if migrations with raw SQL cannot be pipelined.
    pub(super) fn unchanged_settings(&self) -> Option<&str> {
        self.baseline
            .as_ref()
            .and_then(|baseline| baseline.unchanged_settings.as_deref())
    }

    /// Restores the baseline of the session, which a user's step may have changed.
    pub(super) fn restore_baseline(&mut self) -> Result<(), DriverError> {
        let Some(restore) = self
            .baseline
            .as_ref()
            .and_then(|baseline| baseline.restore_baseline.as_deref())
        else {
            return Ok(());
        };
        self.driver.execute(restore)?;
        // Restoring resets the lock wait of the open transaction as well.
        match self.driver.transaction_depth() {
            0 => Ok(()),
            _ => self.driver.wait_in_transaction(self.waits.statement),
        }
    }

    /// Reads the live schema.
    pub(super) fn live(&mut self) -> Result<Rc<LiveSchema>, DriverError> {
        self.database.live = self.driver.live(&self.database.live)?;
        Ok(self.database.live.clone())
    }

    /// Reads the live schema to plan with it.
    pub(super) fn live_to_plan(&mut self) -> Result<Rc<LiveSchema>, Error> {
        self.live()
            .map_err(|error| self.error("the schema cannot be read", error))
    }

    /// Builds the error for a database failure outside any migration.
    pub(super) fn error(&mut self, what: &str, error: DriverError) -> Error {
        database_error(self.driver, what, error)
    }

    /// Runs `work` with foreign keys disabled. No transaction may be open.
    pub(super) fn without_foreign_keys<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let what = "foreign keys cannot be switched on or off";
        match self.driver.set_foreign_keys(false) {
            Ok(kept) => self.original_foreign_keys = Some(kept),
            Err(error) => return Err(self.error(what, error)),
        }
        let result = work(self);
        match self.restore_foreign_keys() {
            Err(error) if result.is_ok() => Err(self.error(what, error)),
            _ => result,
        }
    }

    fn restore_foreign_keys(&mut self) -> Result<(), DriverError> {
        match self.original_foreign_keys.take() {
            Some(kept) => self.driver.set_foreign_keys(kept).map(drop),
            None => Ok(()),
        }
    }
}

impl Deref for Connection<'_> {
    type Target = dyn Session;

    fn deref(&self) -> &(dyn Session + 'static) {
        self.driver
    }
}

impl DerefMut for Connection<'_> {
    fn deref_mut(&mut self) -> &mut (dyn Session + 'static) {
        self.driver
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // A broken connection refuses these statements; then the call has reported the failure.
        let _ = self.restore_foreign_keys();
        if let Some(restore) = self.baseline.take().and_then(|baseline| baseline.restore_original) {
            let _ = self.driver.execute(&restore);
        }
        if let Some(original) = self.original_wait {
            let _ = self.driver.set_lock_wait(original);
        }
    }
}
