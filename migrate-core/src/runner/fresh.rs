//! The command `fresh`: drops everything under the lock, then applies all migrations.

use std::collections::HashMap;

use super::diagnose::needs_own_session;
use super::{Request, Runner};
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
    /// Objects that migrations did not create are dropped too; on PostgreSQL also extensions in the schema, unless
    /// another object needs them. [`fresh_scope`](Runner::fresh_scope) describes the scope for a confirmation prompt.
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
    /// As for [`up`](Runner::up). If a migration is invalid, nothing is dropped.
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
                .map_err(|error| error.and_state(&format!("everything that was in {emptied} before had been dropped")))
        })
    }

    /// Describes the scope of [`fresh`](Runner::fresh) for a confirmation prompt: the SQLite file, or the database, on
    /// PostgreSQL with the schema. It never contains a password.
    pub fn fresh_scope(&mut self) -> String {
        self.session.fresh_scope()
    }

    /// Drops everything under the lock, so never during another run.
    fn empty(&mut self) -> Result<(), Error> {
        let state = match self.dialect.features().transactional_changes {
            true => "nothing was dropped",
            false => "some of it may have been dropped, as each change commits by itself",
        };
        let failed = |runner: &mut Self, error: DriverError| {
            Err(runner
                .database_error("the database could not be emptied", error)
                .state(state))
        };
        if let Err(error) = self.begin_transaction() {
            return failed(self, error);
        }
        // Behind a pooler no lock outlives its transaction.
        let is_pooled = self.baseline.as_ref().is_some_and(|home| home.is_pooled);
        let needs_session = self
            .registry
            .iter()
            .find(|migration| !migration.in_transaction())
            .copied();
        if let Some(migration) = needs_session.filter(|_| is_pooled) {
            self.abandon();
            return Err(needs_own_session("applying", &migration, "migrate fresh").state("nothing was dropped"));
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
