//! Random plans with rows on each database: apply, roll back, apply again. The rollback restores the schema, the schema
//! state matches introspection, and rows that no operation destroys keep their values. If rows prevent a plan, the run
//! resumes after they are deleted.
//!
//! The plans are fixed: 1,000 on SQLite, 300 on each server. `CI_FULL=1` runs 20,000 and 3,000 random ones.

mod database;
#[cfg(feature = "mysql")]
mod mysql;
mod operation;
mod plan;
#[cfg(feature = "postgres")]
mod postgres;
mod schema_rs;
mod sql;
mod sqlite;
mod test_migrations;
mod up_and_down;
