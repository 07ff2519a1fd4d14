//! Expands an invalid migration: its errors, and an impl, so that other uses of the type cause no further errors. It
//! registers nothing.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

use crate::attr;
use crate::expand::krate;

pub(crate) fn expand(input: &DeriveInput, error: &syn::Error) -> TokenStream {
    let errors = error.to_compile_error();
    let ident = &input.ident;
    let krate = krate(attr::crate_path(input).as_ref());
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        // The bounds of the parameters are those of the user's `impl Migrate`.
        let clause = generics.make_where_clause();
        clause.predicates.push(parse_quote!(Self: #krate::Migrate));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        #errors

        #[automatically_derived]
        impl #impl_generics #krate::__private::DerivedMigration for #ident #type_generics #where_clause {
            const MIGRATION: #krate::__private::Migration = #krate::__private::INVALID;
        }
    }
}
