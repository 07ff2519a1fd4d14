//! The pipeline: several migrations in one message, each in its own transaction, where the server accepts that.
//!
//! Only statements that cannot end their transaction or absorb the statements after them are pipelined: generated ones, and
//! raw SQL that is one closed statement. A failed message is not reported; its remaining migrations run again, one by one,
//! and the statement that fails then is named.

use std::time::Instant;

use super::agenda::Agenda;
use super::hooks::Hooks;
use super::load_history::load_rows;
use super::record::finishing;
use super::replay::Planning;
use super::run_state::RunState;
use super::session::Connection;
use super::steps::tell_step;
use super::wording::subject;
use crate::driver::{DriverError, DriverErrorKind, HistoryVersion};
use crate::error::Error;
use crate::history::Phase;
use crate::migration::Direction;
use crate::plan::{PlannedMigration, PlannedStep};
use crate::registry::Registry;

/// The largest number of migrations in one message; progress is reported per message.
const MOST: usize = 32;

/// The largest number of bytes of SQL in a message of several migrations, far below the limits of servers.
const MOST_BYTES: usize = 1 << 20;

/// Runs the next migrations in one message, if possible. Returns false if nothing has happened.
pub(super) fn run(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    run: &mut RunState,
    agenda: &mut Agenda,
) -> Result<bool, Error> {
    let count = if connection.has_pipelines() {
        pipelined(agenda)
    } else {
        0
    };
    let has_raw_sql = agenda.queue.front().is_some_and(has_raw_sql);
    // A single generated migration runs alone, so that it reports each step.
    if run.runs_alone || count < if has_raw_sql { 1 } else { 2 } {
        return Ok(false);
    }
    if let Err(error) = connection.baseline() {
        return Err(connection.error("the session cannot be set up", error));
    }
    if has_raw_sql && connection.unchanged_settings().is_none() {
        return Ok(false);
    }
    let before = (run.batch, run.has_open_claims);
    let Some(message) = message(connection, planning.registry(), run, agenda, count) else {
        return Ok(false);
    };
    tracing::debug!(count, "migrations in one message");
    if let Some(first) = agenda.queue.front() {
        run.tell_started(hooks, first, 0, agenda.queue.len() - 1);
    }
    let began = Instant::now();
    run.may_have_changed_settings |= has_raw_sql;
    if let Err(error) = connection.execute(&message) {
        // Ends the transaction that the message left open, if the connection still exists.
        let _ = connection.rollback();
        if error.kind == DriverErrorKind::ConnectionLost {
            return Err(lost(connection, agenda, count, error));
        }
        tracing::debug!(%error, "a message failed; its migrations run one by one");
        run.runs_alone = true;
        let completed = count_completed(connection, run, agenda, count)?;
        if completed == 0 {
            (run.batch, run.has_open_claims) = before;
        }
        complete(hooks, run, agenda, completed, began);
        let has_run = run.completed() > 0;
        return agenda.reload(connection, planning, hooks, has_run).map(|()| true);
    }
    complete(hooks, run, agenda, count, began);
    agenda.history_version = Some(HistoryVersion::LeftByRun);
    Ok(true)
}

/// Records and reports the first migrations of a message, as if they had run one by one.
fn complete(hooks: &mut Hooks<'_>, run: &mut RunState, agenda: &mut Agenda, count: usize, began: Instant) {
    run.pipelined += count;
    let share = began.elapsed() / u32::try_from(count.max(1)).unwrap_or(1);
    for position in 0..count {
        let Some(planned) = agenda.queue.pop_front() else {
            return;
        };
        if position > 0 {
            run.tell_started(hooks, &planned, 0, agenda.queue.len());
        }
        for (index, step) in planned.steps.iter().enumerate() {
            tell_step(hooks, &planned, index, step);
        }
        run.advance(agenda, &planned);
        run.complete(hooks, &planned, share);
    }
}

