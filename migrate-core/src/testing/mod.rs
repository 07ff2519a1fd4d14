//! Tools for testing migrations, with the feature `testing`. Enable it where tests need it:
//!
//! ```toml
//! [dev-dependencies]
//! migrate-core = { version = "0.1", features = ["testing"] }
//! ```
//!
//! - `TestDatabase`: a temporary database. A test moves it to any migration, and inserts rows with Diesel in between.
//! - `TestServer`: a PostgreSQL, MySQL or MariaDB server that creates such databases, empty or migrated.
//! - [`Preview`]: the SQL of one migration, its rollback, and the schema before and after it, without a database.
//! - `test_migrations!`: a macro that adds the standard tests of all migrations, in one line.
//! - `TestFile`: an empty SQLite database in a temporary file, for tests that start programs.
//!
//! A test of a data migration inserts rows before it and uses its own `table!`. A Rust step is a plain function, so a
//! test may also call it directly:
//!
//! ```
//! use diesel::prelude::*;
//! use migrate_core::prelude::*;
//! use migrate_core::testing::{TestDatabase, TestResult};
//!
//! # #[derive(Migration)]
//! # #[migration(version = 2026_03_02_101500)]
//! # struct CreateUsers;
//! # impl Migrate for CreateUsers {
//! #     fn up(&self, schema: &mut Schema) {
//! #         schema.create_table("users", |t| {
//! #             t.id();
//! #             t.text("email");
//! #             t.text("username").nullable();
//! #         });
//! #     }
//! # }
//! /// Users from before handles get theirs from their e-mail address.
//! #[derive(Migration)]
//! #[migration(version = 2026_03_09_150000)]
//! struct FillUsernames;
//!
//! impl Migrate for FillUsernames {
//!     fn up(&self, schema: &mut Schema) {
//!         schema.run(fill_usernames).undo(empty_usernames);
//!     }
//! }
//!
//! // The table as it is at this version. The application's own `schema.rs` changes later; this must not.
//! diesel::table! {
//!     users (id) {
//!         id -> BigInt,
//!         email -> Text,
//!         username -> Nullable<Text>,
//!     }
//! }
//!
//! fn fill_usernames(conn: &mut SqliteConnection) -> QueryResult<()> {
//!     let without: Vec<(i64, String)> = users::table
//!         .filter(users::username.is_null())
//!         .order(users::id)
//!         .select((users::id, users::email))
//!         .load(conn)?;
//!     for (id, email) in without {
//!         diesel::update(users::table.find(id))
//!             .set(users::username.eq(handle(&email)))
//!             .execute(conn)?;
//!     }
//!     Ok(())
//! }
//!
//! fn empty_usernames(conn: &mut SqliteConnection) -> QueryResult<()> {
//!     diesel::update(users::table)
//!         .set(users::username.eq(None::<String>))
//!         .execute(conn)?;
//!     Ok(())
//! }
//!
//! /// `Ada.Lovelace@example.org` becomes `ada.lovelace`.
//! fn handle(email: &str) -> String {
//!     email.split('@').next().unwrap_or(email).to_lowercase()
//! }
//!
//! // #[test]
//! fn existing_users_get_a_handle() -> TestResult {
//!     let mut db = TestDatabase::new()?;
//!     db.before::<FillUsernames>()?;
//!     let ada = users::email.eq("Ada.Lovelace@example.org");
//!     diesel::insert_into(users::table).values(ada).execute(db.conn())?;
//!
//!     db.apply::<FillUsernames>()?;
//!     let name: Option<String> = users::table.select(users::username).first(db.conn())?;
//!     assert_eq!(name.as_deref(), Some("ada.lovelace"));
//!     db.undo::<FillUsernames>()?;
//!     let name: Option<String> = users::table.select(users::username).first(db.conn())?;
//!     assert_eq!(name, None);
//!     Ok(())
//! }
//! # fn main() -> TestResult {
//! #     existing_users_get_a_handle()
//! # }
//! ```

#[cfg(feature = "_driver")]
mod checks;
#[cfg(feature = "_driver")]
mod database;
#[cfg(feature = "_driver")]
mod macros;
mod preview;
#[cfg(feature = "_server")]
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "_driver")]
pub use checks::Checks;
#[cfg(feature = "_driver")]
pub use database::TestDatabase;
pub use preview::Preview;
#[cfg(feature = "_server")]
pub use server::{ServerConnection, TestServer};
#[cfg(feature = "sqlite")]
pub use sqlite::TestFile;

/// The result of a test. `?` converts any error into it.
pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;
