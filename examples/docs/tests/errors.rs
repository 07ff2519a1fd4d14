//! `docs/errors.md` has a paragraph on each code, and only on those.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use migrate_core::Code;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn each_code_has_its_paragraph() {
    let page = fs::read_to_string(workspace().join("docs/errors.md")).unwrap();
    let mut sections = page.split("\n## ").skip(1);
    for code in Code::ALL {
        let section = sections
            .next()
            .unwrap_or_else(|| panic!("docs/errors.md has no section on {code}"));
        let (heading, body) = section.split_once('\n').unwrap_or((section, ""));
        assert_eq!(heading, format!("{code}: {}", code.title()));
        assert!(body.trim().len() > 40, "docs/errors.md has no paragraph on {code}");
    }
    assert_eq!(sections.next(), None, "docs/errors.md has a section on no code");
}

#[test]
fn each_code_is_in_use() {
    let mut sources = String::new();
    for package in ["migrate-core/src", "migrate-cli/src", "migrate-macros/src"] {
        read(&workspace().join(package), &mut sources);
    }
    let table = fs::read_to_string(workspace().join("migrate-core/src/code.rs")).unwrap();
    let mut checked = 0;
    for line in table.lines().map(str::trim) {
        let Some((name, rest)) = line.split_once(" = ") else {
            continue;
        };
        let Some((number, _)) = rest.split_once(',') else {
            continue;
        };
        let Ok(number) = number.parse::<u16>() else { continue };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        // A longer name may begin with this one.
        let is_named = sources
            .split(&format!("Code::{name}"))
            .skip(1)
            .any(|rest| !rest.starts_with(is_word));
        let is_used = is_named || sources.contains(&format!("M{number:04}"));
        assert!(is_used, "{name} (M{number:04}) is not in use");
        checked += 1;
    }
    assert_eq!(checked, Code::ALL.len());
}

fn read(directory: &Path, sources: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => read(&path, sources),
            false if path.ends_with("migrate-core/src/code.rs") => {}
            false => sources.push_str(&fs::read_to_string(&path).unwrap_or_default()),
        }
    }
}
