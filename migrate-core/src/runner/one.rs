//! One migration of a run: its claim, its steps, its row.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::Runner;
use super::attempt::Turn;
use super::diagnose::{Failure, Mishap};
use super::recovery::Doubt;
use crate::driver::{DriverError, DriverErrorKind};
use crate::error::Error;
use crate::history::Phase;
use crate::history::table::{Change, NewRow};
use crate::migration::Direction;
use crate::plan::{Action, PlannedMigration, PlannedStep};
use crate::report::Event;
use crate::schema::{SessionEffect, Table};

impl Runner<'_> {
    /// Runs one migration. A transaction is open, and none is when this returns. Says what the marker is then, if it is another.
    pub(super) fn do_one(&mut self, turn: &Turn<'_>, started: Instant) -> Result<Option<i64>, Error> {
        let migration = &turn.planned.migration;
        let span = tracing::info_span!("migration", version = %migration.id(), name = migration.name());
        let _entered = span.enter();
        if turn.planned.is_whole() {
            self.in_one_transaction(turn, started)
                .map_err(|failure| self.rolled_back(turn, failure))
        } else {
            self.step_by_step(turn, started)
                .map_err(|failure| self.cut_off(turn, failure))
        }
    }

    fn in_one_transaction(&mut self, turn: &Turn<'_>, started: Instant) -> Result<Option<i64>, Failure> {
        self.work(turn, started)?;
        self.commit_last()
    }

    /// All of a migration in the transaction that is open, up to the commit.
    pub(super) fn work(&mut self, turn: &Turn<'_>, started: Instant) -> Result<(), Failure> {
        if turn.makes_table {
            self.book(&self.table.create())?;
        }
        // A row that is written first tells, should a step of the user's end the transaction, whether it was committed. Other
        // migrations do with one row at the end.
        let claims_first = turn.planned.may_end_transaction() || turn.planned.done > 0;
        if claims_first {
            self.claim(turn)?;
        }
        // A table is made anew without foreign keys; what they would have kept is compared.
        let broken_before = self.broken_references(turn)?;
        for (index, step) in turn.planned.steps.iter().enumerate().skip(turn.planned.done) {
            self.go_on(index)?;
            self.tell_step(turn.planned, index, step);
            self.step_in_savepoint(step, &turn.run_id)
                .map_err(|mishap| Failure::Step { index, mishap })?;
        }
        let mut broken = self.broken_references(turn)?;
        broken.retain(|row| !broken_before.contains(row));
        if !broken.is_empty() {
            return Err(Failure::BrokenReferences(broken));
        }
        self.restore(turn)?;
        self.finish(turn, claims_first, started)
    }

    /// A step that is marked by itself, before it and after it. Says whether it is done: a lock that it needs may have been
    /// held by something else.
    fn marked_step(&mut self, turn: &Turn<'_>, index: usize, step: &PlannedStep) -> Result<bool, Failure> {
        if matches!(step.action, Action::Declare(_) | Action::Keep) {
            self.mark(turn, index + 1, Some(&turn.run_id))?;
            return Ok(true);
        }
        let doubt = self.doubt_before(turn.planned, index).map_err(Failure::Bookkeeping)?;
        // What changes rows alone is committed with its marks. What changes the schema commits the first one before it, where
        // a database commits such changes by themselves.
        let with_marks = turn.planned.migration.in_transaction() || step.is_of_rows();
        if with_marks {
            self.session.begin_step().map_err(Failure::Bookkeeping)?;
        }
        self.doubt(turn, index, &doubt)?;
        if step.is_concurrent()
            && let Some(blocker) = self.blockers(std::slice::from_ref(step)).first()
        {
            self.tell(&Event::Waiting {
                reason: &format!(
                    "{} waits for transactions that are open now, {} s for each at most; {blocker}",
                    turn.planned.migration,
                    self.lock_timeout.as_secs_f32()
                ),
            });
        }
        if let Err(mishap) = self.step_alone(step, with_marks).map_err(Failure::Bookkeeping)? {
            // The first error is the one to tell.
            let is_undone = with_marks && self.session.rollback().unwrap_or(false);
            // A statement that was refused has done nothing; of a function a part may stay. What is done concurrently has
            // waited all the time already.
            let may_try_again = is_undone || (step.sql().is_some() && !step.is_concurrent());
            if mishap.is_locked() && may_try_again && self.waits_for_lock(turn.planned) {
                return Ok(false);
            }
            return Err(Failure::Step { index, mishap });
        }
        if step.is_users() {
            self.regain(index)?;
        }
        // The last step is marked by finishing, if nothing has to be committed with its mark.
        if with_marks || index + 1 < turn.planned.steps.len() {
            self.mark(turn, index + 1, Some(&turn.run_id))?;
        }
        if with_marks {
            self.session.commit().map_err(Failure::Commit)?;
        }
        Ok(true)
    }

    /// Unless who started the run wants it to end.
    fn go_on(&self, index: usize) -> Result<(), Failure> {
        match self.is_stopped() {
            true => Err(Failure::Stopped { index }),
            false => Ok(()),
        }
    }

    /// After a step that may have given up the right to write: a session can be told to let go of all that it holds.
    fn regain(&mut self, index: usize) -> Result<(), Failure> {
        self.session.regain(&self.table).map_err(|error| match error.kind {
            DriverErrorKind::Busy => Failure::LockLost {
                index,
                holder: error.message,
            },
            _ => Failure::Bookkeeping(error),
        })
    }

    fn broken_references(&mut self, turn: &Turn<'_>) -> Result<Vec<String>, Failure> {
        if turn.planned.rebuilds() {
            self.session.broken_references().map_err(Failure::Bookkeeping)
        } else {
            Ok(Vec::new())
        }
    }

    /// That a table is what it is taken to be, before it is made anew from that.
    fn expect(&mut self, table: &Table) -> Result<(), Mishap> {
        let live = self.look_around()?;
        let difference = match live.tables.get(&table.name) {
            Some(Ok(there)) => table.difference(there),
            Some(Err(why)) => Some(why.clone()),
            None => Some("it is not there".to_owned()),
        };
        match difference {
            None => Ok(()),
            Some(difference) => Err(Mishap::Unexpected(format!(
                "`{}` is not what the migrations have made of it, so making it anew would lose something: {difference}",
                table.name
            ))),
        }
    }

    fn step_by_step(&mut self, turn: &Turn<'_>, started: Instant) -> Result<Option<i64>, Failure> {
        if self.home.as_ref().is_some_and(|home| home.is_shared) {
            return Err(Failure::SharedSession);
        }
        if turn.makes_table {
            self.book(&self.table.create())?;
        }
        self.claim(turn)?;
        // As long as it is held, nobody takes the claim for one of a run that is gone.
        self.hold().map_err(Failure::Bookkeeping)?;
        self.session.commit().map_err(Failure::Commit)?;
        self.set_again(turn, turn.planned.done)?;
        for (index, step) in turn.planned.steps.iter().enumerate().skip(turn.planned.done) {
            self.go_on(index)?;
            self.tell_step(turn.planned, index, step);
            while !self.marked_step(turn, index, step)? {
                self.go_on(index)?;
            }
            self.patience = None;
        }
        self.restore(turn)?;
        self.begin_transaction().map_err(Failure::Bookkeeping)?;
        self.finish(turn, true, started)?;
        self.commit_last()
    }

    /// Commits the transaction in which the migration was finished.
    pub(super) fn commit_last(&mut self) -> Result<Option<i64>, Failure> {
        let marker = self
            .session
            .marker_after_commit(&self.table)
            .map_err(Failure::Bookkeeping)?;
        self.session.commit().map_err(Failure::Commit)?;
        Ok(marker)
    }

    /// Sets back what the user's own steps may have set of the connection.
    fn restore(&mut self, turn: &Turn<'_>) -> Result<(), Failure> {
        match turn.planned.steps.iter().any(PlannedStep::is_users) {
            true => self.set_back(),
            false => Ok(()),
        }
    }

    fn set_back(&mut self) -> Result<(), Failure> {
        self.come_home().map_err(Failure::Bookkeeping)
    }

    pub(super) fn come_home(&mut self) -> Result<(), DriverError> {
        let Some(restore) = self.home.as_ref().and_then(|home| home.restore.as_ref()) else {
            return Ok(());
        };
        self.session.execute(restore)?;
        // How long the open transaction waits for locks is set back with the rest.
        match self.session.transaction_depth() {
            0 => Ok(()),
            _ => self.session.wait_in_transaction(self.statement_wait),
        }
    }

    /// Sets of the session once more what the first `done` steps have set of the one that they ran in, for those after them.
    fn set_again(&mut self, turn: &Turn<'_>, done: usize) -> Result<(), Failure> {
        for (index, step) in turn.planned.steps.iter().enumerate().take(done) {
            if step.session_effect() == SessionEffect::Setting {
                self.step_alone(step, false)
                    .map_err(Failure::Bookkeeping)?
                    .map_err(|mishap| Failure::Step { index, mishap })?;
            }
        }
        Ok(())
    }

    /// Writes down, before the first step, that this run is at work on the migration.
    fn claim(&mut self, turn: &Turn<'_>) -> Result<(), Failure> {
        let id = turn.planned.migration.id();
        let statement = match (&turn.row, turn.planned.direction) {
            (None, _) => self.table.insert(&NewRow {
                sequence: turn.sequence,
                id,
                name: turn.planned.migration.name(),
                batch: turn.batch,
                fingerprint: turn.planned.fingerprint_after(0),
                phase: Phase::Applying,
                progress: 0,
                claim: Some(&turn.run_id),
                duration_ms: None,
                applied_by: &self.applied_by,
            }),
            (Some(row), direction) => self.table.update(
                id,
                row.claim.as_deref(),
                &Change {
                    claim: Some(Some(&turn.run_id)),
                    // Who finishes it has applied it.
                    batch: (direction == Direction::Up).then_some(turn.batch),
                    phase: (direction == Direction::Down).then_some(Phase::Reverting),
                    progress: Some(turn.planned.done),
                    doubt: Some(None),
                    ..Change::default()
                },
            ),
        };
        self.book_one(&statement)
    }

    /// Writes down, before a step, by what it can be told afterwards whether it has happened.
    fn doubt(&mut self, turn: &Turn<'_>, done: usize, doubt: &Doubt) -> Result<(), Failure> {
        let statement = self.table.update(
            turn.planned.migration.id(),
            Some(&turn.run_id),
            &Change {
                doubt: Some(Some(&doubt.text())),
                ..Change::default()
            },
        );
        self.book_from_home(turn, done, &statement)
    }

    /// Writes down that the first `done` steps have happened, and no other.
    pub(super) fn mark(&mut self, turn: &Turn<'_>, done: usize, claim: Option<&str>) -> Result<(), Failure> {
        let statement = self.table.update(
            turn.planned.migration.id(),
            Some(&turn.run_id),
            &Change {
                progress: Some(done),
                fingerprint: (turn.planned.direction == Direction::Up).then(|| turn.planned.fingerprint_after(done)),
                claim: Some(claim),
                doubt: Some(None),
                ..Change::default()
            },
        );
        self.book_from_home(turn, done, &statement)
    }

    /// One of our own statements, after the first `done` steps. What one of them has set of the session, or locked, may keep
    /// history from being written; then that is set back as long as it takes.
    fn book_from_home(&mut self, turn: &Turn<'_>, done: usize, statement: &str) -> Result<(), Failure> {
        match self.book_one(statement) {
            Err(Failure::Bookkeeping(error)) => {
                // The first error is the one to tell.
                if self.come_home().is_err() {
                    return Err(Failure::Bookkeeping(error));
                }
                self.book_one(statement)?;
                self.set_again(turn, done)
            }
            result => result,
        }
    }

    /// Writes down that the migration is done.
    fn finish(&mut self, turn: &Turn<'_>, claimed: bool, started: Instant) -> Result<(), Failure> {
        let duration_ms = started.elapsed().as_millis().to_string();
        self.book_one(&self.finishing(turn, claimed, Some(&duration_ms)))?;
        if turn.is_last && turn.has_open_claims {
            self.book(&self.table.finish_batch())?;
        }
        Ok(())
    }

    /// The statement that writes down that the migration is done; `duration_ms` is an expression.
    pub(super) fn finishing(&self, turn: &Turn<'_>, claimed: bool, duration_ms: Option<&str>) -> String {
        let planned = turn.planned;
        let id = planned.migration.id();
        match planned.direction {
            Direction::Down => self.table.delete(id),
            Direction::Up if claimed => self.table.update(
                id,
                Some(&turn.run_id),
                &Change {
                    phase: Some(Phase::Applied),
                    progress: Some(planned.steps.len()),
                    fingerprint: Some(planned.fingerprint()),
                    claim: Some(turn.claim_when_done()),
                    doubt: Some(None),
                    duration_ms,
                    ..Change::default()
                },
            ),
            Direction::Up => self.table.insert(&NewRow {
                sequence: turn.sequence,
                id,
                name: planned.migration.name(),
                batch: turn.batch,
                fingerprint: planned.fingerprint(),
                phase: Phase::Applied,
                progress: planned.steps.len(),
                claim: turn.claim_when_done(),
                duration_ms,
                applied_by: &self.applied_by,
            }),
        }
    }

    /// One of our own statements.
    fn book(&mut self, statement: &str) -> Result<(), Failure> {
        self.session.execute(statement).map_err(Failure::Bookkeeping)
    }

    /// One of our own statements, which has to change exactly one row.
    fn book_one(&mut self, statement: &str) -> Result<(), Failure> {
        match self.session.execute_counting(statement) {
            Ok(1) => Ok(()),
            Ok(_) => Err(Failure::ClaimLost),
            Err(error) => Err(Failure::Bookkeeping(error)),
        }
    }

    pub(super) fn tell_step(&mut self, planned: &PlannedMigration, index: usize, step: &PlannedStep) {
        tracing::debug!(step = index + 1, place = %step.place, "step");
        self.tell(&Event::Step {
            position: index + 1,
            total: planned.steps.len(),
            label: &step.label(),
        });
    }

    /// A step in a transaction, with a savepoint around it, by which it is noticed that the step ended the transaction. Its
    /// name is the run's own, so that nobody makes it again by chance.
    fn step_in_savepoint(&mut self, step: &PlannedStep, run_id: &str) -> Result<(), Mishap> {
        // What is generated cannot end the transaction behind our back.
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
            Ok(()) if self.session.transaction_depth() > depth => Err(Mishap::LeftTransactionOpen),
            Ok(()) => {
                let released = self.session.execute(&format!("RELEASE SAVEPOINT migrate_{run_id}"));
                released.map_err(|error| self.not_released(run_id, &error))
            }
            // A statement cannot end the transaction unnoticed: what it can do is to have the database roll it back.
            Err(mishap @ Mishap::Failed { .. }) if step.sql().is_some() => Err(mishap),
            Err(mishap) => match self.session.execute(&format!("ROLLBACK TO SAVEPOINT migrate_{run_id}")) {
                Ok(()) => Err(mishap),
                Err(_) => Err(Mishap::EndedTransaction {
                    returned: Some(mishap.into_cause()),
                }),
            },
        }
    }

    /// What became of a step that was done, if its savepoint is not there any more or cannot be let go.
    fn not_released(&mut self, run_id: &str, error: &DriverError) -> Mishap {
        match self.session.execute(&format!("ROLLBACK TO SAVEPOINT migrate_{run_id}")) {
            // The transaction is open, and has failed.
            Ok(()) => Mishap::Failed {
                cause: format!("a statement in it failed, and the step went on: {error}").into(),
            },
            Err(_) => Mishap::EndedTransaction { returned: None },
        }
    }

    /// A step outside a transaction of the migration's. `with_marks`: in one of its own. What fails around it is the driver's
    /// error: then the step may have happened.
    fn step_alone(&mut self, step: &PlannedStep, with_marks: bool) -> Result<Result<(), Mishap>, DriverError> {
        // Of a function a part may stay, so that it cannot be tried again. What is done concurrently holds nobody up while it
        // waits, and would have to be begun anew.
        let wait = if step.function().is_some() || step.is_concurrent() {
            self.lock_timeout
        } else {
            self.statement_wait
        };
        let sql = step.sql().unwrap_or_default();
        if let Err(error) = self.session.make_ready(sql, wait) {
            return Ok(Err(error.into()));
        }
        let result = self.act(step);
        // A Rust function may leave its own transaction open; what we write next would be lost with it.
        let left_open = match (step.function().is_some(), with_marks) {
            (false, _) => false,
            (true, true) => self.session.transaction_depth() > 1,
            (true, false) => self.session.rollback()?,
        };
        Ok(match result {
            Ok(()) if left_open => Err(Mishap::LeftTransactionOpen),
            result => result,
        })
    }

    fn act(&mut self, step: &PlannedStep) -> Result<(), Mishap> {
        match &step.action {
            Action::Statement(sql) | Action::Generated(sql) => Ok(self.session.execute(sql)?),
            Action::Expect { table, .. } => self.expect(table),
            Action::Rust { functions, .. } => {
                let connection = self.session.connection();
                match catch_unwind(AssertUnwindSafe(|| functions.call(connection))) {
                    Ok(Some(result)) => result.map_err(|cause| Mishap::Failed { cause }),
                    // The planner has refused a step without a function for this connection.
                    Ok(None) => Err(Mishap::Failed {
                        cause: "there is no function for this connection type".into(),
                    }),
                    Err(panic) => Err(Mishap::Failed {
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
