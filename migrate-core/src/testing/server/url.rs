//! The URL of a server, with an exchangeable database. It is never printed with a password.

use std::fmt;

/// The parts of a URL such as `postgres://me:secret@host:5432/database?sslmode=require`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ServerUrl {
    /// Everything before the database.
    server: String,
    database: String,
    /// The query with its question mark, or an empty text.
    parameters: String,
}

/// The reason why text is not the URL of a server.
#[derive(Debug)]
pub(super) struct InvalidUrl {
    pub(super) why: &'static str,
    /// `None` if an example of a URL is the best help.
    pub(super) help: Option<&'static str>,
}

impl ServerUrl {
    /// Parses a URL with one of these schemes. The error never contains a part that may be a password.
    pub(super) fn parse(url: &str, schemes: &[&str]) -> Result<ServerUrl, InvalidUrl> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").ok_or(InvalidUrl {
            why: "it has no scheme",
            help: None,
        })?;
        if !schemes.contains(&scheme) {
            return Err(InvalidUrl {
                why: "it has the scheme of another database",
                help: None,
            });
        }
        // Up to the last @, because a password may contain any character. Clients would misread such a password and
        // print a part of it.
        let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
        let password = user.split_once(':').map_or("", |(_, password)| password);
        if password.contains(['@', ':', '/', '?', '#', ' ']) {
            return Err(InvalidUrl {
                why: "its password contains reserved characters",
                help: Some(
                    "write `@`, `:`, `/`, `?`, `#` and spaces in the password as %40, %3A, %2F, %3F, %23 and %20",
                ),
            });
        }
        let is_code = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
        if !url.split('%').skip(1).all(is_code) {
            return Err(InvalidUrl {
                why: "it contains a `%` without two hexadecimal digits",
                help: Some("write a literal `%` as %25"),
            });
        }
        let (before, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
        // libpq would use it instead of the test database.
        if parameters.contains("dbname=") {
            return Err(InvalidUrl {
                why: "it contains the parameter `dbname`",
                help: Some("name the database before the question mark"),
            });
        }
        let (server, database) = before[scheme.len() + 3..]
            .split_once('/')
            .unwrap_or((&before[scheme.len() + 3..], ""));
        // Diesel accepts only this scheme for MariaDB.
        let scheme = if scheme == "mariadb" { "mysql" } else { scheme };
        Ok(ServerUrl {
            server: format!("{scheme}://{server}"),
            database: database.to_owned(),
            parameters: parameters.to_owned(),
        })
    }

    /// The database in the URL, if there is one.
    pub(super) fn database(&self) -> Option<&str> {
        Some(self.database.as_str()).filter(|database| !database.is_empty())
    }

    /// Returns the URL of another database on the same server.
    pub(super) fn with_database(&self, database: &str) -> String {
        format!("{}/{database}{}", self.server, self.parameters)
    }
}

/// Prints the URL without user, password and parameters.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.server.split_once("://").unwrap_or_default();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        write!(f, "{scheme}://{host}")
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidUrl, ServerUrl};

    fn parse(url: &str) -> Result<ServerUrl, InvalidUrl> {
        ServerUrl::parse(url, &["postgres", "postgresql"])
    }

    #[test]
    fn replacing_the_database_keeps_the_rest_of_the_url() {
        for (url, database, other) in [
            ("postgres://me@host", None, "postgres://me@host/other"),
            ("postgres://me@host/", None, "postgres://me@host/other"),
            ("postgres://host:5432/app", Some("app"), "postgres://host:5432/other"),
            (
                "postgresql://me:se%40cret@host/app?sslmode=require&options=-c%20geqo=off",
                Some("app"),
                "postgresql://me:se%40cret@host/other?sslmode=require&options=-c%20geqo=off",
            ),
            (
                "postgres://me@[::1]:5432?sslmode=disable",
                None,
                "postgres://me@[::1]:5432/other?sslmode=disable",
            ),
            (
                "postgres:///app?host=/run/postgresql",
                Some("app"),
                "postgres:///other?host=/run/postgresql",
            ),
        ] {
            let parsed = parse(url).unwrap();
            assert_eq!(parsed.database(), database, "{url}");
            assert_eq!(parsed.with_database("other"), other);
        }
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn mysql_and_mariadb_schemes_are_equivalent() {
        use crate::testing::server::backend::ServerConnection;

        let schemes = diesel::MysqlConnection::kind().schemes;
        for scheme in ["mysql", "mariadb"] {
            let parsed = ServerUrl::parse(&format!("{scheme}://root@host:3306/app"), schemes).unwrap();
            assert_eq!(parsed.with_database("other"), "mysql://root@host:3306/other");
        }
    }

    #[test]
    fn invalid_server_urls_are_refused() {
        for url in [
            "",
            "app.db",
            "host=127.0.0.1 user=me",
            "mysql://me@host",
            "postgres://me:se@cret@host",
            "postgres://me:se/cret@host",
            "postgres://me:100%secret@host",
            "postgres://me@host/app?dbname=production",
        ] {
            parse(url).unwrap_err();
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let url = parse("postgres://me:secret@host:5432/app?password=secret").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "postgres://host:5432 ServerUrl(postgres://host:5432)"
        );
    }
}
