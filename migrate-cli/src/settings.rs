//! Resolves the settings from the arguments, the environment and the program's defaults. Only this file reads the
//! environment.

use std::fmt;
use std::path::{Path, PathBuf};

use migrate_core::{Code, Dialect, DialectVersion};

use crate::Cli;
use crate::args::Options;
use crate::error::UsageError;

/// The database of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite(SqliteFile),
    /// A URL for libpq.
    Postgres(String),
    /// A URL for Diesel's `MysqlConnection`, or one with the scheme `mariadb`.
    MySql(String),
}

/// Prints the database without a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite(SqliteFile::InMemory) => f.write_str("the database in memory"),
            Database::Sqlite(SqliteFile::Path(path)) => write!(f, "{}", Redacted(&path.to_string_lossy())),
            Database::Sqlite(SqliteFile::Uri(uri)) => write!(f, "{}", Redacted(uri)),
            Database::Postgres(url) | Database::MySql(url) => write!(f, "{}", Redacted(url)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SqliteFile {
    InMemory,
    Path(PathBuf),
    /// A `file:` URI, passed to SQLite unchanged.
    Uri(String),
}

/// Returns the URI that opens an existing file only: <https://sqlite.org/uri.html>.
#[cfg(any(feature = "sqlite", test))]
pub(crate) fn without_creating(uri: &str) -> String {
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

/// Returns the database of the settings, or an error if there is none.
pub(crate) fn database(cli: &Cli, options: &Options) -> Result<Database, UsageError> {
    named(cli, options)?.ok_or_else(|| {
        UsageError::new(
            Code::NO_DATABASE_URL,
            "no database URL is set",
            "pass `--database-url app.db`, or set DATABASE_URL in the environment or in `.env`",
        )
    })
}

/// Returns the database of `--database-url`, else `DATABASE_URL`, else `.env`, else the program's default.
fn named(cli: &Cli, options: &Options) -> Result<Option<Database>, UsageError> {
    let url = match &options.database_url {
        Some(url) => Some(url.clone()),
        None => match std::env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => Some(url),
            Ok(_) | Err(std::env::VarError::NotPresent) => match from_dot_env()? {
                Some((url, directory)) => return Ok(Some(parse_url(&url)?.relative_to(&directory))),
                None => cli.default_database_url.clone(),
            },
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(UsageError::new(
                    Code::INVALID_DATABASE_URL,
                    "DATABASE_URL is not valid UTF-8",
                    "set it to a database URL",
                ));
            }
        },
    };
    url.as_deref().map(parse_url).transpose()
}

/// The dialect of an output that needs no database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenFor {
    pub(crate) dialect: DialectVersion,
    /// The reason for the choice, if there was one and `--dialect` did not make it.
    because: Option<&'static str>,
}

impl WrittenFor {
    /// Returns the choice as a note, such as `sqlite, from the database URL; ..`.
    pub(crate) fn note(&self) -> Option<String> {
        let because = self.because?;
        let name = self.dialect.name();
        Some(format!("{name}, {because}; pass `--dialect` for another"))
    }
}

/// Returns the dialect: `typed`, else that of the database URL, else the only database that this program supports, else
/// SQLite.
pub(crate) fn written_for(
    cli: &Cli,
    options: &Options,
    typed: Option<DialectVersion>,
) -> Result<WrittenFor, UsageError> {
    if let Some(dialect) = typed {
        let because = None;
        return Ok(WrittenFor { dialect, because });
    }
    let built_for = built_for();
    let (name, because) = match (named(cli, options)?, built_for.as_slice()) {
        (Some(database), _) => (database.dialect(), "from the database URL"),
        (None, [one]) => (*one, "the only enabled database"),
        (None, _) => (Dialect::Sqlite, "the default without a database URL"),
    };
    // The URL of a MariaDB server may have the scheme `mysql`, so that choice is always reported.
    let is_the_only_one = built_for == [name] && name != Dialect::MySql;
    Ok(WrittenFor {
        dialect: name.into(),
        because: (!is_the_only_one).then_some(because),
    })
}

