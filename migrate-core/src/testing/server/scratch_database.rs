//! A database on a server that exists as long as its value.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::code::Code;
use crate::database_url::DatabaseUrl;
use crate::driver::test_server::ServerKind;
use crate::error::Error;

#[derive(Debug)]
pub(super) struct ScratchDatabase {
    kind: &'static ServerKind,
    server: DatabaseUrl,
    name: String,
}

impl ScratchDatabase {
    /// Creates an empty database.
    pub(super) fn new(kind: &'static ServerKind, server: &DatabaseUrl) -> Result<ScratchDatabase, Error> {
        ScratchDatabase::made(kind, server, "")
    }

    /// Creates a copy of this database, which must have no connections.
    pub(super) fn copy(&self) -> Result<ScratchDatabase, Error> {
        ScratchDatabase::made(self.kind, &self.server, &format!(" TEMPLATE {}", self.name))
    }

    fn made(kind: &'static ServerKind, server: &DatabaseUrl, of: &str) -> Result<ScratchDatabase, Error> {
        let name = new_name();
        (kind.execute)(&default_url(kind, server), &format!("CREATE DATABASE {name}{of}"))
            .map_err(|cause| not_made(kind, server).with_cause(cause))?;
        Ok(ScratchDatabase {
            kind,
            server: server.clone(),
            name,
        })
    }

    pub(super) fn url(&self) -> String {
        url_of(self.kind, &self.server, &self.name)
    }

    /// Returns the error for a failed connection.
    pub(super) fn unreachable(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        not_made(self.kind, &self.server).with_cause(cause)
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        if let Err(cause) = (self.kind.drop)(&default_url(self.kind, &self.server), &self.name) {
            // Reported even if the test passes, because the database remains on the server.
            let _ = writeln!(
                io::stderr(),
                "warning[{}]: the test database {} on {} cannot be dropped\n  cause: {cause}\n  help: drop it by hand",
                Code::TEST_DATABASE_LEFT,
                self.name,
                self.server.server_label()
            );
        }
    }
}

fn not_made(kind: &ServerKind, server: &DatabaseUrl) -> Error {
    Error::new(
        Code::TEST_DATABASE,
        format!("a test database cannot be created on {}", server.server_label()),
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

/// Returns the URL of a database for Diesel.
pub(super) fn url_of(kind: &ServerKind, server: &DatabaseUrl, database: &str) -> String {
    let url = server.with_database(database);
    kind.scheme.map_or_else(|| url.text(), |scheme| url.with_scheme(scheme))
}

/// Returns the URL of a database that already exists.
fn default_url(kind: &ServerKind, server: &DatabaseUrl) -> String {
    let named = server.raw_database().filter(|database| !database.is_empty());
    url_of(kind, server, named.unwrap_or(kind.default_database))
}

/// Returns a name that is unique on the server across processes and machines, with the creation time.
fn new_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // `RandomState` takes its keys from the system's randomness.
    let random = RandomState::new().build_hasher().finish();
    format!("migrate_test_{}_{random:016x}", now.as_secs())
}
