//! Database migrations written in Rust, for programs that use [Diesel](https://docs.rs/diesel).
//!
//! A migration is a struct with `#[derive(Migration)]` and an `impl Migrate` that says what it changes. The derive registers
//! it; a [`Runner`] orders what is linked into the program by version and applies what the database's history table does not
//! have yet. The command line is the crate `migrate_cli`; this one, but for
//! [`testing`], never prints, reads the environment or exits.
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
//!     // `down` is worked out from `up`; write it only where it should do something else.
//! }
//!
//! fn fill_usernames(conn: &mut SqliteConnection) -> QueryResult<()> {
//!     diesel::sql_query("UPDATE users SET username = lower(substr(email, 1, instr(email, '@') - 1))").execute(conn)?;
//!     Ok(())
//! }
//! ```
//!
//! `test_migrations!` gives a crate the tests that all migrations should pass, in one line; [`testing`] has a database that a
//! test drives to any migration, with rows in between. In an application a runner takes any Diesel connection (a pooled one
//! as `&mut *conn`) and either all that is linked or an explicit set:
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
//! # What is promised
//!
//! - Nothing runs before everything that can be checked has been: versions, an undo for each step, the function for the
//!   connection's type, and what the history says.
//! - A migration runs in one transaction together with its history row. When it fails, or its process is killed, neither is
//!   there. `transaction = false` opts out, and MySQL and MariaDB commit each change of the schema by itself: there history
//!   says of each step that it is done, and the next run goes on where the one before stopped.
//! - Programs that start at once apply each migration once.
//! - What was applied and then changed, and what was applied and is not in the program any more, stops a run, with the ways
//!   out. What a newer program applied does not.
//!
//! # Linking
//!
//! A crate that is only listed in `Cargo.toml` is not linked, and its migrations are not there: name it, with
//! `use my_app as _;` or `migrate_cli::main!(my_app);`. A program that has none gets an error that says so.
//!
//! # Features
//!
//! `sqlite` is Diesel's SQLite connection; `bundled` compiles a SQLite in, so that nothing has to be installed. `postgres` is
//! Diesel's PostgreSQL connection, and needs libpq. `mysql` is Diesel's connection to MySQL and MariaDB, and needs
//! libmysqlclient or libmariadb. None is on by default.

#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(dead_code, unused_imports, reason = "without a driver nobody asks the dialects")
)]

mod dialect;
mod driver;
mod error;
mod export;
mod history;
mod location;
mod migration;
mod package;
mod plan;
mod registry;
mod render;
mod report;
mod runner;
mod schema;
mod state;
mod target;
pub mod testing;
mod version;

pub use dialect::{Dialect, DialectVersion, UnknownDialect};
pub use driver::Driver;
pub use error::{Diagnostic, Error, ErrorKind};
pub use export::{DieselOptions, SchemaSnapshot};
pub use history::{AppliedMigration, DEFAULT_HISTORY_TABLE, MigrationState, MigrationStatus};
pub use location::Location;
pub use migrate_macros::Migration;
pub use migration::{DEFAULT_GROUP, DerivedMigration, Direction, Migrate, Migration, MigrationId};
pub use plan::{Plan, PlannedMigration, PlannedStep};
pub use registry::Registry;
pub use report::{Event, ExecutedMigration, Report};
pub use runner::{InterruptedMigration, Runner};
pub use schema::{
    AddEnumValue, AlterTable, ChangeType, Check, Column, ColumnBuilder, ColumnType, DefaultFor, DefaultValue,
    DropColumn, DropIndex, ForeignKey, ForeignKeyAction, ForeignKeyBuilder, Generated, Index, IndexBuilder, IndexKey,
    IndexMethod, IndexOn, IntoSql, PrimaryKey, RecordedStep, RustFunction, Schema, Table, TableBuilder, Unique, Value,
    asc, desc, expression, kind,
};
pub use target::{MigrationRef, Rollback, Target};
pub use version::{InvalidVersion, Version};

/// What a file with migrations imports.
pub mod prelude {
    pub use crate::{
        ColumnType, Dialect, ForeignKeyAction, IndexMethod, Migrate, Migration, Schema, asc, desc, expression,
        for_each_connection,
    };
}

/// What the derive's output names, and what the command line shares. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::export::GeneratedHeader;
    pub use crate::history::checksum_of;
    pub use crate::migration::{DerivedMigration, INVALID, Migration, MigrationMeta, register};
    pub use crate::package::checksums::{CHECKSUM_FILE, ChecksumFile, ChecksumStatus};
    pub use crate::registry::inventory;
    pub use crate::schema::{CompiledFor, NotCompiled};
    /// The connection types that `for_each_connection!` compiles for.
    pub mod connections {
        #[cfg(feature = "mysql")]
        pub use diesel::MysqlConnection;
        #[cfg(feature = "postgres")]
        pub use diesel::PgConnection;
        #[cfg(feature = "sqlite")]
        pub use diesel::SqliteConnection;
    }
    /// The migration files of a package.
    pub mod source_files {
        pub use crate::package::source_files::{Sources, declared, version_of};
    }
}
