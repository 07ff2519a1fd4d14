use migrate_core::prelude::*;

/// Whoever writes or comments.
#[derive(Migration)]
#[migration(version = 2026_03_02_101500)]
struct CreateUsers;

impl Migrate for CreateUsers {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("email", 200);
        });
    }
}
