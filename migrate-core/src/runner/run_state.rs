//! What a run carries from one migration to the next.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use super::agenda::Agenda;
use super::attempt::Attempt;
use super::hooks::Hooks;
use super::retry::Retries;
use super::wording::{and_before, number_of};
use crate::error::Error;
use crate::history::History;
use crate::migration::Direction;
use crate::plan::PlannedMigration;
use crate::registry::Registry;
use crate::report::{Event, ExecutedMigration, Report};
use crate::target::MigrationRef;

/// The batch of each migration that does not join the batch of the run.
pub(super) type Batches = HashMap<MigrationRef, i64>;

/// The state of a run.
pub(super) struct RunState {
    /// The ID of the run in its claims.
    pub(super) id: Rc<str>,
    applied_by: Rc<str>,
    /// The batch of the run, once it is known.
    pub(super) batch: Option<i64>,
    batches: Batches,
    /// Finished rows hold claims, because their run has more to execute.
    pub(super) has_open_claims: bool,
    /// A trigger or a function of a pipelined statement may have changed a setting of the session.
    pub(super) may_have_changed_settings: bool,
    /// A pipelined message failed, so migrations run one by one until one completes.
    pub(super) runs_alone: bool,
    /// The number of migrations that pipelines have completed.
    pub(super) pipelined: usize,
    pub(super) retries: Retries,
    report: Report,
}

impl RunState {
    pub(super) fn new(applied_by: &str, batches: Batches) -> RunState {
        RunState {
            // Random, not counted: two programs on two machines may start at one moment.
            id: format!("{:016x}", RandomState::new().build_hasher().finish()).into(),
            applied_by: applied_by.into(),
            batch: None,
            batches,
            has_open_claims: false,
            may_have_changed_settings: false,
            runs_alone: false,
            pipelined: 0,
            retries: Retries::default(),
            report: Report::default(),
        }
    }

    /// Returns the number of migrations that the run has completed.
    pub(super) fn completed(&self) -> usize {
        self.report.executed.len()
    }

    /// Collects the inputs of a migration: the one at `position` of those that run next.
    pub(super) fn attempt<'p>(
        &mut self,
        agenda: &Agenda,
        registry: &Registry,
        planned: &'p PlannedMigration,
        position: usize,
        is_last: bool,
    ) -> Attempt<'p> {
        let history = agenda.history.as_ref();
        self.has_open_claims |= history.is_some_and(History::has_open_claims);
        let id = planned.migration.id();
        let batch = self.batches.get(&MigrationRef::from(id)).copied();
        let batch = batch
            .or(self.batch)
            .unwrap_or_else(|| history.map_or(1, |history| history.batch_to_continue_or_begin(registry)));
        self.batch = Some(batch);
        Attempt {
            planned,
            run_id: self.id.clone(),
            applied_by: self.applied_by.clone(),
            batch,
            sequence: agenda.next_sequence + i64::try_from(position).unwrap_or_default(),
            row: agenda.row(id).cloned(),
            makes_table: history.is_none(),
            is_last,
            has_open_claims: self.has_open_claims,
        }
    }

    /// Reports that a migration begins. `uncommitted` migrations of its transaction ran before it, and `left` follow.
    pub(super) fn tell_started(
        &self,
        hooks: &mut Hooks<'_>,
        planned: &PlannedMigration,
        uncommitted: usize,
        left: usize,
    ) {
        let before = self.completed() + uncommitted;
        hooks.tell(&Event::Started {
            migration: &planned.migration,
            direction: planned.direction,
            position: before + 1,
            total: before + 1 + left,
        });
    }

    /// Moves on after the steps of a migration and its history row, which may not be committed yet. The queue holds the
    /// migrations after it.
    pub(super) fn advance(&mut self, agenda: &mut Agenda, planned: &PlannedMigration) {
        self.has_open_claims = !agenda.queue.is_empty() && planned.direction == Direction::Up;
        // A resumed migration already has its sequence number.
        agenda.next_sequence += i64::from(agenda.row(planned.migration.id()).is_none());
        agenda.history.get_or_insert_default();
    }

    /// Records and reports a committed migration.
    pub(super) fn complete(&mut self, hooks: &mut Hooks<'_>, planned: &PlannedMigration, duration: Duration) {
        self.retries.reset();
        let done = ExecutedMigration {
            migration: planned.migration,
            direction: planned.direction,
            duration,
        };
        hooks.tell(&Event::Finished(&done));
        self.report.executed.push(done);
    }

    /// Returns the report of a run in a direction.
    pub(super) fn into_report(self, direction: Direction) -> Report {
        let has_applied = direction == Direction::Up && !self.report.is_empty();
        Report {
            batch: self.batch.filter(|_| has_applied),
            ..self.report
        }
    }

    /// Adds to an error what the run completed before it.
    pub(super) fn fail(self, mut error: Error, direction: Direction) -> Error {
        let count = |direction| {
            let executed = self.report.executed.iter();
            executed.filter(|done| done.direction == direction).count()
        };
        for (count, now) in [
            (count(Direction::Up), "applied"),
            (count(Direction::Down), "rolled back"),
        ] {
            if count == 0 {
                continue;
            }
            let batch = match (now, self.batch) {
                ("applied", Some(batch)) => format!(" (batch {batch})"),
                _ => String::new(),
            };
            let earlier = number_of(count, "earlier migration remains", "earlier migrations remain");
            error = and_before(error, &format!("{earlier} {now}{batch}"));
        }
        error.with_report(self.into_report(direction))
    }
}
