//! The runner, which alone orders the effects: load, plan, lock, revalidate, execute, record.
//!
//! It prints nothing, reads no environment and never exits. It reports progress as [`Event`]s.

mod accept;
mod attempt;
mod diagnose;
mod fresh;
mod lock;
mod one;
mod pipeline;
mod queue;
mod recovery;
mod replay;
mod resolve;
mod run;
mod single_transaction;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::code::Code;
#[cfg(doc)]
use crate::code::ErrorKind;
use crate::dialect::DialectVersion;
use crate::driver::{Driver, DriverError, LockScope, Session};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::table::{HistoryTable, SessionBaseline};
use crate::history::{Checksums, DEFAULT_HISTORY_TABLE, MigrationStatus};
use crate::migration::{Direction, Migration};
use crate::plan::{Plan, PlanFor, PlannedMigration};
use crate::registry::Registry;
use crate::render::{SqlDialect, dialect_of};
use crate::report::{Event, Report};
use crate::state::LiveSchema;
use crate::target::{MigrationRef, Policy, Rollback, Target};

pub use resolve::InterruptedMigration;

use diagnose::ROLLED_BACK;
use replay::Replay;

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
    session: &'c mut dyn Session,
    registry: Registry,
    checksums: Checksums,
    table: HistoryTable,
    dialect: &'static dyn SqlDialect,
    /// True if the dialect matches the version of the server.
    is_dialect_known: bool,
    /// `None` outside a run, and before its first transaction.
    baseline: Option<SessionBaseline>,
    /// The lock, if it outlives its transaction.
    held: LockScope,
    /// The deadline for retries while another connection holds a lock.
    retry_deadline: Option<Instant>,
    policy: Policy,
    lock_timeout: Duration,
    /// The longest lock wait of one statement.
    statement_lock_timeout: Duration,
    single_transaction: bool,
    applied_by: String,
    observer: Option<Observer<'c>>,
    is_to_stop: Option<Stop<'c>>,
    replay: RefCell<Replay>,
    /// The history version at the last read, if it came with the rows.
    history_version_read: Option<i64>,
    /// The live schema at the last read.
    live: Rc<LiveSchema>,
}

/// The longest lock wait of one statement. It is short, so that other queries do not queue behind the statement. After
/// it, the runner retries the migration until the lock timeout ends.
const STATEMENT_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The interval between attempts to take the lock that another run holds.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(50);

type Observer<'c> = Box<dyn FnMut(&Event<'_>) + 'c>;

type Stop<'c> = Box<dyn Fn() -> bool + 'c>;

