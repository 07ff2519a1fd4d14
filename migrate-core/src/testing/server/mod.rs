//! A server that gives tests databases of their own.

mod backend;
mod scratch_database;
mod template;
mod url;

use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use self::backend::Backend;
pub use self::backend::ServerConnection;
pub(super) use self::scratch_database::ScratchDatabase;
pub(super) use self::template::Template;
use self::url::ServerUrl;
use super::TestDatabase;
use crate::error::{Error, ErrorKind};
use crate::migration::Migration;
use crate::registry::Registry;
use crate::runner::Runner;
use crate::target::Target;

/// A server on which tests get databases of their own, by the type of the connection to it: `PgConnection`, or
/// `MysqlConnection` for MySQL and MariaDB.
///
/// Each database has a name that no other has, also where processes and machines share the server, and is dropped with its
/// value, also by a panic, whoever is still connected to it. The user of the URL needs the right to make databases. Where a
/// process was killed, databases stay behind; their names are `migrate_test_`, the second since 1970 in which they were made,
/// `_`, and a random number.
///
#[cfg_attr(feature = "postgres", doc = "```")]
#[cfg_attr(not(feature = "postgres"), doc = "```ignore")]
/// use diesel::prelude::*;
/// use migrate_core::prelude::*;
/// use migrate_core::testing::{TestResult, TestServer};
/// # #[derive(Migration)]
/// # #[migration(version = 1)]
/// # struct CreateUsers;
/// # impl Migrate for CreateUsers {
/// #     fn up(&self, schema: &mut Schema) {
/// #         schema.create_table("users", |t| { t.id(); t.text("email"); });
/// #     }
/// # }
///
/// // #[test]
/// fn users_have_an_address() -> TestResult {
///     let Some(server) = TestServer::<PgConnection>::from_env()? else {
///         return Ok(());
///     };
///     let mut db = server.migrated()?;
///     let without = diesel::sql_query("INSERT INTO users DEFAULT VALUES").execute(db.conn());
///     assert!(without.is_err());
///     Ok(())
/// }
/// # fn main() -> TestResult {
/// #     users_have_an_address()
/// # }
/// ```
pub struct TestServer<C> {
    url: ServerUrl,
    connection: PhantomData<fn() -> C>,
}

impl<C: ServerConnection> TestServer<C> {
    /// The server that the environment names for tests: `MIGRATE_TEST_POSTGRES` with a `PgConnection`, `MIGRATE_TEST_MYSQL`
    /// with a `MysqlConnection`, each a URL such as [`at`](TestServer::at) takes.
    ///
    /// `None` if it names none. Then "NOT TESTED on .." is written to stderr, once in a process, in a way that shows for tests
    /// that pass as well: a CI can look for it.
    ///
    /// # Errors
    ///
    /// If what it names is not such a URL.
    pub fn from_env() -> Result<Option<TestServer<C>>, Error> {
        let Backend {
            title,
            variable,
            example,
            ..
        } = C::kind();
        let url = std::env::var_os(variable).filter(|url| !url.is_empty());
        let Some(url) = url else {
            say_once(format!(
                "NOT TESTED on {title}: {variable} does not name a server, such as {example}"
            ));
            return Ok(None);
        };
        let server = TestServer::at(&url.to_string_lossy());
        server
            .map(Some)
            .map_err(|error| error.next(format!("it is what {variable} holds")))
    }

    /// The server of a URL, such as `postgres://user:password@host` or `mysql://user@host:3306`. Parameters are kept
    /// (`?sslmode=require`). A database that it names is not changed; databases for tests are made from there.
    ///
    /// # Errors
    ///
    /// If it is not the URL of such a server.
    pub fn at(url: &str) -> Result<TestServer<C>, Error> {
        let Backend {
            title,
            schemes,
            example,
            ..
        } = C::kind();
        let url = ServerUrl::parse(url, schemes).map_err(|why| {
            let message = format!("a URL does not name a {title} server for tests: {why}");
            Error::new(ErrorKind::InvalidSetting, message).next(format!("write one such as {example}"))
        })?;
        Ok(TestServer {
            url,
            connection: PhantomData,
        })
    }

    /// An empty database, for the migrations that are linked into the test.
    ///
    /// # Errors
    ///
    /// If none is linked, or two share a version; if the server cannot be reached or makes no database.
    pub fn database(&self) -> Result<TestDatabase<C>, Error> {
        self.empty(Registry::linked()?)
    }

    /// An empty database, for an explicit set.
    ///
    /// # Errors
    ///
    /// If the set is empty, or two share a version; if the server cannot be reached or makes no database.
    pub fn database_of(&self, migrations: impl IntoIterator<Item = Migration>) -> Result<TestDatabase<C>, Error> {
        self.empty(Registry::of(migrations)?)
    }

    /// A database to which all migrations that are linked into the test are applied.
    ///
    /// On PostgreSQL it is a copy (`CREATE DATABASE .. TEMPLATE`) of one that the process has migrated, as long as another test
    /// has such a database: 0.1 s instead of 0.7 s where there are 50 migrations, 0.2 s instead of 4.7 s for 200, on the two busy
    /// cores of this project. What is not in a database is not copied: the settings of `ALTER DATABASE .. SET`, and rights on
    /// the database itself.
    ///
    /// # Errors
    ///
    /// As [`database`](TestServer::database), and what [`Runner::up`](crate::Runner::up) says.
    pub fn migrated(&self) -> Result<TestDatabase<C>, Error> {
        self.latest(Registry::linked()?)
    }

    /// [`migrated`](TestServer::migrated), with an explicit set.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn migrated_of(&self, migrations: impl IntoIterator<Item = Migration>) -> Result<TestDatabase<C>, Error> {
        self.latest(Registry::of(migrations)?)
    }

    fn empty(&self, registry: Registry) -> Result<TestDatabase<C>, Error> {
        let own = self.own()?;
        Ok(TestDatabase::on_server(connect(&own)?, registry, own, None))
    }

    fn latest(&self, registry: Registry) -> Result<TestDatabase<C>, Error> {
        if !C::kind().has_templates {
            let mut database = self.empty(registry)?;
            database.up(&Target::Latest)?;
            return Ok(database);
        }
        let (template, is_used) = Template::of(&self.url, &registry);
        let make = || {
            let own = self.own()?;
            Runner::new(&mut connect::<C>(&own)?, registry.clone()).up(&Target::Latest)?;
            Ok(own)
        };
        // The first may remain the only one, for which a copy would be made in vain.
        let own = if is_used { template.copy(make)? } else { make()? };
        Ok(TestDatabase::on_server(connect(&own)?, registry, own, Some(template)))
    }

    fn own(&self) -> Result<ScratchDatabase, Error> {
        ScratchDatabase::new(C::kind(), &self.url)
    }
}

fn connect<C: ServerConnection>(own: &ScratchDatabase) -> Result<C, Error> {
    C::establish(&own.url()).map_err(|error| own.unreachable(error))
}

/// On stderr, past what the test harness keeps of tests that pass.
fn say_once(line: String) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.contains(&line) {
        // There is nobody to tell that it could not be told.
        let _ = writeln!(io::stderr(), "{line}");
        said.push(line);
    }
}

impl<C> Clone for TestServer<C> {
    fn clone(&self) -> TestServer<C> {
        TestServer {
            url: self.url.clone(),
            connection: PhantomData,
        }
    }
}

impl<C> fmt::Debug for TestServer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestServer({})", self.url)
    }
}
