//! A database of a test's own, driven to any migration.

#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::sync::Arc;

#[cfg(any(feature = "postgres", feature = "mysql"))]
use diesel::ConnectionResult;
#[cfg(feature = "sqlite")]
use diesel::{Connection, SqliteConnection};

#[cfg(feature = "sqlite")]
use super::TestFile;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use super::server::{ScratchDatabase, ServerConnection, Template};
use crate::driver::Driver;
use crate::error::{Error, ErrorKind};
use crate::history::{AppliedMigration, MigrationStatus};
use crate::migration::{DerivedMigration, Migration, MigrationId};
use crate::registry::Registry;
use crate::report::Report;
use crate::runner::Runner;
use crate::target::{MigrationRef, Rollback, Target};

/// A database of a test's own, which starts empty, is driven to any migration, and is gone when the value is dropped, also
/// by a panic.
///
/// It goes to a migration by its type ([`before`](TestDatabase::before), [`apply`](TestDatabase::apply),
/// [`undo`](TestDatabase::undo)), by its version (`before_version` and so on, for tests that stand in another crate), or by
/// steps ([`up`](TestDatabase::up), [`rollback`](TestDatabase::rollback)).
///
/// `TestDatabase::new` makes one of SQLite in memory; a `TestServer` makes them on PostgreSQL, MySQL and MariaDB.
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use diesel::prelude::*;
/// use migrate_core::prelude::*;
/// use migrate_core::testing::{TestDatabase, TestResult};
/// use migrate_core::{Rollback, Target};
/// # #[derive(Migration)]
/// # #[migration(version = 1)]
/// # struct CreateUsers;
/// # impl Migrate for CreateUsers {
/// #     fn up(&self, schema: &mut Schema) {
/// #         schema.create_table("users", |t| { t.id(); t.text("email"); });
/// #     }
/// # }
/// # #[derive(Migration)]
/// # #[migration(version = 2)]
/// # struct AddUsername;
/// # impl Migrate for AddUsername {
/// #     fn up(&self, schema: &mut Schema) {
/// #         schema.alter_table("users", |t| t.text("username").nullable());
/// #     }
/// # }
///
/// # fn main() -> TestResult {
/// let mut db = TestDatabase::new()?;
/// db.before::<AddUsername>()?;
/// diesel::sql_query("INSERT INTO users (email) VALUES ('ada@example.org')").execute(db.conn())?;
/// db.apply::<AddUsername>()?;
/// diesel::sql_query("UPDATE users SET username = 'ada'").execute(db.conn())?;
/// db.undo::<AddUsername>()?;
///
/// db.up(&Target::Next(1))?;
/// db.rollback(&Rollback::All)?;
/// db.apply_version("1")?;
/// # Ok(())
/// # }
/// ```
pub struct TestDatabase<C = Unsaid> {
    // Before what it is connected to, so that it is closed first.
    conn: C,
    registry: Registry,
    url: String,
    storage: Storage,
}

/// The connection of a `TestDatabase` for which none is said.
#[cfg(feature = "sqlite")]
type Unsaid = SqliteConnection;
#[cfg(not(feature = "sqlite"))]
type Unsaid = std::convert::Infallible;

/// Where a database is, for as long as it is there.
#[derive(Debug)]
enum Storage {
    #[cfg(feature = "sqlite")]
    Memory,
    #[cfg(feature = "sqlite")]
    File(TestFile),
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    Server {
        _own: ScratchDatabase,
        /// Kept for others as long as this one is there.
        _template: Option<Arc<Template>>,
    },
}

#[cfg(feature = "sqlite")]
impl TestDatabase {
    /// A SQLite database in memory, for the migrations that are linked into the test.
    ///
    /// # Errors
    ///
    /// If none is linked, or two share a version.
    pub fn new() -> Result<TestDatabase, Error> {
        TestDatabase::in_memory(Registry::linked()?)
    }

