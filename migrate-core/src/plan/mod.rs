//! Plans: the steps of migrations or of their rollback, as actions for one database, in order.

pub(crate) mod existing;
mod note;
pub(crate) mod offline;
mod operation;
pub(crate) mod planner;
pub(crate) mod resume;
pub(crate) mod rows_at_fault;
pub(crate) mod select;
mod steps;
mod warnings;

use std::any::TypeId;
use std::fmt;

use crate::code::Code;
use crate::location::Location;
use crate::migration::{Direction, Migration};
use crate::plan::rows_at_fault::RowsAtFault;
use crate::render::{SqlDialect, TransactionWrapper};
use crate::schema::{Checksum, Functions, Table};
use crate::sql::{SessionEffect, StatementInfo};

pub use self::note::Note;
pub use self::resume::InterruptedMigration;

/// The migrations that a run would apply or roll back, in order, each with its steps.
///
/// [`Runner::plan`](crate::Runner::plan) and [`Runner::plan_rollback`](crate::Runner::plan_rollback) create a plan for
/// a connected database, [`Plan::offline`] and [`Plan::offline_rollback`] without one.
///
/// `Display` prints the plan as SQL with comments. A Rust step appears as a comment with its function's name. The
/// statements on the history table are left out.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    migrations: Vec<PlannedMigration>,
}

impl Plan {
    pub(crate) fn of(migrations: Vec<PlannedMigration>) -> Plan {
        Plan { migrations }
    }

    /// Returns the migrations, in the order in which they run.
    #[must_use]
    pub fn migrations(&self) -> &[PlannedMigration] {
        &self.migrations
    }

    /// Returns true if there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.migrations.is_empty()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, migration) in self.migrations.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{migration}")?;
        }
        Ok(())
    }
}

/// One migration of a [`Plan`].
#[derive(Clone, Debug)]
pub struct PlannedMigration {
    pub(crate) migration: Migration,
    pub(crate) direction: Direction,
    pub(crate) steps: Vec<PlannedStep>,
    /// The checksum after each number of steps, from none to all. An interrupted run resumes from one of them.
    pub(crate) checksums: Vec<Checksum>,
    /// The number of steps that an interrupted run has completed.
    pub(crate) done: usize,
    pub(crate) dialect: &'static dyn SqlDialect,
}

impl PlannedMigration {
    /// Returns the migration.
    #[must_use]
    pub fn migration(&self) -> &Migration {
        &self.migration
    }

    /// Returns the direction: `Up` to apply the migration, `Down` to roll it back.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Returns all steps in the order in which they run, including those that [`done`](PlannedMigration::done) counts.
    #[must_use]
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// Returns the SQL of the steps, exactly as it is sent, one text for each step that has SQL. Transaction control
    /// and the statements on the history table are not included.
    #[must_use]
    pub fn sql(&self) -> Vec<&str> {
        self.steps.iter().filter_map(PlannedStep::sql).collect()
    }

    /// Returns the number of steps that an interrupted run has completed; the next run resumes after them. It is 0 for
    /// a migration that starts from its first step. `Display` leaves these steps out.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Returns the checksum of all steps.
    pub(crate) fn checksum(&self) -> Checksum {
        self.checksums.last().copied().unwrap_or_default()
    }

    /// Returns the checksum of the first `done` steps.
    pub(crate) fn checksum_after(&self, done: usize) -> Checksum {
        self.checksums.get(done).copied().unwrap_or_default()
    }

    /// Returns true if a step rebuilds a table.
    pub(crate) fn rebuilds(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.action, Action::Expect { .. }))
    }

    /// Returns true if one transaction holds all of the migration.
    pub(crate) fn is_whole(&self) -> bool {
        self.migration.in_transaction() && self.dialect.features().transactional_changes
    }

    /// Returns true if a step of the user may end its transaction.
    pub(crate) fn may_end_transaction(&self) -> bool {
        self.steps.iter().any(PlannedStep::may_end_transaction)
    }
}

