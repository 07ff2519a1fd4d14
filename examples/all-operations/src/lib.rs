//! Every word for a schema change, once: to copy from, and to see that they work together.
//!
//! They are for SQLite; what another database lacks, `migrate plan --dialect` tells. What only PostgreSQL has is in
//! [`postgres`].

pub mod postgres;
/// The tables, for Diesel: written from the migrations.
#[rustfmt::skip]
#[allow(missing_docs, reason = "what it holds is said by the migrations")]
pub mod schema;

use diesel::prelude::*;
use migrate_core::prelude::*;

/// Tables, with every type and every word of a column.
#[derive(Migration)]
#[migration(version = 1)]
struct CreateTables;

impl Migrate for CreateTables {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("people", |t| {
            t.id();
            t.text("email").unique().collate("nocase");
            t.varchar("name", 100).nullable().default("nobody");
            t.char("country", 2).check("length(country) = 2");
            t.date("born").nullable();
            t.timestamps();
            t.comment("whoever has signed up");
        });
        schema.create_table("measurements", |t| {
            t.small_int("a_small_int");
            t.integer("an_integer").default_sql("1 + 1");
            t.big_int("key").auto_increment().primary_key();
            t.float("a_float");
            t.double("a_double").default(0.5);
            t.numeric("a_numeric", 10, 2);
            t.bool("a_bool").default(true);
            t.binary("bytes").nullable();
            t.time("a_time");
            t.timestamp("a_timestamp").default_now();
            t.timestamptz("a_timestamptz");
            t.json("a_json");
            t.jsonb("a_jsonb");
            t.column("anything", ColumnType::Named("geometry".to_owned()))
                .nullable();
            t.integer("twice")
                .generated("an_integer * 2")
                .comment("kept in the row");
            t.integer("thrice").generated_virtual("an_integer * 3");
        });
        schema.create_table("memberships", |t| {
            t.big_int("person_id")
                .references("people", "id")
                .on_delete(Reaction::Cascade)
                .on_update(Reaction::Restrict)
                .named("membership_of_person");
            t.text("role");
            t.text("team");
            t.primary_key(["person_id", "team"]);
            t.unique(["team", "role"]);
            t.check("named_role", "role <> ''");
            t.index(["role"]).unique().filter("role = 'owner'").named("one_owner");
        });
        schema.create_table("invitations", |t| {
            t.big_int("person_id");
            t.text("team");
            t.foreign_key(["person_id", "team"], "memberships", ["person_id", "team"]);
        });
    }
}

/// What was there before migrations were.
#[derive(Migration)]
#[migration(version = 2)]
struct DeclareAudit;

impl Migrate for DeclareAudit {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute("CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, what TEXT NOT NULL)")
            .changes(|schema| {
                schema.create_table("audit", |t| {
                    t.id();
                    t.text("what");
                });
            })
            .undo("DROP TABLE audit");
        // A view that somebody made by hand, and that is dropped here.
        schema
            .execute("CREATE VIEW IF NOT EXISTS old_view AS SELECT 1")
            .up_only();
        schema.declare(|schema| schema.create_view("old_view", "SELECT 1"));
        schema.drop_view("old_view");
    }
}

/// Every change of a table.
#[derive(Migration)]
#[migration(version = 3)]
struct ChangeTables;

impl Migrate for ChangeTables {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("people", |t| {
            t.text("handle").fill_sql("'user' || id");
            t.integer("visits").fill(0);
            t.drop_constraint("people_country_check");
            t.drop_column("country").undo_fill("xx");
            t.rename_column("born", "birthday");
            t.change_type("name", ColumnType::Text)
                .using("trim(name)")
                .undo_using("substr(name, 1, 100)");
            t.drop_default("name");
            t.set_default("visits", 0);
            t.drop_constraint("people_email_key");
        });
        schema.run(name_everybody).up_only();
        schema.alter_table("people", |t| {
            t.set_not_null("name");
            t.drop_not_null("email");
            t.set_default_sql("email", "'nobody@' || 'example.org'");
        });
        schema.alter_table("memberships", |t| {
            t.drop_index("one_owner");
            t.index([asc("team"), desc("role"), expression("lower(team)")])
                .named("by_role");
            t.rename_index("by_role", "newest_role");
        });
        schema.alter_table("audit", |t| {
            t.drop_column("what").undo_fill_sql("'row ' || id");
        });
        schema.drop_table("invitations");
        schema.alter_table("memberships", |t| {
            t.drop_primary_key();
        });
        schema.rename_table("memberships", "members");
        schema.comment_on("members", "who is in which team");
        schema.create_index("people", ["handle"]).unique();
        schema.rename_index("people", "people_handle_idx", "by_handle");
        schema.drop_index("members", "newest_role");
        schema.create_view("adults", "SELECT name FROM people WHERE birthday < '2008-01-01'");
    }
}

fn name_everybody(conn: &mut SqliteConnection) -> QueryResult<()> {
    diesel::sql_query("UPDATE people SET name = email WHERE name IS NULL").execute(conn)?;
    Ok(())
}
