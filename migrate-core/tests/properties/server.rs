//! The database of one test on a server that the environment names.

use std::sync::atomic::{AtomicU32, Ordering};

/// Runs a statement on the server of a URL.
type Execute = fn(&str, &str);

/// Dropping it drops the database.
pub(crate) struct OnServer {
    server: String,
    name: String,
    execute: Execute,
}

impl OnServer {
    /// Returns `None` with a message if the environment names no server.
    pub(crate) fn new(variable: &'static str, execute: Execute) -> Option<OnServer> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var(variable) else {
            eprintln!(
                "NOT TESTED with random plans: {variable} does not name a server, such as postgres://postgres@127.0.0.1 \
                 or mysql://root@127.0.0.1"
            );
            return None;
        };
        let name = format!(
            "migrate_plans_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        execute(&server, &format!("CREATE DATABASE {name}"));
        Some(OnServer { server, name, execute })
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        (self.execute)(&self.server, &format!("DROP DATABASE {}", self.name));
    }
}
