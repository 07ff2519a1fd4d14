//! Introspection of a database, compared with the migrations that created it.

use crate::builder::{everything, users_and_posts};
use crate::support::Database;

on_every_database! {
    the_migrated_database_matches_the_migrations
    differences_from_the_migrations_are_reported
}

fn the_migrated_database_matches_the_migrations(db: &Database) {
    let all = everything(db.engine);
    for count in 1..=all.len() {
        db.up(&all[..count]).unwrap();
        assert_eq!(db.differences(&all[..count]), [""; 0]);
    }
}

fn differences_from_the_migrations_are_reported(db: &Database) {
    let migrations = users_and_posts();
    db.up(&migrations).unwrap();
    assert_eq!(db.differences(&migrations), [""; 0]);
    for sql in [
        "CREATE INDEX by_hand ON users (name)",
        "ALTER TABLE posts DROP COLUMN title",
        "ALTER TABLE posts ADD COLUMN title VARCHAR(20)",
        "CREATE TABLE stray (id INTEGER)",
    ] {
        db.execute(sql);
    }
    db.execute(db.engine.pick(
        "DROP INDEX posts_user_id_idx",
        "DROP INDEX posts_user_id_idx",
        "ALTER TABLE posts DROP FOREIGN KEY posts_user_id_fkey, DROP INDEX posts_user_id_idx",
    ));
    assert_text!(db, db.differences(&migrations).join("\n"));
}
