//! Database migrations written in Rust, for programs that use [Diesel](https://docs.rs/diesel).
//!
//! A migration is a struct with `#[derive(Migration)]` and an `impl Migrate` that describes its steps. The derive registers
//! it. A [`Runner`] sorts the migrations that are linked into the program by version, and applies those that the history
//! table of the database does not list. The command line is the crate `migrate_cli`. Except for `testing`, this crate
//! never prints, reads the environment or exits.
//!
//! ```
//! use diesel::prelude::*;
//! use migrate_core::prelude::*;
//!
//! /// Every user gets a public handle.
//! #[derive(Migration)]
//! #[migration(version = 2026_11_23_093000)]
//! struct AddUsername;
//!
//! impl Migrate for AddUsername {
//!     fn up(&self, schema: &mut Schema) {
//!         schema.alter_table("users", |t| t.text("username").nullable());
//!         schema.run(fill_usernames).up_only();
//!         schema.alter_table("users", |t| t.set_not_null("username"));
//!         schema.create_index("users", ["username"]).unique();
//!     }
//!     // `down` is derived from `up`. Write it only where it must differ.
//! }
//!
//! /// `Ada@example.org` with the id 7 becomes `ada-7`: the id keeps handles distinct.
//! fn fill_usernames(conn: &mut SqliteConnection) -> QueryResult<()> {
//!     let handle = "lower(substr(email, 1, instr(email, '@') - 1)) || '-' || id";
//!     diesel::sql_query(format!("UPDATE users SET username = {handle}")).execute(conn)?;
//!     Ok(())
//! }
//! ```
//!
//! With the feature `testing`, `test_migrations!` adds the tests that all migrations should pass, in one line, and the
//! module `testing` has a database that a test moves to any migration, with rows inserted in between.
//!
//! In an application, a runner takes any Diesel connection (a pooled one as `&mut *conn`), and either all linked migrations
//! or an explicit set:
//!
//! ```
//! # use diesel::prelude::*;
//! # use migrate_core::prelude::*;
//! use migrate_core::{Registry, Rollback, Runner, Target};
//!
//! #[derive(Migration)]
//! #[migration(version = 1, unlisted)]
//! struct CreateUsers;
//!
//! impl Migrate for CreateUsers {
//!     fn up(&self, schema: &mut Schema) {
//!         schema.create_table("users", |t| t.id());
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut conn = SqliteConnection::establish(":memory:")?;
//! let registry = Registry::of([Migration::of::<CreateUsers>()])?;   // or `Runner::linked(&mut conn)?`
//! let mut runner = Runner::new(&mut conn, registry);
//! assert!(!runner.is_current()?);
//! runner.up(&Target::Latest)?;
//! runner.rollback(&Rollback::LastBatch)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - Everything that can be checked is checked before anything runs: versions, the rollback of each step, Rust functions for
//!   the type of the connection, and the history.
//! - A migration and its history row are written in one transaction. If the migration fails or its process is killed, both
//!   are rolled back. `transaction = false` opts out. MySQL and MariaDB auto-commit DDL, so history records each completed
//!   step there, and the next run resumes after the last one.
//! - If several programs start at once, each migration is applied once.
//! - A run stops if an applied migration has changed or is no longer part of the program, and the error lists the options.
//!   Migrations that a newer program applied do not stop it.
//!
//! # Errors
//!
//! Each [`Error`] has a stable [`Code`], such as `M0701`, and a [kind](ErrorKind) to match on. `docs/errors.md` in the
//! repository describes each code.
//!
//! # Linking
//!
//! Rust does not link a crate that only `Cargo.toml` names, and its migrations are then missing. Name it in code, with
//! `use my_app as _;` or `migrate_cli::main!(my_app);`. A program without any migrations gets an error.
//!
//! # Features
//!
//! - `sqlite` enables Diesel's SQLite connection; `bundled` compiles SQLite in.
//! - `postgres` enables Diesel's PostgreSQL connection, and needs libpq.
//! - `mysql` enables Diesel's connection to MySQL and MariaDB, and needs libmysqlclient or libmariadb.
//!
//! - `testing` adds the module `testing` and `test_migrations!`. Enable it in `[dev-dependencies]` only:
//!   `migrate-core = { version = "0.1", features = ["testing"] }`.
//!
//! No feature is enabled by default.

#![cfg_attr(
    not(feature = "_driver"),
    allow(dead_code, unused_imports, reason = "without a driver, nothing uses the dialects")
)]

mod code;
mod connect;
mod database_url;
mod diagnostic;
mod dialect;
mod driver;
pub mod error;
pub mod export;
mod help;
pub mod history;
mod location;
pub mod migration;
pub mod package;
pub mod plan;
mod registry;
mod render;
pub mod report;
mod runner;
pub mod schema;
mod sql;
mod state;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod version;
#[cfg(not(feature = "testing"))]
mod without_testing;

pub use code::{Code, ErrorKind};
pub use dialect::{Dialect, DialectVersion};
pub use driver::Driver;
pub use error::Error;
pub use export::SchemaSnapshot;
pub use history::MigrationState;
pub use migrate_macros::Migration;
pub use migration::{Direction, Migrate, Migration, MigrationId};
pub use plan::Plan;
pub use registry::Registry;
pub use report::{Event, Report};
pub use runner::Runner;
pub use schema::Schema;
pub use target::{MigrationRef, Rollback, Target};
pub use version::Version;

/// The imports of a file with migrations.
pub mod prelude {
    pub use crate::schema::{ColumnType, ForeignKeyAction, IndexMethod, asc, desc, expression};
    pub use crate::{Dialect, Migrate, Migration, Schema, for_each_connection};
}

/// The database that a URL names, for programs that do not know its kind when they are built.
pub mod database {
    pub use crate::connect::with_runner;
    pub use crate::database_url::{DatabaseUrl, InvalidDatabaseUrl, Redacted};
    pub use crate::driver::backends::enabled;
    pub use crate::driver::{MissingFile, OpenError};
}

/// The items that the output of the macros names. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::driver::backends::connections;
    pub use crate::migration::{DerivedMigration, INVALID, Migration, MigrationMeta, register};
    pub use crate::registry::inventory;
    pub use crate::schema::{CompiledFor, NotCompiled};
}
