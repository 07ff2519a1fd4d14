//! The only place that orders effects: look, plan, lock, look again, run, remember.
//!
//! It prints nothing, reads no environment and never exits; what goes on is told as [`Event`]s.

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
/// In an application's start:
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
/// // Or, where something else migrates: only look.
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
    /// The server was asked what its version makes of the dialect.
    is_dialect_known: bool,
    /// `None` before the first transaction.
    baseline: Option<SessionBaseline>,
    /// The right to write beyond the transaction, until it is given up.
    held: LockScope,
    /// Until when what is at hand is tried again if something else holds a lock.
    retry_deadline: Option<Instant>,
    policy: Policy,
    lock_timeout: Duration,
    /// How long one statement waits for a lock.
    statement_lock_timeout: Duration,
    single_transaction: bool,
    applied_by: String,
    observer: Option<Observer<'c>>,
    is_to_stop: Option<Stop<'c>>,
    replay: RefCell<Replay>,
    /// What the marker was when history was read last, if that was told with it.
    history_version_read: Option<i64>,
    /// What the database held when it was read last.
    live: Rc<LiveSchema>,
}

/// How long a statement waits for a lock, so that whoever comes behind it is not held up; then all of its migration is tried
/// again, as long as the lock timeout lasts.
const STATEMENT_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a lock or a claim that somebody else holds is looked at.
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
    /// A runner of the migrations that are linked into this program; see [`Registry::linked`].
    ///
    /// # Errors
    ///
    /// If none is linked, or two share a version.
    pub fn linked<D: Driver>(connection: &'c mut D) -> Result<Runner<'c>, Error> {
        Ok(Runner::new(connection, Registry::linked()?))
    }

    /// A runner of an explicit set.
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

    /// The name of the history table, [`DEFAULT_HISTORY_TABLE`] unless set.
    ///
    /// # Errors
    ///
    /// If the name is empty, longer than 63 bytes, holds a control character, or is one that the database keeps for itself.
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

    /// How long to wait for another connection's lock; 30 seconds unless set.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Runner<'c> {
        self.lock_timeout = timeout;
        self
    }

    /// Who applies, as history keeps it: by convention `user@host`.
    #[must_use]
    pub fn applied_by(mut self, who: impl Into<String>) -> Runner<'c> {
        self.applied_by = who.into();
        self.applied_by.retain(|c| !c.is_control());
        self
    }

    /// Refuse to apply a migration that is older than one that has been applied.
    #[must_use]
    pub fn strict_order(mut self, strict: bool) -> Runner<'c> {
        self.policy.strict_order = strict;
        self
    }

    /// Go on although history holds migrations that are not linked.
    #[must_use]
    pub fn allow_missing(mut self, allow: bool) -> Runner<'c> {
        self.policy.allow_missing = allow;
        self
    }

    /// Go on although migrations were changed after they had been applied.
    #[must_use]
    pub fn allow_changed(mut self, allow: bool) -> Runner<'c> {
        self.policy.allow_changed = allow;
        self
    }

    /// All that `up` or `rollback` has to do happens in one transaction: whole, or not at all. `redo` takes one for each way.
    ///
    /// Where that cannot be, the run is refused before anything happens: on MySQL and MariaDB, which commit each change of the
    /// schema, and with a migration that is `transaction = false`. All locks are held until the end.
    #[must_use]
    pub fn single_transaction(mut self, single: bool) -> Runner<'c> {
        self.single_transaction = single;
        self
    }

    /// Asked between statements: once it says `true`, the run ends where it can be taken up again, with an error of the kind
    /// [`ErrorKind::Stopped`].
    ///
    /// What is in flight is finished: a statement, or the migrations that travel together on PostgreSQL. A migration in a
    /// transaction that has begun is rolled back; one outside is interrupted after the statement, and goes on from there. The
    /// error says what history holds then.
    #[must_use]
    pub fn stop_when(mut self, is_to_stop: impl Fn() -> bool + 'c) -> Runner<'c> {
        self.is_to_stop = Some(Box::new(is_to_stop));
        self
    }

    /// Is told what goes on, as it goes on.
    #[must_use]
    pub fn observe(mut self, observer: impl FnMut(&Event<'_>) + 'c) -> Runner<'c> {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Every migration that is linked or known to history, and its state. Writes nothing.
    ///
    /// # Errors
    ///
    /// If history cannot be read.
    pub fn status(&mut self) -> Result<Vec<MigrationStatus>, Error> {
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            Ok(history.compare(&runner.registry, &runner.checksums))
        })
    }

    /// Whether the database is where this program wants it: nothing is pending, be it in order or not, and nothing is missing,
    /// changed or interrupted. Writes nothing. Migrations of a newer program do not count against it.
    ///
    /// # Errors
    ///
    /// If history cannot be read.
    pub fn is_current(&mut self) -> Result<bool, Error> {
        Ok(self.status()?.iter().all(|entry| entry.state.is_current()))
    }

    /// What `up` would do. Writes nothing.
    ///
    /// # Errors
    ///
    /// Whatever `up` would refuse before it runs anything.
    pub fn plan(&mut self, target: &Target) -> Result<Plan, Error> {
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            Ok(Plan::of(runner.queue(&history, &Request::Up(target.clone()))?))
        })
    }

    /// What `rollback` would do. Writes nothing.
    ///
    /// # Errors
    ///
    /// Whatever `rollback` would refuse before it runs anything.
    pub fn plan_rollback(&mut self, rollback: &Rollback) -> Result<Plan, Error> {
        self.with_lock_wait(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            Ok(Plan::of(runner.queue(&history, &Request::Down(rollback.clone()))?))
        })
    }

    /// Applies what is pending.
    ///
    /// # Errors
    ///
    /// If anything is wrong with what is to run, before it runs; if a step fails, after its migration was rolled back. The
    /// error says what state the database is in.
    pub fn up(&mut self, target: &Target) -> Result<Report, Error> {
        let span = tracing::info_span!("up");
        let _entered = span.enter();
        self.with_lock_wait(|runner| runner.run(&Request::Up(target.clone()), &HashMap::new()))
    }

    /// Takes back what was applied, newest first.
    ///
    /// # Errors
    ///
    /// As for [`up`](Runner::up); nothing runs either if one of them is not linked into this program.
    pub fn rollback(&mut self, rollback: &Rollback) -> Result<Report, Error> {
        let span = tracing::info_span!("rollback");
        let _entered = span.enter();
        self.with_lock_wait(|runner| runner.run(&Request::Down(rollback.clone()), &HashMap::new()))
    }

    /// Rolls the last so many migrations back and applies them again, each in the batch that it was in.
    ///
    /// # Errors
    ///
    /// As for [`rollback`](Runner::rollback) and [`up`](Runner::up).
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
                        // Nothing was, or that cannot be seen.
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

    /// In what the database differs from what the applied migrations have made of it, as far as they say. Writes nothing.
    #[doc(hidden)]
    pub fn differences(&mut self) -> Result<Vec<String>, Error> {
        let history = self.read_history()?.unwrap_or_default();
        let live = self.live()?;
        Ok(self.planner(&history).differences(&live, self.table.name()))
    }

    /// The connection, for who looks at rows between two runs.
    pub(crate) fn session(&mut self) -> &mut dyn Session {
        self.session
    }

    /// How the database writes SQL, as far as that was told.
    pub(crate) fn dialect(&self) -> &'static dyn SqlDialect {
        self.dialect
    }

    /// Learns what the server's version makes of the dialect: what it has told, or else it is asked, once.
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

    /// What the database holds.
    pub(crate) fn live(&mut self) -> Result<Rc<LiveSchema>, Error> {
        self.look_around()
            .map_err(|error| self.database_error("the schema could not be read", error))
    }

    fn look_around(&mut self) -> Result<Rc<LiveSchema>, DriverError> {
        self.live = self.session.live(&self.live)?;
        Ok(self.live.clone())
    }

    /// The registered migrations.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Which database this is, for messages; never with a password.
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

    /// Whether who started the run wants it to end.
    fn is_stopped(&self) -> bool {
        self.is_to_stop.as_ref().is_some_and(|is_to_stop| is_to_stop())
    }

    fn tell(&mut self, event: &Event<'_>) {
        if let Some(observer) = &mut self.observer {
            observer(event);
        }
    }
}

/// What a run is for.
#[derive(Clone, Debug)]
enum Request {
    Up(Target),
    Down(Rollback),
    /// These, as far as they are still to be done.
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

/// What a migration is called in messages.
fn named(migration: &Migration) -> String {
    format!("{migration} ({})", migration.location())
}
