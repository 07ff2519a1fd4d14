//! The checks of migrations on servers: the mistakes that they find, and the valid migrations that they accept.

use diesel::connection::SimpleConnection;
use diesel::{MysqlConnection, PgConnection, QueryResult, RunQueryDsl, sql_query};
use migrate_core::prelude::*;
use migrate_core::schema::Value;
use migrate_core::testing::{Checks, ServerConnection, TestResult, TestServer};

use super::databases::Number;
use crate::support::migration;

on_every_test_server! {
    rows_are_generated_for_every_kind_of_table
    each_mistake_is_found
    a_rust_step_for_another_connection_is_found
}

fn checks<C: ServerConnection>(server: &TestServer<C>, migrations: Vec<Migration>) -> Checks {
    Checks::new("no package").migrations(migrations).on(server.clone())
}

fn is_postgres<C: ServerConnection>(server: &TestServer<C>) -> bool {
    format!("{server:?}").contains("postgres")
}

/// Types that all servers have, with constraints for which rows must be generated.
fn all_kinds() -> Vec<Migration> {
    vec![
        migration(10, |schema| {
            schema.create_table("people", |t| {
                t.id();
                t.varchar("email", 100).unique().check("email LIKE '%@%'");
                t.varchar("status", 20).check("status IN ('new', 'active', 'gone')");
                t.integer("age").check("age >= 18 AND age < 130");
                t.char("country", 2);
                t.numeric("price", 6, 2).check("price > 0");
                t.double("share").check("share BETWEEN 0 AND 1");
                t.float("weight").nullable();
                t.small_int("rank");
                t.bool("flag");
                t.binary("bytes").nullable();
                t.jsonb("data");
                t.json("more").nullable();
                t.date("born");
                t.time("at");
                t.timestamp("seen");
                t.timestamptz("moment");
                t.timestamps();
                t.integer("twice").generated("age * 2");
            });
            schema.create_table("profiles", |t| {
                t.big_int("person_id")
                    .primary_key()
                    .references("people", "id")
                    .on_delete(ForeignKeyAction::Cascade);
                t.text("bio").nullable();
            });
            schema.create_table("friends", |t| {
                t.big_int("person_id").references("people", "id");
                t.big_int("friend_id").references("people", "id");
                t.primary_key(["person_id", "friend_id"]);
            });
            schema.create_table("tree", |t| {
                t.id();
                t.big_int("parent_id").nullable().references("tree", "id");
                t.varchar("name", 50);
                t.unique(["parent_id", "name"]);
            });
            schema.create_table("only_a_number", |t| t.id());
        }),
        // Low numbers are free for rows that a migration inserts with its own numbers.
        migration(11, |schema| {
            schema
                .execute("INSERT INTO tree (id, name) VALUES (1, 'a'), (2, 'b')")
                .undo("DELETE FROM tree WHERE id < 3");
        }),
        // Referenced rows exist when the key is added, and they are distinct when it must be unique.
        migration(12, |schema| {
            schema.create_table("likes", |t| {
                t.big_int("tree_id");
            });
        }),
        migration(13, |schema| {
            schema.alter_table("likes", |t| {
                t.foreign_key(["tree_id"], "tree", ["id"]);
            });
            schema.create_index("likes", ["tree_id"]).unique();
        }),
        // Without a primary key, MySQL and MariaDB order rows by these unique keys.
        migration(14, |schema| {
            for table in ["one", "two", "three"] {
                schema.create_table(table, |t| {
                    t.integer("a").unique();
                    t.integer("b");
                });
            }
        }),
        migration(15, |schema| {
            schema.alter_table("one", |t| t.drop_not_null("a"));
            schema.alter_table("two", |t| t.drop_constraint("two_a_key"));
            schema.alter_table("three", |t| t.drop_column("a").undo_fill_sql("b"));
        }),
    ]
}

