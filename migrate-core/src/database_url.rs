//! The URL of a database. The library, the command line and the tests read URLs here, and it prints none with a
//! password.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::dialect::Dialect;

/// The URL of a database on a server, or the path or URI of a SQLite file.
///
/// | text | database |
/// |---|---|
/// | `postgres://user:password@host:5432/database?sslmode=require` | PostgreSQL; also with the scheme `postgresql` |
/// | `mysql://user:password@host/database`, `mariadb://..` | MySQL or MariaDB |
/// | `app.db`, `sqlite:app.db`, `sqlite:///var/app.db` | a SQLite file |
/// | `file:app.db?mode=ro`, `sqlite://app.db?mode=ro` | a SQLite file, as a [URI](https://sqlite.org/uri.html) |
/// | `:memory:` | a new SQLite database in memory |
///
/// Every part of a server's URL is optional, and may be percent-encoded. `Display` and `Debug` omit user, password and
/// parameters.
///
/// ```
/// use migrate_core::Dialect;
/// use migrate_core::database::DatabaseUrl;
///
/// let url: DatabaseUrl = "postgres://me:s%40cret@[::1]:5432/my%20app?sslmode=require".parse()?;
/// assert_eq!(url.dialect(), Dialect::Postgres);
/// assert_eq!(url.host().as_deref(), Some("::1"));
/// assert_eq!(url.database().as_deref(), Some("my app"));
/// assert_eq!(url.to_string(), "postgres://***@[::1]:5432/my%20app?***");
/// # Ok::<(), migrate_core::database::InvalidDatabaseUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DatabaseUrl(Place);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    Memory,
    File(PathBuf),
    /// A `file:` URI, which SQLite reads itself.
    FileUri(String),
    Server(Server),
}

/// The parts of a server's URL, each as written.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Server {
    dialect: Dialect,
    scheme: String,
    /// The user, and after a colon the password.
    credentials: Option<String>,
    /// The host with its port; empty if the URL names none.
    host: String,
    database: Option<String>,
    parameters: Option<String>,
}

impl DatabaseUrl {
    /// The dialect that the scheme names. A URL with the scheme `mysql` may belong to a MariaDB server.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match &self.0 {
            Place::Memory | Place::File(_) | Place::FileUri(_) => Dialect::DEFAULT,
            Place::Server(server) => server.dialect,
        }
    }

    /// The SQLite file, if the URL is a path. A `file:` URI is not.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            _ => None,
        }
    }

    /// The user of a server, decoded.
    #[must_use]
    pub fn user(&self) -> Option<Cow<'_, str>> {
        let credentials = self.server()?.credentials.as_deref()?;
        let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
        decoded(user).filter(|user| !user.is_empty())
    }

    /// The host of a server, decoded, without the brackets of an IPv6 address; the first of several. It is a directory
    /// if the server listens on a Unix socket. The parameter `host` applies if no other host is named.
    #[must_use]
    pub fn host(&self) -> Option<Cow<'_, str>> {
        let (host, _) = self.server()?.first_host();
        match host {
            "" => self.parameter("host"),
            host => decoded(host),
        }
    }

    /// The port of a server; of the first host, if there are several.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.server()?.first_host().1?.parse().ok()
    }

    /// The database on a server, decoded.
    #[must_use]
    pub fn database(&self) -> Option<Cow<'_, str>> {
        let name = self.server()?.database.as_deref()?;
        decoded(name).filter(|name| !name.is_empty())
    }

    /// The value of a parameter of a server's URL, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let pairs = self.server()?.parameters.as_deref()?.split('&');
        let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| decoded(key).is_some_and(|key| key == name))?;
        decoded(value)
    }

    /// Resolves a relative path of a SQLite file against a directory.
    #[must_use]
    pub fn relative_to(self, directory: &Path) -> DatabaseUrl {
        match self.0 {
            Place::File(path) => DatabaseUrl(Place::File(directory.join(path))),
            other => DatabaseUrl(other),
        }
    }

    fn server(&self) -> Option<&Server> {
        match &self.0 {
            Place::Server(server) => Some(server),
            _ => None,
        }
    }
}

