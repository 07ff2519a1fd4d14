//! Databases of tests' own on the servers that the environment names, and migrations made of closures.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use migrate_core::__private::{Declaration, declare};
use migrate_core::{Error, Migrate, Migration, Registry, Report, Rollback, Runner, Schema, Target};

/// A server that the tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Postgres,
    /// PostgreSQL in a newer version.
    NewerPostgres,
    /// MySQL or MariaDB.
    MySql,
}

impl Server {
    fn variable(self) -> &'static str {
        match self {
            Server::Postgres => "MIGRATE_TEST_POSTGRES",
            Server::NewerPostgres => "MIGRATE_TEST_POSTGRES_NEWER",
            Server::MySql => "MIGRATE_TEST_MYSQL",
        }
    }

    pub(crate) fn is_postgres(self) -> bool {
        self != Server::MySql
    }

    /// Its URL, without a database at the end.
    pub(crate) fn url(self) -> Option<String> {
        let url = std::env::var(self.variable()).ok();
        if url.is_none() {
            eprintln!(
                "NOT TESTED on {self:?}: {} does not name a server, such as postgres://postgres@127.0.0.1 or \
                 mysql://root@127.0.0.1",
                self.variable()
            );
        }
        url
    }
}

/// A connection to whichever server.
pub(crate) enum AnyConnection {
    Postgres(PgConnection),
    MySql(MysqlConnection),
}

impl AnyConnection {
    pub(crate) fn open(server: Server, url: &str) -> AnyConnection {
        if server.is_postgres() {
            AnyConnection::Postgres(PgConnection::establish(url).unwrap())
        } else {
            AnyConnection::MySql(MysqlConnection::establish(url).unwrap())
        }
    }

