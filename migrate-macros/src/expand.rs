//! Generates Rust from a validated model.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;

use crate::model::Model;

pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let krate = krate(model.krate.as_ref());
    let derived = derived(model, &krate);
    let registered = model.is_listed.then(|| registered(model, &krate));
    quote! {
        const _: () = {
            #derived
            #registered
        };
    }
}

pub(crate) fn krate(path: Option<&Path>) -> TokenStream {
    path.map_or_else(|| quote!(::migrate_core), |path| quote!(#path))
}

fn derived(model: &Model<'_>, krate: &TokenStream) -> TokenStream {
    let Model {
        ident,
        version,
        name,
        group,
        description,
        transaction,
        ..
    } = model;
    // The compiler reports a missing `impl Migrate` here, at the coercion to `dyn Migrate`; the span is the struct's
    // name.
    let migrate = quote_spanned!(ident.span()=> &#ident);
    quote! {
        #[automatically_derived]
        impl #krate::__private::DerivedMigration for #ident {
            const MIGRATION: #krate::__private::Migration = #krate::__private::register(
                #krate::__private::MigrationMeta {
                    version: #version,
                    name: #name,
                    group: #group,
                    description: #description,
                    transaction: #transaction,
                    file: ::core::file!(),
                    line: ::core::line!(),
                    module: ::core::module_path!(),
                    package: ::core::env!("CARGO_PKG_NAME"),
                },
                #migrate,
            );
        }
    }
}

/// Generates the registration, and an exported symbol per version. rustc refuses a duplicate symbol within a crate, the
/// linker one between crates. `cfg(test)` has no symbol, because a test may link a crate twice.
fn registered(model: &Model<'_>, krate: &TokenStream) -> TokenStream {
    let ident = model.ident;
    let symbol = symbol(&model.group, model.version);
    quote! {
        #krate::__private::inventory::submit! {
            <#ident as #krate::__private::DerivedMigration>::MIGRATION
        }

        #[cfg(not(test))]
        #[used]
        #[unsafe(export_name = #symbol)]
        static VERSION_IS_USED_ONCE: ::core::primitive::u8 = 0;
    }
}

/// Returns a symbol name. Characters of the group that some linkers refuse are written as their number.
fn symbol(group: &str, version: u64) -> String {
    let group: String = group
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => format!("_{:02x}", u32::from(c)),
        })
        .collect();
    format!("migration_version_{version}_of_group_{group}_is_used_twice")
}

#[cfg(test)]
mod tests {
    use super::symbol;

    #[test]
    fn no_two_groups_share_a_symbol() {
        let groups = ["a", "a_b", "a-b", "a.b", "a_2db", "A"];
        let mut symbols: Vec<String> = groups.iter().map(|group| symbol(group, 1)).collect();
        symbols.sort();
        symbols.dedup();
        assert_eq!(symbols.len(), groups.len());
    }
}
