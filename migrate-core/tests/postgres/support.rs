//! Databases of tests' own on the server that `MIGRATE_TEST_POSTGRES` names, and migrations made of closures.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use migrate_core::__private::{Declaration, declare};
use migrate_core::{Error, Migrate, Migration, Registry, Report, Rollback, Runner, Schema, Target};

/// A database that is dropped at the end.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// `None`, said loudly, if no server is named.
    pub(crate) fn new() -> Option<Database> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("MIGRATE_TEST_POSTGRES") else {
            eprintln!(
                "NOT TESTED on PostgreSQL: MIGRATE_TEST_POSTGRES does not name a server, such as postgres://postgres@127.0.0.1"
            );
            return None;
        };
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let database = Database {
            server,
            name: format!("migrate_test_{}_{next}", std::process::id()),
        };
        database.on_server(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    fn on_server(&self, sql: &str) {
        let mut connection = PgConnection::establish(&format!("{}/postgres", self.server)).unwrap();
        connection.batch_execute(sql).unwrap();
    }

    pub(crate) fn connect(&self) -> PgConnection {
        PgConnection::establish(&format!("{}/{}", self.server, self.name)).unwrap()
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connect().batch_execute(sql).unwrap();
    }

    pub(crate) fn number(&self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let query = format!("SELECT ({query})::bigint AS number");
        sql_query(query)
            .get_result::<Number>(&mut self.connect())
            .unwrap()
            .number
    }

    pub(crate) fn text(&self, query: &str) -> String {
        #[derive(QueryableByName)]
        struct OneText {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let query = format!("SELECT coalesce(({query})::text, '') AS text");
        sql_query(query)
            .get_result::<OneText>(&mut self.connect())
            .unwrap()
            .text
    }

    /// The applied versions, in the order in which they were applied.
    pub(crate) fn applied(&self) -> String {
        self.text(
            "SELECT string_agg(version || ':' || state || ':' || batch, ' ' ORDER BY seq) FROM public.__migrations",
        )
    }

    pub(crate) fn with<T>(&self, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>) -> T) -> T {
        let mut connection = self.connect();
        let registry = Registry::of(migrations.iter().copied()).unwrap();
        work(&mut Runner::new(&mut connection, registry))
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
        self.on_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
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
