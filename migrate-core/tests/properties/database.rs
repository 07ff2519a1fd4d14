//! What differs between the databases that the plans run on, and the rows that are the same on all of them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::Text;
use migrate_core::{Dialect, Direction, Migration, Registry, Runner};

use super::sql::quoted;

/// Each object of a database by its name, as the set of what it is made of.
pub(crate) type Objects = BTreeMap<String, BTreeSet<String>>;

/// The values of each column of each table, in the order of the ids.
pub(crate) type Rows = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// A database of a test's own, read by other means than the framework's.
pub(crate) trait Database {
    /// As a person calls it.
    fn name(&self) -> String;

    fn dialect(&self) -> Dialect;

    /// Takes away whatever is in it.
    fn empty(&mut self);

    fn runner_of(&mut self, registry: Registry) -> Runner<'_>;

    fn execute(&mut self, sql: &str);

    /// The answers of a query for one column `text`.
    fn texts(&mut self, query: &str) -> Vec<String>;

    /// All that it is made of but history, whatever the order and the quotes it was written with.
    fn objects(&mut self) -> Objects;

    /// The tables but history, by name.
    fn tables(&mut self) -> Vec<String>;

    /// The columns of a table by name, each with its type.
    fn columns(&mut self, table: &str) -> Vec<(String, String)>;

    /// A literal for a column of a type, another one in each row.
    fn literal(&self, column_type: &str, table: &str, column: &str, row: usize) -> String;

    /// An expression for the value of a column as a text.
    fn written(&self, column: &str) -> String;

    /// What an error says on some way if the rows that are there stand against what was asked, which is not wrong by itself.
    fn by_rows(&self, way: Direction) -> &'static [&'static str];

    /// What `diesel print-schema` is told to read it.
    fn url(&self) -> String;
}

impl dyn Database + '_ {
    pub(crate) fn runner(&mut self, migrations: &[Migration]) -> Runner<'_> {
        self.runner_of(Registry::of(migrations.iter().copied()).unwrap())
    }

    /// Puts rows into every table: different values in each, and references to the second row. Says how many there are.
    pub(crate) fn fill(&mut self) -> usize {
        let tables = self.tables();
        let mut count = 0;
        for table in &tables {
            let columns = self.columns(table);
            for row in 1..=3 {
                let names: Vec<String> = columns.iter().map(|(name, _)| quoted(self.dialect(), name)).collect();
                let values = columns.iter().map(|(name, column_type)| match name.as_str() {
                    "id" => (row * 10).to_string(),
                    "parent_id" => "NULL".to_owned(),
                    _ => self.literal(column_type, table, name, row),
                });
                let values: Vec<String> = values.collect();
                self.execute(&format!(
                    "INSERT INTO {} ({}) VALUES ({})",
                    quoted(self.dialect(), table),
                    names.join(", "),
                    values.join(", ")
                ));
                count += 1;
            }
        }
        for table in &tables {
            if self.columns(table).iter().any(|(name, _)| name == "parent_id") {
                let table = quoted(self.dialect(), table);
                self.execute(&format!("UPDATE {table} SET parent_id = 20 WHERE id > 10"));
            }
        }
        count
    }

    pub(crate) fn remove_rows(&mut self) {
        for table in self.tables() {
            let table = quoted(self.dialect(), &table);
            self.execute(&format!("DELETE FROM {table}"));
        }
    }

    pub(crate) fn rows(&mut self) -> Rows {
        let mut rows = BTreeMap::new();
        for table in self.tables() {
            let mut values = BTreeMap::new();
            for (column, _) in self.columns(&table) {
                let query = format!(
                    "SELECT {} AS text FROM {} ORDER BY id",
                    self.written(&quoted(self.dialect(), &column)),
                    quoted(self.dialect(), &table)
                );
                values.insert(column, self.texts(&query));
            }
            rows.insert(table, values);
        }
        rows
    }
}

/// A row of a query for one column.
#[derive(QueryableByName)]
pub(crate) struct OneText {
    #[diesel(sql_type = Text)]
    pub(crate) text: String,
}

/// Objects from texts in which the name of one stands before a tabulator, and a part of it behind.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn objects(parts: Vec<String>) -> Objects {
    let mut objects = Objects::new();
    for text in parts {
        let (name, part) = text.split_once('\t').unwrap();
        objects.entry(name.to_owned()).or_default().insert(part.to_owned());
    }
    objects
}
