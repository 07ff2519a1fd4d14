//! The generated code passes the strictest lints that a package may set.
//!
//! This file is built twice: as a test, and by `ui.rs` as a program, which also contains the symbol of each version.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    future_incompatible,
    keyword_idents,
    let_underscore,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unused,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::nursery,
    clippy::pedantic,
    clippy::restriction
)]
#![allow(
    clippy::blanket_clippy_restriction_lints,
    clippy::redundant_pub_crate,
    clippy::single_call_fn,
    clippy::missing_trait_methods,
    clippy::pub_with_shorthand,
    clippy::pub_without_shorthand,
    clippy::implicit_return,
    clippy::question_mark_used,
    clippy::tests_outside_test_module,
    reason = "they are about what stands in this file, or contradict each other"
)]

/// A listed migration with other keys.
mod listed {
    use migrate_core::prelude::*;

    /// Every user gets a public handle.
    #[derive(Clone, Copy, Debug, Migration)]
    #[migration(version = 1, name = "add_username", group = "lints", transaction = false)]
    pub(crate) struct AddUsername;

    impl Migrate for AddUsername {
        fn up(&self, schema: &mut Schema) {
            let _: &mut Schema = schema;
        }
    }
}

/// An unlisted migration.
mod unlisted {
    use migrate_core::prelude::*;

    /// Every user gets a picture.
    #[derive(Clone, Copy, Debug, Migration)]
    #[migration(version = 2, unlisted)]
    pub(crate) struct AddAvatar;

    impl Migrate for AddAvatar {
        fn up(&self, schema: &mut Schema) {
            let _: &mut Schema = schema;
        }
    }
}

/// The derived versions.
fn versions() -> [i64; 2] {
    [
        migrate_core::Migration::of::<listed::AddUsername>(),
        migrate_core::Migration::of::<unlisted::AddAvatar>(),
    ]
    .map(|migration| migration.version().as_i64())
}

#[test]
fn derived_code_passes_strict_lints() {
    assert_eq!(versions(), [1, 2], "both were derived");
}

#[cfg(not(test))]
fn main() {
    assert_eq!(versions(), [1, 2], "both were derived");
}
