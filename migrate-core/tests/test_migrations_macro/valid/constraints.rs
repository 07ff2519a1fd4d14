//! Many kinds of constraints, for which rows must be generated, and later changes of such tables.

use diesel::prelude::*;
use migrate_core::schema::Value;
use migrate_core::prelude::*;

migrate_core::test_migrations!(scratch; values = values);

/// Values that the generator cannot guess.
fn values(table: &str, column: &str, row: usize) -> Option<Value> {
    match (table, column) {
        ("people", "code") => Some(Value::from(format!("AB-{row:04}"))),
        _ => None,
    }
}

#[derive(Migration)]
#[migration(version = 10)]
struct CreateTables;

impl Migrate for CreateTables {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("people", |t| {
            t.id();
            t.text("email").unique().check("email LIKE '%@%'");
            t.varchar("status", 20).check("status IN ('new', 'active', 'gone')");
            t.integer("age").check("age >= 18 AND age < 130");
            t.char("country", 2).check("length(country) = 2");
            t.text("code").check("code GLOB '[A-Z][A-Z]-[0-9][0-9][0-9][0-9]'");
            t.date("born");
            t.timestamps();
        });
        // One-to-one, many-to-many, a tree.
        schema.create_table("profiles", |t| {
            t.big_int("person_id")
                .primary_key()
                .references("people", "id")
                .on_delete(ForeignKeyAction::Cascade);
            t.text("bio").nullable();
        });
        schema.create_table("friends", |t| {
            t.big_int("person_id")
                .references("people", "id")
                .on_delete(ForeignKeyAction::Cascade);
            t.big_int("friend_id")
                .references("people", "id")
                .on_delete(ForeignKeyAction::Cascade);
            t.primary_key(["person_id", "friend_id"]);
        });
        schema.create_table("tree", |t| {
            t.id();
            t.big_int("parent_id").nullable().references("tree", "id");
            t.text("name");
            t.unique(["parent_id", "name"]);
        });
        schema.create_table("ranges", |t| {
            t.id();
            t.integer("low");
            t.integer("high");
            t.check("ranges_order", "low < high");
            t.bool("flag").unique();
            t.numeric("price", 6, 2).check("price > 0");
            t.double("share").check("share BETWEEN 0 AND 1");
            t.binary("bytes").nullable();
            t.json("data");
            t.time("at");
        });
        schema.create_table("select", |t| {
            t.id();
            t.text("order");
            t.integer("x y\"z");
            t.integer("twice").generated("\"x y\"\"z\" * 2");
            t.index(["order"]);
        });
    }
}

#[derive(Migration)]
#[migration(version = 20)]
struct RenameThings;

impl Migrate for RenameThings {
    fn up(&self, schema: &mut Schema) {
        schema.rename_table("people", "persons");
        schema.alter_table("persons", |t| {
            t.rename_column("email", "mail");
            t.text("nick").nullable();
        });
        schema.create_view("names", "SELECT name FROM tree");
    }
}

#[derive(Migration)]
#[migration(version = 30)]
struct DropAColumn;

impl Migrate for DropAColumn {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("persons", |t| t.drop_column("nick"));
    }
}

#[derive(Migration)]
#[migration(version = 40)]
struct InRawSql;

impl Migrate for InRawSql {
    fn up(&self, schema: &mut Schema) {
        schema
            .execute("CREATE TABLE strict_ones (a INTEGER PRIMARY KEY, b TEXT NOT NULL, c REAL) STRICT")
            .undo("DROP TABLE strict_ones");
        schema
            .execute("CREATE TABLE keys (k TEXT PRIMARY KEY NOT NULL, v INTEGER) WITHOUT ROWID")
            .changes(|schema| {
                schema.create_table("keys", |t| {
                    t.text("k").primary_key();
                    t.integer("v").nullable();
                });
            })
            .undo("DROP TABLE keys");
        schema.create_table("log", |t| t.text("what"));
        schema
            .execute("CREATE TRIGGER log_them AFTER INSERT ON persons BEGIN INSERT INTO log VALUES (new.mail); END")
            .changes(|_| ())
            .undo("DROP TRIGGER log_them");
    }
}

#[derive(Migration)]
#[migration(version = 50)]
struct ChangeRows;

impl Migrate for ChangeRows {
    fn up(&self, schema: &mut Schema) {
        schema.execute("UPDATE persons SET mail = lower(mail)").up_only();
        schema.execute("DELETE FROM persons WHERE age > 100").up_only();
        schema.run(forget_friends).up_only();
    }
}

fn forget_friends(conn: &mut SqliteConnection) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM friends").execute(conn)?;
    Ok(())
}

#[derive(Migration)]
#[migration(version = 60)]
struct RebuildTables;

impl Migrate for RebuildTables {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("persons", |t| t.unique(["mail", "country"]));
        schema.alter_table("tree", |t| {
            t.integer("depth").default(0);
            t.set_default("name", "x");
        });
        schema.alter_table("ranges", |t| t.drop_not_null("low"));
    }
}

#[derive(Migration)]
#[migration(version = 70, transaction = false)]
struct OutsideATransaction;

impl Migrate for OutsideATransaction {
    fn up(&self, schema: &mut Schema) {
        schema.execute("VACUUM").up_only();
        schema.create_index("persons", ["age"]);
    }
}

#[derive(Migration)]
#[migration(version = 80)]
struct DropThings;

impl Migrate for DropThings {
    fn up(&self, schema: &mut Schema) {
        schema.drop_view("names");
        schema.drop_table("tree");
    }
}
