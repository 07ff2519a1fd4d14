//! Diesel's `schema.rs` for PostgreSQL, as `print-schema` formats it. `tests/contract/properties` compares that of SQLite with
//! the program's output.

use migrate_core::export::DieselOptions;
use migrate_core::schema::ColumnType;
use migrate_core::{Dialect, SchemaSnapshot};

use crate::support::{Describe, registry};

const ALL: &[Describe] = &[|schema| {
    schema.create_enum("mood", ["sad", "happy"]);
    schema.create_table("everything", |t| {
        t.id();
        t.small_int("a_small_int");
        t.integer("an_integer").nullable();
        t.big_int("a_big_int");
        t.float("a_float");
        t.double("a_double");
        t.numeric("a_numeric", 10, 2);
        t.bool("a_bool");
        t.varchar("a_varchar", 100);
        t.char("a_char", 2).nullable();
        t.binary("bytes");
        t.date("a_date");
        t.time("a_time");
        t.timestamps();
        t.timestamptz("a_timestamptz");
        t.json("a_json");
        t.jsonb("a_jsonb").nullable();
        t.column("a_uuid", ColumnType::Uuid);
        t.enum_type("a_mood", "mood");
        t.enum_type("another_mood", "mood").nullable();
        for (name, sql) in [
            ("a_citext", "citext"),
            ("a_shape", "geometry(Point, 4326)"),
            ("words", "text[]"),
            ("moods", "mood[]"),
            ("precise", "double precision"),
            ("short", "character varying(10)"),
        ] {
            t.column(name, ColumnType::Named(sql.to_owned()));
        }
        t.text("type");
    });
    schema.create_table("notes", |t| {
        t.column("id", ColumnType::Uuid).primary_key();
        t.big_int("of").references("everything", "id");
    });
    schema.create_table("without_key", |t| t.text("note"));
}];

fn schema() -> SchemaSnapshot {
    SchemaSnapshot::latest(&registry(ALL), Dialect::Postgres).unwrap()
}

#[test]
fn every_postgres_type_has_its_diesel_name() {
    insta::assert_snapshot!(schema().diesel(&DieselOptions::default()));
}

#[test]
fn a_table_snapshot_includes_its_custom_types() {
    let frozen = |tables: &[&str]| schema().diesel_tables(tables, &DieselOptions::default());
    let everything = frozen(&["everything"]).unwrap();
    assert!(everything.starts_with("pub mod sql_types {\n"), "{everything}");
    assert!(
        everything.contains("}\n\ndiesel::table! {\n    use diesel::sql_types::*;\n"),
        "{everything}"
    );
    let plain = frozen(&["notes"]).unwrap();
    assert!(plain.starts_with("diesel::table! {\n    notes (id) {\n"), "{plain}");
    assert!(!plain.contains("same_query"), "{plain}");
    assert!(frozen(&["without_key"]).is_err());
    let error = frozen(&["nots"]).unwrap_err().to_string();
    assert!(error.contains("the tables are "), "{error}");
}

#[test]
fn lines_are_wrapped_like_rustfmt() {
    let same_query = |tables: &[&str]| {
        let all: &[Describe] = &[|schema| {
            for name in ["a".repeat(25), "b".repeat(25), "c".repeat(26)] {
                schema.create_table(name, |t| t.id());
            }
        }];
        let schema = SchemaSnapshot::latest(&registry(all), Dialect::Postgres).unwrap();
        let text = schema.diesel_tables(tables, &DieselOptions::default()).unwrap();
        let lines = text.lines().filter(|line| line.contains("same_query"));
        lines.map(str::len).collect::<Vec<_>>()
    };
    let (a, b, c) = ("a".repeat(25), "b".repeat(25), "c".repeat(26));
    assert_eq!(same_query(&[&a, &b]), [101]);
    assert_eq!(same_query(&[&a, &c]), [46]);
}
