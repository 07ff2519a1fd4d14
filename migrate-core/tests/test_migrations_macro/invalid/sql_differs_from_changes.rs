//! SQL that differs from its `.changes(..)`.

use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch);

#[derive(Migration)]
#[migration(version = 3)]
struct Wrong;

impl Migrate for Wrong {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute("ALTER TABLE users ADD COLUMN age INTEGER")
            .changes(|schema| schema.alter_table("users", |t| t.text("age").nullable()))
            .undo("ALTER TABLE users DROP COLUMN age");
    }
}
