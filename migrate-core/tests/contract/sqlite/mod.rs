//! SQLite only: its file, table rebuilds, and statement counts.

mod builder;
mod file;
mod process_kill;
mod queries;
mod rebuild;
mod test_file;
