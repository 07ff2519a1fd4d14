//! The same program on PostgreSQL and MariaDB: only `DATABASE_URL` differs.

use std::env;
use std::io::Write;

use blog::schema::users;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::{Place, Ran, steady};

#[derive(diesel::MultiConnection)]
enum AnyConnection {
    Postgres(PgConnection),
    MySql(MysqlConnection),
    // Last: it would take the URL of a server for the name of a file.
    Sqlite(SqliteConnection),
}

/// A database of a test's own on a server, dropped at the end.
struct OnServer {
    server: String,
    name: String,
}

impl OnServer {
    /// `None`, said loudly, if the environment names no server.
    fn new(variable: &str) -> Option<OnServer> {
        let Ok(server) = env::var(variable) else {
            // Not by `println`, which nobody sees when a test passes.
            let said = format!("NOT TESTED on a server: {variable} does not name one\n");
            std::io::stderr().write_all(said.as_bytes()).unwrap();
            return None;
        };
        let database = OnServer {
            server,
            name: format!("migrate_blog_{}_{}", std::process::id(), variable.to_lowercase()),
        };
        database.on_server(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    fn on_server(&self, sql: &str) {
        let always_there = if self.server.starts_with("mysql") {
            "mysql"
        } else {
            "postgres"
        };
        let mut server = AnyConnection::establish(&format!("{}/{always_there}", self.server)).unwrap();
        server.batch_execute(sql).unwrap();
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        self.on_server(&format!("DROP DATABASE {}", self.name));
    }
}

/// All that the program prints while a blog with two users goes there and back.
fn story(url: &str) -> String {
    let place = Place::new();
    let migrate = |arguments: &str| {
        let mut command = place.command(arguments);
        let ran = Ran::from(command.env("DATABASE_URL", url).output().unwrap());
        format!("$ migrate {arguments}\n{}", steady(&ran.done()))
    };
    let connect = || {
        // A path is meant from where the program stands.
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
    printed += &migrate("rollback --steps 1");
    printed += &migrate("redo --steps 3");
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
fn the_story_is_the_same_on_every_database() {
    let on_sqlite = story("blog.db");
    assert_eq!(on_sqlite.matches("fill_usernames").count(), 6, "{on_sqlite}");
    for variable in [
        "MIGRATE_TEST_POSTGRES",
        "MIGRATE_TEST_POSTGRES_NEWER",
        "MIGRATE_TEST_MYSQL",
    ] {
        if let Some(database) = OnServer::new(variable) {
            assert_eq!(story(&database.url()), on_sqlite, "{variable}");
        }
    }
}
