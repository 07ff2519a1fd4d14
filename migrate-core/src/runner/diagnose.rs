//! Failures of a migration, and the error for each: the statement, the database's message, the current state and the
//! next step.

use super::attempt::Attempt;
use super::{Runner, advice, subject};
use crate::code::Code;
use crate::driver::{DriverError, DriverErrorKind};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::Phase;
use crate::location::Location;
use crate::migration::{Direction, Migration};
use crate::plan::rows_at_fault::{RowsAtFault, Violation};
use crate::plan::{Action, PlannedMigration, PlannedStep};

/// The fix for a file that cannot be written.
const MAY_WRITE: &str = "make the file and its directory writable for this user";

/// The state of the database after a failure in a transaction.
pub(super) const ROLLED_BACK: &str = "the transaction was rolled back; the database is unchanged";

/// The maximum number of rows that an error lists.
const MOST_ROWS: usize = 10;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The reason why a migration failed.
pub(super) enum MigrationFailure {
    /// A step failed; `index` counts from 0.
    Step { index: usize, error: StepError },
    /// A statement on the history table failed.
    History(DriverError),
    /// The history row is not as this run left it.
    ClaimLost,
    /// The caller stopped the run before the step `index`, counted from 0.
    Stopped { index: usize },
    /// The step `index`, counted from 0, released the lock, and `holder` has it now.
    LockLost { index: usize, holder: String },
    /// The migration runs outside a transaction, and a pooler shares the server session.
    SharedSession,
    /// All steps succeeded, but rows now refer to missing rows that they did not refer to before.
    BrokenReferences(Vec<String>),
    /// All steps succeeded, but the commit failed.
    Commit(DriverError),
}

/// The reason why a step failed.
pub(super) enum StepError {
    /// The database refused, or the Rust function returned an error or panicked.
    Failed { cause: Cause },
    /// A live table differs from the planned one.
    Unexpected { table: String, difference: String },
    /// The transaction of the migration has ended.
    EndedTransaction {
        /// The error that the Rust function returned, if any.
        returned: Option<Cause>,
    },
    /// A Rust function began a transaction and did not end it.
    LeftTransactionOpen,
}

impl MigrationFailure {
    /// Returns the index of a failed step and the class of its database error.
    fn failed_step(&self, planned: &PlannedMigration) -> Option<(usize, Option<DriverErrorKind>)> {
        match self {
            MigrationFailure::Step { index, error } => Some((*index, error.kind(planned.steps.get(*index)))),
            _ => None,
        }
    }
}

impl StepError {
    /// Classifies the database error of a step.
    fn kind(&self, step: Option<&PlannedStep>) -> Option<DriverErrorKind> {
        let StepError::Failed { cause } = self else { return None };
        let kind = DriverErrorKind::behind(cause.as_ref())?;
        // MariaDB reports both NULLs in a column that becomes NOT NULL and truncated values in these words.
        let may_be_null = kind == DriverErrorKind::Other
            && cause.to_string().starts_with("Data truncated for column ")
            && step.is_some_and(|step| !rows_at_fault(step, Some(DriverErrorKind::NotNullViolation)).is_empty());
        Some(match may_be_null {
            true => DriverErrorKind::NotNullViolation,
            false => kind,
        })
    }

    /// Returns true if another connection holds a lock that the step needs.
    pub(super) fn is_locked(&self) -> bool {
        self.kind(None) == Some(DriverErrorKind::Locked)
    }

    pub(super) fn into_cause(self) -> Cause {
        match self {
            StepError::Failed { cause } => cause,
            StepError::Unexpected { difference, .. } => difference.into(),
            StepError::EndedTransaction { returned } => {
                returned.unwrap_or_else(|| "the step ended the transaction of the migration".into())
            }
            StepError::LeftTransactionOpen => "the step left a transaction open".into(),
        }
    }
}

impl From<DriverError> for StepError {
    fn from(error: DriverError) -> StepError {
        StepError::Failed { cause: Box::new(error) }
    }
}

