//! The checks of `test_migrations!` with generated rows: the mistakes that they find, and the valid migrations that
//! they accept. `test_migrations_macro` covers their use and their output in a package.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use migrate_core::prelude::*;
use migrate_core::testing::Checks;

use super::support::{migration, migration_with_down};

/// The error of the checks, or nothing if the migrations are valid.
fn said(migrations: impl IntoIterator<Item = Migration>) -> String {
    let checks = Checks::new("no package").migrations(migrations);
    let alone = checks.each_migration_goes_up_down_and_up_again();
    let result = alone.and_then(|()| checks.each_migration_goes_up_down_and_up_again_with_rows());
    result.map_or_else(|error| error.to_string(), |()| String::new())
}

fn users() -> Migration {
    migration(1, |schema| {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("name", 40);
            t.integer("age");
        });
        schema.create_table("posts", |t| {
            t.id();
            t.text("title");
        });
    })
}

#[track_caller]
fn is_found(migration: Migration, words: &str) {
    let said = said([users(), migration]);
    assert!(said.contains(words), "{said}");
}

#[track_caller]
fn is_right(migrations: impl IntoIterator<Item = Migration>) {
    assert_eq!(said(std::iter::once(users()).chain(migrations)), "");
}

#[test]
fn a_manual_rename_is_found_despite_other_changes() {
    let rename = "`t.rename_column(\"name\", \"full_name\")`";
    is_found(
        migration(2, |schema| {
            schema.alter_table("users", |t| {
                t.drop_column("name").undo_fill("x");
                t.text("full_name").nullable();
            });
            schema.execute("UPDATE posts SET title = lower(title)").up_only();
        }),
        rename,
    );
    is_found(
        migration(2, |schema| {
            schema
                .execute("ALTER TABLE users DROP COLUMN name")
                .changes(|schema| schema.alter_table("users", |t| t.drop_column("name")))
                .undo("ALTER TABLE users ADD COLUMN name VARCHAR(40) NOT NULL DEFAULT ''");
            schema.alter_table("users", |t| t.varchar("full_name", 40).default(""));
        }),
        "users",
    );
}

#[test]
fn a_table_dropped_and_recreated_is_found() {
    let make = |name: &'static str| {
        migration(2, move |schema| {
            schema.drop_table("posts");
            schema.create_table(name, |t| {
                t.id();
                t.text("title");
            });
        })
    };
    is_found(make("articles"), "`schema.rename_table(\"posts\", \"articles\")`");
    is_found(make("posts"), "`schema.alter_table(\"posts\", ..)`");
    is_found(
        migration(2, |schema| {
            schema.alter_table("users", |t| t.drop_column("age").undo_fill(0));
            schema.alter_table("users", |t| t.integer("age").default(0));
        }),
        "`users.age` is dropped and added again",
    );
}

#[test]
fn a_rollback_that_needs_empty_tables_is_found() {
    is_found(
        migration_with_down(
            2,
            |schema| {
                schema.create_table("teams", |t| t.id());
                schema.create_table("members", |t| {
                    t.big_int("team_id").references("teams", "id");
                });
            },
            |schema| {
                schema.execute("DROP TABLE teams").up_only();
                schema.execute("DROP TABLE members").up_only();
            },
        ),
        "this was the rollback right after `up`",
    );
}

#[test]
fn a_forgotten_index_is_found_despite_unusual_objects() {
    let forgets_index = |schema: &mut Schema| {
        schema.execute("CREATE INDEX forgotten ON users (age)").undo("SELECT 1");
    };
    is_found(
        migration(2, move |schema| {
            schema
                .execute("CREATE INDEX IF NOT EXISTS stays ON posts (title)")
                .up_only();
            forgets_index(schema);
        }),
        "forgotten",
    );
    let unusual = migration(2, |schema| {
        schema
            .execute("CREATE TABLE unusual (a TEXT UNIQUE ON CONFLICT REPLACE)")
            .undo("DROP TABLE unusual");
    });
    let forgets = migration(3, |schema| {
        schema.execute("CREATE INDEX of_it ON unusual (a)").undo("SELECT 1");
    });
    let said = said([unusual, forgets]);
    assert!(said.contains("`unusual`"), "{said}");
}

#[test]
fn a_column_computed_from_a_dropped_one_is_valid() {
    is_right([
        migration(2, |schema| {
            schema.alter_table("users", |t| {
                t.integer("months").fill_sql("age * 12");
                t.drop_column("age").undo_fill(0);
            });
        }),
        migration(3, |schema| {
            schema.alter_table("users", |t| t.text("full_name").nullable());
            schema
                .execute("UPDATE users SET full_name = upper(name)")
                .undo("SELECT 1");
            schema.alter_table("users", |t| t.drop_column("name").undo_fill("x"));
        }),
    ]);
}

