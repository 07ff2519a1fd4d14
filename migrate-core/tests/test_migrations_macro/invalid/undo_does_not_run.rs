//! A rollback of an object that does not exist.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute("CREATE INDEX users_by_name ON users (name)")
            .undo("DROP INDEX users_by_nam");
    }
}
