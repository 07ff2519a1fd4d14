//! `cargo run --bin migrate`: migrates the blog's database.

migrate_cli::main!(blog; default_database_url = "blog.db");
