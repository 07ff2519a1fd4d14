//! Schema changes in words: what they make of a database, and of its rows, there and back.

use migrate_core::{ErrorKind, Migration, Reaction, Rollback, Schema, Target, desc, expression};

use crate::support::{Database, migration};

pub(crate) fn users_and_posts() -> Vec<Migration> {
    vec![
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.text("email").unique();
                t.text("name").nullable();
            });
        }),
        migration(2, |schema| {
            schema.create_table("posts", |t| {
                t.id();
                t.text("title");
                t.big_int("user_id")
                    .references("users", "id")
                    .on_delete(Reaction::Cascade);
                t.timestamps();
                t.index(["user_id"]);
            });
        }),
    ]
}

pub(crate) const ROWS: &str = "PRAGMA foreign_keys = ON;
    INSERT INTO users (id, email, name) VALUES (1, 'a@x', 'A'), (2, 'b@x', NULL), (7, 'c@x', 'C');
    DELETE FROM users WHERE id = 7;
    INSERT INTO posts (id, title, user_id, created_at, updated_at)
        VALUES (1, 'one', 1, '2026-01-01', '2026-01-01'), (5, 'two', 2, '2026-01-01', '2026-01-01');";

/// Applies a change to a database with users, posts and rows, takes it back, and applies it again.
#[track_caller]
pub(crate) fn there_and_back(change: impl Fn(&mut Schema) + Send + Sync + 'static) -> Database {
    let database = Database::new();
    let mut migrations = users_and_posts();
    database.up(&migrations).unwrap();
    database.execute(ROWS);
    migrations.push(migration(3, change));
    let before = database.picture();
    database.up(&migrations).unwrap();
    let after = database.picture();
    assert_ne!(before, after, "it changed nothing");
    database.rollback(&migrations, &Rollback::Steps(1)).unwrap();
    assert_eq!(database.picture(), before);
    database.up(&migrations).unwrap();
    assert_eq!(database.picture(), after);
    assert_eq!(database.number("SELECT count(*) AS number FROM posts"), 2);
    database
}

