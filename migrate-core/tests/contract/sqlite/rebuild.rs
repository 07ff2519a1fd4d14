//! Rebuilds of SQLite tables: preserved facts, refusals, and the state after a failure.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use migrate_core::error::Diagnostic;
use migrate_core::plan::Note;
use migrate_core::schema::{ColumnType, expression};
use migrate_core::{Code, Migration, MigrationRef, Rollback, Target, Version};

use crate::builder::{ROWS, up_and_down, users_and_posts};
use crate::support::{Database, migration, migration_with_down, untransactional};

#[test]
fn a_table_that_cannot_be_altered_is_rebuilt_with_rows() {
    let database = Database::in_file();
    up_and_down(&database, |schema| {
        schema.alter_table("users", |t| {
            t.integer("age").default(0).check("age >= 0");
            t.set_default("name", "nobody");
            t.drop_constraint("users_email_key");
            t.set_type("email", ColumnType::VarChar(255));
            t.unique(["email", "name"]);
        });
    });
    // The child rows exist, because foreign keys were off, and the AUTOINCREMENT counter stays above the deleted row 7.
    assert_eq!(database.number("SELECT count(*) FROM posts"), 2);
    database.execute("INSERT INTO users (email) VALUES ('d@x')");
    assert_eq!(database.number("SELECT max(id) FROM users"), 8);
}

#[test]
fn objects_created_by_raw_sql_in_the_same_run_are_kept() {
    let database = Database::in_file();
    let all = [
        migration(1, |schema| schema.create_table("users", |t| t.text("name").nullable())),
        migration(2, |schema| {
            schema.create_table("log", |t| t.text("what"));
            schema
                .execute("CREATE TRIGGER log_users AFTER INSERT ON users BEGIN INSERT INTO log VALUES (new.name); END")
                .changes(|_| ())
                .undo("DROP TRIGGER log_users");
        }),
        migration(3, |schema| {
            schema.alter_table("users", |t| t.set_default("name", "nobody"));
        }),
    ];
    database.up(&all).unwrap();
    database.execute("INSERT INTO users DEFAULT VALUES");
    assert_eq!(database.number("SELECT count(*) FROM log WHERE what = 'nobody'"), 1);
    database.rollback(&all, &Rollback::All).unwrap();
}

#[test]
fn schema_edits_by_a_rust_step_are_kept() {
    fn add_check(conn: &mut SqliteConnection) -> QueryResult<()> {
        conn.batch_execute(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '\"age\" INTEGER', '\"age\" INTEGER CHECK (age > 0)') WHERE name = 'users';
             PRAGMA writable_schema = RESET;",
        )
    }
    let database = Database::in_file();
    let all = [
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.text("name");
                t.integer("age").nullable();
            });
        }),
        migration(2, |schema| {
            schema.alter_table("users", |t| t.check("users_named", "name <> ''"));
        }),
        migration(3, |schema| schema.run(add_check).up_only()),
        migration(4, |schema| {
            schema.alter_table("users", |t| t.check("users_short", "length(name) < 9"));
        }),
    ];
    database.up(&all).unwrap();
    let picture = database.picture().join("\n");
    assert!(
        picture.contains("users_short") && picture.contains("age > 0"),
        "{picture}"
    );
}

#[test]
fn expressions_use_the_column_names_of_earlier_edits() {
    let database = Database::in_file();
    let mut migrations = vec![migration(1, |schema| {
        schema.create_table("users", |t| {
            t.id();
            t.text("a");
            t.text("b");
            t.integer("age");
        });
    })];
    database.up(&migrations).unwrap();
    database.execute("INSERT INTO users (a, b, age) VALUES ('A', 'B', 1)");
    migrations.push(migration(2, |schema| {
        schema.alter_table("users", |t| {
            t.rename_column("a", "old_a");
            t.rename_column("b", "a");
            t.text("c").fill_sql("a || '!'");
            t.integer("next").fill(5);
            t.integer("after").fill_sql("next + age");
            t.set_type("age", ColumnType::Text)
                .using("c || age")
                .undo_using("substr(age, 3)");
        });
    }));
    database.up(&migrations).unwrap();
    let row = "SELECT count(*) FROM users \
               WHERE old_a = 'A' AND a = 'B' AND c = 'B!' AND next = 5 AND after = 6 AND age = 'B!1'";
    assert_eq!(database.number(row), 1);
    database.rollback(&migrations, &Rollback::Last(1)).unwrap();
    let row = "SELECT count(*) FROM users WHERE a = 'A' AND b = 'B' AND age = 1";
    assert_eq!(database.number(row), 1);
}

