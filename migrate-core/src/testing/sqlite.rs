//! SQLite databases for tests: in memory, and in a temporary file.

use std::any::Any;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::{Connection, ConnectionError, ConnectionResult, SqliteConnection};

use super::TestDatabase;
use crate::code::Code;
use crate::error::Error;
use crate::migration::Migration;
use crate::registry::Registry;

/// The storage of a database in memory, which ends with its connection.
#[derive(Debug)]
struct Memory;

impl TestDatabase<SqliteConnection> {
    /// Creates a SQLite database in memory for the migrations that are linked into the test.
    ///
    /// # Errors
    ///
    /// Returns an error if no migration is linked, or if two share a group and version.
    pub fn new() -> Result<TestDatabase<SqliteConnection>, Error> {
        in_memory(Registry::linked()?)
    }

    /// Creates a SQLite database in memory for an explicit set of migrations.
    ///
    /// # Errors
    ///
    /// Returns an error if the set is empty, or if two migrations share a group and version.
    pub fn of(migrations: impl IntoIterator<Item = Migration>) -> Result<TestDatabase<SqliteConnection>, Error> {
        in_memory(Registry::of(migrations)?)
    }

    /// Replaces the database with an empty one in a temporary file, for tests with several connections, threads or
    /// processes.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory for temporary files is not writable.
    pub fn in_file(self) -> Result<TestDatabase<SqliteConnection>, Error> {
        let file = TestFile::new().map_err(not_opened)?;
        let conn = file.connect().map_err(not_opened)?;
        let url = file.path().to_string_lossy().into_owned();
        Ok(TestDatabase::with(conn, self.registry, url, file))
    }

    /// The database file, or `None` if the database is in memory. Its [`connect`](TestFile::connect) opens another
    /// connection.
    #[must_use]
    pub fn file(&self) -> Option<&TestFile> {
        let storage: &dyn Any = &*self.storage;
        storage.downcast_ref()
    }
}

fn in_memory(registry: Registry) -> Result<TestDatabase<SqliteConnection>, Error> {
    let url = ":memory:".to_owned();
    let conn = SqliteConnection::establish(&url).map_err(not_opened)?;
    Ok(TestDatabase::with(conn, registry, url, Memory))
}

fn not_opened(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Code::TEST_DATABASE, "a SQLite test database cannot be created")
        .with_cause(error)
        .help("check that the directory for temporary files is writable")
}

/// A SQLite database file in a temporary directory. Both are removed when the value is dropped, also after a panic.
///
/// Use it for tests that start programs or use another runner. For other tests, use
/// [`TestDatabase`](super::TestDatabase).
///
/// ```
/// use diesel::prelude::*;
/// use migrate_core::testing::TestFile;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = TestFile::new()?;
/// let mut conn = file.connect()?;
/// diesel::sql_query("CREATE TABLE users (id INTEGER PRIMARY KEY)").execute(&mut conn)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestFile {
    directory: PathBuf,
}

impl TestFile {
    /// Creates a temporary directory. The first connection creates the file.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory for temporary files is not writable.
    pub fn new() -> io::Result<TestFile> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        loop {
            let name = format!(
                "migrate-test-{}-{}-{}",
                process::id(),
                started.as_nanos(),
                MADE.fetch_add(1, Ordering::Relaxed)
            );
            let directory = std::env::temp_dir().join(name);
            match fs::create_dir(&directory) {
                Ok(()) => return Ok(TestFile { directory }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The path of the database file, which exists after the first connection.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join("test.db")
    }

    /// The temporary directory, for other files that a test needs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Opens a new connection to the file.
    ///
    /// # Errors
    ///
    /// Returns Diesel's error, or an error if the path is not UTF-8.
    pub fn connect(&self) -> ConnectionResult<SqliteConnection> {
        let path = self.path();
        let path = path
            .to_str()
            .ok_or_else(|| ConnectionError::InvalidConnectionUrl(format!("{} is not UTF-8", path.display())))?;
        SqliteConnection::establish(path)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        // A test cannot do anything about a temporary file that remains.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
