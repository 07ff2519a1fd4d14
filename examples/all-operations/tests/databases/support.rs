//! A database of a test's own, of any kind.

use std::io::Write;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use migrate_core::testing::TestFile;
use migrate_core::{DialectName, Registry, Runner};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "postgres")]
    NewerPostgres,
    #[cfg(feature = "mysql")]
    MariaDb,
}

impl Kind {
    pub(crate) fn dialect(self) -> DialectName {
        match self {
            Kind::Sqlite => DialectName::Sqlite,
            #[cfg(feature = "postgres")]
            Kind::Postgres | Kind::NewerPostgres => DialectName::Postgres,
            #[cfg(feature = "mysql")]
            Kind::MariaDb => DialectName::MariaDb,
        }
    }

    /// What names the server, and a database that is always there; nothing for SQLite.
    fn server(self) -> Option<(&'static str, &'static str)> {
        match self {
            Kind::Sqlite => None,
            #[cfg(feature = "postgres")]
            Kind::Postgres => Some(("MIGRATE_TEST_POSTGRES", "postgres")),
            #[cfg(feature = "postgres")]
            Kind::NewerPostgres => Some(("MIGRATE_TEST_POSTGRES_NEWER", "postgres")),
            #[cfg(feature = "mysql")]
            Kind::MariaDb => Some(("MIGRATE_TEST_MYSQL", "mysql")),
        }
    }
}

/// Said on stderr itself, as a test that passes shows nothing that it prints.
pub(crate) fn say_loudly(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

pub(crate) struct Database {
    pub(crate) kind: Kind,
    url: String,
    place: Place,
}

/// Where it is. Dropping it drops the database.
enum Place {
    File { _file: TestFile },
    Server { always_there: String, name: String },
}

impl Database {
    /// `None`, said loudly, if the environment names no server.
    pub(crate) fn new(kind: Kind) -> Option<Database> {
        let Some((variable, always_there)) = kind.server() else {
            let file = TestFile::new().unwrap();
            return Some(Database {
                kind,
                url: file.path().display().to_string(),
                place: Place::File { _file: file },
            });
        };
        let Ok(server) = std::env::var(variable) else {
            say_loudly(&format!("NOT TESTED on {kind:?}: {variable} does not name a server"));
            return None;
        };
        let thread = std::thread::current();
        let claim = thread
            .name()
            .unwrap_or_default()
            .rsplit("::")
            .next()
            .unwrap_or_default();
        let name = format!("all_operations_{}_{claim}", std::process::id());
        let always_there = format!("{server}/{always_there}");
        AnyConnection::to(kind, &always_there).execute(&format!("CREATE DATABASE {name}"));
        Some(Database {
            kind,
            url: format!("{server}/{name}"),
            place: Place::Server { always_there, name },
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connect(&self) -> AnyConnection {
        AnyConnection::to(self.kind, &self.url)
    }

    /// All migrations for it.
    pub(crate) fn registry(&self) -> Registry {
        Registry::of(all_operations::of(self.kind.dialect())).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.place {
            Place::File { .. } => {}
            Place::Server { always_there, name } => {
                AnyConnection::to(self.kind, always_there).execute(&format!("DROP DATABASE {name}"));
            }
        }
    }
}

/// A connection of whichever type.
pub(crate) enum AnyConnection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    #[cfg(feature = "mysql")]
    MySql(MysqlConnection),
}

impl AnyConnection {
    fn to(kind: Kind, url: &str) -> AnyConnection {
        match kind {
            Kind::Sqlite => AnyConnection::Sqlite(SqliteConnection::establish(url).unwrap()),
            #[cfg(feature = "postgres")]
            Kind::Postgres | Kind::NewerPostgres => AnyConnection::Postgres(PgConnection::establish(url).unwrap()),
            #[cfg(feature = "mysql")]
            Kind::MariaDb => AnyConnection::MySql(MysqlConnection::establish(url).unwrap()),
        }
    }

    pub(crate) fn runner(&mut self, registry: Registry) -> Runner<'_> {
        match self {
            AnyConnection::Sqlite(connection) => Runner::new(connection, registry),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(connection) => Runner::new(connection, registry),
            #[cfg(feature = "mysql")]
            AnyConnection::MySql(connection) => Runner::new(connection, registry),
        }
    }

    pub(crate) fn execute(&mut self, statement: &str) {
        let done = match self {
            AnyConnection::Sqlite(connection) => connection.batch_execute(statement),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(connection) => connection.batch_execute(statement),
            #[cfg(feature = "mysql")]
            AnyConnection::MySql(connection) => connection.batch_execute(statement),
        };
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// The answer to a query for one number.
    pub(crate) fn number(&mut self, query: &str) -> i64 {
        let number = sql::<BigInt>(query);
        let answer = match self {
            AnyConnection::Sqlite(connection) => number.get_result(connection),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(connection) => number.get_result(connection),
            #[cfg(feature = "mysql")]
            AnyConnection::MySql(connection) => number.get_result(connection),
        };
        answer.unwrap_or_else(|error| panic!("{query}: {error}"))
    }
}
