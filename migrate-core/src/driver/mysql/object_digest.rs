//! A hash of the `information_schema` rows of some tables and views. It differs after any of them has changed.
//!
//! `SHOW CREATE TABLE` is no alternative: Diesel prepares its queries, and MySQL reports the columns of that statement
//! only when it runs. Rows do not count, nor values that rows advance, such as the auto-increment counter.

use diesel::MysqlConnection;

use super::DIALECT;
use crate::driver::DriverError;
use crate::driver::query::texts;
use crate::render::SqlDialect;
use crate::schema;

pub(super) fn of(connection: &mut MysqlConnection, names: &[String], is_mariadb: bool) -> Result<String, DriverError> {
    let mut facts = Vec::new();
    for name in names {
        facts.extend(texts(connection, &facts_of(name, is_mariadb))?);
        // Separates the attributes of one object from the next.
        facts.push(String::new());
    }
    Ok(schema::digest(facts.iter().map(String::as_str)))
}

/// Returns a query for the attributes of one table or view, one text per row. Each part compares with a constant name,
/// so that MariaDB opens no other table: <https://mariadb.com/kb/en/optimizing-queries-with-information-schema/>.
fn facts_of(name: &str, is_mariadb: bool) -> String {
    let own = if is_mariadb { ON_MARIADB } else { ON_MYSQL };
    let parts = [ON_BOTH, own].concat();
    let parts = parts.iter().map(|(from, facts)| {
        format!(
            "SELECT json_array({facts}) AS text FROM information_schema.{from} = {}",
            DIALECT.text(name)
        )
    });
    let parts: Vec<String> = parts.collect();
    format!(
        "SELECT text FROM ({}) AS facts ORDER BY text",
        parts.join(" UNION ALL ")
    )
}

/// The source of each part, up to the name, and the attributes that it selects.
type Parts = &'static [(&'static str, &'static str)];

const ON_BOTH: Parts = &[
    (
        "tables WHERE table_schema = database() AND table_name",
        "'table', table_type, engine, row_format, table_collation, create_options, table_comment",
    ),
    (
        "columns WHERE table_schema = database() AND table_name",
        "'column', column_name, ordinal_position, column_type, is_nullable, column_default, extra, generation_expression, \
         character_set_name, collation_name, column_comment",
    ),
    (
        "key_column_usage WHERE table_schema = database() AND table_name",
        "'key', constraint_name, ordinal_position, column_name, referenced_table_schema, referenced_table_name, \
         referenced_column_name",
    ),
    (
        "referential_constraints WHERE constraint_schema = database() AND table_name",
        "'reference', constraint_name, unique_constraint_name, match_option, update_rule, delete_rule",
    ),
    (
        "partitions WHERE table_schema = database() AND partition_name IS NOT NULL AND table_name",
        "'partition', partition_name, subpartition_name, partition_ordinal_position, subpartition_ordinal_position, \
         partition_method, subpartition_method, partition_expression, subpartition_expression, partition_description, \
         partition_comment",
    ),
    (
        "views WHERE table_schema = database() AND table_name",
        "'view', view_definition, check_option, security_type",
    ),
    (
        "triggers WHERE event_object_schema = database() AND event_object_table",
        "'trigger', trigger_name, action_timing, event_manipulation, action_order, action_statement",
    ),
];

const ON_MARIADB: Parts = &[
    (
        "statistics WHERE table_schema = database() AND table_name",
        "'index', index_name, seq_in_index, non_unique, index_type, column_name, collation, sub_part, index_comment, ignored",
    ),
    (
        "check_constraints WHERE constraint_schema = database() AND table_name",
        "'check', constraint_name, level, check_clause",
    ),
];

const ON_MYSQL: Parts = &[
    (
        "statistics WHERE table_schema = database() AND table_name",
        "'index', index_name, seq_in_index, non_unique, index_type, column_name, collation, sub_part, index_comment, \
         is_visible, expression",
    ),
    (
        "table_constraints JOIN information_schema.check_constraints USING (constraint_schema, constraint_name) \
         WHERE table_schema = database() AND table_name",
        "'check', constraint_name, enforced, check_clause",
    ),
];
