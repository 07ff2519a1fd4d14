//! What happened, as data: the report of a run, and the events while it goes on.

use std::time::Duration;

use crate::migration::{Direction, Migration};

/// What a run has done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// What ran, in that order. Empty if there was nothing to do.
    pub executed: Vec<ExecutedMigration>,
    /// The batch that the applied ones belong to; `None` if none was applied.
    pub batch: Option<i64>,
}

impl Report {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.executed.is_empty()
    }
}

/// One migration that was applied or rolled back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ExecutedMigration {
    /// Which.
    pub migration: Migration,
    /// Which way.
    pub direction: Direction,
    /// How long it took.
    pub duration: Duration,
}

/// What goes on while a run is at work.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run waits for somebody else.
    Waiting {
        /// For whom, and why.
        reason: &'a str,
    },
    /// A migration begins.
    Started {
        /// Which.
        migration: &'a Migration,
        /// Which way.
        direction: Direction,
        /// Its place in the run, counted from 1.
        position: usize,
        /// How many the run has planned.
        total: usize,
    },
    /// A step of it begins.
    Step {
        /// Its place in the migration, counted from 1.
        position: usize,
        /// How many there are.
        total: usize,
        /// The SQL, or the name of the Rust function.
        label: &'a str,
    },
    /// The migration is done and recorded.
    Finished(&'a ExecutedMigration),
}
