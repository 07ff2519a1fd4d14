//! A temporary file for a SQLite database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::{Connection, ConnectionError, ConnectionResult, SqliteConnection};

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