impl fmt::Display for PlannedMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.direction {
            Direction::Up => "apply",
            Direction::Down => "roll back",
        };
        writeln!(f, "-- {verb} {} ({})", self.migration, self.migration.location())?;
        for line in self.migration.description().lines() {
            writeln!(f, "--   {line}")?;
        }
        let frame = if self.migration.in_transaction() {
            self.dialect.transaction_wrapper(self.rebuilds())
        } else {
            TransactionWrapper::default()
        };
        if !self.migration.in_transaction() {
            writeln!(f, "-- not in a transaction: each step is committed separately")?;
        } else if frame == TransactionWrapper::default() {
            writeln!(
                f,
                "-- {} auto-commits DDL: each schema change is committed separately",
                self.dialect.name()
            )?;
        }
        if self.rebuilds() && self.steps.iter().any(PlannedStep::is_users) {
            let warning = Note::warning(
                Code::FOREIGN_KEYS_DISABLED,
                "this transaction rebuilds a table, so foreign keys are disabled for every step in it; deletes do not \
                 cascade",
            );
            writeln!(f, "-- {warning}")?;
        }
        if self.done > 0 {
            writeln!(
                f,
                "-- resumes after step {}: an earlier run was interrupted there",
                self.done
            )?;
        }
        for sql in frame.before {
            writeln!(f, "{sql};")?;
        }
        for step in self.steps.iter().skip(self.done) {
            writeln!(f, "{step}")?;
        }
        for sql in frame.after {
            writeln!(f, "{sql};")?;
        }
        Ok(())
    }
}

/// The maximum number of characters of a statement in its label.
const LONGEST_LABEL: usize = 2000;

/// One step of a [`PlannedMigration`]. A schema change that needs several statements is several planned steps.
#[derive(Clone, Debug)]
pub struct PlannedStep {
    pub(crate) location: Location,
    /// Warnings and notes on the step.
    pub(crate) notes: Vec<Note>,
    pub(crate) action: Action,
    /// The rows that its SQL can fail on.
    pub(crate) rows_at_fault: Vec<RowsAtFault>,
}

/// The SQL of a step, with the facts about it.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// The text, exactly as it is sent.
    pub(crate) sql: String,
    pub(crate) info: StatementInfo,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Raw SQL from the user.
    Statement(Statement),
    /// SQL that was rendered for an operation.
    Generated(Statement),
    /// A table is about to be rebuilt. Its live definition must match.
    Expect {
        table: Box<Table>,
        /// True if the definition was read from the database.
        is_found: bool,
    },
    /// A Rust function.
    Rust { functions: Functions, name: &'static str },
    /// These objects are assumed to exist.
    Declare(Vec<String>),
    /// The rollback of an `up_only` step: its changes stay.
    Keep,
}

impl PlannedStep {
    /// Returns the location of the step in the source. In a rollback it is the step in `down`, the `undo`, or the step
    /// in `up` that the rollback was derived from.
    #[must_use]
    pub fn location(&self) -> Location {
        self.location
    }

    /// Returns the SQL, exactly as it is sent. `None` for a Rust step, for a declaration, for a step that a rollback
    /// leaves in place, and for the announcement of a table rebuild.
    #[must_use]
    pub fn sql(&self) -> Option<&str> {
        self.statement().map(|statement| statement.sql.as_str())
    }

    /// Returns the SQL with its end, so that other SQL may follow.
    pub(crate) fn terminated_sql(&self) -> Option<String> {
        let statement = self.statement()?;
        Some(format!("{}{}", statement.sql.trim_end(), statement.info.terminator))
    }

    /// Returns the facts about the SQL; `None` for a step without SQL.
    pub(crate) fn info(&self) -> Option<&StatementInfo> {
        self.statement().map(|statement| &statement.info)
    }

    fn statement(&self) -> Option<&Statement> {
        match &self.action {
            Action::Statement(statement) | Action::Generated(statement) => Some(statement),
            Action::Rust { .. } | Action::Expect { .. } | Action::Declare(_) | Action::Keep => None,
        }
    }

    fn raw(&self) -> Option<&StatementInfo> {
        match &self.action {
            Action::Statement(statement) => Some(&statement.info),
            _ => None,
        }
    }

