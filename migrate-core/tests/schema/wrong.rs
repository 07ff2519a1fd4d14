//! A catalogue of wrong migrations, and what is answered to each.

use migrate_core::{ColumnType, DialectName, Plan, expression};

use crate::support::{Describe, registry, setup};

const WRONG: &[(&str, Describe)] = &[
    ("an unknown table", |schema| schema.drop_table("user")),
    ("an unknown table that is near to none", |schema| {
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
        schema.create_index("users", ["name"]).named("posts_title_idx");
    }),
    ("a constraint twice", |schema| {
        schema.alter_table("users", |t| t.unique(["email"]));
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
    ("NOT NULL without a value for the rows that are there", |schema| {
        schema.alter_table("users", |t| t.text("bio"));
    }),
    ("a dropped column that cannot come back", |schema| {
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
        schema.alter_table("users", |t| t.change_type("id", ColumnType::Integer));
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

#[test]
fn each_mistake_is_answered_before_anything_runs() {
    let mut catalogue = String::new();
    for (name, wrong) in WRONG {
        let answer = match Plan::offline(&registry(&[setup, *wrong]), DialectName::Sqlite) {
            Ok(plan) => format!("NOT REFUSED: {plan}\n"),
            Err(error) => error
                .problems()
                .iter()
                .map(|problem| {
                    let has_place = problem
                        .place
                        .is_some_and(|place| place.file.ends_with("schema/wrong.rs"));
                    assert!(has_place, "{name}: {:?}", problem.place);
                    format!("{}\n", problem.message)
                })
                .collect(),
        };
        catalogue += &format!("\n=== {name}\n{answer}");
    }
    insta::assert_snapshot!(catalogue);
}
