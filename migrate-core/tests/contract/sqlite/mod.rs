//! What is about SQLite alone: its file, tables that are made anew, the statements that are counted.

mod builder;
mod file;
mod killed;
mod queries;
mod rebuild;
mod test_file;