/// Returns the databases that this program supports.
pub(crate) fn built_for() -> Vec<Dialect> {
    let all = [
        (cfg!(feature = "sqlite"), Dialect::Sqlite),
        (cfg!(feature = "postgres"), Dialect::Postgres),
        (cfg!(feature = "mysql"), Dialect::MySql),
    ];
    let built = all.into_iter().filter(|(is_built, _)| *is_built);
    built.map(|(_, name)| name).collect()
}

impl Database {
    /// Returns the dialect of the URL. A URL with the scheme `mysql` may belong to MariaDB.
    fn dialect(&self) -> Dialect {
        match self {
            Database::Sqlite(_) => Dialect::Sqlite,
            Database::Postgres(_) => Dialect::Postgres,
            Database::MySql(url) if url.starts_with("mariadb:") => Dialect::MariaDb,
            Database::MySql(_) => Dialect::MySql,
        }
    }

    /// Resolves a relative SQLite path of a `.env` against the directory of that file.
    fn relative_to(self, directory: &Path) -> Database {
        match self {
            Database::Sqlite(SqliteFile::Path(path)) if path.is_relative() && !directory.as_os_str().is_empty() => {
                Database::Sqlite(SqliteFile::Path(directory.join(path)))
            }
            other => other,
        }
    }
}

/// Returns the URL in the nearest `.env` upwards, and the directory of that file, which is empty for the current
/// directory.
fn from_dot_env() -> Result<Option<(String, PathBuf)>, UsageError> {
    // Not dotenvy's own message: it repeats the line, which may contain a password.
    let unreadable = |why: &str| {
        UsageError::new(
            Code::INVALID_ENV_FILE,
            format!("`.env` cannot be read: {why}"),
            "fix the file, or remove it",
        )
    };
    let here = std::env::current_dir().unwrap_or_default();
    let Some(directory) = here.ancestors().find(|directory| directory.join(".env").is_file()) else {
        return Ok(None);
    };
    let pairs = dotenvy::from_path_iter(directory.join(".env")).map_err(|_| unreadable("the file cannot be opened"))?;
    let mut url = None;
    for pair in pairs {
        let (key, value) = pair.map_err(|_| unreadable("a line is not KEY=value"))?;
        if key == "DATABASE_URL" && !value.is_empty() && url.is_none() {
            url = Some(value);
        }
    }
    let directory = if directory == here { Path::new("") } else { directory };
    Ok(url.map(|url| (url, directory.to_owned())))
}

