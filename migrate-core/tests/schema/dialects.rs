//! The SQL of each operation in every dialect, side by side in one snapshot per group of operations.

use migrate_core::plan::{PlannedMigration, PlannedStep};
use migrate_core::schema::{ColumnType, ForeignKeyAction, IndexMethod, desc, expression};
use migrate_core::{Dialect, Plan};

use crate::support::{Describe, registry, setup};

type Example = (&'static str, Describe);

/// One test and one snapshot per group of operations.
macro_rules! each_dialect_renders {
    ($($group:ident: $examples:ident),+ $(,)?) => {
        mod each_dialect_renders {
            $(
                #[test]
                fn $group() {
                    insta::assert_snapshot!(stringify!($group), super::rendered(super::$examples));
                }
            )+
        }
    };
}

each_dialect_renders! {
    create_table: CREATE_TABLE,
    other_tables_and_views: TABLES,
    columns: COLUMNS,
    column_types: COLUMN_TYPES,
    defaults_and_null: DEFAULTS_AND_NULL,
    constraints: CONSTRAINTS,
    indexes: INDEXES,
    enums: ENUMS,
    raw_sql: RAW_SQL,
}

const CREATE_TABLE: &[Example] = &[
    ("create_table: every type", |schema| {
        schema.create_table("everything", |t| {
            t.id();
            t.small_int("a_small_int");
            t.integer("an_integer");
            t.big_int("a_big_int");
            t.float("a_float");
            t.double("a_double");
            t.numeric("a_numeric", 10, 2);
            t.bool("a_bool");
            t.text("a_text");
            t.varchar("a_varchar", 20);
            t.char("a_char", 2);
            t.binary("a_binary");
            t.date("a_date");
            t.time("a_time");
            t.timestamp("a_timestamp");
            t.timestamptz("a_timestamptz");
            t.json("a_json");
            t.jsonb("a_jsonb");
            t.timestamps();
        });
    }),
    ("create_table: a type that not all have", |schema| {
        schema.create_table("things", |t| {
            t.column("key", ColumnType::Uuid);
        });
    }),
    ("create_table: a type by its name", |schema| {
        schema.create_table("things", |t| {
            t.column("amount", ColumnType::Named("DECIMAL(5, 3)".to_owned()));
        });
    }),
    ("create_table: defaults", |schema| {
        schema.create_table("things", |t| {
            t.integer("number").default(-1);
            t.double("ratio").default(0.5);
            t.bool("flag").default(true);
            t.text("quote").default("it's \\ \"so\"\n");
            t.binary("bytes").default(&[0_u8, 255][..]);
            t.date("day").default("2026-01-01");
            t.timestamp("moment").default_now();
            t.integer("computed").default_sql("1 + 1");
        });
    }),
    ("create_table: constraints", |schema| {
        schema.create_table("members", |t| {
            t.big_int("user_id")
                .references("users", "id")
                .on_delete(ForeignKeyAction::Cascade)
                .on_update(ForeignKeyAction::Restrict);
            t.big_int("post_id").nullable();
            t.varchar("role", 20).check("role <> ''");
            t.primary_key(["user_id", "role"]);
            t.unique(["post_id", "role"]);
            t.check("sane", "user_id > 0");
            t.foreign_key(["post_id"], "posts", ["id"])
                .on_delete(ForeignKeyAction::SetNull)
                .name("member_post");
            t.index(["role"]);
            t.comment("who's who");
        });
    }),
    ("create_table: generated, collation, comment", |schema| {
        schema.create_table("things", |t| {
            t.integer("width").comment("in mm");
            t.integer("area").generated("width * width");
            t.varchar("name", 50).collate("C");
        });
    }),
    ("create_table: a virtual column", |schema| {
        schema.create_table("things", |t| {
            t.integer("width");
            t.integer("area").generated_virtual("width * width");
        });
    }),
];

const TABLES: &[Example] = &[
    ("drop_table", |schema| {
        schema.drop_view("titles");
        schema.drop_table("posts");
    }),
    ("rename_table", |schema| schema.rename_table("users", "people")),
    ("comment_on a table and a column", |schema| {
        schema.comment_on("users", "who's who");
        schema.alter_table("users", |t| t.comment_on("age", "in years"));
    }),
    ("create_view, drop_view", |schema| {
        schema.create_view("adults", "SELECT * FROM users WHERE age > 17");
        schema.drop_view("titles");
    }),
];

const COLUMNS: &[Example] = &[
    ("alter_table: add a nullable column", |schema| {
        schema.alter_table("users", |t| t.text("bio").nullable());
    }),
    ("alter_table: add columns with a default and with a fill", |schema| {
        schema.alter_table("users", |t| {
            t.integer("visits").default(0);
            t.varchar("country", 2).fill("xx");
        });
    }),
    ("alter_table: drop_column with what is on it", |schema| {
        schema.alter_table("users", |t| t.drop_column("email").undo_fill_sql("'user' || id"));
    }),
    ("alter_table: rename_column", |schema| {
        schema.alter_table("users", |t| t.rename_column("name", "full_name"));
    }),
    ("alter_table: one after the other on one column", |schema| {
        schema.alter_table("users", |t| {
            t.set_default("name", "x");
            t.drop_default("name");
            t.text("bio").nullable();
            t.drop_column("bio");
        });
    }),
];

const COLUMN_TYPES: &[Example] = &[
    ("alter_table: set_type", |schema| {
        schema.alter_table("users", |t| t.set_type("age", ColumnType::BigInt));
    }),
    ("alter_table: set_type using an expression", |schema| {
        schema.alter_table("users", |t| {
            t.set_type("name", ColumnType::Integer)
                .using("length(name)")
                .undo_using("'x'")
        });
    }),
    ("alter_table: set_type where a cast has to be said", |schema| {
        schema.alter_table("users", |t| t.set_type("name", ColumnType::Integer));
    }),
    ("alter_table: set_type of a column with a default", |schema| {
        schema.alter_table("users", |t| {
            t.drop_constraint("users_age_check");
            t.set_type("age", ColumnType::Float)
                .using("age / 10.0")
                .undo_using("cast(age * 10 AS integer)");
        });
    }),
    ("alter_table: set_default and set_type of one column", |schema| {
        schema.alter_table("users", |t| {
            t.set_default("name", "x");
            t.set_type("name", ColumnType::VarChar(20))
                .using("substr(name, 1, 20)")
                .undo_using("name");
        });
    }),
];

const DEFAULTS_AND_NULL: &[Example] = &[
    ("alter_table: set_not_null", |schema| {
        schema.alter_table("users", |t| t.set_not_null("name"));
    }),
    ("alter_table: drop_not_null", |schema| {
        schema.alter_table("users", |t| t.drop_not_null("email"));
    }),
    ("alter_table: set_default and drop_default", |schema| {
        schema.alter_table("users", |t| {
            t.set_default("name", "nobody");
            t.drop_default("age");
        });
    }),
];

const CONSTRAINTS: &[Example] = &[
    ("alter_table: primary key", |schema| {
        schema.create_table("pairs", |t| {
            t.integer("a");
            t.integer("b");
            t.primary_key(["a"]);
        });
        schema.alter_table("pairs", |t| {
            t.drop_primary_key();
            t.primary_key(["a", "b"]);
        });
    }),
    ("alter_table: constraints", |schema| {
        schema.alter_table("users", |t| {
            t.drop_constraint("users_email_key");
            t.drop_constraint("users_age_check");
            t.unique(["email", "name"]);
            t.check("old_enough", "age > 17");
        });
        schema.alter_table("posts", |t| {
            t.drop_constraint("posts_user_id_fkey");
            t.foreign_key(["user_id"], "users", ["id"])
                .on_delete(ForeignKeyAction::Cascade);
        });
    }),
    (
        "alter_table: the last index that begins with a foreign key's column",
        |schema| {
            schema.alter_table("posts", |t| t.unique(["user_id", "title"]));
            schema.alter_table("posts", |t| t.drop_constraint("posts_user_id_title_key"));
            schema.alter_table("posts", |t| t.drop_constraint("posts_user_id_fkey"));
        },
    ),
    ("a backslash in an expression", |schema| {
        schema.alter_table("users", |t| t.check("no_backslash", "name <> '\\'"));
    }),
];

const INDEXES: &[Example] = &[
    ("create_index", |schema| {
        schema.create_index("users", ["name", "age"]).unique();
        schema.create_index("posts", [desc("title")]).name("newest");
    }),
    ("create_index: on an expression", |schema| {
        schema.create_index("users", [expression("lower(email)")]);
    }),
    ("create_index: on some of the rows", |schema| {
        schema.create_index("users", ["name"]).filter("age > 17");
    }),
    ("create_index: by another method, with other columns", |schema| {
        schema.create_table("facts", |t| t.jsonb("fact"));
        schema.create_index("facts", ["fact"]).method(IndexMethod::Gin);
        schema.create_index("users", ["age"]).include(["name"]);
    }),
    ("create_index: by a method that most have", |schema| {
        schema.create_index("users", ["name"]).method(IndexMethod::BTree);
    }),
    ("create_index: concurrently", |schema| {
        schema.create_index("users", ["name"]).concurrently();
    }),
    ("drop_index, rename_index", |schema| {
        schema.rename_index("posts", "posts_title_idx", "by_title");
        schema.drop_index("posts", "by_title");
    }),
];

const ENUMS: &[Example] = &[
    ("create_enum", |schema| {
        schema.create_enum("mood", ["sad", "it's \\ fine"]);
        schema.create_table("diary", |t| {
            t.id();
            t.enum_type("mood", "mood").default("sad");
        });
    }),
    ("an enum as a type by its name", |schema| {
        schema.create_table("diary", |t| {
            t.column("mood", ColumnType::Named("ENUM('sad', 'it''s fine')".to_owned()));
        });
    }),
    ("add_enum_value", |schema| {
        schema.declare(|schema| schema.create_enum("mood", ["sad", "happy"]));
        schema.add_enum_value("mood", "glad").after("sad").up_only();
    }),
    ("add_enum_value without a rollback", |schema| {
        schema.declare(|schema| schema.create_enum("mood", ["sad", "happy"]));
        schema.add_enum_value("mood", "glad");
    }),
    ("an enum's value in the transaction that adds it", |schema| {
        schema.declare(|schema| schema.create_enum("mood", ["sad", "happy"]));
        schema.add_enum_value("mood", "glad").before("happy").up_only();
        schema.alter_table("users", |t| t.enum_type("mood", "mood").default("glad"));
        schema.execute("UPDATE users SET mood = 'glad'").up_only();
    }),
    ("drop_enum", |schema| {
        schema.declare(|schema| schema.create_enum("mood", ["sad", "happy"]));
        schema.drop_enum("mood");
    }),
];

const RAW_SQL: &[Example] = &[
    ("what raw SQL made is let through, and said", |schema| {
        schema.execute("CREATE TABLE raw (id INTEGER)").undo("DROP TABLE raw");
        schema.alter_table("raw", |t| t.text("note").nullable());
    }),
    ("execute: one text for each dialect", |schema| {
        schema
            .execute([
                (Dialect::Postgres, "UPDATE users SET name = left(email, 3)"),
                (Dialect::MySql, "UPDATE users SET name = left(email, 3)"),
                (Dialect::Sqlite, "UPDATE users SET name = substr(email, 1, 3)"),
            ])
            .up_only();
        schema
            .execute([(Dialect::Postgres, "CREATE EXTENSION citext"), (Dialect::Sqlite, "")])
            .undo([(Dialect::Postgres, "DROP EXTENSION citext"), (Dialect::Sqlite, "")]);
    }),
];

/// Prints the steps without the line numbers of this file, which change.
fn steps(migration: &PlannedMigration) -> String {
    let print = |step: &PlannedStep| format!("{step}\n").replace(&format!("rs:{}", step.location().line), "rs:N");
    migration.steps().iter().map(print).collect()
}

/// Returns the SQL of each example in each dialect.
fn rendered(examples: &[Example]) -> String {
    let mut table = String::new();
    for (name, operation) in examples {
        table += &format!("\n=== {name}\n");
        let mut before: Option<(Dialect, String)> = None;
        for dialect in Dialect::ALL {
            let text = match Plan::offline(&registry(&[setup, *operation]), dialect) {
                Ok(plan) => {
                    let back = Plan::offline_rollback(&registry(&[setup, *operation]), dialect).unwrap();
                    format!(
                        "{}... and back:\n{}",
                        steps(&plan.migrations()[1]),
                        steps(&back.migrations()[0])
                    )
                }
                Err(error) => error
                    .diagnostics()
                    .iter()
                    .map(|diagnostic| format!("refused: {}\n", diagnostic.message))
                    .collect::<String>(),
            };
            // MariaDB is printed only if it differs.
            let is_same = before
                .as_ref()
                .is_some_and(|(name, before)| *name == Dialect::MySql && *before == text);
            if !is_same {
                table += &format!("--- {dialect}\n{text}");
            }
            before = Some((dialect, text));
        }
    }
    table
}