#[test]
fn a_table_is_made_with_all_that_belongs_to_it_and_dropped() {
    let database = Database::new();
    let migrations = users_and_posts();
    database.up(&migrations).unwrap();
    insta::assert_snapshot!(database.picture().join("\n"), @r#"
    index posts_user_id_idx: CREATE INDEX "posts_user_id_idx" ON "posts" ("user_id")
    index sqlite_autoindex_users_1: 
    table posts: CREATE TABLE "posts" (
        "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
        "title" TEXT NOT NULL,
        "user_id" BIGINT NOT NULL,
        "created_at" TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        "updated_at" TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        CONSTRAINT "posts_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE
    )
    table sqlite_sequence: CREATE TABLE sqlite_sequence(name,seq)
    table users: CREATE TABLE "users" (
        "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
        "email" TEXT NOT NULL,
        "name" TEXT,
        CONSTRAINT "users_email_key" UNIQUE ("email")
    )
    "#);
    database.execute(ROWS);
    database.rollback(&migrations, &Rollback::Steps(1)).unwrap();
    assert_eq!(
        database.picture().iter().filter(|line| line.contains("posts")).count(),
        0
    );
}

#[test]
fn indexes_come_and_go() {
    there_and_back(|schema| {
        schema.create_index("users", ["name"]);
        schema.create_index("users", [expression("lower(email)")]).unique();
        schema
            .create_index("posts", [desc("created_at")])
            .filter("title <> ''")
            .named("newest");
        schema.rename_index("posts", "newest", "newest_first");
    });
}

#[test]
fn a_nullable_column_is_added_without_making_the_table_anew() {
    let database = there_and_back(|schema| {
        schema.alter_table("users", |t| t.text("bio").nullable());
    });
    let migrations = [
        users_and_posts(),
        vec![migration(3, |schema| {
            schema.alter_table("users", |t| t.text("bio").nullable());
        })],
    ]
    .concat();
    database.rollback(&migrations, &Rollback::Steps(1)).unwrap();
    let plan = database
        .with(&migrations, |runner| runner.plan(&Target::Latest))
        .unwrap();
    insta::assert_snapshot!(plan.to_string(), @r#"
    -- apply 3 m3 (src/migrations.rs:3)
    BEGIN IMMEDIATE;
    ALTER TABLE "users" ADD COLUMN "bio" TEXT;
    COMMIT;
    "#);
}

#[test]
fn a_rename_keeps_rows_and_references() {
    let database = there_and_back(|schema| {
        schema.rename_table("users", "people");
        schema.alter_table("people", |t| t.rename_column("email", "mail"));
        schema.alter_table("people", |t| t.rename_column("id", "person_id"));
    });
    assert_eq!(
        database.number("SELECT count(*) AS number FROM people JOIN posts ON user_id = person_id"),
        2
    );
}

#[test]
fn a_column_that_is_not_null_is_dropped_and_comes_back_filled() {
    let database = Database::new();
    let migrations = [
        users_and_posts(),
        vec![migration(3, |schema| {
            schema.alter_table("posts", |t| t.drop_column("title").undo_fill("untitled"));
        })],
    ]
    .concat();
    database.up(&migrations[..2]).unwrap();
    database.execute(ROWS);
    database.up(&migrations).unwrap();
    database.rollback(&migrations, &Rollback::Steps(1)).unwrap();
    assert_eq!(
        database.number("SELECT count(*) AS number FROM posts WHERE title = 'untitled'"),
        2
    );
}

#[test]
fn a_dropped_table_comes_back_with_all_that_belonged_to_it() {
    let database = Database::new();
    let migrations = [
        users_and_posts(),
        vec![migration(3, |schema| schema.drop_table("posts"))],
    ]
    .concat();
    database.up(&migrations[..2]).unwrap();
    let before = database.picture();
    database.up(&migrations).unwrap();
    database.rollback(&migrations, &Rollback::Steps(1)).unwrap();
    assert_eq!(database.picture(), before);
}

#[test]
fn what_was_declared_is_known_and_not_made() {
    let database = Database::new();
    database.execute("CREATE TABLE old (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL)");
    database.execute("INSERT INTO old (name) VALUES ('x')");
    let migrations = [migration(1, |schema| {
        schema.declare(|schema| {
            schema.create_table("old", |t| {
                t.id();
                t.text("name");
            });
        });
        schema.alter_table("old", |t| t.drop_not_null("name"));
    })];
    let before = database.picture();
    database.up(&migrations).unwrap();
    database.execute("UPDATE old SET name = NULL");
    database.execute("UPDATE old SET name = 'x'");
    database.rollback(&migrations, &Rollback::All).unwrap();
    assert_eq!(database.picture().len(), before.len());
}

#[test]
fn what_is_declared_and_not_there_stops_a_run() {
    let database = Database::new();
    let migrations = [migration(1, |schema| {
        schema.declare(|schema| {
            schema.create_table("old", |t| t.id());
            schema.create_view("older", "SELECT id FROM old");
        });
        schema.create_table("new", |t| t.id());
    })];
    let error = database.up(&migrations).unwrap_err();
    insta::assert_snapshot!(crate::support::text(&error), @r#"
    migrations are not right as they are written
      migrate-core/tests/contract/words.rs:N: `old` is declared, and the database does not have it; on a new database make it first, as it was made elsewhere, or describe it with `create_table` instead
      migrate-core/tests/contract/words.rs:N: `older` is declared, and the database does not have it; on a new database make it first, as it was made elsewhere, or describe it with `create_table` instead
      state: nothing was changed
      next: mend the lines above
    "#);
    assert_eq!(database.picture(), [""; 0]);
    database.execute("CREATE TABLE old (id TEXT); CREATE VIEW older AS SELECT id FROM old");
    let plan = database
        .with(&migrations, |runner| runner.plan(&Target::Latest))
        .unwrap();
    insta::assert_snapshot!(plan.to_string().lines().skip(1).collect::<Vec<_>>().join("\n"), @r#"
    BEGIN IMMEDIATE;
    -- careful: `old` is not what is declared: it has the column id text instead of the column id counted up not null; the primary key (id)
    -- declared, and taken to be there: `old`, `older`
    CREATE TABLE "new" (
        "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL
    );
    COMMIT;
    "#);
    database.up(&migrations).unwrap();
    // Nothing is dropped that no migration would make again.
    let before = database.whole_picture();
    let error = database.with(&migrations, |runner| runner.fresh()).unwrap_err();
    assert!(error.to_string().contains("`old` is declared"), "{error}");
    assert_eq!(database.whole_picture(), before);
}

#[test]
fn a_view_of_what_is_not_there_stops_a_run() {
    let database = Database::new();
    let migrations = [migration(1, |schema| {
        schema.create_table("users", |t| {
            t.id();
            t.text("name");
        });
        schema.create_view("names", "SELECT nme FROM users");
    })];
    let error = database.up(&migrations).unwrap_err();
    assert!(crate::support::text(&error).contains("no such column: nme"), "{error}");
    assert_eq!(database.picture(), [""; 0]);
}

#[test]
fn an_error_in_a_table_that_is_made_anew_names_the_table() {
    let database = Database::new();
    let migrations = [
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.text("name").nullable();
            });
        }),
        migration(2, |schema| schema.alter_table("users", |t| t.set_not_null("name"))),
    ];
    database.up(&migrations[..1]).unwrap();
    database.execute("INSERT INTO users (name) VALUES (NULL)");
    let error = database.up(&migrations).unwrap_err().to_string();
    assert!(error.contains("NOT NULL constraint failed: users.name"), "{error}");
}

