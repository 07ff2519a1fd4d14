//! rustc and the linker with the derive's output: real packages, built by Cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type TestResult = Result<(), Box<dyn std::error::Error>>;

const PRINTS_LINKED_COUNT: &str = r#"
fn main() {
    match migrate_core::Registry::linked() {
        Ok(registry) => println!("linked: {}", registry.len()),
        Err(error) => {
            println!("{error}");
            std::process::exit(1);
        }
    }
}
"#;

/// A separate workspace. All workspaces share one target directory with the other packages outside this workspace, so
/// that dependencies are built once. Package names therefore start with the name of the test.
struct Scratch {
    root: PathBuf,
}

impl Scratch {
    fn new(name: &str) -> Result<Scratch, Box<dyn std::error::Error>> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linking").join(name);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        fs::create_dir_all(&root)?;
        fs::write(
            root.join("Cargo.toml"),
            "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n\
             [profile.thin]\ninherits = \"release\"\nlto = \"thin\"\n\n\
             [profile.fat]\ninherits = \"release\"\nlto = \"fat\"\n",
        )?;
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        fs::copy(lock, root.join("Cargo.lock"))?;
        Ok(Scratch { root })
    }

    fn package(&self, name: &str, dependencies: &[&str], file: &str, text: &str) -> TestResult {
        let folder = self.root.join(name);
        fs::create_dir_all(folder.join("src"))?;
        let core = env!("CARGO_MANIFEST_DIR");
        let mut manifest = format!(
            "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nmigrate-core = {{ path = {core:?} }}\n"
        );
        for dependency in dependencies {
            manifest += &format!("{dependency} = {{ path = \"../{dependency}\" }}\n");
        }
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("src").join(file), text)?;
        Ok(())
    }

    fn cargo(&self, arguments: &[&str]) -> std::io::Result<Outcome> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/outside");
        let Output { status, stdout, stderr } = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--offline", "--quiet"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env_remove("RUSTFLAGS")
            .output()?;
        Ok(Outcome {
            is_done: status.success(),
            output: String::from_utf8_lossy(&stdout).into_owned(),
            talk: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }
}

struct Outcome {
    is_done: bool,
    output: String,
    talk: String,
}

fn migration(version: u64, name: &str) -> String {
    format!(
        r#"
/// A migration.
#[derive(Migration)]
#[migration(version = {version})]
pub struct {name};

impl Migrate for {name} {{
    fn up(&self, schema: &mut Schema) {{
        schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
    }}
}}
"#
    )
}

fn library(migrations: &[(u64, &str)]) -> String {
    let mut text =
        "//! A library.\n#![forbid(unsafe_code)]\n#![deny(warnings, missing_docs)]\nuse migrate_core::prelude::*;\n"
            .to_owned();
    for (version, name) in migrations {
        text += &migration(*version, name);
    }
    text
}

const SYMBOL: &str = "migration_version_7_of_group_default_is_used_twice";

#[test]
fn a_version_used_twice_in_a_crate_does_not_build() -> TestResult {
    let scratch = Scratch::new("twice-in-one")?;
    scratch.package("twice-in-one", &[], "lib.rs", &library(&[(7, "First"), (7, "Second")]))?;
    let built = scratch.cargo(&["build"])?;
    assert!(!built.is_done, "it was built");
    assert!(built.talk.contains(SYMBOL), "{}", built.talk);
    Ok(())
}

