//! A database on a server that exists as long as its value.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::backend::Backend;
use super::url::ServerUrl;
use crate::code::Code;
use crate::error::Error;

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
                "warning[{}]: the test database {} on {} cannot be dropped\n  cause: {cause}\n  help: drop it by hand",
                Code::TEST_DATABASE_LEFT,
                self.name,
                self.server
            );
        }
    }
}

fn not_made(kind: &Backend, server: &ServerUrl) -> Error {
    Error::new(
        Code::TEST_DATABASE,
        format!("a test database cannot be created on {server}"),
    )
    .help(format!(
        "check that {} is running there, and check the user and the password",
        kind.title
    ))
    .help(format!(
        "grant the user the right to create databases: `{}`",
        kind.grant
    ))
}

/// Returns a name that is unique on the server across processes and machines, with the creation time.
fn new_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // `RandomState` takes its keys from the system's randomness.
    let random = RandomState::new().build_hasher().finish();
    format!("migrate_test_{}_{random:016x}", now.as_secs())
}
