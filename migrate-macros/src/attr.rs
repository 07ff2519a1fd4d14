//! Parses `#[migration(..)]`: each key at most once, each value of the right kind. `validate` checks the values.
//!
//! It collects all errors, so that they are reported together.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, DeriveInput, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token};

use crate::code;

const KEYS: [&str; 6] = ["version", "name", "group", "transaction", "unlisted", "crate"];

/// The parsed keys, and the errors.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) version: Option<Expr>,
    /// True if there is a `version` key, valid or not.
    pub(crate) has_version_key: bool,
    pub(crate) name: Option<LitStr>,
    pub(crate) group: Option<LitStr>,
    pub(crate) transaction: Option<bool>,
    pub(crate) unlisted: bool,
    pub(crate) krate: Option<Path>,
    pub(crate) errors: Errors,
    /// The span for a missing version: the last attribute in parentheses.
    pub(crate) attribute: Option<TokenStream>,
    /// True if an attribute cannot be parsed, so that its missing keys are unknown.
    pub(crate) is_unreadable: bool,
}

/// The errors so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds an error at the tokens; its text ends with the code.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, code: &str, message: impl std::fmt::Display) {
        self.add(syn::Error::new_spanned(tokens, format_args!("{message} [{code}]")));
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Parses the attributes of the derived item.
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

/// Returns the path of `migrate_core` for the fallback, if the attribute sets it.
pub(crate) fn crate_path(input: &DeriveInput) -> Option<Path> {
    read(input).krate
}

impl Attributes {
    fn attribute(&mut self, attribute: &Attribute, seen: &mut Vec<String>) {
        let Meta::List(list) = &attribute.meta else {
            self.is_unreadable = true;
            self.errors.at(
                attribute,
                code::ATTRIBUTE_SYNTAX,
                "the attribute has no keys: write `#[migration(version = 2026_11_23_093000)]`",
            );
            return;
        };
        self.attribute = Some(attribute.to_token_stream());
        let parsed = (|input: ParseStream<'_>| {
            while !input.is_empty() {
                self.key(input, seen)?;
                self.separator(input)?;
            }
            Ok(())
        })
        .parse2(list.tokens.clone());
        if let Err(error) = parsed {
            self.is_unreadable = true;
            let message = format_args!("{error} [{}]", code::ATTRIBUTE_SYNTAX);
            self.errors.add(syn::Error::new(error.span(), message));
        }
    }

    fn key(&mut self, input: ParseStream<'_>, seen: &mut Vec<String>) -> syn::Result<()> {
        let Ok(key) = input.call(Ident::parse_any) else {
            return Err(input.error(format_args!("expected a key, such as `{}`", right_form("version"))));
        };
        let name = key.to_string();
        let value = value(input)?;
        if !KEYS.contains(&name.as_str()) {
            let meant = meant(&name);
            self.has_version_key |= meant == Some("version");
            self.errors.at(&key, code::UNKNOWN_KEY, unknown(&name, meant));
            return Ok(());
        }
        if seen.contains(&name) {
            self.errors.at(
                &key,
                code::DUPLICATE_KEY,
                format_args!("`{name}` is given twice: remove one"),
            );
            return Ok(());
        }
        self.has_version_key |= name == "version";
        self.set(&key, &name, value);
        seen.push(name);
        Ok(())
    }

    /// Parses a comma between two keys. Parsing continues after a missing comma, so that the following keys are checked
    /// too.
    fn separator(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        if input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
        } else if input.peek(Token![;]) {
            let semicolon: Token![;] = input.parse()?;
            self.errors.at(
                semicolon,
                code::ATTRIBUTE_SYNTAX,
                "commas separate keys: replace `;` with `,`",
            );
        } else if let Ok(key) = input.fork().call(Ident::parse_any) {
            self.errors.at(
                &key,
                code::ATTRIBUTE_SYNTAX,
                format_args!("expected a comma before `{key}`"),
            );
        }
        Ok(())
    }

    fn set(&mut self, key: &Ident, name: &str, value: Value) {
        let tokens = match (name, value) {
            ("unlisted", Value::None) => {
                self.unlisted = true;
                return;
            }
            ("unlisted", Value::Assigned(value) | Value::InBrackets(value)) => {
                self.errors.at(
                    value,
                    code::INVALID_KEY_VALUE,
                    "`unlisted` takes no value: write `unlisted`, or remove it",
                );
                return;
            }
            (_, Value::Assigned(value)) => value,
            (_, Value::None | Value::InBrackets(_)) => {
                self.errors.at(
                    key,
                    code::INVALID_KEY_VALUE,
                    format_args!("`{name}` needs a value, such as `{}`", right_form(name)),
                );
                return;
            }
        };
        match name {
            "version" => self.version = self.parse(name, tokens).map(without_group),
            "name" => self.name = self.parse(name, tokens),
            "group" => self.group = self.parse(name, tokens),
            "transaction" => {
                self.transaction = self.parse::<syn::LitBool>(name, tokens).map(|value| value.value);
            }
            _ => self.krate = self.path(tokens),
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
        let kind = match name {
            "name" | "group" => "a string",
            "transaction" => "`true` or `false`",
            "crate" => "a path",
            _ => "an integer literal",
        };
        self.errors.at(
            value,
            code::INVALID_KEY_VALUE,
            format_args!("`{name}` takes {kind}, such as `{}`", right_form(name)),
        );
    }
}

/// Unwraps the invisible group around an argument of a `macro_rules!` macro.
fn without_group(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => without_group(*group.expr),
        expr => expr,
    }
}

/// The tokens after a key.
enum Value {
    None,
    /// `key = tokens`. A key with nothing after the `=` is `None`.
    Assigned(TokenStream),
    /// `key(tokens)`
    InBrackets(TokenStream),
}

/// Parses a value: up to a comma or semicolon, or to the next `key =` after a missing comma.
fn value(input: ParseStream<'_>) -> syn::Result<Value> {
    if input.peek(syn::token::Paren) {
        return Ok(Value::InBrackets(
            input.parse::<proc_macro2::Group>()?.into_token_stream(),
        ));
    }
    if !input.peek(Token![=]) {
        return Ok(Value::None);
    }
    input.parse::<Token![=]>()?;
    let mut tokens = TokenStream::new();
    let is_over = || {
        let is_next_key = input.peek(Ident::peek_any) && input.peek2(Token![=]);
        input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) || is_next_key
    };
    while !is_over() {
        tokens.extend([input.parse::<proc_macro2::TokenTree>()?]);
    }
    Ok(if tokens.is_empty() {
        Value::None
    } else {
        Value::Assigned(tokens)
    })
}

/// Returns an example of a key.
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

/// Returns the key that a misspelled one probably means.
fn meant(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "versions" | "ver" | "id" | "timestamp" => Some("version"),
        "names" | "title" => Some("name"),
        "groups" => Some("group"),
        "transactional" | "transactions" | "no_transaction" | "tx" => Some("transaction"),
        "hidden" | "skip" | "unregistered" => Some("unlisted"),
        "krate" => Some("crate"),
        lower => KEYS.into_iter().find(|key| *key == lower),
    }
}

fn unknown(name: &str, meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("unknown key `{name}`: did you mean `{}`?", right_form(meant)),
        None => format!("unknown key `{name}`: the keys are `{}`", KEYS.join("`, `")),
    }
}

/// Reports `#[migration(..)]` inside the item instead of above it.
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
            code::ATTRIBUTE_SYNTAX,
            format_args!(
                "`#[migration(..)]` is not allowed here: move it above `{}`",
                input.ident
            ),
        );
    }
}

/// Returns the doc comment without the leading space of each line.
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
