//! What failed in a migration: headline, location, statement and cause, and the fix of a failed step. Pure.

use super::attempt::Attempt;
use super::database_error::{self, MAY_WRITE, wait_longer};
use super::failure::{Facts, MigrationFailure, StepError, is_of_rows, rows_at_fault};
use super::wording::subject;
use crate::code::Code;
use crate::driver::{DriverError, DriverErrorKind};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::location::Location;
use crate::migration::Migration;
use crate::plan::resume::finish;
use crate::plan::rows_at_fault::RowsAtFault;
use crate::plan::{Action, PlannedMigration, PlannedStep};

/// The maximum number of rows that an error lists.
const MOST_ROWS: usize = 10;

/// Builds the error for a failure, without the state of the database and without the help for a failed step.
pub(super) fn describe(attempt: &Attempt<'_>, failure: MigrationFailure, facts: &Facts) -> Error {
    let planned = attempt.planned;
    let migration = &planned.migration;
    let subject = subject(planned);
    match failure {
        MigrationFailure::BrokenReferences(rows) => broken_references(planned, &rows),
        MigrationFailure::Step { index, error } => failed_step(attempt, index, error, facts),
        MigrationFailure::Commit(cause) => failed_commit(planned, cause, facts),
        MigrationFailure::History(cause) => database_error::describe(
            &facts.database,
            &facts.lock_holder_hint,
            &format!("{subject} cannot be recorded"),
            cause,
        )
        .migration(migration)
        .at(migration.location()),
        MigrationFailure::Stopped { index } => {
            let error = Error::new(
                Code::STOPPED,
                format!("the run was stopped before step {} of {subject}", index + 1),
            )
            .migration(migration);
            match planned.is_whole() {
                true => error.help(Help::from(finish(planned.direction)).text(" starts the migration again")),
                false => error,
            }
        }
        MigrationFailure::LockLost { index, holder } => at_step(
            attempt,
            index,
            Error::new(
                Code::LOCK_LOST,
                format!("step {} of {subject} released the lock of the run", index + 1),
            ),
        )
        .with_cause(format!("another migration run holds the lock now ({holder})"))
        .help(
            "remove statements that release all locks of the session from the step: `pg_advisory_unlock_all`, \
             `DISCARD ALL`, `RELEASE_ALL_LOCKS`",
        ),
        MigrationFailure::SharedSession => needs_own_session(&subject, migration),
        MigrationFailure::ClaimLost => Error::new(
            Code::HISTORY_CONFLICT,
            format!("the history row of {subject} changed during the run"),
        )
        .migration(migration)
        .at(migration.location())
        .help(
            Help::new("find the process that changed it, or the pooler that moved the session; ")
                .advice(Advice::Status)
                .text(" shows the current state"),
        ),
    }
}

/// Builds the help for a failed step. `resumes` is the step that the next run begins with, if it resumes.
pub(super) fn remedy(
    attempt: &Attempt<'_>,
    index: usize,
    kind: Option<DriverErrorKind>,
    resumes: Option<usize>,
    facts: &Facts,
) -> Help {
    let step = attempt.planned.steps.get(index);
    let is_expected_table = step.is_some_and(|step| matches!(step.action, Action::Expect { .. }));
    let (first, last) = match kind {
        None if is_expected_table => (
            "change the table by hand to match the migrations".to_owned(),
            None,
        ),
        Some(DriverErrorKind::ReadOnly) => (MAY_WRITE.to_owned(), None),
        Some(DriverErrorKind::Locked) => (facts.lock_holder_hint.clone(), None),
        Some(DriverErrorKind::WouldCopy) => (
            "if the server may copy the table, which blocks writes, use `schema.execute(\"..\")` without ALGORITHM and \
             LOCK, described with `.changes(..)`"
                .to_owned(),
            None,
        ),
        kind => match step.map(|step| (queries(&rows_at_fault(step, kind)), is_of_rows(step, kind))) {
            Some((Some((fix, queries)), _)) => (fix, Some(queries)),
            Some((None, true)) => ("fix the rows that violate the constraint".to_owned(), None),
            _ => ("fix the step".to_owned(), None),
        },
    };
    let help = Help::new(format!("{first}, then run ")).advice(finish(attempt.planned.direction));
    let help = match resumes {
        Some(step) => help.text(format!(" to resume with step {step}")),
        None => help,
    };
    match last {
        Some(query) => help.text(format!(": {query}")),
        None => help,
    }
}

/// Adds the migration and a step of it to an error.
pub(super) fn at_step(attempt: &Attempt<'_>, index: usize, error: Error) -> Error {
    let error = error.migration(attempt.planned.migration);
    match attempt.planned.steps.get(index) {
        Some(step) => error.at(step.location).statement(step.label()),
        None => error,
    }
}

