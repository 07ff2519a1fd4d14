//! The builder: its effect on a database and on the rows, up and down.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use migrate_core::prelude::*;
use migrate_core::schema::{desc, expression};
use migrate_core::{Rollback, Target};

use crate::support::{Database, Engine, migration};

on_every_database! {
    migrations_go_up_down_and_up_again_with_rows
    rollback_drops_a_table_and_its_indexes
    indexes_are_created_and_rolled_back
    a_nullable_column_is_added_and_rolled_back
    a_rename_keeps_rows_and_references
    rollback_restores_a_not_null_column_with_undo_fill
    rollback_restores_a_dropped_table_completely
    declared_objects_are_known_but_not_created
    missing_declared_objects_stop_a_run
    a_view_on_a_missing_column_stops_a_run
}

// MariaDB supports none of these.
on_transactional_ddl! {
    expression_and_partial_indexes_are_rolled_back
}

/// A sample of every kind of operation that the database supports.
pub(crate) fn everything(engine: Engine) -> [Migration; 3] {
    [
        migration(1, move |schema| {
            if engine.is_postgres() {
                schema.create_enum("mood", ["sad", "glad"]);
            }
            schema.create_table("users", |t| {
                t.id();
                t.varchar("email", 200).unique();
                t.text("name").nullable();
                t.numeric("balance", 10, 2).default(0);
                if engine.is_postgres() {
                    t.enum_type("feels", "mood").default("glad");
                }
                t.timestamptz("seen").default_now();
                t.check("users_email", "email LIKE '%@%'");
                t.comment("people");
            });
            schema.create_table("posts", |t| {
                t.id();
                t.big_int("user_id")
                    .references("users", "id")
                    .on_delete(ForeignKeyAction::Cascade);
                t.text("title");
                t.index(["user_id"]);
            });
        }),
        migration(2, move |schema| {
            schema.alter_table("users", |t| t.varchar("handle", 100).nullable());
            let name = engine.pick(
                "substr(email, 1, instr(email, '@') - 1)",
                "split_part(email, '@', 1)",
                "substring_index(email, '@', 1)",
            );
            // Inside the migration's transaction this one is a savepoint.
            let fill =
                rust_step!(|conn| conn
                    .transaction(|conn| { conn.batch_execute(&format!("UPDATE users SET handle = {name}")) }));
            schema.run(fill).up_only();
            schema.alter_table("users", |t| t.set_not_null("handle"));
            if engine.is_mysql() {
                schema.create_index("users", ["handle"]).unique();
            } else {
                schema.create_index("users", [expression("lower(handle)")]).unique();
            }
            schema.create_view("handles", "SELECT handle FROM users");
        }),
        migration(3, |schema| {
            schema.rename_table("posts", "articles");
            // The table is unknown after raw SQL. On PostgreSQL the key's name must still follow the new table name.
            schema
                .execute("ALTER TABLE articles ADD COLUMN kind integer")
                .undo("ALTER TABLE articles DROP COLUMN kind");
        }),
    ]
}

pub(crate) fn users_and_posts() -> Vec<Migration> {
    vec![
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.varchar("email", 200).unique();
                t.varchar("name", 200).nullable();
            });
        }),
        migration(2, |schema| {
            schema.create_table("posts", |t| {
                t.id();
                t.text("title");
                t.big_int("user_id")
                    .references("users", "id")
                    .on_delete(ForeignKeyAction::Cascade);
                t.timestamps();
                t.index(["user_id"]);
            });
        }),
    ]
}

pub(crate) const ROWS: &str = "
    INSERT INTO users (id, email, name) VALUES (1, 'a@x', 'A'), (2, 'b@x', NULL), (7, 'c@x', 'C');
    DELETE FROM users WHERE id = 7;
    INSERT INTO posts (id, title, user_id, created_at, updated_at)
        VALUES (1, 'one', 1, '2026-01-01', '2026-01-01'), (5, 'two', 2, '2026-01-01', '2026-01-01');";

