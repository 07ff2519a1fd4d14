//! The sources of empty databases for the checks.

use std::fmt;
use std::sync::Arc;

use crate::code::Code;
use crate::connect::with_runner;
use crate::database_url::DatabaseUrl;
use crate::dialect::Dialect;
use crate::driver::MissingFile;
use crate::driver::backends::enabled;
use crate::error::Error;
use crate::registry::Registry;
use crate::runner::Runner;
#[cfg(feature = "_server")]
use crate::testing::{ServerConnection, TestServer};

pub(super) trait Databases: fmt::Debug + Send + Sync {
    /// Calls `check` with a runner on an empty database, and removes the database afterwards.
    fn with_empty(&self, registry: &Registry, check: &mut CheckFn<'_>) -> Result<(), Error>;
}

/// Creates databases in memory.
#[derive(Debug)]
struct InMemory;

impl Databases for InMemory {
    fn with_empty(&self, registry: &Registry, check: &mut CheckFn<'_>) -> Result<(), Error> {
        let url = DatabaseUrl::in_memory();
        with_runner(&url, MissingFile::Create, registry.clone(), check).unwrap_or_else(|error| {
            Err(Error::new(Code::TEST_DATABASE, "a test database in memory cannot be created").with_cause(error))
        })
    }
}

/// Returns databases in memory, if the feature for them is enabled.
pub(super) fn in_memory() -> Option<Arc<dyn Databases>> {
    let is_enabled = enabled().concat().contains(&Dialect::DEFAULT);
    is_enabled.then(|| Arc::new(InMemory) as Arc<dyn Databases>)
}

pub(super) type CheckFn<'c> = dyn FnMut(Runner<'_>) -> Result<(), Error> + 'c;

#[cfg(feature = "_server")]
impl<C: ServerConnection> Databases for TestServer<C> {
    fn with_empty(&self, registry: &Registry, check: &mut CheckFn<'_>) -> Result<(), Error> {
        check(self.database_of(registry.iter().copied())?.runner())
    }
}
