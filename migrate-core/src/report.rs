//! The result of a run as data: its report, and the events during the run.

use std::time::Duration;

use crate::migration::{Direction, Migration};

/// The result of a run. [`Runner::up`](crate::Runner::up), [`rollback`](crate::Runner::rollback),
/// [`redo`](crate::Runner::redo) and [`fresh`](crate::Runner::fresh) return it.
///
/// ```
/// # use migrate_core::{Error, Runner, Target};
/// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
/// let report = runner.up(&Target::Latest)?;
/// for done in &report.executed {
///     println!("{} {} ({} ms)", done.direction.as_str(), done.migration, done.duration.as_millis());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The migrations that ran, in this order. Empty if there was nothing to do.
    pub executed: Vec<ExecutedMigration>,
    /// The number of the batch that the applied migrations joined; `None` if the run applied none. After a redo of
    /// several batches, the batch of the last applied migration.
    pub batch: Option<i64>,
}

impl Report {
    /// Returns true if no migration ran.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.executed.is_empty()
    }
}

/// One migration that a run applied or rolled back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ExecutedMigration {
    /// The migration.
    pub migration: Migration,
    /// The direction in which it ran.
    pub direction: Direction,
    /// The duration. Migrations that PostgreSQL ran in one pipeline share their total equally.
    pub duration: Duration,
}

/// An event of a run. [`Runner::observe`](crate::Runner::observe) passes each one to a closure.
///
/// A migration that is retried, because another connection held a lock or its pipeline failed, sends `Started` and `Step`
/// again. On PostgreSQL, one message may carry several generated migrations, or all raw SQL of one migration. Its first
/// `Started` comes before the message, and the other events after it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run waits for another run, or for a lock.
    Waiting {
        /// The reason, in English, with the holder of the lock where the database reveals it.
        reason: &'a str,
    },
    /// A migration begins.
    Started {
        /// The migration.
        migration: &'a Migration,
        /// The direction in which it runs.
        direction: Direction,
        /// Its position in the run, counted from 1.
        position: usize,
        /// The number of migrations in the run.
        total: usize,
    },
    /// A step of the migration begins.
    Step {
        /// Its position in the migration, counted from 1.
        position: usize,
        /// The number of steps in the migration.
        total: usize,
        /// The SQL, shortened after 2,000 characters, or a label of a step without SQL, such as the name of its Rust
        /// function.
        label: &'a str,
    },
    /// The migration is done, and history records it. In a [single transaction](crate::Runner::single_transaction), all
    /// of these events follow the commit.
    Finished(&'a ExecutedMigration),
}
