//! The functions of a Rust step. They are stored without Diesel types, each with the type id of its connection.

use std::any::{Any, TypeId, type_name};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

type BoxError = Box<dyn Error + Send + Sync>;
type Erased = Arc<dyn Fn(&mut dyn Any) -> Option<Result<(), BoxError>> + Send + Sync>;

/// A function that [`Schema::run`](crate::Schema::run) accepts: a function on a connection, or a tuple of functions,
/// one per connection type.
///
/// [`for_each_connection!`](crate::for_each_connection) builds such a tuple from one function.
///
/// A function is `Fn(&mut Connection) -> Result<(), Error>`. The error is any type that converts into
/// `Box<dyn std::error::Error + Send + Sync>`, as Diesel's does. The compiler infers `M`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a Rust step",
    label = "expected a function on a Diesel connection",
    note = "write `fn fill(conn: &mut SqliteConnection) -> QueryResult<()>`, or a tuple with one function per connection type",
    note = "pass a function that is defined in `for_each_connection!` as `for_each_connection!(fill)`",
    note = "a closure must name its types: `|conn: &mut SqliteConnection| -> QueryResult<()> {{ .. }}`",
    note = "the error type must convert into `Box<dyn std::error::Error + Send + Sync>`"
)]
pub trait RustFunction<M> {
    #[doc(hidden)]
    fn into_functions(self) -> Functions;
}

/// The functions of one Rust step.
#[doc(hidden)]
#[derive(Clone)]
pub struct Functions(Vec<Function>);

#[derive(Clone)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) connection: TypeId,
    pub(super) connection_name: &'static str,
    pub(super) call: Erased,
}

impl Functions {
    pub(super) fn of(function: Function) -> Functions {
        Functions(vec![function])
    }

    /// Returns the name of the function for a connection type.
    pub(crate) fn name_for(&self, connection: TypeId) -> Option<&'static str> {
        self.0
            .iter()
            .find(|function| function.connection == connection)
            .map(|function| function.name)
    }

    /// Returns the names of all functions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|function| function.name)
    }

    /// Returns the names of the connection types that have a function.
    pub(crate) fn connection_names(&self) -> Vec<&'static str> {
        self.0.iter().map(|function| short(function.connection_name)).collect()
    }

    /// Calls the function for the type of this connection. Returns `None` if there is none.
    pub(crate) fn call(&self, connection: &mut dyn Any) -> Option<Result<(), BoxError>> {
        self.0.iter().find_map(|function| (function.call)(connection))
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|function| function.name))
            .finish()
    }
}

/// Returns the name of a type without its path.
fn short(name: &'static str) -> &'static str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Returns the name of a generic function without its connection type.
fn without_type(function: &'static str, connection: &str) -> &'static str {
    function
        .strip_suffix('>')
        .and_then(|name| name.strip_suffix(connection))
        .and_then(|name| name.strip_suffix('<'))
        .unwrap_or(function)
}

impl<F, C, E> RustFunction<(C, E)> for F
where
    F: Fn(&mut C) -> Result<(), E> + Send + Sync + 'static,
    C: 'static,
    E: Into<BoxError>,
{
    fn into_functions(self) -> Functions {
        Functions::of(Function {
            name: without_type(type_name::<F>(), type_name::<C>()),
            connection: TypeId::of::<C>(),
            connection_name: type_name::<C>(),
            call: Arc::new(move |connection| {
                let connection = connection.downcast_mut::<C>()?;
                Some(self(connection).map_err(Into::into))
            }),
        })
    }
}

/// Implements `RustFunction` for a tuple of functions.
macro_rules! tuple {
    ($($function:ident $marker:ident),+) => {
        impl<$($function, $marker),+> RustFunction<($($marker,)+)> for ($($function,)+)
        where
            $($function: RustFunction<$marker>),+
        {
            fn into_functions(self) -> Functions {
                #[allow(non_snake_case)]
                let ($($function,)+) = self;
                let mut functions = Vec::new();
                $(functions.extend($function.into_functions().0);)+
                Functions(functions)
            }
        }
    };
}

// A tuple of one occurs when features leave only one connection type.
tuple!(F1 M1);
tuple!(F1 M1, F2 M2);
tuple!(F1 M1, F2 M2, F3 M3);
