//! A manual table rebuild that loses the rows.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute("DROP TABLE posts")
            .undo("CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, title TEXT NOT NULL)");
        schema
            .execute("CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, title TEXT NOT NULL)")
            .undo("DROP TABLE posts");
    }
}
