//! Every builder method is used, and all of them can be planned for every database, even for untested ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use migrate_core::{Dialect, Plan, Registry};

/// Returns the text of the files in a directory, without subdirectories.
fn text_of(directory: &Path) -> String {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|file| file.is_file())
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

/// Returns the public methods of the files that define the builder.
fn words() -> Vec<String> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrate-core/src/schema");
    let files = [
        "mod.rs",
        "step.rs",
        "builder/column.rs",
        "builder/enum_value.rs",
        "builder/index.rs",
        "builder/table.rs",
    ];
    let mut words: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(schema.join(file)).unwrap();
            let methods: Vec<String> = text
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("pub fn "))
                .filter_map(|rest| rest.split(['(', '<']).next().map(str::to_owned))
                .filter(|word| !word.starts_with('$'))
                .collect();
            // Methods that a macro generates from a list.
            let listed: Vec<String> = text
                .lines()
                .filter(|line| line.contains(" = ColumnType::") && line.trim_end().ends_with(';'))
                .filter_map(|line| line.trim().split(':').next().map(str::to_owned))
                .collect();
            methods.into_iter().chain(listed)
        })
        .collect();
    words.sort();
    words.dedup();
    words
}

#[test]
fn every_builder_method_is_used() {
    let words = words();
    assert!(words.len() > 60, "only {} words were found", words.len());
    let example = text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let unused: Vec<&String> = words
        .iter()
        .filter(|word| !example.contains(&format!("{word}(")))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn all_operations_are_planned_for_every_database() {
    for dialect in Dialect::ALL {
        let registry = Registry::of(all_operations::of(dialect)).unwrap();
        let there = Plan::offline(&registry, dialect).unwrap();
        let back = Plan::offline_rollback(&registry, dialect).unwrap();
        insta::assert_snapshot!(dialect.to_string(), format!("{there}\n{back}"));
    }
}
