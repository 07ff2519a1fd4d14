//! MySQL and MariaDB as servers of test databases.

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, MysqlConnection, QueryableByName, RunQueryDsl, sql_query};

use super::open::SCHEME;
use crate::dialect::Dialect;
use crate::driver::test_server::{Cause, ServerConnection, ServerKind, execute};

impl ServerConnection for MysqlConnection {
    fn server() -> &'static ServerKind {
        &ServerKind {
            title: "MySQL or MariaDB",
            variable: "MIGRATE_TEST_MYSQL",
            dialects: &[Dialect::MySql, Dialect::MariaDb],
            scheme: Some(SCHEME),
            example: "mysql://root@127.0.0.1",
            default_database: "",
            grant: "GRANT ALL ON `migrate\\_test\\_%`.* TO ..",
            has_templates: false,
            execute: execute::<MysqlConnection>,
            drop,
        }
    }
}

/// Ends other connections first, because an open transaction would block the drop: <https://mariadb.com/kb/en/kill/>.
fn drop(url: &str, database: &str) -> Result<(), Cause> {
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