/// What the drivers need. These texts may contain a password.
#[cfg(feature = "_driver")]
#[allow(dead_code, reason = "each driver uses some of them")]
impl DatabaseUrl {
    /// Returns the URL of a new database in memory.
    #[cfg(feature = "testing")]
    pub(crate) fn in_memory() -> DatabaseUrl {
        DatabaseUrl(Place::Memory)
    }

    /// Returns the `file:` URI of a SQLite database.
    pub(crate) fn file_uri(&self) -> Option<&str> {
        match &self.0 {
            Place::FileUri(uri) => Some(uri),
            _ => None,
        }
    }

    /// Returns the URL of a server for its client, with another scheme.
    pub(crate) fn with_scheme(&self, scheme: &str) -> String {
        match &self.0 {
            Place::Server(server) => server.text(scheme, server.database.as_deref()),
            _ => self.text(),
        }
    }

    /// Returns the URL of another database on the same server. The name contains no character that a URL encodes.
    pub(crate) fn with_database(&self, database: &str) -> DatabaseUrl {
        let mut url = self.clone();
        if let Place::Server(server) = &mut url.0 {
            server.database = Some(database.to_owned());
        }
        url
    }

    /// Returns the URL without its database.
    pub(crate) fn without_database(&self) -> DatabaseUrl {
        let mut url = self.clone();
        if let Place::Server(server) = &mut url.0 {
            server.database = None;
        }
        url
    }

    /// Returns the database as written.
    pub(crate) fn raw_database(&self) -> Option<&str> {
        self.server()?.database.as_deref()
    }

    /// Returns the scheme and the host, for messages about a server.
    pub(crate) fn server_label(&self) -> String {
        match &self.0 {
            Place::Server(server) => format!("{}://{}", server.scheme, server.host),
            _ => self.to_string(),
        }
    }

    /// Checks that the password has no character that ends it for a client. Clients would misread such a password and
    /// print a part of it.
    pub(crate) fn check_password(&self) -> Result<(), InvalidDatabaseUrl> {
        let credentials = self.server().and_then(|server| server.credentials.as_deref());
        let password = credentials.and_then(|credentials| credentials.split_once(':'));
        match password {
            Some((_, password)) if password.contains(['@', ':', '/', '?', '#', ' ']) => {
                Err(InvalidDatabaseUrl::of(&self.text(), Problem::Password))
            }
            _ => Ok(()),
        }
    }

    /// Checks that each `%` begins an escape. Clients would repeat an invalid one in their error, even within a
    /// password.
    pub(crate) fn check_escapes(&self) -> Result<(), InvalidDatabaseUrl> {
        let text = self.text();
        let is_code = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
        match text.split('%').skip(1).all(is_code) {
            true => Ok(()),
            false => Err(InvalidDatabaseUrl::of(&text, Problem::Escape)),
        }
    }
}

impl DatabaseUrl {
    /// Returns the whole text, with a password.
    pub(crate) fn text(&self) -> String {
        match &self.0 {
            Place::Memory => ":memory:".to_owned(),
            Place::File(path) => path.to_string_lossy().into_owned(),
            Place::FileUri(uri) => uri.clone(),
            Place::Server(server) => server.text(&server.scheme, server.database.as_deref()),
        }
    }
}

