//! The only place that orders effects: load, plan, lock, revalidate, execute, record.
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

use crate::dialect::DialectVersion;
use crate::driver::{Driver, DriverError, LockScope, Session};
use crate::error::{Error, ErrorKind};
use crate::history::table::{HistoryTable, SessionBaseline};
use crate::history::{Checksums, DEFAULT_HISTORY_TABLE, MigrationStatus};
use crate::migration::{Direction, Migration};
use crate::plan::{Plan, PlanFor};
use crate::registry::Registry;
use crate::render::{SqlDialect, dialect_of};
use crate::report::{Event, Report};
use crate::state::LiveSchema;
use crate::target::{MigrationRef, Policy, Rollback, Target};

pub use resolve::InterruptedMigration;

use replay::Replay;

/// Applies migrations to a database, and rolls them back.
///
/// A runner borrows a Diesel connection, which must be outside a transaction; pass a pooled one as `&mut *conn`. A run
/// holds a lock while it writes. So programs that start together apply each migration once, and the others wait up to
/// the [lock timeout](Runner::lock_timeout).
///
/// | | SQLite | PostgreSQL | MySQL, MariaDB |
/// |---|---|---|---|
/// | lock | `BEGIN IMMEDIATE` | advisory lock | `GET_LOCK` |
/// | transaction | one per migration | one per migration | DDL auto-commits |
/// | killed run | is rolled back | is rolled back | resumes at the interrupted step |
///
/// A migration with `transaction = false` commits each step on every database, and also resumes.
///
/// Inside a transaction, runs, plans and status fail with [`ErrorKind::InvalidSetting`]. A runner never prints, reads
/// environment variables or exits.
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
    /// The dialect matches the version of the server.
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

