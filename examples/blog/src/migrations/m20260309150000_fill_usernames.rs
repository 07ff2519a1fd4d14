use diesel::prelude::*;
use migrate_core::prelude::*;

/// Users from before handles get theirs from their e-mail address.
#[derive(Migration)]
#[migration(version = 2026_03_09_150000)]
struct FillUsernames;

impl Migrate for FillUsernames {
    fn up(&self, schema: &mut Schema) {
        schema.run(fill_usernames).undo(empty_usernames);
    }
}

// The table as it is at this version. The application's own `schema.rs` moves on; this must not.
diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        username -> Nullable<Text>,
    }
}

fn fill_usernames(conn: &mut SqliteConnection) -> QueryResult<()> {
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

fn empty_usernames(conn: &mut SqliteConnection) -> QueryResult<()> {
    diesel::update(users::table)
        .set(users::username.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}

/// `Ada.Lovelace@example.org` is `ada.lovelace`.
fn handle(email: &str) -> String {
    email.split('@').next().unwrap_or(email).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_what_stands_before_the_at() {
        assert_eq!(handle("Ada.Lovelace@example.org"), "ada.lovelace");
        assert_eq!(handle("no address"), "no address");
    }

    #[test]
    fn only_empty_usernames_are_filled() -> Result<(), Box<dyn std::error::Error>> {
        let mut conn = SqliteConnection::establish(":memory:")?;
        diesel::sql_query("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, username TEXT)")
            .execute(&mut conn)?;
        diesel::insert_into(users::table)
            .values([
                (users::email.eq("ada@example.org"), users::username.eq(None)),
                (users::email.eq("alan@example.org"), users::username.eq(Some("turing"))),
            ])
            .execute(&mut conn)?;

        fill_usernames(&mut conn)?;

        let names: Vec<Option<String>> = users::table.order(users::id).select(users::username).load(&mut conn)?;
        assert_eq!(names, [Some("ada".to_owned()), Some("turing".to_owned())]);
        Ok(())
    }
}
