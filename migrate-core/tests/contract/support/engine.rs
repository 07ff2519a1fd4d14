//! The databases of the tests, and their locations in the environment.

/// A database that the tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(feature = "postgres", feature = "mysql")),
    allow(dead_code, reason = "not all are compiled in")
)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    /// A newer version of PostgreSQL.
    NewerPostgres,
    /// MySQL or MariaDB.
    MySql,
    /// The other of the two.
    OtherMySql,
}

impl Engine {
    /// Returns the engine of a URL.
    pub(crate) fn of_url(url: &str) -> Engine {
        match url.split_once("://") {
            Some(("postgres", _)) => Engine::Postgres,
            Some(("mysql", _)) => Engine::MySql,
            _ => Engine::Sqlite,
        }
    }

    pub(crate) fn is_postgres(self) -> bool {
        matches!(self, Engine::Postgres | Engine::NewerPostgres)
    }

    pub(crate) fn is_mysql(self) -> bool {
        matches!(self, Engine::MySql | Engine::OtherMySql)
    }

    /// Returns true if the database has transactional DDL.
    pub(crate) fn has_transactional_ddl(self) -> bool {
        !self.is_mysql()
    }

    /// Returns one of three values, depending on the database.
    pub(crate) fn pick<T>(self, sqlite: T, postgres: T, mysql: T) -> T {
        match self {
            Engine::Sqlite => sqlite,
            Engine::Postgres | Engine::NewerPostgres => postgres,
            Engine::MySql | Engine::OtherMySql => mysql,
        }
    }

    /// The suffix of snapshots that differ per database.
    pub(crate) fn kind(self) -> &'static str {
        self.pick("sqlite", "postgres", "mysql")
    }

    /// Returns the URL of the server in the environment, without a database, or `None` with a message if there is none.
    pub(crate) fn named_server(self) -> Option<String> {
        let (variable, example) = match self {
            Engine::Sqlite => return None,
            Engine::Postgres => ("MIGRATE_TEST_POSTGRES", "postgres://postgres@127.0.0.1"),
            Engine::NewerPostgres => ("MIGRATE_TEST_POSTGRES_NEWER", "postgres://postgres@127.0.0.1:5433"),
            Engine::MySql => ("MIGRATE_TEST_MYSQL", "mysql://root@127.0.0.1"),
            Engine::OtherMySql => ("MIGRATE_TEST_MYSQL_OTHER", "mysql://root@127.0.0.1:3307"),
        };
        let url = std::env::var(variable).ok();
        if url.is_none() {
            eprintln!("NOT TESTED on {self:?}: {variable} does not name a server, such as {example}");
        }
        url
    }
}
