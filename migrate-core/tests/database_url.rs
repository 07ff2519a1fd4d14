//! `DatabaseUrl` reads what people write, and never prints a password.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use migrate_core::Dialect;
use migrate_core::database::{DatabaseUrl, Redacted};

fn read(url: &str) -> DatabaseUrl {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

#[test]
fn paths_and_uris_name_sqlite_databases() {
    for (text, path) in [
        ("app.db", "app.db"),
        ("sqlite://app.db", "app.db"),
        ("SQLite://app.db", "app.db"),
        ("sqlite:///var/app.db", "/var/app.db"),
        ("sqlite:app.db", "app.db"),
        ("a b#c%20.db", "a b#c%20.db"),
        ("a:b.db", "a:b.db"),
        ("C:\\app.db", "C:\\app.db"),
        ("./me:x@y.db", "./me:x@y.db"),
        ("team@work/app.db", "team@work/app.db"),
        ("postgres.db", "postgres.db"),
        ("mysql-copy/app.db", "mysql-copy/app.db"),
    ] {
        let url = read(text);
        assert_eq!(url.path(), Some(Path::new(path)), "{text}");
        assert_eq!(url.dialect(), Dialect::Sqlite);
    }
    for (text, printed) in [
        (":memory:", "the database in memory"),
        ("sqlite://:memory:", "the database in memory"),
        ("file:app.db?mode=ro", "file:app.db?***"),
        ("sqlite://app.db?mode=rw", "file:app.db?***"),
    ] {
        let url = read(text);
        assert_eq!(url.path(), None, "{text}");
        assert_eq!(url.to_string(), printed);
        assert_eq!(url.dialect(), Dialect::Sqlite);
    }
}

#[test]
fn a_relative_path_is_resolved_against_a_directory() {
    let directory = Path::new("/srv/app");
    for (text, path) in [("app.db", "/srv/app/app.db"), ("/var/app.db", "/var/app.db")] {
        assert_eq!(read(text).relative_to(directory).path(), Some(Path::new(path)));
    }
    assert_eq!(read("mysql://h/db").relative_to(directory), read("mysql://h/db"));
}

#[test]
fn the_scheme_names_the_dialect() {
    for (text, dialect) in [
        ("postgres://h/db", Dialect::Postgres),
        ("postgresql://h/db", Dialect::Postgres),
        ("POSTGRES://h/db", Dialect::Postgres),
        ("MySQL://h/db", Dialect::MySql),
        ("mariadb://h/db", Dialect::MariaDb),
    ] {
        assert_eq!(read(text).dialect(), dialect, "{text}");
    }
}

/// The user, host, port and database.
type Parts<'a> = (Option<&'a str>, Option<&'a str>, Option<u16>, Option<&'a str>);

#[test]
fn each_part_of_a_server_url_is_decoded_and_may_be_missing() {
    let cases: &[(&str, Parts)] = &[
        ("postgres://", (None, None, None, None)),
        ("postgres://h", (None, Some("h"), None, None)),
        ("postgres:///db", (None, None, None, Some("db"))),
        ("postgres://h/", (None, Some("h"), None, None)),
        ("postgres://me@", (Some("me"), None, None, None)),
        ("postgres://:secret@h", (None, Some("h"), None, None)),
        (
            "postgres://me:secret@h:5432/db",
            (Some("me"), Some("h"), Some(5432), Some("db")),
        ),
        (
            "postgres://m%40e:%2F%25@h/a%20b",
            (Some("m@e"), Some("h"), None, Some("a b")),
        ),
        ("postgres://[::1]", (None, Some("::1"), None, None)),
        (
            "postgres://me:secret@[2001:db8::7]:5433/db",
            (Some("me"), Some("2001:db8::7"), Some(5433), Some("db")),
        ),
        (
            "postgres://[::1]:5432/db?options=a@b",
            (None, Some("::1"), Some(5432), Some("db")),
        ),
        (
            "postgres://%2Frun%2Fpostgresql/db",
            (None, Some("/run/postgresql"), None, Some("db")),
        ),
        (
            "postgres:///db?host=/run/postgresql",
            (None, Some("/run/postgresql"), None, Some("db")),
        ),
        (
            "postgres:///db?host=%2Frun%2Fpostgresql",
            (None, Some("/run/postgresql"), None, Some("db")),
        ),
        ("postgres://one:1,two:2/db", (None, Some("one"), Some(1), Some("db"))),
        ("postgres://h:99999/db", (None, Some("h"), None, Some("db"))),
        ("mysql://h/%ff", (None, Some("h"), None, None)),
        // An `@` in the parameters ends no password.
        ("postgres://h/db?user=me@work", (None, Some("h"), None, Some("db"))),
        (
            "postgres://h:5432/db?user=me@work",
            (None, Some("h"), Some(5432), Some("db")),
        ),
        (
            "postgres://me@h/db?options=a@b",
            (Some("me"), Some("h"), None, Some("db")),
        ),
        (
            "postgres://me@h:5432/db?options=a@b",
            (Some("me"), Some("h"), Some(5432), Some("db")),
        ),
        // Passwords that should be encoded.
        ("mysql://me:se@cret@h/db", (Some("me"), Some("h"), None, Some("db"))),
        ("mysql://me:se/cret@h/db", (Some("me"), Some("h"), None, Some("db"))),
        ("mysql://me:se?cret@h/db", (Some("me"), Some("h"), None, Some("db"))),
        ("mysql://me:se#cret@h/db", (Some("me"), Some("h"), None, Some("db"))),
        ("mysql://me:100%@h/db", (Some("me"), Some("h"), None, Some("db"))),
        (
            "mysql://me:a:b@h:1/db?x=1",
            (Some("me"), Some("h"), Some(1), Some("db")),
        ),
    ];
    for (text, (user, host, port, database)) in cases {
        let url = read(text);
        assert_eq!(url.user().as_deref(), *user, "user of {text}");
        assert_eq!(url.host().as_deref(), *host, "host of {text}");
        assert_eq!(url.port(), *port, "port of {text}");
        assert_eq!(url.database().as_deref(), *database, "database of {text}");
        assert_eq!(url.path(), None);
    }
}

