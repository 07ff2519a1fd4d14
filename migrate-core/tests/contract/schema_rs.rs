//! Compares `schema.rs` from the migrations with the output of Diesel's `print-schema` for the migrated server.

use std::process::Command;

use migrate_core::export::DieselOptions;
use migrate_core::prelude::*;
use migrate_core::{Registry, SchemaSnapshot};

use crate::support::{Database, Engine, migration};

on_every_server! {
    schema_rs_matches_print_schema
}

/// Every column type, composite keys, references, Rust keywords as names, and excluded views.
fn every_type(engine: Engine) -> Vec<Migration> {
    vec![
        migration(1, move |schema| {
            if engine.is_postgres() {
                schema.create_enum("mood", ["sad", "glad"]);
            }
            schema.create_table("people", move |t| {
                t.id();
                t.varchar("email", 200).unique();
                t.char("country", 2);
                t.date("born").nullable();
                t.timestamps();
                t.integer("type");
                t.text("Full Name").nullable();
                t.comment("whoever has signed up");
                if engine.is_postgres() {
                    t.enum_type("feels", "mood").default("glad");
                }
            });
            schema.create_table("measurements", move |t| {
                t.small_int("a_small_int");
                t.integer("an_integer");
                t.big_int("key").auto_increment().primary_key();
                t.float("a_float");
                t.double("a_double").default(0.5);
                t.numeric("a_numeric", 10, 2);
                t.bool("a_bool").default(true);
                t.bool("no_bool").nullable();
                t.binary("bytes").nullable();
                t.text("a_text");
                t.time("a_time");
                t.timestamp("a_timestamp").default_now();
                t.timestamptz("a_timestamptz").nullable();
                t.json("a_json");
                t.jsonb("a_jsonb").nullable();
                t.integer("twice").generated("an_integer * 2");
                if engine.is_postgres() {
                    t.column("a_uuid", ColumnType::Uuid);
                    t.column("tags", ColumnType::Named("text[]".to_owned()));
                    t.column("address", ColumnType::Named("inet".to_owned())).nullable();
                } else {
                    t.column("age", ColumnType::Named("INT UNSIGNED".to_owned()));
                    t.column("tiny", ColumnType::Named("TINYINT".to_owned())).nullable();
                }
            });
            schema.create_table("memberships", |t| {
                t.big_int("person_id")
                    .references("people", "id")
                    .on_delete(ForeignKeyAction::Cascade);
                t.varchar("role", 50);
                t.varchar("team", 50);
                t.primary_key(["person_id", "team"]);
            });
            schema.create_table("invitations", |t| {
                t.id();
                t.big_int("person_id").references("people", "id");
                t.big_int("by").nullable().references("people", "id");
                t.big_int("parent_id").nullable().references("invitations", "id");
            });
        }),
        migration(2, |schema| {
            schema.rename_table("invitations", "invites");
            schema.alter_table("memberships", |t| {
                t.rename_column("role", "part");
                t.date("since").nullable();
            });
            schema.alter_table("people", |t| t.set_not_null("born"));
        }),
    ]
}

fn schema_rs_matches_print_schema(db: &Database) {
    let Ok(diesel) = std::env::var("DIESEL_CLI") else {
        eprintln!("NOT COMPARED with Diesel: DIESEL_CLI does not name its program");
        return;
    };
    let all = every_type(db.engine);
    db.up(&all).unwrap();
    let printed = Command::new(diesel)
        .args([
            "print-schema",
            "--database-url",
            &db.url(),
            "--except-tables",
            "__migrations",
        ])
        // The settings of `diesel setup`.
        .args(["--custom-type-derives", "diesel::query_builder::QueryId"])
        .args(["--custom-type-derives", "Clone"])
        .output()
        .unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let printed = String::from_utf8(printed.stdout).unwrap();
    let known = SchemaSnapshot::latest(&Registry::of(all).unwrap(), db.dialect()).unwrap();
    let written = known.diesel(&DieselOptions::default());
    let but_first = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
    assert_eq!(but_first(&written), but_first(&printed));
}
