//! A catalogue of invalid migrations, with the error of each.

use migrate_core::schema::{ColumnType, ForeignKeyAction, expression};
use migrate_core::{Dialect, Plan};

use crate::support::{Describe, registry, setup};

const WRONG: &[(&str, Describe)] = &[
    ("an unknown table", |schema| schema.drop_table("user")),
    ("an unknown table without a similar one", |schema| {
        schema.alter_table("comments", |t| t.set_not_null("x"));
    }),
    ("an unknown column", |schema| {
        schema.alter_table("users", |t| t.set_not_null("nme"));
    }),
    ("an unknown index", |schema| {
        schema.drop_index("posts", "posts_titel_idx");
    }),
    ("an unknown constraint", |schema| {
        schema.alter_table("users", |t| t.drop_constraint("users_email_ukey"));
    }),
    ("an unknown view", |schema| schema.drop_view("title")),
    ("a table twice", |schema| {
        schema.create_table("Users", |t| t.id());
    }),
    ("a view named like a table", |schema| {
        schema.create_view("users", "SELECT 1");
    }),
    ("a column twice", |schema| {
        schema.alter_table("users", |t| t.text("Email").nullable());
    }),
    ("an index twice", |schema| {
        schema.create_index("users", ["name"]).name("posts_title_idx");
    }),
    ("a constraint twice", |schema| {
        schema.alter_table("users", |t| t.unique(["email"]));
    }),
    ("a table of another schema", |schema| {
        schema.create_table("app.users", |t| t.id());
    }),
    ("a view of another schema", |schema| {
        schema.create_view("app.answer", "SELECT 42 AS number");
    }),
    ("a change of a table of another schema", |schema| {
        schema.alter_table("app.users", |t| t.text("note").nullable());
    }),
    ("a change of a table of another schema after raw SQL", |schema| {
        schema.execute("SELECT anything()").up_only();
        schema.alter_table("app.users", |t| t.text("note").nullable());
    }),
    ("a table that moves to another schema", |schema| {
        schema.rename_table("posts", "app.posts");
    }),
    ("a reference to a table of another schema", |schema| {
        schema.create_table("likes", |t| t.big_int("post_id").references("app.posts", "id"));
    }),
    ("a table without columns", |schema| schema.create_table("empty", |_| {})),
    ("nothing changed", |schema| schema.alter_table("users", |_| {})),
    ("a reference to no table", |schema| {
        schema.create_table("likes", |t| t.big_int("post_id").references("post", "id"));
    }),
    ("a reference to no column", |schema| {
        schema.create_table("likes", |t| t.big_int("post_id").references("posts", "idd"));
    }),
    ("a reference to what is not unique", |schema| {
        schema.create_table("likes", |t| t.varchar("post", 200).references("posts", "title"));
    }),
    ("a reference of another type", |schema| {
        schema.create_table("likes", |t| t.integer("post_id").references("posts", "id"));
    }),
    ("a reference of another length", |schema| {
        schema.create_table("likes", |t| {
            t.id();
            t.foreign_key(["id"], "posts", ["id", "title"])
        });
    }),
    ("a reference to no table, of a column that is renamed next", |schema| {
        schema.alter_table("posts", |t| {
            t.big_int("like_id").nullable().references("likes", "id");
            t.rename_column("like_id", "liked_id");
        });
    }),
    ("a counted column without its key", |schema| {
        schema.drop_view("titles");
        schema.alter_table("posts", |t| t.drop_primary_key());
    }),
    ("a counted column in a key of several", |schema| {
        schema.drop_view("titles");
        schema.alter_table("posts", |t| {
            t.drop_primary_key();
            t.primary_key(["id", "user_id"]);
        });
    }),
    ("a default for a counted column", |schema| {
        schema.alter_table("posts", |t| t.set_default("id", 4));
        schema.create_table("likes", |t| {
            t.id().default(1);
        });
    }),
    ("types that hold nothing", |schema| {
        schema.create_table("likes", |t| {
            t.id();
            t.varchar("kind", 0);
            t.numeric("weight", 3, 9);
        });
    }),
    ("an index on a column twice", |schema| {
        schema.create_index("posts", ["title", "title"]);
    }),
    ("a column that is named by its table", |schema| {
        schema.alter_table("users", |t| t.check("adult", "users.age > 17"));
    }),
    ("a primary key that is generated", |schema| {
        schema.create_table("squares", |t| {
            t.integer("side");
            t.integer("area").generated("side * side").primary_key();
        });
    }),
    ("generated columns alone", |schema| {
        schema.create_table("constants", |t| t.integer("answer").generated("42"));
    }),
    ("a check without a name of its own, twice", |schema| {
        schema.alter_table("users", |t| {
            t.integer("height").default(1).check("height > 0").check("height < 9")
        });
    }),
    ("an index called like a table", |schema| {
        schema.create_index("posts", ["title"]).name("users");
        schema.create_index("posts", ["title"]).name("posts");
    }),
    ("a table called like an index", |schema| {
        schema.create_table("posts_title_idx", |t| t.id());
    }),
    ("NULL for what is never NULL", |schema| {
        schema.create_table("likes", |t| {
            t.big_int("post_id")
                .references("posts", "id")
                .on_delete(ForeignKeyAction::SetNull)
        });
    }),
    ("a type that SQLite would not turn", |schema| {
        schema.create_table("days", |t| {
            t.double("hours");
            t.timestamp("moment");
            t.json("notes");
        });
        schema.alter_table("days", |t| {
            t.set_type("hours", ColumnType::Integer);
            t.set_type("moment", ColumnType::Date);
            t.set_type("notes", ColumnType::Jsonb);
        });
    }),
    ("a moment that is none", |schema| {
        schema.create_table("days", |t| t.timestamp("moment").default("soon"));
    }),
    ("NOT NULL without a value for the rows that are there", |schema| {
        schema.alter_table("users", |t| t.text("bio"));
    }),
    ("a dropped column that cannot come back", |schema| {
        schema.drop_view("titles");
        schema.alter_table("posts", |t| {
            t.drop_index("posts_title_idx");
            t.drop_column("title");
        });
    }),
    ("the same value where each wants its own", |schema| {
        schema.alter_table("users", |t| t.text("code").default("x").unique());
    }),
    (
        "a unique column that comes back with the same value in each row",
        |schema| {
            schema.alter_table("users", |t| t.drop_column("email").undo_fill("x"));
        },
    ),
    ("NOT NULL on what was just added and is NULL", |schema| {
        schema.alter_table("users", |t| {
            t.text("bio").nullable();
            t.set_not_null("bio");
        });
    }),
    ("dropping a column of the primary key", |schema| {
        schema.alter_table("users", |t| t.drop_column("id"));
    }),
    ("dropping a column that a check needs", |schema| {
        schema.alter_table("users", |t| t.drop_column("age"));
    }),
    ("dropping a table that is referred to", |schema| {
        schema.drop_table("users");
    }),
    ("dropping a table that a view reads", |schema| {
        schema.drop_table("posts");
    }),
    ("dropping a key that is referred to", |schema| {
        schema.alter_table("users", |t| t.drop_primary_key());
    }),
    ("changing the type of what is referred to", |schema| {
        schema.alter_table("users", |t| t.set_type("id", ColumnType::Integer));
    }),
    ("dropping a column that a view reads", |schema| {
        schema.alter_table("posts", |t| {
            t.drop_index("posts_title_idx");
            t.drop_column("title").undo_fill("");
        });
    }),
    ("renaming a column that a view reads", |schema| {
        schema.alter_table("posts", |t| t.rename_column("title", "heading"));
    }),
    ("an index that includes what it is on", |schema| {
        schema.create_index("users", ["name"]).include(["name"]);
    }),
    ("SQL for no database at hand", |schema| {
        schema.execute([(Dialect::Postgres, "SELECT 1")]).up_only();
    }),
    ("SQL for a database twice", |schema| {
        schema
            .execute([(Dialect::Sqlite, "SELECT 1"), (Dialect::Sqlite, "SELECT 2")])
            .up_only();
    }),
    ("SQL for nothing", |schema| {
        schema.execute([(Dialect::Sqlite, " ")]).up_only();
    }),
    ("a default of another type", |schema| {
        schema.alter_table("users", |t| t.set_default("age", "young"));
    }),
    ("another type than the default's", |schema| {
        schema.alter_table("users", |t| {
            t.drop_constraint("users_age_check");
            t.set_type("age", ColumnType::Bool).using("age > 0").undo_using("1");
        });
    }),
    ("two primary keys", |schema| {
        schema.create_table("pairs", |t| {
            t.integer("a").primary_key();
            t.integer("b").primary_key();
        });
    }),
    ("a nullable primary key", |schema| {
        schema.create_table("pairs", |t| t.integer("a").nullable().primary_key());
    }),
    ("counting up what is no key", |schema| {
        schema.create_table("pairs", |t| t.integer("a").auto_increment());
    }),
    ("NOT NULL twice", |schema| {
        schema.alter_table("users", |t| t.set_not_null("email"));
    }),
    ("a default that is not there", |schema| {
        schema.alter_table("users", |t| t.drop_default("name"));
    }),
    ("generated with a default", |schema| {
        schema.create_table("things", |t| t.integer("a").generated("1").default(1));
    }),
    ("an expression that ends the statement", |schema| {
        schema.create_index("users", [expression("name); DROP TABLE users; --")]);
    }),
    ("an expression that is not closed", |schema| {
        schema.alter_table("users", |t| t.check("c", "name <> 'x"));
    }),
    ("a name that is too long", |schema| {
        schema.create_table("t".repeat(64), |t| t.id());
    }),
    ("a name that the database keeps for itself", |schema| {
        schema.create_table("sqlite_things", |t| {
            t.id();
            t.text("sqlite_is_fine_here");
        });
    }),
    ("a name with a NUL", |schema| {
        schema.create_table("a\0b", |t| t.id());
    }),
    ("an empty name", |schema| {
        schema.create_table("", |t| t.text(""));
    }),
    ("a type that is more than a name", |schema| {
        schema.create_table("things", |t| t.column("a", ColumnType::Named("text); --".to_owned())));
    }),
    ("a text with a NUL", |schema| {
        schema.create_table("things", |t| t.text("a").default("\0"));
    }),
    ("a number that is none", |schema| {
        schema.create_table("things", |t| t.double("a").default(f64::NAN));
    }),
    ("what raw SQL made, dropped", |schema| {
        schema.execute("CREATE TABLE raw (id INTEGER)").undo("DROP TABLE raw");
        schema.drop_table("raw");
    }),
    ("an effect that is none", |schema| {
        schema
            .execute("CREATE TABLE raw (id INTEGER)")
            .changes(|schema| schema.execute("SELECT 1").up_only())
            .undo("DROP TABLE raw");
    }),
    ("several mistakes at once", |schema| {
        schema.alter_table("users", |t| {
            t.set_not_null("nam");
            t.text("bio");
            t.drop_constraint("nothing");
        });
        schema.drop_table("post");
    }),
];

