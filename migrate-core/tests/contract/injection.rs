//! Names and texts with a special meaning in SQL.

use migrate_core::{ErrorKind, Migration, Rollback};

use crate::support::{Database, migration};

on_every_database! {
    hostile_names_are_quoted_everywhere
    names_that_no_database_accepts_are_refused
}

/// Uses the name in every place that takes one, and as every text.
fn named(name: &'static str) -> Vec<Migration> {
    vec![
        migration(1, move |schema| {
            schema.create_table(name, |t| {
                t.id();
                t.varchar(format!("{name}1"), 100).default(name).comment(name).unique();
                t.varchar(format!("{name}2"), 100).nullable().default(name);
                t.check(format!("{name} check"), "1 > 0");
                t.index([format!("{name}2")]).name(format!("{name} index"));
                t.comment(name);
            });
            schema.create_table(format!("{name} child"), |t| {
                t.big_int(name).references(name, "id").name(format!("{name} key"));
            });
        }),
        migration(2, move |schema| {
            schema.alter_table(name, |t| {
                t.varchar(format!("{name}3"), 100).fill(name);
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

fn hostile_names_are_quoted_everywhere(db: &Database) {
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
        let migrations = named(name);
        let first = db.up(&migrations[..1]);
        if db.engine.is_mysql() && name == "🦀" {
            assert_eq!(first.unwrap_err().kind(), ErrorKind::InvalidMigration);
            continue;
        }
        first.unwrap_or_else(|error| panic!("{name}: {error}"));
        let agrees = |migrations: &[Migration]| assert_eq!(db.differences(migrations), [""; 0], "{name}");
        agrees(&migrations);
        let tables = db.tables();
        let (table, column) = (db.quoted(name), db.quoted(&format!("{name}1")));
        db.execute(&format!("INSERT INTO {table} (id) VALUES (1)"));
        let count = format!("SELECT count(*) FROM {table} WHERE {column} = {}", db.literal(name));
        assert_eq!(db.number(&count), 1, "{name}");
        db.up(&migrations).unwrap_or_else(|error| panic!("{name}: {error}"));
        agrees(&migrations);
        db.rollback(&migrations, &Rollback::Last(1))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        agrees(&migrations);
        assert_eq!(db.number(&count), 1, "{name}");
        assert_eq!(db.tables(), tables, "{name}");
        db.rollback(&migrations, &Rollback::All).unwrap();
        assert_eq!(db.tables(), [""; 0], "{name}");
    }
}

fn names_that_no_database_accepts_are_refused(db: &Database) {
    let long: &'static str = Box::leak("x".repeat(300).into_boxed_str());
    for name in ["", "a\0b", "a\nb", "a\u{7f}", long] {
        let error = db.up(&named(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMigration, "{name:?}: {error}");
        assert_eq!(db.whole_picture(), [""; 0]);
    }
}
