//! SQLite only: its file, table rebuilds, and statement counts.

mod builder;
mod file;
mod killed;
mod queries;
mod rebuild;
mod test_file;
