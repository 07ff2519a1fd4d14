//! The `migrate` command line: its effects, output and exit codes. Each test has its own directory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod interruption;
#[cfg(all(feature = "postgres", feature = "mysql"))]
mod servers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use diesel::prelude::*;
use serde_json::Value;

/// A working directory, without environment variables that name a database.
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
    /// Returns its output, if it succeeded.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Returns its error, if it failed with this exit code.
    #[track_caller]
    fn refused(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(
            self.err.starts_with("error[M") || self.err.starts_with("error: "),
            "{}",
            self.err
        );
        assert!(
            self.err.contains("help: ") || self.err.contains("Usage:") || self.err.contains("--help"),
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

/// The versions in a text, in order, shortened to month and day.
fn days(text: &str) -> Vec<String> {
    text.split_whitespace()
        .filter(|word| word.len() == 14 && word.bytes().all(|b| b.is_ascii_digit()))
        .map(|version| format!("{}-{}", &version[4..6], &version[6..8]))
        .collect()
}

/// Returns a text without durations.
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
fn the_commands_of_the_readme_work() {
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
    assert_eq!(place.migrate("up").done(), "nothing to do: no pending migrations\n");
    let status = place.migrate("status").done();
    assert_eq!(status.matches("applied  ").count(), 6, "{status}");

    let back = place.migrate("rollback -n 1").done();
    assert_eq!(days(&back), ["05-11"]);
    let redone = place.migrate("redo").done();
    assert_eq!(days(&redone), ["04-20", "04-20"]);
    insta::assert_snapshot!(place.migrate("plan").done(), @r#"
    -- apply 20260511083000 index_users_email (examples/blog/src/migrations/m20260511083000_index_users_email.rs:4)
    --   Signing in looks users up by their e-mail address.
    BEGIN IMMEDIATE;
    CREATE INDEX "users_email_idx" ON "users" ("email");
    COMMIT;
    "#);
    let elsewhere = place.migrate("plan --dialect postgres").done();
    assert!(
        elsewhere.contains("\"id\" BIGINT GENERATED BY DEFAULT AS IDENTITY NOT NULL"),
        "{elsewhere}"
    );
    assert!(elsewhere.contains("_fill_usernames::fill_usernames` ("), "{elsewhere}");
    // There is no warning about a missing function: with the feature `postgres` the migration has one.
    assert!(!elsewhere.contains("-- warning"), "{elsewhere}");
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
    assert_eq!(
        place.migrate("rollback").done(),
        "nothing to do: no applied migrations\n"
    );
    assert_eq!(place.files(), ["blog.db"]);
}

#[test]
fn usernames_are_filled_by_up_and_cleared_by_rollback() {
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
fn twenty_processes_apply_each_migration_once_in_one_batch() {
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
fn status_plan_and_rollback_create_no_database() {
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
    place.migrate("up -n 2").done();
    fs::write(
        place.path("letter.db"),
        "Dear Ada, this is not a database. ".repeat(200),
    )
    .unwrap();
    let database = fs::read(place.path("blog.db")).unwrap();
    for (arguments, code, says) in [
        ("downgrade", 2, "unrecognized subcommand 'downgrade'"),
        ("up --to", 2, "--to"),
        ("up --to abc", 2, "a version must be an integer from 1"),
        ("up --to 0", 2, "a version must be an integer from 1"),
        ("up --to 9223372036854775808", 2, "a version must be an integer from 1"),
        ("up --to 99999999999999", 2, "migration 99999999999999 does not exist"),
        ("up -n 0", 2, "must be at least 1"),
        ("up -n 9", 2, "only 4 are pending"),
        ("up -n 1 --to 20260316091000", 2, "cannot be used with"),
        ("up --number -1", 2, "unexpected argument '-1'"),
        ("rollback -n 3", 2, "only 2 are applied"),
        ("rollback --to 20260316091000", 2, "20260316091000"),
        ("rollback --all -n 1", 2, "cannot be used with"),
        ("rollback --all", 2, "--yes"),
        ("rollback", 2, "rolls back all 2 applied migrations"),
        ("fresh", 2, "--yes"),
        (
            "plan --dialect oracle",
            2,
            "\"oracle\" is not a dialect; use sqlite, postgres, mysql or mariadb, with an optional version",
        ),
        ("plan --dialect mysql -n 1", 2, "cannot be used with"),
        ("accept 20260302101500", 2, "20260302101500"),
        ("resolve 20260302101500 --done 1", 2, "20260302101500"),
        (
            "status --database-url htp://me:secret@host/app",
            2,
            "error[M0902]: htp://***@host/app is not",
        ),
        #[cfg(not(feature = "postgres"))]
        (
            "status --database-url postgres://me:secret@host/app",
            2,
            "without the feature `postgres`",
        ),
        #[cfg(not(feature = "mysql"))]
        (
            "status --database-url mysql://me:secret@host/app",
            2,
            "without the feature `mysql`",
        ),
        (
            "up --database-url no/such/app.db",
            1,
            "directory no/such does not exist",
        ),
        ("up --database-url /proc/app.db", 1, "unable to open database file"),
        ("up --database-url .", 1, "unable to open database file"),
        ("status --database-url letter.db", 1, "file is not a database"),
        ("up --database-url letter.db", 1, "file is not a database"),
        (
            "up --history-table sqlite_mine",
            2,
            "is not a valid name for the history table",
        ),
        ("--quiet --verbose", 2, "cannot be used with"),
        ("status --database-url postgres:me:secret@host", 2, "error[M0902]"),
        ("up --database-url postgres:/me:secret@host/app", 2, "error[M0902]"),
        ("up --database-url sqlite://me:secret@host/app", 2, "error[M0902]"),
        ("status --database-url file:/no/such/app?key=secret", 1, "error[M0905]"),
        ("up postgres://me:secret@host/app", 2, "unexpected argument"),
        ("create Add-Avatar", 2, "error[M0910]"),
        ("create add_avatar", 2, "error[M0908]"),
    ] {
        let said = place.migrate(arguments).refused(code);
        assert!(said.contains(says), "{arguments}: {said}");
        assert!(!said.contains("secret"), "{arguments}: {said}");
    }
    assert_eq!(fs::read(place.path("blog.db")).unwrap(), database);
    assert_eq!(place.files(), ["blog.db", "letter.db"]);
}

#[test]
fn a_read_only_database_is_a_clear_error() {
    let place = Place::new();
    place.migrate("up -n 2").done();
    let said = place.migrate("up --database-url file:blog.db?mode=ro").refused(1);
    assert!(said.contains("attempt to write a readonly database"), "{said}");
    assert!(said.contains("writable for this user"), "{said}");
    place.migrate("status --database-url file:blog.db?mode=ro").done();
}

#[test]
fn option_then_environment_then_dotenv_sets_the_url() {
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
    assert!(said.contains("error[M0903]"), "{said}");
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
fn quiet_and_verbose_change_only_stderr() {
    let place = Place::new();
    let verbose = place.migrate("up --verbose");
    assert!(
        verbose.err.contains("step 1 of 2: CREATE TABLE \"posts\" ( .."),
        "{}",
        verbose.err
    );
    let quiet = place.migrate("rollback --quiet --yes");
    assert_eq!(quiet.err, "");
    assert_eq!(verbose.out.lines().count(), quiet.out.lines().count());
    assert!(
        !verbose.out.contains('\u{1b}') && !verbose.err.contains('\u{1b}'),
        "no colour without a terminal"
    );
}

/// The document of every command, without values that differ from run to run.
#[test]
fn json_documents_keep_their_shape() {
    let place = Place::new();
    let mut documents = String::new();
    for arguments in [
        "plan --json -n 1",
        "up --json -n 3",
        "status --json",
        "redo --json",
        "rollback --yes --json",
        "up --json",
        "fresh --json --yes",
        "up --json --to 1",
    ] {
        let mut document = place.migrate(arguments).json();
        steady_values(&mut document);
        documents.push_str(&format!("$ migrate {arguments}\n{document:#}\n"));
    }
    place.execute("DROP TABLE posts");
    let failed = place.migrate("rollback --yes --json");
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
    // Within the same second, the versions still differ and keep their order.
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
fn create_leaves_an_unparsable_mod_file_unchanged() {
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
fn commands_warn_about_undeclared_migration_files() {
    let place = Place::new();
    let package = place.directory.path();
    fs::create_dir_all(package.join("src/migrations")).unwrap();
    fs::write(package.join("src/migrations/mod.rs"), "mod m1_a;\n// mod m2_b;\n").unwrap();
    for file in ["m1_a.rs", "m2_b.rs", "helpers.rs"] {
        fs::write(package.join("src/migrations").join(file), "").unwrap();
    }
    let run = |arguments: &str| {
        let mut command = place.command(arguments);
        Ran::from(command.env("CARGO_MANIFEST_DIR", package).output().unwrap())
    };
    for verb in ["status", "plan -n 1", "plan --to 7", "up -n 1"] {
        let ran = run(verb);
        assert_eq!(ran.err.matches("warning").count(), 1, "{}", ran.err);
        assert!(ran.err.contains("add `mod m2_b;` to"), "{}", ran.err);
    }
    let warnings = run("up --json").json()["warnings"].clone();
    assert!(
        warnings[0].as_str().unwrap().contains("add `mod m2_b;` to"),
        "{warnings}"
    );
}

/// Creates a migration with a Rust step on rows in a new package. Returns the output and the file.
fn create_on_rows(arguments: &str, database_url: Option<&str>) -> (Ran, String) {
    let place = Place::new();
    fs::create_dir_all(place.path("src")).unwrap();
    let mut command = place.command(&format!("create count_posts {arguments}"));
    command.env("CARGO_MANIFEST_DIR", place.directory.path());
    database_url.map(|url| command.env("DATABASE_URL", url));
    let ran = Ran::from(command.output().unwrap());
    let written = fs::read_dir(place.path("src/migrations")).into_iter().flatten();
    let text = written.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    (ran, text.collect())
}

#[test]
fn table_snapshots_include_joinable_declarations() {
    let (ran, text) = create_on_rows("--tables users,posts,users", None);
    ran.done();
    assert_eq!(text.matches("diesel::table!").count(), 2, "{text}");
    assert!(
        text.contains("diesel::joinable!(posts -> users (user_id));\n"),
        "{text}"
    );
    assert!(
        text.contains("allow_tables_to_appear_in_same_query!(users, posts,);\n"),
        "{text}"
    );
    assert!(text.contains("todo!("), "{text}");
}

#[test]
fn table_snapshots_use_the_types_of_the_chosen_dialect() {
    let is_built_for_several = cfg!(any(feature = "postgres", feature = "mysql"));
    for (arguments, url, told, username, connection) in [
        (
            "",
            None,
            // Reported only if the program supports several databases.
            if is_built_for_several {
                "sqlite, from the database URL"
            } else {
                ""
            },
            "Nullable<Text>",
            "SqliteConnection",
        ),
        (
            "",
            Some("postgres://me:secret@host/app"),
            "postgres, from the database URL",
            "Nullable<Varchar>",
            "PgConnection",
        ),
        (
            "--dialect mariadb",
            Some("postgres://me:secret@host/app"),
            "",
            "Nullable<Varchar>",
            "MysqlConnection",
        ),
    ] {
        let (ran, text) = create_on_rows(&format!("--tables users {arguments}"), url);
        assert_eq!(
            ran.err.contains("the column types are for"),
            !told.is_empty(),
            "{}",
            ran.err
        );
        assert!(ran.err.contains(told), "{}", ran.err);
        ran.done();
        assert!(text.contains(&format!("username -> {username},")), "{text}");
        let (run, function) = if is_built_for_several {
            (
                "for_each_connection!(count_posts)",
                "    fn count_posts(conn: &mut Connection)".to_owned(),
            )
        } else {
            ("count_posts", format!("fn count_posts(conn: &mut {connection})"))
        };
        assert!(text.contains(&format!("schema.run({run}).up_only();")), "{text}");
        assert!(
            text.contains(&format!("\n{function} -> QueryResult<()> {{\n")),
            "{text}"
        );
    }
    let (refused, text) = create_on_rows("--dialect postgres", None);
    refused.refused(2);
    assert_eq!(text, "");
}

#[test]
fn offline_output_uses_the_configured_dialect() {
    let place = Place::new();
    let on_postgres = |arguments: &str| {
        let mut command = place.command(arguments);
        command.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
        Ran::from(command.env("DATABASE_URL", "postgres://host/app").output().unwrap())
    };
    let schema = on_postgres("schema").done();
    assert!(
        schema.contains("`migrate schema --dialect postgres --write FILE`"),
        "{schema}"
    );
    assert!(schema.contains("id -> Int8,"), "{schema}");
    let picture = on_postgres("schema --format mermaid");
    assert!(
        picture
            .err
            .contains("the schema is for postgres, from the database URL"),
        "{}",
        picture.err
    );
    let schema = on_postgres("schema --dialect sqlite");
    assert_eq!(schema.err, "");
    assert_eq!(schema.done(), include_str!("../../src/schema.rs"));
    let checked = on_postgres("check");
    assert!(
        checked.err.contains("checked for postgres, from the database URL"),
        "{}",
        checked.err
    );
    // The generated file keeps the database that it was generated for.
    checked.done();
    assert_eq!(on_postgres("check --dialect sqlite,mariadb").err, "");
}

#[test]
fn schema_needs_no_database_and_updates_a_file() {
    let place = Place::new();
    let printed = place.migrate("schema").done();
    assert_eq!(printed, include_str!("../../src/schema.rs"));
    assert_eq!(place.files(), [""; 0]);
    assert_eq!(place.migrate("schema --write schema.rs").done(), "schema.rs: written\n");
    assert_eq!(
        place.migrate("schema --write schema.rs").done(),
        "schema.rs: already up to date\n"
    );
    assert_eq!(fs::read_to_string(place.path("schema.rs")).unwrap(), printed);
    assert_eq!(place.files(), ["schema.rs"]);
    let first = place.migrate("schema --at 20260302101500").done();
    assert!(first.contains("users (id)") && !first.contains("posts"), "{first}");
    let json = place.migrate("schema --json").json();
    assert_eq!(json["text"], printed);
    let picture = place.migrate("schema --format mermaid").done();
    let page = include_str!("../../../../docs/schema-export.md");
    assert!(page.contains(&picture), "{picture}");
    let sql = place.migrate("schema --format sql --dialect postgres").done();
    assert!(sql.starts_with("CREATE TABLE \"users\" ("), "{sql}");
    let data = place.migrate("schema --format json").json();
    insta::assert_snapshot!(format!("{data:#}"));
    place.migrate("schema --at 5").refused(2);
    let refused = place.migrate("schema --format sql --write schema.rs").refused(2);
    assert!(refused.contains("error[M0914]"), "{refused}");
    place.migrate("schema --write no/such/directory.rs").refused(1);
    let on_postgres = place.migrate("schema --dialect postgres").done();
    assert!(on_postgres.contains("avatar_url -> Nullable<Text>,"), "{on_postgres}");
}
