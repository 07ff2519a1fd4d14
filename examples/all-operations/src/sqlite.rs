//! Features of SQLite that not every database has: its collations, types with any name, virtual generated columns,
//! partial and expression indexes, and type changes with `using`.

use migrate_core::prelude::*;

/// In order.
pub(crate) fn all() -> Vec<Migration> {
    vec![Migration::of::<CreateNotes>(), Migration::of::<ChangeNotes>()]
}

/// A table with features that other databases lack.
#[derive(Migration)]
#[migration(version = 10, unlisted)]
struct CreateNotes;

impl Migrate for CreateNotes {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("notes", |t| {
            t.id();
            t.text("title").unique().collate("nocase");
            t.varchar("shade", 20);
            t.column("place", ColumnType::Named("geometry".to_owned())).nullable();
            t.integer("stars").default(1);
            t.integer("thrice").generated_virtual("stars * 3");
            t.index(["stars"]).unique().filter("stars = 5").name("best_note");
            t.index([expression("lower(shade)"), desc("stars")]).name("by_shade");
        });
    }
}

/// Texts become numbers, and texts again on rollback.
#[derive(Migration)]
#[migration(version = 11, unlisted)]
struct ChangeNotes;

impl Migrate for ChangeNotes {
    fn up(&self, schema: &mut Schema) {
        schema.drop_index("notes", "by_shade");
        schema.alter_table("notes", |t| {
            t.set_type("shade", ColumnType::Integer)
                .using("length(shade)")
                .undo_using("substr('xxxxxxxxxxxxxxxxxxxx', 1, shade)");
        });
    }
}