impl Runner<'_> {
    /// Rolls back after a failure in a transaction, and builds the error with the resulting state.
    pub(super) fn rolled_back(&mut self, attempt: &Attempt<'_>, failure: MigrationFailure) -> Error {
        let was_open = self.session.rollback();
        if let MigrationFailure::Step {
            index,
            error: StepError::EndedTransaction { returned },
        } = failure
        {
            let was_open = was_open.unwrap_or(false);
            return self.transaction_ended(attempt, index, returned, was_open);
        }
        let was_lost =
            matches!(&failure, MigrationFailure::Commit(error) if error.kind == DriverErrorKind::ConnectionLost);
        let failed = failure.failed_step(attempt.planned);
        let error = self.describe(attempt, failure);
        let error = match was_open {
            _ if was_lost => error
                .state("the connection was lost during the commit; history shows whether the migration was committed"),
            Ok(_) => error.state(ROLLED_BACK),
            Err(diagnostic) => error.state(format!(
                "the rollback was not confirmed ({diagnostic}); the database rolls back when the connection ends"
            )),
        };
        let error = match failed {
            Some((index, kind)) => error.help(self.remedy(attempt, index, kind, None)),
            None => error,
        };
        match error.code() {
            Code::UNEXPECTED_TABLE => error
                .help("if an applied migration was edited and accepted, make that change in a new migration instead"),
            Code::STEP_LOCK_TIMEOUT => error.help(wait_longer()),
            _ => error,
        }
    }

    /// Handles a step that ended the migration's transaction: finds out what is committed, and records it.
    fn transaction_ended(
        &mut self,
        attempt: &Attempt<'_>,
        index: usize,
        returned: Option<Cause>,
        was_open: bool,
    ) -> Error {
        let step = index + 1;
        let step_is_done = returned.is_none() && !was_open;
        let headline = format!("step {step} of {} ended its transaction", subject(attempt.planned));
        let mut error = self.at_step(attempt, index, Error::new(Code::TRANSACTION_ENDED, headline));
        if let Some(cause) = returned {
            error = error.with_cause(cause);
        }
        let id = attempt.planned.migration.id();
        let was_committed = match self.read_history() {
            Ok(history) => history
                .unwrap_or_default()
                .find(id)
                .is_some_and(|row| row.phase != Phase::Applied && row.claim.as_deref() == Some(&attempt.run_id)),
            Err(unreadable) => {
                return error
                    .state(format!("the state is unknown: {}", unreadable.message()))
                    .help("inspect the database first");
            }
        };
        let finish = advice(attempt.planned.direction);
        let remove = "remove `COMMIT`, `ROLLBACK` and `END` from the step; `conn.transaction(..)` is allowed";
        if !was_committed {
            return error
                .state(format!(
                    "the steps before step {step} were rolled back, and history does not record the migration as {}; statements \
                     after the end of the transaction may be committed",
                    match attempt.planned.direction {
                        Direction::Up => "applied",
                        Direction::Down => "rolled back",
                    }
                ))
                .help(remove)
                .help(Help::new(format!("undo what step {step} left behind, then run ")).advice(finish));
        }
        let done = if step_is_done { step } else { index };
        let marked = self.mark(attempt, done, None).is_ok();
        let committed = match (done, step_is_done) {
            (0, _) => format!("part of step {step} may be committed"),
            (_, true) => format!("{} committed", first_steps(done)),
            (_, false) => format!("{} committed, and part of step {step} may be", first_steps(done)),
        };
        let error = error.state(match marked {
            true => format!("{committed}; history records the migration as interrupted"),
            false => format!("{committed}; history could not record that"),
        });
        error.help(remove).help(match step_is_done {
            true => Help::from(finish).text(format!(" resumes with step {}", done + 1)),
            false => Help::new(format!("undo what step {step} committed, then run "))
                .advice(finish)
                .text(" to repeat the step"),
        })
    }

    /// Records the progress after a failure outside a transaction, and builds the error with it.
    pub(super) fn cut_off(&mut self, attempt: &Attempt<'_>, failure: MigrationFailure) -> Error {
        // A transaction is open only if claiming or finishing failed.
        let claimed = match (&failure, self.session.transaction_depth()) {
            (MigrationFailure::Step { .. } | MigrationFailure::Stopped { .. }, _) => true,
            (_, depth) => {
                if depth > 0 {
                    // The first error is the one to report.
                    let _ = self.session.rollback();
                }
                false
            }
        };
        let id = attempt.planned.migration.id();
        let finish = advice(attempt.planned.direction);
        if matches!(failure, MigrationFailure::SharedSession) {
            return self.describe(attempt, failure).nothing_changed();
        }
        let (MigrationFailure::Step { index, .. } | MigrationFailure::Stopped { index }) = failure else {
            let error = self
                .describe(attempt, failure)
                .state("history records every step that is known to be complete");
            return error.help(Help::from(Advice::Status).text(" shows the current state"));
        };
        let failed = failure.failed_step(attempt.planned);
        if failed.is_some_and(|(_, kind)| kind == Some(DriverErrorKind::ConnectionLost)) {
            let step = index + 1;
            return self
                .describe(attempt, failure)
                .state(match index {
                    0 => "the connection was lost during step 1; history records that step as in progress".to_owned(),
                    _ => format!(
                        "{} committed; the connection was lost during step {step}, which history records as in progress",
                        first_steps(index)
                    ),
                })
                .help(Help::from(finish).text(format!(
                    " finds out whether step {step} completed, or reports it as undecided"
                )));
        }
        // A completed step may have failed when its session settings were applied again.
        let index = index.max(attempt.planned.done);
        let marked = claimed && self.mark(attempt, index, None).is_ok();
        let step = attempt.planned.steps.get(index);
        let may_fail_partially = failed.is_some() && step.is_some_and(PlannedStep::may_fail_partially);
        let (number, in_transaction) = (index + 1, attempt.planned.migration.in_transaction());
        let why = match in_transaction {
            true => format!("{} auto-commits DDL", attempt.planned.dialect.name()),
            false => "the migration does not run in a transaction".to_owned(),
        };
        let done = match (index, may_fail_partially, in_transaction) {
            (0, false, _) => "no step completed".to_owned(),
            (0, true, _) => format!("part of step 1 may be committed ({why})"),
            (_, false, _) => format!("{} committed ({why})", first_steps(index)),
            (_, true, false) => format!(
                "{} committed, and part of step {number} may be ({why})",
                first_steps(index)
            ),
            (_, true, true) => format!(
                "{} committed, and so may be step {number} up to its last DDL statement ({why})",
                first_steps(index)
            ),
        };
        let error = self.describe(attempt, failure).state(match marked {
            true => format!("{done}; history records the migration as interrupted"),
            false => format!("{done}; history could not record that"),
        });
        let error = match failed {
            Some((failed, kind)) => error.help(self.remedy(attempt, failed, kind, Some(number))),
            None => error.help(Help::from(finish).text(format!(" resumes with step {number}"))),
        };
        let give_up = match (index, may_fail_partially) {
            (0, false) => "to abandon the migration, run ".to_owned(),
            (0, true) => "to abandon the migration, undo step 1 by hand, then run ".to_owned(),
            (1, false) => "to abandon the migration, undo step 1 by hand, then run ".to_owned(),
            (_, false) => format!("to abandon the migration, undo steps 1 to {index} by hand, then run "),
            (_, true) => format!("to abandon the migration, undo steps 1 to {number} by hand, then run "),
        };
        error.help(Help::new(give_up).advice(Advice::Resolve {
            migration: id.to_string(),
            done: Some(0),
        }))
    }

    /// Builds the help for a failed step. `resumes` is the step that the next run begins with, if it resumes.
    fn remedy(
        &mut self,
        attempt: &Attempt<'_>,
        index: usize,
        kind: Option<DriverErrorKind>,
        resumes: Option<usize>,
    ) -> Help {
        let step = attempt.planned.steps.get(index);
        let is_expected_table = step.is_some_and(|step| matches!(step.action, Action::Expect { .. }));
        let (first, last) = match kind {
            None if is_expected_table => (
                "change the table by hand to match the migrations".to_owned(),
                None,
            ),
            Some(DriverErrorKind::ReadOnly) => (MAY_WRITE.to_owned(), None),
            Some(DriverErrorKind::Locked) => (self.session.lock_holder_hint(), None),
            Some(DriverErrorKind::WouldCopy) => (
                "if the server may copy the table, which blocks writes, use `schema.execute(\"..\")` without ALGORITHM and \
                 LOCK, described with `.changes(..)`"
                    .to_owned(),
                None,
            ),
            kind => match step.map(|step| (queries(rows_at_fault(step, kind)), is_of_rows(step, kind))) {
                Some((Some((fix, queries)), _)) => (fix, Some(queries)),
                Some((None, true)) => ("fix the rows that violate the constraint".to_owned(), None),
                _ => ("fix the step".to_owned(), None),
            },
        };
        let help = Help::new(format!("{first}, then run ")).advice(advice(attempt.planned.direction));
        let help = match resumes {
            Some(step) => help.text(format!(" to resume with step {step}")),
            None => help,
        };
        match last {
            Some(query) => help.text(format!(": {query}")),
            None => help,
        }
    }

    /// Builds the error without the state and without the help for a failed step.
    fn describe(&mut self, attempt: &Attempt<'_>, failure: MigrationFailure) -> Error {
        let planned = attempt.planned;
        let migration = &planned.migration;
        let subject = subject(planned);
        let again = advice(planned.direction);
        match failure {
            MigrationFailure::BrokenReferences(rows) => {
                let mut error = Error::new(
                    Code::BROKEN_REFERENCES,
                    format!("{subject} leaves foreign keys without the rows that they reference"),
                )
                .migration(migration)
                .at(rebuild_of(planned).unwrap_or_else(|| migration.location()));
                for row in rows.iter().take(MOST_ROWS) {
                    error = error.finding(None, row.clone());
                }
                let foreign_key = Some(DriverErrorKind::ForeignKeyViolation);
                let new = planned.steps.iter().flat_map(|step| rows_at_fault(step, foreign_key));
                if let Some((fix, queries)) = queries(new.collect()) {
                    error = error.help(
                        Help::new(format!("{fix}, then run "))
                            .advice(again)
                            .text(format!(": {queries}")),
                    );
                }
                match planned.steps.iter().any(PlannedStep::is_users) || error.helps().is_empty() {
                    true => error.help(
                        "foreign keys are disabled while a table is rebuilt, so deletes do not cascade; move steps that delete \
                         or change referenced rows to their own migration",
                    ),
                    false => error,
                }
            }
            MigrationFailure::Step {
                index,
                error: step_error,
            } => {
                let step = planned.steps.get(index);
                let number = index + 1;
                let kind = step_error.kind(step);
                let (code, headline) = match (&step_error, kind) {
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
                let error = Error::new(code, headline);
                let mut error = self.at_step(attempt, index, error).with_cause(step_error.into_cause());
                if kind == Some(DriverErrorKind::Locked) {
                    for blocker in self.blockers(planned.steps.get(index..=index).unwrap_or_default()) {
                        error = error.finding(None, format!("blocked by {blocker}"));
                    }
                }
                error
            }
            MigrationFailure::Commit(cause) => {
                let kind = cause.kind;
                let (code, headline) = match kind {
                    DriverErrorKind::Locked => (
                        Code::LOCK_TIMEOUT,
                        format!("the commit of {subject} timed out waiting for a lock"),
                    ),
                    _ => (Code::COMMIT_FAILED, format!("the commit of {subject} failed")),
                };
                let error = Error::new(code, headline)
                    .migration(migration)
                    .at(migration.location())
                    .statement("COMMIT")
                    .with_cause(cause);
                match kind {
                    DriverErrorKind::Locked => error
                        .help(Help::new(format!("{}, then run ", self.session.lock_holder_hint())).advice(again))
                        .help(wait_longer()),
                    DriverErrorKind::ConnectionLost => {
                        error.help(Help::from(again).text(" resumes from what history records"))
                    }
                    _ => error.help(
                        Help::new(
                            "fix the rows or steps that violate a constraint checked at commit, such as a deferred foreign \
                             key, then run ",
                        )
                        .advice(again),
                    ),
                }
            }
            MigrationFailure::History(cause) => self
                .database_error(&format!("{subject} cannot be recorded"), cause)
                .migration(migration)
                .at(migration.location()),
            MigrationFailure::Stopped { index } => {
                let error = Error::new(
                    Code::STOPPED,
                    format!("the run was stopped before step {} of {subject}", index + 1),
                )
                .migration(migration);
                match planned.is_whole() {
                    true => error.help(Help::from(again).text(" starts the migration again")),
                    false => error,
                }
            }
            MigrationFailure::LockLost { index, holder } => self
                .at_step(
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

    fn at_step(&self, attempt: &Attempt<'_>, index: usize, error: Error) -> Error {
        let error = error.migration(attempt.planned.migration);
        match attempt.planned.steps.get(index) {
            Some(step) => error.at(step.location).statement(step.label()),
            None => error,
        }
    }

    /// Builds the error for a database failure outside any migration.
    pub(super) fn database_error(&mut self, what: &str, error: DriverError) -> Error {
        let database = self.session.database_label();
        let failed = |code| Error::new(code, format!("{what} in {database}"));
        match error.kind {
            DriverErrorKind::Locked => Error::new(
                Code::LOCK_TIMEOUT,
                format!("timed out waiting for a lock on {database}"),
            )
            .with_cause(error)
            .nothing_changed()
            .help(format!("{}, then try again", self.session.lock_holder_hint()))
            .help(wait_longer()),
            DriverErrorKind::Stopped => Error::new(Code::STOPPED, "the run was stopped while it waited for a lock")
                .with_cause(error)
                .nothing_changed()
                .help("try again when the other run has finished"),
            DriverErrorKind::NotADatabase => failed(Code::NOT_A_DATABASE)
                .with_cause(error)
                .nothing_changed()
                .help("check the path: the file is not a SQLite database, or it is encrypted"),
            DriverErrorKind::ReadOnly => failed(Code::READ_ONLY)
                .with_cause(error)
                .nothing_changed()
                .help(MAY_WRITE),
            DriverErrorKind::Denied => failed(Code::PERMISSION_DENIED)
                .with_cause(error)
                .help("grant this user the permission, or connect as a user that has it"),
            DriverErrorKind::ConnectionLost => failed(Code::CONNECTION_LOST)
                .with_cause(error)
                .state("the connection was lost; the database rolls back what was not committed")
                .help(Help::from(Advice::Status).text(" shows the current state; then try again")),
            DriverErrorKind::Busy
            | DriverErrorKind::WouldCopy
            | DriverErrorKind::UniqueViolation
            | DriverErrorKind::NotNullViolation
            | DriverErrorKind::ForeignKeyViolation
            | DriverErrorKind::CheckViolation
            | DriverErrorKind::Other => failed(Code::DATABASE_FAILED).with_cause(error).help(
                Help::new("fix the database error; ")
                    .advice(Advice::Status)
                    .text(" shows the current state"),
            ),
        }
    }
}

/// The first steps as a subject with its verb: `steps 1 to 3 are`.
fn first_steps(count: usize) -> String {
    match count {
        1 => "step 1 is".to_owned(),
        2 => "steps 1 and 2 are".to_owned(),
        count => format!("steps 1 to {count} are"),
    }
}

/// The point where a migration was interrupted: `after step 3`.
pub(super) fn after_steps(count: usize) -> String {
    match count {
        0 => "before step 1".to_owned(),
        count => format!("after step {count}"),
    }
}

/// Returns the location of the step that rebuilds a table.
fn rebuild_of(planned: &PlannedMigration) -> Option<Location> {
    let is_rebuild = |step: &&PlannedStep| matches!(step.action, Action::Expect { .. });
    planned.steps.iter().find(is_rebuild).map(|step| step.location)
}

/// Returns the rows that can cause this kind of database error in a step.
fn rows_at_fault(step: &PlannedStep, kind: Option<DriverErrorKind>) -> Vec<&RowsAtFault> {
    let Some(violation) = kind.and_then(violation_of) else {
        return Vec::new();
    };
    let rows = step.rows_at_fault.iter();
    rows.filter(|rows| rows.violation == violation).collect()
}

/// Returns the help for rows that queries find, and the queries.
fn queries(rows: Vec<&RowsAtFault>) -> Option<(String, String)> {
    let queries: Vec<&str> = rows.iter().map(|rows| rows.query.as_str()).collect();
    let find = match queries.len() {
        0 => return None,
        1 => "this query finds",
        _ => "these queries find",
    };
    Some((format!("fix the rows that {find}"), queries.join("; ")))
}

fn wait_longer() -> Help {
    Help::new("to wait longer, raise ").advice(Advice::LockTimeout)
}

fn violation_of(kind: DriverErrorKind) -> Option<Violation> {
    match kind {
        DriverErrorKind::UniqueViolation => Some(Violation::Unique),
        DriverErrorKind::NotNullViolation => Some(Violation::NotNull),
        DriverErrorKind::ForeignKeyViolation => Some(Violation::ForeignKey),
        DriverErrorKind::CheckViolation => Some(Violation::Check),
        _ => None,
    }
}

/// Returns true if existing rows made a generated step fail.
fn is_of_rows(step: &PlannedStep, kind: Option<DriverErrorKind>) -> bool {
    kind.and_then(violation_of).is_some() && matches!(step.action, Action::Generated(_))
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
