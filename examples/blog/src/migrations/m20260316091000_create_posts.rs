use migrate_core::prelude::*;

/// What users write.
#[derive(Migration)]
#[migration(version = 2026_03_16_091000)]
struct CreatePosts;

impl Migrate for CreatePosts {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("posts", |t| {
            t.id();
            t.big_int("user_id")
                .references("users", "id")
                .on_delete(ForeignKeyAction::Cascade);
            t.varchar("title", 200);
            t.text("body");
            t.timestamps();
            t.index(["user_id"]);
        });
    }
}
