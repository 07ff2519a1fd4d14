//! The database of the plans, read without the framework, and its rows, which are the same on every database.

use std::collections::{BTreeMap, BTreeSet};

use migrate_core::{Dialect, Direction, Migration, Registry, Runner};

use super::sql::quoted;
use crate::support::{AnyConnection, Database};

/// The parts of each object of a database, by the object's name.
pub(crate) type Objects = BTreeMap<String, BTreeSet<String>>;

/// The values of each column of each table, ordered by id.
pub(crate) type Rows = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The database of one test, with an open connection.
pub(crate) struct PlanDatabase {
    // Declared before the database, so that the connection closes first.
    connection: AnyConnection,
    database: Database,
    dialect: Dialect,
    catalog: &'static dyn Catalog,
}

/// How one kind of database is read and filled.
pub(crate) trait Catalog {
    /// The statement at the start of a connection. Durability does not matter here.
    fn settings(&self) -> Option<&'static str>;

    /// A query for the version.
    fn version(&self) -> &'static str;

    /// The statements that drop everything, for a server.
    fn drop_all(&self, database: &str) -> String;

    /// Returns all objects except history, independent of order and quotes.
    fn objects(&self, connection: &mut AnyConnection, dialect: Dialect) -> Objects;

    /// A query for the names of the tables except history.
    fn tables(&self) -> &'static str;

    /// A query for the columns of a table by name, each with its type after a tabulator.
    fn columns(&self, table: &str) -> String;

    /// A literal for a column of a type, distinct in each row.
    fn literal(&self, column_type: &str, table: &str, column: &str, row: usize) -> String;

    /// An expression for the value of a column as text.
    fn written(&self, column: &str) -> String;

    /// The error texts for a plan that existing rows prevent, which is not a bug.
    fn by_rows(&self, way: Direction) -> &'static [&'static str];
}

impl PlanDatabase {
    pub(crate) fn like(other: &Database) -> PlanDatabase {
        let database = other.another();
        let catalog: &dyn Catalog = match database.dialect() {
            Dialect::Sqlite => &super::sqlite::Sqlite,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => &super::postgres::Postgres,
            #[cfg(feature = "mysql")]
            Dialect::MySql | Dialect::MariaDb => &super::mysql::MySql,
            other => panic!("{other} is not compiled in"),
        };
        PlanDatabase {
            connection: connect(&database, catalog),
            dialect: database.dialect(),
            database,
            catalog,
        }
    }

    /// The name for messages.
    pub(crate) fn name(&mut self) -> String {
        let version = self.texts(self.catalog.version()).concat();
        format!("{} {version}", self.dialect)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The URL for `diesel print-schema`.
    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    /// Drops everything in it. On SQLite, a new file takes its place.
    pub(crate) fn empty(&mut self) {
        if self.dialect == Dialect::Sqlite {
            let database = self.database.another();
            self.connection = connect(&database, self.catalog);
            self.database = database;
        } else {
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            self.connection.execute(&self.catalog.drop_all(self.database.name()));
        }
    }

    pub(crate) fn runner_of(&mut self, registry: Registry) -> Runner<'_> {
        self.connection.runner_of(registry)
    }

    pub(crate) fn runner(&mut self, migrations: &[Migration]) -> Runner<'_> {
        self.connection.runner(migrations)
    }

    pub(crate) fn execute(&mut self, sql: &str) {
        self.connection.execute(sql);
    }

    pub(crate) fn texts(&mut self, query: &str) -> Vec<String> {
        self.connection.texts(query)
    }

    pub(crate) fn objects(&mut self) -> Objects {
        self.catalog.objects(&mut self.connection, self.dialect)
    }

    fn tables(&mut self) -> Vec<String> {
        self.texts(self.catalog.tables())
    }

    /// The columns of a table by name, each with its type.
    fn columns(&mut self, table: &str) -> Vec<(String, String)> {
        let columns = self.texts(&self.catalog.columns(table));
        let columns = columns.iter().map(|text| text.split_once('\t').unwrap());
        columns.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
    }

    pub(crate) fn by_rows(&self, way: Direction) -> &'static [&'static str] {
        self.catalog.by_rows(way)
    }

    /// Inserts rows into every table, with distinct values and references to the second row. Returns their number.
    pub(crate) fn fill(&mut self) -> usize {
        let tables = self.tables();
        let mut count = 0;
        for table in &tables {
            let columns = self.columns(table);
            for row in 1..=3 {
                let names: Vec<String> = columns.iter().map(|(name, _)| quoted(self.dialect, name)).collect();
                let values = columns.iter().map(|(name, column_type)| match name.as_str() {
                    "id" => (row * 10).to_string(),
                    "parent_id" => "NULL".to_owned(),
                    _ => self.catalog.literal(column_type, table, name, row),
                });
                let values: Vec<String> = values.collect();
                self.execute(&format!(
                    "INSERT INTO {} ({}) VALUES ({})",
                    quoted(self.dialect, table),
                    names.join(", "),
                    values.join(", ")
                ));
                count += 1;
            }
        }
        for table in &tables {
            if self.columns(table).iter().any(|(name, _)| name == "parent_id") {
                let table = quoted(self.dialect, table);
                self.execute(&format!("UPDATE {table} SET parent_id = 20 WHERE id > 10"));
            }
        }
        count
    }

    pub(crate) fn remove_rows(&mut self) {
        for table in self.tables() {
            let table = quoted(self.dialect, &table);
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
                    self.catalog.written(&quoted(self.dialect, &column)),
                    quoted(self.dialect, &table)
                );
                values.insert(column, self.texts(&query));
            }
            rows.insert(table, values);
        }
        rows
    }
}

fn connect(database: &Database, catalog: &dyn Catalog) -> AnyConnection {
    let mut connection = database.connect();
    if let Some(settings) = catalog.settings() {
        connection.execute(settings);
    }
    connection
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
