//! SQLite, in a file.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use migrate_core::testing::TestFile;
use migrate_core::{Dialect, Direction, Registry, Runner};

use super::database::{Database, Objects, OneText};

pub(crate) struct Sqlite {
    // Declared before the file, so that the connection closes first.
    connection: SqliteConnection,
    file: TestFile,
}

impl Sqlite {
    pub(crate) fn new() -> Sqlite {
        let file = TestFile::new().unwrap();
        let mut connection = file.connect().unwrap();
        // Durability does not matter here.
        let settings = "PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF";
        connection.batch_execute(settings).unwrap();
        Sqlite { connection, file }
    }
}

impl Database for Sqlite {
    fn name(&self) -> String {
        "SQLite".to_owned()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn empty(&mut self) {
        *self = Sqlite::new();
    }

    fn runner_of(&mut self, registry: Registry) -> Runner<'_> {
        Runner::new(&mut self.connection, registry)
    }

    fn execute(&mut self, sql: &str) {
        let done = self.connection.batch_execute(sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn texts(&mut self, query: &str) -> Vec<String> {
        let rows = sql_query(query).load::<OneText>(&mut self.connection);
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.into_iter().map(|row| row.text).collect()
    }

    fn objects(&mut self) -> Objects {
        let objects = self.texts(
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

    fn tables(&mut self) -> Vec<String> {
        self.texts(
            "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
             AND name <> '__migrations' ORDER BY name",
        )
    }

    fn columns(&mut self, table: &str) -> Vec<(String, String)> {
        let names = self.texts(&format!(
            "SELECT name AS text FROM pragma_table_info('{table}') ORDER BY name"
        ));
        // Any type accepts any value.
        names.into_iter().map(|name| (name, String::new())).collect()
    }

    fn literal(&self, _column_type: &str, table: &str, column: &str, row: usize) -> String {
        format!("'{table}-{column}-{row}'")
    }

    fn written(&self, column: &str) -> String {
        format!("quote({column})")
    }

    fn by_rows(&self, way: Direction) -> &'static [&'static str] {
        match way {
            Direction::Up => &[
                "UNIQUE constraint failed",
                "NOT NULL constraint failed",
                "CHECK constraint failed",
            ],
            // The fill of a restored column may be missing in the referenced table.
            Direction::Down => &["references a missing row"],
        }
    }

    fn url(&self) -> String {
        self.file.path().display().to_string()
    }
}

/// Splits a statement at its outermost commas and parentheses, without the quotes of names.
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
