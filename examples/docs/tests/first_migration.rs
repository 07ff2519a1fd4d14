//! The first migration of the README, compiled and run here.

use std::error::Error;

use migrate_core::testing::TestDatabase;

use diesel::prelude::*;
use migrate_core::prelude::*;

/// Every user gets a public handle.
#[derive(Migration)]
#[migration(version = 2026_11_23_093000)]
struct AddUsername;

impl Migrate for AddUsername {
    fn up(&self, schema: &mut Schema) {
        schema.alter_table("users", |t| t.text("username").nullable());
        schema.run(fill_usernames).up_only();
        schema.alter_table("users", |t| t.set_not_null("username"));
        schema.create_index("users", ["username"]).unique();
    }
    // `down` is derived from `up`. Write it only where it must differ.
}

/// `Ada@example.org` with the id 7 becomes `ada-7`: the id keeps handles distinct.
fn fill_usernames(conn: &mut SqliteConnection) -> QueryResult<()> {
    let handle = "lower(substr(email, 1, instr(email, '@') - 1)) || '-' || id";
    diesel::sql_query(format!("UPDATE users SET username = {handle}")).execute(conn)?;
    Ok(())
}

#[derive(Migration)]
#[migration(version = 1)]
struct CreateUsers;

impl Migrate for CreateUsers {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("users", |t| {
            t.id();
            t.text("email").unique();
        });
    }
}

mod tables {
    diesel::table! {
        users (id) {
            id -> BigInt,
            email -> Text,
            username -> Text,
        }
    }
}

use tables::users;

#[test]
fn users_with_the_same_local_part_get_distinct_handles() -> Result<(), Box<dyn Error>> {
    let mut db = TestDatabase::of([Migration::of::<CreateUsers>(), Migration::of::<AddUsername>()])?;
    db.before::<AddUsername>()?;
    for email in ["ada@a.org", "Ada@b.org", "ada-2@c.org", "no address"] {
        diesel::insert_into(users::table)
            .values(users::email.eq(email))
            .execute(db.conn())?;
    }

    db.apply::<AddUsername>()?;
    let handles: Vec<String> = users::table.order(users::id).select(users::username).load(db.conn())?;
    assert_eq!(handles, ["ada-1", "ada-2", "ada-2-3", "-4"]);
    db.undo::<AddUsername>()?;
    Ok(())
}

#[test]
fn the_readme_shows_this_migration() -> Result<(), Box<dyn Error>> {
    let (_, from) = include_str!("first_migration.rs")
        .split_once("TestDatabase;\n\n")
        .ok_or("no beginning")?;
    let (shown, _) = from
        .split_once("\n#[derive(Migration)]\n#[migration(version = 1)]")
        .ok_or("no end")?;
    assert!(include_str!("../../../README.md").contains(shown), "{shown}");
    Ok(())
}
