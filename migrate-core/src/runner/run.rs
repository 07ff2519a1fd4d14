//! A run: one migration after another, each under the lock and planned against current history.

use std::time::Instant;

use super::accept::update_older_checksums;
use super::after_failure;
use super::agenda::{Agenda, Stale};
use super::diagnose::diagnose;
use super::hooks::Hooks;
use super::lock::{LockGuard, under_lock_to_migrate};
use super::pipeline;
use super::replay::Planning;
use super::run_state::{Batches, RunState};
use super::session::Connection;
use super::single_transaction;
use super::wording::{number_of, subject};
use super::{stepwise, transactional};
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::migration::Direction;
use crate::plan::PlannedMigration;
use crate::plan::select::Request;
use crate::report::Report;

/// The settings of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct RunSettings {
    pub(super) single_transaction: bool,
    pub(super) applied_by: String,
}

/// Executes a request. `batches` sets the batch of some migrations; the others join the run's.
pub(super) fn run(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    settings: &RunSettings,
    request: &Request,
    batches: Batches,
) -> Result<Report, Error> {
    let mut agenda = Agenda::begin(connection, planning, hooks, request)?;
    if let (Direction::Up, Some(history)) = (request.direction(), &agenda.history) {
        update_older_checksums(connection, planning, hooks, history)?;
    }
    let mut run = RunState::new(&settings.applied_by, batches);
    while !agenda.queue.is_empty() {
        let result = match settings.single_transaction {
            _ if hooks.is_stopped() => Err(stopped_before(&agenda)),
            true => single_transaction::run_all(connection, planning, hooks, &mut run, &mut agenda),
            false => run_next(connection, planning, hooks, &mut run, &mut agenda),
        };
        if let Err(error) = result {
            close_batch(connection, &run);
            return Err(run.fail(error, request.direction()));
        }
    }
    Ok(run.into_report(request.direction()))
}

/// Runs the next migration, or several in a pipeline.
fn run_next(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    run: &mut RunState,
    agenda: &mut Agenda,
) -> Result<(), Error> {
    if pipeline::run(connection, planning, hooks, run, agenda)? {
        return Ok(());
    }
    if std::mem::take(&mut run.may_have_changed_settings)
        && let Err(error) = connection.restore_baseline()
    {
        return Err(connection.error("the settings of the session cannot be restored", error));
    }
    let rebuilds = agenda.queue.front().is_some_and(PlannedMigration::rebuilds);
    if rebuilds && run.completed() > 0 {
        agenda.replan_next(connection, planning)?;
    }
    let stale = under_lock_to_migrate(connection, rebuilds, |lock| {
        run_next_under(lock, planning, hooks, run, agenda, rebuilds)
    })?;
    agenda.recover(stale, connection, planning, hooks, run.completed() > 0)
}

/// Takes the lock and runs the next migration, if history still requires it. Otherwise returns the reason, because the
/// recovery takes a lock of its own.
fn run_next_under(
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
    // Another run may have been faster, so that a rebuild is next now.
    let next = agenda.queue.front();
    let is_ready = next.is_some_and(|planned| without_foreign_keys || !planned.rebuilds());
    let Some(planned) = is_ready.then(|| agenda.queue.pop_front()).flatten() else {
        return Ok(None);
    };
    let attempt = run.attempt(agenda, planning.registry(), &planned, 0, agenda.queue.is_empty());
    run.tell_started(hooks, &planned, 0, agenda.queue.len());
    let started = Instant::now();
    let span = tracing::info_span!("migration", version = %planned.migration.id(), name = planned.migration.name());
    let _entered = span.enter();
    let history_version = if planned.is_whole() {
        match transactional::execute(tx, &attempt, hooks, started) {
            Ok(version) => version,
            Err(rolled_back) if run.retries.may_try_again(lock, hooks, &planned, &rolled_back.failure) => {
                agenda.queue.push_front(planned);
                return Ok(None);
            }
            Err(rolled_back) => {
                let (failure, facts) = after_failure::of_transaction(lock, &attempt, rolled_back);
                return Err(diagnose(&attempt, failure, facts));
            }
        }
    } else {
        let executed = stepwise::claim(tx, &attempt)
            .and_then(|()| stepwise::run_steps(lock, &attempt, hooks, &mut run.retries, started));
        match executed {
            Ok(version) => version,
            Err(failure) => {
                let facts = after_failure::of_steps(lock, &attempt, &failure);
                return Err(diagnose(&attempt, failure, facts));
            }
        }
    };
    run.runs_alone = false;
    run.advance(agenda, &planned);
    agenda.history_version = history_version.or(agenda.history_version);
    run.complete(hooks, &planned, started.elapsed());
    Ok(None)
}

/// Releases the claims after a failure, so that the finished rows are a complete batch.
fn close_batch(connection: &mut Connection<'_>, run: &RunState) {
    if run.completed() > 0 && run.has_open_claims {
        // If this fails too, the next run continues the batch, as after a kill.
        let statement = connection.table().finish_part_of_batch(&run.id);
        let _ = connection.execute(&statement);
    }
}

/// Builds the error for a run that was stopped between two migrations, where no migration is partly done.
fn stopped_before(agenda: &Agenda) -> Error {
    let left = number_of(agenda.queue.len(), "remaining migration", "remaining migrations");
    let error = match agenda.queue.front() {
        Some(next) => Error::new(Code::STOPPED, format!("the run was stopped before {}", subject(next)))
            .at(next.migration.location()),
        None => Error::new(Code::STOPPED, "the run was stopped"),
    };
    error.nothing_changed().help(match agenda.direction() {
        Direction::Up => Help::from(Advice::Up).text(format!(" applies the {left}")),
        Direction::Down => Help::new(format!("roll back the {left} with a new run")),
    })
}
