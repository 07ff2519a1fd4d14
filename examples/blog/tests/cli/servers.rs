//! The same program on PostgreSQL, MySQL and MariaDB: only `DATABASE_URL` differs.

use std::io::Write;

use blog::schema::users;
use diesel::prelude::*;
use migrate_core::testing::{ServerConnection, TestServer};

use super::{Place, Ran, steady};

#[derive(diesel::MultiConnection)]
enum AnyConnection {
    Postgres(PgConnection),
    MySql(MysqlConnection),
    // Last: SQLite would accept the URL of a server as a file name.
    Sqlite(SqliteConnection),
}

/// Returns everything that the program prints while it migrates a blog with two users up and down.
fn story(url: &str) -> String {
    let place = Place::new();
    let migrate = |arguments: &str| {
        let mut command = place.command(arguments);
        let ran = Ran::from(command.env("DATABASE_URL", url).output().unwrap());
        format!("$ migrate {arguments}\n{}", steady(&ran.done()))
    };
    let connect = || {
        // A path is relative to the program's working directory.
        let is_file = !url.contains("://");
        let url = if is_file {
            place.path(url).display().to_string()
        } else {
            url.to_owned()
        };
        AnyConnection::establish(&url).unwrap()
    };
    let usernames = || -> Vec<Option<String>> {
        let names = users::table.select(users::username).order(users::id);
        names.load(&mut connect()).unwrap()
    };
    let filled = [Some("ada.lovelace".to_owned()), Some("alan".to_owned())];

    let mut printed = migrate("up --to 20260309143000");
    for email in ["Ada.Lovelace@example.org", "alan@example.org"] {
        let user = users::email.eq(email);
        diesel::insert_into(users::table)
            .values(user)
            .execute(&mut connect())
            .unwrap();
    }
    printed += &migrate("up");
    assert_eq!(usernames(), filled);
    printed += &migrate("rollback -n 1");
    printed += &migrate("redo -n 3");
    printed += &migrate("rollback --to 20260309143000");
    assert_eq!(usernames(), [None, None]);
    printed += &migrate("up");
    assert_eq!(usernames(), filled);
    let status = migrate("status --exit-code");
    assert_eq!(status.matches("applied  ").count(), 6, "{status}");
    printed += &migrate("rollback --all --yes");
    printed
}

#[test]
fn the_output_is_the_same_on_every_database() {
    let on_sqlite = story("blog.db");
    assert_eq!(on_sqlite.matches("fill_usernames").count(), 6, "{on_sqlite}");
    let postgres = TestServer::<PgConnection>::from_env().unwrap();
    expect_story_on(postgres, &on_sqlite);
    expect_story_on(other_server::<PgConnection>("MIGRATE_TEST_POSTGRES_NEWER"), &on_sqlite);
    let mysql = TestServer::<MysqlConnection>::from_env().unwrap();
    expect_story_on(mysql, &on_sqlite);
    expect_story_on(other_server::<MysqlConnection>("MIGRATE_TEST_MYSQL_OTHER"), &on_sqlite);
}

/// Returns an additional server from the environment.
fn other_server<C: ServerConnection>(variable: &str) -> Option<TestServer<C>> {
    let Ok(url) = std::env::var(variable) else {
        let said = format!("NOT TESTED on another server: {variable} does not name one\n");
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return None;
    };
    Some(TestServer::at(&url).unwrap())
}

/// Does nothing if the server is not named, which was reported.
fn expect_story_on<C: ServerConnection>(server: Option<TestServer<C>>, expected: &str) {
    if let Some(server) = server {
        let database = server.database().unwrap();
        assert_eq!(story(database.url()), expected, "{server:?}");
    }
}