fn parse_url(url: &str) -> Result<Database, UsageError> {
    let how = "use `app.db`, `sqlite://app.db`, `postgres://user@host/database` or `mysql://user@host/database`";
    let invalid = |message: String| UsageError::new(Code::INVALID_DATABASE_URL, message, how);
    if url.trim().is_empty() || url.contains('\0') {
        return Err(invalid(
            "the database URL is empty or contains a NUL character".to_owned(),
        ));
    }
    if url == ":memory:" {
        return Ok(Database::Sqlite(SqliteFile::InMemory));
    }
    if url.starts_with("file:") {
        return Ok(Database::Sqlite(SqliteFile::Uri(url.to_owned())));
    }
    // A mistyped server URL must not become a SQLite path, which would be created and printed.
    let lower = url.to_ascii_lowercase();
    let of_server = ["postgres", "postgresql", "mysql", "mariadb"]
        .into_iter()
        .filter_map(|scheme| lower.strip_prefix(scheme))
        .any(|rest| rest.starts_with([':', '/']) && !rest.starts_with("://"));
    let with_password = url.strip_prefix("sqlite:").is_some_and(|rest| {
        let host = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
        host.contains('@') && host.contains(':')
    });
    if of_server || with_password {
        return Err(invalid(format!("{} is not a valid database URL", Redacted(url))));
    }
    // Other programs accept these forms for a server, and they may contain a password.
    let is_keyword_list = ["host", "dbname", "user", "password", "service"].iter().any(|key| {
        lower
            .split_whitespace()
            .any(|pair| pair.starts_with(&format!("{key}=")))
    });
    let is_address = !url.contains("://")
        && !url.starts_with(['/', '.'])
        && url
            .split_once('@')
            .is_some_and(|(user, _)| user.rfind(':').is_some_and(|at| at > 1));
    if is_keyword_list || is_address {
        return Err(invalid("this is not a database URL".to_owned()));
    }
    let Some((scheme, rest)) = url.split_once("://").or_else(|| {
        // `sqlite:app.db` is common. Any other colon is a part of a path.
        url.strip_prefix("sqlite:").map(|rest| ("sqlite", rest))
    }) else {
        return Ok(Database::Sqlite(SqliteFile::Path(PathBuf::from(url))));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "sqlite" if rest == ":memory:" => Ok(Database::Sqlite(SqliteFile::InMemory)),
        "sqlite" if rest.contains('?') => Ok(Database::Sqlite(SqliteFile::Uri(format!("file:{rest}")))),
        "sqlite" if !rest.is_empty() => Ok(Database::Sqlite(SqliteFile::Path(PathBuf::from(rest)))),
        scheme @ ("postgres" | "postgresql") => {
            let url = format!("{scheme}://{rest}");
            check_percents(&url)?;
            Ok(Database::Postgres(url))
        }
        scheme @ ("mysql" | "mariadb") => Ok(Database::MySql(format!("{scheme}://{rest}"))),
        _ => Err(invalid(format!("{} is not a valid database URL", Redacted(url)))),
    }
}

/// Checks the percent escapes of a URL. libpq would repeat an invalid one in its error, even within a password.
fn check_percents(url: &str) -> Result<(), UsageError> {
    let is_code = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
    match url.split('%').skip(1).all(is_code) {
        true => Ok(()),
        false => Err(UsageError::new(
            Code::INVALID_DATABASE_URL,
            format!("{} contains a `%` without two hexadecimal digits", Redacted(url)),
            "write a literal `%` as %25",
        )),
    }
}

/// Prints a URL without its password.
pub(crate) struct Redacted<'a>(pub(crate) &'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        let (before, rest) = url
            .split_once("://")
            .map_or(("", url), |(scheme, rest)| (&url[..scheme.len() + 3], rest));
        // A password may contain `@` and `/`: everything up to the last `@` is removed if it can be one.
        let host = rest
            .rsplit_once('@')
            .filter(|(user, _)| !before.is_empty() || user.contains(':'));
        let host = host.map(|(_, host)| host);
        let (user, host) = match host {
            Some(host) => ("***@", host),
            None => ("", rest),
        };
        let (path, query) = match host.split_once('?') {
            Some((path, _)) => (path, "?***"),
            None => (host, ""),
        };
        write!(f, "{before}{user}{path}{query}")
    }
}

/// Returns the password of a server URL, undecoded: everything between the user and the last `@`.
#[cfg(any(feature = "postgres", test))]
pub(crate) fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    let password = user.split_once(':')?.1;
    // Here the last `@` is part of the parameters, after a port and a database.
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let is_no_password = password.split_once('/').is_some_and(|(port, rest)| {
        is_port(port)
            && rest
                .split_once('?')
                .is_some_and(|(_, parameters)| parameters.contains('='))
    });
    (!is_no_password).then_some(password)
}

/// Returns the directory of the user's package: `CARGO_MANIFEST_DIR`, or the current directory if it has a
/// `Cargo.toml`.
pub(crate) fn package_directory() -> Option<PathBuf> {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(directory) => Some(PathBuf::from(directory)),
        None => Path::new("Cargo.toml").exists().then(|| PathBuf::from(".")),
    }
}

