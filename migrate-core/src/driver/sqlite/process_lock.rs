//! A file that the operating system keeps locked for as long as a process lives: what a database without sessions lacks.
//!
//! It is looked at, made and removed only by who holds the database's own right to write.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The right to write that is this process's, beyond a transaction.
#[doc(hidden)]
#[derive(Debug)]
pub struct ProcessLock {
    path: PathBuf,
    // Locked until it is closed.
    file: File,
}

impl ProcessLock {
    /// Beside a database's file.
    pub(super) fn path_beside(database: &Path) -> PathBuf {
        let mut path = database.as_os_str().to_owned();
        path.push("-migrating");
        path.into()
    }

    /// Locks it, which nobody else has.
    pub(super) fn take(path: PathBuf) -> io::Result<ProcessLock> {
        // Not emptied before it is locked.
        let (mut file, is_new) = match to_lock().create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (to_lock().open(&path)?, false),
            file => (file?, true),
        };
        if let Err(error) = file.try_lock() {
            // Where files cannot be locked, one that stays would stop all who come after, even those who need no lock.
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

    /// Who has it, if somebody has. What a process left that is gone is removed.
    pub(super) fn holder(path: &Path) -> io::Result<Option<String>> {
        let file = to_lock().open(path).or_else(|error| match error.kind() {
            // Most systems lock what can only be read as well.
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
                // Where a lock keeps others from reading, it stays unsaid.
                let _ = file.read_to_string(&mut holder);
                Ok(Some(match holder.as_str() {
                    "" => "a process that cannot be named".to_owned(),
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

/// Open for writing as well: a network file system may lock nothing else (<https://man7.org/linux/man-pages/man2/flock.2.html>).
fn to_lock() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_it_and_what_is_left_behind_is_removed() -> io::Result<()> {
        let directory = std::env::temp_dir().join(format!("migrate-lock-{}", std::process::id()));
        fs::create_dir(&directory)?;
        let path = ProcessLock::path_beside(&directory.join("app.db"));
        assert!(path.ends_with("app.db-migrating"));
        assert_eq!(ProcessLock::holder(&path)?, None);

        let lock = ProcessLock::take(path.clone())?;
        assert_eq!(ProcessLock::holder(&path)?, Some(format!("pid {}", std::process::id())));
        assert!(ProcessLock::take(path.clone()).is_err());
        // Whoever fails to take it leaves it where it is.
        assert_eq!(ProcessLock::holder(&path)?, Some(format!("pid {}", std::process::id())));
        lock.remove()?;
        assert!(!path.exists());

        // As a process that is gone leaves it.
        fs::write(&path, "pid 1")?;
        assert_eq!(ProcessLock::holder(&path)?, None);
        assert!(!path.exists());

        // As another user leaves it, in a directory that is everybody's.
        fs::write(&path, "pid 1")?;
        let mut permissions = fs::metadata(&path)?.permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions)?;
        assert_eq!(ProcessLock::holder(&path)?, None);
        assert!(!path.exists());
        fs::remove_dir_all(directory)
    }
}
