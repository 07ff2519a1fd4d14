//! Databases that were migrated once, and are copied for the tests that need all migrations applied.
//!
//! Never across processes: what a Rust step does is not in a checksum.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::scratch_database::ScratchDatabase;
use super::url::ServerUrl;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::history::checksum_of;
use crate::location::Location;
use crate::migration::MigrationId;
use crate::registry::Registry;

/// What databases are copied from. It is dropped with the last of them.
#[derive(Debug)]
pub(in crate::testing) struct Template(Mutex<Option<ScratchDatabase>>);

/// What is in it: what is applied, and on which server.
type TemplateKey = (ServerUrl, Vec<(MigrationId<'static>, Location, String)>);

impl Template {
    /// The one of a set of migrations on a server, and whether a database that uses it is there already.
    pub(super) fn of(server: &ServerUrl, registry: &Registry) -> (Arc<Template>, bool) {
        static USED: Mutex<Vec<(TemplateKey, Weak<Template>)>> = Mutex::new(Vec::new());
        let migrations = registry.iter().map(|migration| {
            let checksum = checksum_of(migration, Dialect::Postgres);
            (migration.id(), migration.location(), checksum)
        });
        let key = (server.clone(), migrations.collect());
        let mut used = locked(&USED);
        used.retain(|(_, template)| template.strong_count() > 0);
        let there = used.iter().find(|(other, _)| *other == key);
        if let Some(template) = there.and_then(|(_, template)| template.upgrade()) {
            return (template, true);
        }
        let template = Arc::new(Template(Mutex::new(None)));
        used.push((key, Arc::downgrade(&template)));
        (template, false)
    }

    /// A copy, of what is made when the first one is asked for.
    pub(super) fn copy(&self, make: impl FnOnce() -> Result<ScratchDatabase, Error>) -> Result<ScratchDatabase, Error> {
        let mut made = locked(&self.0);
        let database = match &mut *made {
            Some(database) => database,
            none => none.insert(make()?),
        };
        database.copy()
    }
}

/// A test that panicked meanwhile has left nothing half done in it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