/// Counts the migrations of a failed message that are committed.
fn count_completed(
    connection: &mut Connection<'_>,
    run: &RunState,
    agenda: &Agenda,
    count: usize,
) -> Result<usize, Error> {
    let last = match connection.last_pipelined(&run.id) {
        Ok(last) => last,
        Err(error) => return Err(connection.error("the result of a pipeline cannot be read", error)),
    };
    connection.notice_pooler(last.session);
    match last.position {
        Some(position) if position > run.pipelined => Ok(position - run.pipelined),
        // Rows that are gone may be another run's work.
        _ if agenda.direction() == Direction::Down && !connection.is_pooled() => Ok(0),
        // Another server session may have committed them.
        _ => {
            let history = load_rows(connection)?;
            let is_done = |planned: &&PlannedMigration| match (history.find(planned.migration.id()), planned.direction)
            {
                (Some(row), Direction::Up) => row.phase == Phase::Applied && row.claim.as_deref() == Some(&*run.id),
                (row, direction) => row.is_none() && direction == Direction::Down,
            };
            Ok(agenda.queue.iter().take(count).take_while(is_done).count())
        }
    }
}

/// Builds the error for a message whose connection was lost.
fn lost(connection: &mut Connection<'_>, agenda: &Agenda, count: usize, error: DriverError) -> Error {
    let Some(first) = agenda.queue.front() else {
        return connection.error("a message failed", error);
    };
    let what = match count {
        1 => format!("{} failed", subject(first)),
        _ => format!(
            "one of {count} migrations in a message failed, the first of which is {}",
            first.migration
        ),
    };
    connection
        .error(&what, error)
        .at(first.migration.location())
        .state("history shows which migrations are committed; each is committed entirely or not at all")
}

/// Builds the message of the next migrations. Returns `None` if they cannot be pipelined in this session.
fn message(
    connection: &Connection<'_>,
    registry: &Registry,
    run: &mut RunState,
    agenda: &Agenda,
    count: usize,
) -> Option<String> {
    let (table, wait) = (connection.table(), connection.waits().statement);
    let mut message = String::new();
    let mut expected = agenda.history_version?;
    for (position, planned) in agenda.queue.iter().take(count).enumerate() {
        let is_last = position + 1 == agenda.queue.len();
        let attempt = run.attempt(agenda, registry, planned, position, is_last);
        let number = run.pipelined + position + 1;
        let envelope = connection.pipeline_envelope(table, &run.id, wait, expected, planned.direction, number)?;
        message += &envelope.opening;
        if expected == HistoryVersion::NoTable {
            message += &table.create();
            message += ";\n";
        }
        for sql in planned.steps.iter().filter_map(PlannedStep::terminated_sql) {
            message += &sql;
            message += "\n";
        }
        let mut recording = finishing(table, &attempt, false, envelope.duration_ms, None) + &envelope.returning;
        if has_raw_sql(planned) {
            recording += ", ";
            recording += connection.unchanged_settings()?;
        }
        let mut statements = vec![recording];
        if is_last && attempt.has_open_claims {
            statements.push(table.finish_batch());
        }
        statements.push("COMMIT".to_owned());
        for statement in statements {
            message += &statement;
            message += ";\n";
        }
        // The next transaction expects history as this one leaves it.
        expected = HistoryVersion::LeftByRun;
        run.has_open_claims |= planned.direction == Direction::Up;
    }
    Some(message)
}

/// Counts the next migrations that one message can hold.
fn pipelined(agenda: &Agenda) -> usize {
    if agenda.history_version.is_none() {
        return 0;
    }
    let has_raw_sql = agenda.queue.front().is_some_and(has_raw_sql);
    // Raw SQL may run for long, and a run stops only between messages.
    let most = if has_raw_sql { 1 } else { MOST };
    let mut bytes = 0;
    agenda
        .queue
        .iter()
        .take(most)
        .enumerate()
        .take_while(|(position, planned)| {
            bytes += planned.sql().iter().map(|sql| sql.len()).sum::<usize>();
            let is_alike = planned.steps.iter().any(PlannedStep::is_users) == has_raw_sql;
            let fits = *position == 0 || bytes <= MOST_BYTES;
            is_alike && fits && is_plain(planned) && !is_resumed(agenda, planned)
        })
        .count()
}

/// Returns true if no statement of a migration can affect the statements after it.
fn is_plain(planned: &PlannedMigration) -> bool {
    planned.is_whole() && planned.done == 0 && planned.steps.iter().all(PlannedStep::is_self_contained)
}

fn has_raw_sql(planned: &PlannedMigration) -> bool {
    planned.steps.iter().any(PlannedStep::is_users)
}

/// Returns true if an earlier run began to apply a migration.
fn is_resumed(agenda: &Agenda, planned: &PlannedMigration) -> bool {
    planned.direction == Direction::Up && agenda.row(planned.migration.id()).is_some()
}