#[test]
fn an_expression_of_a_renamed_column_keeps_rowids() {
    let database = Database::in_file();
    let mut migrations = vec![migration(1, |schema| {
        schema.create_table("words", |t| {
            t.text("word").primary_key();
            t.text("language");
        });
    })];
    database.up(&migrations).unwrap();
    database.execute("INSERT INTO words (rowid, word, language) VALUES (3, 'a', 'x'), (9, 'b', 'y')");
    migrations.push(migration(2, |schema| {
        schema.alter_table("words", |t| {
            t.rename_column("language", "locale");
            t.text("key").fill_sql("locale || ':' || word");
            t.text("both").fill_sql("key || key");
        });
    }));
    database.up(&migrations).unwrap();
    let row = "SELECT rowid FROM words WHERE locale = 'y' AND key = 'y:b' AND both = 'y:by:b'";
    assert_eq!(database.number(row), 9);
}

#[test]
fn a_name_can_change_its_case() {
    let database = Database::in_file();
    let migrations = vec![
        migration(1, |schema| {
            schema.create_table("Users", |t| {
                t.id();
                t.text("Email");
            });
            schema.create_table("posts", |t| t.big_int("user_id").references("Users", "id"));
        }),
        migration(2, |schema| {
            schema.alter_table("Users", |t| t.rename_column("Email", "email"));
            schema.rename_table("Users", "users");
        }),
    ];
    database.up(&migrations).unwrap();
    database.execute("INSERT INTO users (email) VALUES ('x'); INSERT INTO posts (user_id) VALUES (1);");
    database.rollback(&migrations, &Rollback::Last(1)).unwrap();
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'Users' AND sql LIKE '%Email%'";
    assert_eq!(database.number(tables), 1);
    database.up(&migrations).unwrap();
}

#[test]
fn a_function_named_like_a_renamed_column_is_kept() {
    let database = Database::in_file();
    let migrations = vec![
        migration(1, |schema| {
            schema.create_table("events", |t| {
                t.id();
                t.text("date").check("date(date) IS NOT NULL");
                t.index([expression("date(date)")]).name("by_day");
            });
        }),
        migration(2, |schema| {
            schema.alter_table("events", |t| t.rename_column("date", "day"));
        }),
        migration(3, |schema| {
            schema.alter_table("events", |t| t.set_default("day", "2026-01-01"));
        }),
    ];
    database.up(&migrations).unwrap();
    database.execute("INSERT INTO events DEFAULT VALUES");
    database.rollback(&migrations, &Rollback::All).unwrap();
}

#[test]
fn a_referenced_column_can_be_renamed_during_a_rebuild() {
    let database = Database::in_file();
    up_and_down(&database, |schema| {
        schema.alter_table("users", |t| {
            t.set_default("name", "nobody");
            t.rename_column("id", "user_id");
            t.integer("age").default(0).check("age >= 0");
        });
    });
    let joined = "SELECT count(*) FROM users JOIN posts ON posts.user_id = users.user_id";
    assert_eq!(database.number(joined), 2);
    database.execute("PRAGMA foreign_keys = ON; DELETE FROM users");
    assert_eq!(database.number("SELECT count(*) FROM posts"), 0);
}

