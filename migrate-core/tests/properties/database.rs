//! The differences between the databases of the plans, and the rows, which are the same on all of them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::Text;
use migrate_core::{Dialect, Direction, Migration, Registry, Runner};

use super::sql::quoted;

/// The parts of each object of a database, by the object's name.
pub(crate) type Objects = BTreeMap<String, BTreeSet<String>>;

/// The values of each column of each table, ordered by id.
pub(crate) type Rows = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The database of one test, read without the framework.
pub(crate) trait Database {
    /// The name for messages.
    fn name(&self) -> String;

    fn dialect(&self) -> Dialect;

    /// Drops everything in it.
    fn empty(&mut self);

    fn runner_of(&mut self, registry: Registry) -> Runner<'_>;

    fn execute(&mut self, sql: &str);

    /// Returns the rows of a query with one column `text`.
    fn texts(&mut self, query: &str) -> Vec<String>;

    /// Returns all objects except history, independent of order and quotes.
    fn objects(&mut self) -> Objects;

    /// The names of the tables except history.
    fn tables(&mut self) -> Vec<String>;

    /// The columns of a table by name, each with its type.
    fn columns(&mut self, table: &str) -> Vec<(String, String)>;

    /// A literal for a column of a type, distinct in each row.
    fn literal(&self, column_type: &str, table: &str, column: &str, row: usize) -> String;

    /// An expression for the value of a column as text.
    fn written(&self, column: &str) -> String;

    /// The error texts for a plan that existing rows prevent, which is not a bug.
    fn by_rows(&self, way: Direction) -> &'static [&'static str];

    /// The URL for `diesel print-schema`.
    fn url(&self) -> String;
}

impl dyn Database + '_ {
    pub(crate) fn runner(&mut self, migrations: &[Migration]) -> Runner<'_> {
        self.runner_of(Registry::of(migrations.iter().copied()).unwrap())
    }

    /// Inserts rows into every table, with distinct values and references to the second row. Returns their number.
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

/// A row of a query with one column.
#[derive(QueryableByName)]
pub(crate) struct OneText {
    #[diesel(sql_type = Text)]
    pub(crate) text: String,
}

/// Builds objects from texts of the form `name TAB part`.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) fn objects(parts: Vec<String>) -> Objects {
    let mut objects = Objects::new();
    for text in parts {
        let (name, part) = text.split_once('\t').unwrap();
        objects.entry(name.to_owned()).or_default().insert(part.to_owned());
    }
    objects
}
