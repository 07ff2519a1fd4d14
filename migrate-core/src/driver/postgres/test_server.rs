//! PostgreSQL as a server of test databases.

use diesel::PgConnection;

use crate::dialect::Dialect;
use crate::driver::test_server::{ServerConnection, ServerKind, execute};

impl ServerConnection for PgConnection {
    fn server() -> &'static ServerKind {
        &ServerKind {
            title: "PostgreSQL",
            variable: "MIGRATE_TEST_POSTGRES",
            dialects: &[Dialect::Postgres],
            scheme: None,
            example: "postgres://postgres@127.0.0.1",
            default_database: "postgres",
            grant: "ALTER ROLE .. CREATEDB",
            has_templates: true,
            execute: execute::<PgConnection>,
            // https://www.postgresql.org/docs/current/sql-dropdatabase.html
            drop: |url, database| execute::<PgConnection>(url, &format!("DROP DATABASE {database} WITH (FORCE)")),
        }
    }
}
