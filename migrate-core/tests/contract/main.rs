//! What every database has to keep, grouped by behaviour. Each test has a database of its own.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod apply;
mod checks;
mod failure;
mod history;
mod interruption;
mod meanwhile;
mod processes;
mod queries;
mod rebuild;
mod rollback;
mod support;
mod test_file;
mod transaction;
mod words;
