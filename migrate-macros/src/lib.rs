//! The derive behind `migrate_core`'s `#[derive(Migration)]`.
//!
//! Use it through `migrate_core`, which re-exports it.

mod attr;
mod expand;
mod fallback;
mod model;
mod validate;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Registers a struct as a migration.
///
/// The struct has no fields, and an `impl Migrate` beside it says what the migration changes. Its doc comment becomes the
/// migration's description.
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
/// | key | meaning | left out |
/// |---|---|---|
/// | `version = 2026_11_23_093000` | the identity: an integer from 1 to 2^63 - 1, unique in its group | an error |
/// | `name = "add_username"` | a label for people | the struct's name in snake case |
/// | `group = "jobs"` | the group that orders itself by version | `"default"` |
/// | `transaction = false` | runs outside a transaction, step by step | in a transaction |
/// | `unlisted` | is not registered: for explicit sets and tests | registered |
/// | `crate = path::to::migrate_core` | where `migrate_core` is found, if it was renamed or re-exported | `::migrate_core` |
///
/// A version that is used twice in a group does not build: rustc refuses it inside a crate, the linker between crates. It
/// is not checked under `cfg(test)`, where a crate can be linked twice; the registry checks when it runs.
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
