//! PostgreSQL, in the version of the server.

use migrate_core::{Dialect, Direction};

use super::database::{Catalog, Objects, objects};
use super::sql::MOODS;
use crate::support::AnyConnection;

pub(super) struct Postgres;

impl Catalog for Postgres {
    fn settings(&self) -> Option<&'static str> {
        Some("SET synchronous_commit = off")
    }

    fn version(&self) -> &'static str {
        "SELECT current_setting('server_version') AS text"
    }

    fn drop_all(&self, _database: &str) -> String {
        "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public".to_owned()
    }

    fn objects(&self, connection: &mut AnyConnection, _dialect: Dialect) -> Objects {
        objects(connection.texts(OBJECTS))
    }

    fn tables(&self) -> &'static str {
        "SELECT table_name::text AS text FROM information_schema.tables \
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> '__migrations' ORDER BY 1"
    }

    fn columns(&self, table: &str) -> String {
        format!(
            "SELECT column_name || chr(9) || udt_name AS text FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY column_name"
        )
    }

    fn literal(&self, column_type: &str, table: &str, column: &str, row: usize) -> String {
        match column_type {
            "int2" | "int4" | "int8" => format!("{row}"),
            "float8" | "numeric" => format!("{row}.25"),
            "date" => format!("'2024-02-0{row}'"),
            "timestamp" | "timestamptz" => format!("'2024-02-03 04:05:0{row}.25'"),
            "jsonb" => format!("'{{\"{table}\": {row}}}'"),
            "uuid" => format!("md5('{table}-{column}-{row}')::uuid"),
            "mood" => format!("'{}'", MOODS[row - 1]),
            _ => format!("'{table}-{column}-{row}'"),
        }
    }

    fn written(&self, column: &str) -> String {
        format!("coalesce({column}::text, 'NULL')")
    }

    fn by_rows(&self, way: Direction) -> &'static [&'static str] {
        match way {
            Direction::Up => &[
                "could not create unique index",
                "contains null values",
                "is violated by some row",
            ],
            // The fill of a restored column may be missing in the referenced table.
            Direction::Down => &["violates foreign key constraint"],
        }
    }
}

/// The cast of a text default to the column's former type is ignored, because it makes no difference. NOT NULL,
/// a constraint in newer versions, is read from the column. The server names the sequence of an identity
/// column.
const OBJECTS: &str = "\
    WITH named AS (SELECT oid, relname::text AS name, relkind FROM pg_class \
        WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_migrations%') \
    SELECT concat('table ', c.name, chr(9), 'column ', a.attname, ' ', format_type(a.atttypid, a.atttypmod), \
        CASE WHEN a.attnotnull THEN ' not null' END, ' identity ' || nullif(a.attidentity::text, ''), \
        ' generated ' || nullif(a.attgenerated::text, ''), ' ' || regexp_replace(pg_get_expr(d.adbin, d.adrelid), '^(''.*'')::(text|character varying)$', '\\1'), \
        ' collate ' || l.collname, ' comment ' || col_description(c.oid, a.attnum)) AS text \
    FROM named c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation \
    WHERE c.relkind = 'r' \
    UNION ALL SELECT concat('table ', name, chr(9), 'comment ', obj_description(oid, 'pg_class')) FROM named WHERE relkind = 'r' \
    UNION ALL SELECT concat('table ', c.name, chr(9), 'constraint ', k.conname, ' ', pg_get_constraintdef(k.oid), \
        CASE WHEN NOT k.convalidated THEN ' not valid' END) \
    FROM named c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype <> 'n' \
    UNION ALL SELECT concat('index ', c.name, chr(9), pg_get_indexdef(c.oid), CASE WHEN NOT i.indisvalid THEN ' invalid' END) \
    FROM named c JOIN pg_index i ON i.indexrelid = c.oid \
    UNION ALL SELECT concat('view ', name, chr(9), pg_get_viewdef(oid)) FROM named WHERE relkind = 'v' \
    UNION ALL SELECT concat('trigger ', t.tgname, chr(9), pg_get_triggerdef(t.oid)) \
    FROM named c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal \
    UNION ALL SELECT concat('enum ', t.typname, chr(9), e.enumlabel, ' before ', lead(e.enumlabel) OVER of_type) \
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'public'::regnamespace \
    WINDOW of_type AS (PARTITION BY t.oid ORDER BY e.enumsortorder)";
