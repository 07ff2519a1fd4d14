//! The execution of one migration: its claim, its steps, its history row.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::attempt::Attempt;
use super::diagnose::{MigrationFailure, StepError};
use super::recovery::InFlightStep;
use super::{Runner, subject};
use crate::driver::{DriverError, DriverErrorKind};
use crate::error::Error;
use crate::history::Phase;
use crate::history::table::{NewRow, RowUpdate};
use crate::migration::Direction;
use crate::plan::{Action, PlannedMigration, PlannedStep};
use crate::report::Event;
use crate::schema::{SessionEffect, Table};

impl Runner<'_> {
    /// Runs one migration in the open transaction, and leaves none open. Returns the history version if it has changed.
    pub(super) fn do_one(&mut self, attempt: &Attempt<'_>, started: Instant) -> Result<Option<i64>, Error> {
        let migration = &attempt.planned.migration;
        let span = tracing::info_span!("migration", version = %migration.id(), name = migration.name());
        let _entered = span.enter();
        if attempt.planned.is_whole() {
            self.in_one_transaction(attempt, started)
                .map_err(|failure| self.rolled_back(attempt, failure))
        } else {
            self.step_by_step(attempt, started)
                .map_err(|failure| self.cut_off(attempt, failure))
        }
    }

    fn in_one_transaction(&mut self, attempt: &Attempt<'_>, started: Instant) -> Result<Option<i64>, MigrationFailure> {
        self.work(attempt, started)?;
        self.commit_last()
    }

    /// Runs all of a migration in the open transaction, up to the commit.
    pub(super) fn work(&mut self, attempt: &Attempt<'_>, started: Instant) -> Result<(), MigrationFailure> {
        if attempt.makes_table {
            self.book(&self.table.create())?;
        }
        // If a user's step ends the transaction, a row that was written first shows if it was committed. Other
        // migrations need only one row at the end.
        let claims_first = attempt.planned.may_end_transaction() || attempt.planned.done > 0;
        if claims_first {
            self.claim(attempt)?;
        }
        // A rebuild disables foreign keys, so violations before and after are compared.
        let broken_before = self.broken_references(attempt)?;
        for (index, step) in attempt.planned.steps.iter().enumerate().skip(attempt.planned.done) {
            self.go_on(index)?;
            self.tell_step(attempt.planned, index, step);
            self.step_in_savepoint(step, &attempt.run_id)
                .map_err(|error| MigrationFailure::Step { index, error })?;
        }
        let mut broken = self.broken_references(attempt)?;
        broken.retain(|row| !broken_before.contains(row));
        if !broken.is_empty() {
            return Err(MigrationFailure::BrokenReferences(broken));
        }
        self.restore(attempt)?;
        self.finish(attempt, claims_first, started)
    }

    /// Runs a step between two checkpoints. Returns false if another connection holds a lock that the step needs, and
    /// the step must be retried.
    fn marked_step(
        &mut self,
        attempt: &Attempt<'_>,
        index: usize,
        step: &PlannedStep,
    ) -> Result<bool, MigrationFailure> {
        if matches!(step.action, Action::Declare(_) | Action::Keep) {
            self.mark(attempt, index + 1, Some(&attempt.run_id))?;
            return Ok(true);
        }
        let in_flight = self
            .in_flight_before(attempt.planned, index)
            .map_err(MigrationFailure::History)?;
        // A step that changes only rows commits together with its checkpoints. DDL commits the first checkpoint before
        // it runs, where the database auto-commits DDL.
        let with_marks = attempt.planned.migration.in_transaction() || step.is_of_rows();
        if with_marks {
            self.session.begin_step().map_err(MigrationFailure::History)?;
        }
        self.record_in_flight(attempt, index, &in_flight)?;
        if step.is_concurrent()
            && let Some(blocker) = self.blockers(std::slice::from_ref(step)).first()
        {
            self.tell(&Event::Waiting {
                reason: &format!(
                    "{} waits for open transactions, up to {} s for each; blocked by {blocker}",
                    subject(attempt.planned),
                    self.lock_timeout.as_secs_f32()
                ),
            });
        }
        if let Err(error) = self.step_alone(step, with_marks).map_err(MigrationFailure::History)? {
            // The first error is the one to report.
            let is_undone = with_marks && self.session.rollback().unwrap_or(false);
            // A refused statement has changed nothing; a function may have done part of its work. A concurrent
            // statement has already waited for the full timeout.
            let may_try_again = is_undone || (step.sql().is_some() && !step.is_concurrent());
            if error.is_locked() && may_try_again && self.waits_for_lock(attempt.planned) {
                return Ok(false);
            }
            return Err(MigrationFailure::Step { index, error });
        }
        if step.is_users() {
            self.regain(index)?;
        }
        // Finishing the migration records its last step, unless the checkpoint must commit with the step.
        if with_marks || index + 1 < attempt.planned.steps.len() {
            self.mark(attempt, index + 1, Some(&attempt.run_id))?;
        }
        if with_marks {
            self.session.commit().map_err(MigrationFailure::Commit)?;
        }
        Ok(true)
    }

    /// Fails if the caller wants the run to stop.
    fn go_on(&self, index: usize) -> Result<(), MigrationFailure> {
        match self.is_stopped() {
            true => Err(MigrationFailure::Stopped { index }),
            false => Ok(()),
        }
    }

    /// Takes the lock again after a user's step: SQL can release all locks of a session.
    fn regain(&mut self, index: usize) -> Result<(), MigrationFailure> {
        self.session
            .reacquire_lock(&self.table)
            .map_err(|error| match error.kind {
                DriverErrorKind::Busy => MigrationFailure::LockLost {
                    index,
                    holder: error.message,
                },
                _ => MigrationFailure::History(error),
            })
    }

    fn broken_references(&mut self, attempt: &Attempt<'_>) -> Result<Vec<String>, MigrationFailure> {
        if attempt.planned.rebuilds() {
            self.session.broken_references().map_err(MigrationFailure::History)
        } else {
            Ok(Vec::new())
        }
    }

    /// Checks that a table is as planned, before it is rebuilt from the plan.
    fn expect(&mut self, table: &Table) -> Result<(), StepError> {
        let live = self.look_around()?;
        let difference = match live.tables.get(&table.name) {
            Some(Ok(there)) => table.difference(there),
            Some(Err(why)) => Some(why.clone()),
            None => Some("the table does not exist".to_owned()),
        };
        match difference {
            None => Ok(()),
            Some(difference) => Err(StepError::Unexpected {
                table: table.name.clone(),
                difference,
            }),
        }
    }

    fn step_by_step(&mut self, attempt: &Attempt<'_>, started: Instant) -> Result<Option<i64>, MigrationFailure> {
        if self.baseline.as_ref().is_some_and(|baseline| baseline.is_pooled) {
            return Err(MigrationFailure::SharedSession);
        }
        if attempt.makes_table {
            self.book(&self.table.create())?;
        }
        self.claim(attempt)?;
        // While the lock is held, no other run treats the claim as abandoned.
        self.hold().map_err(MigrationFailure::History)?;
        self.session.commit().map_err(MigrationFailure::Commit)?;
        self.set_again(attempt, attempt.planned.done)?;
        for (index, step) in attempt.planned.steps.iter().enumerate().skip(attempt.planned.done) {
            self.go_on(index)?;
            self.tell_step(attempt.planned, index, step);
            while !self.marked_step(attempt, index, step)? {
                self.go_on(index)?;
            }
            self.retry_deadline = None;
        }
        self.restore(attempt)?;
        self.begin_transaction().map_err(MigrationFailure::History)?;
        self.finish(attempt, true, started)?;
        self.commit_last()
    }

    /// Commits the transaction that finished the migration.
    pub(super) fn commit_last(&mut self) -> Result<Option<i64>, MigrationFailure> {
        let history_version = self
            .session
            .history_version_after_commit(&self.table)
            .map_err(MigrationFailure::History)?;
        self.session.commit().map_err(MigrationFailure::Commit)?;
        Ok(history_version)
    }

    /// Restores the settings of the connection that the user's steps may have changed.
    fn restore(&mut self, attempt: &Attempt<'_>) -> Result<(), MigrationFailure> {
        match attempt.planned.steps.iter().any(PlannedStep::is_users) {
            true => self.set_back(),
            false => Ok(()),
        }
    }

    fn set_back(&mut self) -> Result<(), MigrationFailure> {
        self.come_home().map_err(MigrationFailure::History)
    }

    pub(super) fn come_home(&mut self) -> Result<(), DriverError> {
        let Some(restore) = self
            .baseline
            .as_ref()
            .and_then(|baseline| baseline.restore_baseline.as_ref())
        else {
            return Ok(());
        };
        self.session.execute(restore)?;
        // Restoring resets the lock wait of the open transaction as well.
        match self.session.transaction_depth() {
            0 => Ok(()),
            _ => self.session.wait_in_transaction(self.statement_lock_timeout),
        }
    }

    /// Applies the session settings of the first `done` steps again, for the steps after them.
    fn set_again(&mut self, attempt: &Attempt<'_>, done: usize) -> Result<(), MigrationFailure> {
        for (index, step) in attempt.planned.steps.iter().enumerate().take(done) {
            if step.session_effect() == SessionEffect::Setting {
                self.step_alone(step, false)
                    .map_err(MigrationFailure::History)?
                    .map_err(|error| MigrationFailure::Step { index, error })?;
            }
        }
        Ok(())
    }

    /// Records, before the first step, that this run executes the migration.
    fn claim(&mut self, attempt: &Attempt<'_>) -> Result<(), MigrationFailure> {
        let id = attempt.planned.migration.id();
        let statement = match (&attempt.row, attempt.planned.direction) {
            (None, _) => self.table.insert(&NewRow {
                sequence: attempt.sequence,
                id,
                name: attempt.planned.migration.name(),
                batch: attempt.batch,
                checksum: attempt.planned.checksum_after(0),
                phase: Phase::Applying,
                progress: 0,
                claim: Some(&attempt.run_id),
                duration_ms: None,
                applied_by: &self.applied_by,
            }),
            (Some(row), direction) => self.table.update(
                id,
                row.claim.as_deref(),
                &RowUpdate {
                    claim: Some(Some(&attempt.run_id)),
                    // The run that finishes a migration owns its batch.
                    batch: (direction == Direction::Up).then_some(attempt.batch),
                    phase: (direction == Direction::Down).then_some(Phase::Reverting),
                    progress: Some(attempt.planned.done),
                    in_flight: Some(None),
                    ..RowUpdate::default()
                },
            ),
        };
        self.book_one(&statement)
    }

    /// Records, before a step, how a later run can decide if it completed.
    fn record_in_flight(
        &mut self,
        attempt: &Attempt<'_>,
        done: usize,
        in_flight: &InFlightStep,
    ) -> Result<(), MigrationFailure> {
        let statement = self.table.update(
            attempt.planned.migration.id(),
            Some(&attempt.run_id),
            &RowUpdate {
                in_flight: Some(Some(&in_flight.text())),
                ..RowUpdate::default()
            },
        );
        self.book_from_home(attempt, done, &statement)
    }

    /// Records that exactly the first `done` steps have completed.
    pub(super) fn mark(
        &mut self,
        attempt: &Attempt<'_>,
        done: usize,
        claim: Option<&str>,
    ) -> Result<(), MigrationFailure> {
        let statement = self.table.update(
            attempt.planned.migration.id(),
            Some(&attempt.run_id),
            &RowUpdate {
                progress: Some(done),
                checksum: (attempt.planned.direction == Direction::Up).then(|| attempt.planned.checksum_after(done)),
                claim: Some(claim),
                in_flight: Some(None),
                ..RowUpdate::default()
            },
        );
        self.book_from_home(attempt, done, &statement)
    }

    /// Runs a bookkeeping statement after the first `done` steps. Their session settings or table locks may block it;
    /// then it runs with the baseline, and the settings are applied again.
    fn book_from_home(&mut self, attempt: &Attempt<'_>, done: usize, statement: &str) -> Result<(), MigrationFailure> {
        match self.book_one(statement) {
            Err(MigrationFailure::History(error)) => {
                // The first error is the one to report.
                if self.come_home().is_err() {
                    return Err(MigrationFailure::History(error));
                }
                self.book_one(statement)?;
                self.set_again(attempt, done)
            }
            result => result,
        }
    }

    /// Records that the migration is done.
    fn finish(&mut self, attempt: &Attempt<'_>, claimed: bool, started: Instant) -> Result<(), MigrationFailure> {
        let duration_ms = started.elapsed().as_millis().to_string();
        self.book_one(&self.finishing(attempt, claimed, Some(&duration_ms)))?;
        if attempt.is_last && attempt.has_open_claims {
            self.book(&self.table.finish_batch())?;
        }
        Ok(())
    }

    /// Returns the statement that records the end of a migration; `duration_ms` is an SQL expression.
    pub(super) fn finishing(&self, attempt: &Attempt<'_>, claimed: bool, duration_ms: Option<&str>) -> String {
        let planned = attempt.planned;
        let id = planned.migration.id();
        match planned.direction {
            Direction::Down => self.table.delete(id),
            Direction::Up if claimed => self.table.update(
                id,
                Some(&attempt.run_id),
                &RowUpdate {
                    phase: Some(Phase::Applied),
                    progress: Some(planned.steps.len()),
                    checksum: Some(planned.checksum()),
                    claim: Some(attempt.claim_when_done()),
                    in_flight: Some(None),
                    duration_ms,
                    ..RowUpdate::default()
                },
            ),
            Direction::Up => self.table.insert(&NewRow {
                sequence: attempt.sequence,
                id,
                name: planned.migration.name(),
                batch: attempt.batch,
                checksum: planned.checksum(),
                phase: Phase::Applied,
                progress: planned.steps.len(),
                claim: attempt.claim_when_done(),
                duration_ms,
                applied_by: &self.applied_by,
            }),
        }
    }

    /// Runs a bookkeeping statement.
    fn book(&mut self, statement: &str) -> Result<(), MigrationFailure> {
        self.session.execute(statement).map_err(MigrationFailure::History)
    }

    /// Runs a bookkeeping statement that must change exactly one row.
    fn book_one(&mut self, statement: &str) -> Result<(), MigrationFailure> {
        match self.session.execute_counting(statement) {
            Ok(1) => Ok(()),
            Ok(_) => Err(MigrationFailure::ClaimLost),
            Err(error) => Err(MigrationFailure::History(error)),
        }
    }

    pub(super) fn tell_step(&mut self, planned: &PlannedMigration, index: usize, step: &PlannedStep) {
        tracing::debug!(step = index + 1, location = %step.location, "step");
        self.tell(&Event::Step {
            position: index + 1,
            total: planned.steps.len(),
            label: &step.label(),
        });
    }

    /// Runs a step of a transaction inside a savepoint, which reveals a step that ends the transaction. The name of the
    /// savepoint contains the ID of the run, so that no step creates it by accident.
    fn step_in_savepoint(&mut self, step: &PlannedStep, run_id: &str) -> Result<(), StepError> {
        // Generated SQL cannot end the transaction unnoticed.
        if matches!(
            step.action,
            Action::Keep | Action::Declare(_) | Action::Generated(_) | Action::Expect { .. }
        ) {
            return self.act(step);
        }
        self.session.execute(&format!("SAVEPOINT migrate_{run_id}"))?;
        let depth = self.session.transaction_depth();
        let result = self.act(step);
        match result {
            Ok(()) if self.session.transaction_depth() > depth => Err(StepError::LeftTransactionOpen),
            Ok(()) => {
                let released = self.session.execute(&format!("RELEASE SAVEPOINT migrate_{run_id}"));
                released.map_err(|error| self.not_released(run_id, &error))
            }
            // A failed statement cannot end the transaction unnoticed; at most, the database rolls it back.
            Err(error @ StepError::Failed { .. }) if step.sql().is_some() => Err(error),
            Err(error) => match self.session.execute(&format!("ROLLBACK TO SAVEPOINT migrate_{run_id}")) {
                Ok(()) => Err(error),
                Err(_) => Err(StepError::EndedTransaction {
                    returned: Some(error.into_cause()),
                }),
            },
        }
    }

    /// Classifies a completed step whose savepoint is gone or cannot be released.
    fn not_released(&mut self, run_id: &str, error: &DriverError) -> StepError {
        match self.session.execute(&format!("ROLLBACK TO SAVEPOINT migrate_{run_id}")) {
            // The transaction is open but has failed.
            Ok(()) => StepError::Failed {
                cause: format!("a statement of the step failed, but the step continued: {error}").into(),
            },
            Err(_) => StepError::EndedTransaction { returned: None },
        }
    }

    /// Runs a step outside the migration's transaction; with `with_marks`, in a transaction of the step. The outer
    /// error comes from the driver around the step: then the step may have completed.
    fn step_alone(&mut self, step: &PlannedStep, with_marks: bool) -> Result<Result<(), StepError>, DriverError> {
        // A function may do part of its work, so it cannot be retried. A concurrent statement blocks no other
        // connection while it waits, and a retry would start it from the beginning.
        let wait = if step.function().is_some() || step.is_concurrent() {
            self.lock_timeout
        } else {
            self.statement_lock_timeout
        };
        let sql = step.sql().unwrap_or_default();
        if let Err(error) = self.session.prepare_statement(sql, wait) {
            return Ok(Err(error.into()));
        }
        let result = self.act(step);
        // A Rust function may leave its own transaction open, and later bookkeeping would be lost with it.
        let left_open = match (step.function().is_some(), with_marks) {
            (false, _) => false,
            (true, true) => self.session.transaction_depth() > 1,
            (true, false) => self.session.rollback()?,
        };
        Ok(match result {
            Ok(()) if left_open => Err(StepError::LeftTransactionOpen),
            result => result,
        })
    }

    fn act(&mut self, step: &PlannedStep) -> Result<(), StepError> {
        match &step.action {
            Action::Statement(sql) | Action::Generated(sql) => Ok(self.session.execute(sql)?),
            Action::Expect { table, .. } => self.expect(table),
            Action::Rust { functions, .. } => {
                let connection = self.session.connection();
                match catch_unwind(AssertUnwindSafe(|| functions.call(connection))) {
                    Ok(Some(result)) => result.map_err(|cause| StepError::Failed { cause }),
                    // The planner refuses a step without a function for this connection.
                    Ok(None) => Err(StepError::Failed {
                        cause: "the step has no function for this connection type".into(),
                    }),
                    Err(panic) => Err(StepError::Failed {
                        cause: panic_text(panic.as_ref()).into(),
                    }),
                }
            }
            Action::Declare(_) | Action::Keep => Ok(()),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    match said {
        Some(said) => format!("panicked: {said}"),
        None => "panicked".to_owned(),
    }
}
