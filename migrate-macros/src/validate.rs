//! Validates the parsed attributes. Returns a model, or all errors together.

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Expr, ExprLit, Fields, Lit, LitStr};

use crate::attr::{Attributes, Errors, doc_comment};
use crate::code;
use crate::model::{Model, snake_case};

const VERSION_FORM: &str = "use an integer from 1 to 9223372036854775807, such as a UTC timestamp: \
                            `version = 2026_11_23_093000`";

pub(crate) fn validate(input: &DeriveInput, attributes: Attributes) -> syn::Result<Model<'_>> {
    let mut errors = attributes.errors;
    check_shape(input, &mut errors);
    let version = match &attributes.version {
        Some(version) => check_version(version, &mut errors),
        None => {
            // The keys of an unparsable attribute are unknown, so a missing version would be a guess.
            if !attributes.is_unreadable && !attributes.has_version_key {
                missing_version(input, attributes.attribute, &mut errors);
            }
            0
        }
    };
    let name = attributes
        .name
        .as_ref()
        .map_or_else(|| snake_case(&input.ident), |name| check_name(name, &mut errors));
    let group = attributes
        .group
        .as_ref()
        .map_or_else(|| "default".to_owned(), |group| check_group(group, &mut errors));
    errors.finish()?;
    Ok(Model {
        ident: &input.ident,
        version,
        name,
        group,
        description: doc_comment(input),
        transaction: attributes.transaction.unwrap_or(true),
        is_listed: !attributes.unlisted,
        krate: attributes.krate,
    })
}

/// Checks that the item is a struct without fields and generics, because its value is registered as a constant.
fn check_shape(input: &DeriveInput, errors: &mut Errors) {
    let ident = &input.ident;
    let form = format!("a migration must be a struct without fields: write `struct {ident};`");
    match &input.data {
        Data::Enum(data) => errors.at(data.enum_token, code::INVALID_STRUCT, &form),
        Data::Union(data) => errors.at(data.union_token, code::INVALID_STRUCT, &form),
        Data::Struct(data) => match &data.fields {
            Fields::Unit => {}
            fields => errors.at(fields, code::INVALID_STRUCT, &form),
        },
    }
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            code::INVALID_STRUCT,
            format_args!("a migration cannot have generic parameters: write `struct {ident};`"),
        );
    } else if let Some(clause) = &input.generics.where_clause {
        errors.at(
            clause,
            code::INVALID_STRUCT,
            "a migration cannot have a `where` clause: remove it",
        );
    }
}

fn missing_version(input: &DeriveInput, attribute: Option<TokenStream>, errors: &mut Errors) {
    match attribute {
        Some(attribute) => errors.at(
            attribute,
            code::MISSING_VERSION,
            "the version is missing: add `version = 2026_11_23_093000`",
        ),
        None => errors.at(
            &input.ident,
            code::MISSING_VERSION,
            format_args!(
                "`{}` has no version: add `#[migration(version = 2026_11_23_093000)]` above it",
                input.ident
            ),
        ),
    }
}

fn check_version(version: &Expr, errors: &mut Errors) -> u64 {
    let Expr::Lit(ExprLit {
        lit: Lit::Int(number), ..
    }) = version
    else {
        errors.at(
            version,
            code::INVALID_VERSION,
            format_args!("a version must be an integer literal: {VERSION_FORM}"),
        );
        return 0;
    };
    if !number.suffix().is_empty() {
        errors.at(
            number,
            code::INVALID_VERSION,
            format_args!("a version cannot have a suffix: write `{}`", number.base10_digits()),
        );
        return 0;
    }
    match number.base10_parse::<u64>() {
        Ok(0) => {
            errors.at(
                number,
                code::INVALID_VERSION,
                format_args!("0 is not a valid version: {VERSION_FORM}"),
            );
            0
        }
        Ok(version) if i64::try_from(version).is_ok() => version,
        _ => {
            errors.at(
                number,
                code::INVALID_VERSION,
                format_args!("this version is too large: {VERSION_FORM}"),
            );
            0
        }
    }
}

fn check_name(name: &LitStr, errors: &mut Errors) -> String {
    let value = name.value();
    if value.trim().is_empty() || value.chars().any(char::is_control) || value.len() > 255 {
        errors.at(
            name,
            code::INVALID_KEY_VALUE,
            "a name must have 1 to 255 bytes and no control characters, such as `name = \"add_username\"`",
        );
    }
    value
}

fn check_group(group: &LitStr, errors: &mut Errors) -> String {
    let value = group.value();
    let is_right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if value.is_empty() || value.len() > 64 || !value.chars().all(is_right) {
        errors.at(
            group,
            code::INVALID_KEY_VALUE,
            "a group must have 1 to 64 ASCII letters, digits, `_`, `-` or `.`, such as `group = \"jobs\"`",
        );
    }
    value
}