#[test]
fn unknown_triggers_are_not_dropped_silently() {
    let database = Database::in_file();
    let mut migrations = users_and_posts();
    database.up(&migrations).unwrap();
    database.execute(
        "CREATE TRIGGER greet AFTER INSERT ON posts BEGIN UPDATE posts SET title = 'hello' WHERE id = new.id; END",
    );
    migrations.push(migration(3, |schema| schema.drop_table("posts")));
    let plan = database
        .with(&migrations, |runner| runner.plan(&Target::Latest))
        .unwrap();
    let notes = plan.migrations()[0].steps()[0].notes();
    let warns = |note: &Note| note.code() == Some(Code::UNTRACKED_OBJECT_LOST) && note.message().contains("`greet`");
    assert!(notes.iter().any(warns), "{plan}");
    migrations.pop();
    migrations.push(migration(3, |schema| {
        schema.alter_table("posts", |t| t.drop_column("title").undo_fill("?"));
    }));
    let error = database.up(&migrations).unwrap_err();
    let is_trigger = |found: &Diagnostic| found.code == Code::COLUMN_IN_USE && found.message.contains("`greet`");
    assert!(error.diagnostics().iter().any(is_trigger), "{error}");
}

#[test]
fn a_failed_rebuild_changes_nothing() {
    let database = Database::in_file();
    let mut migrations = users_and_posts();
    database.up(&migrations).unwrap();
    database.execute(ROWS);
    // Row 2 has no name.
    migrations.push(migration(3, |schema| {
        schema.alter_table("users", |t| t.set_not_null("name"));
    }));
    let before = database.whole_picture();
    let mut connection = SqliteConnection::establish(&database.url()).unwrap();
    sql_query("PRAGMA foreign_keys = ON").execute(&mut connection).unwrap();
    let registry = migrate_core::Registry::of(migrations.iter().copied()).unwrap();
    let error = migrate_core::Runner::new(&mut connection, registry)
        .up(&Target::Latest)
        .unwrap_err();
    assert!(database.said(&error).contains("NOT NULL constraint failed"), "{error}");
    assert_eq!(database.whole_picture(), before);
    // The connection enforces foreign keys again.
    assert!(
        sql_query("INSERT INTO posts (title, user_id) VALUES ('x', 99)")
            .execute(&mut connection)
            .is_err()
    );
}

#[test]
fn violated_foreign_keys_stop_a_rebuild() {
    let database = Database::in_file();
    let mut migrations = users_and_posts();
    database.up(&migrations).unwrap();
    database.execute(ROWS);
    migrations.push(migration(3, |schema| {
        schema.alter_table("users", |t| t.set_default("name", "nobody"));
        schema.execute("DELETE FROM users WHERE id = 1").up_only();
    }));
    let before = database.whole_picture();
    let error = database.up(&migrations).unwrap_err();
    assert!(
        database
            .said(&error)
            .contains("row 1 of `posts` references a missing row of `users`"),
        "{error}"
    );
    assert_eq!(database.whole_picture(), before);
}

