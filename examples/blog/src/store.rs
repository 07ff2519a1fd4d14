//! What the application asks of the database, with the tables of the kept `schema.rs`. It is for SQLite, as an application is
//! for one database; only the migrations run on others as well.

use diesel::prelude::*;

use crate::schema::{posts, users};

/// Whoever has signed up.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    /// Counted up by the database.
    pub id: i64,
    /// Where mail goes.
    pub email: String,
    /// The public handle.
    pub username: Option<String>,
}

/// Signs somebody up.
///
/// # Errors
///
/// What the database says.
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
/// What the database says.
pub fn publish(conn: &mut SqliteConnection, author: &User, title: &str, body: &str) -> QueryResult<()> {
    let post = (
        posts::user_id.eq(author.id),
        posts::title.eq(title),
        posts::body.eq(body),
    );
    diesel::insert_into(posts::table).values(post).execute(conn)?;
    Ok(())
}

/// The titles of somebody's posts, the newest first.
///
/// # Errors
///
/// What the database says.
pub fn titles_by(conn: &mut SqliteConnection, username: &str) -> QueryResult<Vec<String>> {
    posts::table
        .inner_join(users::table)
        .filter(users::username.eq(username))
        .order((posts::created_at.desc(), posts::id.desc()))
        .select(posts::title)
        .load(conn)
}
