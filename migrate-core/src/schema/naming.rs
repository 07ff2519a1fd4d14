//! The names that constraints and indexes get when the user gives none: the same on every database, for ever.

use sha2::{Digest, Sha256};

/// PostgreSQL cuts names off after this many bytes; MySQL takes 64 characters.
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>
pub(crate) const LONGEST: usize = 63;

/// `users_email_idx` of a table, columns and a suffix. A name that would be too long ends in a hash of the whole.
pub(crate) fn derived(table: &str, parts: &[String], suffix: &str) -> String {
    let mut name = table.to_owned();
    for part in parts {
        name.push('_');
        name.push_str(part);
    }
    name.push('_');
    name.push_str(suffix);
    if name.len() <= LONGEST {
        return name;
    }
    // A separator that no name holds keeps `a_b, c` and `a, b_c` apart.
    let hash = short_hash(&format!("{table}\0{}\0{suffix}", parts.join("\0")));
    let mut end = LONGEST - 1 - hash.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{hash}", &name[..end])
}

/// What the primary key of a table is called.
pub(crate) fn primary_key_name(table: &str) -> String {
    derived(table, &[], "pkey")
}

/// Eight hexadecimal digits that tell texts apart.
pub(crate) fn short_hash(text: &str) -> String {
    Sha256::digest(text)[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_postgresqls() {
        assert_eq!(derived("users", &["email".to_owned()], "idx"), "users_email_idx");
        assert_eq!(
            derived("posts", &["a".to_owned(), "b".to_owned()], "key"),
            "posts_a_b_key"
        );
        assert_eq!(primary_key_name("users"), "users_pkey");
    }

    #[test]
    fn a_long_name_is_cut_and_hashed() {
        let table = "t".repeat(70);
        let one = derived(&table, &["a_b".to_owned(), "c".to_owned()], "idx");
        let other = derived(&table, &["a".to_owned(), "b_c".to_owned()], "idx");
        assert_eq!(one.len(), LONGEST);
        assert_ne!(one, other);
        assert_eq!(one, derived(&table, &["a_b".to_owned(), "c".to_owned()], "idx"));
        assert!(derived(&"ü".repeat(40), &[], "idx").len() <= LONGEST);
    }
}
