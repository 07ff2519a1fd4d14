//! Writing the files that are kept beside the migrations: whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

/// Writes a file.
pub(crate) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    fs::write(&beside, text)?;
    fs::rename(&beside, file)
}

/// Writes a file unless it says the same already; then it keeps its time, and nothing is compiled again. Says whether it did.
pub(crate) fn keep(file: &Path, text: &str) -> io::Result<bool> {
    if fs::read(file).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(false);
    }
    replace(file, text)?;
    Ok(true)
}
