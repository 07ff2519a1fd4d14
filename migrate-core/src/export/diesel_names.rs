//! Converts database names to Rust names and string literals, as Diesel CLI does.

use heck::ToUpperCamelCase;

/// Returns a column's name in Rust. A column with the name of its table gets a trailing underscore, as it would hide
/// the table.
pub(super) fn column_name(column: &str, table: &str) -> String {
    let name = mapped(column);
    if is_reserved(&name) || name == table {
        return format!("{name}_");
    }
    name
}

/// Returns a table's name in Rust.
pub(super) fn rust_name(name: &str) -> String {
    let name = mapped(name);
    if is_reserved(&name) { format!("{name}_") } else { name }
}

/// Returns a name of letters, digits and underscores that does not begin with a digit. One underscore replaces each run
/// of other characters.
fn mapped(name: &str) -> String {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins_with_digit = name.starts_with(|c: char| c.is_ascii_digit());
    let mut mapped = String::from(if begins_with_digit { "_" } else { "" });
    let mut replaced = false;
    for c in name.chars() {
        if may_stand(c) {
            mapped.push(c);
        } else if !replaced {
            mapped.push('_');
        }
        replaced = !may_stand(c);
    }
    mapped
}

/// Returns true if a name has a meaning in Rust or in Diesel's macros.
fn is_reserved(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
        "else", "enum", "extern", "false", "final", "fn", "for", "if", "impl", "in", "let", "loop", "macro", "match",
        "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "Self", "self", "static", "struct", "super",
        "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    const DIESELS: &[&str] = &["table", "columns", "is_nullable"];
    let is_word = KEYWORDS.contains(&name) || DIESELS.contains(&name);
    is_word || name.is_empty() || name.starts_with("__") && !name.ends_with('_')
}

/// Returns a Rust string literal.
pub(super) fn rust_string(text: &str) -> String {
    if !text.contains('"') {
        return format!("\"{text}\"");
    }
    let hashes = "#".repeat(text.matches('#').count() + 1);
    format!("r{hashes}\"{text}\"{hashes}")
}

/// Converts `user_mood` and `userMOOD` to `UserMood`, with the crate that Diesel CLI uses for it.
pub(super) fn camel_case(name: &str) -> String {
    name.to_upper_camel_case()
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn camel_case_splits_words_like_diesel() {
        for (name, expected) in [
            ("user_mood", "UserMood"),
            ("userMood", "UserMood"),
            ("HTTPMood", "HttpMood"),
            ("MOOD", "Mood"),
            ("mood_2x", "Mood2x"),
            ("mood2X", "Mood2X"),
            ("my  mood", "MyMood"),
            ("_mood-", "Mood"),
            ("Über_maß", "ÜberMaß"),
        ] {
            assert_eq!(camel_case(name), expected);
        }
    }
}