/// Applies a change to a database with users, posts and rows, rolls it back, and applies it again.
#[track_caller]
pub(crate) fn up_and_down(db: &Database, change: impl Fn(&mut Schema) + Send + Sync + 'static) -> Vec<Migration> {
    let mut migrations = users_and_posts();
    db.up(&migrations).unwrap();
    db.execute(ROWS);
    migrations.push(migration(3, change));
    let before = db.picture();
    db.up(&migrations).unwrap();
    let after = db.picture();
    assert_ne!(before, after, "it changed nothing");
    assert_eq!(db.differences(&migrations), [""; 0]);
    db.rollback(&migrations, &Rollback::Last(1)).unwrap();
    assert_eq!(db.picture(), before);
    db.up(&migrations).unwrap();
    assert_eq!(db.picture(), after);
    assert_eq!(db.number("SELECT count(*) FROM posts"), 2);
    migrations
}

fn migrations_go_up_down_and_up_again_with_rows(db: &Database) {
    let all = everything(db.engine);
    db.up(&all[..1]).unwrap();
    db.execute("INSERT INTO users (email) VALUES ('ada@example.org')");
    db.execute("INSERT INTO posts (user_id, title) VALUES (1, 'Hello')");
    let before = db.picture();

    assert_eq!(db.up(&all).unwrap().batch, Some(2));
    assert_eq!(db.texts("SELECT handle AS text FROM users"), ["ada"]);
    assert_eq!(db.batches(), ["1:1", "2:2", "3:2"]);
    let after = db.picture();

    db.rollback(&all, &Rollback::LastBatch).unwrap();
    assert_eq!(db.batches(), ["1:1"]);
    assert_eq!(db.picture(), before);
    db.up(&all).unwrap();
    assert_eq!(db.picture(), after);
    db.rollback(&all, &Rollback::All).unwrap();
    assert_eq!(db.tables(), [""; 0]);
}

fn rollback_drops_a_table_and_its_indexes(db: &Database) {
    let migrations = users_and_posts();
    db.up(&migrations[..1]).unwrap();
    let before = db.picture();
    db.up(&migrations).unwrap();
    assert_eq!(db.differences(&migrations), [""; 0]);
    db.execute(ROWS);
    db.execute("DELETE FROM posts");
    db.execute("DELETE FROM users");
    if db.engine == Engine::Sqlite {
        // Removes the AUTOINCREMENT counters of the deleted rows.
        db.execute("DELETE FROM sqlite_sequence");
    }
    db.rollback(&migrations, &Rollback::Last(1)).unwrap();
    assert_eq!(db.picture(), before);
}

fn indexes_are_created_and_rolled_back(db: &Database) {
    up_and_down(db, |schema| {
        schema.create_index("users", ["name"]);
        schema.create_index("users", ["name", "email"]).unique();
        schema.create_index("posts", [desc("created_at")]).name("newest");
        schema.rename_index("posts", "newest", "newest_first");
    });
}

fn expression_and_partial_indexes_are_rolled_back(db: &Database) {
    up_and_down(db, |schema| {
        schema.create_index("users", [expression("lower(email)")]).unique();
        schema
            .create_index("posts", [desc("created_at")])
            .filter("title <> ''")
            .name("newest");
    });
}

fn a_nullable_column_is_added_and_rolled_back(db: &Database) {
    up_and_down(db, |schema| {
        schema.alter_table("users", |t| t.text("bio").nullable());
    });
}

fn a_rename_keeps_rows_and_references(db: &Database) {
    up_and_down(db, |schema| {
        schema.rename_table("users", "people");
        schema.alter_table("people", |t| t.rename_column("email", "mail"));
        schema.alter_table("people", |t| t.rename_column("id", "person_id"));
    });
    assert_eq!(
        db.number("SELECT count(*) FROM people JOIN posts ON user_id = person_id"),
        2
    );
}

