//! Migrated template databases, which are copied for tests that need all migrations applied.
//!
//! A template is not shared across processes, because a checksum does not cover Rust steps.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::scratch_database::ScratchDatabase;
use crate::database_url::DatabaseUrl;
use crate::error::Error;
use crate::history::checksum_of;
use crate::location::Location;
use crate::migration::MigrationId;
use crate::registry::Registry;

/// The template of one set of migrations on one server. It is dropped with the last database that uses it.
#[derive(Debug)]
pub(super) struct Template(Mutex<Option<ScratchDatabase>>);

/// The key of a template: the server, and the migrations with their checksums.
type TemplateKey = (DatabaseUrl, Vec<(MigrationId<'static>, Location, String)>);

impl Template {
    /// Returns the template of a set of migrations, and true if another database already uses it.
    pub(super) fn of(server: &DatabaseUrl, registry: &Registry) -> (Arc<Template>, bool) {
        static USED: Mutex<Vec<(TemplateKey, Weak<Template>)>> = Mutex::new(Vec::new());
        let migrations = registry.iter().map(|migration| {
            let checksum = checksum_of(migration, server.dialect());
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

    /// Returns a copy of the template. The first call creates the template with `make`.
    pub(super) fn copy(&self, make: impl FnOnce() -> Result<ScratchDatabase, Error>) -> Result<ScratchDatabase, Error> {
        let mut made = locked(&self.0);
        let database = match &mut *made {
            Some(database) => database,
            none => none.insert(make()?),
        };
        database.copy()
    }
}

/// Locks a mutex. A panic in another test leaves its value consistent.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
