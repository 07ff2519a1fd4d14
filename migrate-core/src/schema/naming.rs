//! The default names of constraints and indexes. They are equal on every database and must never change.

use xxhash_rust::xxh3::xxh3_128;

/// The longest name in bytes. PostgreSQL truncates longer names; MySQL allows 64 characters.
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>
pub(crate) const LONGEST: usize = 63;

/// Returns the default name for a table, columns and a suffix, such as `users_email_idx`. A name that is too long is
/// shortened and ends in a hash of all parts.
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
    // Names cannot contain the separator, so `a_b, c` and `a, b_c` get different hashes.
    let hash = short_hash(&format!("{table}\0{}\0{suffix}", parts.join("\0")));
    let mut end = LONGEST - 1 - hash.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{hash}", &name[..end])
}

/// Returns the default name of a primary key.
pub(crate) fn primary_key_name(table: &str) -> String {
    derived(table, &[], "pkey")
}

/// Returns the last eight hexadecimal digits of a hash of a text.
pub(crate) fn short_hash(text: &str) -> String {
    format!("{:08x}", xxh3_128(text.as_bytes()) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_names_follow_postgres() {
        assert_eq!(derived("users", &["email".to_owned()], "idx"), "users_email_idx");
        assert_eq!(
            derived("posts", &["a".to_owned(), "b".to_owned()], "key"),
            "posts_a_b_key"
        );
        assert_eq!(primary_key_name("users"), "users_pkey");
    }

    #[test]
    fn a_long_name_is_truncated_and_hashed() {
        let table = "t".repeat(70);
        let one = derived(&table, &["a_b".to_owned(), "c".to_owned()], "idx");
        let other = derived(&table, &["a".to_owned(), "b_c".to_owned()], "idx");
        assert_eq!(one.len(), LONGEST);
        assert_ne!(one, other);
        assert_eq!(one, derived(&table, &["a_b".to_owned(), "c".to_owned()], "idx"));
        assert!(derived(&"ü".repeat(40), &[], "idx").len() <= LONGEST);
    }
}