/// Types of PostgreSQL only.
fn types_of_postgres() -> Migration {
    migration(20, |schema| {
        schema.create_enum("mood", ["sad", "it's fine", "happy"]);
        schema.create_table("of_postgres", |t| {
            t.column("id", ColumnType::Uuid).primary_key();
            t.enum_type("mood", "mood");
            for (number, word) in [
                "integer[]",
                "text[]",
                "inet",
                "interval",
                "int4range",
                "bit(3)",
                "bit varying(4)",
                "character varying",
                "numeric",
                "tsvector",
                "point",
                "macaddr",
                "time with time zone",
                "timestamp(3) without time zone",
            ]
            .into_iter()
            .enumerate()
            {
                t.column(format!("c{number}"), ColumnType::Named(word.to_owned()));
            }
        });
        for (make, drop) in [
            (
                "CREATE TABLE counted_always (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT)",
                "DROP TABLE counted_always",
            ),
            (
                "CREATE DOMAIN address AS TEXT CHECK (VALUE LIKE '%@%')",
                "DROP DOMAIN address",
            ),
            ("CREATE TABLE of_domain (mail address NOT NULL)", "DROP TABLE of_domain"),
        ] {
            schema.execute(make).undo(drop);
        }
    })
}

/// Types of MySQL and MariaDB only.
fn types_of_mysql() -> Migration {
    migration(20, |schema| {
        schema.create_table("of_mysql", |t| {
            t.id();
            for (number, word) in [
                "ENUM('sad', 'it''s fine', 'happy')",
                "SET('a', 'b')",
                "TINYINT",
                "INT UNSIGNED",
                "MEDIUMTEXT",
                "VARBINARY(5)",
                "BINARY(3)",
                "BIT(2)",
                "YEAR",
                "DATETIME(3)",
            ]
            .into_iter()
            .enumerate()
            {
                t.column(format!("c{number}"), ColumnType::Named(word.to_owned()));
            }
        });
    })
}

/// Keys of a binary type.
fn keys_of_bytes(bytes: ColumnType) -> Migration {
    migration(21, move |schema| {
        schema.create_table("keys", |t| t.column("code", bytes.clone()).primary_key());
        schema.create_table("of_keys", |t| {
            t.column("code", bytes.clone()).references("keys", "code")
        });
    })
}

fn bytes(_: &str, column: &str, row: usize) -> Option<Value> {
    (column == "code").then(|| {
        Value::Binary(
            [0, 255, b'\'', b',', b'\\']
                .into_iter()
                .chain(row.to_be_bytes())
                .collect(),
        )
    })
}

/// Fails if a table has no rows.
fn require_rows() -> Migration {
    fn on_postgres(conn: &mut PgConnection) -> QueryResult<()> {
        conn.batch_execute(
            "DO $$ DECLARE t TEXT; n BIGINT; BEGIN \
             FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('SELECT count(*) FROM %I', t) INTO n; \
             IF n = 0 THEN RAISE EXCEPTION '% is empty', t; END IF; END LOOP; END $$",
        )
    }
    fn on_mysql(conn: &mut MysqlConnection) -> QueryResult<()> {
        let tables = "people profiles friends tree only_a_number likes of_mysql keys of_keys";
        for table in tables.split(' ') {
            // Diesel returns an error if the query has no row.
            sql_query(format!("SELECT 1 AS number FROM `{table}` LIMIT 1")).get_result::<Number>(conn)?;
        }
        Ok(())
    }
    migration(30, |schema| {
        schema.run((on_postgres, on_mysql)).up_only();
    })
}

fn rows_are_generated_for_every_kind_of_table<C: ServerConnection>(server: TestServer<C>) -> TestResult {
    let mut all = all_kinds();
    all.push(if is_postgres(&server) {
        types_of_postgres()
    } else {
        types_of_mysql()
    });
    all.push(keys_of_bytes(match is_postgres(&server) {
        true => ColumnType::Binary,
        false => ColumnType::Named("VARBINARY(20)".to_owned()),
    }));
    let without_rows = checks(&server, all.clone());
    without_rows.every_plan_is_right()?;
    without_rows.all_migrations_apply_to_an_empty_database()?;
    without_rows.each_migration_goes_up_down_and_up_again()?;
    all.push(require_rows());
    checks(&server, all.clone())
        .values(bytes)
        .each_migration_goes_up_down_and_up_again_with_rows()?;
    let empty = checks(&server, all).each_migration_goes_up_down_and_up_again();
    assert!(empty.is_err(), "the last migration tells whether there are rows");
    Ok(())
}

