//! The pipeline: several migrations in one message, each in its own transaction, where the server accepts that.
//!
//! Only migrations without a user's SQL or Rust steps are pipelined: such SQL could end its transaction, or absorb the
//! statements after it. A failed message is not reported; its remaining migrations run again, one by one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Runner;
use super::run::{Agenda, RunState};
use crate::driver::{DriverErrorKind, HistoryPrecondition};
use crate::error::Error;
use crate::history::Phase;
use crate::migration::Direction;
use crate::plan::{Action, PlannedMigration};
use crate::report::{Event, ExecutedMigration};
use crate::schema;
use crate::target::MigrationRef;

/// The largest number of migrations in one message; progress is reported per message.
const MOST: usize = 32;

/// The largest number of bytes of SQL in one message, far below the limits of servers.
const MOST_BYTES: usize = 1 << 20;

impl Runner<'_> {
    /// Runs the next migrations in one message, if possible. Returns false if nothing has happened.
    pub(super) fn take_turns_together(
        &mut self,
        run: &mut RunState,
        agenda: &mut Agenda,
        batches: &HashMap<MigrationRef, i64>,
    ) -> Result<bool, Error> {
        let is_possible = self
            .session
            .pipeline_envelope(
                &self.table,
                &run.id,
                self.statement_lock_timeout,
                HistoryPrecondition::NoTable,
            )
            .is_some();
        let count = if is_possible { travelling(agenda) } else { 0 };
        if count < 2 || run.goes_alone {
            return Ok(false);
        }
        self.settle_home()
            .map_err(|error| self.database_error("the session cannot be set up", error))?;
        let Some(message) = self.message(run, agenda, batches, count) else {
            return Ok(false);
        };
        tracing::debug!(count, "migrations in one message");
        let began = Instant::now();
        if let Err(error) = self.session.execute(&message) {
            // Ends the transaction that the message left open, if the connection still exists.
            let _ = self.session.rollback();
            if error.kind == DriverErrorKind::ConnectionLost {
                return Err(self.database_error(&format!("a pipeline of {count} migrations failed"), error));
            }
            run.goes_alone = true;
            return self.after_a_failure(run, agenda, count, began).map(|()| true);
        }
        let done: Vec<PlannedMigration> = agenda.queue.drain(..count).collect();
        if done.iter().any(|planned| planned.direction == Direction::Up) {
            run.has_open_claims = !agenda.queue.is_empty();
        }
        agenda.next_sequence += i64::try_from(count).unwrap_or_default();
        agenda.history.get_or_insert_default();
        agenda.history_version = None;
        agenda.is_left_by_message = true;
        self.tell_together(run, &done, agenda.queue.len(), began);
        Ok(true)
    }

    /// Finds out how far a failed message got, and loads the remaining work.
    fn after_a_failure(
        &mut self,
        run: &mut RunState,
        agenda: &mut Agenda,
        count: usize,
        began: Instant,
    ) -> Result<(), Error> {
        let sent: Vec<PlannedMigration> = agenda.queue.drain(..count).collect();
        let history = self.read_history()?.unwrap_or_default();
        let is_done = |planned: &&PlannedMigration| match (history.find(planned.migration.id()), planned.direction) {
            (Some(row), Direction::Up) => row.phase == Phase::Applied && row.claim.as_deref() == Some(run.id.as_str()),
            (row, direction) => row.is_none() && direction == Direction::Down,
        };
        let done: Vec<PlannedMigration> = sent.iter().take_while(is_done).cloned().collect();
        run.has_open_claims |= done.iter().any(|planned| planned.direction == Direction::Up);
        let left = agenda.queue.len() + sent.len() - done.len();
        self.tell_together(run, &done, left, began);
        let request = agenda.request.clone();
        *agenda = self.look_patiently(&request)?;
        Ok(())
    }

    /// Builds the message of the next migrations, or returns `None` if the database does not support pipelines.
    fn message(
        &self,
        run: &mut RunState,
        agenda: &Agenda,
        batches: &HashMap<MigrationRef, i64>,
        count: usize,
    ) -> Option<String> {
        let mut message = String::new();
        let mut expected = expected_of(agenda)?;
        for (location, planned) in agenda.queue.iter().take(count).enumerate() {
            let sequence = agenda.next_sequence + i64::try_from(location).unwrap_or_default();
            let mut attempt = self.attempt(run, agenda, planned, batches, sequence);
            attempt.is_last = location + 1 == agenda.queue.len();
            let around = self
                .session
                .pipeline_envelope(&self.table, &run.id, self.statement_lock_timeout, expected)?;
            message += &around.opening;
            if expected == HistoryPrecondition::NoTable {
                message += &self.table.create();
                message += ";\n";
            }
            for sql in planned.sql() {
                message += sql;
                message += ";\n";
            }
            message += &self.finishing(&attempt, false, Some(around.duration_ms));
            message += ";\n";
            if attempt.is_last && attempt.has_open_claims {
                message += &self.table.finish_batch();
                message += ";\n";
            }
            message += &around.closing;
            // The next transaction expects history as this one leaves it.
            expected = HistoryPrecondition::LeftByRun;
            run.has_open_claims |= planned.direction == Direction::Up;
        }
        Some(message)
    }

    /// Sends the events of one message, as if its migrations had run one by one.
    fn tell_together(&mut self, run: &mut RunState, done: &[PlannedMigration], left: usize, began: Instant) {
        let share = began.elapsed() / u32::try_from(done.len().max(1)).unwrap_or(1);
        let total = run.report.executed.len() + done.len() + left;
        for planned in done {
            self.tell_done(run, planned, total, share);
        }
        // While no migration completes, the retry deadline stays.
        if !done.is_empty() {
            self.retry_deadline = None;
        }
    }

    fn tell_done(&mut self, run: &mut RunState, planned: &PlannedMigration, total: usize, duration: Duration) {
        self.tell(&Event::Started {
            migration: &planned.migration,
            direction: planned.direction,
            position: run.report.executed.len() + 1,
            total,
        });
        for (index, step) in planned.steps.iter().enumerate() {
            self.tell_step(planned, index, step);
        }
        let done = ExecutedMigration {
            migration: planned.migration,
            direction: planned.direction,
            duration,
        };
        self.tell(&Event::Finished(&done));
        run.report.executed.push(done);
    }
}