fn rollback_restores_a_not_null_column_with_undo_fill(db: &Database) {
    let mut migrations = users_and_posts();
    db.up(&migrations).unwrap();
    db.execute(ROWS);
    migrations.push(migration(3, |schema| {
        schema.alter_table("posts", |t| t.drop_column("title").undo_fill("untitled"));
    }));
    db.up(&migrations).unwrap();
    db.rollback(&migrations, &Rollback::Last(1)).unwrap();
    assert_eq!(db.number("SELECT count(*) FROM posts WHERE title = 'untitled'"), 2);
}

fn rollback_restores_a_dropped_table_completely(db: &Database) {
    let mut migrations = users_and_posts();
    db.up(&migrations).unwrap();
    let before = db.picture();
    migrations.push(migration(3, |schema| schema.drop_table("posts")));
    db.up(&migrations).unwrap();
    db.rollback(&migrations, &Rollback::Last(1)).unwrap();
    assert_eq!(db.picture(), before);
}

/// A table that no migration created, with the columns of `t.id()` and a text.
fn old_table(engine: Engine) -> String {
    let id = engine.pick(
        "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL",
        "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
    );
    let text = engine.pick("TEXT", "TEXT", "LONGTEXT");
    format!("CREATE TABLE old (id {id}, name {text} NOT NULL)")
}

fn declared_objects_are_known_but_not_created(db: &Database) {
    db.execute(&old_table(db.engine));
    db.execute("INSERT INTO old (name) VALUES ('x')");
    let migrations = [migration(1, |schema| {
        schema.declare(|schema| {
            schema.create_table("old", |t| {
                t.id();
                t.text("name");
            });
        });
        schema.alter_table("old", |t| t.drop_not_null("name"));
    })];
    let before = db.picture();
    db.up(&migrations).unwrap();
    db.execute("UPDATE old SET name = NULL");
    db.execute("UPDATE old SET name = 'x'");
    db.rollback(&migrations, &Rollback::All).unwrap();
    assert_eq!(db.picture().len(), before.len());
    assert_eq!(db.number("SELECT count(*) FROM old"), 1);
}

fn missing_declared_objects_stop_a_run(db: &Database) {
    let migrations = [migration(1, |schema| {
        schema.declare(|schema| {
            schema.create_table("old", |t| t.id());
            schema.create_view("older", "SELECT id FROM old");
        });
        schema.create_table("new", |t| t.id());
    })];
    let error = db.up(&migrations).unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(db.said(&error), @"
        [M0500] the migrations have 2 errors
          migrate-core/tests/contract/builder.rs:N: [M0507] `old` is declared but does not exist in the database
            help: create it before the run, or describe it with `create_table` or `create_view` instead
          migrate-core/tests/contract/builder.rs:N: [M0507] `older` is declared but does not exist in the database
            help: create it before the run, or describe it with `create_table` or `create_view` instead
          note: nothing was changed
        ");
    }
    assert_eq!(db.picture(), [""; 0]);
    db.execute("CREATE TABLE old (id TEXT)");
    db.execute("CREATE VIEW older AS SELECT id FROM old");
    let plan = db.with(&migrations, |runner| runner.plan(&Target::Latest)).unwrap();
    assert_text!(db, plan.to_string());
    db.up(&migrations).unwrap();
    // `fresh` refuses to drop a table that no migration would create again.
    let before = db.whole_picture();
    let error = db.with(&migrations, |runner| runner.fresh()).unwrap_err();
    assert!(error.to_string().contains("`old` is declared"), "{error}");
    assert_eq!(db.whole_picture(), before);
}

fn a_view_on_a_missing_column_stops_a_run(db: &Database) {
    let migrations = [migration(1, |schema| {
        schema.create_table("users", |t| {
            t.id();
            t.text("name");
        });
        schema.create_view("names", "SELECT nme FROM users");
    })];
    let error = db.up(&migrations).unwrap_err();
    let cause = db.engine.pick(
        "no such column: nme",
        "column \"nme\" does not exist",
        "Unknown column 'nme'",
    );
    assert!(error.to_string().contains(cause), "{error}");
    let stays: &[&str] = if db.engine.has_transactional_ddl() {
        &[]
    } else {
        &["users"]
    };
    assert_eq!(db.tables(), stays);
}
