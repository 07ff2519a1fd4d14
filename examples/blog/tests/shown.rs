//! The README and the crate's documentation show the test that runs here.

use std::error::Error;

const SOURCE: &str = include_str!("../src/migrations/m20260309150000_fill_usernames.rs");

#[test]
fn the_docs_show_the_test_of_the_data_migration() -> Result<(), Box<dyn Error>> {
    let (_, from) = SOURCE.split_once("    #[test]\n").ok_or("no test")?;
    let (test, _) = from.split_once("\n    }\n").ok_or("no end of the test")?;
    let test = format!("{}\n}}", test.trim_start().replace("\n    ", "\n"));
    assert!(test.lines().count() < 15, "{test}");

    let page = include_str!("../../../docs/testing.md");
    assert!(page.contains(&test), "{test}");
    let docs = include_str!("../../../migrate-core/src/testing/mod.rs")
        .replace("//! ", "")
        .replace("//!", "");
    assert!(docs.contains(&test), "{test}");
    Ok(())
}
