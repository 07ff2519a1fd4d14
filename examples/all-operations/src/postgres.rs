//! Features of PostgreSQL that not every database has: enums, native types, collations, partial and expression indexes,
//! index methods, concurrent indexes, and type changes with `using`.

use migrate_core::prelude::*;

/// In order.
pub(crate) fn all() -> Vec<Migration> {
    vec![
        Migration::of::<CreateDiary>(),
        Migration::of::<AddMood>(),
        Migration::of::<IndexDiary>(),
        Migration::of::<DropMood>(),
    ]
}

/// Columns of enums, and of native types.
#[derive(Migration)]
#[migration(version = 10, unlisted)]
struct CreateDiary;

impl Migrate for CreateDiary {
    fn up(&self, schema: &mut Schema) {
        let named = |name: &str| ColumnType::Named(name.to_owned());
        schema.create_enum("mood", ["sad", "happy"]);
        schema.create_enum("weather", ["rain", "sun"]);
        schema.create_table("diary", |t| {
            t.column("id", ColumnType::Uuid).primary_key();
            t.enum_type("mood", "mood").default("happy");
            t.enum_type("weather", "weather").nullable();
            t.text("title").unique().collate("C");
            t.jsonb("entry");
            t.date("day");
            t.column("tags", named("text[]"));
            t.column("address", named("inet")).nullable();
            t.index(["day"])
                .unique()
                .filter("mood = 'happy'")
                .name("one_happy_a_day");
            t.index([expression("lower(title)"), desc("day")]).name("by_title");
        });
    }
}

/// Two more values. They can be used from the next migration on.
#[derive(Migration)]
#[migration(version = 11, unlisted)]
struct AddMood;

impl Migrate for AddMood {
    fn up(&self, schema: &mut Schema) {
        schema.add_enum_value("mood", "content").before("happy").up_only();
        schema.add_enum_value("mood", "glad").after("happy").up_only();
    }
}

/// Concurrent indexes: other connections may write while they are built.
#[derive(Migration)]
#[migration(version = 12, unlisted, transaction = false)]
struct IndexDiary;

impl Migrate for IndexDiary {
    fn up(&self, schema: &mut Schema) {
        schema.create_index("diary", ["day"]).include(["mood"]).concurrently();
        schema
            .create_index("diary", ["entry"])
            .method(IndexMethod::Gin)
            .concurrently();
        schema.drop_index("diary", "diary_day_idx").concurrently();
        schema.drop_index("diary", "one_happy_a_day").concurrently();
    }
}

/// The values become text, and the enum is dropped.
#[derive(Migration)]
#[migration(version = 13, unlisted)]
struct DropMood;

impl Migrate for DropMood {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("diary", |t| {
            t.set_type("mood", ColumnType::Text)
                .using("upper(mood::text)")
                .undo_using("lower(mood)::mood");
        });
        schema.drop_enum("mood");
        schema.execute("ANALYZE diary").up_only();
    }
}
