//! The command `fresh`: drops everything under the lock, then applies all migrations.

use std::collections::HashMap;

use super::diagnose::needs_own_session;
use super::{Request, Runner, and_before};
use crate::driver::DriverError;
use crate::error::Error;
use crate::report::Report;
use crate::target::Target;

impl Runner<'_> {
    /// Drops everything in the database, then applies all migrations. It asks for no confirmation.
    ///
    /// | database | drops |
    /// |---|---|
    /// | SQLite | all tables, views and triggers of the `main` database, in one transaction |
    /// | PostgreSQL | all objects in the connection's schema, in one transaction |
    /// | MySQL, MariaDB | all tables, views, sequences, routines and events; each drop commits separately |
    ///
    /// This includes objects that no migration created; on PostgreSQL also extensions in the schema, unless an object
    /// elsewhere needs them. For a confirmation prompt, [`fresh_scope`](Runner::fresh_scope) names the scope.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// println!("dropping everything in {}", runner.fresh_scope());
    /// let report = runner.fresh()?;
    /// assert_eq!(report.batch, Some(1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`up`](Runner::up). If a migration is invalid, `fresh` drops nothing.
    pub fn fresh(&mut self) -> Result<Report, Error> {
        let span = tracing::info_span!("fresh");
        let _entered = span.enter();
        self.with_lock_wait(|runner| {
            runner.settle_dialect(None)?;
            runner.check_on_nothing()?;
            let emptied = runner.fresh_scope();
            runner.empty()?;
            runner
                .run(&Request::Up(Target::Latest), &HashMap::new())
                .map_err(|error| and_before(error, &format!("everything in {emptied} was dropped before")))
        })
    }

    /// Returns the scope of [`fresh`](Runner::fresh) for a confirmation prompt: the SQLite file, the PostgreSQL schema
    /// with its database, or the MySQL or MariaDB database. The text never contains a password.
    pub fn fresh_scope(&mut self) -> String {
        self.session.fresh_scope()
    }

    /// Drops everything under the lock, so that no other run is in progress.
    fn empty(&mut self) -> Result<(), Error> {
        let state = match self.dialect.features().transactional_changes {
            true => "nothing was dropped",
            false => "some objects may have been dropped, because the database auto-commits DDL",
        };
        let failed = |runner: &mut Self, error: DriverError| {
            Err(runner.database_error("objects cannot be dropped", error).state(state))
        };
        if let Err(error) = self.begin_transaction() {
            return failed(self, error);
        }
        // Behind a pooler no lock outlives its transaction.
        let is_pooled = self.baseline.as_ref().is_some_and(|baseline| baseline.is_pooled);
        let needs_session = self
            .registry
            .iter()
            .find(|migration| !migration.in_transaction())
            .copied();
        if let Some(migration) = needs_session.filter(|_| is_pooled) {
            self.abandon();
            return Err(needs_own_session(&format!("migration {migration}"), &migration).state("nothing was dropped"));
        }
        let held = if is_pooled { Ok(()) } else { self.hold() };
        let emptied = held
            .and_then(|()| self.session.commit())
            .and_then(|()| self.session.prepare_statement("", self.lock_timeout))
            .and_then(|()| self.session.drop_everything(&self.table, self.lock_timeout));
        let result = match emptied {
            Ok(()) => Ok(()),
            Err(error) => {
                if self.session.transaction_depth() > 0 {
                    self.abandon();
                }
                failed(self, error)
            }
        };
        self.let_go_after(result)
    }
}
