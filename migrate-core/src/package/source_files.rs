//! Finds the migration files of a package, and those that are not compiled or not linked. It reads Rust as text, line
//! by line, and writes nothing.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::migration::Migration;
use crate::version::Version;

/// The directory `src/migrations` of a package, and the file with its `mod` lines.
#[derive(Debug)]
pub struct Sources {
    /// The path of `src/migrations`.
    pub directory: PathBuf,
    /// The file with the `mod` lines, if it exists: `src/migrations/mod.rs` or `src/migrations.rs`.
    pub list: Option<PathBuf>,
}

impl Sources {
    /// Returns the sources of the package in a directory.
    #[must_use]
    pub fn of(package: &Path) -> Sources {
        let directory = package.join("src").join("migrations");
        let list = [directory.join("mod.rs"), package.join("src").join("migrations.rs")]
            .into_iter()
            .find(|file| file.is_file());
        Sources { directory, list }
    }

    /// Returns the newest version in the file names.
    #[must_use]
    pub fn newest(&self) -> Option<Version> {
        self.modules().iter().filter_map(|module| version_of(module)).max()
    }

    /// Returns the modules with the name of a migration: `m` and digits, with or without a name after them.
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

    /// Returns a sentence for each migration file that no `mod` line names: it is not compiled, so it would never run.
    /// A linked migration was compiled, whichever way its file is included.
    #[must_use]
    pub fn unnamed_files(&self, linked: &[Migration]) -> Vec<Diagnostic> {
        let is_linked = is_linked(linked);
        let named = self.named();
        let where_to = self.list.clone().unwrap_or_else(|| self.directory.join("mod.rs"));
        let unnamed = self
            .modules()
            .into_iter()
            .filter(|module| !named.contains_key(module) && !is_linked(module));
        let diagnostics = unnamed.map(|module| {
            Code::FILE_NOT_COMPILED
                .mistake(format!("{} is not compiled", self.file(&module).display()))
                .help(format!("add `mod {module};` to {}", where_to.display()))
                .at(None)
        });
        diagnostics.collect()
    }

    /// Returns a sentence for each migration file that a `mod` line names, and from which no migration is linked.
    #[must_use]
    pub fn unlinked_files(&self, linked: &[Migration]) -> Vec<Diagnostic> {
        let is_linked = is_linked(linked);
        let named = self.named();
        let unlinked = self
            .modules()
            .into_iter()
            .filter(|module| named.get(module) == Some(&Condition::None) && !is_linked(module));
        let diagnostics = unlinked.map(|module| {
            Code::FILE_NOT_LINKED
                .mistake(format!("{} provides no linked migration", self.file(&module).display()))
                .help(format!(
                    "derive `Migration` in it without `unlisted`, and declare each module above `{module}`, such as \
                     `mod migrations;` in src/lib.rs"
                ))
                .at(None)
        });
        diagnostics.collect()
    }

    fn file(&self, module: &str) -> PathBuf {
        self.directory.join(format!("{module}.rs"))
    }

    /// Returns the modules that a `mod` line names.
    fn named(&self) -> HashMap<String, Condition> {
        let list = self.list.as_ref().and_then(|list| fs::read_to_string(list).ok());
        let mut named = HashMap::new();
        let mut above = "";
        for line in list.iter().flat_map(|list| list.lines()) {
            if let Some(module) = declared(line) {
                let is_conditional = [above, line].iter().any(|line| line.trim().starts_with("#[cfg"));
                let condition = if is_conditional {
                    Condition::Some
                } else {
                    Condition::None
                };
                named.insert(module.to_owned(), condition);
            }
            above = line;
        }
        named
    }
}

/// The condition of a `mod` line. A module with one may be left out on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    None,
    Some,
}

/// Returns a test for linked migrations, by the file's name or the module's.
fn is_linked(linked: &[Migration]) -> impl Fn(&str) -> bool {
    let of_one = |migration: &Migration| {
        let location = migration.location();
        let file = Path::new(location.file)
            .file_stem()
            .and_then(OsStr::to_str)
            .map(str::to_owned);
        migration
            .module()
            .split("::")
            .map(str::to_owned)
            .chain(file)
            .collect::<Vec<_>>()
    };
    let linked: HashSet<String> = linked.iter().flat_map(of_one).collect();
    move |module| linked.contains(module)
}

/// Returns the version in a module name such as `m20261123093000_add_avatar`.
#[must_use]
pub fn version_of(module: &str) -> Option<Version> {
    let rest = module.strip_prefix('m')?;
    let digits = rest.split('_').next()?;
    digits.parse().ok()
}

/// Returns the module that a line of the form `mod name;` declares, public or not, with or without attributes.
#[must_use]
pub fn declared(line: &str) -> Option<&str> {
    let mut line = line.split("//").next()?.trim();
    while line.starts_with("#[") {
        line = line.split_once("] ")?.1.trim_start();
    }
    if let Some(public) = line.strip_prefix("pub") {
        line = match public.strip_prefix('(') {
            Some(to) => to.split_once(')')?.1.trim_start(),
            None => public.trim_start(),
        };
    }
    let name = line.strip_prefix("mod ")?.strip_suffix(';')?.trim();
    let is_ident = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_ident.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mod_line_declares_a_module() {
        for line in [
            "mod m1_a;",
            "  pub mod m1_a ; // so",
            "pub(crate) mod m1_a;",
            "pub(in crate::x) mod m1_a;",
            "#[cfg(feature = \"x\")] #[allow(dead_code)] pub mod m1_a;",
        ] {
            assert_eq!(declared(line), Some("m1_a"), "{line}");
        }
        for line in [
            "// mod m1_a;",
            "mod m1_a {",
            "use m1_a;",
            "public mod m1_a;",
            "#[cfg(x)]",
        ] {
            assert_eq!(declared(line), None, "{line}");
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
