//! A step without a rollback.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        let _ = schema.execute("CREATE INDEX users_by_name ON users (name)");
    }
}