#[test]
fn generated_rows_leave_low_ids_to_migrations() {
    is_right([
        migration(2, |schema| {
            schema
                .execute("INSERT INTO posts (id, title) VALUES (1, 'Welcome'), (2, 'Rules'), (3, 'Help')")
                .undo("DELETE FROM posts WHERE id IN (1, 2, 3)");
        }),
        // Referenced rows exist before the foreign key is added.
        migration(3, |schema| {
            schema.create_table("likes", |t| {
                t.big_int("user_id");
            });
        }),
        migration(4, |schema| {
            schema.alter_table("likes", |t| t.foreign_key(["user_id"], "users", ["id"]));
        }),
    ]);
}

#[test]
fn rows_written_by_triggers_do_not_count_as_lost() {
    is_right([
        migration(2, |schema| {
            schema.create_table("log", |t| t.text("what"));
            schema
                .execute("INSERT INTO log VALUES ('begin')")
                .undo("DELETE FROM log WHERE what = 'begin'");
        }),
        migration(3, |schema| {
            schema
                .execute("CREATE TRIGGER log_names AFTER UPDATE ON users BEGIN INSERT INTO log VALUES (new.name); END")
                .undo("DROP TRIGGER log_names");
            schema.execute("UPDATE users SET age = age + 1").up_only();
        }),
        migration(4, |schema| {
            schema.create_view("names", "SELECT name FROM users");
            schema
                .execute(
                    "CREATE TRIGGER add_name INSTEAD OF INSERT ON names \
                     BEGIN INSERT INTO users (name, age) VALUES (new.name, 1); END",
                )
                .undo("DROP TRIGGER add_name");
        }),
        migration(5, |schema| {
            schema.execute("INSERT INTO names VALUES ('Ada')").up_only();
        }),
    ]);
}

#[test]
fn a_full_text_index_with_shadow_tables_is_valid() {
    let search = migration(2, |schema| {
        schema
            .execute("CREATE VIRTUAL TABLE search USING fts5(title)")
            .undo("DROP TABLE search");
    });
    let checks = Checks::new("no package").migrations([users(), search]);
    checks.all_migrations_apply_to_an_empty_database().unwrap();
    is_right([search]);
}

#[test]
fn generated_rows_satisfy_later_unique_keys() {
    is_right([
        migration(2, |schema| {
            schema.create_table("profiles", |t| {
                t.id();
                t.big_int("user_id").references("users", "id");
                t.varchar("email", 8);
            });
        }),
        migration(3, |schema| {
            schema.alter_table("profiles", |t| {
                t.unique(["user_id"]);
                t.unique(["email"]);
            });
        }),
    ]);
}

#[test]
fn rows_are_generated_for_every_kind_of_reference() {
    let all = [
        migration_with_down(
            2,
            |schema| {
                for sql in [
                    // The tables refer to each other, and one column is nullable.
                    "CREATE TABLE chickens (id INTEGER PRIMARY KEY, egg INTEGER NOT NULL REFERENCES eggs (id))",
                    "CREATE TABLE eggs (id INTEGER PRIMARY KEY, chicken INTEGER REFERENCES chickens (id))",
                    // The foreign key references another table's key, not its own.
                    "CREATE TABLE nests (code TEXT PRIMARY KEY, chicken INTEGER NOT NULL REFERENCES chickens)",
                ] {
                    schema.execute(sql).up_only();
                }
            },
            |schema| {
                for sql in [
                    "DROP TABLE nests",
                    "UPDATE eggs SET chicken = NULL",
                    "DROP TABLE chickens",
                    "DROP TABLE eggs",
                ] {
                    schema.execute(sql).up_only();
                }
            },
        ),
        migration(3, |schema| {
            schema.run(require_nests).up_only();
        }),
    ];
    is_right(all);
}

/// Fails if the other tables have rows and this one has none.
fn require_nests(conn: &mut SqliteConnection) -> QueryResult<()> {
    let missing = "(SELECT count(*) FROM users) > 0 AND (SELECT count(*) FROM nests) = 0";
    let is_missing: bool = diesel::select(sql::<Bool>(missing)).first(conn)?;
    match is_missing {
        true => Err(diesel::result::Error::NotFound),
        false => Ok(()),
    }
}

#[test]
fn a_wide_table_is_valid() {
    is_right([
        migration(2, |schema| {
            schema.create_table("wide", |t| {
                for column in 0..600 {
                    t.text(format!("c{column}"));
                }
            });
        }),
        migration(3, |schema| {
            schema.alter_table("wide", |t| t.text("one_more").nullable());
        }),
    ]);
}
