//! `test_migrations!` in a package outside the workspace. Valid migrations pass; for each invalid one the right tests
//! fail and print the fix.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package with two valid migrations and additional tests.
struct Package {
    directory: PathBuf,
}

const DEV_DEPENDENCIES: &str = "\n[dev-dependencies]";

const LIST: &str = "mod m1_create_users;\nmod m2_create_posts;\n";

fn migration(version: u32, ident: &str, up: &str) -> String {
    format!(
        "use migrate_core::prelude::*;\n\n#[derive(Migration)]\n#[migration(version = {version})]\nstruct {ident};\n\n\
         impl Migrate for {ident} {{\n    fn up(&self, schema: &mut Schema) {{\n        {up}\n    }}\n}}\n"
    )
}

impl Package {
    fn new(name: &str) -> Package {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let directory = target().join("test_migrations_macro").join(name);
        let _ = fs::remove_dir_all(&directory);
        let package = Package { directory };
        let core = root.join("migrate-core");
        package.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"scratch-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                 [lib]\nname = \"scratch\"\n\n[dependencies]\n\
                 diesel = {{ version = \"2.3\", default-features = false, features = [\"sqlite\"] }}\n\
                 migrate-core = {{ path = {core:?}, features = [\"sqlite\", \"bundled\"] }}\n{DEV_DEPENDENCIES}\n\
                 migrate-core = {{ path = {core:?}, features = [\"testing\"] }}\n"
            ),
        );
        fs::copy(root.join("Cargo.lock"), package.directory.join("Cargo.lock")).unwrap();
        package.write("src/lib.rs", "mod migrations;\n");
        package.write("src/migrations/mod.rs", LIST);
        let users = r#"schema.create_table("users", |t| {
            t.id();
            t.text("name").nullable();
        });"#;
        let posts = r#"schema.create_table("posts", |t| {
            t.id();
            t.text("title");
        });"#;
        package.write("src/migrations/m1_create_users.rs", &migration(1, "CreateUsers", users));
        package.write("src/migrations/m2_create_posts.rs", &migration(2, "CreatePosts", posts));
        package
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.directory.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Returns the failing tests of each file, by their output.
    fn failures(&self) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--offline", "--no-fail-fast", "--tests"])
            .current_dir(&self.directory)
            .env("CARGO_TARGET_DIR", target())
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("RUST_BACKTRACE")
            .env_remove("MIGRATE_TEST_SEED")
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let files: Vec<&str> = err
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Running ")?.split(' ').next())
            .collect();
        let results: Vec<&str> = out.split("\nrunning ").skip(1).collect();
        assert_eq!(files.len(), results.len(), "{out}\n{err}");
        let all = files.into_iter().zip(results);
        all.filter(|(file, _)| *file != "unittests")
            .map(|(file, result)| (file.to_owned(), self.said(result)))
            .collect()
    }

    /// Returns the output of a file's failing tests, each with the names of these tests.
    fn said(&self, result: &str) -> BTreeMap<String, Vec<String>> {
        assert!(result.starts_with("7 tests"), "{result}");
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let all = result.split("\nfailures:\n").nth(1).unwrap_or_default();
        for one in all.split("\n---- ").skip(1) {
            let (test, text) = one.split_once(" stdout ----\n").unwrap();
            let text = text.trim().replace(self.directory.to_str().unwrap(), "PACKAGE");
            said.entry(text).or_default().push(test.to_owned());
        }
        said
    }
}

/// The target directory for packages outside the workspace, so that dependencies are built once.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("target/outside")
}

fn told(failures: &BTreeMap<String, BTreeMap<String, Vec<String>>>) -> String {
    let mut text = String::new();
    for (file, said) in failures {
        text += &format!("== {file}\n\n");
        for (message, tests) in said {
            // Tests run in parallel and print in any order.
            let mut tests = tests.clone();
            tests.sort();
            text += &format!("{}\n{message}\n\n", tests.join("\n"));
        }
    }
    text
}

#[test]
fn valid_migrations_pass_and_each_mistake_fails_its_check() {
    let package = Package::new("wrong");
    package.write("tests/right.rs", "migrate_core::test_migrations!(scratch);\n");
    let mut right = vec!["tests/right.rs".to_owned()];
    for kind in ["valid", "invalid"] {
        let files = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/test_migrations_macro")
            .join(kind);
        for file in fs::read_dir(files).unwrap() {
            let file = file.unwrap();
            let name = format!("tests/{}", file.file_name().into_string().unwrap());
            package.write(&name, &fs::read_to_string(file.path()).unwrap());
            if kind == "valid" {
                right.push(name);
            }
        }
    }
    let mut failures = package.failures();
    for file in right {
        let said = failures.remove(&file).unwrap();
        assert!(said.is_empty(), "{file}: {said:#?}");
    }
    assert!(failures.len() >= 12 && failures.values().all(|said| !said.is_empty()));
    insta::assert_snapshot!(told(&failures));
}

#[test]
fn a_package_without_the_feature_is_told_what_to_add() {
    let package = Package::new("without_testing");
    package.write("tests/migrations.rs", "migrate_core::test_migrations!(scratch);\n");
    let manifest = fs::read_to_string(package.directory.join("Cargo.toml")).unwrap();
    let (without, _) = manifest.split_once(DEV_DEPENDENCIES).unwrap();
    package.write("Cargo.toml", without);
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--tests"])
        .current_dir(&package.directory)
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let errors: Vec<&str> = errors.lines().filter(|line| line.starts_with("error")).collect();
    let [error, _] = errors.as_slice() else {
        panic!("{errors:#?}")
    };
    insta::assert_snapshot!(error, @r#"error: `test_migrations!` needs the feature `testing`: add `migrate-core = { .., features = ["testing"] }` to `[dev-dependencies]` in Cargo.toml, with the version or path of your dependency [M0830]"#);
}

#[test]
fn files_that_are_not_compiled_or_not_linked_are_found() {
    let package = Package::new("files");
    package.write("tests/migrations.rs", "migrate_core::test_migrations!(scratch);\n");
    package.write("src/migrations/mod.rs", "mod m1_create_users;\n");
    let not_listed = told(&package.failures());
    package.write("src/migrations/mod.rs", LIST);
    package.write("src/lib.rs", "");
    let not_linked = told(&package.failures());
    insta::assert_snapshot!(format!("# not listed\n\n{not_listed}# not linked\n\n{not_linked}"));
}

#[test]
fn changed_or_removed_released_migrations_are_found() {
    let package = Package::new("released");
    package.write("tests/migrations.rs", "migrate_core::test_migrations!(scratch);\n");
    let hash = "0123456789abcdef0123456789abcdef";
    package.write(
        "migrations.sum",
        &format!("# Comment.\n1 create_users 2:{hash}\n2 create_posts new\n3 create_tags 2:{hash}\n"),
    );
    let changed = told(&package.failures());
    package.write(
        "migrations.sum",
        "<<<<<<< HEAD\n1 create_users new\n=======\n>>>>>>> other\n",
    );
    let conflict = told(&package.failures());
    insta::assert_snapshot!(format!("# changed, taken away\n\n{changed}# a conflict\n\n{conflict}"));
}
