//! A new edit of a table changes few places: the sources that name an existing one are counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The file that declares the edits.
const DECLARATION: &str = "schema/operation.rs";

/// The enums of edits, one for each part of a table.
const GROUPS: [&str; 3] = ["ColumnEdit", "ConstraintEdit", "IndexEdit"];

/// The declaration, its builder, the checksum, the schema state, and the dialects.
const MOST: usize = 5;

#[test]
fn each_edit_of_a_table_is_named_in_few_places() {
    let sources = sources();
    let declaration = &sources
        .iter()
        .find(|(path, _)| path == Path::new(DECLARATION))
        .unwrap()
        .1;
    let mut edits = 0;
    for group in GROUPS {
        for variant in variants(declaration, group) {
            edits += 1;
            let edit = format!("{group}::{variant}");
            let named = sources.iter().filter(|(_, text)| names(text, &edit));
            let places: BTreeSet<PathBuf> = named.map(|(path, _)| place(path)).collect();
            assert!(places.len() > 2, "{edit} is found in {places:?} only");
            assert!(
                places.len() <= MOST,
                "{edit} is named in {} places: {places:?}",
                places.len()
            );
        }
    }
    assert!(edits >= 17, "only {edits} edits are found in {DECLARATION}");
}

/// Another name for an edit would hide a place from the count.
#[test]
fn edits_have_one_name() {
    for (path, text) in sources() {
        for group in GROUPS {
            for other in [format!("{group}::{{"), format!("{group}::*"), format!("{group} as ")] {
                assert!(!text.contains(&other), "{}: `{other}`", path.display());
            }
        }
        let is_declaration = path == Path::new(DECLARATION);
        assert!(
            !is_declaration || !text.contains("Self::"),
            "{}: write the name of the enum, not `Self`",
            path.display()
        );
    }
}

/// A file of `schema/` is a place, and so is each folder.
fn place(path: &Path) -> PathBuf {
    let folders = if path.starts_with("schema") { 2 } else { 1 };
    path.components().take(folders).collect()
}

/// Returns true if the text names the edit, not another one that begins with its name.
fn names(text: &str, edit: &str) -> bool {
    let mut after = text.split(edit).skip(1);
    after.any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

/// Returns the variants of an enum, which `cargo fmt` indents by four spaces.
fn variants(text: &str, group: &str) -> Vec<String> {
    let (_, body) = text.split_once(&format!("enum {group} {{\n")).unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    lines
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.chars().take_while(|c| c.is_alphanumeric()).collect())
        .collect()
}

/// Returns each file of `src` by its path there, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![src.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(&src).unwrap().to_owned(), text));
            }
        }
    }
    sources
}
