//! A server that creates databases for tests.

mod scratch_database;
mod template;

use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use diesel::ConnectionResult;

use self::scratch_database::ScratchDatabase;
use self::template::Template;
use super::TestDatabase;
use crate::code::Code;
use crate::database_url::DatabaseUrl;
pub use crate::driver::test_server::ServerConnection;
use crate::driver::test_server::ServerKind;
use crate::error::Error;
use crate::migration::Migration;
use crate::registry::Registry;
use crate::runner::Runner;
use crate::target::Target;

/// A server that creates databases for tests. `C` is `PgConnection`, or `MysqlConnection` for MySQL and MariaDB.
///
/// Each database has a unique name, even if several processes or machines share the server. It is dropped with its
/// `TestDatabase`, also after a panic, and even if other connections use it. The user of the URL needs the right to
/// create databases.
///
/// A killed process does not drop its databases. Their names are `migrate_test_<seconds since 1970>_<random number>`.
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
    url: DatabaseUrl,
    connection: PhantomData<fn() -> C>,
}

impl<C: ServerConnection> TestServer<C> {
    /// Returns the test server that the environment names.
    ///
    /// The variable is `MIGRATE_TEST_POSTGRES` for `PgConnection` and `MIGRATE_TEST_MYSQL` for `MysqlConnection`. For
    /// its value, see [`at`](TestServer::at).
    ///
    /// If the variable is missing or empty, this returns `None`, and prints "NOT TESTED on .." to stderr once per
    /// process. The test harness does not capture the line, so it is visible in CI even if the test passes.
    ///
    /// # Errors
    ///
    /// Returns an error if the value is not such a URL.
    pub fn from_env() -> Result<Option<TestServer<C>>, Error> {
        let ServerKind {
            title,
            variable,
            example,
            ..
        } = C::server();
        let url = std::env::var_os(variable).filter(|url| !url.is_empty());
        let Some(url) = url else {
            say_once(format!(
                "NOT TESTED on {title}: {variable} is not set to the URL of a server, such as {example}"
            ));
            return Ok(None);
        };
        TestServer::named(&format!("`{variable}`"), &url.to_string_lossy()).map(Some)
    }

    /// Returns the server of a URL, such as `postgres://user:password@host` or `mysql://user@host:3306`.
    ///
    /// Parameters such as `?sslmode=require` also apply to the test databases. If the URL has a database, the
    /// connections that create and drop test databases use it. This call does not connect.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is malformed or belongs to another kind of server.
    pub fn at(url: &str) -> Result<TestServer<C>, Error> {
        TestServer::named("the test server", url)
    }

    fn named(what: &str, url: &str) -> Result<TestServer<C>, Error> {
        let url = server_url(C::server(), url).map_err(|InvalidServerUrl { why, help }| {
            let ServerKind { title, example, .. } = C::server();
            let message = format!("{what} is not a valid {title} URL: {why}");
            let help = help.map_or_else(|| format!("use a URL such as `{example}`"), str::to_owned);
            Error::new(Code::TEST_SETTING, message).help(help)
        })?;
        Ok(TestServer {
            url,
            connection: PhantomData,
        })
    }

    /// Creates an empty database for the migrations that are linked into the test.
    ///
    /// # Errors
    ///
    /// Returns an error if no migration is linked, or if two share a group and version. Also if the server is
    /// unreachable or refuses to create a database.
    pub fn database(&self) -> Result<TestDatabase<C>, Error> {
        self.empty(Registry::linked()?)
    }

    /// Creates an empty database for an explicit set of migrations.
    ///
    /// # Errors
    ///
    /// Returns an error if the set is empty, and the other errors of [`database`](TestServer::database).
    pub fn database_of(&self, migrations: impl IntoIterator<Item = Migration>) -> Result<TestDatabase<C>, Error> {
        self.empty(Registry::of(migrations)?)
    }

    /// Creates a database, and applies all migrations that are linked into the test.
    ///
    /// On PostgreSQL, if another test of this process has such a database, this one is a copy of a template (`CREATE
    /// DATABASE .. TEMPLATE`). On two busy cores, a copy took 0.1 s instead of 0.7 s for 50 migrations, and 0.2 s
    /// instead of 4.7 s for 200. A copy lacks the settings of `ALTER DATABASE .. SET` and the privileges on the
    /// database itself.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`database`](TestServer::database) and [`Runner::up`](crate::Runner::up).
    pub fn migrated(&self) -> Result<TestDatabase<C>, Error> {
        self.latest(Registry::linked()?)
    }

