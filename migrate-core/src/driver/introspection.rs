//! Introspection: what a database holds now.

use std::rc::Rc;

use super::DriverError;
use crate::state::LiveSchema;

/// Reads the objects and rows of a database.
#[doc(hidden)]
pub trait Introspect {
    /// Returns a text that differs when session settings, such as the search path, change the result of
    /// [`object_digest`](Introspect::object_digest).
    fn catalog_context(&mut self) -> Result<String, DriverError> {
        Ok(String::new())
    }

    /// Returns a digest of the definitions of some tables, views and enums. It differs after any of them is created,
    /// changed or dropped. Returns `None` if the driver has no digest.
    fn object_digest(&mut self, _names: &[String]) -> Result<Option<String>, DriverError> {
        Ok(None)
    }

    /// Returns the rows whose foreign key refers to no row, as text for messages.
    fn broken_references(&mut self) -> Result<Vec<String>, DriverError>;

    /// Reads the live schema. Reuses the parts of `earlier` that have not changed.
    fn live(&mut self, earlier: &Rc<LiveSchema>) -> Result<Rc<LiveSchema>, DriverError>;

    /// Returns the schema that the connection uses, where a database has several.
    fn schema(&mut self) -> Result<Option<String>, DriverError> {
        Ok(None)
    }

    /// Returns the foreign tables, which are no part of the live schema.
    fn foreign_tables(&mut self) -> Result<Vec<String>, DriverError> {
        Ok(Vec::new())
    }

    /// Counts the rows of a table.
    fn count_rows(&mut self, table: &str) -> Result<i64, DriverError>;

    /// Returns the rows of some tables, with the given columns as SQL literals.
    fn rows(&mut self, of: &[(&str, Vec<&str>)]) -> Result<Vec<Vec<Vec<String>>>, DriverError>;
}

/// Returns the earlier value if nothing has changed, so that both are one.
#[cfg(feature = "_server")]
pub(super) fn kept_if_equal(earlier: &Rc<LiveSchema>, live: LiveSchema) -> Rc<LiveSchema> {
    match live == **earlier {
        true => earlier.clone(),
        false => Rc::new(live),
    }
}
