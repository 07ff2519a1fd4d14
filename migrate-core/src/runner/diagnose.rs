//! Failures of a migration, and the error for each: the statement, the database's message, the current state and the
//! next step.

use super::attempt::Attempt;
use super::{Runner, named};
use crate::driver::{DriverError, DriverErrorKind};
use crate::error::{Error, ErrorKind};
use crate::history::Phase;
use crate::migration::{Direction, Migration};
use crate::plan::PlannedStep;

/// The advice for a file that is not writable.
const MAY_WRITE: &str = "give this user the right to write the file and the directory that it is in";

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
    Unexpected(String),
    /// The transaction of the migration has ended.
    EndedTransaction {
        /// The error that the Rust function returned, if any.
        returned: Option<Cause>,
    },
    /// A Rust function began a transaction and did not end it.
    LeftTransactionOpen,
}

impl MigrationFailure {
    /// Classifies the database error of a failed step.
    fn kind_behind(&self) -> Option<DriverErrorKind> {
        match self {
            MigrationFailure::Step {
                error: StepError::Failed { cause },
                ..
            } => DriverErrorKind::behind(cause.as_ref()),
            _ => None,
        }
    }
}

impl StepError {
    /// Returns true if another connection holds a lock that the step needs.
    pub(super) fn is_locked(&self) -> bool {
        let StepError::Failed { cause } = self else {
            return false;
        };
        DriverErrorKind::behind(cause.as_ref()) == Some(DriverErrorKind::Locked)
    }

    pub(super) fn into_cause(self) -> Cause {
        match self {
            StepError::Failed { cause } => cause,
            StepError::Unexpected(difference) => difference.into(),
            StepError::EndedTransaction { returned } => {
                returned.unwrap_or_else(|| "the step ended the transaction that the migration runs in".into())
            }
            StepError::LeftTransactionOpen => "the step began a transaction and did not end it".into(),
        }
    }
}

impl From<DriverError> for StepError {
    fn from(error: DriverError) -> StepError {
        StepError::Failed { cause: Box::new(error) }
    }
}

