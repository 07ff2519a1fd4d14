//! The disturbed work: every kind of change, and a step whose completion cannot be detected.

use diesel::prelude::*;
use diesel::sql_query;
use migrate_core::prelude::*;
use migrate_core::{Error, Rollback, Target};

use crate::support::{AnyConnection, Engine, generated, migration, untransactional};

/// The work of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Applies all migrations.
    Up,
    /// Rolls all migrations back.
    Back,
    /// Applies a migration outside a transaction that has a Rust step.
    InRust,
}

impl Work {
    pub(super) fn word(self) -> &'static str {
        match self {
            Work::Up => "up",
            Work::Back => "back",
            Work::InRust => "in rust",
        }
    }

    pub(super) fn of(word: &str) -> Work {
        let all = [Work::Up, Work::Back, Work::InRust];
        all.into_iter().find(|work| work.word() == word).unwrap()
    }

    pub(super) fn migrations(self, engine: Engine) -> Vec<Migration> {
        match self {
            Work::Up | Work::Back => every_kind(engine),
            Work::InRust => in_rust(),
        }
    }

    pub(super) fn run(self, connection: &mut AnyConnection, engine: Engine) -> Result<(), Error> {
        let mut runner = connection.runner(&self.migrations(engine));
        match self {
            Work::Up | Work::InRust => runner.up(&Target::Latest).map(drop),
            Work::Back => runner.rollback(&Rollback::All).map(drop),
        }
    }
}

/// Every kind of change, with rows in between.
fn every_kind(engine: Engine) -> Vec<Migration> {
    let handle = engine.pick("'h' || id", "'h' || id", "concat('h', id)");
    let fill = rust_step!(|conn| {
        sql_query(format!("UPDATE users SET handle = {handle}"))
            .execute(conn)
            .map(drop)
    });
    let mut all = vec![
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.varchar("email", 100).unique();
                t.check("users_email", "email LIKE '%@%'");
            });
            schema.create_table("posts", |t| {
                t.id();
                t.big_int("user_id")
                    .references("users", "id")
                    .on_delete(ForeignKeyAction::Cascade);
                t.varchar("title", 50);
                t.index(["user_id"]);
            });
        }),
        migration(2, |schema| {
            schema
                .execute("INSERT INTO users (id, email) VALUES (1, 'a@example.org'), (2, 'b@example.org')")
                .undo("DELETE FROM users WHERE email IN ('a@example.org', 'b@example.org')");
            schema
                .execute("INSERT INTO posts (id, user_id, title) SELECT id, id, email FROM users")
                .undo("DELETE FROM posts WHERE title LIKE '%@example.org'");
        }),
        migration(3, move |schema| {
            schema.alter_table("users", |t| t.varchar("handle", 20).nullable());
            schema.run(fill).up_only();
            schema.alter_table("users", |t| t.set_not_null("handle"));
            schema.create_index("users", ["handle"]).unique();
        }),
        migration(4, |schema| {
            schema.create_view("handles", "SELECT handle FROM users");
            schema.rename_table("posts", "articles");
            schema.alter_table("articles", |t| {
                t.integer("likes").default(7);
            });
        }),
        untransactional(5, move |schema| {
            // From here on, session settings change how the session prints the catalogs.
            schema
                .execute(engine.pick(
                    "PRAGMA cache_size = 100",
                    "SET quote_all_identifiers = on",
                    "SET sql_mode = 'ANSI_QUOTES,STRICT_TRANS_TABLES'",
                ))
                .up_only();
            if engine.is_postgres() {
                schema.create_index("articles", ["title"]).concurrently();
            } else {
                schema.create_index("articles", ["title"]);
            }
            schema.create_table("outside", |t| t.id());
            schema
                .execute("UPDATE articles SET likes = likes + 1")
                .undo("UPDATE articles SET likes = likes - 1");
        }),
        migration(6, |schema| {
            schema
                .execute("CREATE TABLE raw (id int PRIMARY KEY)")
                .undo("DROP TABLE raw");
            schema
                .execute("ALTER TABLE raw ADD COLUMN more int")
                .undo("ALTER TABLE raw DROP COLUMN more");
            schema.execute("INSERT INTO raw VALUES (1, 2)").undo("DELETE FROM raw");
        }),
    ];
    // Generated SQL only: PostgreSQL pipelines these migrations.
    all.extend((7..=9).map(generated));
    all.push(migration(10, rename_and_drop));
    if std::env::var("CI_FULL").is_ok() {
        all.extend((11..=40).map(generated));
    }
    all
}

fn rename_and_drop(schema: &mut Schema) {
    schema.alter_table("articles", |t| {
        t.rename_column("title", "headline");
        t.varchar("summary", 20).default("none");
    });
    schema.alter_table("users", |t| t.drop_constraint("users_email"));
    schema.drop_table("t7");
}

/// Only a person knows if its second step has completed.
fn in_rust() -> Vec<Migration> {
    let adds = rust_step!(|conn| sql_query("INSERT INTO t1 VALUES (20)").execute(conn).map(drop));
    vec![
        crate::support::table(1),
        untransactional(2, move |schema| {
            schema.create_table("before", |t| t.id());
            schema.run(adds).up_only();
            schema.create_table("after", |t| t.id());
        }),
    ]
}
