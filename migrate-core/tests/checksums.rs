//! Users' databases store checksums, so the encoding must never change. Lines of `checksums.txt` may be added, never
//! changed; a new encoding needs a new tag (see `src/schema/checksum.rs`).

use diesel::prelude::*;
use migrate_core::__private::{MigrationMeta, register};
use migrate_core::package::checksum_of;
use migrate_core::schema::{ColumnType, ForeignKeyAction, IndexMethod, desc, expression};
use migrate_core::{Dialect, Migrate, Schema};

struct Example(fn(&mut Schema));

impl Migrate for Example {
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }
}

fn nothing(_: &mut SqliteConnection) -> QueryResult<()> {
    Ok(())
}

const EXAMPLES: &[(&str, Example)] = &[
    ("no steps", Example(|_| {})),
    (
        "one statement",
        Example(|schema| schema.execute("CREATE TABLE a (id INTEGER)").up_only()),
    ),
    (
        "one statement with an undo",
        Example(|schema| schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a")),
    ),
    (
        "two statements",
        Example(|schema| {
            schema.execute("CREATE TABLE a (id INTEGER)").up_only();
            schema.execute("CREATE TABLE b (id INTEGER)").up_only();
        }),
    ),
    (
        "line ends of Windows",
        Example(|schema| schema.execute("CREATE TABLE a\r\n(id INTEGER)").up_only()),
    ),
    ("a Rust step", Example(|schema| schema.run(nothing).up_only())),
    (
        "a Rust step between statements",
        Example(|schema| {
            schema.execute("ALTER TABLE a ADD COLUMN ü TEXT").up_only();
            schema.run(nothing).undo(nothing);
            schema.execute("UPDATE a SET ü = '🦀'").up_only();
        }),
    ),
    (
        "create_table",
        Example(|schema| {
            schema.create_table("users", |t| {
                t.id();
                t.text("email").unique();
            });
        }),
    ),
    (
        "every type",
        Example(|schema| {
            schema.create_table("everything", |t| {
                t.small_int("a");
                t.integer("b");
                t.big_int("c");
                t.float("d");
                t.double("e");
                t.numeric("f", 10, 2);
                t.bool("g");
                t.text("h");
                t.varchar("i", 20);
                t.char("j", 2);
                t.binary("k");
                t.date("l");
                t.time("m");
                t.timestamp("n");
                t.timestamptz("o");
                t.json("p");
                t.jsonb("q");
                t.column("r", ColumnType::Uuid);
                t.column("s", ColumnType::Named("citext".to_owned()));
            });
        }),
    ),
    (
        "every default",
        Example(|schema| {
            schema.create_table("defaults", |t| {
                t.integer("a").default(-1);
                t.double("b").default(0.1);
                t.bool("c").default(true);
                t.text("d").default("x");
                t.binary("e").default(&[0_u8, 255][..]);
                t.timestamp("f").default_now();
                t.integer("g").default_sql("1 + 1");
            });
        }),
    ),
    (
        "every word of a column",
        Example(|schema| {
            schema.create_table("words", |t| {
                t.text("a").nullable().collate("nocase").comment("x").check("a <> ''");
                t.integer("b").generated("1 + 1");
                t.integer("c").generated_virtual("1 + 1");
                t.big_int("d")
                    .primary_key()
                    .references("users", "id")
                    .on_delete(ForeignKeyAction::Cascade)
                    .on_update(ForeignKeyAction::SetNull);
                t.big_int("e")
                    .references("users", "id")
                    .on_delete(ForeignKeyAction::SetDefault)
                    .on_update(ForeignKeyAction::Restrict)
                    .name("e_user");
            });
        }),
    ),
    (
        "every word of a table",
        Example(|schema| {
            schema.create_table("words", |t| {
                t.integer("a");
                t.integer("b");
                t.primary_key(["a", "b"]);
                t.unique(["b", "a"]);
                t.check("sane", "a < b");
                t.foreign_key(["a", "b"], "words", ["b", "a"]);
                t.index(["a"]).unique().filter("b > 0").name("by_a");
                t.index([desc("a"), expression("a + b").desc()]);
                t.comment("x");
            });
        }),
    ),
    (
        "alter_table",
        Example(|schema| {
            schema.alter_table("users", |t| {
                t.text("a").fill("x");
                t.drop_column("b");
                t.rename_column("c", "d");
                t.set_type("e", ColumnType::BigInt);
                t.set_type("f", ColumnType::Text).using("f || ''");
                t.set_not_null("g");
                t.drop_not_null("h");
                t.set_default("i", 1);
                t.set_default_sql("j", "1");
                t.drop_default("k");
                t.drop_primary_key();
                t.drop_constraint("l");
                t.drop_index("m");
                t.rename_index("n", "o");
            });
        }),
    ),
    (
        "alter_table with values for its rollback",
        Example(|schema| {
            schema.alter_table("users", |t| {
                t.drop_column("b").undo_fill("x");
                t.set_type("f", ColumnType::Text).using("f || ''").undo_using("1");
            });
        }),
    ),
    (
        "alter_table without them",
        Example(|schema| {
            schema.alter_table("users", |t| {
                t.drop_column("b");
                t.set_type("f", ColumnType::Text).using("f || ''");
            });
        }),
    ),
    ("drop_table", Example(|schema| schema.drop_table("users"))),
    ("rename_table", Example(|schema| schema.rename_table("users", "people"))),
    (
        "create_index",
        Example(|schema| {
            schema.create_index("users", ["email"]).unique();
        }),
    ),
    (
        "an index with all that can be said of it",
        Example(|schema| {
            schema
                .create_index("users", ["email"])
                .include(["id"])
                .method(IndexMethod::SpGist)
                .concurrently();
            schema.drop_index("users", "by_email").concurrently();
        }),
    ),
    (
        "enums",
        Example(|schema| {
            schema.create_enum("mood", ["sad", "happy"]);
            schema.create_table("diary", |t| t.enum_type("mood", "mood"));
            schema.add_enum_value("mood", "glad").after("sad").up_only();
            schema.add_enum_value("mood", "mad").before("sad").up_only();
            schema.add_enum_value("mood", "content").up_only();
            schema.drop_enum("mood");
        }),
    ),
    (
        "a text for this database beside others",
        Example(|schema| {
            schema
                .execute([
                    (Dialect::Postgres, "SELECT 1"),
                    (Dialect::Sqlite, "CREATE TABLE a (id INTEGER)"),
                ])
                .up_only();
        }),
    ),
    (
        "comments",
        Example(|schema| {
            schema.comment_on("users", "people");
            schema.alter_table("users", |t| t.comment_on("email", ""));
        }),
    ),
    (
        "drop_index",
        Example(|schema| {
            schema.drop_index("users", "by_email");
        }),
    ),
    ("rename_index", Example(|schema| schema.rename_index("users", "a", "b"))),
    ("comment_on", Example(|schema| schema.comment_on("users", "x"))),
    ("create_view", Example(|schema| schema.create_view("v", "SELECT 1"))),
    ("drop_view", Example(|schema| schema.drop_view("v"))),
    (
        "declare, of which nothing is run",
        Example(|schema| schema.declare(|schema| schema.create_table("old", |t| t.id()))),
    ),
    (
        "one statement that says what it changes",
        Example(|schema| {
            schema
                .execute("CREATE TABLE a (id INTEGER)")
                .changes(|schema| schema.create_table("a", |t| t.integer("id")))
                .up_only();
        }),
    ),
];

#[test]
fn checksums_never_change() {
    static KEPT: &str = include_str!("checksums.txt");
    let mut now = String::new();
    for (name, example) in EXAMPLES {
        let meta = MigrationMeta {
            version: 1,
            name: "example",
            group: "default",
            description: "",
            transaction: true,
            file: "",
            line: 0,
            module: "",
            package: "tests",
        };
        let migration = register(meta, example);
        now.push_str(&format!("{} {name}\n", checksum_of(&migration, Dialect::Sqlite)));
    }
    assert_eq!(now, KEPT);
}
