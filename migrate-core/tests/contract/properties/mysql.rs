//! MySQL or MariaDB, depending on the server.

use migrate_core::{Dialect, Direction};

use super::database::{Catalog, Objects, objects};
use crate::support::AnyConnection;

pub(super) struct MySql;

impl Catalog for MySql {
    fn settings(&self) -> Option<&'static str> {
        None
    }

    fn version(&self) -> &'static str {
        "SELECT version() AS text"
    }

    fn drop_all(&self, database: &str) -> String {
        format!("DROP DATABASE {database}; CREATE DATABASE {database}; USE {database}")
    }

    fn objects(&self, connection: &mut AnyConnection, dialect: Dialect) -> Objects {
        let own = match dialect {
            Dialect::MariaDb => ON_MARIADB,
            _ => ON_MYSQL,
        };
        let queries = OBJECTS.iter().chain(&own);
        objects(queries.flat_map(|query| connection.texts(query)).collect())
    }

    fn tables(&self) -> &'static str {
        "SELECT table_name AS text FROM information_schema.tables \
             WHERE table_schema = database() AND table_type = 'BASE TABLE' AND table_name <> '__migrations' ORDER BY 1"
    }

    fn columns(&self, table: &str) -> String {
        format!(
            "SELECT concat(column_name, char(9), data_type) AS text FROM information_schema.columns \
             WHERE table_schema = database() AND table_name = '{table}' ORDER BY column_name"
        )
    }

    fn literal(&self, column_type: &str, table: &str, column: &str, row: usize) -> String {
        match column_type {
            "smallint" | "int" | "bigint" => format!("{row}"),
            "double" | "decimal" => format!("{row}.25"),
            "date" => format!("'2024-02-0{row}'"),
            "datetime" | "timestamp" => format!("'2024-02-03 04:05:0{row}.25'"),
            // MariaDB stores JSON as `longtext`.
            "longtext" | "json" => format!("'\"{table}-{column}-{row}\"'"),
            _ => format!("'{table}-{column}-{row}'"),
        }
    }

    fn written(&self, column: &str) -> String {
        format!("coalesce(cast({column} AS char), 'NULL')")
    }

    fn by_rows(&self, way: Direction) -> &'static [&'static str] {
        match way {
            Direction::Up => &[
                "Duplicate entry",
                "Data truncated",
                "Invalid use of NULL value",
                "Incorrect",
                "Truncated incorrect",
                "Out of range value",
                // A CHECK, or MariaDB's implicit check of JSON.
                "` failed for `",
                "' is violated",
                "Invalid JSON",
            ],
            // The fill of a restored column may be missing in the referenced table, or invalid for the type that the
            // column had before.
            Direction::Down => &[
                "a foreign key constraint fails",
                "Incorrect",
                "Truncated incorrect",
                "Invalid JSON",
            ],
        }
    }
}

/// Texts of the form `name TAB part` for each object.
const OBJECTS: [&str; 4] = [
    "SELECT concat_ws(' ', concat('table ', table_name, char(9), 'column'), column_name, column_type, \
     if(is_nullable = 'NO', 'not null', NULL), column_default, extra, generation_expression, collation_name, column_comment) \
     AS text FROM information_schema.columns WHERE table_schema = database() AND table_name <> '__migrations'",
    "SELECT concat_ws(' ', concat('table ', table_name, char(9), 'of'), engine, table_collation, table_comment) AS text \
     FROM information_schema.tables WHERE table_schema = database() AND table_type = 'BASE TABLE' AND table_name <> '__migrations'",
    "SELECT concat_ws(' ', concat('table ', k.table_name, char(9), 'key'), k.constraint_name, k.ordinal_position, \
     k.column_name, k.referenced_table_name, k.referenced_column_name, r.delete_rule, r.update_rule) AS text \
     FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r \
     ON r.table_name = k.table_name AND r.constraint_name = k.constraint_name \
     WHERE k.table_schema = database() AND r.constraint_schema = database() AND k.referenced_table_name IS NOT NULL",
    "SELECT concat('view ', table_name, char(9), view_definition) AS text FROM information_schema.views \
     WHERE table_schema = database() \
     UNION ALL SELECT concat('trigger ', trigger_name, char(9), action_statement) FROM information_schema.triggers \
     WHERE trigger_schema = database()",
];

const ON_MARIADB: [&str; 2] = [
    "SELECT concat_ws(' ', concat('table ', table_name, char(9), 'index'), index_name, seq_in_index, non_unique, column_name, \
     collation, sub_part, index_type) AS text FROM information_schema.statistics \
     WHERE table_schema = database() AND table_name <> '__migrations'",
    "SELECT concat_ws(' ', concat('table ', table_name, char(9), 'check'), constraint_name, check_clause) AS text \
     FROM information_schema.check_constraints WHERE constraint_schema = database()",
];

const ON_MYSQL: [&str; 2] = [
    "SELECT concat_ws(' ', concat('table ', table_name, char(9), 'index'), index_name, seq_in_index, non_unique, column_name, \
     expression, collation, sub_part, index_type) AS text FROM information_schema.statistics \
     WHERE table_schema = database() AND table_name <> '__migrations'",
    "SELECT concat_ws(' ', concat('table ', table_name, char(9), 'check'), constraint_name, check_clause) AS text \
     FROM information_schema.table_constraints JOIN information_schema.check_constraints \
     USING (constraint_schema, constraint_name) WHERE constraint_schema = database()",
];
