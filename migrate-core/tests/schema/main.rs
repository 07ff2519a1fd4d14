//! What can be told of schema changes without a database: their SQL in every dialect, and what is refused.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod dialects;
mod hostile;
mod support;
mod wrong;
