//! The macro `for_each_connection!`, which compiles a Rust step once for each connection type.

use std::any::TypeId;
use std::sync::Arc;

use super::rust_function::{Function, Functions, RustFunction};

/// Compiles a Rust step for every database that the program is built for.
///
/// Diesel checks a query against one kind of database, so a function with queries names a connection type. This macro
/// compiles its functions once for each connection type whose feature of `migrate-core` is on: `SqliteConnection`
/// (`sqlite`), `PgConnection` (`postgres`) and `MysqlConnection` (`mysql`). In the functions, `Connection` is the
/// connection type.
///
/// Each function then accepts any of these connections, so a test can call it with its own.
/// `for_each_connection!(name)` passes all compiled versions to [`Schema::run`](crate::Schema::run) and `undo`.
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// use diesel::prelude::*;
/// use migrate_core::prelude::*;
/// # use migrate_core::testing::{TestDatabase, TestResult};
///
/// /// Names are in lower case.
/// #[derive(Migration)]
/// #[migration(version = 2)]
/// struct LowerNames;
///
/// impl Migrate for LowerNames {
///     fn up(&self, schema: &mut Schema) {
///         schema.run(for_each_connection!(lower_names)).up_only();
///     }
/// }
///
/// diesel::table! {
///     users (id) {
///         id -> BigInt,
///         name -> Text,
///     }
/// }
///
/// for_each_connection! {
///     fn lower_names(conn: &mut Connection) -> QueryResult<()> {
///         let all: Vec<(i64, String)> = users::table.load(conn)?;
///         for (id, name) in all {
///             diesel::update(users::table.find(id))
///                 .set(users::name.eq(name.to_lowercase()))
///                 .execute(conn)?;
///         }
///         Ok(())
///     }
/// }
/// # #[derive(Migration)]
/// # #[migration(version = 1)]
/// # struct CreateUsers;
/// # impl Migrate for CreateUsers {
/// #     fn up(&self, schema: &mut Schema) {
/// #         schema.create_table("users", |t| { t.id(); t.text("name"); });
/// #     }
/// # }
///
/// // In a test:
/// # fn main() -> TestResult {
/// # let mut db = TestDatabase::new()?;
/// # db.before::<LowerNames>()?;
/// # diesel::insert_into(users::table).values(users::name.eq("Ada")).execute(db.conn())?;
/// lower_names(db.conn())?;
/// # assert_eq!(users::table.select(users::name).first::<String>(db.conn())?, "ada");
/// # db.apply::<LowerNames>()?;
/// # Ok(())
/// # }
/// ```
///
/// Code for a single database, such as `RETURNING` in Diesel's `get_result`, does not compile for the others. If
/// databases need different code, write one function for each and pass a tuple of them to `run`.
#[macro_export]
macro_rules! for_each_connection {
    ($($function:ident)::+) => {
        $crate::__for_each_backend!(tuple $($function)::+)
    };
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($conn:ident: &mut $Connection:ident $(,)?) -> $result:ty $body:block
    )+) => {
        $(
            // A type of the same name identifies the function in `CompiledFor`. Types and functions have separate
            // namespaces.
            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            $visibility enum $name {}

            $crate::__for_each_backend!(items [$(#[$attribute])*] $name $conn $Connection $result, $body);

            $(#[$attribute])*
            $visibility fn $name<$Connection>($conn: &mut $Connection) -> $result
            where
                $Connection: $crate::__private::CompiledFor<$name, Output = $result>,
            {
                <$Connection as $crate::__private::CompiledFor<$name>>::call($conn)
            }
        )+
    };
}

/// Implemented by each connection type that the function `F` of `for_each_connection!` is compiled for.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{F}` is not compiled for `{Self}`",
    label = "unsupported connection type",
    note = "the function is compiled for each connection type whose `migrate-core` feature is enabled: `sqlite`, `postgres`, `mysql`"
)]
pub trait CompiledFor<F> {
    type Output;

    fn call(conn: &mut Self) -> Self::Output;
}

/// Replaces the function of a connection type whose feature is off.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct NotCompiled {
    pub function: &'static str,
    pub connection: &'static str,
}

impl RustFunction<NotCompiled> for NotCompiled {
    fn into_functions(self) -> Functions {
        Functions::of(Function {
            name: self.function,
            connection: TypeId::of::<NotCompiled>(),
            connection_name: self.connection,
            call: Arc::new(|_| None),
        })
    }
}
