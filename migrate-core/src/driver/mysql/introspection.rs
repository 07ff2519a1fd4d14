//! What a MySQL or MariaDB database holds: its objects, a digest of some, and rows.

use std::rc::Rc;

use diesel::MysqlConnection;

use super::{DIALECT, hash, information_schema, object_digest};
use crate::dialect::Dialect;
use crate::driver::introspection::kept_if_equal;
use crate::driver::query::{number, one_text, texts};
use crate::driver::{DriverError, Introspect, SqlConnection};
use crate::render::SqlDialect;
use crate::sql::literals_of;
use crate::state::LiveSchema;

impl Introspect for MysqlConnection {
    fn catalog_context(&mut self) -> Result<String, DriverError> {
        let settings = "concat_ws(' ', database(), current_role(), @@sql_mode, @@time_zone)";
        one_text(self, &format!("SELECT {} AS text", hash(settings)))
    }

    fn object_digest(&mut self, names: &[String]) -> Result<Option<String>, DriverError> {
        let is_mariadb = self.version()?.name() == Dialect::MariaDb;
        object_digest::of(self, names, is_mariadb).map(Some)
    }

    fn broken_references(&mut self) -> Result<Vec<String>, DriverError> {
        Ok(Vec::new())
    }

    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError> {
        let is_mariadb = self.version()?.name() == Dialect::MariaDb;
        information_schema::read(self, is_mariadb).map(|live| kept_if_equal(earlier, live))
    }

    fn count_rows(&mut self, table: &str) -> Result<i64, DriverError> {
        let query = format!("SELECT count(*) AS number FROM {}", DIALECT.identifier(table));
        Ok(number(self, &query)?.unwrap_or_default())
    }

    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError> {
        let mut rows = Vec::new();
        for (table, columns) in of {
            let literals: Vec<String> = columns
                .iter()
                .map(|column| {
                    let column = DIALECT.identifier(column);
                    // Bytes may not be valid text.
                    let bytes = format!("concat('X''', hex(concat({column})), '''')");
                    let text = format!(
                        "concat('''', replace(replace(cast({column} AS CHAR), '\\\\', '\\\\\\\\'), '''', ''''''), '''')"
                    );
                    format!("coalesce(if(charset(concat({column})) = 'binary', {bytes}, {text}), 'NULL')")
                })
                .collect();
            let query = format!(
                "SELECT concat_ws(',', {}) AS text FROM {}",
                literals.join(", "),
                DIALECT.identifier(table)
            );
            rows.push(
                texts(self, &query)?
                    .iter()
                    .map(|row| literals_of(Dialect::MySql, row))
                    .collect(),
            );
        }
        Ok(rows)
    }
}
