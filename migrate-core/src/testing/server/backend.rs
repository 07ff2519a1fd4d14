//! The differences between servers for the creation of test databases.

use diesel::Connection;
#[cfg(feature = "mysql")]
use diesel::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::PgConnection;

use super::url::ServerUrl;
use crate::driver::Driver;

/// A connection to a server: `PgConnection`, or `MysqlConnection` for MySQL and MariaDB.
pub trait ServerConnection: Driver + Connection {
    #[doc(hidden)]
    fn kind() -> &'static Backend;
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[doc(hidden)]
#[derive(Debug)]
pub struct Backend {
    pub(super) title: &'static str,
    /// The environment variable with the URL of the test server.
    pub(super) variable: &'static str,
    pub(super) schemes: &'static [&'static str],
    /// An example of such a URL.
    pub(super) example: &'static str,
    /// The database to connect to if the URL names none.
    for_all: &'static str,
    /// The statement that permits a user to create databases.
    pub(super) grant: &'static str,
    /// True if the server can copy a database.
    pub(super) has_templates: bool,
    /// Runs one statement on a new connection.
    pub(super) execute: fn(url: &str, sql: &str) -> Result<(), Cause>,
    /// Drops a database even while others are connected to it.
    pub(super) drop: fn(url: &str, database: &str) -> Result<(), Cause>,
}

impl Backend {
    /// The URL of a database that already exists.
    pub(super) fn for_all(&self, server: &ServerUrl) -> String {
        server.with_database(server.database().unwrap_or(self.for_all))
    }
}

#[cfg(feature = "postgres")]
impl ServerConnection for PgConnection {
    fn kind() -> &'static Backend {
        &Backend {
            title: "PostgreSQL",
            variable: "MIGRATE_TEST_POSTGRES",
            schemes: &["postgres", "postgresql"],
            example: "postgres://postgres@127.0.0.1",
            for_all: "postgres",
            grant: "ALTER ROLE .. CREATEDB",
            has_templates: true,
            execute: execute::<PgConnection>,
            // https://www.postgresql.org/docs/current/sql-dropdatabase.html
            drop: |url, database| execute::<PgConnection>(url, &format!("DROP DATABASE {database} WITH (FORCE)")),
        }
    }
}

#[cfg(feature = "mysql")]
impl ServerConnection for MysqlConnection {
    fn kind() -> &'static Backend {
        &Backend {
            title: "MySQL or MariaDB",
            variable: "MIGRATE_TEST_MYSQL",
            schemes: &["mysql", "mariadb"],
            example: "mysql://root@127.0.0.1",
            for_all: "",
            grant: "GRANT ALL ON `migrate\\_test\\_%`.* TO ..",
            has_templates: false,
            execute: execute::<MysqlConnection>,
            drop: drop_on_mysql,
        }
    }
}

fn execute<C: Connection>(url: &str, sql: &str) -> Result<(), Cause> {
    Ok(C::establish(url)?.batch_execute(sql)?)
}

/// Ends other connections first, because an open transaction would block the drop: <https://mariadb.com/kb/en/kill/>.
#[cfg(feature = "mysql")]
fn drop_on_mysql(url: &str, database: &str) -> Result<(), Cause> {
    use diesel::connection::SimpleConnection;
    use diesel::sql_types::BigInt;
    use diesel::{QueryableByName, RunQueryDsl, sql_query};

    #[derive(QueryableByName)]
    struct Session {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let mut conn = MysqlConnection::establish(url)?;
    let query = format!("SELECT cast(id AS SIGNED) AS id FROM information_schema.processlist WHERE db = '{database}'");
    for Session { id } in sql_query(query).load(&mut conn)? {
        // The session may have ended already.
        let _ = conn.batch_execute(&format!("KILL CONNECTION {id}"));
    }
    conn.batch_execute("SET SESSION lock_wait_timeout = 60")?;
    Ok(conn.batch_execute(&format!("DROP DATABASE {database}"))?)
}
