//! What would be done, and in which order: the steps of migrations, or their inverse, as actions for one database. It is
//! made in `planner`.

pub(crate) mod offline;
pub(crate) mod planner;
mod steps;
mod warnings;

use std::any::TypeId;
use std::fmt;

use crate::location::Location;
use crate::migration::{Direction, Migration};
use crate::render::{SqlDialect, TransactionWrapper};
use crate::schema::{self, Effect, Functions, SessionEffect, Table};

/// What a run would do: migrations in order, each with its actions.
///
/// Printed, it is SQL with comments: what runs, but for Rust steps, which are named, and the rows of history.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    migrations: Vec<PlannedMigration>,
}

impl Plan {
    pub(crate) fn of(migrations: Vec<PlannedMigration>) -> Plan {
        Plan { migrations }
    }

    /// The migrations, in the order in which they run.
    #[must_use]
    pub fn migrations(&self) -> &[PlannedMigration] {
        &self.migrations
    }

    /// Whether there is nothing to do.
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
    /// The checksum after each number of steps, from none to all; what an interrupted run goes on from.
    pub(crate) checksums: Vec<String>,
    /// How many steps an interrupted run has done already.
    pub(crate) done: usize,
    pub(crate) dialect: &'static dyn SqlDialect,
}

impl PlannedMigration {
    /// Which migration.
    #[must_use]
    pub fn migration(&self) -> &Migration {
        &self.migration
    }

    /// Which way it goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Its steps, in the order in which they run.
    #[must_use]
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The statements of its steps, exactly as they are sent; Rust steps have none.
    #[must_use]
    pub fn sql(&self) -> Vec<&str> {
        self.steps.iter().filter_map(PlannedStep::sql).collect()
    }

    /// How many of the steps an interrupted run has done already.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// The checksum of all its steps.
    pub(crate) fn checksum(&self) -> &str {
        self.checksums.last().map_or("", String::as_str)
    }

    /// The checksum of its first `done` steps.
    pub(crate) fn checksum_after(&self, done: usize) -> &str {
        self.checksums.get(done).map_or("", String::as_str)
    }

