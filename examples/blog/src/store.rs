//! The application's queries, with the generated tables of `schema.rs`. The application uses SQLite; only the
//! migrations also run on other databases.

use diesel::prelude::*;

use crate::schema::{posts, users};

/// A registered user.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    /// The auto-increment key.
    pub id: i64,
    /// The e-mail address.
    pub email: String,
    /// The public handle.
    pub username: Option<String>,
}

/// Registers a user.
///
/// # Errors
///
/// Returns Diesel's error.
pub fn sign_up(conn: &mut SqliteConnection, email: &str, username: &str) -> QueryResult<User> {
    diesel::insert_into(users::table)
        .values((users::email.eq(email), users::username.eq(username)))
        .execute(conn)?;
    users::table
        .order(users::id.desc())
        .filter(users::email.eq(email))
        .select(User::as_select())
        .first(conn)
}

/// Publishes a post.
///
/// # Errors
///
/// Returns Diesel's error.
pub fn publish(conn: &mut SqliteConnection, author: &User, title: &str, body: &str) -> QueryResult<()> {
    let post = (
        posts::user_id.eq(author.id),
        posts::title.eq(title),
        posts::body.eq(body),
    );
    diesel::insert_into(posts::table).values(post).execute(conn)?;
    Ok(())
}

/// Returns the titles of a user's posts, newest first.
///
/// # Errors
///
/// Returns Diesel's error.
pub fn titles_by(conn: &mut SqliteConnection, username: &str) -> QueryResult<Vec<String>> {
    posts::table
        .inner_join(users::table)
        .filter(users::username.eq(username))
        .order((posts::created_at.desc(), posts::id.desc()))
        .select(posts::title)
        .load(conn)
}
