//! A file that the operating system keeps locked while a process lives, because SQLite has no session that could hold a
//! lock.
//!
//! Only the holder of the database's write lock checks, creates or removes the file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The lock of this process that outlives its transactions.
#[doc(hidden)]
#[derive(Debug)]
pub struct ProcessLock {
    path: PathBuf,
    // The lock lasts until the file is closed.
    file: File,
}

impl ProcessLock {
    /// Returns the path of the lock file beside the file of a database.
    pub(super) fn path_beside(database: &Path) -> PathBuf {
        let mut path = database.as_os_str().to_owned();
        path.push("-migrating");
        path.into()
    }

    /// Locks the file. Fails if another process holds the lock.
    pub(super) fn take(path: PathBuf) -> io::Result<ProcessLock> {
        // Truncated only after it is locked.
        let (mut file, is_new) = match to_lock().create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (to_lock().open(&path)?, false),
            file => (file?, true),
        };
        if let Err(error) = file.try_lock() {
            // If files cannot be locked, a file that stays would block all later runs, even those that need no lock.
            if is_new && matches!(error, TryLockError::Error(_)) {
                let _ = fs::remove_file(&path);
            }
            return Err(error.into());
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "pid {}", std::process::id())?;
        Ok(ProcessLock { path, file })
    }

    /// Returns the process that holds the lock, if there is one. Removes a file that a dead process left.
    pub(super) fn holder(path: &Path) -> io::Result<Option<String>> {
        let file = to_lock().open(path).or_else(|error| match error.kind() {
            // Most systems can also lock a file that is read-only.
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => File::open(path),
            _ => Err(error),
        });
        let mut file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => fs::remove_file(path).map(|()| None),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // If the lock prevents reading, the holder stays unnamed.
                let _ = file.read_to_string(&mut holder);
                Ok(Some(match holder.as_str() {
                    "" => "an unknown process".to_owned(),
                    holder => holder.to_owned(),
                }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn remove(self) -> io::Result<()> {
        let removed = fs::remove_file(&self.path);
        drop(self.file);
        removed
    }
}

/// Opens for writing too: a network file system may refuse to lock other files
/// (<https://man7.org/linux/man-pages/man2/flock.2.html>).
fn to_lock() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_the_lock_and_stale_files_are_removed() -> io::Result<()> {
        let directory = std::env::temp_dir().join(format!("migrate-lock-{}", std::process::id()));
        fs::create_dir(&directory)?;
        let path = ProcessLock::path_beside(&directory.join("app.db"));
        assert!(path.ends_with("app.db-migrating"));
        assert_eq!(ProcessLock::holder(&path)?, None);

        let lock = ProcessLock::take(path.clone())?;
        assert_eq!(ProcessLock::holder(&path)?, Some(format!("pid {}", std::process::id())));
        assert!(ProcessLock::take(path.clone()).is_err());
        // A failed attempt leaves the file in place.
        assert_eq!(ProcessLock::holder(&path)?, Some(format!("pid {}", std::process::id())));
        lock.remove()?;
        assert!(!path.exists());

        // A dead process leaves its file.
        fs::write(&path, "pid 1")?;
        assert_eq!(ProcessLock::holder(&path)?, None);
        assert!(!path.exists());

        // Another user leaves a read-only file in a shared directory.
        fs::write(&path, "pid 1")?;
        let mut permissions = fs::metadata(&path)?.permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions)?;
        assert_eq!(ProcessLock::holder(&path)?, None);
        assert!(!path.exists());
        fs::remove_dir_all(directory)
    }
}