#[test]
fn an_accepted_but_unapplied_edit_stops_a_rebuild() {
    let database = Database::in_file();
    let make = |has_nick: bool| {
        migration(1, move |schema| {
            schema.create_table("users", |t| {
                t.text("name");
                if has_nick {
                    t.text("nick").nullable();
                }
            });
        })
    };
    database.up(&[make(false)]).unwrap();
    let all = [
        make(true),
        migration(2, |schema| schema.alter_table("users", |t| t.set_not_null("nick"))),
    ];
    let first = MigrationRef::from(Version::new(1).unwrap());
    database.with(&all, |runner| runner.accept(&first)).unwrap();
    let before = database.whole_picture();
    let error = database.up(&all).unwrap_err();
    insta::assert_snapshot!(database.said(&error), @"
    [M0704] table `users` differs from the migrations, and a rebuild would lose the difference
      --> migrate-core/tests/contract/sqlite/rebuild.rs:N
      statement: rebuild of `users`
      cause: missing column nick text
      note: the transaction was rolled back; the database is unchanged
      help: change the table by hand to match the migrations, then run `Runner::up`
      help: if an applied migration was edited and accepted, make that change in a new migration instead
    ");
    assert_eq!(database.whole_picture(), before);
}

#[test]
fn a_rebuild_needs_a_transaction() {
    let database = Database::in_file();
    let mut migrations = users_and_posts();
    database.up(&migrations).unwrap();
    migrations.push(untransactional(3, |schema| {
        schema.alter_table("users", |t| t.set_default("name", "nobody"));
    }));
    let error = database.up(&migrations).unwrap_err();
    assert!(database.said(&error).contains("needs a transaction"), "{error}");
}

/// A database that no migration created, with every SQLite feature.
const BY_HAND: &str = "PRAGMA foreign_keys = ON;
    CREATE TABLE parent (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT COLLATE NOCASE CHECK (length(name) < 100) UNIQUE,
        amount INTEGER NOT NULL DEFAULT (1 + 1),
        double_amount INTEGER GENERATED ALWAYS AS (amount * 2) STORED,
        shown TEXT AS (name || '!')
    ) STRICT;
    CREATE INDEX by_amount ON parent (amount DESC) WHERE amount > 1;
    CREATE INDEX by_lower_name ON parent (lower(name), name COLLATE BINARY);
    CREATE TABLE child (
        id INTEGER PRIMARY KEY,
        parent_id INTEGER REFERENCES parent (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
    );
    CREATE TABLE log (entry TEXT);
    CREATE TRIGGER parent_log AFTER UPDATE ON parent BEGIN
        INSERT INTO log VALUES (new.name); -- with a comment; and more
    END;
    CREATE TRIGGER child_log AFTER INSERT ON child BEGIN UPDATE parent SET amount = amount + 1 WHERE id = new.parent_id; END;
    CREATE VIEW richest AS SELECT name FROM parent ORDER BY amount DESC;
    CREATE TABLE keyed (a TEXT, b TEXT, c TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE loose (a TEXT);
    INSERT INTO parent (id, name, amount) VALUES (1, 'Ada', 5), (2, 'Bob', 7), (9, 'Cy', 1);
    DELETE FROM parent WHERE id = 9;
    INSERT INTO child VALUES (1, 1), (2, 1), (3, 2);
    INSERT INTO keyed VALUES ('x', 'y', 'z');
    INSERT INTO loose (rowid, a) VALUES (3, 'three'), (70, 'seventy');";

fn adopted(
    up: impl Fn(&mut migrate_core::Schema) + Send + Sync + 'static,
    down: impl Fn(&mut migrate_core::Schema) + Send + Sync + 'static,
) -> [Migration; 2] {
    [
        // Raw SQL: the tables are unknown after it.
        migration(1, |schema| {
            for table in ["parent", "child", "keyed", "loose", "search"] {
                schema
                    .execute(format!("DROP TABLE IF EXISTS no_such_{table}"))
                    .up_only();
                schema
                    .execute(format!("CREATE TABLE IF NOT EXISTS {table} (unused)"))
                    .up_only();
            }
        }),
        migration_with_down(2, up, down),
    ]
}

#[test]
fn a_table_created_elsewhere_keeps_all_its_attributes() {
    let database = Database::in_file();
    database.execute(BY_HAND);
    let migrations = adopted(
        |schema| {
            schema.alter_table("parent", |t| {
                t.set_not_null("name");
                t.set_default("name", "nobody");
            });
            schema.alter_table("keyed", |t| t.set_not_null("c"));
            schema.alter_table("loose", |t| t.set_default("a", "none"));
        },
        |schema| {
            schema.alter_table("parent", |t| {
                t.drop_not_null("name");
                t.drop_default("name");
            });
            schema.alter_table("keyed", |t| t.drop_not_null("c"));
            schema.alter_table("loose", |t| t.drop_default("a"));
        },
    );
    database.up(&migrations[..1]).unwrap();
    let rows = |database: &Database| -> Vec<String> {
        let lines = database.picture();
        lines.into_iter().filter(|line| !line.contains("CREATE ")).collect()
    };
    let before = rows(&database);
    database.up(&migrations).unwrap();
    assert_eq!(rows(&database), before, "rows, and the mark of AUTOINCREMENT");
    let schema: Vec<String> = database
        .picture()
        .into_iter()
        .filter(|line| line.contains("CREATE ") && !line.contains("search"))
        .collect();
    insta::assert_snapshot!(schema.join("\n"));
    for (query, expected) in [
        ("SELECT count(*) FROM child", 3),
        ("SELECT rowid FROM loose WHERE a = 'seventy'", 70),
        ("SELECT count(*) FROM parent WHERE name = 'ADA'", 1),
        ("SELECT double_amount FROM parent WHERE id = 2", 16),
        ("SELECT count(*) FROM richest", 2),
    ] {
        assert_eq!(database.number(query), expected, "{query}");
    }
    // The triggers fire, on both tables.
    database.execute("INSERT INTO child VALUES (4, 2)");
    assert_eq!(database.number("SELECT amount FROM parent WHERE id = 2"), 9);
    assert_eq!(database.number("SELECT count(*) FROM log"), 4);
    // Deletes still cascade to the children.
    database.execute("PRAGMA foreign_keys = ON; DELETE FROM parent WHERE id = 1");
    assert_eq!(database.number("SELECT count(*) FROM child"), 2);
    database.execute("INSERT INTO parent (name) VALUES ('Di')");
    assert_eq!(database.number("SELECT max(id) FROM parent"), 10);
    // The table is STRICT, and its column is NOT NULL now.
    for wrong in [
        "INSERT INTO parent (amount) VALUES ('x')",
        "UPDATE parent SET name = NULL",
    ] {
        let mut connection = SqliteConnection::establish(&database.url()).unwrap();
        assert!(sql_query(wrong).execute(&mut connection).is_err(), "{wrong}");
    }
    database.rollback(&migrations, &Rollback::Last(1)).unwrap();
    database.execute("UPDATE parent SET name = NULL WHERE id = 2");
}

#[test]
fn a_table_that_was_analyzed_is_analyzed_again() {
    let database = Database::in_file();
    let migrations = [
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.text("name");
                t.index(["name"]);
            });
            schema.create_table("posts", |t| t.id());
        }),
        migration(2, |schema| {
            schema.alter_table("users", |t| t.set_default("name", "nobody"));
        }),
    ];
    database.up(&migrations[..1]).unwrap();
    database.execute("INSERT INTO users (name) VALUES ('ada'), ('bob'), ('bob'); ANALYZE");
    let statistics =
        "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'users' AND idx = 'users_name_idx' AND stat = '3 2'";
    assert_eq!(database.number(statistics), 1);
    database.execute("INSERT INTO users (name) VALUES ('cy')");
    database.up(&migrations).unwrap();
    assert_eq!(database.number(&statistics.replace("3 2", "4 2")), 1);
}

