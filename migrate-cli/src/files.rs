//! Writing the files that are kept beside the migrations: whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Writes a file.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    Staged::new(file, text)?.put()
}

/// Writes a file unless it says the same already; then it keeps its time, and nothing is compiled again. Says whether it did.
pub(crate) fn keep(file: &Path, text: &str) -> io::Result<bool> {
    if says(file, text) {
        return Ok(false);
    }
    replace(file, text)?;
    Ok(true)
}

/// Whether a file says this already.
pub(crate) fn says(file: &Path, text: &str) -> bool {
    fs::read(file).is_ok_and(|there| there == text.as_bytes())
}

/// A file's new text, written beside it and not yet in its place. Dropped, it is gone.
pub(crate) struct Staged {
    file: PathBuf,
    beside: PathBuf,
}

impl Staged {
    pub(crate) fn new(file: &Path, text: &str) -> io::Result<Staged> {
        // A link stays one: what it leads to is written.
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
        // Once it is in its place there is none.
        let _ = fs::remove_file(&self.beside);
    }
}
