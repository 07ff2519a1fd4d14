//! `check`, and its files that `create` writes. Each test has a copy of this package's sources.

use std::fs;
use std::path::Path;

use super::{Place, Ran, create};

/// Copies this package into a directory of the test.
fn package() -> Place {
    let place = Place::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &place.path("src"));
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations.sum"),
        place.path("migrations.sum"),
    )
    .unwrap();
    place
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

impl Place {
    fn check(&self, arguments: &str) -> Ran {
        let mut command = self.command(&format!("check {arguments}"));
        Ran::from(
            command
                .env("CARGO_MANIFEST_DIR", self.directory.path())
                .output()
                .unwrap(),
        )
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.text(file);
        assert!(text.contains(from), "{file} lacks {from}");
        fs::write(self.path(file), text.replace(from, to)).unwrap();
    }
}

#[test]
fn valid_migrations_pass_check_without_a_database() {
    let place = package();
    assert_eq!(place.check("").done(), "6 migrations checked, no errors\n");
    // rustfmt's format for shorter lines.
    place.edit("src/schema.rs", "posts, users,", "\n    posts,\n    users\n");
    place.check("--dialect sqlite,postgres:16").done();
    assert_eq!(place.files(), ["migrations.sum", "src"]);
    assert_eq!(place.check("--json").json()["files"], serde_json::json!([]));
}

#[test]
fn check_reports_all_errors_and_writes_only_on_request() {
    let place = package();
    let lock = place.text("migrations.sum");
    let schema = place.text("src/schema.rs");
    let line = |name: &str| lock.lines().find(|line| line.contains(name)).unwrap().to_owned();
    let other = |line: &str| format!("{}0000", &line[..line.len() - 4]);
    place.edit("migrations.sum", &line("create_users"), &other(&line("create_users")));
    place.edit("migrations.sum", &format!("{}\n", line("create_posts")), "");
    place.edit("migrations.sum", "20260309143000 ", "20260309143001 ");
    place.edit("src/schema.rs", "avatar_url", "avatar");
    fs::write(place.path("src/migrations/m20260601000000_forgotten.rs"), "").unwrap();

    let wrong = [place.text("migrations.sum"), place.text("src/schema.rs")];
    let said = place.check("").refused(1);
    insta::assert_snapshot!(said.replace(place.directory.path().to_str().unwrap(), "DIRECTORY"));
    place.check("--update").refused(1);
    place.check("--update 20260302101500 7").refused(2);
    assert_eq!([place.text("migrations.sum"), place.text("src/schema.rs")], wrong);

    fs::remove_file(place.path("src/migrations/m20260601000000_forgotten.rs")).unwrap();
    let written = place.check("--update 20260302101500 20260309143001").done();
    assert!(
        written.starts_with("migrations.sum: written\nsrc/schema.rs: written\n"),
        "{written}"
    );
    assert_eq!(
        [place.text("migrations.sum"), place.text("src/schema.rs")],
        [lock, schema]
    );
    place.check("").done();
}

#[test]
fn check_keeps_the_settings_of_schema_rs() {
    let place = package();
    let written = place.migrate("schema --sqlite-integer-primary-key-is-bigint false --write src/schema.rs");
    written.done();
    let schema = place.text("src/schema.rs");
    assert!(schema.contains("id -> Integer,"), "{schema}");
    place.check("").done();
    place.edit("src/schema.rs", "avatar_url", "avatar");
    let said = place.check("").refused(1);
    assert!(said.contains("--sqlite-integer-primary-key-is-bigint false"), "{said}");
    place.check("--update").done();
    assert_eq!(place.text("src/schema.rs"), schema);
    // For another database, with its types.
    place.migrate("schema --dialect postgres --write src/schema.rs").done();
    place.check("").done();
    place.edit("src/schema.rs", "Int8", "Int4");
    let said = place.check("").refused(1);
    assert!(
        said.contains("`migrate schema --dialect postgres --write src/schema.rs`"),
        "{said}"
    );
    // `check` ignores a file that is not generated.
    fs::write(place.path("src/schema.rs"), "// by hand\n").unwrap();
    place.check("--update").done();
    assert_eq!(place.text("src/schema.rs"), "// by hand\n");
}

