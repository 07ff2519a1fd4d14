use migrate_core::prelude::*;

/// Whoever writes or comments.
#[derive(Migration)]
#[migration(version = 2026_03_02_101500)]
struct CreateUsers;

impl Migrate for CreateUsers {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute(
                "CREATE TABLE users (
                    id INTEGER NOT NULL PRIMARY KEY,
                    email TEXT NOT NULL
                )",
            )
            .undo("DROP TABLE users");
    }
}
