use migrate_core::prelude::*;

/// Users can have a picture.
#[derive(Migration)]
#[migration(version = 2026_04_20_160500)]
struct AddAvatarToUsers;

impl Migrate for AddAvatarToUsers {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("users", |t| t.text("avatar_url").nullable());
    }
}
