//! The migration files of the user's package: which there are, which ones a `mod` line names, and adding one.
//!
//! It reads Rust as text and line by line, and changes nothing that it does not understand.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use migrate_core::Version;

/// `src/migrations` of a package, and the file that holds its `mod` lines.
pub(crate) struct Sources {
    directory: PathBuf,
    /// The file with the `mod` lines, if there is one.
    list: Option<PathBuf>,
}

/// What adding a migration has done.
pub(crate) struct Added {
    pub(crate) file: PathBuf,
    /// What the user has to do by hand.
    pub(crate) left_to_do: Vec<String>,
}

impl Sources {
    pub(crate) fn of(package: &Path) -> Sources {
        let directory = package.join("src").join("migrations");
        let list = [directory.join("mod.rs"), package.join("src").join("migrations.rs")]
            .into_iter()
            .find(|file| file.is_file());
        Sources { directory, list }
    }

    /// The newest version that a file name holds.
    pub(crate) fn newest(&self) -> Option<Version> {
        self.modules().iter().filter_map(|module| version_of(module)).max()
    }

    /// The modules that look like migrations: `m` and digits, with a name or without.
    fn modules(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(&self.directory) else {
            return Vec::new();
        };
        let mut modules: Vec<String> = files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned()))
            .filter(|module| version_of(module).is_some())
            .collect();
        modules.sort();
        modules
    }

    /// A warning for each migration file that no `mod` line names: it is not compiled, so it would never run.
    pub(crate) fn unnamed_files(&self) -> Vec<String> {
        let modules = self.modules();
        let list = self
            .list
            .as_ref()
            .and_then(|list| fs::read_to_string(list).ok())
            .unwrap_or_default();
        let where_to = self.list.clone().unwrap_or_else(|| self.directory.join("mod.rs"));
        modules
            .into_iter()
            .filter(|module| !list.lines().any(|line| declared(line) == Some(module)))
            .map(|module| {
                format!(
                    "{} is not compiled: add `mod {module};` to {}",
                    self.directory.join(format!("{module}.rs")).display(),
                    where_to.display()
                )
            })
            .collect()
    }

    /// Writes a new migration's file and its `mod` line.
    pub(crate) fn add(&self, module: &str, text: &str) -> io::Result<Added> {
        // Before anything is written: what cannot be read cannot be added to.
        let before = self.list.as_ref().map(fs::read_to_string).transpose()?;
        fs::create_dir_all(&self.directory)?;
        let file = self.directory.join(format!("{module}.rs"));
        // Never over a file that is there.
        fs::File::create_new(&file)?.write_all(text.as_bytes())?;
        let mut left_to_do = Vec::new();
        let line = format!("mod {module};");
        match (&self.list, before) {
            (Some(list), Some(before)) => match with_mod_line(&before, &line) {
                Some(after) => replace(list, &after)?,
                None => left_to_do.push(format!(
                    "add `{line}` to {}, which is not a plain list of `mod` lines",
                    list.display()
                )),
            },
            _ => {
                let list = self.directory.join("mod.rs");
                fs::File::create_new(&list)?
                    .write_all(format!("//! The migrations, in the order of their versions.\n\n{line}\n").as_bytes())?;
                left_to_do.extend(self.root_line());
            }
        }
        Ok(Added { file, left_to_do })
    }

    /// What the root of the crate that the migrations belong to still lacks: the library, or else the binary that runs them.
    fn root_line(&self) -> Option<String> {
        let source = self.directory.parent()?;
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
        (!is_named).then(|| format!("add `{line}` to {}", root.display()))
    }
}

/// The version that a module name such as `m20261123093000_add_avatar` holds.
fn version_of(module: &str) -> Option<Version> {
    let rest = module.strip_prefix('m')?;
    let digits = rest.split('_').next()?;
    digits.parse().ok()
}

/// The module that a line of the form `mod name;` declares, public or not.
fn declared(line: &str) -> Option<&str> {
    let line = line.split("//").next()?.trim();
    let line = line
        .strip_prefix("pub(crate) ")
        .or_else(|| line.strip_prefix("pub "))
        .unwrap_or(line);
    let name = line.strip_prefix("mod ")?.strip_suffix(';')?.trim();
    let is_ident = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_ident.then_some(name)
}

/// The text with one more `mod` line: after the last one that names a migration, otherwise at the end. `None` if the text
/// is more than comments, attributes, `use` and `mod` lines, so that a place for it cannot be told.
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

/// Writes a file whole or not at all.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let beside = file.with_extension("rs.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, file)
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
    fn what_is_not_understood_is_not_changed() {
        for text in [
            "/*\nmod m1_a;\n*/\n",
            "mod inline {\n    mod m1_a;\n}\n",
            "macro_rules! x { () => {} }\n",
            "fn a() {}\n",
        ] {
            assert_eq!(with_mod_line(text, LINE), None, "{text}");
        }
    }

    #[test]
    fn modules_hold_versions() {
        assert_eq!(
            version_of("m20261123093000_add").map(Version::as_i64),
            Some(20261123093000)
        );
        assert_eq!(version_of("m7").map(Version::as_i64), Some(7));
        for module in ["mod", "m", "m_1", "main", "x1", "m1a"] {
            assert_eq!(version_of(module), None, "{module}");
        }
    }
}
