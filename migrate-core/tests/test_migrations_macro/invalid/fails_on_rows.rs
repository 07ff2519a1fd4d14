//! NOT NULL on a column with NULL values.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("users", |t| t.set_not_null("name"));
    }
}
