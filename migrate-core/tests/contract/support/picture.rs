//! The content of a database as it prints it: one line per object and row, so that two states can be compared.

use super::{AnyConnection, Database, Engine};

/// Returns everything, with history if `with_history` is set.
pub(super) fn take(db: &Database, with_history: bool) -> Vec<String> {
    let mut connection = db.connect();
    let mut tables = tables(db, with_history);
    let mut picture = match &mut connection {
        AnyConnection::Sqlite(_) => connection.texts(&format!(
            "SELECT type || ' ' || name || ': ' || coalesce(sql, '') AS text FROM sqlite_master \
             WHERE {with_history} OR (name <> '__migrations' AND tbl_name <> '__migrations') ORDER BY type, name"
        )),
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(_) => connection.texts(&of_postgres(with_history)),
        #[cfg(feature = "mysql")]
        AnyConnection::MySql(_) => {
            let is_mariadb = connection.number("SELECT version() LIKE '%MariaDB%' AS number") == 1;
            connection.texts(&of_mysql(with_history, is_mariadb))
        }
    };
    if db.engine == Engine::Sqlite {
        // The AUTOINCREMENT counters, and statistics.
        let own = "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name LIKE 'sqlite\\_%' ESCAPE '\\'";
        tables.extend(connection.texts(own));
    }
    for table in tables {
        let query = rows_of(db, &mut connection, &table);
        let mut rows = connection.texts(&query);
        rows.sort();
        picture.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
    }
    picture
}

/// The tables and views.
pub(super) fn tables(db: &Database, with_history: bool) -> Vec<String> {
    let all = db.engine.pick(
        "SELECT name AS text FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'",
        "SELECT table_name AS text FROM information_schema.tables WHERE table_schema = database()",
    );
    let mut tables = db.texts(all);
    tables.retain(|name| with_history || name != "__migrations");
    tables.sort();
    tables
}

/// A query for the rows of a table, independent of the order of its columns.
fn rows_of(db: &Database, connection: &mut AnyConnection, table: &str) -> String {
    let from = db.quoted(table);
    let name = db.literal(table);
    let columns = match db.engine.pick(
        Some(format!("SELECT name AS text FROM pragma_table_info({name})")),
        None,
        Some(format!(
            "SELECT column_name AS text FROM information_schema.columns WHERE table_schema = database() AND table_name = {name}"
        )),
    ) {
        None => return format!("SELECT to_jsonb(t)::text AS text FROM public.{from} t"),
        Some(columns) => {
            let mut columns = connection.texts(&columns);
            columns.sort();
            columns
        }
    };
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("quote({})", db.quoted(column)))
        .collect();
    format!("SELECT concat_ws(', ', {}) AS text FROM {from}", columns.join(", "))
}

#[cfg(feature = "postgres")]
fn of_postgres(with_history: bool) -> String {
    let is_seen = |table: &str| format!("({with_history} OR {table}::regclass::text <> '__migrations')");
    let of_tables = "c.relnamespace = 'public'::regnamespace";
    [
        format!(
            "SELECT concat_ws(' ', c.relkind, c.relname || ':', obj_description(c.oid, 'pg_class'), \
             CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END) FROM pg_class c \
             WHERE {of_tables} AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND {}",
            is_seen("c.oid")
        ),
        format!(
            "SELECT concat_ws(' ', 'column', c.relname || '.' || a.attname || ':', format_type(a.atttypid, a.atttypmod), \
             CASE WHEN a.attnotnull THEN 'not null' END, 'default ' || pg_get_expr(d.adbin, d.adrelid), \
             nullif(a.attidentity, ''), nullif(a.attgenerated, ''), col_description(c.oid, a.attnum)) FROM pg_attribute a \
             JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
             WHERE {of_tables} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND {}",
            is_seen("c.oid")
        ),
        // Only newer versions name the constraints of NOT NULL.
        format!(
            "SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname || ':', pg_get_constraintdef(oid), convalidated) \
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND {}",
            is_seen("conrelid")
        ),
        format!(
            "SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid) FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indrelid WHERE {of_tables} AND {}",
            is_seen("c.oid")
        ),
        format!(
            "SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid)) FROM pg_trigger t \
             JOIN pg_class c ON c.oid = t.tgrelid WHERE {of_tables} AND NOT t.tgisinternal"
        ),
        "SELECT concat_ws(' ', 'enum', t.typname || ':', string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)) \
         FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname"
            .to_owned(),
        "SELECT concat_ws(' ', 'function', pg_get_functiondef(oid)) FROM pg_proc \
         WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'"
            .to_owned(),
    ]
    .map(|part| format!("SELECT part.text AS text FROM ({part}) AS part (text)"))
    .join(" UNION ALL ")
        + " ORDER BY 1"
}

/// Everything except the order of columns, and counters, which rolled back rows advance too.
#[cfg(feature = "mysql")]
fn of_mysql(with_history: bool, is_mariadb: bool) -> String {
    let (index, check, checks) = if is_mariadb {
        ("ignored", "level", "check_constraints WHERE constraint_schema")
    } else {
        let checks = "table_constraints JOIN information_schema.check_constraints \
                      USING (constraint_schema, constraint_name) WHERE table_schema";
        ("is_visible, expression", "enforced", checks)
    };
    let is_seen = |table: &str| format!("({with_history} OR {table} <> '__migrations')");
    let parts = [
        (
            "table_name, table_type, engine, row_format, table_collation, create_options, table_comment",
            "tables WHERE table_schema",
        ),
        (
            "table_name, 'column', column_name, column_type, is_nullable, column_default, extra, generation_expression, \
             collation_name, column_comment",
            "columns WHERE table_schema",
        ),
        (
            &format!(
                "table_name, 'index', index_name, seq_in_index, non_unique, index_type, column_name, collation, sub_part, {index}"
            ),
            "statistics WHERE table_schema",
        ),
        (
            "table_name, 'key', constraint_name, ordinal_position, column_name, referenced_table_name, referenced_column_name",
            "key_column_usage WHERE table_schema",
        ),
        (
            "table_name, 'reference', constraint_name, update_rule, delete_rule",
            "referential_constraints WHERE constraint_schema",
        ),
        (
            &format!("table_name, 'check', constraint_name, {check}, check_clause"),
            checks,
        ),
        (
            "table_name, 'view', replace(view_definition, concat('`', database(), '`.'), ''), check_option",
            "views WHERE table_schema",
        ),
        (
            "event_object_table, 'trigger', trigger_name, action_timing, event_manipulation, action_statement",
            "triggers WHERE trigger_schema",
        ),
        (
            "routine_name, 'routine', routine_definition",
            "routines WHERE routine_schema",
        ),
    ];
    let parts = parts.map(|(facts, from)| {
        let (table, _) = facts.split_once(',').unwrap();
        format!(
            "SELECT json_array({facts}) AS text FROM information_schema.{from} = database() AND {}",
            is_seen(table)
        )
    });
    format!(
        "SELECT text FROM ({}) AS parts ORDER BY text",
        parts.join(" UNION ALL ")
    )
}
