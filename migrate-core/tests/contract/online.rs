//! MySQL and MariaDB: changes that let others write meanwhile say so, and are refused where the server would copy the table.

use migrate_core::prelude::*;
use migrate_core::{ErrorKind, Plan, Registry, Rollback};

use crate::support::{Database, migration};

on_mysql! {
    what_is_said_to_go_on_while_others_write_does
    what_needs_a_copy_says_nothing_of_it_and_is_done
    a_copy_that_nobody_asked_for_is_an_error_with_a_way_out
}

/// A table that has of everything, with rows.
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

/// Each by itself.
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

fn what_is_said_to_go_on_while_others_write_does(db: &Database) {
    let mut refused = Vec::new();
    for (what, change) in ONLINE {
        let all = [crowded(), migration(2, change)];
        let registry = Registry::of(all).unwrap();
        let plan = Plan::offline(&registry, DialectName::MariaDb).unwrap();
        let sql = plan.migrations()[1].sql().join(";\n");
        assert!(
            sql.contains("ALGORITHM=INPLACE, LOCK=NONE") || sql.contains("ALGORITHM=INPLACE,"),
            "{what}: {sql}"
        );
        let db = db.another();
        if let Err(error) = db.up(&all) {
            refused.push(format!("{what}: {error}"));
        } else if let Err(error) = db.rollback(&all, &Rollback::Steps(1)) {
            refused.push(format!("{what}, back: {error}"));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n\n"));
}

fn what_needs_a_copy_says_nothing_of_it_and_is_done(db: &Database) {
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
                t.change_type("id", ColumnType::Integer);
                t.integer("more").nullable();
            });
        }),
    ];
    let plan = Plan::offline(&Registry::of(all).unwrap(), DialectName::MariaDb).unwrap();
    assert!(!plan.to_string().contains("ALGORITHM"), "{plan}");
    db.up(&all).unwrap();
    db.rollback(&all, &Rollback::Steps(3)).unwrap();
    assert_eq!(db.differences(&all), [""; 0]);
}

fn a_copy_that_nobody_asked_for_is_an_error_with_a_way_out(db: &Database) {
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
    assert!(error.next_steps()[0].contains("without ALGORITHM and LOCK"), "{error}");
    let copies = migration(2, |schema| {
        schema
            .execute("ALTER TABLE old ADD COLUMN more integer")
            .changes(|schema| schema.alter_table("old", |t| t.integer("more").nullable()))
            .undo("ALTER TABLE old DROP COLUMN more");
    });
    db.up(&[all[0], copies]).unwrap();
    assert_eq!(db.batches(), ["1:1", "2:2"]);
}
