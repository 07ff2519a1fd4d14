//! The derive macro of `migrate_core`'s `#[derive(Migration)]`.
//!
//! Use it through `migrate_core`, which re-exports it.

mod attr;
mod code;
mod expand;
mod fallback;
mod model;
mod validate;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Registers a struct as a migration.
///
/// The struct must have no fields. Describe the change in its `impl Migrate`. The doc comment of the struct is the
/// description of the migration.
///
/// ```
/// use migrate_core::prelude::*;
///
/// /// Every user gets a public handle.
/// #[derive(Migration)]
/// #[migration(version = 2026_11_23_093000)]
/// struct AddUsername;
///
/// impl Migrate for AddUsername {
///     fn up(&self, schema: &mut Schema) {
///         schema
///             .execute("ALTER TABLE users ADD COLUMN username TEXT")
///             .undo("ALTER TABLE users DROP COLUMN username");
///     }
/// }
/// ```
///
/// | key | meaning | default |
/// |---|---|---|
/// | `version = 2026_11_23_093000` | the identity: an integer from 1 to 2^63 - 1, unique in its group | required |
/// | `name = "add_username"` | a label: 1 to 255 bytes, no control characters | the struct's name in snake case |
/// | `group = "jobs"` | the group: 1 to 64 ASCII letters, digits, `_`, `-` and `.` | `"default"` |
/// | `transaction = false` | runs the steps outside a transaction | `true` |
/// | `unlisted` | does not register the migration: for explicit sets and tests | registered |
/// | `crate = path::to::migrate_core` | the path of a renamed or re-exported `migrate_core` | `::migrate_core` |
///
/// A duplicate version in a group does not build: rustc refuses it within a crate, the linker between crates. Under
/// `cfg(test)`, the linker may link a crate twice, so only the registry checks this, at run time.
#[proc_macro_derive(Migration, attributes(migration))]
pub fn migration(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    match derive(&input) {
        Ok(expanded) => expanded.into(),
        Err(error) => fallback::expand(&input, &error).into(),
    }
}

fn derive(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let attributes = attr::read(input);
    let model = validate::validate(input, attributes)?;
    Ok(expand::expand(&model))
}
