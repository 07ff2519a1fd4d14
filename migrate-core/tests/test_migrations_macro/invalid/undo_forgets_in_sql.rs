//! An `.undo(..)` that forgets an index.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute("CREATE INDEX users_name ON users (name)")
            .undo("DELETE FROM users WHERE name IS NULL");
    }
}
