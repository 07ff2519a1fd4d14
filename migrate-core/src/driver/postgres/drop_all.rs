//! Drops all objects of a schema.

use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, Connection, SimpleConnection};

use super::{DIALECT, truth};
use crate::driver::query::texts;
use crate::driver::{DriverError, DriverErrorKind, DropAll, SqlConnection};
use crate::history::table::HistoryTable;
use crate::render::SqlDialect;

impl DropAll for PgConnection {
    fn fresh_scope(&mut self) -> String {
        format!("{} (other schemas are unchanged)", self.database_label())
    }

    fn drop_everything(&mut self, history: &HistoryTable, _wait: Duration) -> Result<(), DriverError> {
        // History outside the emptied schema would still list objects that no longer exist.
        if let Some(schema) = history.schema() {
            let query = format!("SELECT current_schema() = {} AS truth", DIALECT.text(schema));
            if !truth(self, &query)? {
                return Err(DriverError {
                    kind: DriverErrorKind::Other,
                    message: format!(
                        "the history table is in schema `{schema}`, but another schema is first in the search path and would be \
                         emptied"
                    ),
                });
            }
        }
        AnsiTransactionManager::begin_transaction_sql(self, "BEGIN")?;
        let result = drop_all_objects(self);
        self.end_after(result)
    }
}

/// Drops every object in the connection's schema, and the extensions in it that no other object needs.
fn drop_all_objects(connection: &mut PgConnection) -> Result<(), DriverError> {
    let query = "SELECT 'DROP ' || kind || ' IF EXISTS ' || name || ' CASCADE' AS text FROM ( \
         SELECT 1 AS turn, c.oid, 'pg_class'::regclass AS class, c.oid::regclass::text AS name, CASE c.relkind \
         WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' \
         ELSE 'TABLE' END AS kind FROM pg_class c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace \
         AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') \
         UNION ALL SELECT 2, p.oid, 'pg_proc'::regclass, p.oid::regprocedure::text, \
         CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END \
         FROM pg_proc p WHERE p.pronamespace = quote_ident(current_schema())::regnamespace \
         UNION ALL SELECT 3, t.oid, 'pg_type'::regclass, t.oid::regtype::text, \
         CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END FROM pg_type t \
         LEFT JOIN pg_class r ON r.oid = t.typrelid \
         WHERE t.typnamespace = quote_ident(current_schema())::regnamespace AND (t.typtype IN ('e', 'd', 'r') OR r.relkind = 'c') \
         UNION ALL SELECT 4, l.oid, 'pg_collation'::regclass, l.oid::regcollation::text, 'COLLATION' \
         FROM pg_collation l WHERE l.collnamespace = quote_ident(current_schema())::regnamespace \
         UNION ALL SELECT 5, s.oid, s.class, format('%I.%I', current_schema(), s.name), 'TEXT SEARCH ' || s.kind FROM ( \
         SELECT oid, 'pg_ts_config'::regclass AS class, cfgname AS name, 'CONFIGURATION' AS kind, cfgnamespace AS of FROM pg_ts_config \
         UNION ALL SELECT oid, 'pg_ts_dict'::regclass, dictname, 'DICTIONARY', dictnamespace FROM pg_ts_dict \
         UNION ALL SELECT oid, 'pg_ts_template'::regclass, tmplname, 'TEMPLATE', tmplnamespace FROM pg_ts_template \
         UNION ALL SELECT oid, 'pg_ts_parser'::regclass, prsname, 'PARSER', prsnamespace FROM pg_ts_parser) AS s \
         WHERE s.of = quote_ident(current_schema())::regnamespace) AS o \
         WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype IN ('e', 'i')) \
         ORDER BY turn, kind <> 'VIEW', name";
    for statement in texts(connection, query)? {
        connection.execute(&statement)?;
    }
    // Newest first, because an extension is created after the ones that it needs.
    let extensions = "SELECT quote_ident(extname) AS text FROM pg_extension \
                      WHERE extnamespace = quote_ident(current_schema())::regnamespace ORDER BY oid DESC";
    for extension in texts(connection, extensions)? {
        let drop = format!("DROP EXTENSION {extension}");
        let dropped = connection.transaction(|connection| connection.batch_execute(&drop));
        match dropped.map_err(DriverError::from) {
            // An object of another schema needs it, or it belongs to another role.
            Err(error) if matches!(error.kind, DriverErrorKind::Other | DriverErrorKind::Denied) => {
                tracing::info!(extension, %error, "extension not dropped");
            }
            result => result?,
        }
    }
    Ok(())
}