#[test]
fn manual_additions_to_a_known_table_are_kept() {
    for (by_hand, kept) in [
        (
            "CREATE TRIGGER log AFTER INSERT ON users BEGIN SELECT 1; END",
            "trigger log",
        ),
        ("CREATE INDEX by_hand ON users (name)", "index by_hand"),
        (
            "ALTER TABLE users ADD COLUMN by_hand TEXT DEFAULT 'x'",
            "\"by_hand\" TEXT DEFAULT 'x'",
        ),
    ] {
        let database = Database::in_file();
        let mut migrations = users_and_posts();
        database.up(&migrations).unwrap();
        database.execute(ROWS);
        database.execute(by_hand);
        migrations.push(migration(3, |schema| {
            schema.alter_table("users", |t| t.set_default("name", "nobody"));
        }));
        database.up(&migrations).unwrap();
        assert!(database.picture().join("\n").contains(kept), "{by_hand}");
        database.rollback(&migrations, &Rollback::Last(1)).unwrap();
        assert!(database.picture().join("\n").contains(kept), "{by_hand}");
    }
}

#[test]
fn tables_that_cannot_be_described_are_not_rebuilt() {
    for (table, by_hand, said) in [
        ("search", "CREATE VIRTUAL TABLE search USING fts5(a)", "virtual table"),
        (
            "odd",
            "CREATE TABLE odd (a TEXT UNIQUE ON CONFLICT REPLACE)",
            "ON CONFLICT",
        ),
    ] {
        let database = Database::in_file();
        database.execute(by_hand);
        let migrations = [migration(1, move |schema| {
            schema
                .execute(format!("CREATE TABLE IF NOT EXISTS {table} (a)"))
                .up_only();
            schema.alter_table(table, |t| t.set_not_null("a"));
        })];
        let before = database.whole_picture();
        let error = database.up(&migrations).unwrap_err();
        assert!(database.said(&error).contains(said), "{error}");
        assert_eq!(database.whole_picture(), before);
    }
}

