//! Adds a migration to the sources of a package.
//!
//! It reads Rust line by line, and changes only files that it understands.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use migrate_core::Code;
use migrate_core::error::Diagnostic;
use migrate_core::package::{Sources, declared, version_of};

use crate::files::replace;

/// The result of adding a migration.
pub(crate) struct Added {
    pub(crate) file: PathBuf,
    /// Instructions for the steps that remain.
    pub(crate) left_to_do: Vec<Diagnostic>,
}

/// Writes the file of a new migration and its `mod` line.
pub(crate) fn add(sources: &Sources, module: &str, text: &str) -> io::Result<Added> {
    // Read before anything is written, so that an unreadable file changes nothing.
    let before = sources.list.as_ref().map(fs::read_to_string).transpose()?;
    fs::create_dir_all(&sources.directory)?;
    let file = sources.directory.join(format!("{module}.rs"));
    // An existing file is never overwritten.
    fs::File::create_new(&file)?.write_all(text.as_bytes())?;
    let mut left_to_do = Vec::new();
    let line = format!("mod {module};");
    match (&sources.list, before) {
        (Some(list), Some(before)) => match with_mod_line(&before, &line) {
            Some(after) => replace(list, &after)?,
            None => left_to_do.push(not_compiled(
                "the new migration is not compiled: its `mod` line cannot be added automatically",
                &line,
                list,
            )),
        },
        _ => {
            let list = sources.directory.join("mod.rs");
            fs::File::create_new(&list)?
                .write_all(format!("//! The migrations, in the order of their versions.\n\n{line}\n").as_bytes())?;
            left_to_do.extend(root_line(sources));
        }
    }
    Ok(Added { file, left_to_do })
}

/// Returns the missing `mod` line for the root of the crate with the migrations: the library, or else the binary.
pub(crate) fn root_line(sources: &Sources) -> Option<Diagnostic> {
    let source = sources.directory.parent()?;
    let library = source.join("lib.rs");
    let binary = source.join("bin").join("migrate.rs");
    let (root, line) = if binary.is_file() && !library.is_file() {
        (binary, "#[path = \"../migrations/mod.rs\"] mod migrations;")
    } else {
        (library, "mod migrations;")
    };
    let text = fs::read_to_string(&root).unwrap_or_default();
    let is_named = text
        .lines()
        .any(|line| declared(line) == Some("migrations") || line.contains("migrations/mod.rs"));
    (!is_named).then(|| not_compiled("the module `migrations` is not compiled", line, &root))
}

fn not_compiled(message: &str, line: &str, file: &Path) -> Diagnostic {
    Code::FILE_NOT_COMPILED
        .mistake(message)
        .help(format!("add `{line}` to {}", file.display()))
        .at(None)
}

/// Returns the text with one more `mod` line, after the last migration or at the end. Returns `None` if the text
/// contains more than comments, attributes, `use` and `mod` lines.
fn with_mod_line(text: &str, line: &str) -> Option<String> {
    let is_plain = |line: &str| {
        let trimmed = line.trim();
        trimmed.is_empty()
            || trimmed.starts_with("//")
            || (trimmed.starts_with("#[") || trimmed.starts_with("#![")) && trimmed.ends_with(']')
            || (trimmed.starts_with("use ") || trimmed.starts_with("pub use ")) && trimmed.ends_with(';')
            || declared(line).is_some()
    };
    if text.contains("/*") || !text.lines().all(is_plain) {
        return None;
    }
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines
        .iter()
        .rposition(|line| declared(line).and_then(version_of).is_some());
    match last {
        Some(last) => lines.insert(last + 1, line),
        None => lines.push(line),
    }
    Some(lines.join(line_end) + line_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "mod m3_c;";

    #[test]
    fn a_mod_line_comes_after_the_last_migration() {
        assert_eq!(
            with_mod_line("//! Docs.\n\nmod m1_a;\npub mod m2_b; // so\n\nmod helpers;\n", LINE).unwrap(),
            "//! Docs.\n\nmod m1_a;\npub mod m2_b; // so\nmod m3_c;\n\nmod helpers;\n"
        );
        assert_eq!(with_mod_line("", LINE).unwrap(), "mod m3_c;\n");
        assert_eq!(with_mod_line("mod a;\r\n", LINE).unwrap(), "mod a;\r\nmod m3_c;\r\n");
        assert_eq!(with_mod_line("mod m1_a;", LINE).unwrap(), "mod m1_a;\nmod m3_c;\n");
    }

    #[test]
    fn an_unparsable_mod_file_is_not_changed() {
        for text in [
            "/*\nmod m1_a;\n*/\n",
            "mod inline {\n    mod m1_a;\n}\n",
            "macro_rules! x { () => {} }\n",
            "fn a() {}\n",
        ] {
            assert_eq!(with_mod_line(text, LINE), None, "{text}");
        }
    }
}
