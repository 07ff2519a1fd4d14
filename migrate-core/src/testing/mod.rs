//! Databases for tests: each its own, gone at the end. What is tested with them is the test's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::{Connection, ConnectionError, ConnectionResult, SqliteConnection};

/// An empty SQLite database in a temporary file of its own, removed when the value is dropped, also by a panic.
///
/// It is a file and not in memory so that several connections, threads and processes can work on it.
///
/// ```
/// use diesel::prelude::*;
/// use migrate_core::testing::TestDatabase;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = TestDatabase::new()?;
/// let mut conn = database.connect()?;
/// diesel::sql_query("CREATE TABLE users (id INTEGER PRIMARY KEY)").execute(&mut conn)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TestDatabase {
    directory: PathBuf,
}

impl TestDatabase {
    /// A new one.
    ///
    /// # Errors
    ///
    /// If the directory for temporary files cannot be written.
    pub fn new() -> io::Result<TestDatabase> {
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
                Ok(()) => return Ok(TestDatabase { directory }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The file, which the first connection makes.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join("test.db")
    }

    /// The directory that goes with it, for files that a test needs beside it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Another connection to it.
    ///
    /// # Errors
    ///
    /// What Diesel says, or that the directory's path is not UTF-8.
    pub fn connect(&self) -> ConnectionResult<SqliteConnection> {
        let path = self.path();
        let path = path
            .to_str()
            .ok_or_else(|| ConnectionError::InvalidConnectionUrl(format!("{} is not UTF-8", path.display())))?;
        SqliteConnection::establish(path)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // What is left behind is a temporary file, and a test has nothing to do about it.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
