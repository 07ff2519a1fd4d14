//! A connection to any database.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use migrate_core::{Migration, Registry, Runner};

use super::Engine;

pub(crate) enum AnyConnection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    #[cfg(feature = "mysql")]
    MySql(MysqlConnection),
}

/// Evaluates an expression with the connection of any type.
macro_rules! with_connection {
    ($any:expr, $connection:ident => $work:expr) => {
        match $any {
            $crate::support::AnyConnection::Sqlite($connection) => $work,
            #[cfg(feature = "postgres")]
            $crate::support::AnyConnection::Postgres($connection) => $work,
            #[cfg(feature = "mysql")]
            $crate::support::AnyConnection::MySql($connection) => $work,
        }
    };
}

impl AnyConnection {
    pub(crate) fn open(url: &str) -> AnyConnection {
        AnyConnection::establish(url).unwrap()
    }

    pub(crate) fn establish(url: &str) -> ConnectionResult<AnyConnection> {
        match Engine::of_url(url) {
            Engine::Sqlite => SqliteConnection::establish(url).map(AnyConnection::Sqlite),
            #[cfg(feature = "postgres")]
            Engine::Postgres | Engine::NewerPostgres => PgConnection::establish(url).map(AnyConnection::Postgres),
            #[cfg(feature = "mysql")]
            Engine::MySql | Engine::OtherMySql => MysqlConnection::establish(url).map(AnyConnection::MySql),
            #[cfg(not(all(feature = "postgres", feature = "mysql")))]
            other => panic!("{other:?} is not compiled in"),
        }
    }

    pub(crate) fn runner(&mut self, migrations: &[Migration]) -> Runner<'_> {
        self.runner_of(Registry::of(migrations.iter().copied()).unwrap())
    }

    pub(crate) fn runner_of(&mut self, registry: Registry) -> Runner<'_> {
        let runner = with_connection!(self, connection => Runner::new(connection, registry));
        // Tests prepare databases; `first_run` has those of the guard.
        runner.applied_by("tester@here").on_existing(true)
    }

    pub(crate) fn execute(&mut self, sql: &str) {
        let done = with_connection!(self, connection => connection.batch_execute(sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Returns the rows of a query with one column `text`.
    pub(crate) fn texts(&mut self, query: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct OneText {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let rows = with_connection!(self, connection => sql_query(query).load::<OneText>(connection));
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.into_iter().map(|row| row.text).collect()
    }

    /// Returns the number that a query selects.
    pub(crate) fn number(&mut self, query: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let integer = match self {
            #[cfg(feature = "mysql")]
            AnyConnection::MySql(_) => "signed",
            _ => "bigint",
        };
        let query = format!("SELECT cast(({query}) AS {integer}) AS number");
        let row = with_connection!(self, connection => sql_query(&query).get_result::<Number>(connection));
        row.unwrap_or_else(|error| panic!("{query}: {error}")).number
    }
}
