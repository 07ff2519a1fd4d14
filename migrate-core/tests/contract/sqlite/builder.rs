//! The effect of the builder on SQLite, as SQL.

use migrate_core::{Rollback, Target};

use crate::builder::{up_and_down, users_and_posts};
use crate::support::{Database, migration};

#[test]
fn a_table_is_created_with_its_constraints_and_indexes() {
    let db = Database::in_file();
    db.up(&users_and_posts()).unwrap();
    insta::assert_snapshot!(db.picture().join("\n"));
}

#[test]
fn a_nullable_column_is_added_without_a_rebuild() {
    let db = Database::in_file();
    let migrations = up_and_down(&db, |schema| {
        schema.alter_table("users", |t| t.text("bio").nullable());
    });
    db.rollback(&migrations, &Rollback::Last(1)).unwrap();
    let plan = db.with(&migrations, |runner| runner.plan(&Target::Latest)).unwrap();
    insta::assert_snapshot!(plan.to_string(), @r#"
    -- apply 3 m3 (src/migrations.rs:3)
    BEGIN IMMEDIATE;
    ALTER TABLE "users" ADD COLUMN "bio" TEXT;
    COMMIT;
    "#);
}

#[test]
fn an_error_during_a_rebuild_names_the_table() {
    let db = Database::in_file();
    let migrations = [
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.text("name").nullable();
            });
        }),
        migration(2, |schema| schema.alter_table("users", |t| t.set_not_null("name"))),
    ];
    db.up(&migrations[..1]).unwrap();
    db.execute("INSERT INTO users (name) VALUES (NULL)");
    let error = db.up(&migrations).unwrap_err().to_string();
    assert!(error.contains("NOT NULL constraint failed: users.name"), "{error}");
}
