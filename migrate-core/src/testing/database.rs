//! A temporary database that a test moves to any migration.

use std::any::Any;
use std::fmt;

use crate::code::Code;
use crate::driver::Driver;
use crate::error::Error;
use crate::history::{AppliedMigration, MigrationStatus};
use crate::migration::{DerivedMigration, Migration, MigrationId};
use crate::registry::Registry;
use crate::report::Report;
use crate::runner::Runner;
use crate::target::{MigrationRef, Rollback, Target};

/// A temporary database of one test. It is removed when the value is dropped, also after a panic.
///
/// A test moves it to a migration:
///
/// - by type: [`before`](TestDatabase::before), [`apply`](TestDatabase::apply), [`undo`](TestDatabase::undo);
/// - by version, for tests in another crate: [`before_version`](TestDatabase::before_version),
///   [`apply_version`](TestDatabase::apply_version), [`undo_version`](TestDatabase::undo_version);
/// - by number: [`up`](TestDatabase::up), [`rollback`](TestDatabase::rollback).
///
/// `TestDatabase::new` creates a SQLite database in memory, of the type `TestDatabase<SqliteConnection>`. A `TestServer`
/// creates databases on PostgreSQL, MySQL and MariaDB.
///
/// ```
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
pub struct TestDatabase<C> {
    // Declared before `storage`, so that the connection closes before the database is removed.
    conn: C,
    pub(super) registry: Registry,
    url: String,
    pub(super) storage: Box<dyn Storage>,
}

/// Where a database is. Dropping the value removes the database.
pub(super) trait Storage: Any + fmt::Debug + Send + Sync {}

impl<T: Any + fmt::Debug + Send + Sync> Storage for T {}

impl<C> TestDatabase<C> {
    pub(super) fn with(conn: C, registry: Registry, url: String, storage: impl Storage) -> TestDatabase<C> {
        TestDatabase {
            conn,
            registry,
            url,
            storage: Box::new(storage),
        }
    }
}

impl<C: Driver> TestDatabase<C> {
    /// The connection, for the rows of a test.
    pub fn conn(&mut self) -> &mut C {
        &mut self.conn
    }

    /// The URL of the database, for other connections and for programs that the test starts.
    ///
    /// On a server, it contains the password, if there is one. On SQLite, it is the path of the file, or `:memory:`.
    /// Another connection to `:memory:` opens another, empty database.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A runner for the migrations of this database, for everything else. A test owns its database, so the first run may
    /// find the objects that the test has created: [`Runner::on_existing`] is set.
    pub fn runner(&mut self) -> Runner<'_> {
        Runner::new(&mut self.conn, self.registry.clone()).on_existing(true)
    }

    /// Applies or rolls back migrations until `M` is the next migration to apply.
    ///
    /// # Errors
    ///
    /// Returns an error if this database does not list `M`, or the error of [`Runner::up`] or [`Runner::rollback`].
    pub fn before<M: DerivedMigration>(&mut self) -> Result<(), Error> {
        let reference = self.listed::<M>()?;
        self.before_version_of(&reference)
    }

    /// Applies `M` and every pending migration before it.
    ///
    /// # Errors
    ///
    /// Returns an error if this database does not list `M`, if `M` is applied already, or the error of [`Runner::up`].
    pub fn apply<M: DerivedMigration>(&mut self) -> Result<Report, Error> {
        let reference = self.listed::<M>()?;
        self.apply_version_of(&reference)
    }

    /// Rolls back `M` and every migration after it, newest first.
    ///
    /// # Errors
    ///
    /// Returns an error if this database does not list `M`, if `M` is not applied, or the error of
    /// [`Runner::rollback`].
    pub fn undo<M: DerivedMigration>(&mut self) -> Result<Report, Error> {
        let reference = self.listed::<M>()?;
        self.undo_version_of(&reference)
    }

    /// Like [`before`](TestDatabase::before), with `version` or `group:version` as text.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not a version, and the errors of [`before`](TestDatabase::before).
    pub fn before_version(&mut self, version: &str) -> Result<(), Error> {
        self.before_version_of(&parsed(version)?)
    }

    /// Like [`apply`](TestDatabase::apply), with `version` or `group:version` as text.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not a version, and the errors of [`apply`](TestDatabase::apply).
    pub fn apply_version(&mut self, version: &str) -> Result<Report, Error> {
        self.apply_version_of(&parsed(version)?)
    }

    /// Like [`undo`](TestDatabase::undo), with `version` or `group:version` as text.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not a version, and the errors of [`undo`](TestDatabase::undo).
    pub fn undo_version(&mut self, version: &str) -> Result<Report, Error> {
        self.undo_version_of(&parsed(version)?)
    }

    /// Applies the pending migrations that `target` selects.
    ///
    /// # Errors
    ///
    /// Returns the error of [`Runner::up`].
    pub fn up(&mut self, target: &Target) -> Result<Report, Error> {
        self.runner().up(target)
    }

    /// Rolls back the migrations that `rollback` selects.
    ///
    /// # Errors
    ///
    /// Returns the error of [`Runner::rollback`].
    pub fn rollback(&mut self, rollback: &Rollback) -> Result<Report, Error> {
        self.runner().rollback(rollback)
    }

    fn listed<M: DerivedMigration>(&self) -> Result<MigrationRef, Error> {
        let migration = Migration::of::<M>();
        match self.registry.get(migration.id()) {
            Some(_) => Ok(migration.id().into()),
            None => Err(Error::new(
                Code::TEST_TARGET,
                format!("{migration} does not belong to this test database"),
            )
            .at(migration.location())
            .help("add it to the list in `TestDatabase::of([..])`")
            .help("without a list, remove `unlisted` from its attribute")),
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
            return Err(Error::new(Code::TEST_TARGET, format!("{migration} is already applied"))
                .help("roll it back with `undo`, or start with `before`"));
        }
        self.up(&Target::To(migration.id().into()))
    }

    fn undo_version_of(&mut self, reference: &MigrationRef) -> Result<Report, Error> {
        let migration = *reference.up_to(&self.registry)?.1;
        if !self.applied()?.iter().any(|row| row.id() == migration.id()) {
            return Err(Error::new(Code::TEST_TARGET, format!("{migration} is not applied")).help("call `apply` first"));
        }
        self.take_back_to(migration.id())
    }

    /// Rolls back until neither the migration nor a later one is applied, newest first.
    fn take_back_to(&mut self, id: MigrationId<'_>) -> Result<Report, Error> {
        let applied = self.applied()?;
        let stays = applied.iter().take_while(|row| row.id() < id).count();
        match applied.len() - stays {
            0 => Ok(Report::default()),
            steps => self.rollback(&Rollback::Last(steps)),
        }
    }

    /// The applied migrations, in the order of application.
    fn applied(&mut self) -> Result<Vec<AppliedMigration>, Error> {
        let entries: Vec<MigrationStatus> = self.runner().status()?;
        let mut applied: Vec<AppliedMigration> = entries.into_iter().filter_map(|entry| entry.applied).collect();
        applied.sort_by_key(|row| row.sequence);
        Ok(applied)
    }
}

impl<C> fmt::Debug for TestDatabase<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestDatabase")
            .field("registry", &self.registry)
            .field("place", &self.storage)
            .finish_non_exhaustive()
    }
}

fn parsed(version: &str) -> Result<MigrationRef, Error> {
    version.parse().map_err(|error: crate::version::InvalidVersion| {
        Error::new(
            Code::TEST_TARGET,
            format!("{version:?} is not a version or `group:version`"),
        )
        .help(error.to_string())
    })
}
