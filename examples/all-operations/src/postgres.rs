//! What only PostgreSQL has: enums, and more of indexes. They are unlisted, as the example's database is SQLite; [`all`] gives
//! them to whoever has a PostgreSQL.

use migrate_core::prelude::*;

/// In order.
#[must_use]
pub fn all() -> Vec<Migration> {
    vec![
        Migration::of::<CreateDiary>(),
        Migration::of::<AddMood>(),
        Migration::of::<IndexDiary>(),
        Migration::of::<DropMood>(),
    ]
}

/// A column whose values are listed.
#[derive(Migration)]
#[migration(version = 1, unlisted)]
struct CreateDiary;

impl Migrate for CreateDiary {
    fn up(&self, schema: &mut Schema) {
        schema.create_enum("mood", ["sad", "happy"]);
        schema.create_table("diary", |t| {
            t.id();
            t.enum_of("mood", "mood").default("happy");
            t.jsonb("entry");
            t.date("day");
        });
    }
}

/// One value more. It can be used from the next migration on.
#[derive(Migration)]
#[migration(version = 2, unlisted)]
struct AddMood;

impl Migrate for AddMood {
    fn up(&self, schema: &mut Schema) {
        schema.add_enum_value("mood", "content").before("happy").up_only();
        schema.add_enum_value("mood", "glad").after("happy").up_only();
    }
}

/// Indexes, made while others write.
#[derive(Migration)]
#[migration(version = 3, unlisted, transaction = false)]
struct IndexDiary;

impl Migrate for IndexDiary {
    fn up(&self, schema: &mut Schema) {
        schema.create_index("diary", ["day"]).include(["mood"]).concurrently();
        schema
            .create_index("diary", ["entry"])
            .method(IndexMethod::Gin)
            .concurrently();
        schema.drop_index("diary", "diary_day_idx").concurrently();
    }
}

/// The values become plain text, and the enum goes.
#[derive(Migration)]
#[migration(version = 4, unlisted)]
struct DropMood;

impl Migrate for DropMood {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("diary", |t| {
            t.change_type("mood", ColumnType::Text).undo_using("mood::mood");
            t.comment_on("mood", "whatever it was");
        });
        schema.drop_enum("mood");
        schema
            .execute([(DialectName::Postgres, "ANALYZE diary"), (DialectName::Sqlite, "")])
            .up_only();
    }
}
