//! Database migrations written in Rust.
//!
//! (crate docs come here)

#![cfg_attr(
    not(feature = "sqlite"),
    allow(dead_code, unused_imports, reason = "without a driver nobody asks the dialects")
)]

mod dialect;
mod driver;
mod error;
mod history;
mod migration;
mod place;
mod plan;
mod registry;
mod report;
mod runner;
mod schema;
mod target;
mod version;

pub use driver::Driver;
pub use error::{Error, ErrorKind, Problem};
pub use history::{Applied, DEFAULT_HISTORY_TABLE, Entry, State};
pub use migrate_macros::Migration;
pub use migration::{DEFAULT_GROUP, Derived, Direction, Migrate, Migration, MigrationId};
pub use place::Place;
pub use plan::{Plan, PlannedMigration, PlannedStep};
pub use registry::Registry;
pub use report::{Done, Event, Report};
pub use runner::Runner;
pub use schema::{RecordedStep, RustFunction, Schema};
pub use target::{MigrationRef, Rollback, Target};
pub use version::{InvalidVersion, Version};

/// What a file with migrations imports.
pub mod prelude {
    pub use crate::{Migrate, Migration, Schema};
}

/// What the derive's output names. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::history::fingerprint_of;
    pub use crate::migration::{Declaration, Derived, Migration, WRITTEN_WRONGLY, declare};
    pub use crate::registry::inventory;
}
