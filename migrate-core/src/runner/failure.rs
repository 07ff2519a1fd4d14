//! The failure of a migration, and the facts that its error reports.

use crate::driver::{DriverError, DriverErrorKind};
use crate::error::Error;
use crate::plan::rows_at_fault::{RowsAtFault, Violation};
use crate::plan::{Action, PlannedMigration, PlannedStep};

/// An error of the database, of a Rust step, or a text.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

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

impl MigrationFailure {
    /// Returns the index of a failed step and the class of its database error.
    pub(super) fn failed_step(&self, planned: &PlannedMigration) -> Option<(usize, Option<DriverErrorKind>)> {
        match self {
            MigrationFailure::Step { index, error } => Some((*index, error.kind(planned.steps.get(*index)))),
            _ => None,
        }
    }

    /// Returns the error of the database or of a Rust step behind the failure. A step that ended its transaction has
    /// none, because no later attempt could undo what it committed.
    pub(super) fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MigrationFailure::Step { error, .. } => error.cause(),
            MigrationFailure::History(error) | MigrationFailure::Commit(error) => Some(error),
            MigrationFailure::ClaimLost
            | MigrationFailure::Stopped { .. }
            | MigrationFailure::LockLost { .. }
            | MigrationFailure::SharedSession
            | MigrationFailure::BrokenReferences(_) => None,
        }
    }

    /// Returns true if another connection holds a lock that the migration needs.
    pub(super) fn is_locked(&self) -> bool {
        self.cause().and_then(DriverErrorKind::behind) == Some(DriverErrorKind::Locked)
    }

    /// Returns true if the connection is lost.
    pub(super) fn is_connection_lost(&self) -> bool {
        self.cause().and_then(DriverErrorKind::behind) == Some(DriverErrorKind::ConnectionLost)
    }
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

impl StepError {
    /// Classifies the database error of a step.
    pub(super) fn kind(&self, step: Option<&PlannedStep>) -> Option<DriverErrorKind> {
        let StepError::Failed { cause } = self else { return None };
        let kind = DriverErrorKind::behind(cause.as_ref())?;
        let null_may_fail = |step| !rows_at_fault(step, Some(DriverErrorKind::NotNullViolation)).is_empty();
        Some(match kind {
            DriverErrorKind::Truncated if step.is_some_and(null_may_fail) => DriverErrorKind::NotNullViolation,
            kind => kind,
        })
    }

    /// Returns true if another connection holds a lock that the step needs.
    pub(super) fn is_locked(&self) -> bool {
        self.kind(None) == Some(DriverErrorKind::Locked)
    }

    fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StepError::Failed { cause } => Some(cause.as_ref()),
            StepError::Unexpected { .. } | StepError::EndedTransaction { .. } | StepError::LeftTransactionOpen => None,
        }
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

/// Returns the rows that can cause this kind of database error in a step.
pub(super) fn rows_at_fault(step: &PlannedStep, kind: Option<DriverErrorKind>) -> Vec<&RowsAtFault> {
    let Some(violation) = kind.and_then(violation_of) else {
        return Vec::new();
    };
    let rows = step.rows_at_fault.iter();
    rows.filter(|rows| rows.violation == violation).collect()
}

/// Returns true if existing rows made a generated step fail.
pub(super) fn is_of_rows(step: &PlannedStep, kind: Option<DriverErrorKind>) -> bool {
    kind.and_then(violation_of).is_some() && matches!(step.action, Action::Generated(_))
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

/// What the database holds after a failure, and what it said about it.
pub(super) struct Facts {
    pub(super) outcome: Outcome,
    /// The label of the database.
    pub(super) database: String,
    /// The sessions that may hold the lock that a step waited for.
    pub(super) blockers: Vec<String>,
    /// Advice on how to find the holder of a lock.
    pub(super) lock_holder_hint: String,
}

/// What became of the work of a failed migration.
pub(super) enum Outcome {
    /// Its transaction was rolled back, if the database confirmed it.
    RolledBack(Result<(), DriverError>),
    /// A step had ended the transaction.
    TransactionEnded {
        /// All of the step ran before its transaction was found ended.
        is_step_done: bool,
        /// What history shows, and if it could record the progress.
        committed: Result<Committed, Error>,
    },
    /// It runs outside a transaction. `is_recorded` is true if history holds the progress.
    Interrupted { is_recorded: bool },
}

/// What a step committed when it ended the transaction of its migration.
pub(super) enum Committed {
    /// Not the steps before it.
    NotTheSteps,
    /// The steps up to this number; `is_recorded` is true if history holds the progress.
    Steps { done: usize, is_recorded: bool },
}
