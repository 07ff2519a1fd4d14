//! The lock that lets one run at a time write: taking, extending and releasing it; and the baseline of its session.

use std::thread;
use std::time::Instant;

use super::{LOCK_POLL_INTERVAL, Runner, STATEMENT_LOCK_TIMEOUT};
use crate::code::Code;
use crate::driver::{DriverError, DriverErrorKind, LockScope};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::report::Event;

impl Runner<'_> {
    /// Runs `work` with the lock timeout set on the connection, and restores the previous setting.
    pub(super) fn with_lock_wait<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.session.transaction_depth() > 0 {
            return Err(Error::new(
                Code::OPEN_TRANSACTION,
                "the connection is inside a transaction",
            )
            .nothing_changed()
            .help("pass a connection outside `transaction(..)` and `begin_test_transaction()`; migrations open their own transactions"));
        }
        let before = self
            .session
            .set_lock_wait(self.lock_timeout)
            .map_err(|error| self.database_error("the session cannot be set up", error))?;
        self.statement_lock_timeout = match before {
            Some(_) => self.lock_timeout,
            None => self.lock_timeout.min(STATEMENT_LOCK_TIMEOUT),
        };
        self.retry_deadline = None;
        let result = work(self);
        // A broken connection refuses these statements; then `result` holds the error.
        if let Some(leave) = self.baseline.take().and_then(|baseline| baseline.restore_original) {
            let _ = self.session.execute(&leave);
        }
        if let Some(before) = before {
            let _ = self.session.set_lock_wait(before);
        }
        result
    }

    /// Captures the baseline of the session, once.
    pub(super) fn settle_home(&mut self) -> Result<(), DriverError> {
        if self.baseline.is_none() {
            // Captured before a step can change the search path, on which the history table and the lock depend.
            let baseline = self
                .session
                .capture_baseline(self.table.name(), self.statement_lock_timeout)?;
            self.table.settle(baseline.schema.as_deref());
            if baseline.is_pooled {
                self.session.disable_statement_cache();
            }
            self.baseline = Some(baseline);
        }
        Ok(())
    }

    /// Begins a transaction. Waits up to the lock timeout while another run holds the lock.
    pub(super) fn begin_transaction(&mut self) -> Result<(), DriverError> {
        self.settle_home()?;
        let deadline = Instant::now() + self.lock_timeout;
        let mut told = false;
        loop {
            match self.session.begin(&self.table, self.statement_lock_timeout, &self.held) {
                Err(error) if error.kind == DriverErrorKind::Busy => {
                    if self.is_stopped() {
                        return Err(DriverError {
                            kind: DriverErrorKind::Stopped,
                            message: format!("another migration run is in progress ({})", error.message),
                        });
                    }
                    if Instant::now() >= deadline {
                        return Err(DriverError {
                            kind: DriverErrorKind::Locked,
                            message: format!("another migration run is in progress ({})", error.message),
                        });
                    }
                    if !told {
                        let reason = format!("another migration run is in progress ({})", error.message);
                        self.tell(&Event::Waiting { reason: &reason });
                        told = true;
                    }
                    thread::sleep(LOCK_POLL_INTERVAL);
                }
                Ok(begun) => {
                    if begun.is_held {
                        self.held = LockScope::Session;
                    }
                    self.notice_pooler(begun.session);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Notices a pooler by a changed server session.
    pub(super) fn notice_pooler(&mut self, session: Option<i64>) {
        if self
            .baseline
            .as_ref()
            .is_some_and(|baseline| baseline.session != session)
        {
            self.met_pooler();
        }
    }

    /// Returns true if a failure reveals a pooler that was unknown before: prepared statements of another client.
    pub(super) fn tells_of_pooler(&mut self, error: &Error) -> bool {
        let is_its_sign = error
            .cause()
            .is_some_and(|cause| cause.to_string().contains("prepared statement \"__diesel_stmt_"));
        is_its_sign && self.met_pooler()
    }

    /// Treats server sessions as shared from now on. Returns true if that is new.
    pub(super) fn met_pooler(&mut self) -> bool {
        let Some(baseline) = self.baseline.as_mut().filter(|baseline| !baseline.is_pooled) else {
            return false;
        };
        baseline.is_pooled = true;
        self.session.disable_statement_cache();
        true
    }

    /// Extends the lock beyond the open transaction.
    pub(super) fn hold(&mut self) -> Result<(), DriverError> {
        if matches!(self.held, LockScope::Transaction) {
            self.held = self.session.extend_lock(&self.table)?;
            // A pooler that is still unknown could move later statements to a session without the lock.
            let session = self.baseline.as_ref().and_then(|baseline| baseline.session);
            self.table
                .change_only_if(session.map(|session| self.session.is_in_session(session)));
        }
        Ok(())
    }

    /// Releases the lock after the work under it. The first error is the one to report.
    pub(super) fn let_go_after<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        let held = match std::mem::take(&mut self.held) {
            LockScope::Transaction => return result,
            held => held,
        };
        self.table.change_only_if(None);
        let let_go = self.session.release_lock(&self.table, held);
        let value = result?;
        match let_go {
            Ok(()) => Ok(value),
            Err(error) => Err(self
                .database_error("the migration lock cannot be released", error)
                .state("the work is complete")),
        }
    }

    /// Runs `work` in a transaction and commits it.
    pub(super) fn in_own_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.begin_transaction()
            .map_err(|error| self.database_error("a transaction cannot begin", error))?;
        let result = work(self).and_then(|value| {
            self.session
                .commit()
                .map_err(|error| self.database_error("the transaction cannot be committed", error))?;
            Ok(value)
        });
        if result.is_err() && self.session.transaction_depth() > 0 {
            // The first error is the one to report.
            let _ = self.session.rollback();
        }
        self.let_go_after(result)
    }

    /// Runs a bookkeeping statement, which must change at least one row.
    pub(super) fn bookkeeping(&mut self, statement: &str) -> Result<(), Error> {
        match self.session.execute_counting(statement) {
            Ok(0) => Err(Error::new(
                Code::HISTORY_CONFLICT,
                "another process changed history during this run",
            )
            .help(
                Help::new("inspect the database first; ")
                    .advice(Advice::Status)
                    .text(" shows the current state"),
            )),
            Ok(_) => Ok(()),
            Err(error) => Err(self.database_error("history cannot be written", error)),
        }
    }
}