    /// Like [`migrated`](TestServer::migrated), with an explicit set of migrations.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`database_of`](TestServer::database_of) and [`Runner::up`](crate::Runner::up).
    pub fn migrated_of(&self, migrations: impl IntoIterator<Item = Migration>) -> Result<TestDatabase<C>, Error> {
        self.latest(Registry::of(migrations)?)
    }

    fn empty(&self, registry: Registry) -> Result<TestDatabase<C>, Error> {
        let own = self.own()?;
        Ok(TestDatabase::with(connect(&own)?, registry, own.url(), own))
    }

    fn latest(&self, registry: Registry) -> Result<TestDatabase<C>, Error> {
        if !C::server().has_templates {
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
        // The first database may remain the only one, so a template is created for the second.
        let own = if is_used { template.copy(make)? } else { make()? };
        // Other tests need the template while this database exists.
        Ok(TestDatabase::with(connect(&own)?, registry, own.url(), (own, template)))
    }

    fn own(&self) -> Result<ScratchDatabase, Error> {
        ScratchDatabase::new(C::server(), &self.url)
    }
}

impl<C: ServerConnection> TestDatabase<C> {
    /// Opens another connection to the database.
    ///
    /// # Errors
    ///
    /// Returns Diesel's error.
    pub fn connect(&self) -> ConnectionResult<C> {
        C::establish(self.url())
    }
}

/// The reason why a text is not the URL of a server.
#[derive(Debug)]
struct InvalidServerUrl {
    why: &'static str,
    /// `None` if an example of a URL is the best help.
    help: Option<&'static str>,
}

/// Reads the URL of a server of this kind. The error never contains a part that may be a password.
fn server_url(server: &ServerKind, url: &str) -> Result<DatabaseUrl, InvalidServerUrl> {
    let invalid = |why, help| InvalidServerUrl { why, help };
    if !url.contains("://") {
        return Err(invalid("it has no scheme", None));
    }
    let url: DatabaseUrl = url.trim().parse().map_err(|_| invalid("it is malformed", None))?;
    if !server.dialects.contains(&url.dialect()) {
        return Err(invalid("it has the scheme of another database", None));
    }
    url.check_password()
        .and_then(|()| url.check_escapes())
        .map_err(|error| invalid(error.reason(), Some(error.help())))?;
    // libpq would use it instead of the test database.
    if url.parameter("dbname").is_some() {
        let help = "name the database before the question mark";
        return Err(invalid("it contains the parameter `dbname`", Some(help)));
    }
    Ok(url)
}

fn connect<C: ServerConnection>(own: &ScratchDatabase) -> Result<C, Error> {
    C::establish(&own.url()).map_err(|error| own.unreachable(error))
}

/// Prints a line to stderr once per process, bypassing the capture of the test harness.
fn say_once(line: String) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.contains(&line) {
        // There is no other place to report this.
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
        write!(f, "TestServer({})", self.url.server_label())
    }
}

#[cfg(all(test, feature = "postgres", feature = "mysql"))]
mod tests {
    use super::*;

    fn read<C: ServerConnection>(url: &str) -> Result<DatabaseUrl, InvalidServerUrl> {
        server_url(C::server(), url)
    }

    #[test]
    fn invalid_server_urls_are_refused() {
        for url in [
            "",
            "app.db",
            "host=127.0.0.1 user=me",
            "mysql://me@host",
            "sqlite://app.db",
            "postgres://me:se@cret@host",
            "postgres://me:se/cret@host",
            "postgres://me:100%secret@host",
            "postgres://me@host/app?dbname=production",
            "postgres://me@host/app?%64bname=production",
        ] {
            let error = read::<diesel::PgConnection>(url).unwrap_err();
            assert!(!format!("{error:?}").contains("cret"), "{error:?}");
        }
    }

    #[test]
    fn mysql_and_mariadb_schemes_are_equivalent() {
        for scheme in ["mysql", "mariadb"] {
            let url = read::<diesel::MysqlConnection>(&format!("{scheme}://root@host:3306/app")).unwrap();
            let server = diesel::MysqlConnection::server();
            assert_eq!(
                scratch_database::url_of(server, &url, "other"),
                "mysql://root@host:3306/other"
            );
        }
    }
}
