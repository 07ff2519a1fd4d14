//! From what was typed, the environment and the program's defaults to what is used. The only place that reads the
//! environment.

use std::fmt;
use std::path::{Path, PathBuf};

use migrate_core::{Dialect, DialectVersion};

use crate::Cli;
use crate::args::Options;
use crate::error::UsageError;

/// The database to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite(SqliteFile),
    /// A URL as libpq takes it.
    Postgres(String),
    /// A URL as Diesel's `MysqlConnection` takes it, for MySQL and MariaDB; or with the latter's name as its scheme.
    MySql(String),
}

/// Without a password.
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
    /// A `file:` URI, handed on as it is.
    Uri(String),
}

/// The URI with which SQLite opens what is there and makes nothing: <https://sqlite.org/uri.html>.
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

/// Finds the database.
pub(crate) fn database(cli: &Cli, options: &Options) -> Result<Database, UsageError> {
    named(cli, options)?.ok_or_else(|| {
        UsageError::new(
            "no database is named",
            "give `--database-url app.db`, set DATABASE_URL, or write DATABASE_URL=app.db into .env",
        )
    })
}

/// The database that is named: by `--database-url`, then `DATABASE_URL`, then `.env`, then the program's default.
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
                return Err(UsageError::new("DATABASE_URL is not UTF-8", "set it to a database URL"));
            }
        },
    };
    url.as_deref().map(parse_url).transpose()
}

/// The kind of database that something is written for without opening one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenFor {
    pub(crate) dialect: DialectVersion,
    /// What says so, where there was a choice and nobody typed it.
    because: Option<&'static str>,
}

impl WrittenFor {
    /// As it is told to people who may have meant another: `sqlite, as the database URL says`.
    pub(crate) fn told(&self) -> Option<String> {
        let because = self.because?;
        let name = self.dialect.name();
        Some(format!("{name}, {because}; `--dialect` names another"))
    }
}

/// Which kind of database that is: the one that was typed, else that of the database that is named, else the one that this
/// program is built for, else SQLite.
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
        (Some(database), _) => (database.dialect(), "as the database URL says"),
        (None, [one]) => (*one, "which this program is built for"),
        (None, _) => (Dialect::Sqlite, "as no database is named"),
    };
    // The URL of a MariaDB may say MySQL, so that one is never beyond doubt.
    let is_the_only_one = built_for == [name] && name != Dialect::MySql;
    Ok(WrittenFor {
        dialect: name.into(),
        because: (!is_the_only_one).then_some(because),
    })
}

/// The kinds of database that this program can open.
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
    /// Its kind, as far as the URL tells it: that of MariaDB may say MySQL.
    fn dialect(&self) -> Dialect {
        match self {
            Database::Sqlite(_) => Dialect::Sqlite,
            Database::Postgres(_) => Dialect::Postgres,
            Database::MySql(url) if url.starts_with("mariadb:") => Dialect::MariaDb,
            Database::MySql(_) => Dialect::MySql,
        }
    }

    /// A relative path in a `.env` is meant from where that file is, wherever below it the command is run.
    fn relative_to(self, directory: &Path) -> Database {
        match self {
            Database::Sqlite(SqliteFile::Path(path)) if path.is_relative() && !directory.as_os_str().is_empty() => {
                Database::Sqlite(SqliteFile::Path(directory.join(path)))
            }
            other => other,
        }
    }
}

/// The URL in the nearest `.env` upwards, and the directory of that file: empty if it is where we stand.
fn from_dot_env() -> Result<Option<(String, PathBuf)>, UsageError> {
    // Not dotenvy's own message: it repeats the line, which may hold a password.
    let unreadable = |why: &str| UsageError::new(format!(".env cannot be read: {why}"), "fix the file, or remove it");
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
    let how = "write a path such as `app.db`, `sqlite://app.db`, `postgres://user@host/database`, or `mysql://user@host/database`";
    if url.trim().is_empty() || url.contains('\0') {
        return Err(UsageError::new(
            "the database URL is empty or holds a NUL character",
            how,
        ));
    }
    if url == ":memory:" {
        return Ok(Database::Sqlite(SqliteFile::InMemory));
    }
    if url.starts_with("file:") {
        return Ok(Database::Sqlite(SqliteFile::Uri(url.to_owned())));
    }
    // A server's URL with a slip in it is no path, least of all one to make and to print.
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
        return Err(UsageError::new(
            format!("{} is not the URL of a database", Redacted(url)),
            how,
        ));
    }
    // Ways in which other programs name a server, with a password in them.
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
        return Err(UsageError::new("the database is named in a way that is no URL", how));
    }
    let Some((scheme, rest)) = url.split_once("://").or_else(|| {
        // `sqlite:app.db` is common; any other colon is part of a path.
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
        _ => Err(UsageError::new(
            format!("{} is not the URL of a database", Redacted(url)),
            how,
        )),
    }
}

/// That a URL can be read by libpq, which repeats what it cannot read, be it a part of a password.
fn check_percents(url: &str) -> Result<(), UsageError> {
    let is_code = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
    match url.split('%').skip(1).all(is_code) {
        true => Ok(()),
        false => Err(UsageError::new(
            format!("{} holds a `%` that stands for nothing", Redacted(url)),
            "write a `%` that is meant as one as %25",
        )),
    }
}

/// A URL, printed without its password.
pub(crate) struct Redacted<'a>(pub(crate) &'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        let (before, rest) = url
            .split_once("://")
            .map_or(("", url), |(scheme, rest)| (&url[..scheme.len() + 3], rest));
        // A password may hold anything, an @ or a / included: everything up to the last @ goes, if it can be one.
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

/// The password in a server's URL, as it is written there: all between the user and the last @.
#[cfg(any(feature = "postgres", test))]
pub(crate) fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    let password = user.split_once(':')?.1;
    // A port, a database and what follows the question mark, where an @ may stand as well.
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let is_no_password = password.split_once('/').is_some_and(|(port, rest)| {
        is_port(port)
            && rest
                .split_once('?')
                .is_some_and(|(_, parameters)| parameters.contains('='))
    });
    (!is_no_password).then_some(password)
}

/// The directory of the user's package: where `cargo run` says it is, or where we stand.
pub(crate) fn package_directory() -> Option<PathBuf> {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(directory) => Some(PathBuf::from(directory)),
        None => Path::new("Cargo.toml").exists().then(|| PathBuf::from(".")),
    }
}

/// Who runs this: `user@host`.
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
    fn a_database_is_told_by_its_url() {
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
    fn what_is_written_without_a_database_is_for_the_one_that_is_named() {
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
            assert_eq!(found(Some(typed)).told(), None);
        }
    }

    #[test]
    fn a_password_is_all_between_the_user_and_the_last_at_sign() {
        assert_eq!(password("postgres://me:se@cr/et@host/db"), Some("se@cr/et"));
        assert_eq!(password("postgres://me:secret@host:5432/db"), Some("secret"));
        assert_eq!(password("postgres://me@host:5432/db"), None);
        assert_eq!(password("postgres://host:5432/db"), None);
        assert_eq!(password("postgres://host:5432/db?user=me@work"), None);
    }

    #[test]
    fn a_uri_that_is_only_read_makes_no_file() {
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