impl Server {
    fn of(dialect: Dialect, scheme: &str, rest: &str) -> Server {
        let (credentials, address) = match credentials(rest) {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, rest),
        };
        let (before, parameters) = match address.split_once('?') {
            Some((before, parameters)) => (before, Some(parameters)),
            None => (address, None),
        };
        let (host, database) = match before.split_once('/') {
            Some((host, database)) => (host, Some(database)),
            None => (before, None),
        };
        Server {
            dialect,
            scheme: scheme.to_owned(),
            credentials: credentials.map(str::to_owned),
            host: host.to_owned(),
            database: database.map(str::to_owned),
            parameters: parameters.map(str::to_owned),
        }
    }

    fn text(&self, scheme: &str, database: Option<&str>) -> String {
        let credentials = self.credentials.as_deref().map(|text| format!("{text}@"));
        let database = database.map(|text| format!("/{text}"));
        let parameters = self.parameters.as_deref().map(|text| format!("?{text}"));
        format!(
            "{scheme}://{}{}{}{}",
            credentials.unwrap_or_default(),
            self.host,
            database.unwrap_or_default(),
            parameters.unwrap_or_default()
        )
    }

    /// Returns the first host without brackets, and its port.
    fn first_host(&self) -> (&str, Option<&str>) {
        let first = self.host.split(',').next().unwrap_or_default();
        if let Some((address, rest)) = first.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            return (address, rest.strip_prefix(':'));
        }
        match first.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (first, None),
        }
    }
}

/// Splits what follows the scheme at the end of the credentials.
///
/// A password that should be encoded may contain `@`, `/`, `?` and `#`. So the last `@` ends the credentials, unless it
/// belongs to the parameters because the text before it has no password.
fn credentials(rest: &str) -> Option<(&str, &str)> {
    let (before, after) = rest.rsplit_once('@')?;
    let has_password = before.split_once(':').is_some_and(|(user, password)| {
        let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        let is_address = password.split_once('/').is_some_and(|(port, rest)| {
            is_port(port)
                && rest
                    .split_once('?')
                    .is_some_and(|(_, parameters)| parameters.contains('='))
        });
        !is_address && !user.starts_with('[')
    });
    if has_password {
        return Some((before, after));
    }
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (user, _) = authority.rsplit_once('@')?;
    Some((user, &rest[user.len() + 1..]))
}

fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    /// Reads a URL, or the path of a SQLite file.
    ///
    /// # Errors
    ///
    /// Returns an error for an unknown scheme, and for texts that other programs accept for a server: those would
    /// become SQLite files, and may contain a password.
    fn from_str(url: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
        let invalid = |problem| Err(InvalidDatabaseUrl::of(url, problem));
        if url.trim().is_empty() || url.contains('\0') {
            return invalid(Problem::Blank);
        }
        if url == ":memory:" {
            return Ok(DatabaseUrl(Place::Memory));
        }
        if url.starts_with("file:") {
            return Ok(DatabaseUrl(Place::FileUri(url.to_owned())));
        }
        if is_mistyped_server(url) {
            return invalid(Problem::Malformed);
        }
        if is_keyword_list(url) || is_address(url) {
            return invalid(Problem::NotAUrl);
        }
        let Some((scheme, rest)) = url.split_once("://").or_else(|| {
            // `sqlite:app.db` is common. Any other colon is a part of a path.
            url.strip_prefix("sqlite:").map(|rest| ("sqlite", rest))
        }) else {
            return Ok(DatabaseUrl(Place::File(PathBuf::from(url))));
        };
        let scheme = scheme.to_ascii_lowercase();
        Ok(DatabaseUrl(match Dialect::of_scheme(&scheme) {
            Some(Dialect::DEFAULT) if rest == ":memory:" => Place::Memory,
            Some(Dialect::DEFAULT) if rest.contains('?') => Place::FileUri(format!("file:{rest}")),
            Some(Dialect::DEFAULT) if !rest.is_empty() => Place::File(PathBuf::from(rest)),
            None | Some(Dialect::DEFAULT) => return invalid(Problem::Malformed),
            Some(dialect) => Place::Server(Server::of(dialect, &scheme, rest)),
        }))
    }
}

/// Returns true for a mistyped URL of a server, which must not become a SQLite path: that would be created and printed.
fn is_mistyped_server(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    let servers = Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::DEFAULT);
    let of_server = servers
        .flat_map(Dialect::schemes)
        .filter_map(|scheme| lower.strip_prefix(scheme))
        .any(|rest| rest.starts_with([':', '/']) && !rest.starts_with("://"));
    let with_password = url.strip_prefix("sqlite:").is_some_and(|rest| {
        let host = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
        host.contains('@') && host.contains(':')
    });
    of_server || with_password
}

