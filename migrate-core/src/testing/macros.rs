//! `test_migrations!`: creates one test for each check and each database.

/// Adds the standard tests for all migrations of one or more crates.
///
/// Write it in `tests/migrations.rs`, with the name of each crate that holds migrations. The macro links these crates:
///
/// ```ignore
/// migrate_core::test_migrations!(blog);
/// ```
///
/// In a test module of the crate itself, write `migrate_core::test_migrations!();`. Each test calls the method of
/// [`Checks`](crate::testing::Checks) of the same name. These tests need no database:
///
/// - `every_migration_is_linked_and_listed`
/// - `each_migration_is_recorded_the_same_twice`
/// - `released_migrations_have_not_changed`
///
/// These tests run on each database whose feature of `migrate-core` is enabled:
///
/// - `every_plan_is_right`
/// - `all_migrations_apply_to_an_empty_database`
/// - `each_migration_goes_up_down_and_up_again`
/// - `each_migration_goes_up_down_and_up_again_with_rows`
///
/// The databases are:
///
/// - SQLite in memory;
/// - the PostgreSQL server that `MIGRATE_TEST_POSTGRES` names, for the tests `on_postgres::..`;
/// - the MySQL or MariaDB server that `MIGRATE_TEST_MYSQL` names, for the tests `on_mysql::..`.
///
/// Without the variable, a server test passes and prints "NOT TESTED on .." to stderr. `TestServer::at` describes the
/// URLs.
///
/// Settings follow a semicolon: `test_migrations!(blog; values = values_of, dialects = [Dialect::Postgres])`. Each
/// setting is a method of [`Checks`](crate::testing::Checks), except `on`, which must come first and limits the
/// databases. Use `on` if the migrations are for some databases only: in a workspace, another package can enable the
/// features of other databases.
///
/// ```ignore
/// migrate_core::test_migrations!(blog; on = [sqlite, postgres], values = values_of);
/// ```
#[macro_export]
macro_rules! test_migrations {
    ($($linked:ident),* $(,)?; on = [$($database:ident),+ $(,)?] $(, $setting:ident = $value:expr)* $(,)?) => {
        $crate::__tests_without_a_database! { [$($linked)*] [$($setting = $value,)*] }
        $($crate::__for_each_backend! { tests on $database })+
    };
    ($($linked:ident),* $(,)? $(; $($setting:ident = $value:expr),+ $(,)?)?) => {
        $crate::__tests_without_a_database! { [$($linked)*] [$($($setting = $value,)+)?] }
        $crate::__for_each_backend! { enabled tests }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests_without_a_database {
    ([$($linked:ident)*] [$($setting:ident = $value:expr,)*]) => {
        $(use $linked as _;)*

        fn __checks() -> $crate::testing::Checks {
            $crate::testing::Checks::new(env!("CARGO_MANIFEST_DIR"))$(.$setting($value))*
        }

        $crate::__tests! {
            Some(__checks());
            every_migration_is_linked_and_listed
            each_migration_is_recorded_the_same_twice
            released_migrations_have_not_changed
        }
    };
}

/// Expands to the tests of one backend: in memory, or in a module on a server.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests_with {
    ($connection:ident []) => {
        $crate::__tests_on_a_database! { Some(__checks()) }
    };
    ($connection:ident [$module:ident]) => {
        mod $module {
            $crate::__tests_on_a_database! {
                $crate::testing::TestServer::<$crate::__private::connections::$connection>::from_env()?
                    .map(|server| super::__checks().on(server))
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests_on_a_database {
    ($checks:expr) => {
        $crate::__tests! {
            $checks;
            every_plan_is_right
            all_migrations_apply_to_an_empty_database
            each_migration_goes_up_down_and_up_again
            each_migration_goes_up_down_and_up_again_with_rows
        }
    };
}

/// Expands to one test per check. A test passes if its server is not configured; `from_env` has reported that.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($checks:expr; $($name:ident)*) => {
        $(
            #[test]
            fn $name() -> ::std::result::Result<(), $crate::Error> {
                match $checks {
                    Some(checks) => checks.$name(),
                    None => Ok(()),
                }
            }
        )*
    };
}
