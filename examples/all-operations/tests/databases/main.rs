//! On every database that is compiled in: all migrations can be applied, rolled back and applied again, and Diesel
//! reads the schema that they describe. Each test has its own database.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod schema_rs;
mod support;
mod up_and_down;

/// Expands each function to one test per database.
macro_rules! on_every_database {
    ($($module:ident::$claim:ident),+ $(,)?) => {
        on_every_database! { sqlite Sqlite: $($module::$claim),+ }
        #[cfg(feature = "postgres")]
        on_every_database! { postgres Postgres: $($module::$claim),+ }
        #[cfg(feature = "postgres")]
        on_every_database! { newer_postgres NewerPostgres: $($module::$claim),+ }
        #[cfg(feature = "mysql")]
        on_every_database! { mysql MySql: $($module::$claim),+ }
        #[cfg(feature = "mysql")]
        on_every_database! { other_mysql OtherMySql: $($module::$claim),+ }
    };
    ($name:ident $kind:ident: $($module:ident::$claim:ident),+) => {
        mod $name {
            use crate::support::{Database, Kind};

            $(
                #[test]
                fn $claim() {
                    if let Some(database) = Database::new(Kind::$kind) {
                        crate::$module::$claim(&database);
                    }
                }
            )+
        }
    };
}

on_every_database! {
    schema_rs::schema_rs_matches_print_schema_at_each_version,
    up_and_down::all_migrations_go_up_and_down_with_rows,
}
