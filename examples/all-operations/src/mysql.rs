//! Features of MySQL and MariaDB that not every database has: native types such as enums, collations, and virtual
//! generated columns.

use migrate_core::prelude::*;

/// In order.
pub(crate) fn all() -> Vec<Migration> {
    vec![Migration::of::<CreateNotes>()]
}

/// A table with features that other databases lack.
#[derive(Migration)]
#[migration(version = 10, unlisted)]
struct CreateNotes;

impl Migrate for CreateNotes {
    fn up(&self, schema: &mut Schema) {
        let named = |name: &str| ColumnType::Named(name.to_owned());
        schema.create_table("notes", |t| {
            t.id();
            t.varchar("title", 100).unique().collate("utf8mb4_bin");
            t.column("age", named("INT UNSIGNED"));
            t.column("tiny", named("TINYINT")).nullable();
            t.column("mood", named("ENUM('sad', 'happy')")).default("happy");
            t.column("body", named("MEDIUMTEXT"));
            t.integer("stars").default(1);
            t.integer("thrice").generated_virtual("stars * 3");
            t.index(["stars"]).method(IndexMethod::BTree);
        });
    }
}
