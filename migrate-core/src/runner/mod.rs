//! The runner, which alone orders the effects: load, plan, lock, revalidate, execute, record.
//!
//! It prints nothing, reads no environment and never exits. It reports progress as [`Event`]s.

mod accept;
mod after_failure;
mod agenda;
mod attempt;
mod database_error;
mod describe;
mod diagnose;
mod failure;
mod first_run;
mod fresh;
mod hooks;
mod in_flight;
mod load_history;
mod lock;
mod pipeline;
mod record;
mod recovery;
mod redo;
mod replay;
mod resolve;
mod retry;
mod run;
mod run_state;
mod session;
mod single_transaction;
mod steps;
mod stepwise;
mod transactional;
mod wording;

use std::collections::BTreeMap;
#[cfg(feature = "testing")]
use std::rc::Rc;
use std::time::Duration;

use crate::code::Code;
#[cfg(doc)]
use crate::code::ErrorKind;
use crate::driver::{Driver, Session};
use crate::error::Error;
use crate::history::table::HistoryTable;
use crate::history::{ComparedMigration, DEFAULT_HISTORY_TABLE, MigrationStatus};
use crate::plan::select::Request;
use crate::plan::{InterruptedMigration, Plan};
use crate::registry::Registry;
#[cfg(feature = "testing")]
use crate::render::SqlDialect;
use crate::report::{Event, Report};
#[cfg(feature = "testing")]
use crate::state::LiveSchema;
use crate::target::{MigrationRef, Rollback, Target};

use hooks::Hooks;
use load_history::{load_rows, load_to_decide};
use replay::Planning;
use run::{RunSettings, run};
use run_state::Batches;
use session::{Connection, Database};
use wording::and_before;

/// Applies migrations to a database, and rolls them back.
///
/// A runner borrows a Diesel connection, which must be outside a transaction. Pass a pooled one as `&mut *conn`. A run
/// holds a lock while it writes. If several programs start together, one applies each migration, and the others wait,
/// at most for the [lock timeout](Runner::lock_timeout).
///
/// | | SQLite | PostgreSQL | MySQL, MariaDB |
/// |---|---|---|---|
/// | lock | `BEGIN IMMEDIATE` | advisory lock | `GET_LOCK` |
/// | transaction | one per migration | one per migration | DDL auto-commits |
/// | killed run | is rolled back | is rolled back | resumes at the interrupted step |
///
/// A migration with `transaction = false` commits each step on every database. After an interruption, the next run
/// resumes it.
///
/// If the connection is inside a transaction, each method that uses the database fails with
/// [`ErrorKind::InvalidSetting`](crate::ErrorKind::InvalidSetting). A runner never prints, reads environment variables or exits.
///
/// In the startup code of an application:
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use diesel::prelude::*;
/// use migrate_core::{Runner, Target};
/// # mod migrations {
/// #     use migrate_core::prelude::*;
/// #     #[derive(Migration)]
/// #     #[migration(version = 2026_01_01_000000)]
/// #     struct First;
/// #     impl Migrate for First {
/// #         fn up(&self, schema: &mut Schema) {
/// #             schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
/// #         }
/// #     }
/// # }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut conn = SqliteConnection::establish(":memory:")?;
/// Runner::linked(&mut conn)?.up(&Target::Latest)?;
///
/// // Where another program migrates: only check.
/// assert!(Runner::linked(&mut conn)?.is_current()?);
/// # Ok(())
/// # }
/// ```
pub struct Runner<'c> {
    driver: &'c mut (dyn Session + 'static),
    database: Database,
    history_table: String,
    planning: Planning,
    hooks: Hooks<'c>,
    settings: RunSettings,
    lock_timeout: Duration,
}

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("registry", self.planning.registry())
            .field("history_table", &self.history_table)
            .field("policy", &self.planning.policy)
            .finish_non_exhaustive()
    }
}

