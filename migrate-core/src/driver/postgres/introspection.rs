//! What a PostgreSQL schema holds: its objects, a digest of some, and rows.

use std::rc::Rc;

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::connection::current_schema;
use super::{DIALECT, catalog};
use crate::driver::introspection::kept_if_equal;
use crate::driver::query::{number, one_text, texts};
use crate::driver::{DriverError, Introspect};
use crate::render::SqlDialect;
use crate::state::LiveSchema;

impl Introspect for PgConnection {
    fn catalog_context(&mut self) -> Result<String, DriverError> {
        one_text(
            self,
            "SELECT md5(concat_ws(' ', current_user, current_schemas(false)::text, current_setting('quote_all_identifiers'))) \
             AS text",
        )
    }

    fn object_digest(&mut self, names: &[String]) -> Result<Option<String>, DriverError> {
        Ok(Some(one_text(self, &digest_of(names))?))
    }

    fn broken_references(&mut self) -> Result<Vec<String>, DriverError> {
        Ok(Vec::new())
    }

    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError> {
        catalog::read(self).map(|live| kept_if_equal(earlier, live))
    }

    fn schema(&mut self) -> Result<Option<String>, DriverError> {
        current_schema(self).map(Some)
    }

    fn foreign_tables(&mut self) -> Result<Vec<String>, DriverError> {
        texts(
            self,
            "SELECT c.relname::text AS text FROM pg_class c \
             WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'f' AND NOT c.relispartition \
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
             ORDER BY c.relname",
        )
    }

    fn count_rows(&mut self, table: &str) -> Result<i64, DriverError> {
        let query = format!("SELECT count(*) AS number FROM {}", DIALECT.identifier(table));
        Ok(number(self, &query)?.unwrap_or_default())
    }

    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError> {
        #[derive(QueryableByName)]
        struct OneRow {
            #[diesel(sql_type = BigInt)]
            number: i64,
            #[diesel(sql_type = Array<Text>)]
            literals: Vec<String>,
        }
        let mut rows = vec![Vec::new(); of.len()];
        let queries: Vec<String> = of
            .iter()
            .enumerate()
            .map(|(number, (table, columns))| {
                let literals: Vec<String> = columns
                    .iter()
                    .map(|column| format!("quote_nullable({}::text)", DIALECT.identifier(column)))
                    .collect();
                format!(
                    "SELECT {number}::bigint AS number, ARRAY[{}]::text[] AS literals FROM {}",
                    literals.join(", "),
                    DIALECT.identifier(table)
                )
            })
            .collect();
        for queries in queries.chunks(100) {
            for row in sql_query(queries.join(" UNION ALL ")).load::<OneRow>(self)? {
                if let Some(rows) = usize::try_from(row.number).ok().and_then(|number| rows.get_mut(number)) {
                    rows.push(row.literals);
                }
            }
        }
        Ok(rows)
    }
}

/// Returns a query for a digest of the named objects. An unfinished index does not count:
/// <https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY>.
fn digest_of(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| DIALECT.text(name)).collect();
    format!(
        "WITH named AS (SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = quote_ident(current_schema())::regnamespace \
         AND c.relname = ANY (ARRAY[{}]::text[]) AND (c.relkind IN ('r', 'p', 'v', 'm') \
         OR EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND i.indisvalid))), \
         parts AS ( \
         SELECT 'relation ' || relname || ' ' || coalesce(obj_description(oid, 'pg_class'), '') AS part FROM named \
         UNION ALL SELECT concat_ws(' ', 'column', n.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
         a.attidentity, a.attgenerated, a.attcollation, pg_get_expr(d.adbin, d.adrelid), col_description(n.oid, a.attnum)) \
         FROM named n JOIN pg_attribute a ON a.attrelid = n.oid AND a.attnum > 0 AND NOT a.attisdropped \
         LEFT JOIN pg_attrdef d ON d.adrelid = n.oid AND d.adnum = a.attnum \
         UNION ALL SELECT concat_ws(' ', 'constraint', n.relname, k.conname, k.convalidated, pg_get_constraintdef(k.oid)) \
         FROM named n JOIN pg_constraint k ON k.conrelid = n.oid \
         UNION ALL SELECT pg_get_indexdef(i.indexrelid) FROM named n JOIN pg_index i ON i.indrelid = n.oid AND i.indisvalid \
         UNION ALL SELECT pg_get_viewdef(v.oid) FROM named v JOIN pg_class c ON c.oid = v.oid WHERE c.relkind IN ('v', 'm') \
         UNION ALL SELECT concat_ws(' ', 'value', t.typname, e.enumsortorder, e.enumlabel) FROM pg_enum e \
         JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typnamespace = quote_ident(current_schema())::regnamespace \
         AND t.typname = ANY (ARRAY[{}]::text[])) \
         SELECT md5(coalesce(string_agg(part, E'\\n' ORDER BY part), '')) AS text FROM parts",
        names.join(", "),
        names.join(", ")
    )
}
