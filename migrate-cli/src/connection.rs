//! Opening the database that the settings name.

use migrate_core::{Driver, Registry, Runner};

use crate::failure::{Failure, UsageError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::settings;
use crate::settings::{Database, SqliteFile};

/// What is done with a runner, whatever the connection type below it.
pub(crate) trait Work {
    type Output;

    fn work(self, runner: Runner<'_>) -> Self::Output;
}

/// Opens the database and hands a runner on it to `work`. A SQLite file that does not exist is made only if `creates`;
/// otherwise the work sees an empty database.
#[cfg_attr(
    not(feature = "sqlite"),
    allow(unused_variables, reason = "nothing else than a file is made")
)]
pub(crate) fn with_runner<W: Work>(
    database: &Database,
    registry: Registry,
    creates: bool,
    work: W,
) -> Result<W::Output, Failure> {
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
fn not_built(feature: &str) -> Failure {
    UsageError::new(
        format!("this program was built without the feature `{feature}` of migrate-cli"),
        format!("in Cargo.toml: migrate-cli = {{ .., features = [\"{feature}\"] }}"),
    )
    .into()
}

fn run<D: Driver, W: Work>(connection: &mut D, registry: Registry, work: W) -> W::Output {
    work.work(Runner::new(connection, registry))
}

/// Whether a database is there already. What cannot be told from outside counts as there.
pub(crate) fn exists(database: &Database) -> bool {
    match database {
        Database::Sqlite(SqliteFile::Path(path)) => path.exists(),
        Database::Sqlite(SqliteFile::InMemory | SqliteFile::Uri(_)) | Database::Postgres(_) | Database::MySql(_) => {
            true
        }
    }
}

#[cfg(feature = "sqlite")]
fn open_sqlite(file: &SqliteFile, creates: bool) -> Result<diesel::SqliteConnection, Failure> {
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
                    return Err(Failure::Open {
                        message: format!("{} cannot be made", path.display()),
                        cause: format!("there is no directory {}", directory.display()),
                        next: "make the directory, or check the path".to_owned(),
                    });
                }
                // Made unmistakable: a path that begins with `file:` or `sqlite://` would be read as a URI.
                match path.to_str() {
                    Some(path) if path.contains(':') && !path.starts_with(['/', '.']) => format!("./{path}"),
                    Some(path) => path.to_owned(),
                    None => {
                        return Err(Failure::Usage(UsageError::new(
                            format!("the path {} is not UTF-8", path.display()),
                            "rename it",
                        )));
                    }
                }
            }
        }
    };
    diesel::SqliteConnection::establish(&name).map_err(|error| Failure::Open {
        message: format!("{} cannot be opened", Database::Sqlite(file.clone())),
        cause: error.to_string(),
        next: "check the path, and whether this user may write the file and its directory".to_owned(),
    })
}

#[cfg(feature = "postgres")]
fn open_postgres(url: &str) -> Result<diesel::PgConnection, Failure> {
    use diesel::Connection;

    if let Some(password) = settings::password(url)
        && password.contains(['@', ':', '/', '?', '#', ' '])
    {
        // libpq would take a part of it for something else, and print that.
        return Err(UsageError::new(
            format!("the password in {} cannot be read", Database::Postgres(url.to_owned())),
            "write `@`, `:`, `/`, `?`, `#` and blanks in it as %40, %3A, %2F, %3F, %23 and %20",
        )
        .into());
    }
    diesel::PgConnection::establish(url).map_err(|error| Failure::Open {
        message: format!("{} cannot be opened", Database::Postgres(url.to_owned())),
        cause: error.to_string().trim_end().to_owned(),
        next: "check the host, the user and the password; a database that is not there yet is made with `createdb`"
            .to_owned(),
    })
}

#[cfg(feature = "mysql")]
fn open_mysql(url: &str) -> Result<diesel::MysqlConnection, Failure> {
    use diesel::Connection;

    let as_diesel_takes_it = url.replacen("mariadb://", "mysql://", 1);
    diesel::MysqlConnection::establish(&as_diesel_takes_it).map_err(|error| Failure::Open {
        message: format!("{} cannot be opened", Database::MySql(url.to_owned())),
        cause: error.to_string().trim_end().to_owned(),
        next:
            "check the host, the user and the password; a database that is not there yet is made with `CREATE DATABASE`"
                .to_owned(),
    })
}