/// Errors that only PostgreSQL has.
const WRONG_ON_POSTGRES: &[(&str, Describe)] = &[
    ("an unknown enum", |schema| {
        schema.create_enum("mood", ["sad"]);
        schema.create_table("diary", |t| t.enum_type("mood", "moods"));
    }),
    ("an enum named like a table", |schema| {
        schema.create_enum("users", ["sad"]);
    }),
    ("an enum without values", |schema| schema.create_enum("mood", [""; 0])),
    ("an enum with a value twice", |schema| {
        schema.create_enum("mood", ["sad", "sad"]);
    }),
    ("a default that is no value of the enum", |schema| {
        schema.create_enum("mood", ["sad", "happy"]);
        schema.create_table("diary", |t| t.enum_type("mood", "mood").default("hapy"));
    }),
    ("a value that an enum has", |schema| {
        schema.create_enum("mood", ["sad", "happy"]);
        schema.add_enum_value("mood", "sad").up_only();
    }),
    ("a value after one that an enum has not", |schema| {
        schema.create_enum("mood", ["sad", "happy"]);
        schema.add_enum_value("mood", "glad").after("had").up_only();
    }),
    ("dropping an enum that a column is of", |schema| {
        schema.create_enum("mood", ["sad", "happy"]);
        schema.create_table("diary", |t| t.enum_type("mood", "mood"));
        schema.drop_enum("mood");
    }),
    ("an index made concurrently in a transaction", |schema| {
        schema.create_index("users", ["name"]).concurrently();
    }),
    ("an index dropped concurrently in a transaction", |schema| {
        schema.drop_index("posts", "posts_title_idx").concurrently();
    }),
    ("a type that another does not turn into by itself", |schema| {
        schema.alter_table("users", |t| t.set_type("name", ColumnType::Date).undo_using("name"));
    }),
    ("a type that does not turn back by itself", |schema| {
        schema.drop_view("titles");
        schema.alter_table("posts", |t| t.set_type("title", ColumnType::Date).using("title::date"));
        schema.create_table("days", |t| t.integer("day"));
        schema.alter_table("days", |t| t.set_type("day", ColumnType::Text).using("'x'"));
    }),
    ("names that stayed when the table got another", |schema| {
        schema.rename_table("users", "people");
        schema.create_table("users", |t| {
            t.id();
            t.varchar("email", 255).unique();
        });
    }),
    ("a column of a view that shows all", |schema| {
        schema.create_view("everybody", "SELECT DISTINCT *, 2 * age FROM users");
        schema.alter_table("users", |t| t.drop_column("name"));
    }),
    ("a type in a view that shows all", |schema| {
        schema.create_view("everybody", "SELECT u.* FROM users u");
        schema.alter_table("users", |t| t.set_type("name", ColumnType::Text));
    }),
    ("an index by the name of a constraint", |schema| {
        schema
            .create_index("posts", ["title", "user_id"])
            .name("users_email_key");
    }),
    ("a type of MySQL", |schema| {
        schema.create_table("diary", |t| t.column("mood", ColumnType::Named("ENUM('a')".to_owned())));
    }),
];

