//! What stands in for a migration that is written wrongly: its errors, and an impl, so that uses of the type elsewhere do
//! not add errors of their own. Nothing is registered.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::attr;
use crate::expand::krate;

pub(crate) fn expand(input: &DeriveInput, error: &syn::Error) -> TokenStream {
    let errors = error.to_compile_error();
    let ident = &input.ident;
    let krate = krate(attr::crate_path(input).as_ref());
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let is_unit = matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Unit));
    // Another type may not be `'static`, and then an impl would be one more error.
    let stub = (is_unit && input.generics.params.is_empty()).then(|| {
        quote! {
            #[automatically_derived]
            impl #impl_generics #krate::__private::Derived for #ident #type_generics #where_clause {
                const MIGRATION: #krate::__private::Migration = #krate::__private::declare(
                    #krate::__private::Declaration {
                        version: 1,
                        name: "",
                        group: "default",
                        description: "",
                        transaction: true,
                        file: ::core::file!(),
                        line: ::core::line!(),
                        module: ::core::module_path!(),
                    },
                    &#ident,
                );
            }
        }
    });
    quote! {
        #errors
        #stub
    }
}
