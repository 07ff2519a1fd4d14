//! The supported SQL dialects and their versions. `render` writes their SQL.

use std::fmt;
use std::str::FromStr;

/// An SQL dialect: the kind of database. It prints and parses in lower case.
///
/// ```
/// use migrate_core::Dialect;
///
/// assert_eq!("postgres".parse(), Ok(Dialect::Postgres));
/// assert_eq!(Dialect::MariaDb.to_string(), "mariadb");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite, from version 3.35.
    Sqlite,
    /// PostgreSQL, from version 13.
    Postgres,
    /// MySQL, from version 8.0.
    MySql,
    /// MariaDB, from version 10.6.
    MariaDb,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Dialect; 4] = [Dialect::Sqlite, Dialect::Postgres, Dialect::MySql, Dialect::MariaDb];

    /// The dialect where nothing names another, such as for a path without a scheme: SQLite.
    pub const DEFAULT: Dialect = Dialect::Sqlite;

    /// Returns the URL schemes, in lower case.
    pub(crate) fn schemes(self) -> &'static [&'static str] {
        match self {
            Dialect::Sqlite => &["sqlite"],
            // https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
            Dialect::Postgres => &["postgres", "postgresql"],
            Dialect::MySql => &["mysql"],
            Dialect::MariaDb => &["mariadb"],
        }
    }

    /// Returns the dialect of a URL scheme in lower case.
    pub(crate) fn of_scheme(scheme: &str) -> Option<Dialect> {
        Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.schemes().contains(&scheme))
    }

    /// Returns the dialect whose SQL text applies where there is none for this one.
    pub(crate) fn fallback(self) -> Option<Dialect> {
        match self {
            Dialect::MariaDb => Some(Dialect::MySql),
            Dialect::Sqlite | Dialect::Postgres | Dialect::MySql => None,
        }
    }

    /// Returns the name for messages.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
            Dialect::MySql => "MySQL",
            Dialect::MariaDb => "MariaDB",
        }
    }

    /// Returns the name of the Diesel connection type.
    #[doc(hidden)]
    #[must_use]
    pub fn connection_name(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SqliteConnection",
            Dialect::Postgres => "PgConnection",
            Dialect::MySql | Dialect::MariaDb => "MysqlConnection",
        }
    }

    /// Returns the oldest supported version.
    const fn oldest(self) -> (u32, u32) {
        match self {
            // DROP COLUMN: https://sqlite.org/changes.html
            Dialect::Sqlite => (3, 35),
            Dialect::Postgres => (13, 0),
            Dialect::MySql => (8, 0),
            // RENAME COLUMN and RENAME INDEX: https://mariadb.com/kb/en/alter-table/
            Dialect::MariaDb => (10, 6),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
            Dialect::MySql => "mysql",
            Dialect::MariaDb => "mariadb",
        })
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    /// Parses `sqlite`, `postgres`, `mysql` or `mariadb`.
    ///
    /// # Errors
    ///
    /// Returns [`UnknownDialect`] for any other text.
    fn from_str(text: &str) -> Result<Dialect, UnknownDialect> {
        Dialect::ALL
            .into_iter()
            .find(|name| name.to_string() == text)
            .ok_or_else(|| UnknownDialect::of(text, "is not a dialect"))
    }
}

/// A dialect in one version, such as `postgres:15`. Planning for a version uses only SQL that this version supports.
///
/// A dialect without a version means the oldest supported version. SQL that is planned for it runs on all newer
/// versions.
///
/// ```
/// use migrate_core::{Dialect, DialectVersion};
///
/// let dialect: DialectVersion = "mariadb:10.11".parse()?;
/// assert_eq!(dialect.name(), Dialect::MariaDb);
/// assert_eq!(dialect.to_string(), "mariadb:10.11");
/// assert_eq!(DialectVersion::from(Dialect::Sqlite).to_string(), "sqlite:3.35");
/// assert!("postgres:9.6".parse::<DialectVersion>().is_err());
/// # Ok::<(), migrate_core::error::UnknownDialect>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DialectVersion {
    name: Dialect,
    version: (u32, u32),
}

impl DialectVersion {
    /// Returns the dialect without its version.
    #[must_use]
    pub fn name(self) -> Dialect {
        self.name
    }

    /// Returns the version of a connected server, supported or not.
    #[cfg(feature = "_server")]
    pub(crate) fn of_server(name: Dialect, version: (u32, u32)) -> DialectVersion {
        DialectVersion { name, version }
    }

    /// Returns true if the version is supported.
    pub(crate) fn is_supported(self) -> bool {
        self.version >= self.name.oldest()
    }

    /// Returns the first two numbers of the version, such as `(10, 11)`. The second is 0 where the version has only
    /// one, as in `postgres:15`.
    #[must_use]
    pub fn version(self) -> (u32, u32) {
        self.version
    }
}

impl From<Dialect> for DialectVersion {
    fn from(name: Dialect) -> DialectVersion {
        DialectVersion {
            name,
            version: name.oldest(),
        }
    }
}

impl fmt::Display for DialectVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.version) {
            // The second number of PostgreSQL is a patch level.
            (Dialect::Postgres, (major, 0)) => write!(f, "{}:{major}", self.name),
            (name, (major, minor)) => write!(f, "{name}:{major}.{minor}"),
        }
    }
}

impl FromStr for DialectVersion {
    type Err = UnknownDialect;

    /// Parses a dialect, with or without a version of one to three numbers: `postgres`, `postgres:15`, `mysql:8.0.36`.
    ///
    /// # Errors
    ///
    /// Returns [`UnknownDialect`] if the text names no dialect, or a version that is not a number or is not supported.
    fn from_str(text: &str) -> Result<DialectVersion, UnknownDialect> {
        let Some((name, version)) = text.split_once(':') else {
            return Ok(text.parse::<Dialect>()?.into());
        };
        let name: Dialect = name.parse().map_err(|_| UnknownDialect::of(text, "is not a dialect"))?;
        let numbers: Option<Vec<u32>> = version.split('.').map(|number| number.parse().ok()).collect();
        let version = match numbers.as_deref() {
            Some(&[major]) => (major, if major == name.oldest().0 { name.oldest().1 } else { 0 }),
            Some(&[major, minor] | &[major, minor, _]) => (major, minor),
            _ => return Err(UnknownDialect::of(text, "has no valid version after the colon")),
        };
        if !(DialectVersion { name, version }).is_supported() {
            let oldest = DialectVersion::from(name);
            return Err(UnknownDialect::of(
                text,
                &format!("is older than {oldest}, the oldest supported version"),
            ));
        }
        Ok(DialectVersion { name, version })
    }
}

/// The error for text that names no dialect, or no supported version of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect(String);

impl UnknownDialect {
    fn of(text: &str, why: &str) -> UnknownDialect {
        UnknownDialect(format!(
            "{text:?} {why}; use sqlite, postgres, mysql or mariadb, with an optional version: `postgres:15`"
        ))
    }
}

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownDialect {}

#[cfg(all(test, feature = "mysql"))]
mod tests {
    use super::*;

    #[test]
    fn old_server_versions_are_not_supported() {
        let of = |name, version| DialectVersion::of_server(name, version).is_supported();
        assert!(!of(Dialect::MySql, (5, 7)));
        assert!(of(Dialect::MySql, (8, 0)));
        assert!(!of(Dialect::MariaDb, (10, 5)));
        assert!(of(Dialect::MariaDb, (11, 4)));
        assert!(!of(Dialect::Postgres, (12, 0)));
    }
}