    /// A SQLite database in memory, for an explicit set.
    ///
    /// # Errors
    ///
    /// If the set is empty, or two share a version.
    pub fn of(migrations: impl IntoIterator<Item = Migration>) -> Result<TestDatabase, Error> {
        TestDatabase::in_memory(Registry::of(migrations)?)
    }

    fn in_memory(registry: Registry) -> Result<TestDatabase, Error> {
        let url = ":memory:".to_owned();
        Ok(TestDatabase {
            conn: SqliteConnection::establish(&url).map_err(not_opened)?,
            registry,
            url,
            storage: Storage::Memory,
        })
    }

    /// An empty one in a temporary file instead, for tests with several connections, threads or processes.
    ///
    /// # Errors
    ///
    /// If the directory for temporary files cannot be written.
    pub fn in_file(self) -> Result<TestDatabase, Error> {
        let file = TestFile::new().map_err(not_opened)?;
        Ok(TestDatabase {
            conn: file.connect().map_err(not_opened)?,
            registry: self.registry,
            url: file.path().to_string_lossy().into_owned(),
            storage: Storage::File(file),
        })
    }

    /// The file that it is in; `None` if it is in memory.
    #[must_use]
    pub fn file(&self) -> Option<&TestFile> {
        match &self.storage {
            Storage::File(file) => Some(file),
            _ => None,
        }
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl<C: ServerConnection> TestDatabase<C> {
    pub(super) fn on_server(
        conn: C,
        registry: Registry,
        own: ScratchDatabase,
        template: Option<Arc<Template>>,
    ) -> TestDatabase<C> {
        TestDatabase {
            conn,
            registry,
            url: own.url(),
            storage: Storage::Server {
                _own: own,
                _template: template,
            },
        }
    }

    /// Another connection to it.
    ///
    /// # Errors
    ///
    /// What Diesel says.
    pub fn connect(&self) -> ConnectionResult<C> {
        C::establish(&self.url)
    }
}

impl<C: Driver> TestDatabase<C> {
    /// The connection, for rows and questions.
    pub fn conn(&mut self) -> &mut C {
        &mut self.conn
    }

    /// What names it to programs and other connections: on a server a URL, with the password if there is one; with SQLite the
    /// path of its file. One in memory is `:memory:`, and nobody else finds it by that.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A runner on it, for everything else.
    pub fn runner(&mut self) -> Runner<'_> {
        Runner::new(&mut self.conn, self.registry.clone())
    }

    /// Goes to where a migration is the next one: applies all before it, or takes back what was applied since.
    ///
    /// # Errors
    ///
    /// If it is not among the migrations of this database, and what [`Runner::up`] and [`Runner::rollback`] say.
    pub fn before<M: DerivedMigration>(&mut self) -> Result<(), Error> {
        let reference = self.listed::<M>()?;
        self.before_version_of(&reference)
    }

    /// Applies a migration, and all before it that are not applied yet.
    ///
    /// # Errors
    ///
    /// If it is not among the migrations of this database, or applied already, and what [`Runner::up`] says.
    pub fn apply<M: DerivedMigration>(&mut self) -> Result<Report, Error> {
        let reference = self.listed::<M>()?;
        self.apply_version_of(&reference)
    }

    /// Takes a migration back, and before it all that were applied after it.
    ///
    /// # Errors
    ///
    /// If it is not among the migrations of this database, or not applied, and what [`Runner::rollback`] says.
    pub fn undo<M: DerivedMigration>(&mut self) -> Result<Report, Error> {
        let reference = self.listed::<M>()?;
        self.undo_version_of(&reference)
    }

    /// [`before`](TestDatabase::before), by a version or `group:version`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn before_version(&mut self, version: &str) -> Result<(), Error> {
        self.before_version_of(&parsed(version)?)
    }

