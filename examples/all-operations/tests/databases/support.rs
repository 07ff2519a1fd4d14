//! The database of one test, of any kind.

use std::any::Any;
use std::io::Write;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use migrate_core::testing::TestFile;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use migrate_core::testing::{ServerConnection, TestServer};
use migrate_core::{Dialect, Registry, Runner};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
    #[cfg(feature = "postgres")]
    NewerPostgres,
    /// MySQL or MariaDB.
    #[cfg(feature = "mysql")]
    MySql,
    /// The other of the two.
    #[cfg(feature = "mysql")]
    OtherMySql,
}

/// Writes to stderr directly, because the harness hides the output of passing tests.
pub(crate) fn print_to_stderr(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

pub(crate) struct Database {
    kind: Kind,
    pub(crate) dialect: Dialect,
    url: String,
    /// Dropping it drops the database.
    _own: Box<dyn Any>,
}

impl Database {
    /// Returns `None` with a message if the environment names no server.
    pub(crate) fn new(kind: Kind) -> Option<Database> {
        let (url, own): (String, Box<dyn Any>) = match kind {
            Kind::Sqlite => {
                let file = TestFile::new().unwrap();
                (file.path().display().to_string(), Box::new(file))
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres => on_server(Dialect::Postgres, TestServer::<PgConnection>::from_env().unwrap()?),
            #[cfg(feature = "postgres")]
            Kind::NewerPostgres => {
                on_server::<PgConnection>(Dialect::Postgres, other_server("MIGRATE_TEST_POSTGRES_NEWER")?)
            }
            #[cfg(feature = "mysql")]
            Kind::MySql => on_server(Dialect::MySql, TestServer::<MysqlConnection>::from_env().unwrap()?),
            #[cfg(feature = "mysql")]
            Kind::OtherMySql => on_server::<MysqlConnection>(Dialect::MySql, other_server("MIGRATE_TEST_MYSQL_OTHER")?),
        };
        let dialect = AnyConnection::to(kind, &url).dialect();
        Some(Database {
            kind,
            dialect,
            url,
            _own: own,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn connect(&self) -> AnyConnection {
        AnyConnection::to(self.kind, &self.url)
    }

    /// The migrations for this database.
    pub(crate) fn registry(&self) -> Registry {
        Registry::of(all_operations::of(self.dialect)).unwrap()
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn on_server<C: ServerConnection>(dialect: Dialect, server: TestServer<C>) -> (String, Box<dyn Any>) {
    let database = server.database_of(all_operations::of(dialect)).unwrap();
    (database.url().to_owned(), Box::new(database))
}

/// Returns an additional server from the environment.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn other_server<C: ServerConnection>(variable: &str) -> Option<TestServer<C>> {
    let Ok(url) = std::env::var(variable) else {
        print_to_stderr(&format!("NOT TESTED on another server: {variable} does not name one"));
        return None;
    };
    Some(TestServer::at(&url).unwrap())
}

/// A connection of any type.
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
            Kind::MySql | Kind::OtherMySql => AnyConnection::MySql(MysqlConnection::establish(url).unwrap()),
        }
    }

    /// The server's version decides between MySQL and MariaDB.
    fn dialect(&mut self) -> Dialect {
        match self {
            AnyConnection::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => Dialect::Postgres,
            #[cfg(feature = "mysql")]
            AnyConnection::MySql(_) => match self.number("SELECT version() LIKE '%MariaDB%'") {
                1 => Dialect::MariaDb,
                _ => Dialect::MySql,
            },
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

    /// Returns the number that a query selects.
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
