//! Only the files of a database name it. A new database costs at most eight places.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A database as code names it: its feature, its connection type, its dialects, and its folder or file.
struct Backend {
    feature: &'static str,
    connection: &'static str,
    dialects: &'static [&'static str],
    name: &'static str,
}

const BACKENDS: [Backend; 3] = [
    Backend {
        feature: "sqlite",
        connection: "SqliteConnection",
        dialects: &["Sqlite"],
        name: "sqlite",
    },
    Backend {
        feature: "postgres",
        connection: "PgConnection",
        dialects: &["Postgres"],
        name: "postgres",
    },
    Backend {
        feature: "mysql",
        connection: "MysqlConnection",
        dialects: &["MySql", "MariaDb"],
        name: "mysql",
    },
];

const LEXICAL_RULES: &str = "the lexical rules of each dialect, which nothing else knows";

/// The files of no single database that may name databases.
const ALLOWED: [(&str, &str); 18] = [
    (
        "database_url.rs",
        "`sqlite:app.db` is a path, not the address of a server",
    ),
    ("dialect.rs", "the public list of dialects"),
    ("driver/backends.rs", "the list of backends"),
    ("driver/lock.rs", "the lock of a process, which only SQLite needs"),
    ("driver/mod.rs", "declares the folders"),
    ("render/mod.rs", "declares the files, and lists the versions"),
    ("render/features.rs", "answers each question for each database"),
    ("export/diesel_types/mod.rs", "declares the files, and chooses one"),
    ("schema/checksum.rs", "a digest that only some drivers use"),
    ("schema/mod.rs", "exports that digest"),
    ("sql/tokenizer.rs", LEXICAL_RULES),
    ("sql/split.rs", LEXICAL_RULES),
    ("sql/statement.rs", LEXICAL_RULES),
    ("sql/expression.rs", LEXICAL_RULES),
    ("sql/mod.rs", "declares what only some drivers use"),
    (
        "sql/oracle.rs",
        "a test that compares each dialect with another tokenizer",
    ),
    (
        "testing/mod.rs",
        "`TestFile` and `TestDatabase::new` are SQLite's by their names",
    ),
    (
        "testing/sqlite.rs",
        "`TestFile` and `TestDatabase::new` are SQLite's by their names",
    ),
];

/// The folders in which each database has a folder or files that begin with its name.
const FOLDERS: [&str; 3] = ["driver", "render", "export/diesel_types"];

impl Backend {
    /// Returns true if a line of code names the database.
    fn is_named_in(&self, line: &str) -> bool {
        line.contains(&format!("\"{}\"", self.feature))
            || line.contains(self.connection)
            || self.dialects.iter().any(|dialect| names(line, dialect))
            || [format!("mod {};", self.name), format!("{}::", self.name)]
                .iter()
                .any(|path| line.contains(path))
    }

    fn has_file(&self, file: &str) -> bool {
        FOLDERS.iter().any(|folder| {
            file.strip_prefix(folder)
                .and_then(|file| file.strip_prefix('/'))
                .is_some_and(|file| file.starts_with(self.name))
        })
    }
}

/// Returns true if a line uses a variant of `Dialect`.
fn names(line: &str, dialect: &str) -> bool {
    let variant = format!("Dialect::{dialect}");
    line.match_indices(&variant).any(|(at, _)| {
        let after = line[at + variant.len()..].chars().next();
        !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Returns the code of a file: without comments, messages of the compiler, documentation tests, and the tests at its
/// end.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let is_test = |line: &str| line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,");
    let tests = lines
        .windows(2)
        .position(|pair| is_test(pair[0]) && pair[1].ends_with('{'));
    let code = lines.into_iter().take(tests.unwrap_or(usize::MAX));
    code.filter(|line| {
        let is_doctest = line.contains("cfg_attr(") && line.contains("doc = \"```");
        !line.starts_with("//") && !line.starts_with("note = ") && !is_doctest
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the Rust files of a folder, as paths below it, with their texts.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn visit(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let folder = root().join(folder);
    let mut files = Vec::new();
    visit(&folder, &mut files);
    assert!(files.len() > 10, "no sources in {}", folder.display());
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
        (name, text)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn only_the_files_of_a_database_name_it() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for folder in ["migrate-core/src", "migrate-cli/src"] {
        for (file, text) in sources(folder) {
            let reason = ALLOWED
                .iter()
                .find(|(allowed, _)| folder == "migrate-core/src" && *allowed == file);
            for backend in BACKENDS.iter().filter(|backend| !backend.has_file(&file)) {
                for line in code(&text).filter(|line| backend.is_named_in(line)) {
                    match reason {
                        Some((allowed, _)) => drop(used.insert(*allowed)),
                        None => wrong.push(format!("{folder}/{file} names {}: {line}", backend.feature)),
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "ask `Features`, or add a method to `SqlDialect`:\n{}",
        wrong.join("\n")
    );
    for (allowed, reason) in ALLOWED {
        assert!(used.contains(allowed), "{allowed} names no database any more: {reason}");
    }
}

/// Returns the places that a database costs. These folders count as one place each: a database has its own
/// folder or file there, and a line beside it. So does `sql/`, with the lexical rules.
fn places(backend: &Backend) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    for folder in ["migrate-core/src", "migrate-cli/src"] {
        for (file, text) in sources(folder) {
            let is_named = || code(&text).any(|line| backend.is_named_in(line));
            if !backend.has_file(&file) && !is_named() {
                continue;
            }
            let of_databases = FOLDERS
                .iter()
                .chain(&["sql"])
                .find(|known| file.starts_with(&format!("{known}/")));
            let place = match of_databases {
                Some(known) => format!("{known}/"),
                None => file.clone(),
            };
            places.insert(format!("{folder}/{place}"));
        }
    }
    for manifest in ["migrate-core/Cargo.toml", "migrate-cli/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        assert!(text.contains(&format!("\n{} = [", backend.feature)), "{manifest}");
        places.insert(manifest.to_owned());
    }
    places.insert("migrate-core/tests/contract/support/engine.rs".to_owned());
    places
}

#[test]
fn a_database_costs_at_most_eight_places() {
    let postgres = places(&BACKENDS[1]);
    let expected = [
        "migrate-cli/Cargo.toml",
        "migrate-core/Cargo.toml",
        "migrate-core/src/dialect.rs",
        "migrate-core/src/driver/",
        "migrate-core/src/export/diesel_types/",
        "migrate-core/src/render/",
        "migrate-core/src/sql/",
        "migrate-core/tests/contract/support/engine.rs",
    ];
    assert_eq!(postgres.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    // The digest in `schema/`, which no other database needs.
    let mysql = places(&BACKENDS[2]);
    let more: Vec<&String> = mysql.difference(&postgres).collect();
    assert_eq!(
        more,
        ["migrate-core/src/schema/checksum.rs", "migrate-core/src/schema/mod.rs"]
    );
}