impl<'c> Runner<'c> {
    /// Creates a runner for the migrations that are linked into this program; see [`Registry::linked`].
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NoMigrations`](crate::ErrorKind::NoMigrations) if no migration is linked.
    /// - [`ErrorKind::DuplicateVersion`](crate::ErrorKind::DuplicateVersion) if two linked migrations have the same group and version.
    pub fn linked<D: Driver>(connection: &'c mut D) -> Result<Runner<'c>, Error> {
        Ok(Runner::new(connection, Registry::linked()?))
    }

    /// Creates a runner for an explicit set of migrations.
    ///
    #[cfg_attr(feature = "sqlite", doc = "```")]
    #[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
    /// use diesel::prelude::*;
    /// use migrate_core::prelude::*;
    /// use migrate_core::{Registry, Rollback, Runner, Target};
    ///
    /// #[derive(Migration)]
    /// #[migration(version = 1, unlisted)]
    /// struct CreateUsers;
    ///
    /// impl Migrate for CreateUsers {
    ///     fn up(&self, schema: &mut Schema) {
    ///         schema.create_table("users", |t| t.id());
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut conn = SqliteConnection::establish(":memory:")?;
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// let mut runner = Runner::new(&mut conn, registry);
    ///
    /// let report = runner.up(&Target::Latest)?;
    /// assert_eq!(report.executed.len(), 1);
    /// runner.rollback(&Rollback::LastBatch)?;
    /// assert!(!runner.is_current()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<D: Driver>(connection: &'c mut D, registry: Registry) -> Runner<'c> {
        Runner {
            database: Database::new(connection.traits().dialect),
            driver: connection,
            history_table: DEFAULT_HISTORY_TABLE.to_owned(),
            planning: Planning::new(registry),
            hooks: Hooks::default(),
            settings: RunSettings::default(),
            lock_timeout: Duration::from_secs(30),
        }
    }

    /// Sets the name of the history table. The default is [`DEFAULT_HISTORY_TABLE`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSetting`](crate::ErrorKind::InvalidSetting) if the name is blank, is longer than 63 bytes, contains a control character, or
    /// has a reserved prefix: `sqlite_` on SQLite, `pg_` on PostgreSQL.
    pub fn history_table(mut self, name: &str) -> Result<Runner<'c>, Error> {
        let is_unusable = name.trim().is_empty()
            || name.len() > 63
            || name.chars().any(char::is_control)
            || self.database.dialect.is_reserved(name);
        if is_unusable {
            return Err(Error::new(
                Code::INVALID_HISTORY_TABLE,
                format!("{name:?} is not a valid name for the history table"),
            )
            .help("use 1 to 63 bytes without control characters, and not a name that the database reserves"));
        }
        name.clone_into(&mut self.history_table);
        Ok(self)
    }

    /// Sets how long to wait for a lock that another connection holds. The default is 30 seconds.
    ///
    /// On PostgreSQL, MySQL and MariaDB, a statement waits for at most 2 seconds, so that other queries do not queue
    /// behind it. Then the runner retries the migration, or the statement if it is outside a transaction, until the
    /// timeout ends. A concurrent statement on PostgreSQL waits for the whole timeout. MySQL and MariaDB wait for whole
    /// seconds, at least 1.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Runner<'c> {
        self.lock_timeout = timeout;
        self
    }

    /// Sets the name of the person or program, which history records with each applied migration. By convention, it is
    /// `user@host`. The default is empty. Control characters are removed.
    #[must_use]
    pub fn applied_by(mut self, who: impl Into<String>) -> Runner<'c> {
        self.settings.applied_by = who.into();
        self.settings.applied_by.retain(|c| !c.is_control());
        self
    }

    /// Sets whether [`up`](Runner::up) refuses a pending migration that is older than an applied one of its group. The
    /// default is false: `up` applies it.
    #[must_use]
    pub fn strict_order(mut self, strict: bool) -> Runner<'c> {
        self.planning.policy.strict_order = strict;
        self
    }

    /// Sets whether [`up`](Runner::up) runs although migrations are [missing](crate::MigrationState::Missing): applied,
    /// but not linked. The default is false.
    #[must_use]
    pub fn allow_missing(mut self, allow: bool) -> Runner<'c> {
        self.planning.policy.allow_missing = allow;
        self
    }

    /// Returns the groups of history that this program does not have, each with its number of migrations: those of
    /// another program, or of a library that is no longer linked. [`status`](Runner::status) leaves them out.
    ///
    /// # Errors
    ///
    /// If history cannot be read.
    pub fn unlinked_groups(&mut self) -> Result<BTreeMap<String, usize>, Error> {
        let (mut connection, planning, _) = self.open()?;
        Ok(load_rows(&mut connection)?.unlinked_groups(planning.registry()))
    }

    /// Returns the schema that the connection uses on PostgreSQL: the first one of the search path that exists. `None` on
    /// the other databases.
    ///
    /// # Errors
    ///
    /// If no schema of the search path exists.
    pub fn current_schema(&mut self) -> Result<Option<String>, Error> {
        let (mut connection, ..) = self.open()?;
        match connection.schema() {
            Ok(schema) => Ok(schema),
            Err(error) => Err(connection.error("the schema cannot be read", error)),
        }
    }

    /// Sets whether the first run continues on a database that is not empty. The default is false: [`up`](Runner::up)
    /// and [`plan`](Runner::plan) fail with
    /// [`DATABASE_NOT_EMPTY`](crate::error::Code::DATABASE_NOT_EMPTY) before anything is written.
    ///
    /// A first run is one without a row in the history table. Tables and views count, except the objects of extensions
    /// on PostgreSQL, those that [`ignore`](Runner::ignore) names, and those that the first steps
    /// [declare](crate::Schema::declare).
    #[must_use]
    pub fn on_existing(mut self, allow: bool) -> Runner<'c> {
        self.planning.first_run.on_existing = allow;
        self
    }

    /// Names tables and views of others, which the first run leaves out of account. In a name, `*` stands for any text:
    /// `spatial_*`. Several calls add up. The default is none.
    #[must_use]
    pub fn ignore(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Runner<'c> {
        self.planning.first_run.ignore.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets whether a run continues although an applied migration was [changed](crate::MigrationState::Changed). The
    /// default is false.
    ///
    /// If true, a rollback uses the current `down`, or derives the rollback from the current `up`.
    #[must_use]
    pub fn allow_changed(mut self, allow: bool) -> Runner<'c> {
        self.planning.policy.allow_changed = allow;
        self
    }

    /// Sets whether [`up`](Runner::up) and [`rollback`](Runner::rollback) run all their migrations in one transaction,
    /// all or none. The default is false. [`redo`](Runner::redo) then uses one transaction for each direction. All
    /// locks last until the commit.
    ///
    /// A run that cannot use one transaction fails with [`ErrorKind::InvalidSetting`](crate::ErrorKind::InvalidSetting) before it changes anything:
    ///
    /// - on MySQL and MariaDB, which auto-commit DDL;
    /// - with a migration that sets `transaction = false`;
    /// - on SQLite, if one migration rebuilds a table and another has raw SQL or a Rust step. The reason: a rebuild
    ///   disables foreign keys for the whole transaction.
    #[must_use]
    pub fn single_transaction(mut self, single: bool) -> Runner<'c> {
        self.settings.single_transaction = single;
        self
    }

    /// Sets a condition that stops a run. The runner checks it between statements, and while it waits for another run.
    ///
    /// Once `is_to_stop` returns true, the run fails with [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) at a point where a later run can
    /// continue. First, the running statement completes; on PostgreSQL, the message with several generated migrations, or
    /// with all raw SQL of one migration. Then a migration in a transaction is
    /// rolled back. A migration outside a transaction is interrupted, and the next run resumes it. The error reports
    /// the state of the database.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner, Target};
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// static STOP: AtomicBool = AtomicBool::new(false); // a signal handler sets it
    ///
    /// # fn example(runner: Runner<'_>) -> Result<(), Error> {
    /// runner.stop_when(|| STOP.load(Ordering::Relaxed)).up(&Target::Latest)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stop_when(mut self, is_to_stop: impl Fn() -> bool + 'c) -> Runner<'c> {
        self.hooks.is_to_stop = Some(Box::new(is_to_stop));
        self
    }

    /// Sets the observer, which the runner calls for each [`Event`] of a run. A later call replaces it.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner, Target};
    /// use migrate_core::Event;
    ///
    /// # fn example(runner: Runner<'_>) -> Result<(), Error> {
    /// let mut runner = runner.observe(|event| match event {
    ///     Event::Waiting { reason } => println!("waiting: {reason}"),
    ///     Event::Finished(done) => println!("{} {}", done.direction.as_str(), done.migration),
    ///     _ => {}
    /// });
    /// runner.up(&Target::Latest)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn observe(mut self, observer: impl FnMut(&Event<'_>) + 'c) -> Runner<'c> {
        self.hooks.observer = Some(Box::new(observer));
        self
    }

    /// Returns the status of every migration that is linked or in history, ordered by version. It writes nothing.
    ///
    /// Groups without a linked migration belong to other programs, so the result does not contain them.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// for status in runner.status()? {
    ///     println!("{status}: {}", status.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::History`](crate::ErrorKind::History) if the history table has other columns, rows that a newer version of this crate wrote,
    ///   or invalid rows.
    /// - [`ErrorKind::Locked`](crate::ErrorKind::Locked) if the database stays locked longer than the [lock timeout](Runner::lock_timeout).
    /// - [`ErrorKind::Database`](crate::ErrorKind::Database) if the database fails, or its version is too old.
    pub fn status(&mut self) -> Result<Vec<MigrationStatus>, Error> {
        let (mut connection, planning, _) = self.open()?;
        let history = load_rows(&mut connection)?;
        planning.check_owner(&history)?;
        let compared = history.compare(planning.registry(), connection.dialect().kind());
        Ok(compared.iter().map(ComparedMigration::status).collect())
    }

    /// Returns true if every migration is [applied](crate::MigrationState::Applied) or
    /// [ahead](crate::MigrationState::Ahead). It writes nothing.
    ///
    /// It returns false if a migration is pending, out of order, missing, changed or interrupted. A program that does
    /// not migrate at startup can check this instead.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// if !runner.is_current()? {
    ///     eprintln!("migrations are pending");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`status`](Runner::status).
    pub fn is_current(&mut self) -> Result<bool, Error> {
        let (mut connection, planning, _) = self.open()?;
        let history = load_to_decide(&mut connection)?.history.unwrap_or_default();
        planning.check_owner(&history)?;
        let compared = history.compare(planning.registry(), connection.dialect().kind());
        Ok(compared.iter().all(|entry| entry.state.is_current()))
    }

    /// Returns the plan of [`up`](Runner::up): the migrations and their SQL. It writes nothing.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner, Target};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// let plan = runner.plan(&Target::Latest)?;
    /// println!("{plan}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Every error that [`up`](Runner::up) returns before it runs a step.
    pub fn plan(&mut self, target: &Target) -> Result<Plan, Error> {
        self.plan_request(&Request::Up(target.clone()))
    }

    /// Returns the plan of [`rollback`](Runner::rollback): the migrations and their SQL. It writes nothing.
    ///
    /// ```
    /// # use migrate_core::{Error, Rollback, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// println!("{}", runner.plan_rollback(&Rollback::LastBatch)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Every error that [`rollback`](Runner::rollback) returns before it runs a step.
    pub fn plan_rollback(&mut self, rollback: &Rollback) -> Result<Plan, Error> {
        self.plan_request(&Request::Down(rollback.clone()))
    }

    /// Applies pending migrations, in the order of their versions. It resumes an interrupted migration first.
    ///
    /// The runner plans all migrations before it runs the first step. Each migration runs in its own transaction,
    /// together with its history row. MySQL and MariaDB auto-commit DDL, so there the runner writes a checkpoint before
    /// and after each step.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner, Target};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// let report = runner.up(&Target::Next(1))?;
    /// if report.is_empty() {
    ///     println!("nothing to do");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error reports the state of the database. Earlier migrations of the run stay applied. Before any step runs:
    ///
    /// - [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if the target does not exist.
    /// - [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration) if a migration is invalid, or has no rollback.
    /// - [`ErrorKind::Missing`](crate::ErrorKind::Missing), [`ErrorKind::Changed`](crate::ErrorKind::Changed) or [`ErrorKind::OutOfOrder`](crate::ErrorKind::OutOfOrder) if migrations are in such a state,
    ///   and the settings do not allow it.
    /// - [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if an interrupted migration cannot be resumed, or if an interrupted rollback must
    ///   finish first.
    /// - [`ErrorKind::InvalidSetting`](crate::ErrorKind::InvalidSetting) if a pooler or [`single_transaction`](Runner::single_transaction) prevents the
    ///   run.
    /// - as for [`status`](Runner::status).
    ///
    /// During the run:
    ///
    /// - [`ErrorKind::StepFailed`](crate::ErrorKind::StepFailed) if a step or a commit fails. The migration is rolled back; outside a transaction it
    ///   is interrupted.
    /// - [`ErrorKind::TransactionEnded`](crate::ErrorKind::TransactionEnded) if a step ends the transaction of its migration.
    /// - [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) if another run takes over the lock or the history row.
    /// - [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) if [`stop_when`](Runner::stop_when) stops the run.
    /// - [`ErrorKind::Locked`](crate::ErrorKind::Locked) or [`ErrorKind::Database`](crate::ErrorKind::Database) if the lock or the history table is not available.
    pub fn up(&mut self, target: &Target) -> Result<Report, Error> {
        let span = tracing::info_span!("up");
        let _entered = span.enter();
        self.run(&Request::Up(target.clone()))
    }

    /// Rolls back applied migrations, newest first. It finishes an interrupted rollback first.
    ///
    /// ```
    /// # use migrate_core::{Error, Rollback, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// let report = runner.rollback(&Rollback::Last(2))?;
    /// assert_eq!(report.batch, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`up`](Runner::up), but the runner checks only the migrations to roll back. It returns
    /// [`ErrorKind::Missing`](crate::ErrorKind::Missing), before any step runs, if one of them is not linked, or if one was changed and
    /// [`allow_changed`](Runner::allow_changed) is not set.
    pub fn rollback(&mut self, rollback: &Rollback) -> Result<Report, Error> {
        let span = tracing::info_span!("rollback");
        let _entered = span.enter();
        self.run(&Request::Down(rollback.clone()))
    }

    /// Rolls back the last `number` migrations and applies them again. Each keeps its batch.
    ///
    /// It plans both directions before it runs the first step. `number` must be at least 1 and at most the number of
    /// applied migrations. If nothing is applied, any number from 1 is valid, and nothing runs.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// let report = runner.redo(1)?;
    /// println!("{} migrations ran", report.executed.len()); // 2: one down, one up
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`rollback`](Runner::rollback) and [`up`](Runner::up). If applying fails after the rollback, the
    /// remaining migrations stay rolled back, and the error reports this.
    pub fn redo(&mut self, number: usize) -> Result<Report, Error> {
        let span = tracing::info_span!("redo");
        let _entered = span.enter();
        let settings = self.settings.clone();
        let (mut connection, planning, hooks) = self.open()?;
        redo::redo(&mut connection, planning, hooks, &settings, number)
    }

    /// Accepts a changed migration: stores its current checksum in history. Of an unchanged migration whose package was
    /// renamed, it stores the new name, in all rows of the package and the group. It runs no step, and changes nothing
    /// else in the database.
    ///
    /// ```
    /// # use migrate_core::{Error, MigrationRef, Runner, Version};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// runner.accept(&MigrationRef::from(Version::new(2026_11_23_093000)?))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if the reference matches no migration or several, or if the state of the
    ///   migration is not [`MigrationState::Changed`](crate::MigrationState::Changed) and its package has its old name.
    /// - [`ErrorKind::Locked`](crate::ErrorKind::Locked) if another run holds the lock for too long.
    /// - the errors of [`status`](Runner::status).
    pub fn accept(&mut self, reference: &MigrationRef) -> Result<(), Error> {
        let (mut connection, planning, hooks) = self.open()?;
        accept::accept(&mut connection, planning, hooks, reference)
    }

    /// Returns an interrupted migration, its steps, and the number of completed steps. It writes nothing.
    ///
    /// ```
    /// # use migrate_core::{MigrationRef, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// let interrupted = runner.interrupted(&"2026_11_23_093000".parse::<MigrationRef>()?)?;
    /// println!("{} of {} steps are done", interrupted.done, interrupted.planned.steps().len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if the reference matches no migration or several, or if the state of the
    ///   migration is not [`MigrationState::Interrupted`](crate::MigrationState::Interrupted).
    /// - [`ErrorKind::InvalidMigration`](crate::ErrorKind::InvalidMigration) if its steps cannot be planned.
    /// - as for [`status`](Runner::status).
    pub fn interrupted(&mut self, reference: &MigrationRef) -> Result<InterruptedMigration, Error> {
        let (mut connection, planning, _) = self.open()?;
        resolve::read_interrupted(&mut connection, planning, reference)
    }

    /// Records that exactly the first `done` steps of an interrupted migration completed. It runs no step.
    ///
    /// Use it if [`up`](Runner::up) or [`rollback`](Runner::rollback) cannot decide whether the in-flight step
    /// completed. `done` counts the steps of the interrupted `up` or rollback:
    ///
    /// | `done` | interrupted `up` | interrupted rollback |
    /// |---|---|---|
    /// | 0 | the migration is pending | the migration is applied |
    /// | all steps | the migration is applied | the migration is pending |
    /// | otherwise | the next `up` resumes after these steps | the next rollback resumes after these steps |
    ///
    /// ```
    /// # use migrate_core::{MigrationRef, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// runner.resolve(&"2026_11_23_093000".parse::<MigrationRef>()?, 2)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if the migration has fewer than `done` steps.
    /// - [`ErrorKind::Locked`](crate::ErrorKind::Locked) if another run holds the lock for too long.
    /// - the errors of [`interrupted`](Runner::interrupted).
    pub fn resolve(&mut self, reference: &MigrationRef, done: usize) -> Result<(), Error> {
        let (mut connection, planning, hooks) = self.open()?;
        resolve::resolve(&mut connection, planning, hooks, reference, done)
    }

    /// Drops everything in the database, then applies all migrations. It asks for no confirmation.
    ///
    /// | database | drops |
    /// |---|---|
    /// | SQLite | all tables, views and triggers of the `main` database, in one transaction |
    /// | PostgreSQL | all objects in the connection's schema, in one transaction |
    /// | MySQL, MariaDB | all tables, views, sequences, routines and events; each drop commits separately |
    ///
    /// This includes objects that no migration created; on PostgreSQL also extensions in the schema, unless an object
    /// elsewhere needs them. For a confirmation prompt, [`fresh_scope`](Runner::fresh_scope) names the scope.
    ///
    /// ```
    /// # use migrate_core::{Error, Runner};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Error> {
    /// println!("dropping everything in {}", runner.fresh_scope());
    /// let report = runner.fresh()?;
    /// assert_eq!(report.batch, Some(1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`up`](Runner::up). If a migration is invalid, `fresh` drops nothing.
    pub fn fresh(&mut self) -> Result<Report, Error> {
        let span = tracing::info_span!("fresh");
        let _entered = span.enter();
        let settings = self.settings.clone();
        let (mut connection, planning, hooks) = self.open()?;
        connection.settle_dialect(None)?;
        planning.check_on_empty(connection.plan_for())?;
        let scope = connection.fresh_scope();
        fresh::drop_everything(&mut connection, planning, hooks)?;
        let request = Request::Up(Target::Latest);
        run(&mut connection, planning, hooks, &settings, &request, Batches::new())
            .map_err(|error| and_before(error, &format!("everything in {scope} was dropped before")))
    }

    /// Returns the scope of [`fresh`](Runner::fresh) for a confirmation prompt: the SQLite file, the PostgreSQL schema
    /// with its database, or the MySQL or MariaDB database. The text never contains a password.
    pub fn fresh_scope(&mut self) -> String {
        self.driver.fresh_scope()
    }

    /// Returns the registered migrations.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.planning.registry()
    }

    /// Returns a label of the database for messages, such as the path of the SQLite file. It never contains a password.
    pub fn database_label(&mut self) -> String {
        self.driver.database_label()
    }

    /// Returns the differences between the live schema and the schema state of the applied migrations. It writes
    /// nothing.
    #[doc(hidden)]
    pub fn differences(&mut self) -> Result<Vec<String>, Error> {
        let (mut connection, planning, _) = self.open()?;
        let history = load_rows(&mut connection)?;
        let live = connection.live_to_plan()?;
        let planner = planning.planner(connection.plan_for(), &history);
        Ok(planner.differences(&live, connection.table().name()))
    }

    /// Reads the live schema.
    #[cfg(feature = "testing")]
    pub(crate) fn live(&mut self) -> Result<Rc<LiveSchema>, Error> {
        let (mut connection, ..) = self.open()?;
        connection.live_to_plan()
    }

    /// Returns the connection, for tests that access rows between two runs.
    #[cfg(feature = "testing")]
    pub(crate) fn session(&mut self) -> &mut dyn Session {
        self.driver
    }

    /// Returns the dialect; before the first query, that of the oldest supported version.
    #[cfg(feature = "testing")]
    pub(crate) fn dialect(&self) -> &'static dyn SqlDialect {
        self.database.dialect
    }

    fn plan_request(&mut self, request: &Request) -> Result<Plan, Error> {
        let (mut connection, planning, _) = self.open()?;
        let history = load_rows(&mut connection)?;
        let plan_for = connection.plan_for();
        let planned = planning.plan(plan_for, &history, request, || connection.live_to_plan())?;
        planning.check_first_run(&mut connection, &history, request, &planned)?;
        Ok(Plan::of(planned))
    }

    fn run(&mut self, request: &Request) -> Result<Report, Error> {
        let settings = self.settings.clone();
        let (mut connection, planning, hooks) = self.open()?;
        run(&mut connection, planning, hooks, &settings, request, Batches::new())
    }

    /// Opens the connection for one call.
    fn open(&mut self) -> Result<(Connection<'_>, &mut Planning, &mut Hooks<'c>), Error> {
        let table = HistoryTable::new(&self.history_table, self.database.dialect);
        let connection = Connection::open(self.driver, &mut self.database, table, self.lock_timeout)?;
        Ok((connection, &mut self.planning, &mut self.hooks))
    }
}
