//! The list of backends: the only place that names every database with its feature and its connection type.

use crate::dialect::Dialect;

/// Generates what depends on the list. A line has the database's name for macros, its feature, Diesel's connection
/// type, the macro that [`backend`] defines for it, its dialects, and the module of its tests on a server. A database
/// without such a module is tested in memory.
///
/// `$d` is a dollar sign, for the macros in the output.
macro_rules! backends {
    ($d:tt names $names:literal; $(
        $database:ident $feature:literal $connection:ident $macro:ident [$($dialect:ident),+] $tests:tt;
    )+) => {
        /// The enabled connection types.
        #[doc(hidden)]
        pub mod connections {
            $(
                #[cfg(feature = $feature)]
                pub use diesel::$connection;
            )+
        }

        /// The dialects of each enabled backend.
        const ENABLED: &[&[Dialect]] = &[
            $(
                #[cfg(feature = $feature)]
                &[$(Dialect::$dialect),+],
            )+
        ];

        /// Matches a dialect: with the `Connection` of its backend, or with the name of the missing `feature`.
        macro_rules! on_backend {
            ($d dialect:expr, $d Connection:ident => $d enabled:expr, $d feature:ident => $d disabled:expr) => {
                match $d dialect {
                    $(
                        #[cfg(feature = $feature)]
                        $(Dialect::$dialect)|+ => {
                            type $d Connection = $crate::driver::backends::connections::$connection;
                            $d enabled
                        }
                        #[cfg(not(feature = $feature))]
                        $(Dialect::$dialect)|+ => {
                            let $d feature = $feature;
                            $d disabled
                        }
                    )+
                }
            };
        }
        pub(crate) use on_backend;

        /// Expands to something for every backend, or for the one that a user names in `on = [..]`.
        #[doc(hidden)]
        #[macro_export]
        macro_rules! __for_each_backend {
            (tuple $d($d step:tt)*) => {
                ($($d crate::$macro!(step $d($d step)*),)+)
            };
            (items $d($d function:tt)*) => {
                $($d crate::$macro!(function $d($d function)*);)+
            };
            (enabled tests) => {
                $($d crate::$macro!(tests);)+
            };
            $(
                (tests on $database) => {
                    $d crate::$macro!(named tests);
                };
            )+
            (tests on $d other:ident) => {
                ::core::compile_error! {
                    ::core::concat!("unknown database `", ::core::stringify!($d other), "` in `on`; the databases are ", $names, " [M0830]")
                }
            };
        }

        $(backend!($d $feature $connection $macro $tests);)+
    };
}

/// Defines the macro of one backend. Features are tested here because `cfg` in the output of an exported macro would
/// test the features of the calling crate.
macro_rules! backend {
    ($d:tt $feature:literal $connection:ident $macro:ident $tests:tt) => {
        #[cfg(feature = $feature)]
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $macro {
            (step $d($d function:ident)::+) => {
                $d($d function)::+::<$d crate::__private::connections::$connection>
            };
            (function [$d($d attributes:tt)*] $d name:ident $d conn:ident $d Connection:ident $d result:ty, $d body:block) => {
                impl $d crate::__private::CompiledFor<$d name> for $d crate::__private::connections::$connection {
                    type Output = $d result;

                    $d($d attributes)*
                    fn call($d conn: &mut Self) -> $d result {
                        #[allow(dead_code)]
                        type $d Connection = $d crate::__private::connections::$connection;
                        $d body
                    }
                }
            };
            ($d(named)? tests) => {
                $d crate::__tests_with! { $connection $tests }
            };
        }

        #[cfg(not(feature = $feature))]
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $macro {
            (step $d($d function:ident)::+) => {
                $d crate::__private::NotCompiled {
                    function: ::core::stringify!($d($d function)::+),
                    connection: ::core::stringify!($connection),
                }
            };
            (function $d($d rest:tt)*) => {};
            (tests) => {};
            (named tests) => {
                ::core::compile_error! {
                    ::core::concat!("`on = [", $feature, "]` needs the feature `", $feature, "` of migrate-core [M0830]")
                }
            };
        }
    };
}

backends! { $
    names "`sqlite`, `postgres` and `mysql`";
    sqlite "sqlite" SqliteConnection __on_sqlite [Sqlite] [];
    postgres "postgres" PgConnection __on_postgres [Postgres] [on_postgres];
    mysql "mysql" MysqlConnection __on_mysql [MySql, MariaDb] [on_mysql];
}

/// Returns the dialects that the enabled features support, one list for each connection type. The first dialect of a
/// list is the usual one.
#[must_use]
pub fn enabled() -> &'static [&'static [Dialect]] {
    ENABLED
}
