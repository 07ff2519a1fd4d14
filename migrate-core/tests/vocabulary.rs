//! Replaced terms do not come back, in string literals, docs or Markdown.
//!
//! The list has *terms* only. Ordinary English words are the reviewer's business.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

/// Each replaced term, in lower case, and the term to write instead. A term stands for itself as a whole word or phrase.
const REPLACED: &[(&str, &str)] = &[
    // Terms of the product.
    ("fingerprint", "checksum, as in Flyway and sqlx"),
    ("fingerprints", "checksums, as in Flyway and sqlx"),
    ("migrations.lock", "migrations.sum; a lock is what a run holds"),
    (
        "migrate repair",
        "migrate resolve, as in Prisma; Flyway's repair is another thing",
    ),
    ("--steps", "-n, --number; a step is a part of a migration"),
    ("one-line tests", "`test_migrations!`"),
    ("way back", "down, rollback, undo"),
    ("ways back", "rollbacks, undo steps"),
    ("take back", "roll back, undo"),
    ("takes back", "rolls back, undoes"),
    ("taken back", "rolled back"),
    ("take it back", "roll it back"),
    ("takes it back", "rolls it back"),
    ("take that edit back", "revert that edit"),
    ("take the edit back", "revert the edit"),
    ("made anew", "rebuilt, created again"),
    ("makes anew", "rebuilds"),
    ("make anew", "rebuild"),
    ("anew", "again; a table is rebuilt"),
    ("cut off", "interrupted"),
    ("goes on after", "resumes after"),
    ("goes on with", "resumes with, continues with"),
    ("goes on from", "resumes from"),
    ("is at work", "is running, is in progress"),
    ("careful:", "warning:"),
    ("counted up", "auto-increment"),
    ("counts up", "auto-increments"),
    ("in doubt", "undecided"),
    ("right to write", "lock"),
    ("point of view", "catalog context"),
    ("is near", "did you mean .."),
    ("frozen table", "`table!` snapshot"),
    // Names that are no English words.
    ("dialectname", "Dialect"),
    ("knownschema", "SchemaSnapshot"),
    ("known_schema", "export"),
    ("livemodel", "LiveState"),
    ("sharedname", "NameClash"),
    ("newtable", "TableBuilder"),
    ("tablechange", "AlterTable"),
    ("newcolumn", "ColumnBuilder"),
    ("newreference", "ForeignKeyBuilder"),
    ("newindex", "IndexBuilder"),
    ("newenumvalue", "AddEnumValue"),
    ("droppedcolumn", "DropColumn"),
    ("droppedindex", "DropIndex"),
    ("changedtype", "ChangeType"),
    ("keptas", "GeneratedHeader"),
    ("written_wrongly", "INVALID"),
    ("change_type", "set_type"),
    ("enum_of", "enum_type"),
    ("random_plans", "properties"),
    ("one_line_tests", "test_migrations_macro"),
];

/// Places that must name a replaced term, and why.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("migrate-core/tests/vocabulary.rs", "", "the list itself"),
    (
        "migrate-core/src/schema/checksum.rs",
        "change_type",
        "a tag in the encoding that checksums are made of; a checksum that was pinned does not change",
    ),
];

