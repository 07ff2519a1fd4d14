//! `cargo run --bin migrate`: brings the blog's database where its migrations want it.

migrate_cli::main!(blog; default_database_url = "blog.db");