    pub(crate) fn runner(&mut self, migrations: &[Migration]) -> Runner<'_> {
        let registry = Registry::of(migrations.iter().copied()).unwrap();
        match self {
            AnyConnection::Postgres(connection) => Runner::new(connection, registry),
            AnyConnection::MySql(connection) => Runner::new(connection, registry),
        }
    }

    pub(crate) fn execute(&mut self, sql: &str) {
        let done = match self {
            AnyConnection::Postgres(connection) => connection.batch_execute(sql),
            AnyConnection::MySql(connection) => connection.batch_execute(sql),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The rows of a query for a column `text`.
    pub(crate) fn texts(&mut self, query: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct OneText {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let rows = match self {
            AnyConnection::Postgres(connection) => sql_query(query).load::<OneText>(connection),
            AnyConnection::MySql(connection) => sql_query(query).load::<OneText>(connection),
        };
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.into_iter().map(|row| row.text).collect()
    }

    /// The number that is the answer of a query for a column `number`.
    pub(crate) fn number(&mut self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let row = match self {
            AnyConnection::Postgres(connection) => sql_query(query).get_result::<Number>(connection),
            AnyConnection::MySql(connection) => sql_query(query).get_result::<Number>(connection),
        };
        row.unwrap_or_else(|error| panic!("{query}: {error}")).number
    }
}

/// A database that is dropped at the end.
pub(crate) struct Database {
    pub(crate) server: Server,
    url: String,
    name: String,
}

impl Database {
    /// `None`, said loudly, if no server is named.
    pub(crate) fn new(server: Server) -> Option<Database> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let database = Database {
            server,
            url: server.url()?,
            name: format!(
                "migrate_test_{}_{}",
                std::process::id(),
                NEXT.fetch_add(1, Ordering::Relaxed)
            ),
        };
        database.on_server(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    fn on_server(&self, sql: &str) {
        let of_all = if self.server.is_postgres() { "postgres" } else { "mysql" };
        AnyConnection::open(self.server, &format!("{}/{of_all}", self.url)).execute(sql);
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.url, self.name)
    }

    /// The URL by which it is reached through another address, without encryption.
    pub(crate) fn url_at(&self, address: &str) -> String {
        let is_postgres = self.server.is_postgres();
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let user = rest.rsplit_once('@').map(|(user, _)| user);
        let user = user.unwrap_or(if is_postgres { "postgres" } else { "root" });
        let plain = if is_postgres {
            "?sslmode=disable&gssencmode=disable"
        } else {
            ""
        };
        format!("{scheme}://{user}@{address}/{}{plain}", self.name)
    }

    /// The host and port of its server.
    pub(crate) fn address(&self) -> String {
        let rest = self.url.rsplit_once("//").map_or(self.url.as_str(), |(_, rest)| rest);
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        match (host.contains(':'), self.server.is_postgres()) {
            (true, _) => host.to_owned(),
            (false, true) => format!("{host}:5432"),
            (false, false) => format!("{host}:3306"),
        }
    }

    pub(crate) fn connect(&self) -> AnyConnection {
        AnyConnection::open(self.server, &self.url())
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connect().execute(sql);
    }

    pub(crate) fn number(&self, query: &str) -> i64 {
        let cast = if self.server.is_postgres() { "bigint" } else { "signed" };
        self.connect()
            .number(&format!("SELECT cast(({query}) AS {cast}) AS number"))
    }

    pub(crate) fn text(&self, query: &str) -> String {
        let cast = if self.server.is_postgres() { "text" } else { "char" };
        let texts = self
            .connect()
            .texts(&format!("SELECT coalesce(cast(({query}) AS {cast}), '') AS text"));
        texts.concat()
    }

    /// The schema that the tables are in, as an expression.
    fn schema(&self) -> &'static str {
        if self.server.is_postgres() {
            "'public'"
        } else {
            "database()"
        }
    }

    /// The tables and views, but for history.
    pub(crate) fn tables(&self) -> Vec<String> {
        self.connect()
            .texts(&format!(
                "SELECT CAST(table_name AS CHAR(63)) AS text FROM information_schema.tables WHERE table_schema = {} \
             AND table_name <> '__migrations' ORDER BY 1",
                self.schema()
            ))
            .into_iter()
            .map(|name| name.trim_end().to_owned())
            .collect()
    }

    /// The tables and views, with history.
    pub(crate) fn all_tables(&self) -> Vec<String> {
        self.connect()
            .texts(&format!(
                "SELECT CAST(table_name AS CHAR(63)) AS text FROM information_schema.tables WHERE table_schema = {}",
                self.schema()
            ))
            .into_iter()
            .map(|name| name.trim_end().to_owned())
            .collect()
    }

    /// What a run holds while it works, taken by hand.
    pub(crate) fn at_work(&self) -> AnyConnection {
        let mut other = self.connect();
        if self.server.is_postgres() {
            let key = "hashtextextended(current_database() || '.\"public\".\"__migrations\"', 2026112301)";
            other.execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({key})"));
        } else {
            let table = format!("`{}`.`__migrations`", self.name());
            other.execute(&format!("SELECT get_lock(concat('migrate:', sha1('{table}')), 0)"));
        }
        other
    }

    /// The applied versions, in the order in which they were applied.
    pub(crate) fn applied(&self) -> String {
        let rows = self
            .connect()
            .texts("SELECT concat(version, ':', state, ':', batch) AS text FROM __migrations ORDER BY seq");
        rows.join(" ")
    }

    pub(crate) fn with<T>(&self, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>) -> T) -> T {
        work(&mut self.connect().runner(migrations))
    }

    pub(crate) fn up(&self, migrations: &[Migration]) -> Result<Report, Error> {
        self.with(migrations, |runner| runner.up(&Target::Latest))
    }

    pub(crate) fn rollback(&self, migrations: &[Migration], how_far: &Rollback) -> Result<Report, Error> {
        self.with(migrations, |runner| runner.rollback(how_far))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let force = if self.server.is_postgres() { " WITH (FORCE)" } else { "" };
        self.on_server(&format!("DROP DATABASE {}{force}", self.name));
    }
}

struct Up<F>(F);

impl<F: Fn(&mut Schema) + Send + Sync + 'static> Migrate for Up<F> {
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }
}

pub(crate) fn migration(version: u64, up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    declare(declaration(version, true), Box::leak(Box::new(Up(up))))
}

pub(crate) fn untransactional(version: u64, up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    declare(declaration(version, false), Box::leak(Box::new(Up(up))))
}

fn declaration(version: u64, transaction: bool) -> Declaration {
    Declaration {
        version,
        name: Box::leak(format!("m{version}").into_boxed_str()),
        group: "default",
        description: "",
        transaction,
        file: "src/migrations.rs",
        line: 1,
        module: "migrations",
    }
}

/// A table of its own.
pub(crate) fn table(version: u64) -> Migration {
    migration(version, move |schema| {
        schema.create_table(format!("t{version}"), |t| t.id());
    })
}