/// Returns the precondition of the next message, or `None` if the state of history is unknown.
fn expected_of(agenda: &Agenda) -> Option<HistoryPrecondition> {
    match (&agenda.history, agenda.history_version) {
        (None, _) => Some(HistoryPrecondition::NoTable),
        (Some(_), Some(history_version)) => Some(HistoryPrecondition::Version(history_version)),
        (Some(_), None) => agenda.is_left_by_message.then_some(HistoryPrecondition::LeftByRun),
    }
}

/// Counts the next migrations that one message can hold.
fn travelling(agenda: &Agenda) -> usize {
    if expected_of(agenda).is_none() {
        return 0;
    }
    let mut bytes = 0;
    agenda
        .queue
        .iter()
        .take(MOST)
        .take_while(|planned| {
            bytes += planned.sql().iter().map(|sql| sql.len()).sum::<usize>();
            bytes <= MOST_BYTES && is_plain(planned)
        })
        .count()
}

/// Returns true if no statement of a migration can affect the statements after it.
fn is_plain(planned: &PlannedMigration) -> bool {
    let is_generated = |action: &Action| match action {
        Action::Generated(sql) => is_closed(sql),
        Action::Declare(_) | Action::Keep => true,
        Action::Statement(_) | Action::Rust { .. } | Action::Expect { .. } => false,
    };
    planned.is_whole() && planned.done == 0 && planned.steps.iter().all(|step| is_generated(&step.action))
}

/// Returns true if a statement ends where it seems to: a user's expression may hold a comment or a quote that is not
/// closed.
fn is_closed(sql: &str) -> bool {
    let may_hide_its_end = ["--", "/*", "$", "\\", ";", "\0"];
    !may_hide_its_end.iter().any(|sign| sql.contains(sign)) && schema::tokenize(sql).is_ok()
}
