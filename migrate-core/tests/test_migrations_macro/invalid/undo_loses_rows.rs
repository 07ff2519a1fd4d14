//! A `down` that recreates the table and loses its rows.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("posts", |t| t.text("body").nullable());
    }

    fn down(&self, schema: &mut Schema) {
        schema.execute("DROP TABLE posts");
        schema.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, title TEXT NOT NULL)");
    }
}