#[test]
fn create_adds_a_line_that_makes_branches_conflict() {
    let place = package();
    create(place.directory.path(), "add_bio").done();
    let lock = place.text("migrations.sum");
    assert!(lock.trim_end().ends_with(" add_bio new"), "{lock}");

    // Another branch has added a migration too, and git has merged the two.
    let last = lock.lines().last().unwrap();
    place.edit(
        "migrations.sum",
        last,
        &format!("<<<<<<< HEAD\n{last}\n=======\n20991231000000 add_age new\n>>>>>>> age"),
    );
    let said = place.check("").refused(1);
    assert!(said.contains("error[M0802]"), "{said}");
    let before = place.text("migrations.sum");
    let refused = create(place.directory.path(), "add_more");
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert_eq!(place.text("migrations.sum"), before);
    assert!(!place.text("src/migrations/mod.rs").contains("add_more"));
}

#[test]
fn only_the_first_create_creates_the_checksum_file() {
    let place = Place::new();
    fs::create_dir_all(place.path("src")).unwrap();
    let first = create(place.directory.path(), "create_users");
    assert!(first.err.contains("migrations.sum"), "{}", first.err);
    first.done();
    assert!(place.text("migrations.sum").trim_end().ends_with(" create_users new"));

    fs::remove_file(place.path("migrations.sum")).unwrap();
    create(place.directory.path(), "add_avatar").done();
    assert_eq!(place.files(), ["src"]);
}

#[test]
fn update_writes_nothing_if_one_file_cannot_be_written() {
    let place = package();
    place.edit("src/schema.rs", "avatar_url", "avatar");
    place.edit("migrations.sum", "# Checksums of", "# Ours.\n# Checksums of");
    let line = |name: &str| {
        place
            .text("migrations.sum")
            .lines()
            .find(|line| line.contains(name))
            .unwrap()
            .to_owned()
    };
    place.edit("migrations.sum", &format!("{}\n", line("create_posts")), "");
    let before = place.text("migrations.sum");
    // Blocks the temporary file of the new text.
    fs::create_dir(place.path("src/schema.rs.new")).unwrap();
    let said = place.check("--update").refused(1);
    assert!(said.contains("error[M0907]: src/schema.rs "), "{said}");
    assert_eq!(place.text("migrations.sum"), before);
    assert!(!place.path("migrations.sum.new").exists());

    fs::remove_dir(place.path("src/schema.rs.new")).unwrap();
    place.check("--update").done();
    assert!(place.text("migrations.sum").contains("# Ours.\n"));
    place.check("").done();
}

#[test]
fn create_writes_nothing_if_a_file_cannot_be_written() {
    let place = package();
    let files = || fs::read_dir(place.path("src/migrations")).unwrap().count();
    let before = files();
    fs::create_dir(place.path("migrations.sum.new")).unwrap();
    let refused = create(place.directory.path(), "add_bio");
    assert_eq!(refused.code, 1, "{}", refused.err);
    fs::remove_dir(place.path("migrations.sum.new")).unwrap();
    assert_eq!(files(), before);

    // The other file is blocked.
    let lock = place.text("migrations.sum");
    fs::create_dir(place.path("src/migrations/mod.rs.new")).unwrap();
    let refused = create(place.directory.path(), "add_bio");
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert_eq!(place.text("migrations.sum"), lock);
}

#[cfg(unix)]
#[test]
fn a_symlinked_checksum_file_stays_a_symlink() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = package();
    fs::rename(place.path("migrations.sum"), place.path("kept")).unwrap();
    fs::set_permissions(place.path("kept"), fs::Permissions::from_mode(0o664)).unwrap();
    symlink("kept", place.path("migrations.sum")).unwrap();
    create(place.directory.path(), "add_bio").done();
    assert!(fs::symlink_metadata(place.path("migrations.sum")).unwrap().is_symlink());
    assert!(place.text("kept").contains("add_bio new"));
    let mode = fs::metadata(place.path("kept")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o664);
}