fn users() -> Migration {
    migration(1, |schema| {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("name", 40).nullable();
            t.integer("age");
        });
        schema.create_table("posts", |t| {
            t.id();
            t.varchar("title", 100);
        });
    })
}

fn each_mistake_is_found<C: ServerConnection>(server: TestServer<C>) -> TestResult {
    let mistakes: [(&str, Migration); 7] = [
        (
            "`t.rename_column(\"name\", \"full_name\")`",
            migration(2, |schema| {
                schema.alter_table("users", |t| {
                    t.drop_column("name");
                    t.varchar("full_name", 40).nullable();
                });
            }),
        ),
        (
            "fix or remove such rows",
            migration(2, |schema| schema.alter_table("users", |t| t.set_not_null("name"))),
        ),
        (
            "`posts` had 3 rows and now has 0",
            migration(2, |schema| {
                schema.execute("DROP TABLE posts").up_only();
                schema
                    .execute("CREATE TABLE posts (id BIGINT NOT NULL PRIMARY KEY, title VARCHAR(100) NOT NULL)")
                    .up_only();
            }),
        ),
        (
            "forgotten",
            migration(2, |schema| {
                schema
                    .execute("CREATE INDEX forgotten ON users (age)")
                    .undo("DELETE FROM users WHERE age < 0");
            }),
        ),
        (
            "this was the second `up`",
            migration(2, |schema| {
                schema.execute("CREATE INDEX in_the_way ON users (age)").up_only();
            }),
        ),
        (
            "this was the rollback right after `up`",
            migration(2, |schema| {
                schema
                    .execute("CREATE INDEX by_age ON users (age)")
                    .undo("ALTER TABLE users DROP COLUMN shoe_size");
            }),
        ),
        (
            "CREATE INDEX users_by_name ON users name",
            migration(2, |schema| {
                schema
                    .execute("CREATE INDEX users_by_name ON users name")
                    .undo("DROP TABLE users");
            }),
        ),
    ];
    for (words, mistake) in mistakes {
        let checks = checks(&server, vec![users(), mistake]);
        let said = checks.each_migration_goes_up_down_and_up_again_with_rows();
        let said = said.map_or_else(|error| error.to_string(), |()| "nothing".to_owned());
        assert!(said.contains(words), "{words}: {said}");
    }
    let differs_from_changes = migration(2, |schema| {
        schema
            .execute("ALTER TABLE users ADD COLUMN shoe_size INTEGER")
            .changes(|schema| schema.alter_table("users", |t| t.date("shoe_size").nullable()))
            .undo("ALTER TABLE users DROP COLUMN shoe_size");
    });
    let said = checks(&server, vec![users(), differs_from_changes]).all_migrations_apply_to_an_empty_database();
    let said = said.unwrap_err().to_string();
    assert!(
        said.contains("expected column shoe_size date, found column shoe_size integer"),
        "{said}"
    );
    Ok(())
}

fn a_rust_step_for_another_connection_is_found<C: ServerConnection>(server: TestServer<C>) -> TestResult {
    let on_sqlite = migration(2, |schema| {
        schema
            .run(|_: &mut diesel::SqliteConnection| Ok::<(), diesel::result::Error>(()))
            .up_only();
    });
    let said = checks(&server, vec![users(), on_sqlite]).every_plan_is_right();
    let said = said.unwrap_err().to_string();
    assert!(said.contains("SqliteConnection") && said.contains("on = ["), "{said}");
    Ok(())
}
