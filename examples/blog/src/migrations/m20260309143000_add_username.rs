use migrate_core::prelude::*;

/// Every user gets a public handle.
#[derive(Migration)]
#[migration(version = 2026_03_09_143000)]
struct AddUsername;

impl Migrate for AddUsername {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("users", |t| t.varchar("username", 200).nullable());
    }
}
