//! Schema changes without a database: their SQL in every dialect, and the planner's errors.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod dialects;
mod injection;
mod invalid;
mod schema_rs;
mod support;
mod whole_schema;