impl std::fmt::Debug for Runner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("registry", &self.registry)
            .field("table", &self.table)
            .field("policy", &self.policy)
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
        let dialect = connection.traits().dialect;
        Runner {
            dialect,
            is_dialect_known: false,
            held: LockScope::Transaction,
            retry_deadline: None,
            checksums: Checksums::of(&registry, dialect.kind()),
            registry,
            table: HistoryTable::new(DEFAULT_HISTORY_TABLE, dialect),
            baseline: None,
            session: connection,
            policy: Policy::default(),
            lock_timeout: Duration::from_secs(30),
            statement_lock_timeout: STATEMENT_LOCK_TIMEOUT,
            single_transaction: false,
            applied_by: String::new(),
            observer: None,
            is_to_stop: None,
            replay: RefCell::default(),
            history_version_read: None,
            live: Rc::default(),
        }
    }

    /// Sets the name of the history table. The default is [`DEFAULT_HISTORY_TABLE`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidSetting`](crate::ErrorKind::InvalidSetting) if the name is blank, is longer than 63 bytes, contains a control character, or
    /// has a reserved prefix: `sqlite_` on SQLite, `pg_` on PostgreSQL.
    pub fn history_table(mut self, name: &str) -> Result<Runner<'c>, Error> {
        let dialect = self.dialect;
        let is_unusable = name.trim().is_empty()
            || name.len() > 63
            || name.chars().any(char::is_control)
            || dialect.is_reserved(name);
        if is_unusable {
            return Err(Error::new(
                Code::INVALID_HISTORY_TABLE,
                format!("{name:?} is not a valid name for the history table"),
            )
            .help("use 1 to 63 bytes without control characters, and not a name that the database reserves"));
        }
        self.table = HistoryTable::new(name, dialect);
        self.baseline = None;
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
        self.applied_by = who.into();
        self.applied_by.retain(|c| !c.is_control());
        self
    }

    /// Sets whether [`up`](Runner::up) refuses a pending migration that is older than an applied one of its group. The
    /// default is false: `up` applies it.
    #[must_use]
    pub fn strict_order(mut self, strict: bool) -> Runner<'c> {
        self.policy.strict_order = strict;
        self
    }

    /// Sets whether [`up`](Runner::up) runs although migrations are [missing](crate::MigrationState::Missing): applied,
    /// but not linked. The default is false.
    #[must_use]
    pub fn allow_missing(mut self, allow: bool) -> Runner<'c> {
        self.policy.allow_missing = allow;
        self
    }

    /// Sets whether a run continues although an applied migration was [changed](crate::MigrationState::Changed). The
    /// default is false.
    ///
    /// If true, a rollback uses the current `down`, or derives the rollback from the current `up`.
    #[must_use]
    pub fn allow_changed(mut self, allow: bool) -> Runner<'c> {
        self.policy.allow_changed = allow;
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
        self.single_transaction = single;
        self
    }

    /// Sets a condition that stops a run. The runner checks it between statements, and while it waits for another run.
    ///
    /// Once `is_to_stop` returns true, the run fails with [`ErrorKind::Stopped`](crate::ErrorKind::Stopped) at a point where a later run can
    /// continue. First, the running statement or PostgreSQL pipeline completes. Then a migration in a transaction is
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
        self.is_to_stop = Some(Box::new(is_to_stop));
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
        self.observer = Some(Box::new(observer));
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
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            Ok(history.compare(&runner.registry, &runner.checksums))
        })
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
        Ok(self.status()?.iter().all(|entry| entry.state.is_current()))
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
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            Ok(Plan::of(runner.queue(&history, &Request::Up(target.clone()))?))
        })
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
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            Ok(Plan::of(runner.queue(&history, &Request::Down(rollback.clone()))?))
        })
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
        self.with_lock_wait(|runner| runner.run(&Request::Up(target.clone()), &HashMap::new()))
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
        self.with_lock_wait(|runner| runner.run(&Request::Down(rollback.clone()), &HashMap::new()))
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
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            let batches: HashMap<MigrationRef, i64> = history
                .rows()
                .iter()
                .map(|row| (MigrationRef::from(row.id()), row.batch))
                .collect();
            let back = runner.queue(&history, &Request::Down(Rollback::Last(number)))?;
            let back: Vec<Migration> = back.iter().map(|planned| planned.migration).collect();
            runner.check_redo(&history, &back)?;
            let these = back.iter().map(|migration| migration.id().into()).collect();
            let mut report =
                runner
                    .run(&Request::These(Direction::Down, these), &batches)
                    .map_err(|error| match runner.read_history() {
                        Ok(Some(left)) if back.iter().any(|migration| left.find(migration.id()).is_none()) => {
                            error.help(Help::from(Advice::Up).text(" applies the rolled back migrations again"))
                        }
                        // Nothing was rolled back, or history is unreadable.
                        _ => error,
                    })?;
            let again = report.executed.iter().map(|done| done.migration.id().into()).collect();
            let rolled_back = number_of(report.executed.len(), "migration was", "migrations were");
            let up = runner
                .run(&Request::These(Direction::Up, again), &batches)
                .map_err(|error| {
                    let up = error.report().cloned().unwrap_or_default();
                    let mut executed = report.clone();
                    executed.executed.extend(up.executed);
                    executed.batch = up.batch;
                    let error = and_before(
                        error.with_report(executed),
                        &format!("{rolled_back} rolled back before"),
                    );
                    error.help(Help::from(Advice::Up).text(" applies the pending migrations"))
                })?;
            report.executed.extend(up.executed);
            report.batch = up.batch;
            Ok(report)
        })
    }

    /// Returns the differences between the live schema and the schema state of the applied migrations. It writes
    /// nothing.
    #[doc(hidden)]
    pub fn differences(&mut self) -> Result<Vec<String>, Error> {
        let history = self.read_history()?.unwrap_or_default();
        let live = self.live()?;
        Ok(self.planner(&history).differences(&live, self.table.name()))
    }

    /// Returns the connection, for tests that access rows between two runs.
    pub(crate) fn session(&mut self) -> &mut dyn Session {
        self.session
    }

    /// Returns the dialect; before the first query, that of the oldest supported version.
    pub(crate) fn dialect(&self) -> &'static dyn SqlDialect {
        self.dialect
    }

    /// Sets the dialect for the server's version, once. Without `known` it asks the server.
    fn settle_dialect(&mut self, known: Option<DialectVersion>) -> Result<(), Error> {
        if self.is_dialect_known {
            return Ok(());
        }
        let version = match known {
            Some(version) => version,
            None => self
                .session
                .version()
                .map_err(|error| self.database_error("the server version cannot be read", error))?,
        };
        if !version.is_supported() {
            let oldest = DialectVersion::from(version.name());
            let message = format!("the server {version} is older than {oldest}, the oldest supported version");
            return Err(Error::new(Code::UNSUPPORTED_SERVER, message)
                .nothing_changed()
                .help("use a newer server; an older one may silently misread SQL"));
        }
        let dialect = dialect_of(version);
        if dialect.kind() != self.dialect.kind() {
            self.checksums = Checksums::of(&self.registry, dialect.kind());
        }
        self.dialect = dialect;
        self.is_dialect_known = true;
        Ok(())
    }

    /// Reads the live schema.
    pub(crate) fn live(&mut self) -> Result<Rc<LiveSchema>, Error> {
        self.look_around()
            .map_err(|error| self.database_error("the schema cannot be read", error))
    }

    fn look_around(&mut self) -> Result<Rc<LiveSchema>, DriverError> {
        self.live = self.session.live(&self.live)?;
        Ok(self.live.clone())
    }

    /// Returns the registered migrations.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns a label of the database for messages, such as the path of the SQLite file. It never contains a password.
    pub fn database_label(&mut self) -> String {
        self.session.database_label()
    }

    fn plan_for(&self) -> PlanFor {
        let traits = self.session.traits();
        PlanFor {
            dialect: self.dialect,
            connection: Some((traits.connection, self.dialect.kind().connection_name())),
        }
    }

    /// Returns true if the caller wants the run to stop.
    fn is_stopped(&self) -> bool {
        self.is_to_stop.as_ref().is_some_and(|is_to_stop| is_to_stop())
    }

    fn tell(&mut self, event: &Event<'_>) {
        if let Some(observer) = &mut self.observer {
            observer(event);
        }
    }
}

