//! Opens the database that the settings name.

use migrate_core::{Code, Driver, Registry, Runner};

use crate::error::{CliError, UsageError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::settings;
use crate::settings::{Database, SqliteFile};

/// Work on a runner, independent of the connection type.
pub(crate) trait DatabaseTask {
    type Output;

    fn work(self, runner: Runner<'_>) -> Self::Output;
}

/// Opens the database and passes a runner to `work`. Creates a missing SQLite file only if `creates` is set; otherwise
/// `work` sees an empty database.
#[cfg_attr(
    not(feature = "sqlite"),
    allow(unused_variables, reason = "nothing else than a file is made")
)]
pub(crate) fn with_runner<W: DatabaseTask>(
    database: &Database,
    registry: Registry,
    creates: bool,
    work: W,
) -> Result<W::Output, CliError> {
    match database {
        #[cfg(feature = "sqlite")]
        Database::Sqlite(file) => {
            let mut connection = open_sqlite(file, creates)?;
            Ok(run(&mut connection, registry, work))
        }
        #[cfg(not(feature = "sqlite"))]
        Database::Sqlite(_) => Err(not_built("sqlite")),
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => {
            let mut connection = open_postgres(url)?;
            Ok(run(&mut connection, registry, work))
        }
        #[cfg(not(feature = "postgres"))]
        Database::Postgres(_) => Err(not_built("postgres")),
        #[cfg(feature = "mysql")]
        Database::MySql(url) => {
            let mut connection = open_mysql(url)?;
            Ok(run(&mut connection, registry, work))
        }
        #[cfg(not(feature = "mysql"))]
        Database::MySql(_) => Err(not_built("mysql")),
    }
}

#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn not_built(feature: &str) -> CliError {
    UsageError::new(
        Code::DRIVER_NOT_ENABLED,
        format!("this program is built without the feature `{feature}` of migrate-cli"),
        format!("enable it in Cargo.toml: migrate-cli = {{ .., features = [\"{feature}\"] }}"),
    )
    .into()
}

fn run<D: Driver, W: DatabaseTask>(connection: &mut D, registry: Registry, work: W) -> W::Output {
    work.work(Runner::new(connection, registry))
}

/// Returns true if the database exists. Only SQLite paths are checked; every other database counts as existing.
pub(crate) fn exists(database: &Database) -> bool {
    match database {
        Database::Sqlite(SqliteFile::Path(path)) => path.exists(),
        Database::Sqlite(SqliteFile::InMemory | SqliteFile::Uri(_)) | Database::Postgres(_) | Database::MySql(_) => {
            true
        }
    }
}

#[cfg(feature = "sqlite")]
fn open_sqlite(file: &SqliteFile, creates: bool) -> Result<diesel::SqliteConnection, CliError> {
    use diesel::Connection;

    let name = match file {
        SqliteFile::InMemory => ":memory:".to_owned(),
        SqliteFile::Uri(uri) if creates => uri.clone(),
        SqliteFile::Uri(uri) => settings::without_creating(uri),
        SqliteFile::Path(path) => {
            if !path.exists() && !creates {
                ":memory:".to_owned()
            } else {
                if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty())
                    && !directory.exists()
                {
                    return Err(CliError::Open {
                        code: Code::CANNOT_OPEN_DATABASE,
                        message: format!("{} cannot be created", path.display()),
                        cause: format!("directory {} does not exist", directory.display()),
                        help: "create the directory, or correct the path".to_owned(),
                    });
                }
                // SQLite would read a path that begins with `file:` or `sqlite://` as a URI.
                match path.to_str() {
                    Some(path) if path.contains(':') && !path.starts_with(['/', '.']) => format!("./{path}"),
                    Some(path) => path.to_owned(),
                    None => {
                        return Err(CliError::Usage(UsageError::new(
                            Code::INVALID_DATABASE_URL,
                            format!("the path {} is not valid UTF-8", path.display()),
                            "rename the file or its directory",
                        )));
                    }
                }
            }
        }
    };
    diesel::SqliteConnection::establish(&name).map_err(|error| CliError::Open {
        code: Code::CANNOT_OPEN_DATABASE,
        message: format!("{} cannot be opened", Database::Sqlite(file.clone())),
        cause: error.to_string(),
        help: "check the path, and that this user can write the file and its directory".to_owned(),
    })
}