    /// [`apply`](TestDatabase::apply), by a version or `group:version`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn apply_version(&mut self, version: &str) -> Result<Report, Error> {
        self.apply_version_of(&parsed(version)?)
    }

    /// [`undo`](TestDatabase::undo), by a version or `group:version`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn undo_version(&mut self, version: &str) -> Result<Report, Error> {
        self.undo_version_of(&parsed(version)?)
    }

    /// Applies what is pending, all or so much.
    ///
    /// # Errors
    ///
    /// As [`Runner::up`].
    pub fn up(&mut self, target: &Target) -> Result<Report, Error> {
        self.runner().up(target)
    }

    /// Takes back what was applied, all or so much.
    ///
    /// # Errors
    ///
    /// As [`Runner::rollback`].
    pub fn rollback(&mut self, rollback: &Rollback) -> Result<Report, Error> {
        self.runner().rollback(rollback)
    }

    fn listed<M: DerivedMigration>(&self) -> Result<MigrationRef, Error> {
        let migration = Migration::of::<M>();
        match self.registry.get(migration.id()) {
            Some(_) => Ok(migration.id().into()),
            None => Err(Error::new(
                ErrorKind::InvalidTarget,
                format!("{migration} is not among the migrations of this database"),
            )
            .at(migration.location())
            .next("list it where the database is made, with `of([..])`; without a list there are all that are not `unlisted`")),
        }
    }

    fn before_version_of(&mut self, reference: &MigrationRef) -> Result<(), Error> {
        let (earlier, migration) = reference.up_to(&self.registry)?;
        let (last, migration) = (earlier.last().copied(), *migration);
        self.take_back_to(migration.id())?;
        if let Some(last) = last {
            self.up(&Target::To(last.id().into()))?;
        }
        Ok(())
    }

    fn apply_version_of(&mut self, reference: &MigrationRef) -> Result<Report, Error> {
        let migration = *reference.up_to(&self.registry)?.1;
        if self.applied()?.iter().any(|row| row.id() == migration.id()) {
            return Err(
                Error::new(ErrorKind::InvalidTarget, format!("{migration} is applied already"))
                    .next("take it back with `undo`, or go to `before` it"),
            );
        }
        self.up(&Target::To(migration.id().into()))
    }

    fn undo_version_of(&mut self, reference: &MigrationRef) -> Result<Report, Error> {
        let migration = *reference.up_to(&self.registry)?.1;
        if !self.applied()?.iter().any(|row| row.id() == migration.id()) {
            return Err(
                Error::new(ErrorKind::InvalidTarget, format!("{migration} is not applied"))
                    .next("apply it first, with `apply`"),
            );
        }
        self.take_back_to(migration.id())
    }

    /// Takes back, last one first, until neither a migration nor a later one is applied.
    fn take_back_to(&mut self, id: MigrationId<'_>) -> Result<Report, Error> {
        let applied = self.applied()?;
        let stays = applied.iter().take_while(|row| row.id() < id).count();
        match applied.len() - stays {
            0 => Ok(Report::default()),
            steps => self.rollback(&Rollback::Last(steps)),
        }
    }

    /// What is applied, in the order of application.
    fn applied(&mut self) -> Result<Vec<AppliedMigration>, Error> {
        let entries: Vec<MigrationStatus> = self.runner().status()?;
        let mut applied: Vec<AppliedMigration> = entries.into_iter().filter_map(|entry| entry.applied).collect();
        applied.sort_by_key(|row| row.sequence);
        Ok(applied)
    }
}

impl<C> std::fmt::Debug for TestDatabase<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestDatabase")
            .field("registry", &self.registry)
            .field("place", &self.storage)
            .finish_non_exhaustive()
    }
}

fn parsed(version: &str) -> Result<MigrationRef, Error> {
    version.parse().map_err(|error| {
        Error::new(
            ErrorKind::InvalidTarget,
            format!("{version:?} names no migration: {error}"),
        )
    })
}

#[cfg(feature = "sqlite")]
fn not_opened(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Database, "a database for a test could not be made")
        .with_cause(error)
        .next("look at the directory for temporary files")
}
