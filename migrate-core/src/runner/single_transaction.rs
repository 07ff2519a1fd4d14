//! All migrations of a run in one transaction.

use std::collections::HashMap;
use std::time::Instant;

use super::diagnose::ROLLED_BACK;
use super::run::{Agenda, RunState};
use super::{Request, Runner, number_of};
use crate::code::{Code, ErrorKind};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::migration::Direction;
use crate::plan::{PlannedMigration, PlannedStep};
use crate::report::{Event, ExecutedMigration};
use crate::target::MigrationRef;

impl Runner<'_> {
    /// Runs all remaining migrations or none. If another run was faster, the agenda is a new one and nothing has run.
    pub(super) fn take_all_turns(
        &mut self,
        run: &mut RunState,
        agenda: &mut Agenda,
        request: &Request,
        batches: &HashMap<MigrationRef, i64>,
    ) -> Result<(), Error> {
        self.check_whole(agenda)?;
        let result = match rebuilds(agenda) {
            true => self.without_foreign_keys(|runner| runner.all_in_one(run, agenda, request, batches, true)),
            false => self.all_in_one(run, agenda, request, batches, false),
        };
        self.let_go_after(result)
    }

    /// Checks that one transaction can hold all remaining migrations.
    fn check_whole(&self, agenda: &Agenda) -> Result<(), Error> {
        let refuse = |error: Error| {
            let turn_off = Help::new("turn off ").advice(Advice::SingleTransaction);
            Err(error.nothing_changed().help(turn_off))
        };
        if !self.dialect.features().transactional_changes {
            let message = format!(
                "{} auto-commits DDL, so one transaction cannot hold several migrations",
                self.dialect.name()
            );
            return refuse(Error::new(Code::NOT_ONE_TRANSACTION, message));
        }
        let mut reasons = Vec::new();
        let outside = agenda.queue.iter().filter(|planned| !planned.is_whole());
        reasons.extend(outside.map(|planned| {
            let migration = &planned.migration;
            (migration, format!("migration {migration} has `transaction = false`"))
        }));
        if let Some(rebuilt) = agenda.queue.iter().find(|planned| planned.rebuilds()) {
            // The plan of a migration that rebuilds a table has its own warning.
            let others = agenda.queue.iter().filter(|planned| !planned.rebuilds());
            let others = others.filter(|planned| planned.steps.iter().any(PlannedStep::is_users));
            reasons.extend(others.map(|planned| {
                let (migration, rebuilt) = (&planned.migration, &rebuilt.migration);
                (
                    migration,
                    format!(
                        "migration {migration} has SQL or Rust steps, but {rebuilt} rebuilds a table: foreign keys are disabled \
                         for the whole transaction, so deletes would not cascade"
                    ),
                )
            }));
        }
        if reasons.is_empty() {
            return Ok(());
        }
        let message = "one transaction cannot hold all migrations of this run";
        let error = Error::new(Code::NOT_ONE_TRANSACTION, message);
        let error = reasons.into_iter().fold(error, |error, (migration, reason)| {
            error.finding(Some(migration.location()), reason)
        });
        refuse(error.help(Help::new("run these migrations separately first, with ").advice(Advice::To)))
    }

    fn all_in_one(
        &mut self,
        run: &mut RunState,
        agenda: &mut Agenda,
        request: &Request,
        batches: &HashMap<MigrationRef, i64>,
        without_foreign_keys: bool,
    ) -> Result<(), Error> {
        if !self.lock(run, agenda, request)? {
            return Ok(());
        }
        let is_another = rebuilds(agenda) && !without_foreign_keys;
        if is_another || self.check_whole(agenda).is_err() {
            // Another run was faster, and the remaining work has changed.
            self.abandon();
            return Ok(());
        }
        let mut done: Vec<ExecutedMigration> = Vec::new();
        while !agenda.queue.is_empty() {
            if let Err(error) = self.plan_next(agenda, !done.is_empty()) {
                self.abandon();
                return Err(error);
            }
            let Some(planned) = agenda.queue.pop_front() else {
                break;
            };
            self.tell_started(&planned, done.len(), agenda.queue.len());
            let started = Instant::now();
            let attempt = self.attempt(run, agenda, &planned, batches, agenda.next_sequence);
            let worked = self.work(&attempt, started);
            let worked = worked.and_then(|()| match attempt.is_last {
                true => self.commit_last().map(drop),
                false => Ok(()),
            });
            if let Err(failure) = worked {
                let error = self.rolled_back(&attempt, failure);
                run.has_open_claims = false;
                if self.may_try_again(&planned, &error) {
                    let request = agenda.request.clone();
                    *agenda = self.look_patiently(&request)?;
                    return Ok(());
                }
                return Err(with_those_before(error, done.len()));
            }
            done.push(ExecutedMigration {
                migration: planned.migration,
                direction: planned.direction,
                duration: started.elapsed(),
            });
            run.has_open_claims = !attempt.is_last && planned.direction == Direction::Up;
            agenda.next_sequence += i64::from(attempt.row.is_none());
            agenda.history.get_or_insert_default();
        }
        self.retry_deadline = None;
        // Before the commit no migration is done.
        for done in done {
            self.tell(&Event::Finished(&done));
            run.report.executed.push(done);
        }
        Ok(())
    }

    /// Plans a rebuild again, from the uncommitted result of the migrations before it.
    fn plan_next(&mut self, agenda: &mut Agenda, has_done_some: bool) -> Result<(), Error> {
        match agenda.queue.front() {
            Some(next) if has_done_some && next.rebuilds() => self.plan_anew(agenda),
            _ => Ok(()),
        }
    }
}

/// Returns true if the remaining work rebuilds a table.
fn rebuilds(agenda: &Agenda) -> bool {
    agenda.queue.iter().any(PlannedMigration::rebuilds)
}

/// Adds to an error that the earlier migrations of its transaction are not applied either.
fn with_those_before(error: Error, count: usize) -> Error {
    if count == 0 {
        return error;
    }
    let before = number_of(count, "earlier migration", "earlier migrations");
    let error = match (error.kind(), error.database_state()) {
        (ErrorKind::TransactionEnded, _) => {
            return error.and_state(&format!(
                "the same transaction held {before}; history shows which of them are committed"
            ));
        }
        (_, Some(ROLLED_BACK)) => error.state(format!(
            "the transaction, with {before} in it, was rolled back; the database is unchanged"
        )),
        _ => error.and_state(&format!("the same transaction held {before}")),
    };
    match error.kind() {
        // For example, PostgreSQL allows a new enum value only in later transactions.
        ErrorKind::StepFailed => {
            error.help(Help::new("if the step needs committed migrations, turn off ").advice(Advice::SingleTransaction))
        }
        _ => error,
    }
}
