//! Entity-relationship diagrams in Mermaid: <https://mermaid.js.org/syntax/entityRelationshipDiagram.html>.

use std::fmt::Write;

use super::SchemaSnapshot;
use crate::schema::{Column, Table};

impl SchemaSnapshot {
    /// Returns a Mermaid entity-relationship diagram of the tables and their foreign keys, which GitHub renders.
    ///
    /// Columns have the framework's type names and the marks `PK`, `FK`, `UK` and `"nullable"`. Unknown parts appear as
    /// comments. Views and enums are left out.
    ///
    /// ```
    /// # use migrate_core::prelude::*;
    /// # use migrate_core::{Dialect, SchemaSnapshot, Registry};
    /// # #[derive(Migration)]
    /// # #[migration(version = 1, unlisted)]
    /// # struct CreateUsers;
    /// # impl Migrate for CreateUsers {
    /// #     fn up(&self, schema: &mut Schema) {
    /// #         schema.create_table("users", |t| t.id());
    /// #     }
    /// # }
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// let schema = SchemaSnapshot::latest(&registry, Dialect::Sqlite)?;
    /// assert_eq!(schema.mermaid(), "erDiagram\n    users {\n        big_int id PK\n    }\n");
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = "erDiagram\n".to_owned();
        for line in &self.unknown {
            let _ = writeln!(text, "    %% Unknown: {}", line.replace(['\n', '\r'], " "));
        }
        for table in self.state.tables() {
            let _ = writeln!(text, "    {} {{", entity(&table.name));
            for column in &table.columns {
                let _ = writeln!(text, "        {}", attribute(table, column));
            }
            text.push_str("    }\n");
        }
        for table in self.state.tables() {
            for key in &table.foreign_keys {
                let is_optional = key
                    .columns
                    .iter()
                    .any(|name| table.column(name).is_some_and(|column| column.nullable));
                let many = if table.is_unique(&key.columns) { "|o" } else { "}o" };
                let one = if is_optional { "o|" } else { "||" };
                let _ = writeln!(
                    text,
                    "    {} {many}--{one} {} : {}",
                    entity(&table.name),
                    entity(&key.to_table),
                    label(&key.columns.join(", "))
                );
            }
        }
        text
    }
}

fn attribute(table: &Table, column: &Column) -> String {
    let mut line = format!("{} {}", word(&column.column_type.encoding()), word(&column.name));
    let alone = std::slice::from_ref(&column.name);
    let is_in = |columns: &[String]| columns.contains(&column.name);
    let is_key = table.primary_key.as_ref().is_some_and(|key| is_in(&key.columns));
    let refers = table.foreign_keys.iter().any(|key| is_in(&key.columns));
    let is_unique = !is_key && table.is_unique(alone);
    let marks = [(is_key, "PK"), (refers, "FK"), (is_unique, "UK")];
    let marks: Vec<&str> = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
    if !marks.is_empty() {
        let _ = write!(line, " {}", marks.join(", "));
    }
    if column.nullable {
        line.push_str(" \"nullable\"");
    }
    line
}

/// Returns a valid type or attribute name: letters, digits and a few signs, beginning with a letter.
fn word(text: &str) -> String {
    let sign = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '(' | ')' | '[' | ']');
    let kept: String = text.chars().map(|c| if sign(c) { c } else { '_' }).collect();
    match kept.chars().next() {
        Some(first) if first.is_alphabetic() => kept,
        _ => format!("n{kept}"),
    }
}

/// Returns a table's name, quoted if it has unusual characters. An underscore replaces what quotes cannot hold.
fn entity(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name.starts_with(char::is_alphabetic);
    if is_plain { name.to_owned() } else { label(name) }
}

fn label(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| {
            if matches!(c, '"' | '%' | '\\') || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect();
    format!("\"{kept}\"")
}
