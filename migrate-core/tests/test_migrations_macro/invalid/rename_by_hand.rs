//! A rename written as a drop and an add.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("users", |t| {
            t.drop_column("name");
            t.text("full_name").nullable();
        });
    }
}