#[test]
fn replaced_terms_do_not_come_back() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    collect(&workspace, &[".rs", ".md"], &mut files);
    assert!(files.len() > 150, "only {} files were found", files.len());
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&workspace).unwrap().display().to_string();
        let texts = match name.ends_with(".rs") {
            true => literals(TokenStream::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))),
            false => text
                .lines()
                .enumerate()
                .map(|(line, text)| (line + 1, text.to_owned()))
                .collect(),
        };
        for (line, text) in texts {
            for (term, instead) in REPLACED.iter().filter(|(term, _)| has(&text, term)) {
                let is_allowed =
                    |(path, allowed, _): &(&str, &str, &str)| name == *path && (allowed.is_empty() || allowed == term);
                if !ALLOWED.iter().any(is_allowed) {
                    found.push(format!("{name}:{line}: \"{term}\" is now \"{instead}\""));
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} replaced terms:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn a_replaced_term_is_found_in_docs_and_literals() {
    let source = "/// A way\n/// back.\nfn f() { g(\"it was made \\\n     anew\"); h!(\"careful: x\") }";
    let texts = literals(TokenStream::from_str(source).unwrap());
    let all: Vec<&str> = texts.iter().map(|(_, text)| text.as_str()).collect();
    assert!(has(&all.join(" "), "way back"), "{all:?}");
    assert!(all.iter().any(|text| has(text, "made anew")), "{all:?}");
    assert!(all.iter().any(|text| has(text, "careful:")), "{all:?}");
    assert!(!has("renewed anewer", "anew"));
    assert!(has("(`KnownSchema`)", "knownschema"));
}

/// Returns true if a text contains a term as whole words, in any case and with any whitespace.
fn has(text: &str, term: &str) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let begins_with_word = is_word(term.chars().next());
    let ends_with_word = is_word(term.chars().last());
    text.match_indices(term).any(|(at, _)| {
        let before = text[..at].chars().last();
        let after = text[at + term.len()..].chars().next();
        let is_part_of_a_word = begins_with_word && is_word(before) || ends_with_word && is_word(after);
        !is_part_of_a_word
    })
}

/// Returns the string literals and the docs of a source, each with its line. Consecutive lines are one text.
fn literals(source: TokenStream) -> Vec<(usize, String)> {
    let mut texts: Vec<(usize, String)> = Vec::new();
    let mut last_line = 0;
    add_literals(source, &mut texts, &mut last_line);
    texts
}

fn add_literals(source: TokenStream, texts: &mut Vec<(usize, String)>, last_line: &mut usize) {
    for token in source {
        match token {
            TokenTree::Group(group) => add_literals(group.stream(), texts, last_line),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if !text.contains('"') {
                    continue;
                }
                let line = literal.span().start().line;
                // A continued line and an escaped line end read as a space.
                let text = text.replace("\\\n", " ").replace("\\n", " ");
                let text = text.trim_start_matches(['r', 'b', 'c', '#']).trim_end_matches('#');
                let text = text.trim_matches('"').to_owned();
                match texts.last_mut() {
                    Some((_, before)) if line == *last_line + 1 => {
                        before.push(' ');
                        before.push_str(&text);
                    }
                    _ => texts.push((line, text)),
                }
                *last_line = literal.span().end().line;
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Collects the files of the workspace with these endings, without build output and links.
fn collect(directory: &Path, endings: &[&str], files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                collect(&path, endings, files);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) && !path.is_symlink() {
            files.push(path);
        }
    }
}

/// rustc's shape: a headline of at most 25 words, and at most two lines of help below it.
#[test]
fn errors_in_snapshots_have_a_short_headline_and_two_helps_at_most() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut snapshots = Vec::new();
    collect(&workspace, &[".snap"], &mut snapshots);
    let (mut headlines, mut found) = (0, Vec::new());
    for file in snapshots {
        let text = fs::read_to_string(&file).unwrap();
        let mut helps = 0;
        for (line, text) in text.lines().enumerate() {
            let headline = text.trim_start_matches(|c: char| c != '[').strip_prefix("[M");
            match headline.and_then(|rest| rest.split_once("] ")) {
                Some((code, headline)) if code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit()) => {
                    headlines += 1;
                    if headline.split_whitespace().count() > 25 {
                        found.push(format!("{}:{}: a long headline", file.display(), line + 1));
                    }
                }
                _ => {}
            }
            helps = match text {
                _ if text.starts_with("  help: ") => helps + 1,
                _ if text.starts_with("  ") => helps,
                _ => 0,
            };
            if helps > 2 {
                found.push(format!("{}:{}: more than two helps", file.display(), line + 1));
            }
        }
    }
    assert!(headlines > 100, "only {headlines} headlines were found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
