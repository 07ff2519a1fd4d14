//! The sources of empty databases for the checks.

use std::fmt;

use crate::error::Error;
use crate::registry::Registry;
use crate::runner::Runner;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use crate::testing::{ServerConnection, TestServer};

pub(super) trait Databases: fmt::Debug + Send + Sync {
    /// Calls `check` with a runner on an empty database, and removes the database afterwards.
    fn with_empty(&self, registry: &Registry, check: &mut CheckFn<'_>) -> Result<(), Error>;
}

pub(super) type CheckFn<'c> = dyn FnMut(Runner<'_>) -> Result<(), Error> + 'c;

/// Creates SQLite databases in memory.
#[cfg(feature = "sqlite")]
#[derive(Debug)]
pub(super) struct InMemory;

#[cfg(feature = "sqlite")]
impl Databases for InMemory {
    fn with_empty(&self, registry: &Registry, check: &mut CheckFn<'_>) -> Result<(), Error> {
        check(crate::testing::TestDatabase::of(registry.iter().copied())?.runner())
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl<C: ServerConnection> Databases for TestServer<C> {
    fn with_empty(&self, registry: &Registry, check: &mut CheckFn<'_>) -> Result<(), Error> {
        check(self.database_of(registry.iter().copied())?.runner())
    }
}
