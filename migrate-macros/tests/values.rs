//! The values of a derived migration.

use migrate_core::Registry;
use migrate_core::migration::DEFAULT_GROUP;
use migrate_core::prelude::*;

/// Every user gets a public handle.
///
/// It is filled by the next one, from
///     the e-mail address.
#[derive(Migration)]
#[migration(version = 2026_11_23_093000)]
struct AddUsername;

impl Migrate for AddUsername {
    fn up(&self, _schema: &mut Schema) {}
}

#[derive(Migration)]
#[migration(
    version = 0x7fff_ffff_ffff_ffff,
    name = "the last one",
    group = "jobs",
    transaction = false
)]
struct WithEveryKey;

impl Migrate for WithEveryKey {
    fn up(&self, _schema: &mut Schema) {}
}

#[doc = concat!("made by ", "a macro")]
#[derive(Migration)]
#[migration(version = 3)]
#[migration(unlisted, transaction = true)]
struct Unlisted;

impl Migrate for Unlisted {
    fn up(&self, _schema: &mut Schema) {}
}

macro_rules! migration_in_a_macro {
    ($name:ident, $version:literal) => {
        #[derive(Migration)]
        #[migration(version = $version)]
        struct $name;

        impl Migrate for $name {
            fn up(&self, _schema: &mut Schema) {}
        }
    };
}

migration_in_a_macro!(FromAMacro, 4);

#[test]
fn omitted_keys_have_defaults() {
    let migration = Migration::of::<AddUsername>();
    assert_eq!(migration.version().as_i64(), 20_261_123_093_000);
    assert_eq!(migration.name(), "add_username");
    assert_eq!(migration.group(), DEFAULT_GROUP);
    assert!(migration.in_transaction());
}

#[test]
fn every_key_is_accepted() {
    let migration = Migration::of::<WithEveryKey>();
    assert_eq!(migration.version().as_i64(), i64::MAX);
    assert_eq!(migration.name(), "the last one");
    assert_eq!(migration.group(), "jobs");
    assert!(!migration.in_transaction());
}

#[test]
fn the_doc_comment_is_the_description() {
    assert_eq!(
        Migration::of::<AddUsername>().description(),
        "Every user gets a public handle.\n\nIt is filled by the next one, from\n    the e-mail address."
    );
    assert_eq!(Migration::of::<WithEveryKey>().description(), "");
}

#[test]
fn the_location_is_that_of_the_struct() {
    let migration = Migration::of::<AddUsername>();
    assert_eq!(migration.module(), module_path!());
    assert_eq!(migration.location().file, file!());
    let lines = include_str!("values.rs").lines();
    let derive = lines
        .take_while(|line| !line.starts_with("struct AddUsername;"))
        .count();
    let line = usize::try_from(migration.location().line).unwrap_or_default();
    assert!(
        (derive - 1..=derive + 1).contains(&line),
        "line {line} is not that of the struct ({derive})"
    );
}

#[test]
fn only_listed_migrations_are_registered() -> Result<(), migrate_core::Error> {
    let linked: Vec<&str> = Registry::linked()?.iter().map(Migration::name).collect();
    assert_eq!(linked, ["from_a_macro", "add_username", "the last one"]);
    assert_eq!(Migration::of::<Unlisted>().name(), "unlisted");
    Ok(())
}
