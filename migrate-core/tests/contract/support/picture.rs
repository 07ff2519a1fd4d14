//! What a database holds, in its own words: a line for each thing and each row, so that two moments can be compared.

use super::{AnyConnection, Database, Engine};

/// All that it holds; history only if asked for.
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
        AnyConnection::MySql(connection) => of_mysql(connection, &tables),
    };
    if db.engine == Engine::Sqlite {
        // The marks of AUTOINCREMENT, and statistics.
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

/// A query for the rows of a table, whatever the order of its columns.
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
        // Those of NOT NULL are named only in newer versions.
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

/// As the statements that would make each, line by line, as the order of columns does not matter.
#[cfg(feature = "mysql")]
fn of_mysql(connection: &mut diesel::MysqlConnection, tables: &[String]) -> Vec<String> {
    use diesel::prelude::*;
    use diesel::sql_query;
    use diesel::sql_types::Text;

    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text, column_name = "Create Table")]
        sql: String,
    }
    #[derive(QueryableByName)]
    struct View {
        #[diesel(sql_type = Text, column_name = "Create View")]
        sql: String,
    }
    #[derive(QueryableByName)]
    struct Trigger {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let mut picture = Vec::new();
    for name in tables {
        let show = format!("`{}`", name.replace('`', "``"));
        let made: QueryResult<Table> = sql_query(format!("SHOW CREATE TABLE {show}")).get_result(connection);
        let sql = match made {
            Ok(table) => table.sql,
            Err(_) => {
                let view: View = sql_query(format!("SHOW CREATE VIEW {show}"))
                    .get_result(connection)
                    .unwrap();
                view.sql
            }
        };
        let mut lines: Vec<&str> = sql.lines().map(|line| line.trim().trim_end_matches(',')).collect();
        lines.sort_unstable();
        // Rows move the counter on, also those that are taken back.
        let is_counter = |word: &&str| !word.starts_with("AUTO_INCREMENT=");
        let lines = lines.iter().map(|line| {
            let words: Vec<&str> = line.split(' ').filter(is_counter).collect();
            format!("{name}: {}", words.join(" "))
        });
        picture.extend(lines);
    }
    let triggers: Vec<Trigger> = sql_query(
        "SELECT concat_ws(' ', 'trigger', trigger_name, action_timing, event_manipulation, event_object_table, \
         action_statement) AS text FROM information_schema.triggers WHERE trigger_schema = database() \
         UNION ALL SELECT concat_ws(' ', 'routine', routine_name, routine_definition) FROM information_schema.routines \
         WHERE routine_schema = database() ORDER BY 1",
    )
    .load(connection)
    .unwrap();
    picture.extend(triggers.into_iter().map(|trigger| trigger.text));
    picture
}
