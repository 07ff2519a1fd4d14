//! The `migrate` command as it is typed: what it does, prints and answers. Each test has a directory of its own.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use diesel::prelude::*;
use serde_json::Value;

/// A directory to stand in, with nothing of the environment that would name a database.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
        command
            .args(arguments.split_whitespace())
            .current_dir(&self.directory)
            .env_remove("DATABASE_URL")
            .env_remove("CARGO_MANIFEST_DIR")
            .stdin(Stdio::null());
        command
    }

    fn migrate(&self, arguments: &str) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = fs::read_dir(&self.directory)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }

    fn execute(&self, sql: &str) {
        use diesel::connection::SimpleConnection;

        let file = self.path("blog.db");
        let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        connection.batch_execute(sql).unwrap();
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Its result, if it did what it was asked.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Its complaint, if it ended with this code.
    #[track_caller]
    fn refused(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert!(
            self.err.contains("next: ") || self.err.contains("Usage:") || self.err.contains("--help"),
            "{}",
            self.err
        );
        self.err
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// The versions that a text names, in its order, shortened to the day.
fn days(text: &str) -> Vec<String> {
    text.split_whitespace()
        .filter(|word| word.len() == 14 && word.bytes().all(|b| b.is_ascii_digit()))
        .map(|version| format!("{}-{}", &version[4..6], &version[6..8]))
        .collect()
}

/// A text without durations.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    for line in text.lines() {
        match line.rsplit_once(" (") {
            Some((before, after)) if after.ends_with(" ms)") => steady.push_str(before),
            _ => steady.push_str(line),
        }
        steady.push('\n');
    }
    steady
}

