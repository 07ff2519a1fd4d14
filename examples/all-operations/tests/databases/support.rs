//! A database of a test's own, of any kind.

use std::any::Any;
use std::io::Write;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use migrate_core::testing::TestFile;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use migrate_core::testing::{ServerConnection, TestServer};
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
}

/// Said on stderr itself, as a test that passes shows nothing that it prints.
pub(crate) fn say_loudly(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

pub(crate) struct Database {
    pub(crate) kind: Kind,
    url: String,
    /// Dropping it drops the database.
    _own: Box<dyn Any>,
}

impl Database {
    /// `None`, said loudly, if the environment names no server.
    pub(crate) fn new(kind: Kind) -> Option<Database> {
        let (url, own): (String, Box<dyn Any>) = match kind {
            Kind::Sqlite => {
                let file = TestFile::new().unwrap();
                (file.path().display().to_string(), Box::new(file))
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres => on_server(kind, TestServer::<PgConnection>::from_env().unwrap()?),
            #[cfg(feature = "postgres")]
            Kind::NewerPostgres => on_server(kind, newer_postgres()?),
            #[cfg(feature = "mysql")]
            Kind::MariaDb => on_server(kind, TestServer::<MysqlConnection>::from_env().unwrap()?),
        };
        Some(Database { kind, url, _own: own })
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

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn on_server<C: ServerConnection>(kind: Kind, server: TestServer<C>) -> (String, Box<dyn Any>) {
    let database = server.database_of(all_operations::of(kind.dialect())).unwrap();
    (database.url().to_owned(), Box::new(database))
}

#[cfg(feature = "postgres")]
fn newer_postgres() -> Option<TestServer<PgConnection>> {
    let Ok(url) = std::env::var("MIGRATE_TEST_POSTGRES_NEWER") else {
        say_loudly("NOT TESTED on a newer PostgreSQL: MIGRATE_TEST_POSTGRES_NEWER does not name a server");
        return None;
    };
    Some(TestServer::at(&url).unwrap())
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