#[cfg(feature = "postgres")]
fn open_postgres(url: &str) -> Result<diesel::PgConnection, CliError> {
    use diesel::Connection;

    if let Some(password) = settings::password(url)
        && password.contains(['@', ':', '/', '?', '#', ' '])
    {
        // libpq would misread such a password and print a part of it.
        return Err(UsageError::new(
            Code::INVALID_DATABASE_URL,
            format!(
                "the password in {} contains reserved characters",
                Database::Postgres(url.to_owned())
            ),
            "write `@`, `:`, `/`, `?`, `#` and spaces in the password as %40, %3A, %2F, %3F, %23 and %20",
        )
        .into());
    }
    diesel::PgConnection::establish(url).map_err(|error| CliError::Open {
        code: Code::CANNOT_OPEN_DATABASE,
        message: format!("{} cannot be opened", Database::Postgres(url.to_owned())),
        cause: error.to_string().trim_end().to_owned(),
        help: "check the host, the user and the password; create a missing database with `createdb`".to_owned(),
    })
}

#[cfg(feature = "mysql")]
fn open_mysql(url: &str) -> Result<diesel::MysqlConnection, CliError> {
    use diesel::Connection;
    use diesel::connection::SimpleConnection;

    let as_diesel_takes_it = url.replacen("mariadb://", "mysql://", 1);
    let opened = match escaped_database(&as_diesel_takes_it) {
        None => diesel::MysqlConnection::establish(&as_diesel_takes_it).map_err(|error| error.to_string()),
        // Diesel would read the escapes as a part of the name.
        Some((server, database)) => diesel::MysqlConnection::establish(&server)
            .map_err(|error| error.to_string())
            .and_then(|mut connection| {
                let uses = format!("USE `{}`", database.replace('`', "``"));
                let used = connection.batch_execute(&uses);
                used.map(|()| connection).map_err(|error| error.to_string())
            }),
    };
    opened.map_err(|error| CliError::Open {
        code: Code::CANNOT_OPEN_DATABASE,
        message: format!("{} cannot be opened", Database::MySql(url.to_owned())),
        cause: error.trim_end().to_owned(),
        help: "check the host, the user and the password; create a missing database with `CREATE DATABASE`".to_owned(),
    })
}

/// Returns the URL without its database, and the decoded database name, if the URL escapes a part of that name.
#[cfg(feature = "mysql")]
fn escaped_database(url: &str) -> Option<(String, String)> {
    let (before, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
    let (scheme, rest) = before.split_once("://")?;
    let (server, name) = rest.split_once('/')?;
    let mut parts = name.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    let database = String::from_utf8(bytes).ok().filter(|database| database != name)?;
    Some((format!("{scheme}://{server}{parameters}"), database))
}

#[cfg(all(test, feature = "mysql"))]
mod tests {
    use super::escaped_database;

    #[test]
    fn a_percent_encoded_database_name_is_decoded() {
        let named = |url| escaped_database(url);
        let expected = (
            "mysql://me:a%2Fb@host?ssl_mode=disabled".to_owned(),
            "50% of `it`".to_owned(),
        );
        let url = "mysql://me:a%2Fb@host/50%25%20of%20%60it%60?ssl_mode=disabled";
        assert_eq!(named(url), Some(expected));
        for plain in [
            "mysql://me:a%2Fb@host/app",
            "mysql://host",
            "mysql://host/50%",
            "mysql://host/app?x=%20",
        ] {
            assert_eq!(named(plain), None, "{plain}");
        }
    }
}