#[test]
fn a_version_used_in_two_crates_does_not_link_and_never_runs() -> TestResult {
    let scratch = Scratch::new("in-two")?;
    scratch.package("in-two-a", &[], "lib.rs", &library(&[(7, "First")]))?;
    scratch.package("in-two-b", &[], "lib.rs", &library(&[(7, "Second")]))?;
    let program = format!("use in_two_a as _;\nuse in_two_b as _;\n{PRINTS_LINKED_COUNT}");
    scratch.package("in-two", &["in-two-a", "in-two-b"], "main.rs", &program)?;

    for profile in ["dev", "release", "fat"] {
        let built = scratch.cargo(&["build", "--package", "in-two", "--profile", profile])?;
        assert!(!built.is_done, "{profile}: it was linked");
        assert!(built.talk.contains(SYMBOL), "{profile}: {}", built.talk);
    }

    // Thin LTO makes symbols local before the linker compares them, so only the registry can refuse.
    let ran = scratch.cargo(&["run", "--package", "in-two", "--profile", "thin"])?;
    assert!(!ran.is_done, "two migrations with one version were accepted");
    let refused = ran.output.contains("several migrations have the same version")
        && ran.output.contains("in-two-a/src/lib.rs:")
        && ran.output.contains("in-two-b/src/lib.rs:");
    assert!(refused || ran.talk.contains(SYMBOL), "{}{}", ran.output, ran.talk);
    Ok(())
}

#[test]
fn a_program_without_migrations_explains_how_to_link() -> TestResult {
    let scratch = Scratch::new("unlinked")?;
    scratch.package("unlinked-lib", &[], "lib.rs", &library(&[(7, "First")]))?;
    scratch.package("unlinked", &["unlinked-lib"], "main.rs", PRINTS_LINKED_COUNT)?;
    for profile in ["dev", "release"] {
        let ran = scratch.cargo(&["run", "--package", "unlinked", "--profile", profile])?;
        assert!(!ran.is_done, "{profile}: {}", ran.output);
        assert!(
            ran.output.contains("no migrations are linked into this program"),
            "{}",
            ran.output
        );
        assert!(ran.output.contains("`use my_app as _;`"), "{}", ran.output);
    }
    Ok(())
}

#[test]
fn a_used_crate_is_linked_with_all_its_migrations() -> TestResult {
    let scratch = Scratch::new("linked")?;
    scratch.package("linked-lib", &[], "lib.rs", &library(&[(7, "First"), (8, "Second")]))?;
    let program = format!("use linked_lib as _;\n{PRINTS_LINKED_COUNT}");
    scratch.package("linked", &["linked-lib"], "main.rs", &program)?;
    for profile in ["dev", "release", "thin", "fat"] {
        let ran = scratch.cargo(&["run", "--package", "linked", "--profile", profile])?;
        assert!(ran.is_done, "{profile}: {}", ran.talk);
        assert_eq!(ran.output, "linked: 2\n", "{profile}");
    }
    Ok(())
}

#[test]
fn a_crate_under_test_and_its_normal_copy_count_once() -> TestResult {
    let scratch = Scratch::new("copies")?;
    scratch.package("copies-lib", &["copies-helper"], "lib.rs", &{
        let mut text = library(&[(7, "First")]);
        text += "
#[test]
fn both_copies_are_linked() {
    use copies_helper as _;
    use migrate_core::__private::inventory;
    assert_eq!(inventory::iter::<migrate_core::Migration>().count(), 2);
    assert_eq!(migrate_core::Registry::linked().unwrap().len(), 1);
}
";
        text
    })?;
    scratch.package("copies-helper", &[], "lib.rs", "use copies_lib as _;\n")?;
    // The helper depends on the library, and the library's tests on the helper: two copies in one program.
    let manifest = scratch.root.join("copies-lib/Cargo.toml");
    let text = fs::read_to_string(&manifest)?.replace("copies-helper = ", "\n[dev-dependencies]\ncopies-helper = ");
    fs::write(&manifest, text)?;
    let manifest = scratch.root.join("copies-helper/Cargo.toml");
    let text = fs::read_to_string(&manifest)? + "copies-lib = { path = \"../copies-lib\" }\n";
    fs::write(&manifest, text)?;

    let tested = scratch.cargo(&["test", "--package", "copies-lib", "--lib"])?;
    assert!(tested.is_done, "{}{}", tested.output, tested.talk);
    assert!(tested.output.contains("1 passed"), "{}", tested.output);
    Ok(())
}
