//! Suggests the name that the user probably meant.

use crate::code::Code;
use crate::diagnostic::Mistake;

/// Returns a mistake about a name that does not exist. Its help is the most similar of `among`, or else `otherwise`.
pub(super) fn unknown<'a>(
    message: String,
    name: &str,
    among: impl IntoIterator<Item = &'a str>,
    otherwise: Option<String>,
) -> Mistake {
    let mistake = Code::UNKNOWN_NAME.mistake(message);
    match nearest(name, among)
        .map(|near| format!("did you mean `{near}`?"))
        .or(otherwise)
    {
        Some(help) => mistake.help(help),
        None => mistake,
    }
}

/// Returns the most similar name, if one is similar enough.
fn nearest<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = 1 + name.chars().count() / 3;
    among
        .into_iter()
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, other)| other)
}

/// Returns the edit distance of two names, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    strsim::levenshtein(&a.to_lowercase(), &b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_is_distinguished_from_another_word() {
        let names = ["users", "posts", "user_settings"];
        assert_eq!(nearest("user", names), Some("users"));
        assert_eq!(nearest("Usres", names), Some("users"));
        assert_eq!(nearest("comments", names), None);
        assert_eq!(nearest("x", []), None);
    }
}