/// In every place that takes a name, and as every text.
fn named(name: &'static str) -> Vec<Migration> {
    vec![
        migration(1, move |schema| {
            schema.create_table(name, |t| {
                t.id();
                t.text(format!("{name}1")).default(name).comment(name).unique();
                t.text(format!("{name}2")).nullable().default(name);
                t.check(format!("{name} check"), "id > 0");
                t.index([format!("{name}2")]).named(format!("{name} index"));
                t.comment(name);
            });
            schema.create_table(format!("{name} child"), |t| {
                t.big_int(name).references(name, "id").named(format!("{name} key"));
            });
        }),
        migration(2, move |schema| {
            schema.alter_table(name, |t| {
                t.text(format!("{name}3")).fill(name);
                t.set_default(format!("{name}2"), format!("{name}{name}"));
                t.drop_constraint(format!("{name} check"));
            });
            schema.alter_table(name, |t| t.rename_column(format!("{name}3"), format!("{name}4")));
            schema.rename_index(name, format!("{name} index"), format!("{name} other"));
            schema.comment_on(name, name);
            schema.rename_table(name, format!("{name} there"));
            schema.create_view(format!("{name} view"), "SELECT 1 AS one");
        }),
    ]
}

#[test]
fn a_hostile_name_is_a_name_wherever_it_stands() {
    for name in [
        "a\"b",
        "\"",
        "a'b",
        "'",
        "a`b",
        "a]b",
        "[a",
        "a\\b",
        "a;b",
        "a--b",
        "/*a",
        "a b",
        "select",
        "ORDER",
        "Ünï",
        "🦀",
        "%s",
        "$1",
        "?",
        "1",
        "(",
        "a,b",
        "null",
        "CHECK",
        "'); DROP TABLE x; --",
    ] {
        let database = Database::new();
        let migrations = named(name);
        database
            .up(&migrations[..1])
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let agrees = |database: &Database, migrations: &[Migration]| {
            let differences = database.with(migrations, |runner| runner.differences()).unwrap();
            assert!(differences.is_empty(), "{name}: {differences:?}");
        };
        agrees(&database, &migrations);
        let before = database.picture();
        let quoted = name.replace('"', "\"\"");
        database.execute(&format!("INSERT INTO \"{quoted}\" (id) VALUES (1)"));
        let literal = name.replace('\'', "''");
        let count = format!("SELECT count(*) AS number FROM \"{quoted}\" WHERE \"{quoted}1\" = '{literal}'");
        assert_eq!(database.number(&count), 1, "{name}");
        database.execute(&format!("DELETE FROM \"{quoted}\"; DELETE FROM sqlite_sequence"));
        database
            .up(&migrations)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        agrees(&database, &migrations);
        database
            .rollback(&migrations, &Rollback::Steps(1))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        agrees(&database, &migrations);
        let tables = |picture: &[String]| -> Vec<String> {
            let objects = picture
                .iter()
                .filter(|line| line.contains(" sqlite_") || line.contains(": CREATE "));
            objects
                .map(|line| line.split(": ").next().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(tables(&database.picture()), tables(&before), "{name}");
        database.rollback(&migrations, &Rollback::All).unwrap();
    }
}

#[test]
fn a_name_that_no_database_takes_is_refused() {
    let long: &'static str = Box::leak("x".repeat(300).into_boxed_str());
    for name in ["", "a\0b", "a\nb", "a\u{7f}", long] {
        let database = Database::new();
        let error = database.up(&named(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration, "{name:?}: {error}");
        assert!(database.whole_picture().is_empty());
    }
}
