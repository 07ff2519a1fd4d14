//! Online DDL on MySQL and MariaDB: changes that permit writes request LOCK=NONE; others copy the table.

use migrate_core::prelude::*;
use migrate_core::schema::AlterTable;
use migrate_core::{ErrorKind, Plan, Registry, Rollback};

use crate::support::{Database, migration};

on_mysql! {
    changes_planned_as_online_permit_writes
    any_two_changes_with_a_virtual_column_permit_writes
    an_indexed_virtual_column_makes_some_changes_copy
    changes_that_need_a_copy_run_without_a_lock_clause
    an_unexpected_table_copy_fails_with_a_workaround
}

/// A table with every kind of object, and rows.
fn crowded() -> Migration {
    migration(1, |schema| {
        schema.create_table("parents", |t| {
            t.id();
            t.varchar("code", 20).unique();
        });
        schema.create_table("crowded", |t| {
            t.id();
            t.varchar("plain", 20).nullable();
            t.varchar("checked", 20).nullable();
            t.varchar("counted", 20).nullable();
            t.varchar("indexed", 20).nullable();
            t.varchar("unique", 20).nullable().unique();
            t.integer("filled").default(1);
            t.text("long").nullable();
            t.big_int("parent_id").nullable().references("parents", "id");
            t.check("sane", "checked <> 'mad'");
            t.integer("virtual_length")
                .nullable()
                .generated_virtual("char_length(counted)");
            t.index(["indexed", "filled"]);
        });
        schema
            .execute("INSERT INTO parents (code) VALUES ('a'), ('b')")
            .up_only();
        schema
            .execute(
                "INSERT INTO crowded (plain, checked, counted, indexed, `unique`, `long`, parent_id) \
                 VALUES ('a', 'b', 'c', 'd', 'e', 'f', 1), ('g', 'h', 'i', 'j', 'k', 'l', 2)",
            )
            .up_only();
    })
}

type Change = fn(&mut Schema);

/// Each change runs separately.
const ONLINE: &[(&str, Change)] = &[
    ("add", |s| s.alter_table("crowded", |t| t.integer("more").nullable())),
    ("add with a default", |s| {
        s.alter_table("crowded", |t| t.integer("more").default(7));
    }),
    ("add and fill", |s| {
        s.alter_table("crowded", |t| t.integer("more").fill(7));
    }),
    ("add a text", |s| {
        s.alter_table("crowded", |t| t.text("more").nullable());
    }),
    ("add a virtual column", |s| {
        s.alter_table("crowded", |t| {
            t.integer("more").nullable().generated_virtual("filled * 2")
        });
    }),
    ("drop", |s| s.alter_table("crowded", |t| t.drop_column("plain"))),
    ("drop a long one", |s| {
        s.alter_table("crowded", |t| t.drop_column("long"));
    }),
    ("rename", |s| {
        s.alter_table("crowded", |t| t.rename_column("plain", "simple"));
    }),
    ("rename an indexed one", |s| {
        s.alter_table("crowded", |t| t.rename_column("indexed", "listed"));
    }),
    ("rename a checked one", |s| {
        s.alter_table("crowded", |t| t.rename_column("checked", "looked_at"));
    }),
    ("rename a counted one", |s| {
        s.alter_table("crowded", |t| t.rename_column("counted", "measured"));
    }),
    ("rename a reference", |s| {
        s.alter_table("crowded", |t| t.rename_column("parent_id", "mother_id"));
    }),
    ("rename what is referred to", |s| {
        s.alter_table("parents", |t| t.rename_column("id", "number"));
    }),
    ("not null", |s| s.alter_table("crowded", |t| t.set_not_null("plain"))),
    ("not null of an indexed one", |s| {
        s.alter_table("crowded", |t| t.set_not_null("indexed"));
    }),
    ("not null of a unique one", |s| {
        s.alter_table("crowded", |t| t.set_not_null("unique"));
    }),
    ("not null of a checked one", |s| {
        s.alter_table("crowded", |t| t.set_not_null("checked"));
    }),
    ("not null of a counted one", |s| {
        s.alter_table("crowded", |t| t.set_not_null("counted"));
    }),
    ("not null of a reference", |s| {
        s.alter_table("crowded", |t| t.set_not_null("parent_id"));
    }),
    ("not null of a long one", |s| {
        s.alter_table("crowded", |t| t.set_not_null("long"));
    }),
    ("null", |s| s.alter_table("crowded", |t| t.drop_not_null("filled"))),
    ("set a default", |s| {
        s.alter_table("crowded", |t| t.set_default("plain", "x"));
    }),
    ("set a default of a checked one", |s| {
        s.alter_table("crowded", |t| t.set_default("checked", "x"));
    }),
    ("drop a default", |s| {
        s.alter_table("crowded", |t| t.drop_default("filled"));
    }),
    ("comment", |s| {
        s.alter_table("crowded", |t| t.comment_on("plain", "as it is"));
    }),
    ("comment on a counted one", |s| {
        s.alter_table("crowded", |t| t.comment_on("counted", "as it is"));
    }),
    ("comment on all", |s| s.comment_on("crowded", "all of it")),
    ("index", |s| drop(s.create_index("crowded", ["plain"]))),
    ("unique index", |s| drop(s.create_index("crowded", ["plain"]).unique())),
    ("unique", |s| {
        s.alter_table("crowded", |t| t.unique(["plain", "filled"]));
    }),
    ("drop an index", |s| {
        drop(s.drop_index("crowded", "crowded_indexed_filled_idx"));
    }),
    ("rename an index", |s| {
        s.rename_index("crowded", "crowded_indexed_filled_idx", "both");
    }),
    ("drop a unique", |s| {
        s.alter_table("crowded", |t| t.drop_constraint("crowded_unique_key"));
    }),
    ("drop a check", |s| {
        s.alter_table("crowded", |t| t.drop_constraint("sane"));
    }),
    ("drop a reference", |s| {
        s.alter_table("crowded", |t| t.drop_constraint("crowded_parent_id_fkey"));
    }),
];

