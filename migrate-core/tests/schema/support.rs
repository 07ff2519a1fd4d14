//! Migrations from closures.

use migrate_core::__private::{MigrationMeta, register};
use migrate_core::{Migrate, Migration, Registry, Schema};

pub(crate) type Describe = fn(&mut Schema);

struct Up<F>(F);

impl<F: Fn(&mut Schema) + Send + Sync + 'static> Migrate for Up<F> {
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }
}

fn migration(version: u64, up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    let meta = MigrationMeta {
        version,
        name: "example",
        group: "default",
        description: "",
        transaction: true,
        file: "src/migrations.rs",
        line: 1,
        module: "migrations",
        package: "tests",
    };
    register(meta, Box::leak(Box::new(Up(up))))
}

/// Creates a set of migrations, numbered from 1.
pub(crate) fn registry(migrations: &[Describe]) -> Registry {
    Registry::of(migrations.iter().zip(1..).map(|(up, version)| migration(version, *up))).unwrap()
}

/// Creates one migration from a closure with captures.
pub(crate) fn registry_of(up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Registry {
    Registry::of([migration(1, up)]).unwrap()
}

/// The schema before each example.
pub(crate) fn setup(schema: &mut Schema) {
    schema.create_table("users", |t| {
        t.id();
        t.varchar("email", 255).unique();
        t.varchar("name", 100).nullable();
        t.integer("age").default(0).check("age >= 0");
    });
    schema.create_table("posts", |t| {
        t.id();
        t.varchar("title", 200);
        t.big_int("user_id").references("users", "id");
        t.index(["title"]);
    });
    schema.create_view("titles", "SELECT title FROM posts");
}
