//! The codes of the derive's errors. `migrate_core::Code` lists them as well, with their titles.

pub(crate) const INVALID_STRUCT: &str = "M0001";
pub(crate) const ATTRIBUTE_SYNTAX: &str = "M0002";
pub(crate) const UNKNOWN_KEY: &str = "M0003";
pub(crate) const DUPLICATE_KEY: &str = "M0004";
pub(crate) const INVALID_KEY_VALUE: &str = "M0005";
pub(crate) const MISSING_VERSION: &str = "M0006";
pub(crate) const INVALID_VERSION: &str = "M0007";

#[cfg(test)]
mod tests {
    use migrate_core::Code;

    #[test]
    fn the_table_of_codes_has_the_same() {
        for (ours, listed) in [
            (super::INVALID_STRUCT, Code::INVALID_STRUCT),
            (super::ATTRIBUTE_SYNTAX, Code::ATTRIBUTE_SYNTAX),
            (super::UNKNOWN_KEY, Code::UNKNOWN_KEY),
            (super::DUPLICATE_KEY, Code::DUPLICATE_KEY),
            (super::INVALID_KEY_VALUE, Code::INVALID_KEY_VALUE),
            (super::MISSING_VERSION, Code::MISSING_VERSION),
            (super::INVALID_VERSION, Code::INVALID_DERIVED_VERSION),
        ] {
            assert_eq!(ours, listed.to_string());
        }
    }
}