/// Builds the error for a migration outside a transaction behind a pooler.
pub(super) fn needs_own_session(subject: &str, migration: &Migration) -> Error {
    Error::new(
        Code::SHARED_SESSION,
        format!("{subject} needs its own server session, but a pooler shares the session"),
    )
    .migration(migration)
    .at(migration.location())
    .help("connect directly to the server, or to a pool in session mode")
}

fn broken_references(planned: &PlannedMigration, rows: &[String]) -> Error {
    let migration = &planned.migration;
    let mut error = Error::new(
        Code::BROKEN_REFERENCES,
        format!(
            "{} leaves foreign keys without the rows that they reference",
            subject(planned)
        ),
    )
    .migration(migration)
    .at(rebuild_of(planned).unwrap_or_else(|| migration.location()));
    for row in rows.iter().take(MOST_ROWS) {
        error = error.finding(None, row.clone());
    }
    let foreign_key = Some(DriverErrorKind::ForeignKeyViolation);
    let new = planned.steps.iter().flat_map(|step| rows_at_fault(step, foreign_key));
    if let Some((fix, queries)) = queries(&new.collect::<Vec<_>>()) {
        error = error.help(
            Help::new(format!("{fix}, then run "))
                .advice(finish(planned.direction))
                .text(format!(": {queries}")),
        );
    }
    match planned.steps.iter().any(PlannedStep::is_users) || error.helps().is_empty() {
        true => error.help(
            "foreign keys are disabled while a table is rebuilt, so deletes do not cascade; move steps that delete or \
             change referenced rows to their own migration",
        ),
        false => error,
    }
}

fn failed_step(attempt: &Attempt<'_>, index: usize, error: StepError, facts: &Facts) -> Error {
    let planned = attempt.planned;
    let subject = subject(planned);
    let step = planned.steps.get(index);
    let number = index + 1;
    let (code, headline) = match (&error, error.kind(step)) {
        (StepError::Unexpected { table, .. }, _) => (
            Code::UNEXPECTED_TABLE,
            format!("table `{table}` differs from the migrations, and a rebuild would lose the difference"),
        ),
        (_, Some(DriverErrorKind::Locked)) => (
            Code::STEP_LOCK_TIMEOUT,
            format!("step {number} of {subject} timed out waiting for a lock"),
        ),
        (_, kind) if step.is_some_and(|step| is_of_rows(step, kind)) => (
            Code::ROWS_AT_FAULT,
            match step.map(|step| rows_at_fault(step, kind)).as_deref() {
                Some([only]) => format!("{}, so step {number} of {subject} failed", only.sentence),
                _ => format!("existing rows violate a constraint, so step {number} of {subject} failed"),
            },
        ),
        _ => (
            Code::STEP_FAILED,
            format!("{subject} failed at step {number} of {}", planned.steps.len()),
        ),
    };
    let error = at_step(attempt, index, Error::new(code, headline)).with_cause(error.into_cause());
    let blockers = facts.blockers.iter();
    blockers.fold(error, |error, blocker| {
        error.finding(None, format!("blocked by {blocker}"))
    })
}

fn failed_commit(planned: &PlannedMigration, cause: DriverError, facts: &Facts) -> Error {
    let subject = subject(planned);
    let again = finish(planned.direction);
    let kind = cause.kind;
    let (code, headline) = match kind {
        DriverErrorKind::Locked => (
            Code::LOCK_TIMEOUT,
            format!("the commit of {subject} timed out waiting for a lock"),
        ),
        _ => (Code::COMMIT_FAILED, format!("the commit of {subject} failed")),
    };
    let error = Error::new(code, headline)
        .migration(planned.migration)
        .at(planned.migration.location())
        .statement("COMMIT")
        .with_cause(cause);
    match kind {
        DriverErrorKind::Locked => error
            .help(Help::new(format!("{}, then run ", facts.lock_holder_hint)).advice(again))
            .help(wait_longer()),
        DriverErrorKind::ConnectionLost => error.help(Help::from(again).text(" resumes from what history records")),
        _ => error.help(
            Help::new(
                "fix the rows or steps that violate a constraint checked at commit, such as a deferred foreign key, then \
                 run ",
            )
            .advice(again),
        ),
    }
}

/// Returns the location of the step that rebuilds a table.
fn rebuild_of(planned: &PlannedMigration) -> Option<Location> {
    let is_rebuild = |step: &&PlannedStep| matches!(step.action, Action::Expect { .. });
    planned.steps.iter().find(is_rebuild).map(|step| step.location)
}

/// Returns the help for rows that queries find, and the queries.
fn queries(rows: &[&RowsAtFault]) -> Option<(String, String)> {
    let queries: Vec<&str> = rows.iter().map(|rows| rows.query.as_str()).collect();
    let find = match queries.len() {
        0 => return None,
        1 => "this query finds",
        _ => "these queries find",
    };
    Some((format!("fix the rows that {find}"), queries.join("; ")))
}
