//! Opens SQLite databases.

use diesel::{Connection, SqliteConnection};

use crate::database_url::DatabaseUrl;
use crate::driver::open::{MissingFile, Open, OpenError};

impl Open for SqliteConnection {
    fn open(url: &DatabaseUrl, missing: MissingFile) -> Result<SqliteConnection, OpenError> {
        let name = file_name(url, missing)?;
        SqliteConnection::establish(&name).map_err(|error| {
            let help = "check the path, and that this user can write the file and its directory";
            OpenError::failed(url, error, help)
        })
    }
}

/// Returns the name of the file for SQLite.
fn file_name(url: &DatabaseUrl, missing: MissingFile) -> Result<String, OpenError> {
    if let Some(uri) = url.file_uri() {
        return Ok(match missing {
            MissingFile::Create => uri.to_owned(),
            MissingFile::ReadAsEmpty => without_creating(uri),
        });
    }
    let Some(path) = url.path() else {
        return Ok(":memory:".to_owned());
    };
    if missing == MissingFile::ReadAsEmpty && !path.exists() {
        return Ok(":memory:".to_owned());
    }
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty())
        && !directory.exists()
    {
        return Err(OpenError::Failed {
            message: format!("{} cannot be created", path.display()),
            cause: format!("directory {} does not exist", directory.display()),
            help: "create the directory, or correct the path",
        });
    }
    match path.to_str() {
        // SQLite would read a path that begins with `file:` or `sqlite://` as a URI.
        Some(path) if path.contains(':') && !path.starts_with(['/', '.']) => Ok(format!("./{path}")),
        Some(path) => Ok(path.to_owned()),
        None => Err(OpenError::InvalidUrl {
            message: format!("the path {} is not valid UTF-8", path.display()),
            help: "rename the file or its directory",
        }),
    }
}

/// Returns the URI that opens an existing file only: <https://sqlite.org/uri.html>.
fn without_creating(uri: &str) -> String {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut parameters: Vec<&str> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty() && *parameter != "mode=rwc")
        .collect();
    if !parameters.iter().any(|parameter| parameter.starts_with("mode=")) {
        parameters.push("mode=rw");
    }
    format!("{path}?{}", parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_a_uri_for_reading_creates_no_file() {
        for (uri, read) in [
            ("file:a.db", "file:a.db?mode=rw"),
            ("file:a.db?mode=rwc&cache=shared", "file:a.db?cache=shared&mode=rw"),
            ("file:a.db?mode=ro", "file:a.db?mode=ro"),
            ("file:a?mode=memory", "file:a?mode=memory"),
        ] {
            assert_eq!(without_creating(uri), read);
        }
    }

    #[test]
    fn a_file_name_is_never_read_as_a_uri() {
        let name = |url: &str| file_name(&url.parse().unwrap(), MissingFile::Create).unwrap();
        assert_eq!(name("a:b.db"), "./a:b.db");
        assert_eq!(name("sqlite://file:a.db"), "./file:a.db");
        assert_eq!(name("a b#c%20.db"), "a b#c%20.db");
        assert_eq!(name(":memory:"), ":memory:");
        let missing = file_name(&"no-such-file.db".parse().unwrap(), MissingFile::ReadAsEmpty);
        assert_eq!(missing.unwrap(), ":memory:");
    }
}