/// Returns true if the server supports the change: MySQL does not rename a column that an expression uses.
fn is_supported_by(db: &Database, what: &str) -> bool {
    !["rename a checked one", "rename a counted one"].contains(&what) || db.dialect() == Dialect::MariaDb
}

fn changes_planned_as_online_permit_writes(db: &Database) {
    let mut refused = Vec::new();
    let names_algorithm = db.dialect() == Dialect::MariaDb;
    for (what, change) in ONLINE.iter().filter(|(what, _)| is_supported_by(db, what)) {
        let all = [crowded(), migration(2, change)];
        let registry = Registry::of(all).unwrap();
        let plan = Plan::offline(&registry, db.dialect()).unwrap();
        let sql = plan.migrations()[1].sql().join(";\n");
        assert!(sql.contains("LOCK=NONE"), "{what}: {sql}");
        assert_eq!(sql.contains("ALGORITHM=INPLACE"), names_algorithm, "{what}: {sql}");
        let db = db.another();
        if let Err(error) = db.up(&all) {
            refused.push(format!("{what}: {error}"));
        } else if let Err(error) = db.rollback(&all, &Rollback::Last(1)) {
            refused.push(format!("{what}, back: {error}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n\n"));
}

/// A table with virtual columns, and rows.
fn computed(index_one: bool) -> Migration {
    migration(1, move |schema| {
        schema.create_table("computed", |t| {
            t.id();
            t.varchar("plain", 20).nullable();
            t.varchar("other", 20).nullable();
            t.varchar("counted", 20).nullable();
            t.integer("spare").nullable();
            t.integer("indexed").nullable();
            t.integer("unique").nullable().unique();
            t.integer("filled").default(1);
            t.integer("length").nullable().generated_virtual("char_length(counted)");
            t.integer("twice").nullable().generated_virtual("filled * 2");
            t.index(["indexed"]);
            t.index(["plain", "filled"]);
            if index_one {
                t.index(["filled", "length"]);
            }
        });
        schema
            .execute("INSERT INTO computed (plain, other, counted) VALUES ('a', 'b', 'c'), ('d', 'e', 'f')")
            .up_only();
    })
}

type Edit = fn(&AlterTable);

/// Each change, and true if it permits writes while an index contains a virtual column.
const BESIDE_VIRTUAL: &[(&str, Edit, bool)] = &[
    ("add", |t| drop(t.integer("more").nullable()), false),
    (
        "add a virtual one",
        |t| drop(t.integer("half").nullable().generated_virtual("filled / 2")),
        true,
    ),
    ("drop", |t| drop(t.drop_column("spare")), false),
    ("drop a unique one", |t| drop(t.drop_column("unique")), false),
    ("drop a virtual one", |t| drop(t.drop_column("twice")), true),
    ("rename a counted one", |t| t.rename_column("counted", "measured"), true),
    ("not null", |t| t.set_not_null("plain"), false),
    ("null", |t| t.drop_not_null("filled"), false),
    ("set a default", |t| t.set_default("other", "x"), true),
    ("comment", |t| t.comment_on("indexed", "as it is"), true),
    (
        "comment on a virtual one",
        |t| t.comment_on("length", "as it is"),
        false,
    ),
    ("index", |t| drop(t.index(["other"])), true),
    ("index a virtual one", |t| drop(t.index(["length"])), true),
    ("drop a unique", |t| t.drop_constraint("computed_unique_key"), true),
];

fn any_two_changes_with_a_virtual_column_permit_writes(db: &Database) {
    let made = BESIDE_VIRTUAL.iter().filter(|(what, ..)| is_supported_by(db, what));
    let pairs = made.clone().flat_map(|one| made.clone().map(move |other| (one, other)));
    let takes_unique = |what: &str| what.starts_with("drop a unique");
    let pairs = pairs.filter(|(one, other)| one.0 != other.0 && !(takes_unique(one.0) && takes_unique(other.0)));
    let mut refused = Vec::new();
    let mut db = db.another();
    for ((one, first, _), (other, second, is_online)) in pairs {
        let changes = move |schema: &mut Schema| {
            schema.alter_table("computed", |t| {
                first(t);
                second(t);
            });
        };
        let all = [computed(false), migration(2, changes)];
        let plan = Plan::offline(&Registry::of(all).unwrap(), db.dialect()).unwrap();
        let mut statements = plan.migrations()[1].sql().into_iter();
        let all_demand = statements.all(|sql| sql.contains("LOCK=NONE"));
        assert_eq!(
            all_demand,
            *is_online || *one != "index a virtual one",
            "{one}, {other}: {plan}"
        );
        let up_then_down = db.up(&all).and_then(|_| db.rollback(&all, &Rollback::All));
        if let Err(error) = up_then_down {
            refused.push(format!("{one}, {other}: {error}"));
            db = db.another();
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n\n"));
}

fn an_indexed_virtual_column_makes_some_changes_copy(db: &Database) {
    for (what, edit, is_online) in BESIDE_VIRTUAL.iter().filter(|(what, ..)| is_supported_by(db, what)) {
        let db = db.another();
        let all = [
            computed(true),
            migration(2, move |schema| schema.alter_table("computed", edit)),
        ];
        let plan = Plan::offline(&Registry::of(all).unwrap(), db.dialect()).unwrap();
        let sql = plan.migrations()[1].sql();
        assert_eq!(sql.last().unwrap().contains("LOCK=NONE"), *is_online, "{what}: {plan}");
        db.up(&all).unwrap_or_else(|error| panic!("{what}: {error}"));
        db.rollback(&all, &Rollback::Last(1))
            .unwrap_or_else(|error| panic!("{what}, back: {error}"));
        assert_eq!(db.differences(&all), [""; 0], "{what}");
    }
}

fn changes_that_need_a_copy_run_without_a_lock_clause(db: &Database) {
    let all = [
        migration(1, |schema| {
            schema.create_table("kept", |t| {
                t.id();
                t.varchar("name", 20).nullable();
                t.integer("length").nullable().generated("char_length(name)");
            });
        }),
        migration(2, |schema| schema.alter_table("kept", |t| t.set_not_null("name"))),
        migration(3, |schema| {
            schema.alter_table("kept", |t| t.check("named", "name <> ''"));
        }),
        migration(4, |schema| {
            schema.alter_table("kept", |t| {
                t.set_type("id", ColumnType::Integer);
                t.integer("more").nullable();
            });
        }),
    ];
    let plan = Plan::offline(&Registry::of(all).unwrap(), db.dialect()).unwrap();
    assert!(!plan.to_string().contains("LOCK="), "{plan}");
    db.up(&all).unwrap();
    db.rollback(&all, &Rollback::Last(3)).unwrap();
    assert_eq!(db.differences(&all), [""; 0]);
}

fn an_unexpected_table_copy_fails_with_a_workaround(db: &Database) {
    let adds: Change = |schema| schema.alter_table("old", |t| t.integer("more").nullable());
    let all = [
        migration(1, |schema| {
            schema
                .execute("CREATE TABLE old (id bigint NOT NULL PRIMARY KEY) ENGINE = MyISAM")
                .changes(|schema| {
                    schema.create_table("old", |t| {
                        t.big_int("id").primary_key();
                    });
                })
                .undo("DROP TABLE old");
        }),
        migration(2, adds),
    ];
    let error = db.up(&all).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepFailed, "{error}");
    assert!(
        error.helps()[0].to_string().contains("without ALGORITHM and LOCK"),
        "{error}"
    );
    let copies = migration(2, |schema| {
        schema
            .execute("ALTER TABLE old ADD COLUMN more integer")
            .changes(|schema| schema.alter_table("old", |t| t.integer("more").nullable()))
            .undo("ALTER TABLE old DROP COLUMN more");
    });
    db.up(&[all[0], copies]).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:2"]);
}
