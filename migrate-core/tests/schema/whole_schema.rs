//! The whole schema as SQL, in an order that satisfies all references.

use migrate_core::{Dialect, SchemaSnapshot};

use crate::support::{Describe, registry};

const ALL: &[Describe] = &[
    |schema| {
        schema.create_table("a_pictures", |t| {
            t.id();
            t.big_int("owner_id").nullable();
            t.varchar("title", 100).default("").comment("may be empty");
        });
        schema.create_table("users", |t| {
            t.id();
            t.big_int("picture_id").nullable().references("a_pictures", "id");
            t.big_int("friend_id").nullable().references("users", "id");
            t.varchar("email", 100).unique();
        });
        // The tables reference each other now.
        schema.alter_table("a_pictures", |t| {
            t.foreign_key(["owner_id"], "users", ["id"]);
        });
        schema.create_view("users_with_mail", "SELECT id, email FROM users");
        schema.create_view("a_list", "SELECT email FROM users_with_mail");
    },
    |schema| {
        schema
            .execute("CREATE TABLE tags (name VARCHAR(100) NOT NULL)")
            .undo("DROP TABLE tags");
    },
];

#[test]
fn tables_and_views_come_after_their_dependencies() {
    let mut text = String::new();
    for dialect in Dialect::ALL {
        let schema = SchemaSnapshot::latest(&registry(ALL), dialect).unwrap();
        text += &format!("== {dialect}\n\n{}\n", schema.sql().unwrap());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn types_that_a_dialect_lacks_are_refused() {
    let with_enum: &[Describe] = &[|schema| {
        schema.create_enum("mood", ["sad", "happy"]);
        schema.create_table("diary", |t| {
            t.id();
            t.enum_type("mood", "mood").default("happy");
        });
    }];
    let schema = SchemaSnapshot::latest(&registry(with_enum), Dialect::Postgres).unwrap();
    let sql = schema.sql().unwrap();
    assert!(sql.starts_with("CREATE TYPE \"mood\""), "{sql}");
    assert!(SchemaSnapshot::latest(&registry(with_enum), Dialect::MySql).is_err());
}