    /// It makes a table anew.
    pub(crate) fn rebuilds(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.action, Action::Expect { .. }))
    }

    /// It happens whole or not at all, as one transaction holds all of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.migration.in_transaction() && self.dialect.features().transactional_changes
    }

    /// A step of the user's may end the transaction that it runs in: SQL only where a text may hold several statements, as
    /// elsewhere planning looks at the one that there is.
    pub(crate) fn may_end_transaction(&self) -> bool {
        let may_end = |step: &PlannedStep| match step.action {
            Action::Statement(_) => self.dialect.features().several_statements,
            Action::Rust { .. } => true,
            _ => false,
        };
        self.steps.iter().any(may_end)
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
            self.dialect.frame(self.rebuilds())
        } else {
            TransactionWrapper::default()
        };
        if !self.migration.in_transaction() {
            writeln!(f, "-- not in a transaction: each step is committed by itself")?;
        } else if frame == TransactionWrapper::default() {
            writeln!(f, "-- {} commits at each change of the schema", self.dialect.name())?;
        }
        if self.rebuilds() && self.steps.iter().any(PlannedStep::is_users) {
            writeln!(
                f,
                "-- careful: a table is made anew in this transaction, so foreign keys are off for its other steps as well, \
                 and what they delete does not cascade"
            )?;
        }
        if self.done > 0 {
            writeln!(
                f,
                "-- goes on after step {}: an earlier run was interrupted there",
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

/// How many characters of a statement are told where it is named, and not shown.
const LONGEST_LABEL: usize = 2000;

/// One step of a [`PlannedMigration`].
#[derive(Clone, Debug)]
pub struct PlannedStep {
    pub(crate) location: Location,
    /// What who reads the plan should know of it.
    pub(crate) notes: Vec<String>,
    pub(crate) action: Action,
    /// The tables, views and enums that its SQL makes, changes or drops, where all that it does can be seen by them.
    pub(crate) touches: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A user's SQL, exactly as it is sent.
    Statement(String),
    /// SQL that was written for an operation, exactly as it is sent.
    Generated(String),
    /// A table is about to be made anew: it has to be what it is taken to be.
    Expect {
        table: Box<Table>,
        /// What it is was told by the database.
        is_found: bool,
    },
    /// A Rust function.
    Rust { functions: Functions, name: &'static str },
    /// These are taken to be there.
    Declare(Vec<String>),
    /// The way back of a step that is `up_only`: its work stays.
    Keep,
}

impl PlannedStep {
    /// Where the step, or its way back, was written.
    #[must_use]
    pub fn location(&self) -> Location {
        self.location
    }

    /// The SQL, exactly as it is sent; `None` for a Rust step and for one that is left in place.
    #[must_use]
    pub fn sql(&self) -> Option<&str> {
        match &self.action {
            Action::Statement(sql) | Action::Generated(sql) => Some(sql),
            Action::Rust { .. } | Action::Expect { .. } | Action::Declare(_) | Action::Keep => None,
        }
    }

    /// What should be known of the step: what is lost by it, what could not be checked.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The path of the Rust function; `None` for SQL.
    #[must_use]
    pub fn function(&self) -> Option<&'static str> {
        match &self.action {
            Action::Rust { name, .. } => Some(name),
            Action::Statement(_) | Action::Generated(_) | Action::Expect { .. } | Action::Declare(_) | Action::Keep => {
                None
            }
        }
    }

    /// What it does was written by the user: it may do anything to the connection.
    pub(crate) fn is_users(&self) -> bool {
        matches!(self.action, Action::Statement(_) | Action::Rust { .. })
    }

    /// It is a user's SQL that changes rows, and nothing that they are in.
    pub(crate) fn is_of_rows(&self) -> bool {
        matches!(&self.action, Action::Statement(sql) if schema::effect(sql) == Effect::Rows)
    }

    /// It is a user's SQL that can as well be done twice.
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(&self.action, Action::Statement(sql) if schema::is_idempotent(sql))
    }

    /// What a user's statement leaves in the session for the steps after it. Of a function that cannot be told.
    pub(crate) fn session_effect(&self) -> SessionEffect {
        match &self.action {
            Action::Statement(sql) => schema::session_effect(sql),
            _ => SessionEffect::Nothing,
        }
    }

    /// It is the user's, and may have done a part of its work, for good, when it fails outside a transaction.
    pub(crate) fn may_fail_partially(&self) -> bool {
        match &self.action {
            Action::Rust { .. } => true,
            Action::Statement(sql) => schema::may_fail_partially(sql),
            _ => false,
        }
    }

    /// It lets others read and write what it works on, and waits for their transactions.
    pub(crate) fn is_concurrent(&self) -> bool {
        self.sql().is_some_and(|sql| schema::mentions(sql, "concurrently"))
    }

    /// What an error calls it.
    pub(crate) fn label(&self) -> String {
        match &self.action {
            Action::Statement(sql) | Action::Generated(sql) => match sql.trim().char_indices().nth(LONGEST_LABEL) {
                None => sql.trim().to_owned(),
                // A seed may have megabytes.
                Some((end, _)) => format!("{} .. ({} bytes in all)", &sql.trim()[..end], sql.len()),
            },
            Action::Expect { table, .. } => format!("making `{}` anew", table.name),
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
            Action::Statement(sql) | Action::Generated(sql) => {
                let sql = sql.trim_end();
                // A semicolon after a trailing line comment would be part of it.
                let last = sql.lines().last().unwrap_or_default();
                let end = match sql {
                    _ if last.contains("--") => "\n;",
                    _ if sql.ends_with(';') => "",
                    _ => ";",
                };
                write!(f, "{sql}{end}")
            }
            Action::Expect { table, is_found } => write!(
                f,
                "-- `{}` is made anew{}: foreign keys are off meanwhile and checked at the end",
                table.name,
                if *is_found {
                    ""
                } else {
                    ", here from what migrations say of it, on a database from what it is there"
                }
            ),
            Action::Rust { name, .. } => write!(f, "-- Rust step `{name}` ({})", self.location),
            Action::Declare(names) => {
                write!(f, "-- declared, and taken to be there: `{}`", names.join("`, `"))
            }
            Action::Keep => write!(f, "-- up_only: the work of the step at {} stays", self.location),
        }
    }
}

/// The database that a plan is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanFor {
    pub(crate) dialect: &'static dyn SqlDialect,
    /// The connection's type and its name; none if it is planned without a database.
    pub(crate) connection: Option<(TypeId, &'static str)>,
}
