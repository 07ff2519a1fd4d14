//! Writes generated files atomically.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Replaces a file.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    Staged::new(file, text)?.put()
}

/// Replaces a file if its text differs. An unchanged file keeps its modification time, so Cargo rebuilds nothing.
/// Returns true if the file was written.
pub(crate) fn keep(file: &Path, text: &str) -> io::Result<bool> {
    if has_text(file, text) {
        return Ok(false);
    }
    replace(file, text)?;
    Ok(true)
}

/// Returns true if a file has this text.
pub(crate) fn has_text(file: &Path, text: &str) -> bool {
    fs::read(file).is_ok_and(|there| there == text.as_bytes())
}

/// The new text of a file, written to a temporary file beside it. Dropping it removes the temporary file.
pub(crate) struct Staged {
    file: PathBuf,
    beside: PathBuf,
}

impl Staged {
    pub(crate) fn new(file: &Path, text: &str) -> io::Result<Staged> {
        // Writes to the target of a symbolic link, so that the link stays.
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let mut beside = OsString::from(&file);
        beside.push(".new");
        let staged = Staged {
            beside: beside.into(),
            file,
        };
        fs::write(&staged.beside, text)?;
        if let Ok(there) = fs::metadata(&staged.file) {
            fs::set_permissions(&staged.beside, there.permissions())?;
        }
        Ok(staged)
    }

    pub(crate) fn put(self) -> io::Result<()> {
        fs::rename(&self.beside, &self.file)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Fails after `put`, which has moved the file.
        let _ = fs::remove_file(&self.beside);
    }
}