/// Returns `user@host`, for history.
pub(crate) fn who() -> String {
    let unknown = |_| "unknown".to_owned();
    format!(
        "{}@{}",
        whoami::username().unwrap_or_else(unknown),
        whoami::hostname().unwrap_or_else(unknown)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_determines_the_database() {
        let path = |path: &str| Ok(Database::Sqlite(SqliteFile::Path(PathBuf::from(path))));
        assert_eq!(parse_url("app.db"), path("app.db"));
        assert_eq!(parse_url("sqlite://app.db"), path("app.db"));
        assert_eq!(parse_url("sqlite:///var/app.db"), path("/var/app.db"));
        assert_eq!(parse_url("sqlite:app.db"), path("app.db"));
        assert_eq!(parse_url("a b#c%20.db"), path("a b#c%20.db"));
        assert_eq!(parse_url(":memory:"), Ok(Database::Sqlite(SqliteFile::InMemory)));
        assert_eq!(
            parse_url("sqlite://:memory:"),
            Ok(Database::Sqlite(SqliteFile::InMemory))
        );
        assert_eq!(
            parse_url("sqlite://app.db?mode=rw"),
            Ok(Database::Sqlite(SqliteFile::Uri("file:app.db?mode=rw".to_owned())))
        );
        let postgres = |url: &str| Ok(Database::Postgres(url.to_owned()));
        assert_eq!(
            parse_url("postgres://me:secret@h/db"),
            postgres("postgres://me:secret@h/db")
        );
        assert_eq!(
            postgres("postgres://me:secret@h/db").unwrap().to_string(),
            "postgres://***@h/db"
        );
        assert_eq!(
            parse_url("mariadb://h/db"),
            Ok(Database::MySql("mariadb://h/db".to_owned()))
        );
        for url in [
            "",
            "  ",
            "htp://app",
            "://",
            "sqlite://",
            "postgres:me:secret@host",
            "postgres:/me:secret@host/db",
            "postgres//me:secret@host/db",
            "sqlite://me:secret@host/db",
            "host=localhost user=me password=secret dbname=db",
            "me:secret@tcp(host)/db",
            "me:secret@host",
            "postgres://me:100%secret@host/db",
            "postgres://me@host/db?password=secret%",
        ] {
            let error = parse_url(url).expect_err(url);
            assert!(!error.message.contains("secret"), "{}", error.message);
        }
        assert_eq!(parse_url("POSTGRES://h/db"), postgres("postgres://h/db"));
    }

    #[test]
    fn offline_output_uses_the_configured_dialect() {
        for (url, name) in [
            ("app.db", Dialect::Sqlite),
            ("postgres://h/db", Dialect::Postgres),
            ("MySQL://h/db", Dialect::MySql),
            ("mariadb://h/db", Dialect::MariaDb),
        ] {
            let options = Options {
                database_url: Some(url.to_owned()),
                ..Options::default()
            };
            let found = |typed| written_for(&Cli::new(), &options, typed).unwrap();
            assert_eq!(found(None).dialect, name.into());
            let typed = "postgres:15".parse().unwrap();
            assert_eq!(found(Some(typed)).dialect, typed);
            assert_eq!(found(Some(typed)).note(), None);
        }
    }

    #[test]
    fn a_password_spans_from_the_user_to_the_last_at_sign() {
        assert_eq!(password("postgres://me:se@cr/et@host/db"), Some("se@cr/et"));
        assert_eq!(password("postgres://me:secret@host:5432/db"), Some("secret"));
        assert_eq!(password("postgres://me@host:5432/db"), None);
        assert_eq!(password("postgres://host:5432/db"), None);
        assert_eq!(password("postgres://host:5432/db?user=me@work"), None);
    }

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
    fn a_password_is_never_printed() {
        for (url, printed) in [
            ("htp://me:secret@host/db", "htp://***@host/db"),
            ("htp://me:se@cr/et@host/db", "htp://***@host/db"),
            ("htp://host/db?user=me&password=secret", "htp://host/db?***"),
            ("me:secret@host", "***@host"),
            ("app.db", "app.db"),
            ("team@work/app.db", "team@work/app.db"),
            ("file:/x?key=secret", "file:/x?***"),
        ] {
            assert_eq!(Redacted(url).to_string(), printed);
        }
    }
}
