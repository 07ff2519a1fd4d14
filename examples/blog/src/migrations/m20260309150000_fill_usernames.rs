use diesel::prelude::*;
use migrate_core::prelude::*;

/// Users from before handles get theirs from their e-mail address.
#[derive(Migration)]
#[migration(version = 2026_03_09_150000)]
struct FillUsernames;

impl Migrate for FillUsernames {
    fn up(&self, schema: &mut Schema) {
        schema
            .run(for_each_connection!(fill_usernames))
            .undo(for_each_connection!(empty_usernames));
    }
}

// The table as it is at this version. The application's own `schema.rs` changes later; this must not.
diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        username -> Nullable<Text>,
    }
}

for_each_connection! {
    fn fill_usernames(conn: &mut Connection) -> QueryResult<()> {
        let without: Vec<(i64, String)> = users::table
            .filter(users::username.is_null())
            .order(users::id)
            .select((users::id, users::email))
            .load(conn)?;
        for (id, email) in without {
            diesel::update(users::table.find(id))
                .set(users::username.eq(handle(&email)))
                .execute(conn)?;
        }
        Ok(())
    }

    fn empty_usernames(conn: &mut Connection) -> QueryResult<()> {
        diesel::update(users::table)
            .set(users::username.eq(None::<String>))
            .execute(conn)?;
        Ok(())
    }
}

/// `Ada.Lovelace@example.org` becomes `ada.lovelace`.
fn handle(email: &str) -> String {
    email.split('@').next().unwrap_or(email).to_lowercase()
}

#[cfg(test)]
mod tests {
    use migrate_core::testing::{TestDatabase, TestResult};

    use super::*;

    #[test]
    fn existing_users_get_a_handle() -> TestResult {
        let mut db = TestDatabase::new()?;
        db.before::<FillUsernames>()?;
        let ada = users::email.eq("Ada.Lovelace@example.org");
        diesel::insert_into(users::table).values(ada).execute(db.conn())?;

        db.apply::<FillUsernames>()?;
        let name: Option<String> = users::table.select(users::username).first(db.conn())?;
        assert_eq!(name.as_deref(), Some("ada.lovelace"));
        db.undo::<FillUsernames>()?;
        let name: Option<String> = users::table.select(users::username).first(db.conn())?;
        assert_eq!(name, None);
        Ok(())
    }

    #[test]
    fn an_existing_handle_is_kept() -> TestResult {
        let mut db = TestDatabase::new()?;
        db.before::<FillUsernames>()?;
        let alan = (users::email.eq("alan@example.org"), users::username.eq("turing"));
        diesel::insert_into(users::table).values(alan).execute(db.conn())?;

        // A Rust step is a plain function, so a test may call it directly.
        fill_usernames(db.conn())?;

        let name: Option<String> = users::table.select(users::username).first(db.conn())?;
        assert_eq!(name.as_deref(), Some("turing"));
        Ok(())
    }

    #[test]
    fn a_handle_is_the_local_part_of_the_address() {
        assert_eq!(handle("Ada.Lovelace@example.org"), "ada.lovelace");
        assert_eq!(handle("no address"), "no address");
    }
}