    /// Returns warnings and notes on the step, one sentence each: data that it loses, and parts that could not be
    /// checked.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the path of the Rust function, such as `my_app::fill_usernames`; `None` for all other steps.
    #[must_use]
    pub fn function(&self) -> Option<&'static str> {
        match &self.action {
            Action::Rust { name, .. } => Some(name),
            Action::Statement(_) | Action::Generated(_) | Action::Expect { .. } | Action::Declare(_) | Action::Keep => {
                None
            }
        }
    }

    /// Returns the objects that the SQL changes. Empty unless their definitions show everything that the SQL does.
    pub(crate) fn touches(&self) -> &[String] {
        self.info().map(|info| info.observable.as_slice()).unwrap_or_default()
    }

    /// Returns true if the user wrote the step's code. It may do anything to the connection.
    pub(crate) fn is_users(&self) -> bool {
        matches!(self.action, Action::Statement(_) | Action::Rust { .. })
    }

    /// Returns true if the step may end the transaction of its migration.
    pub(crate) fn may_end_transaction(&self) -> bool {
        match &self.action {
            Action::Statement(statement) => !statement.info.is_self_contained,
            Action::Rust { .. } => true,
            Action::Generated(_) | Action::Expect { .. } | Action::Declare(_) | Action::Keep => false,
        }
    }

    /// Returns true if the step cannot affect the statements that follow it in one message: it is one closed statement,
    /// controls no transaction, and leaves no state in its session.
    pub(crate) fn is_self_contained(&self) -> bool {
        match &self.action {
            Action::Statement(Statement { info, .. }) | Action::Generated(Statement { info, .. }) => {
                info.is_self_contained && info.session_effect == SessionEffect::Nothing
            }
            Action::Declare(_) | Action::Keep => true,
            Action::Rust { .. } | Action::Expect { .. } => false,
        }
    }

    /// Returns true for raw SQL that changes rows only, and no schema.
    pub(crate) fn is_of_rows(&self) -> bool {
        self.raw().is_some_and(StatementInfo::is_of_rows)
    }

    /// Returns true for raw SQL that may safely run twice.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.raw().is_some_and(|raw| raw.is_idempotent)
    }

    /// Returns the session state that raw SQL leaves for later steps. For a Rust function this is unknown, and reported
    /// as none.
    pub(crate) fn session_effect(&self) -> SessionEffect {
        self.raw().map_or(SessionEffect::Nothing, |raw| raw.session_effect)
    }

    /// Returns true if the step may leave a part of its work in the database when it fails outside a transaction.
    pub(crate) fn may_fail_partially(&self) -> bool {
        self.function().is_some() || self.info().is_some_and(|info| info.may_fail_partially)
    }

    /// Returns true if the SQL runs CONCURRENTLY: it allows other reads and writes, and waits for open transactions.
    pub(crate) fn is_concurrent(&self) -> bool {
        self.info().is_some_and(|info| info.concurrent.is_some())
    }

    /// Returns the step's description for errors.
    pub(crate) fn label(&self) -> String {
        match &self.action {
            Action::Statement(Statement { sql, .. }) | Action::Generated(Statement { sql, .. }) => {
                match sql.trim().char_indices().nth(LONGEST_LABEL) {
                    None => sql.trim().to_owned(),
                    // Seed data may be megabytes long.
                    Some((end, _)) => format!("{} .. ({} bytes in total)", &sql.trim()[..end], sql.len()),
                }
            }
            Action::Expect { table, .. } => format!("rebuild of `{}`", table.name),
            Action::Rust { name, .. } => format!("Rust step `{name}`"),
            Action::Declare(_) | Action::Keep => "nothing".to_owned(),
        }
    }
}

impl fmt::Display for PlannedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(f, "-- {note}")?;
        }
        match &self.action {
            Action::Statement(_) | Action::Generated(_) => f.write_str(&self.terminated_sql().unwrap_or_default()),
            Action::Expect { table, is_found } => write!(
                f,
                "-- table `{}` is rebuilt{}. Foreign keys are disabled during the rebuild and checked afterwards",
                table.name,
                if *is_found {
                    ""
                } else {
                    " (shown from the migrations; at run time from the live table)"
                }
            ),
            Action::Rust { name, .. } => write!(f, "-- Rust step `{name}` ({})", self.location),
            Action::Declare(names) => {
                write!(f, "-- declared, assumed to exist: `{}`", names.join("`, `"))
            }
            Action::Keep => write!(f, "-- up_only: the step at {} is not rolled back", self.location),
        }
    }
}

/// The database that a plan is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanFor {
    pub(crate) dialect: &'static dyn SqlDialect,
    /// The type of the connection and its name; `None` without a database.
    pub(crate) connection: Option<(TypeId, &'static str)>,
}