#[test]
fn parameters_are_decoded() {
    let url = read("postgres://h/db?sslmode=require&options=-c%20geqo%3Doff&%68ost=x&empty=&flag");
    for (name, value) in [
        ("sslmode", Some("require")),
        ("options", Some("-c geqo=off")),
        ("host", Some("x")),
        ("empty", Some("")),
        ("flag", None),
        ("ssl", None),
    ] {
        assert_eq!(url.parameter(name).as_deref(), value, "{name}");
    }
}

#[test]
fn what_may_be_a_server_never_becomes_a_file() {
    for url in [
        "",
        "  ",
        "a\0b",
        "htp://app",
        "htp://me:secret@host/db?password=secret",
        "://",
        "sqlite://",
        "sqlite:",
        "postgres:me:secret@host",
        "postgres:/me:secret@host/db",
        "postgres//me:secret@host/db",
        "MYSQL:me:secret@host",
        "mariadb/me:secret@host",
        "sqlite://me:secret@host/db",
        "host=localhost user=me password=secret dbname=db",
        "PASSWORD=secret",
        "me:secret@tcp(host)/db",
        "me:secret@host",
        "me:se@cret@host",
    ] {
        let error = url.parse::<DatabaseUrl>().expect_err(url);
        let printed = format!("{error} {error:?} {}", error.help());
        assert!(!printed.contains("secret") && !printed.contains("cret@"), "{printed}");
    }
}

#[test]
fn a_password_is_never_printed() {
    for password in [
        "secret",
        "se@secret",
        "se/secret",
        "se%secret",
        "se?secret",
        "se#secret",
        "se:secret",
        "se%40secret",
        "secret@[::1]",
        "5432/secret",
        "/secret@",
        "?secret=@",
        "@@secret//",
        "secret@h/db?x",
        "[secret",
    ] {
        for scheme in ["postgres", "mysql", "mariadb", "htp"] {
            for rest in [
                "h",
                "h:5432/db",
                "[::1]:1/db",
                "/db",
                "h/db?sslmode=require",
                "h/db?password=secret",
            ] {
                let text = format!("{scheme}://me:{password}@{rest}");
                assert!(!Redacted(&text).to_string().contains("secret"), "{text}");
                match text.parse::<DatabaseUrl>() {
                    Ok(url) => assert!(!format!("{url} {url:?}").contains("secret"), "{url}"),
                    Err(error) => assert!(!format!("{error} {error:?}").contains("secret"), "{error}"),
                }
            }
        }
    }
    for (text, printed) in [
        ("postgres://me:secret@h/db", "postgres://***@h/db"),
        ("htp://me:se@cr/et@host/db", "htp://***@host/db"),
        ("htp://host/db?user=me&password=secret", "htp://host/db?***"),
        ("me:secret@host", "***@host"),
        ("app.db", "app.db"),
        ("team@work/app.db", "team@work/app.db"),
        ("file:/x?key=secret", "file:/x?***"),
    ] {
        assert_eq!(Redacted(text).to_string(), printed);
    }
}
