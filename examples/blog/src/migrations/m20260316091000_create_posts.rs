use migrate_core::prelude::*;

/// What users write.
#[derive(Migration)]
#[migration(version = 2026_03_16_091000)]
struct CreatePosts;

impl Migrate for CreatePosts {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute(
                "CREATE TABLE posts (
                    id INTEGER NOT NULL PRIMARY KEY,
                    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                    title TEXT NOT NULL,
                    body TEXT NOT NULL
                )",
            )
            .undo("DROP TABLE posts");
        schema
            .execute("CREATE INDEX posts_user_id ON posts (user_id)")
            .undo("DROP INDEX posts_user_id");
    }
}
