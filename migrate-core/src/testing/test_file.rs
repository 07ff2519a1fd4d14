//! A temporary file for a SQLite database, gone at the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::{Connection, ConnectionError, ConnectionResult, SqliteConnection};

/// An empty SQLite database in a temporary file of its own, removed when the value is dropped, also by a panic.
///
/// It is for tests that start programs, or that migrate by other means; [`TestDatabase`](super::TestDatabase) is driven
/// to any migration.
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
    /// A new one.
    ///
    /// # Errors
    ///
    /// If the directory for temporary files cannot be written.
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

impl Drop for TestFile {
    fn drop(&mut self) {
        // What is left behind is a temporary file, and a test has nothing to do about it.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
