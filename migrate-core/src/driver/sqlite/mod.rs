//! SQLite, through Diesel's `SqliteConnection`.

mod connection;
mod ddl_parser;
mod drop_all;
mod history_store;
mod introspection;
mod lock;
mod open;
pub(super) mod process_lock;

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use crate::dialect::Dialect;
    use crate::plan::rows_at_fault::tests::{CHANGES, up};

    #[test]
    fn queries_for_rows_at_fault_find_the_rows() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        diesel::sql_query(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, city TEXT, boss BIGINT, age INTEGER)",
        )
        .execute(&mut conn)
        .unwrap();
        let values = "(1, 'a', 'x', NULL, 1), (2, 'a', 'x', 1, 20), (3, NULL, 'x', 9, 1)";
        diesel::sql_query(format!("INSERT INTO users VALUES {values}"))
            .execute(&mut conn)
            .unwrap();
        for (change, violation, ..) in CHANGES {
            for (_, rows) in up(*change, Dialect::Sqlite) {
                let count = format!("SELECT 1 FROM ({}) LIMIT 1", rows.query);
                let found: QueryResult<Vec<i32>> =
                    diesel::dsl::sql::<diesel::sql_types::Integer>(&count).load(&mut conn);
                assert_eq!(found, Ok(vec![1]), "{violation:?}: {}", rows.query);
            }
        }
    }
}