const WRONG_ON_MYSQL: &[(&str, Describe)] = &[
    (
        "a foreign key that kept its name when the table got another",
        |schema| {
            schema.drop_view("titles");
            schema.rename_table("posts", "articles");
            schema.create_table("posts", |t| {
                t.id();
                t.big_int("user_id").references("users", "id");
            });
        },
    ),
    ("a check by the name of another", |schema| {
        schema.alter_table("users", |t| t.check("sane", "age < 200"));
        schema.alter_table("posts", |t| t.check("sane", "title <> ''"));
    }),
    ("a key on a text that gets another name at once", |schema| {
        schema.alter_table("users", |t| {
            t.text("nick").nullable().unique();
            t.rename_column("nick", "handle");
        });
    }),
];

#[test]
fn each_mistake_is_reported_by_the_planner() {
    insta::assert_snapshot!(answers(WRONG, Dialect::Sqlite));
}

#[test]
fn each_postgres_mistake_is_reported_by_the_planner() {
    insta::assert_snapshot!(answers(WRONG_ON_POSTGRES, Dialect::Postgres));
}

#[test]
fn each_mysql_mistake_is_reported_by_the_planner() {
    insta::assert_snapshot!(answers(WRONG_ON_MYSQL, Dialect::MySql));
}

fn answers(catalogue: &[(&str, Describe)], dialect: Dialect) -> String {
    let mut answers = String::new();
    for (name, wrong) in catalogue {
        let answer: String = match Plan::offline(&registry(&[setup, *wrong]), dialect) {
            Ok(plan) => panic!("{name} is not refused:\n{plan}"),
            Err(error) => error
                .diagnostics()
                .iter()
                .map(|diagnostic| {
                    let has_location = diagnostic
                        .location
                        .is_some_and(|location| location.file.ends_with("schema/invalid.rs"));
                    assert!(has_location, "{name}: {:?}", diagnostic.location);
                    format!("{diagnostic}\n")
                })
                .collect(),
        };
        answers += &format!("\n=== {name}\n{answer}");
    }
    answers
}
