//! The structure of the library, held by its sources: which modules may import which, and how large files may be.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod backends;
mod edit_places;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use sources::{Source, sources};

/// The modules of `migrate-core/src`, lowest layer first. A module may import only modules before it.
const MODULES: [&str; 26] = [
    "location",
    "version",
    "dialect",
    "database_url",
    "sql",
    "code",
    "help",
    "diagnostic",
    "schema",
    "state",
    "render",
    "migration",
    "report",
    "error",
    "registry",
    "history",
    "target",
    "plan",
    "driver",
    "export",
    "package",
    "runner",
    "connect",
    "testing",
    "without_testing",
    "lib",
];

/// The most lines of code in a file; comments, blank lines and unit tests do not count.
const MOST_LINES: usize = 450;

/// The most lines of code in a file of `runner/`.
const MOST_LINES_OF_RUNNER: usize = 300;

/// The most names at the root of the library. The other public types are in modules.
const MOST_ROOT_NAMES: usize = 25;

/// The files that may be larger, each with its reason.
const LARGE_FILES: [(&str, &str); 0] = [];

#[test]
fn imports_run_downward() {
    let rank = |module: &str| {
        let rank = MODULES.iter().position(|known| *known == module);
        rank.unwrap_or_else(|| panic!("`{module}` is not in the list of modules"))
    };
    let sources = sources("migrate-core");
    let mut upward = Vec::new();
    for source in &sources {
        let own = source.module().first().cloned().unwrap_or("lib".to_owned());
        for path in source.paths() {
            // What is no module is an item of `lib.rs`.
            let target = path.first().filter(|name| is_module(&sources, name));
            if rank(target.map_or("lib", String::as_str)) > rank(&own) {
                upward.push(format!("{} imports `crate::{}`", source.path, path.join("::")));
            }
        }
    }
    assert!(upward.is_empty(), "these imports point upward:\n{}", upward.join("\n"));
}

#[test]
fn paths_are_found_in_imports_and_in_code() {
    let text = r#"
        //! See [`crate::docs`].
        use super::{lock::LockGuard, session};
        use crate::{state::{self, SchemaState}, render};
        /// Like [`crate::docs`].
        fn f(x: &crate::plan::Plan) { "crate::text"; // crate::comment
            let _ = [super::super::error::Error::new(), crate::schema::record(|s| s)];
            $crate::macros::caller();
        }
        #[cfg(test)]
        mod tests { use crate::tests_only::X; }
    "#;
    let source = Source::of("runner/run.rs".to_owned(), text);
    let paths: Vec<String> = source.paths().iter().map(|path| path.join("::")).collect();
    let expected = [
        "error::Error::new",
        "plan::Plan",
        "render",
        "runner::lock::LockGuard",
        "runner::session",
        "schema::record",
        "state",
        "state::SchemaState",
    ];
    assert_eq!(paths, expected);
    assert_eq!(source.lines(), 6);
}

#[test]
fn files_of_the_runner_have_no_circle() {
    let sources = sources("migrate-core");
    let runner: Vec<&Source> = sources
        .iter()
        .filter(|source| source.path.starts_with("runner/"))
        .collect();
    let imports: BTreeMap<String, BTreeSet<String>> = runner
        .iter()
        .map(|source| {
            let own = source.module().join("::");
            let targets = source.paths();
            let targets = targets.iter().filter(|path| path[0] == "runner");
            let targets = targets
                .map(|path| file_of(&runner, path))
                .filter(|target| *target != own);
            (own.clone(), targets.collect())
        })
        .collect();
    // A file without imports into the rest cannot be part of a circle.
    let mut left = imports;
    loop {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, targets)| targets.iter().all(|target| !left.contains_key(target)))
            .map(|(file, _)| file.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|file, _| !free.contains(file));
    }
    assert!(left.is_empty(), "these files import each other in a circle: {left:#?}");
}

#[test]
fn only_the_public_face_is_a_method_of_the_runner() {
    let mut implementing = Vec::new();
    for source in sources("migrate-core") {
        let text: Vec<String> = source.tokens.iter().map(ToString::to_string).collect();
        let names_runner = |at: usize| {
            text[at..]
                .iter()
                .take_while(|token| !token.starts_with('{'))
                .any(|token| token == "Runner")
        };
        if (0..text.len()).any(|at| text[at] == "impl" && names_runner(at)) {
            implementing.push(source.path);
        }
    }
    assert_eq!(implementing, ["runner/mod.rs"]);
}

#[test]
fn files_are_small() {
    let mut large = Vec::new();
    let mut sizes = Vec::new();
    for package in ["migrate-core", "migrate-macros", "migrate-cli"] {
        for source in sources(package) {
            let path = format!("{package}/src/{}", source.path);
            let most = match path.starts_with("migrate-core/src/runner/") {
                true => MOST_LINES_OF_RUNNER,
                false => MOST_LINES,
            };
            let lines = source.lines();
            if lines > most && !LARGE_FILES.iter().any(|(file, _)| *file == path) {
                large.push(format!("{path} has {lines} lines of code, more than {most}"));
            }
            sizes.push((lines, path));
        }
    }
    sizes.sort();
    for (lines, path) in sizes.iter().rev().take(5) {
        println!("{lines} lines: {path}");
    }
    assert!(LARGE_FILES.len() <= 5, "there are more than five exceptions");
    assert!(large.is_empty(), "{}", large.join("\n"));
}

#[test]
fn the_root_of_the_library_has_few_names() {
    let root = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let exports = root
        .split("\npub use ")
        .skip(1)
        .filter_map(|export| export.split(';').next());
    let names: Vec<&str> = exports
        .flat_map(|export| match export.split_once('{') {
            Some((_, names)) => names.trim_end_matches('}').split(',').collect(),
            None => vec![export.rsplit("::").next().unwrap()],
        })
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    println!("{} names: {}", names.len(), names.join(", "));
    assert!((20..=MOST_ROOT_NAMES).contains(&names.len()), "{names:?}");
}

fn is_module(sources: &[Source], name: &str) -> bool {
    let mut modules = sources.iter().map(Source::module);
    modules.any(|module| module.first().is_some_and(|first| first == name))
}

/// Returns the module of the file that a path names or re-exports from.
fn file_of(sources: &[&Source], path: &[String]) -> String {
    let modules: Vec<Vec<String>> = sources.iter().map(|source| source.module()).collect();
    let longest = (0..=path.len())
        .rev()
        .find(|length| modules.contains(&path[..*length].to_vec()));
    path[..longest.unwrap_or_default()].join("::")
}