impl Runner<'_> {
    /// Rolls back after a failure in a transaction, and reports the resulting state.
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
        let error = self.describe(attempt, failure);
        match was_open {
            _ if was_lost => error.state(
                "the connection was lost at the commit, so all of it has happened or nothing, and history says which",
            ),
            Ok(_) => error
                .state("nothing of it stays: its transaction was rolled back, and the database is as it was before"),
            Err(diagnostic) => error.state(format!(
                "the rollback was not confirmed ({diagnostic}); a database that loses the connection rolls back by itself"
            )),
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
        let mut error = self.at_step(
            attempt,
            index,
            Error::new(
                ErrorKind::TransactionEnded,
                format!(
                    "step {step} of {} ended the transaction that it runs in",
                    named(&attempt.planned.migration)
                ),
            ),
        );
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
                    .state(format!("unknown: {}", unreadable.message()))
                    .next("look at the database before anything else");
            }
        };
        let (verb, finish) = way(attempt.planned.direction);
        if !was_committed {
            return error
                .state(format!(
                    "the steps before it are rolled back, and history does not count the migration as {verb}; what step \
                     {step} did after it had ended the transaction may be committed"
                ))
                .next("take the `COMMIT`, `ROLLBACK` or `END` out of the step; `conn.transaction(..)` is fine")
                .next(format!("look whether the step has left something behind, then `{finish}`"));
        }
        let done = if step_is_done { step } else { index };
        let marked = self.mark(attempt, done, None).is_ok();
        let error = error.state(format!(
            "the steps up to {done} are committed{}, and history says that the migration was interrupted there{}",
            if step_is_done {
                String::new()
            } else {
                format!(", and a part of step {step} may be")
            },
            if marked {
                ""
            } else {
                " (this could not be written down)"
            },
        ));
        error
            .next("take the `COMMIT`, `ROLLBACK` or `END` out of the step; `conn.transaction(..)` is fine")
            .next(match step_is_done {
                true => format!("`{finish}` goes on with step {}", done + 1),
                false => format!("undo by hand what step {step} has committed; then `{finish}` runs it again"),
            })
            .next(format!(
                "or undo those steps by hand, and then `migrate resolve {id} --done 0` and `{finish}`"
            ))
    }

    /// Records the progress after a failure outside a transaction, and reports it.
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
        let (_, finish) = way(attempt.planned.direction);
        if matches!(failure, MigrationFailure::SharedSession) {
            return self.describe(attempt, failure).nothing_changed();
        }
        let (MigrationFailure::Step { index, .. } | MigrationFailure::Stopped { index }) = failure else {
            return self
                .describe(attempt, failure)
                .state("what history says of it is what has happened for certain")
                .next("look at `migrate status`");
        };
        let is_lost = failure.kind_behind() == Some(DriverErrorKind::ConnectionLost);
        if is_lost {
            return self.describe(attempt, failure).state(format!(
                "the connection was lost while step {} ran, and history says that this was its turn; the steps before it \
                 are committed",
                index + 1
            ))
            .next(format!("`{finish}` finds out whether the step has happened, or asks where that cannot be seen"));
        }
        // A completed step may have failed when its session settings were applied again.
        let index = index.max(attempt.planned.done);
        let marked = claimed && self.mark(attempt, index, None).is_ok();
        let is_stopped = matches!(failure, MigrationFailure::Stopped { .. });
        let step = attempt.planned.steps.get(index);
        let may_fail_partially = !is_stopped && step.is_some_and(PlannedStep::may_fail_partially);
        let in_doubt = match (may_fail_partially, attempt.planned.migration.in_transaction()) {
            (false, _) => "",
            (true, false) => ", and so may be a part of this one",
            (true, true) => ", and so is what this one did up to its last change of the schema, if it made one",
        };
        let why = match attempt.planned.migration.in_transaction() {
            true => format!("{} commits each change of the schema", attempt.planned.dialect.name()),
            false => "the migration does not run in a transaction".to_owned(),
        };
        let (done, given_up) = match (index, in_doubt) {
            (0, "") => (
                "none of its steps has happened; history says that it was begun".to_owned(),
                "or give it up:",
            ),
            (0, _) => (
                format!("a part of its first step may be committed, as {why}; history says that it was begun"),
                "or undo what it did by hand, and then",
            ),
            _ => (
                format!(
                    "the steps before it are committed, as {why}{in_doubt}; history says that it was interrupted after step \
                     {index}"
                ),
                "or undo those steps by hand, and then",
            ),
        };
        let error = self.describe(attempt, failure).state(match marked {
            true => done,
            false => format!("{done} (this could not be written down)"),
        });
        let goes_on = format!("`{finish}` then goes on with step {}", index + 1);
        error
            .next(match is_stopped {
                true => goes_on.replace(" then", ""),
                false => format!("fix the step; {goes_on}"),
            })
            .next(format!("{given_up} `migrate resolve {id} --done 0`"))
    }

    /// Builds the error without its state.
    fn describe(&mut self, attempt: &Attempt<'_>, failure: MigrationFailure) -> Error {
        let migration = &attempt.planned.migration;
        let doing = match attempt.planned.direction {
            Direction::Up => "applying",
            Direction::Down => "rolling back",
        };
        let (_, again) = way(attempt.planned.direction);
        match failure {
            MigrationFailure::BrokenReferences(rows) => {
                let mut error = Error::new(
                    ErrorKind::StepFailed,
                    format!("after {doing} {}, foreign keys refer to rows that are not there", named(migration)),
                )
                .at(migration.location());
                for row in rows.iter().take(10) {
                    error = error.diagnostic(None, row);
                }
                error
                    .next("a table was made anew, for which foreign keys are off: nothing cascades meanwhile, so put steps that delete or change what is referred to into a migration of their own")
            }
            MigrationFailure::Step { index, error: step_error } => {
                let total = attempt.planned.steps.len();
                let error = Error::new(
                    ErrorKind::StepFailed,
                    format!("{doing} {} failed at step {} of {total}", named(migration), index + 1),
                );
                let is_unexpected = matches!(step_error, StepError::Unexpected(_));
                let cause = step_error.into_cause();
                let kind = DriverErrorKind::behind(cause.as_ref());
                let mut error = self.at_step(attempt, index, error).with_cause(cause);
                if kind == Some(DriverErrorKind::Locked) {
                    for blocker in self.blockers(attempt.planned.steps.get(index..=index).unwrap_or_default()) {
                        error = error.diagnostic(None, format!("in the way: {blocker}"));
                    }
                }
                if is_unexpected {
                    return error.next(format!(
                        "let the table be what the migrations say, then `{again}`: somebody has changed it by hand, or an \
                         applied migration was edited and accepted, which changes nothing in the database"
                    ));
                }
                if kind == Some(DriverErrorKind::WouldCopy) {
                    error = error.next(
                        "the server can do this only by copying the table, to which nobody could write meanwhile: if that is \
                         meant, write the statement with `schema.execute(\"..\")`, without ALGORITHM and LOCK, and what it \
                         does with `.changes(..)`",
                    );
                }
                match (kind, attempt.planned.is_whole()) {
                    (Some(DriverErrorKind::ReadOnly), _) => error
                        .next(format!("{MAY_WRITE}, then `{again}`")),
                    (Some(DriverErrorKind::Locked), _) => error
                        .next(format!("{}; then `{again}`", self.session.lock_holder_hint())),
                    (_, true) => error.next(format!("fix the step, then `{again}`")),
                    (_, false) => error,
                }
            }
            MigrationFailure::Commit(cause) => {
                let kind = cause.kind;
                let error = Error::new(
                    match kind {
                        DriverErrorKind::Locked => ErrorKind::Locked,
                        _ => ErrorKind::StepFailed,
                    },
                    format!("{doing} {} failed when it was committed", named(migration)),
                )
                .migration(migration)
                .at(migration.location())
                .statement("COMMIT")
                .with_cause(cause);
                match kind {
                    DriverErrorKind::Locked => error
                        .next(format!("{}; then `{again}`", self.session.lock_holder_hint())),
                    DriverErrorKind::ConnectionLost => error.next(format!("`{again}` goes on from what history says")),
                    _ => error.next(format!(
                        "a constraint that is checked at the end, such as a deferred foreign key, does not hold; fix the \
                         migration, then `{again}`"
                    )),
                }
            }
            MigrationFailure::History(cause) => self
                .database_error(
                    &format!("{doing} {} could not be recorded in history", named(migration)),
                    cause,
                )
                .migration(migration)
                .at(migration.location()),
            MigrationFailure::Stopped { index } => {
                let error = Error::new(
                    ErrorKind::Stopped,
                    format!(
                        "the run was stopped while {doing} {}, before step {} of {}",
                        named(migration),
                        index + 1,
                        attempt.planned.steps.len()
                    ),
                )
                .migration(migration);
                match attempt.planned.is_whole() {
                    true => error.next(format!("`{again}` begins it anew")),
                    false => error,
                }
            }
            MigrationFailure::LockLost { index, holder } => self
                .at_step(
                    attempt,
                    index,
                    Error::new(
                        ErrorKind::Interrupted,
                        format!(
                            "{doing} {}: step {} gave up the lock of this run, and another run has it now ({holder})",
                            named(migration),
                            index + 1
                        ),
                    ),
                )
                .next("take what gives up all locks of the session out of the step: `pg_advisory_unlock_all`, `DISCARD ALL`, `RELEASE_ALL_LOCKS`"),
            MigrationFailure::SharedSession => needs_own_session(doing, migration, again),
            MigrationFailure::ClaimLost => Error::new(
                ErrorKind::Interrupted,
                format!(
                    "{doing} {}: somebody else has changed its row in history, or a pooler has moved this run to another \
                     session of the server",
                    named(migration)
                ),
            )
            .migration(migration)
            .at(migration.location())
            .next("look at `migrate status` before anything else"),
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
        match error.kind {
            DriverErrorKind::Locked => Error::new(
                ErrorKind::Locked,
                format!("{what}: {database} was locked for longer than it may be waited for"),
            )
            .with_cause(error)
            .nothing_changed()
            .next(format!(
                "{}; then run it again, or wait longer with `--lock-timeout SECONDS`",
                self.session.lock_holder_hint()
            )),
            DriverErrorKind::Stopped => Error::new(ErrorKind::Stopped, "the run was stopped")
                .with_cause(error)
                .nothing_changed()
                .next("run it again when the other one is done"),
            DriverErrorKind::NotADatabase => Error::new(ErrorKind::Database, format!("{what}: {database}"))
                .with_cause(error)
                .nothing_changed()
                .next("check the path: the file is not a SQLite database, or it is encrypted"),
            DriverErrorKind::ReadOnly => Error::new(ErrorKind::Database, format!("{what}: {database}"))
                .with_cause(error)
                .nothing_changed()
                .next(MAY_WRITE),
            DriverErrorKind::Denied => Error::new(ErrorKind::Database, format!("{what}: {database}"))
                .with_cause(error)
                .next("give this user that right, or connect as one who has it"),
            DriverErrorKind::ConnectionLost => Error::new(ErrorKind::Database, format!("{what}: {database}"))
                .with_cause(error)
                .state("the connection is gone; what was not committed is rolled back by the database")
                .next("look at `migrate status`, then run it again"),
            DriverErrorKind::Busy | DriverErrorKind::WouldCopy | DriverErrorKind::Other => {
                Error::new(ErrorKind::Database, format!("{what}: {database}"))
                    .with_cause(error)
                    .next("fix what the database complains of; `migrate status` tells where history stands")
            }
        }
    }
}

/// Returns the participle for a direction, and the command that finishes the migration.
fn way(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Up => ("applied", "migrate up"),
        // `-n 1` finishes the interrupted migration and no other, whatever the failed command was.
        Direction::Down => ("rolled back", "migrate rollback -n 1"),
    }
}

/// Builds the error for a migration outside a transaction behind a pooler.
pub(super) fn needs_own_session(doing: &str, migration: &Migration, again: &str) -> Error {
    Error::new(
        ErrorKind::InvalidSetting,
        format!(
            "{doing} {} needs a session of the server of its own, as it does not run in a transaction, and a pooler shares the \
             sessions out",
            named(migration)
        ),
    )
    .migration(migration)
    .at(migration.location())
    .next(format!(
        "connect to the server itself, or to a pool in session mode, for `{again}`: behind a pool in transaction mode a lock \
         that outlasts a transaction is worth nothing"
    ))
}
