//! A validated migration.

use heck::ToSnakeCase;
use syn::{Ident, Path};

/// The input of `expand`.
pub(crate) struct Model<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) version: u64,
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) transaction: bool,
    pub(crate) is_listed: bool,
    /// `None` for `::migrate_core`.
    pub(crate) krate: Option<Path>,
}

/// Converts `AddURLToUsers2` to `add_url_to_users2`.
pub(crate) fn snake_case(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_snake_case()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case() {
        for (ident, name) in [
            ("AddUsername", "add_username"),
            ("AddURLToUsers2", "add_url_to_users2"),
            ("HTTPLog", "http_log"),
            ("V2Users", "v2_users"),
            ("already_snake", "already_snake"),
            ("Mixed_Case", "mixed_case"),
            ("ÄndereName", "ändere_name"),
            ("X", "x"),
        ] {
            let ident = Ident::new(ident, proc_macro2::Span::call_site());
            assert_eq!(snake_case(&ident), name);
        }
    }
}