#[test]
fn the_story_of_the_readme() {
    let place = Place::new();
    insta::assert_snapshot!(steady(&place.migrate("").done()), @r"
    applied     20260302101500 create_users
    applied     20260309143000 add_username
    applied     20260309150000 fill_usernames
    applied     20260316091000 create_posts
    applied     20260420160500 add_avatar_to_users
    applied     20260511083000 index_users_email
    6 migrations applied, batch 1
    ");
    assert_eq!(place.migrate("up").done(), "nothing to do: nothing is pending\n");
    let status = place.migrate("status").done();
    assert_eq!(status.matches("applied  ").count(), 6, "{status}");

    let back = place.migrate("rollback --steps 1").done();
    assert_eq!(days(&back), ["05-11"]);
    let redone = place.migrate("redo").done();
    assert_eq!(days(&redone), ["04-20", "04-20"]);
    insta::assert_snapshot!(place.migrate("plan").done(), @r"
    -- apply 20260511083000 index_users_email (examples/blog/src/migrations/m20260511083000_index_users_email.rs:4)
    --   Signing in looks users up by their e-mail address.
    CREATE INDEX users_email ON users (email);
    ");
    assert_eq!(days(&place.migrate("up").done()), ["05-11"]);
    assert_eq!(
        place.migrate("rollback").done().lines().count(),
        2,
        "only the last batch"
    );
    assert_eq!(days(&place.migrate("rollback --to 20260309143000").done()).len(), 3);
    assert_eq!(
        days(&place.migrate("up --to 2026_03_16_091000").done()),
        ["03-09", "03-16"]
    );
    assert_eq!(place.migrate("rollback --all --yes").done().lines().count(), 5);
    assert_eq!(place.migrate("rollback").done(), "nothing to do: nothing is applied\n");
    assert_eq!(place.files(), ["blog.db"]);
}

#[test]
fn usernames_are_filled_from_addresses_and_given_back() {
    let place = Place::new();
    place.migrate("up --to 20260309143000").done();
    place.execute("INSERT INTO users (email) VALUES ('Ada@example.org'), ('alan@example.org')");
    place.migrate("up").done();
    place.execute(
        "INSERT INTO posts (user_id, title, body) SELECT id, username, '' FROM users WHERE username IN ('ada', 'alan')",
    );
    place.execute("CREATE TABLE two AS SELECT 1 / (count(*) = 2) AS ok FROM posts");
    place.migrate("rollback --to 20260309143000").done();
    place.execute("CREATE TABLE none AS SELECT 1 / (count(username) = 0) AS ok FROM users");
}

#[test]
fn twenty_at_once_apply_each_migration_once_in_one_batch() {
    let place = Place::new();
    let children: Vec<_> = (0..20)
        .map(|_| {
            let mut command = place.command("up --lock-timeout 120");
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut applied = Vec::new();
    for child in children {
        applied.extend(days(&Ran::from(child.wait_with_output().unwrap()).done()));
    }
    applied.sort();
    assert_eq!(applied, ["03-02", "03-09", "03-09", "03-16", "04-20", "05-11"]);
    let status = place.migrate("status --json").json();
    let migrations = status["migrations"].as_array().unwrap();
    assert!(migrations.iter().all(|migration| migration["batch"] == 1), "{status:#}");
}

#[test]
fn looking_creates_nothing() {
    let place = Place::new();
    for arguments in [
        "status",
        "plan",
        "plan --down",
        "rollback",
        "redo",
        "status --database-url no/such/directory/app.db",
        "plan --database-url sqlite://other.db",
    ] {
        place.migrate(arguments).done();
    }
    assert_eq!(place.files(), [""; 0]);
    assert_eq!(place.migrate("status --exit-code").code, 3);
    place.migrate("up").done();
    assert_eq!(place.migrate("status --exit-code").code, 0);
}

#[test]
fn bad_input_is_a_clear_error_and_changes_nothing() {
    let place = Place::new();
    place.migrate("up --steps 2").done();
    fs::write(
        place.path("letter.db"),
        "Dear Ada, this is not a database. ".repeat(200),
    )
    .unwrap();
    let database = fs::read(place.path("blog.db")).unwrap();
    for (arguments, code, says) in [
        ("downgrade", 2, "unrecognized subcommand 'downgrade'"),
        ("up --to", 2, "--to"),
        ("up --to abc", 2, "a version is an integer from 1"),
        ("up --to 0", 2, "a version is an integer from 1"),
        ("up --to 9223372036854775808", 2, "a version is an integer from 1"),
        ("up --to 99999999999999", 2, "there is no migration 99999999999999"),
        ("up --steps 0", 2, "0 steps"),
        ("up --steps 9", 2, "more than there are: 4 pending"),
        ("up --steps 1 --to 20260316091000", 2, "cannot be used with"),
        ("up --steps -1", 2, "unexpected argument '-1'"),
        ("rollback --steps 3", 2, "more than there are: 2 applied"),
        ("rollback --to 20260316091000", 2, "20260316091000"),
        ("rollback --all --steps 1", 2, "cannot be used with"),
        ("rollback --all", 2, "--yes"),
        ("fresh", 2, "--yes"),
        ("accept 20260302101500", 2, "not changed"),
        ("repair 20260302101500 --done 1", 2, "not interrupted"),
        (
            "status --database-url htp://me:secret@host/app",
            2,
            "htp://***@host/app is not the URL",
        ),
        (
            "status --database-url postgres://me:secret@host/app",
            2,
            "no driver for PostgreSQL",
        ),
        (
            "status --database-url mysql://me:secret@host/app",
            2,
            "no driver for MySQL",
        ),
        ("up --database-url no/such/app.db", 1, "there is no directory no/such"),
        ("up --database-url /proc/app.db", 1, "unable to open database file"),
        ("up --database-url .", 1, "unable to open database file"),
        ("status --database-url letter.db", 1, "file is not a database"),
        ("up --database-url letter.db", 1, "file is not a database"),
        (
            "up --history-table sqlite_mine",
            2,
            "cannot be the name of the history table",
        ),
        ("--quiet --verbose", 2, "cannot be used with"),
        ("create Add-Avatar", 2, "add_avatar"),
        ("create add_avatar", 2, "cargo run"),
    ] {
        let said = place.migrate(arguments).refused(code);
        assert!(said.contains(says), "{arguments}: {said}");
        assert!(!said.contains("secret"), "{arguments}: {said}");
    }
    assert_eq!(fs::read(place.path("blog.db")).unwrap(), database);
    assert_eq!(place.files(), ["blog.db", "letter.db"]);
}

#[test]
fn a_database_that_cannot_be_written_is_a_clear_error() {
    let place = Place::new();
    place.migrate("up --steps 2").done();
    let said = place.migrate("up --database-url file:blog.db?mode=ro").refused(1);
    assert!(said.contains("attempt to write a readonly database"), "{said}");
    assert!(said.contains("right to write"), "{said}");
    place.migrate("status --database-url file:blog.db?mode=ro").done();
}

#[test]
fn the_url_is_taken_from_where_it_is_nearest() {
    let place = Place::new();
    let mut command = place.command("up --database-url typed.db");
    Ran::from(command.env("DATABASE_URL", "environment.db").output().unwrap()).done();
    assert_eq!(place.files(), ["typed.db"]);
    fs::write(place.path(".env"), "OTHER=1\nDATABASE_URL=dotenv.db\n").unwrap();
    let mut command = place.command("up");
    Ran::from(command.env("DATABASE_URL", "environment.db").output().unwrap()).done();
    assert_eq!(place.files(), [".env", "environment.db", "typed.db"]);
    place.migrate("up").done();
    assert_eq!(place.files(), [".env", "dotenv.db", "environment.db", "typed.db"]);
    fs::write(place.path(".env"), "DATABASE_URL='postgres://me:secret@h\n").unwrap();
    let said = place.migrate("up").refused(2);
    assert!(said.contains(".env"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn fresh_starts_over() {
    let place = Place::new();
    place.migrate("up").done();
    place.execute("CREATE TABLE strayed (id INTEGER)");
    place.migrate("fresh --yes").done();
    place.execute("CREATE TABLE strayed (id INTEGER)");
}

#[test]
fn quiet_and_verbose_differ_in_talk_alone() {
    let place = Place::new();
    let verbose = place.migrate("up --verbose");
    assert!(
        verbose.err.contains("step 1 of 2: CREATE TABLE posts ( .."),
        "{}",
        verbose.err
    );
    let quiet = place.migrate("rollback --quiet");
    assert_eq!(quiet.err, "");
    assert_eq!(verbose.out.lines().count(), quiet.out.lines().count());
    assert!(
        !verbose.out.contains('\u{1b}') && !verbose.err.contains('\u{1b}'),
        "no colour without a terminal"
    );
}

/// Every verb's document, with what differs from run to run taken out.
#[test]
fn json_documents_keep_their_shape() {
    let place = Place::new();
    let mut documents = String::new();
    for arguments in [
        "plan --json --steps 1",
        "up --json --steps 3",
        "status --json",
        "redo --json",
        "rollback --json",
        "up --json",
        "fresh --json --yes",
        "up --json --to 1",
    ] {
        let mut document = place.migrate(arguments).json();
        steady_values(&mut document);
        documents.push_str(&format!("$ migrate {arguments}\n{document:#}\n"));
    }
    place.execute("DROP TABLE posts");
    let failed = place.migrate("rollback --json");
    assert_eq!(failed.code, 1);
    let mut document = failed.json();
    steady_values(&mut document);
    documents.push_str(&format!("$ migrate rollback --json\n{document:#}\n"));
    insta::assert_snapshot!(documents);
}

fn steady_values(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match key.as_str() {
                    "applied_at" | "applied_by" | "duration_ms" if !value.is_null() => *value = Value::from("..."),
                    _ => steady_values(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(steady_values),
        _ => {}
    }
}

fn create(package: &Path, name: &str) -> Ran {
    let place = Place::new();
    let mut command = place.command(&format!("create {name}"));
    Ran::from(command.env("CARGO_MANIFEST_DIR", package).output().unwrap())
}

#[test]
fn create_writes_a_file_and_its_mod_line() {
    let place = Place::new();
    let package = place.directory.path();
    fs::create_dir_all(package.join("src")).unwrap();
    fs::write(package.join("src/lib.rs"), "//! App.\n").unwrap();

    let first = create(package, "create_users");
    assert!(first.err.contains("add `mod migrations;` to"), "{}", first.err);
    first.done();
    fs::write(package.join("src/lib.rs"), "mod migrations;\n").unwrap();
    // In the same second: the versions differ all the same, and stay in order.
    let second = create(package, "add_avatar");
    assert!(!second.err.contains("warning"), "{}", second.err);
    second.done();

    let list = fs::read_to_string(package.join("src/migrations/mod.rs")).unwrap();
    let modules: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("mod ")).collect();
    assert_eq!(modules.len(), 2, "{list}");
    assert!(modules[0] < modules[1], "{list}");
    assert!(
        modules[0].ends_with("_create_users;") && modules[1].ends_with("_add_avatar;"),
        "{list}"
    );
    for module in modules {
        let file = package.join("src/migrations").join(module.replace(';', ".rs"));
        assert!(fs::read_to_string(file).unwrap().contains("#[derive(Migration)]"));
    }
}

#[test]
fn create_changes_nothing_that_it_does_not_understand() {
    let place = Place::new();
    let package = place.directory.path();
    fs::create_dir_all(package.join("src/migrations")).unwrap();
    let list = "mod m1_a;\nmacro_rules! all { () => {} }\n";
    fs::write(package.join("src/migrations/mod.rs"), list).unwrap();
    let ran = create(package, "add_avatar");
    assert!(ran.err.contains("_add_avatar;` to"), "{}", ran.err);
    ran.done();
    assert_eq!(fs::read_to_string(package.join("src/migrations/mod.rs")).unwrap(), list);
}

#[test]
fn status_warns_of_a_file_that_no_mod_line_names() {
    let place = Place::new();
    let package = place.directory.path();
    fs::create_dir_all(package.join("src/migrations")).unwrap();
    fs::write(package.join("src/migrations/mod.rs"), "mod m1_a;\n// mod m2_b;\n").unwrap();
    for file in ["m1_a.rs", "m2_b.rs", "helpers.rs"] {
        fs::write(package.join("src/migrations").join(file), "").unwrap();
    }
    let mut command = place.command("status");
    let ran = Ran::from(command.env("CARGO_MANIFEST_DIR", package).output().unwrap());
    assert_eq!(ran.err.matches("warning").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("add `mod m2_b;` to"), "{}", ran.err);
}
