//! A `down` that forgets an index.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("users", |t| t.text("nickname").nullable());
        schema.create_index("users", ["name"]);
    }

    fn down(&self, schema: &mut Schema) {
        schema.alter_table("users", |t| t.drop_column("nickname"));
    }
}
