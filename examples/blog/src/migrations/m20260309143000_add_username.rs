use migrate_core::prelude::*;

/// Every user gets a public handle.
#[derive(Migration)]
#[migration(version = 2026_03_09_143000)]
struct AddUsername;

impl Migrate for AddUsername {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute("ALTER TABLE users ADD COLUMN username TEXT")
            .undo("ALTER TABLE users DROP COLUMN username");
    }
}