/// The longest lock wait of one statement, so that other queries do not queue behind it. Then the migration is retried
/// until the lock timeout ends.
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
    /// - [`ErrorKind::NoMigrations`] if no migration is linked.
    /// - [`ErrorKind::DuplicateVersion`] if two linked migrations have one group and version.
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
    /// [`ErrorKind::InvalidSetting`] if the name is blank, is longer than 63 bytes, or holds a control character. Also
    /// for a reserved prefix: `sqlite_` on SQLite, `pg_` on PostgreSQL.
    pub fn history_table(mut self, name: &str) -> Result<Runner<'c>, Error> {
        let dialect = self.dialect;
        let is_unusable = name.trim().is_empty()
            || name.len() > 63
            || name.chars().any(char::is_control)
            || dialect.is_reserved(name);
        if is_unusable {
            return Err(Error::new(
                ErrorKind::InvalidSetting,
                format!("{name:?} cannot be the name of the history table"),
            )
            .next(
                "give a name of 1 to 63 bytes without control characters, and none that the database keeps for itself",
            ));
        }
        self.table = HistoryTable::new(name, dialect);
        self.baseline = None;
        Ok(self)
    }

    /// Sets how long to wait for a lock that another connection holds. The default is 30 seconds.
    ///
    /// On PostgreSQL, MySQL and MariaDB a statement waits at most 2 seconds, so that other queries do not queue behind
    /// it. Then the runner retries the migration, or outside a transaction the statement, until the timeout ends. A
    /// concurrent statement on PostgreSQL waits the whole time. MySQL and MariaDB wait in whole seconds, at least 1.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Runner<'c> {
        self.lock_timeout = timeout;
        self
    }

    /// Sets the name that history records for each applied migration; by convention `user@host`. The default is empty.
    /// Control characters are removed.
    #[must_use]
    pub fn applied_by(mut self, who: impl Into<String>) -> Runner<'c> {
        self.applied_by = who.into();
        self.applied_by.retain(|c| !c.is_control());
        self
    }

    /// Sets if [`up`](Runner::up) refuses pending migrations that are older than an applied one of their group. The
    /// default is false: `up` applies them.
    #[must_use]
    pub fn strict_order(mut self, strict: bool) -> Runner<'c> {
        self.policy.strict_order = strict;
        self
    }

    /// Sets if [`up`](Runner::up) runs although history holds migrations that are not linked. The default is false.
    #[must_use]
    pub fn allow_missing(mut self, allow: bool) -> Runner<'c> {
        self.policy.allow_missing = allow;
        self
    }

    /// Sets if a run continues although migrations were changed after they were applied. The default is false.
    ///
    /// A rollback then uses the changed `down`, or the rollback of the changed `up`.
    #[must_use]
    pub fn allow_changed(mut self, allow: bool) -> Runner<'c> {
        self.policy.allow_changed = allow;
        self
    }

    /// Sets if [`up`](Runner::up) and [`rollback`](Runner::rollback) use one transaction for all their migrations: all
    /// or none. The default is false. [`redo`](Runner::redo) uses one for each direction. All locks last until the
    /// commit.
    ///
    /// A run that cannot use one transaction fails with [`ErrorKind::InvalidSetting`] before it changes anything:
    ///
    /// - on MySQL and MariaDB, which auto-commit DDL;
    /// - with a migration that sets `transaction = false`;
    /// - on SQLite, with a table rebuild in one migration and raw SQL or a Rust step in another. A rebuild disables
    ///   foreign keys for the whole transaction.
    #[must_use]
    pub fn single_transaction(mut self, single: bool) -> Runner<'c> {
        self.single_transaction = single;
        self
    }

    /// Sets a condition that stops a run. The runner checks it between statements, and while it waits for another run.
    ///
    /// Once `is_to_stop` returns true, the run fails with [`ErrorKind::Stopped`] where a later run can continue. A
    /// running statement, and a PostgreSQL pipeline, completes first. A migration in a transaction is rolled back. A
    /// migration outside one is interrupted after the statement, and the next run resumes it. The error reports the
    /// state of the database.
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

    /// Calls `observer` for each [`Event`] of a run. A later call replaces the observer.
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
    /// Groups that have no linked migration belong to other programs and are left out.
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
    /// - [`ErrorKind::History`] if the history table has other columns, rows of a newer version, or invalid rows.
    /// - [`ErrorKind::Locked`] if the database stays locked longer than the [lock timeout](Runner::lock_timeout).
    /// - [`ErrorKind::Database`] if the database fails, or its version is too old.
    pub fn status(&mut self) -> Result<Vec<MigrationStatus>, Error> {
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            Ok(history.compare(&runner.registry, &runner.checksums))
        })
    }

    /// Returns true if every migration is applied, unchanged and linked, or belongs to a newer program. It writes
    /// nothing.
    ///
    /// It returns false if a migration is pending, in order or not, missing, changed or interrupted. A program that
    /// does not migrate at startup can check this instead.
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
    /// The runner plans all migrations before it runs the first step. Each one runs in its own transaction, together
    /// with its history row; MySQL and MariaDB auto-commit DDL, so there a checkpoint follows each step.
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
    /// - [`ErrorKind::InvalidTarget`] if the target does not exist.
    /// - [`ErrorKind::InvalidMigration`] if a migration is invalid, or has no rollback.
    /// - [`ErrorKind::Missing`], [`ErrorKind::Changed`] or [`ErrorKind::OutOfOrder`] if the status has such migrations,
    ///   and the settings do not allow them.
    /// - [`ErrorKind::Interrupted`] if an interrupted migration cannot be resumed, or its rollback must be finished
    ///   first.
    /// - [`ErrorKind::InvalidSetting`] if a pooler or [`single_transaction`](Runner::single_transaction) prevents the
    ///   run.
    /// - as for [`status`](Runner::status).
    ///
    /// During the run:
    ///
    /// - [`ErrorKind::StepFailed`] if a step or a commit fails. The migration is rolled back; outside a transaction it
    ///   is interrupted.
    /// - [`ErrorKind::TransactionEnded`] if a step ends the transaction of its migration.
    /// - [`ErrorKind::Interrupted`] if another run takes over the lock or the history row.
    /// - [`ErrorKind::Stopped`] if [`stop_when`](Runner::stop_when) stops the run.
    /// - [`ErrorKind::Locked`] or [`ErrorKind::Database`] if the lock or history is not available.
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
    /// As for [`up`](Runner::up), but only the migrations to roll back are checked. [`ErrorKind::Missing`] if one of
    /// them is not linked, or was changed and [`allow_changed`](Runner::allow_changed) is not set; then nothing runs.
    pub fn rollback(&mut self, rollback: &Rollback) -> Result<Report, Error> {
        let span = tracing::info_span!("rollback");
        let _entered = span.enter();
        self.with_lock_wait(|runner| runner.run(&Request::Down(rollback.clone()), &HashMap::new()))
    }

    /// Rolls the last `steps` migrations back and applies them again, each in its original batch.
    ///
    /// It checks both directions before it runs the first step. The number must be at least 1 and at most the number of
    /// applied migrations; if nothing is applied, any number from 1 is valid.
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
    /// As for [`rollback`](Runner::rollback) and [`up`](Runner::up). If `up` fails after the rollback, the migrations
    /// that it did not reach stay rolled back, and the error reports it.
    pub fn redo(&mut self, steps: usize) -> Result<Report, Error> {
        let span = tracing::info_span!("redo");
        let _entered = span.enter();
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            let batches: HashMap<MigrationRef, i64> = history
                .rows()
                .iter()
                .map(|row| (MigrationRef::from(row.id()), row.batch))
                .collect();
            let back = runner.queue(&history, &Request::Down(Rollback::Last(steps)))?;
            let back: Vec<Migration> = back.iter().map(|planned| planned.migration).collect();
            runner.check_redo(&history, &back)?;
            let these = back.iter().map(|migration| migration.id().into()).collect();
            let mut report =
                runner
                    .run(&Request::These(Direction::Down, these), &batches)
                    .map_err(|error| match runner.read_history() {
                        Ok(Some(left)) if back.iter().any(|migration| left.find(migration.id()).is_none()) => {
                            error.next("`migrate up` applies again what was rolled back")
                        }
                        // Nothing was rolled back, or history is unreadable.
                        _ => error,
                    })?;
            let again = report.executed.iter().map(|done| done.migration.id().into()).collect();
            let rolled_back = report.executed.len();
            let up = runner
                .run(&Request::These(Direction::Up, again), &batches)
                .map_err(|error| {
                    error
                        .and_state(&format!("{rolled_back} rolled back before, to be applied again"))
                        .next("`migrate up` applies what is pending")
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

    /// Sets the dialect for the server's version, once. Without `told` it asks the server.
    fn settle_dialect(&mut self, told: Option<DialectVersion>) -> Result<(), Error> {
        if self.is_dialect_known {
            return Ok(());
        }
        let version = match told {
            Some(version) => version,
            None => self
                .session
                .version()
                .map_err(|error| self.database_error("the version of the server could not be read", error))?,
        };
        if !version.is_supported() {
            let oldest = DialectVersion::from(version.name());
            let message = format!("{version} is older than {oldest}, the oldest that SQL is written for");
            return Err(Error::new(ErrorKind::Database, message).nothing_changed().next(
                "use a newer server; an older one may take a part of the SQL for something else without a word",
            ));
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
            .map_err(|error| self.database_error("the schema could not be read", error))
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
    pub fn location(&mut self) -> String {
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

/// Returns the name of a migration with its location, for messages.
fn named(migration: &Migration) -> String {
    format!("{migration} ({})", migration.location())
}
