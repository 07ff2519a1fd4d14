//! A database on a server that exists as long as its value.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::backend::Backend;
use super::url::ServerUrl;
use crate::error::{Error, ErrorKind};

#[derive(Debug)]
pub(in crate::testing) struct ScratchDatabase {
    kind: &'static Backend,
    server: ServerUrl,
    name: String,
}

impl ScratchDatabase {
    /// Creates an empty database.
    pub(super) fn new(kind: &'static Backend, server: &ServerUrl) -> Result<ScratchDatabase, Error> {
        ScratchDatabase::made(kind, server, "")
    }

    /// Creates a copy of this database, which must have no connections.
    pub(super) fn copy(&self) -> Result<ScratchDatabase, Error> {
        ScratchDatabase::made(self.kind, &self.server, &format!(" TEMPLATE {}", self.name))
    }

    fn made(kind: &'static Backend, server: &ServerUrl, of: &str) -> Result<ScratchDatabase, Error> {
        let name = new_name();
        (kind.execute)(&kind.for_all(server), &format!("CREATE DATABASE {name}{of}"))
            .map_err(|cause| not_made(kind, server).with_cause(cause))?;
        Ok(ScratchDatabase {
            kind,
            server: server.clone(),
            name,
        })
    }

    pub(in crate::testing) fn url(&self) -> String {
        self.server.with_database(&self.name)
    }

    /// Returns the error for a failed connection.
    pub(super) fn unreachable(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        not_made(self.kind, &self.server).with_cause(cause)
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        if let Err(cause) = (self.kind.drop)(&self.kind.for_all(&self.server), &self.name) {
            // Reported even if the test passes, because the database remains on the server.
            let _ = writeln!(
                io::stderr(),
                "the test's database {} on {} could not be dropped: {cause}",
                self.name,
                self.server
            );
        }
    }
}

fn not_made(kind: &Backend, server: &ServerUrl) -> Error {
    Error::new(
        ErrorKind::Database,
        format!("a database for a test could not be made on {server}"),
    )
    .next(format!(
        "check that {} runs there, and the user and the password",
        kind.title
    ))
    .next(format!("the user needs the right to make databases: `{}`", kind.grant))
}

/// Returns a name that is unique on the server across processes and machines, with the creation time.
fn new_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // `RandomState` takes its keys from the system's randomness.
    let random = RandomState::new().build_hasher().finish();
    format!("migrate_test_{}_{random:016x}", now.as_secs())
}