/// Returns true for libpq's list of keywords, `host=localhost password=secret`.
fn is_keyword_list(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    ["host", "dbname", "user", "password", "service"].iter().any(|key| {
        lower
            .split_whitespace()
            .any(|pair| pair.starts_with(&format!("{key}=")))
    })
}

/// Returns true for an address without a scheme, `me:secret@host`.
fn is_address(url: &str) -> bool {
    !url.contains("://")
        && !url.starts_with(['/', '.'])
        && url
            .split_once('@')
            .is_some_and(|(user, _)| user.rfind(':').is_some_and(|at| at > 1))
}

/// Prints the database without user, password and parameters.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Memory => f.write_str("the database in memory"),
            _ => Redacted(&self.text()).fmt(f),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Prints any text without what may be a password: everything before the last `@`, and all parameters.
///
/// ```
/// use migrate_core::database::Redacted;
///
/// assert_eq!(Redacted("htp://me:se@cr/et@host/db?key=secret").to_string(), "htp://***@host/db?***");
/// ```
#[derive(Clone, Copy)]
pub struct Redacted<'a>(pub &'a str);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        let (before, rest) = url
            .split_once("://")
            .map_or(("", url), |(scheme, rest)| (&url[..scheme.len() + 3], rest));
        let host = rest
            .rsplit_once('@')
            .filter(|(user, _)| !before.is_empty() || user.contains(':'));
        let (user, host) = match host {
            Some((_, host)) => ("***@", host),
            None => ("", rest),
        };
        let (path, query) = match host.split_once('?') {
            Some((path, _)) => (path, "?***"),
            None => (host, ""),
        };
        write!(f, "{before}{user}{path}{query}")
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redacted({self})")
    }
}

/// The error for a text that is not the URL of a database. It never contains a part that may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDatabaseUrl {
    /// The text without a password.
    shown: String,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Blank,
    /// Nothing of the text can be printed.
    NotAUrl,
    Malformed,
    Escape,
    Password,
}

impl InvalidDatabaseUrl {
    fn of(url: &str, problem: Problem) -> InvalidDatabaseUrl {
        InvalidDatabaseUrl {
            shown: match problem {
                Problem::Blank | Problem::NotAUrl => String::new(),
                Problem::Malformed | Problem::Escape | Problem::Password => Redacted(url).to_string(),
            },
            problem,
        }
    }

    /// The likeliest fix.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self.problem {
            Problem::Blank | Problem::NotAUrl | Problem::Malformed => {
                "use `app.db`, `sqlite://app.db`, `postgres://user@host/database` or `mysql://user@host/database`"
            }
            Problem::Escape => "write a literal `%` as %25",
            Problem::Password => {
                "write `@`, `:`, `/`, `?`, `#` and spaces in the password as %40, %3A, %2F, %3F, %23 and %20"
            }
        }
    }

    /// Returns the problem without the URL, for a message that says where the URL is from.
    #[cfg(all(feature = "testing", feature = "_server"))]
    pub(crate) fn reason(&self) -> &'static str {
        match self.problem {
            Problem::Blank => "it is empty or contains a NUL character",
            Problem::NotAUrl | Problem::Malformed => "it is malformed",
            Problem::Escape => "it contains a `%` without two hexadecimal digits",
            Problem::Password => "its password contains reserved characters",
        }
    }
}

impl fmt::Display for InvalidDatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.shown;
        match self.problem {
            Problem::Blank => f.write_str("the database URL is empty or contains a NUL character"),
            Problem::NotAUrl => f.write_str("this is not a database URL"),
            Problem::Malformed => write!(f, "{url} is not a valid database URL"),
            Problem::Escape => write!(f, "{url} contains a `%` without two hexadecimal digits"),
            Problem::Password => write!(f, "the password in {url} contains reserved characters"),
        }
    }
}

impl std::error::Error for InvalidDatabaseUrl {}