/// The request that a run serves.
#[derive(Clone, Debug)]
enum Request {
    Up(Target),
    Down(Rollback),
    /// The listed migrations that are still to be applied or rolled back.
    These(Direction, Vec<MigrationRef>),
}

impl Request {
    fn direction(&self) -> Direction {
        match self {
            Request::Up(_) => Direction::Up,
            Request::Down(_) => Direction::Down,
            Request::These(direction, _) => *direction,
        }
    }
}

/// The name of a planned migration in messages.
fn subject(planned: &PlannedMigration) -> String {
    match planned.direction() {
        Direction::Up => format!("migration {}", planned.migration()),
        Direction::Down => format!("the rollback of migration {}", planned.migration()),
    }
}

/// The advice that finishes an interrupted migration. It resumes that migration only, wherever the failed run stopped.
fn advice(direction: Direction) -> Advice {
    match direction {
        Direction::Up => Advice::Up,
        Direction::Down => Advice::RollbackLast,
    }
}

/// Adds the earlier work to the state of an error.
fn and_before(error: Error, before: &str) -> Error {
    match error.database_state() {
        Some(ROLLED_BACK) => error.state(format!("the transaction was rolled back; {before}")),
        _ => error.and_state(before),
    }
}

/// Returns a number with its noun, in the singular or the plural.
fn number_of(count: usize, one: &str, several: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {several}"),
    }
}
