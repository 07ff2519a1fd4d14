//! What an SQLite database holds: its objects, a digest of some, and rows.

use std::collections::BTreeMap;
use std::rc::Rc;

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use super::ddl_parser::{parse_index, parse_table};
use crate::dialect::Dialect;
use crate::driver::query::{number, texts};
use crate::driver::{DriverError, Introspect};
use crate::render::{SqlDialect, Sqlite};
use crate::schema::{self, Table, Trigger};
use crate::sql::literals_of;
use crate::state::LiveSchema;

impl Introspect for SqliteConnection {
    fn object_digest(&mut self, names: &[String]) -> Result<Option<String>, DriverError> {
        let names: Vec<String> = names.iter().map(|name| Sqlite.text(&name.to_lowercase())).collect();
        let query = format!(
            "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS text FROM main.sqlite_master \
             WHERE lower(name) IN ({0}) OR lower(tbl_name) IN ({0}) ORDER BY type, name",
            names.join(", ")
        );
        let parts = texts(self, &query)?;
        Ok(Some(schema::digest(parts.iter().map(String::as_str))))
    }

    fn broken_references(&mut self) -> Result<Vec<String>, DriverError> {
        texts(
            self,
            "SELECT 'row ' || coalesce(rowid, '?') || ' of `' || \"table\" || '` references a missing row of `' || parent || '`' AS text \
             FROM pragma_foreign_key_check",
        )
    }

    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError> {
        // The index of a constraint has no SQL; the constraint describes it.
        let objects: Vec<Object> = sql_query(
            "SELECT type AS kind, name, tbl_name AS \"table\", sql FROM main.sqlite_master \
             WHERE sql IS NOT NULL AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_stat1') \
             ORDER BY type = 'table' DESC, rowid",
        )
        .load(self)?;
        // The table exists once ANALYZE has run: https://sqlite.org/fileformat2.html#stat1tab
        let analyzed = match objects.iter().any(|object| object.name == STATISTICS) {
            true => texts(self, "SELECT DISTINCT tbl AS text FROM main.sqlite_stat1")?,
            false => Vec::new(),
        };
        let shadows = match objects.iter().any(Object::is_virtual) {
            // https://sqlite.org/pragma.html#pragma_table_list
            true => texts(
                self,
                "SELECT name AS text FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'",
            )?,
            false => Vec::new(),
        };
        let mut live = LiveSchema::default();
        let mut of_tables: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        let is_own = |object: &Object| object.name != STATISTICS && !shadows.contains(&object.table);
        for object in objects.into_iter().filter(is_own) {
            if object.kind == "view" {
                live.views.insert(object.name, object.sql);
            } else {
                of_tables.entry(object.table.clone()).or_default().push(object);
            }
        }
        for (name, objects) in of_tables {
            let text: String = objects.iter().map(|object| format!("{};\n", object.sql)).collect();
            let table = match earlier.tables.get(&name) {
                Some(table) if earlier.texts.get(&name) == Some(&text) => table.clone(),
                // A trigger on a view has no table.
                _ => match parsed(&name, &objects) {
                    Some(table) => table,
                    None => continue,
                },
            };
            live.tables.insert(name.clone(), table);
            live.texts.insert(name, text);
        }
        for (name, table) in &mut live.tables {
            if let Ok(table) = table {
                table.analyzed = analyzed.contains(name);
            }
        }
        Ok(Rc::new(live))
    }

    fn count_rows(&mut self, table: &str) -> Result<i64, DriverError> {
        let query = format!("SELECT count(*) AS number FROM main.{}", Sqlite.identifier(table));
        Ok(number(self, &query)?.unwrap_or_default())
    }

    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError> {
        #[derive(QueryableByName)]
        struct OneRow {
            #[diesel(sql_type = BigInt)]
            number: i64,
            #[diesel(sql_type = Text)]
            text: String,
        }
        let mut rows = vec![Vec::new(); of.len()];
        let queries: Vec<String> = of
            .iter()
            .enumerate()
            .map(|(number, (table, columns))| {
                let literals: Vec<String> = columns
                    .iter()
                    .map(|column| format!("quote({})", Sqlite.identifier(column)))
                    .collect();
                // In groups, because the depth of an expression is limited:
                // https://sqlite.org/limits.html#max_expr_depth
                let groups: Vec<String> = literals
                    .chunks(50)
                    .map(|group| format!("({})", group.join(" || ',' || ")))
                    .collect();
                format!(
                    "SELECT {number} AS number, {} AS text FROM main.{}",
                    groups.join(" || ',' || "),
                    Sqlite.identifier(table)
                )
            })
            .collect();
        // Fewer at once than SQLite's limit: https://sqlite.org/limits.html#max_compound_select
        for queries in queries.chunks(100) {
            for row in sql_query(queries.join(" UNION ALL ")).load::<OneRow>(self)? {
                if let Some(rows) = usize::try_from(row.number).ok().and_then(|number| rows.get_mut(number)) {
                    rows.push(literals_of(Dialect::Sqlite, &row.text));
                }
            }
        }
        Ok(rows)
    }
}

/// The table of the statistics that ANALYZE collects.
const STATISTICS: &str = "sqlite_stat1";

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

impl Object {
    fn is_virtual(&self) -> bool {
        self.sql.starts_with("CREATE VIRTUAL ")
    }
}

/// Parses a table with its indexes and triggers; the table is the first object. Returns the reason if a text is not
/// understood, and `None` if there is no table.
fn parsed(name: &str, objects: &[Object]) -> Option<Result<Table, String>> {
    let (first, others) = objects.split_first().filter(|(first, _)| first.kind == "table")?;
    let all = || {
        // The text of a renamed table may keep the old name; the catalog has the current one.
        let mut table = Table {
            name: name.to_owned(),
            ..parse_table(&first.sql)?
        };
        for Object { kind, name, sql, .. } in others {
            match kind.as_str() {
                "trigger" => table.triggers.push(Trigger {
                    name: name.clone(),
                    sql: sql.clone(),
                }),
                "index" => {
                    let index = parse_index(sql).map_err(|why| format!("index {name}: {why}"))?;
                    table.indexes.push(index);
                }
                _ => {}
            }
        }
        Ok(table)
    };
    Some(all())
}
