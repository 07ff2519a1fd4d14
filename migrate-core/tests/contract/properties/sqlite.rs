//! SQLite, in a file.

use std::collections::BTreeSet;

use migrate_core::{Dialect, Direction};

use super::database::{Catalog, Objects};
use crate::support::AnyConnection;

pub(super) struct Sqlite;

impl Catalog for Sqlite {
    fn settings(&self) -> Option<&'static str> {
        Some("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF")
    }

    fn version(&self) -> &'static str {
        "SELECT sqlite_version() AS text"
    }

    fn drop_all(&self, database: &str) -> String {
        panic!("{database} is a file");
    }

    fn objects(&self, connection: &mut AnyConnection, _dialect: Dialect) -> Objects {
        let objects = connection.texts(
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

    fn tables(&self) -> &'static str {
        "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name <> '__migrations' ORDER BY name"
    }

    fn columns(&self, table: &str) -> String {
        // Any type accepts any value.
        format!("SELECT name || char(9) AS text FROM pragma_table_info('{table}') ORDER BY name")
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
