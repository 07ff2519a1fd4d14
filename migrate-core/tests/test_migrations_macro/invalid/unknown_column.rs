//! An index on a column that does not exist.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema.create_index("users", ["nam"]);
    }
}
