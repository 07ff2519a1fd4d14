//! `test_migrations!` makes tests on each database whose feature is enabled: these.

use migrate_core::prelude::*;

migrate_core::test_migrations!();

#[derive(Migration)]
#[migration(version = 1)]
struct CreateUsers;

impl Migrate for CreateUsers {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("name", 100).unique();
        });
    }
}

#[derive(Migration)]
#[migration(version = 2)]
struct AddPosts;

impl Migrate for AddPosts {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("posts", |t| {
            t.id();
            t.big_int("user_id").references("users", "id");
            t.text("title");
        });
        schema.alter_table("users", |t| t.rename_column("name", "full_name"));
    }
}

/// Those that are meant for some of the databases alone.
mod on_some {
    mod without_mysql {
        migrate_core::test_migrations!(; on = [sqlite, postgres], seed = 2);
    }
    mod on_servers {
        migrate_core::test_migrations!(; on = [postgres, mysql]);
    }
}
