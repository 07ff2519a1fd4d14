//! All migrations of a run in one transaction.

use std::time::{Duration, Instant};

use super::after_failure;
use super::agenda::{Agenda, Stale};
use super::diagnose::diagnose;
use super::hooks::Hooks;
use super::lock::{LockGuard, Tx, under_lock_to_migrate};
use super::replay::Planning;
use super::run_state::RunState;
use super::session::Connection;
use super::transactional::{self, RolledBack};
use super::wording::{ROLLED_BACK, number_of};
use crate::code::{Code, ErrorKind};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::plan::{PlannedMigration, PlannedStep};
use crate::render::SqlDialect;

/// Runs all remaining migrations or none. If another run was faster, the agenda is a new one and nothing has run.
pub(super) fn run_all(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    run: &mut RunState,
    agenda: &mut Agenda,
) -> Result<(), Error> {
    check(connection.dialect(), agenda)?;
    let rebuilds = agenda.rebuilds();
    let stale = under_lock_to_migrate(connection, rebuilds, |lock| {
        run_all_under(lock, planning, hooks, run, agenda, rebuilds)
    })?;
    agenda.recover(stale, connection, planning, hooks, run.completed() > 0)
}

fn run_all_under(
    lock: &mut LockGuard<'_, '_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    run: &mut RunState,
    agenda: &mut Agenda,
    without_foreign_keys: bool,
) -> Result<Option<Stale>, Error> {
    let mut tx = lock.begin(hooks, "the migration lock cannot be acquired")?;
    if let Err(stale) = agenda.revalidate(&mut tx, planning) {
        return Ok(Some(stale));
    }
    let needs_other_setting = agenda.rebuilds() && !without_foreign_keys;
    if agenda.queue.is_empty() || needs_other_setting || check(tx.dialect(), agenda).is_err() {
        // Another run was faster, and the remaining work has changed.
        return Ok(None);
    }
    match run_each(tx, planning, hooks, run, agenda) {
        Ok(done) => {
            // Before the commit no migration is done.
            for (planned, duration) in done {
                run.complete(hooks, &planned, duration);
            }
            Ok(None)
        }
        Err(Unfinished::NotPlanned { error, before }) => Err(with_those_before(error, before)),
        Err(Unfinished::Failed(failed)) => {
            let FailedMigration {
                planned,
                rolled_back,
                before,
            } = *failed;
            run.has_open_claims = false;
            if run.retries.may_try_again(lock, hooks, &planned, &rolled_back.failure) {
                return Ok(Some(Stale::Claimed));
            }
            let attempt = run.attempt(agenda, planning.registry(), &planned, 0, agenda.queue.is_empty());
            let (failure, facts) = after_failure::of_transaction(lock, &attempt, rolled_back);
            run.has_open_claims = false;
            Err(with_those_before(diagnose(&attempt, failure, facts), before))
        }
    }
}

/// The reason why the transaction was rolled back.
enum Unfinished {
    /// A rebuild cannot be planned after the migrations before it.
    NotPlanned {
        error: Error,
        /// The number of migrations that the transaction held before.
        before: usize,
    },
    Failed(Box<FailedMigration>),
}

/// The migration that failed.
struct FailedMigration {
    planned: PlannedMigration,
    rolled_back: RolledBack,
    /// The number of migrations that the transaction held before.
    before: usize,
}

/// Runs all remaining migrations in an open transaction, and commits it. Returns them with their durations.
fn run_each(
    mut tx: Tx<'_, '_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    run: &mut RunState,
    agenda: &mut Agenda,
) -> Result<Vec<(PlannedMigration, Duration)>, Unfinished> {
    let mut done: Vec<(PlannedMigration, Duration)> = Vec::new();
    while let Some(next) = agenda.queue.front() {
        if next.rebuilds() && !done.is_empty() {
            // Its table is as the migrations before it leave it, uncommitted.
            let before = done.len();
            let not_planned = |error| Unfinished::NotPlanned { error, before };
            agenda.replan_next(&mut tx, planning).map_err(not_planned)?;
        }
        let Some(planned) = agenda.queue.pop_front() else { break };
        run.tell_started(hooks, &planned, done.len(), agenda.queue.len());
        let started = Instant::now();
        let attempt = run.attempt(agenda, planning.registry(), &planned, 0, agenda.queue.is_empty());
        if let Err(failure) = transactional::run_steps(&mut tx, &attempt, hooks, started) {
            return Err(Unfinished::Failed(Box::new(FailedMigration {
                rolled_back: transactional::roll_back(tx, failure),
                planned,
                before: done.len(),
            })));
        }
        run.advance(agenda, &planned);
        done.push((planned, started.elapsed()));
    }
    match transactional::commit(tx) {
        Ok(()) => Ok(done),
        Err(rolled_back) => match done.pop() {
            Some((planned, _)) => Err(Unfinished::Failed(Box::new(FailedMigration {
                planned,
                rolled_back,
                before: done.len(),
            }))),
            None => Ok(done),
        },
    }
}

/// Checks that one transaction can hold all remaining migrations.
fn check(dialect: &dyn SqlDialect, agenda: &Agenda) -> Result<(), Error> {
    let refuse = |error: Error| {
        let turn_off = Help::new("turn off ").advice(Advice::SingleTransaction);
        Err(error.nothing_changed().help(turn_off))
    };
    if !dialect.features().transactional_changes {
        let message = format!(
            "{} auto-commits DDL, so one transaction cannot hold several migrations",
            dialect.name()
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