#[test]
fn an_introspected_table_is_checked_like_a_known_one() {
    let database = Database::in_file();
    database.execute(BY_HAND);
    let migrations = adopted(
        |schema| {
            schema.alter_table("parent", |t| t.drop_column("amuont"));
        },
        |schema| {
            schema.alter_table("parent", |t| t.integer("amuont").nullable());
        },
    );
    database.up(&migrations[..1]).unwrap();
    let error = database.up(&migrations).unwrap_err();
    assert_eq!(error.code(), Code::UNKNOWN_NAME, "{error}");
    assert!(error.to_string().contains("did you mean `amount`?"), "{error}");
}

#[test]
fn a_rollback_is_not_derived_from_the_live_database() {
    let database = Database::in_file();
    database.execute(BY_HAND);
    let [raw, _] = adopted(|_| {}, |_| {});
    let migrations = [
        raw,
        migration(2, |schema| {
            schema.alter_table("parent", |t| t.set_default("name", "nobody"));
        }),
    ];
    database.up(&migrations[..1]).unwrap();
    let error = database.up(&migrations).unwrap_err();
    assert_eq!(error.code(), Code::UNKNOWN_DEFINITION, "{error}");
}

#[test]
fn a_rename_between_two_rebuilds_is_followed() {
    let database = Database::in_file();
    let mut migrations = users_and_posts();
    database.up(&migrations).unwrap();
    database.execute(ROWS);
    database.execute("CREATE INDEX \"by_hand\" ON \"users\" (\"name\")");
    migrations.push(migration(3, |schema| {
        schema.alter_table("users", |t| t.set_default("name", "nobody"));
        schema.rename_table("users", "people");
        schema.alter_table("people", |t| t.rename_column("name", "full_name"));
        schema.alter_table("people", |t| t.drop_default("full_name"));
    }));
    let before = database.picture();
    database.up(&migrations).unwrap();
    assert_eq!(
        database.number("SELECT count(*) FROM people JOIN posts ON user_id = people.id"),
        2
    );
    database.rollback(&migrations, &Rollback::Last(1)).unwrap();
    assert_eq!(database.picture(), before);
}

#[test]
fn a_plan_warns_of_data_steps_beside_a_rebuild() {
    let database = Database::in_file();
    let mut migrations = users_and_posts();
    database.up(&migrations).unwrap();
    migrations.push(migration(3, |schema| {
        schema.execute("DELETE FROM users WHERE name = 'x'").up_only();
        schema.alter_table("users", |t| t.drop_not_null("email"));
    }));
    let plan = database
        .with(&migrations, |runner| runner.plan(&Target::Latest))
        .unwrap();
    insta::assert_snapshot!(plan.to_string(), @r#"
    -- apply 3 m3 (src/migrations.rs:3)
    -- warning[M0607]: this transaction rebuilds a table, so foreign keys are disabled for every step in it; deletes do not cascade
    PRAGMA foreign_keys = OFF;
    BEGIN IMMEDIATE;
    DELETE FROM users WHERE name = 'x';
    -- table `users` is rebuilt. Foreign keys are disabled during the rebuild and checked afterwards
    CREATE TABLE "__migrate_new_users" (
        "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
        "email" VARCHAR(200),
        "name" VARCHAR(200),
        CONSTRAINT "users_email_key" UNIQUE ("email")
    );
    INSERT INTO "__migrate_new_users" ("id", "email", "name") SELECT "id", "email", "name" FROM "users";
    INSERT INTO sqlite_sequence (name, seq) SELECT '__migrate_new_users', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '__migrate_new_users');
    UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'users'), 0)) WHERE name = '__migrate_new_users';
    DROP TABLE "users";
    PRAGMA legacy_alter_table = ON;
    ALTER TABLE "__migrate_new_users" RENAME TO "users";
    PRAGMA legacy_alter_table = OFF;
    PRAGMA foreign_key_check;
    COMMIT;
    PRAGMA foreign_keys = ON;
    "#);
}
