//! What a SQLite database holds, read by other means than the framework's: its schema, whatever the order and the quotes it
//! was written with, and its rows.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

pub(crate) fn execute(connection: &mut SqliteConnection, sql: &str) {
    connection.batch_execute(sql).unwrap();
}

fn texts(connection: &mut SqliteConnection, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct One {
        #[diesel(sql_type = Text)]
        text: String,
    }
    sql_query(query)
        .load::<One>(connection)
        .unwrap_or_else(|error| panic!("{query}: {error}"))
        .into_iter()
        .map(|row| row.text)
        .collect()
}

fn tables(connection: &mut SqliteConnection) -> Vec<String> {
    texts(
        connection,
        "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name <> '__migrations' ORDER BY name",
    )
}

fn columns(connection: &mut SqliteConnection, table: &str) -> Vec<String> {
    texts(
        connection,
        &format!("SELECT name AS text FROM pragma_table_info('{table}') ORDER BY name"),
    )
}

/// Each object by its name, as the set of what it is made of.
pub(crate) fn schema(connection: &mut SqliteConnection) -> BTreeMap<String, BTreeSet<String>> {
    let objects = texts(
        connection,
        "SELECT type || ' ' || name || char(0) || sql AS text FROM sqlite_master \
         WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND tbl_name <> '__migrations'",
    );
    objects
        .into_iter()
        .map(|object| {
            let (name, sql) = object.split_once('\0').unwrap();
            (name.to_owned(), parts(sql))
        })
        .collect()
}

/// What stands between the outermost commas, without the quotes of names; the start of the statement is a part as well.
fn parts(sql: &str) -> BTreeSet<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    let mut in_text = false;
    for c in sql.chars() {
        in_text ^= c == '\'';
        match c {
            '"' if !in_text => continue,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
        if !in_text && matches!((depth, c), (1, ',' | '(') | (0, ')')) {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(if c.is_whitespace() { ' ' } else { c });
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// Puts rows into every table: different values in each, and references to the first row. Says how many there are.
pub(crate) fn fill(connection: &mut SqliteConnection) -> usize {
    let mut count = 0;
    for table in tables(connection) {
        for row in 1..=3 {
            let columns = columns(connection, &table);
            let names: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
            let values: Vec<String> = columns
                .iter()
                .map(|column| match column.as_str() {
                    "id" => (row * 10).to_string(),
                    "parent_id" => "NULL".to_owned(),
                    other => format!("'{table}-{other}-{row}'"),
                })
                .collect();
            execute(
                connection,
                &format!(
                    "INSERT INTO \"{table}\" ({}) VALUES ({})",
                    names.join(", "),
                    values.join(", ")
                ),
            );
            count += 1;
        }
    }
    for table in tables(connection) {
        let parent = texts(
            connection,
            &format!("SELECT \"table\" AS text FROM pragma_foreign_key_list('{table}') WHERE \"from\" = 'parent_id'"),
        );
        if !parent.is_empty() {
            execute(
                connection,
                &format!("UPDATE \"{table}\" SET parent_id = 20 WHERE id > 10"),
            );
        }
    }
    count
}

/// The values of each column of each table, in the order of the ids.
pub(crate) fn rows(connection: &mut SqliteConnection) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut rows = BTreeMap::new();
    for table in tables(connection) {
        let mut values = BTreeMap::new();
        for column in columns(connection, &table) {
            let query = format!("SELECT quote(\"{column}\") AS text FROM \"{table}\" ORDER BY id");
            values.insert(column, texts(connection, &query));
        }
        rows.insert(table, values);
    }
    rows
}
