//! Reads `#[migration(..)]`: each key at most once, each value of the right kind. Whether the values make sense is decided
//! in `validate`.
//!
//! Nothing here stops at the first mistake: all of them are collected, so that they are shown at once.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, DeriveInput, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token};

const KEYS: [&str; 6] = ["version", "name", "group", "transaction", "unlisted", "crate"];

/// What was written, and what was wrong with it.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) version: Option<Expr>,
    /// There is a `version`, right or wrong.
    pub(crate) has_version_key: bool,
    pub(crate) name: Option<LitStr>,
    pub(crate) group: Option<LitStr>,
    pub(crate) transaction: Option<bool>,
    pub(crate) unlisted: bool,
    pub(crate) krate: Option<Path>,
    pub(crate) errors: Errors,
    /// Where a missing version is reported: the attribute, if there is one that could be read.
    pub(crate) span: Option<Span>,
    /// An attribute could not be read at all, so what it lacks is not known.
    pub(crate) is_unreadable: bool,
}

/// All mistakes so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Reads the attributes of the derived item.
pub(crate) fn read(input: &DeriveInput) -> Attributes {
    let mut read = Attributes::default();
    let mut seen = Vec::new();
    for attribute in input.attrs.iter().filter(|attribute| is_ours(attribute)) {
        read.attribute(attribute, &mut seen);
    }
    refuse_misplaced(input, &mut read.errors);
    read
}

pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("migration")
}

/// The path of `migrate_core`, if the attribute names it and can be read that far. For the fallback.
pub(crate) fn crate_path(input: &DeriveInput) -> Option<Path> {
    read(input).krate
}

impl Attributes {
    fn attribute(&mut self, attribute: &Attribute, seen: &mut Vec<String>) {
        let Meta::List(list) = &attribute.meta else {
            self.is_unreadable = true;
            self.errors.at(
                attribute,
                "the migration's keys are missing: write `#[migration(version = 2026_11_23_093000)]`",
            );
            return;
        };
        self.span = Some(list.span());
        let parsed = (|input: ParseStream<'_>| {
            while !input.is_empty() {
                self.key(input, seen)?;
                if input.is_empty() {
                    break;
                }
                input.parse::<Token![,]>()?;
            }
            Ok(())
        })
        .parse2(list.tokens.clone());
        if let Err(error) = parsed {
            self.is_unreadable = true;
            self.errors.add(error);
        }
    }

    fn key(&mut self, input: ParseStream<'_>, seen: &mut Vec<String>) -> syn::Result<()> {
        use syn::ext::IdentExt;

        let key = input.call(Ident::parse_any)?;
        let name = key.to_string();
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(value(input)?)
        } else if input.peek(syn::token::Paren) {
            let inner: proc_macro2::Group = input.parse()?;
            self.errors.at(inner, format_args!("write `{}`", right_form(&name)));
            self.has_version_key |= name == "version";
            seen.push(name);
            return Ok(());
        } else {
            None
        };
        if !KEYS.contains(&name.as_str()) {
            self.errors.at(&key, unknown(&name));
            return Ok(());
        }
        if seen.contains(&name) {
            self.errors
                .at(&key, format_args!("`{name}` is given twice; keep one of them"));
            return Ok(());
        }
        self.has_version_key |= name == "version";
        seen.push(name.clone());
        self.set(&key, &name, value);
        Ok(())
    }

    fn set(&mut self, key: &Ident, name: &str, value: Option<TokenStream>) {
        match (name, value) {
            ("unlisted", None) => self.unlisted = true,
            ("unlisted", Some(value)) => self
                .errors
                .at(value, "`unlisted` takes no value: write `unlisted`, or leave it out"),
            (_, None) => self.errors.at(
                key,
                format_args!("`{name}` needs a value: write `{}`", right_form(name)),
            ),
            ("version", Some(value)) => self.version = self.parse(name, value),
            ("name", Some(value)) => self.name = self.parse(name, value),
            ("group", Some(value)) => self.group = self.parse(name, value),
            ("transaction", Some(value)) => {
                self.transaction = self.parse::<syn::LitBool>(name, value).map(|value| value.value);
            }
            ("crate", Some(value)) => self.krate = self.path(value),
            _ => {}
        }
    }

    fn parse<T: syn::parse::Parse>(&mut self, name: &str, value: TokenStream) -> Option<T> {
        match syn::parse2(value.clone()) {
            Ok(value) => Some(value),
            Err(_) => {
                self.wrong_kind(name, value);
                None
            }
        }
    }

    fn path(&mut self, value: TokenStream) -> Option<Path> {
        match Path::parse_mod_style.parse2(value.clone()) {
            Ok(path) => Some(path),
            Err(_) => {
                self.wrong_kind("crate", value);
                None
            }
        }
    }

    fn wrong_kind(&mut self, name: &str, value: TokenStream) {
        self.errors.at(
            value,
            format_args!("`{name}` is of another kind: write `{}`", right_form(name)),
        );
    }
}

/// The tokens of a value, up to the comma.
fn value(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<proc_macro2::TokenTree>()?]);
    }
    if tokens.is_empty() {
        return Err(input.error("a value is missing after `=`"));
    }
    Ok(tokens)
}

/// How a key is written.
fn right_form(key: &str) -> &'static str {
    match key {
        "name" => "name = \"add_username\"",
        "group" => "group = \"jobs\"",
        "transaction" => "transaction = false",
        "unlisted" => "unlisted",
        "crate" => "crate = path::to::migrate_core",
        _ => "version = 2026_11_23_093000",
    }
}

fn unknown(name: &str) -> String {
    let meant = match name.to_ascii_lowercase().as_str() {
        "versions" | "ver" | "id" | "timestamp" => Some("version"),
        "names" | "title" => Some("name"),
        "groups" => Some("group"),
        "transactional" | "transactions" | "no_transaction" | "tx" => Some("transaction"),
        "hidden" | "skip" | "unregistered" => Some("unlisted"),
        "krate" => Some("crate"),
        lower => KEYS.into_iter().find(|key| *key == lower),
    };
    match meant {
        Some(meant) => format!("there is no key `{name}`: write `{}`", right_form(meant)),
        None => format!("there is no key `{name}`; the keys are `{}`", KEYS.join("`, `")),
    }
}

/// `#[migration(..)]` belongs on the struct, not inside it.
fn refuse_misplaced(input: &DeriveInput, errors: &mut Errors) {
    let fields: Vec<&syn::Field> = match &input.data {
        syn::Data::Struct(data) => data.fields.iter().collect(),
        syn::Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        syn::Data::Union(data) => data.fields.named.iter().collect(),
    };
    let variants = match &input.data {
        syn::Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.attrs).collect(),
        _ => Vec::new(),
    };
    let inside = fields.iter().flat_map(|field| &field.attrs).chain(variants);
    for attribute in inside.filter(|attribute| is_ours(attribute)) {
        errors.at(
            attribute,
            format_args!(
                "`#[migration(..)]` is not expected here; it belongs above `{}`",
                input.ident
            ),
        );
    }
}

/// The doc comment, without the space that each line begins with.
pub(crate) fn doc_comment(input: &DeriveInput) -> String {
    let lines: Vec<String> = input
        .attrs
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => Some(&meta.value),
            _ => None,
        })
        .filter_map(|value| match value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value()),
            _ => None,
        })
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect();
    lines.join("\n").trim().to_owned()
}
