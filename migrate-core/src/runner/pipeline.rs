//! Several migrations with one message, each in its own transaction, where the server takes many statements at once.
//!
//! Only migrations whose SQL was all written for operations travel together: a text of the user's could end its transaction
//! or swallow what follows it. What goes wrong is not told from here: the migrations that are not done are gone over again,
//! one by one.

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

/// How many migrations travel together at most: progress is told message by message.
const MOST: usize = 32;

/// How many bytes of SQL travel together at most, so that a server's limits are far away.
const MOST_BYTES: usize = 1 << 20;

impl Runner<'_> {
    /// Does the next migrations with one message, if it can be done so. Says whether it has: if not, nothing has happened.
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
            .map_err(|error| self.database_error("the database does not answer", error))?;
        let Some(message) = self.message(run, agenda, batches, count) else {
            return Ok(false);
        };
        tracing::debug!(count, "migrations in one message");
        let began = Instant::now();
        if let Err(error) = self.session.execute(&message) {
            // What the message has left open, if the connection is still there.
            let _ = self.session.rollback();
            if error.kind == DriverErrorKind::ConnectionLost {
                return Err(self.database_error(&format!("{count} migrations were sent together"), error));
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

    /// Looks how far a message came. What it has not done is still to be done, and more may be.
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

    /// The next migrations as one text; `None` if the database takes none such.
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
            // From here on it is what the transaction before has left.
            expected = HistoryPrecondition::LeftByRun;
            run.has_open_claims |= planned.direction == Direction::Up;
        }
        Some(message)
    }

    /// Tells what was done with one message, as if it had been done one by one.
    fn tell_together(&mut self, run: &mut RunState, done: &[PlannedMigration], left: usize, began: Instant) {
        let share = began.elapsed() / u32::try_from(done.len().max(1)).unwrap_or(1);
        let total = run.report.executed.len() + done.len() + left;
        for planned in done {
            self.tell_done(run, planned, total, share);
        }
        // As long as nothing was done, it is still the same that waits.
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

/// What history is to be like when the next message arrives; `None` if that is not known.
fn expected_of(agenda: &Agenda) -> Option<HistoryPrecondition> {
    match (&agenda.history, agenda.history_version) {
        (None, _) => Some(HistoryPrecondition::NoTable),
        (Some(_), Some(history_version)) => Some(HistoryPrecondition::Version(history_version)),
        (Some(_), None) => agenda.is_left_by_message.then_some(HistoryPrecondition::LeftByRun),
    }
}

/// How many of the next migrations can travel together.
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

/// Whether nothing in a migration can reach beyond its own statements.
fn is_plain(planned: &PlannedMigration) -> bool {
    let is_generated = |action: &Action| match action {
        Action::Generated(sql) => is_closed(sql),
        Action::Declare(_) | Action::Keep => true,
        Action::Statement(_) | Action::Rust { .. } | Action::Expect { .. } => false,
    };
    planned.is_whole() && planned.done == 0 && planned.steps.iter().all(|step| is_generated(&step.action))
}

/// Whether a statement ends where it seems to: an expression of the user's may hold a comment or a quote that is never closed.
fn is_closed(sql: &str) -> bool {
    let may_hide_its_end = ["--", "/*", "$", "\\", ";", "\0"];
    !may_hide_its_end.iter().any(|sign| sql.contains(sign)) && schema::tokenize(sql).is_ok()
}
