//! A migration's version: how it is parsed, ordered and printed.

use std::fmt;
use std::str::FromStr;

/// The identity of a migration inside its group: an integer from 1 to 2^63 - 1.
///
/// By convention it is a UTC timestamp, `2026_11_23_093000`. Versions compare as numbers, so `9` comes before `10`.
///
/// ```
/// use migrate_core::Version;
///
/// let version: Version = "2026_11_23_093000".parse()?;
/// assert_eq!(version, Version::new(20261123093000)?);
/// assert_eq!(version.to_string(), "20261123093000");
/// # Ok::<(), migrate_core::error::InvalidVersion>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i64);

impl Version {
    /// Creates a version from a number.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidVersion`] if the number is 0 or at least 2^63. Databases store a version as a signed 64-bit
    /// integer.
    pub const fn new(number: u64) -> Result<Version, InvalidVersion> {
        if number == 0 || number > i64::MAX as u64 {
            return Err(InvalidVersion);
        }
        Ok(Version(number as i64))
    }

    /// Returns the number, as databases store it.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// Creates a version that the derive has checked. Any other number becomes the nearest valid version.
    pub(crate) const fn from_derive(number: u64) -> Version {
        match Version::new(number) {
            Ok(version) => version,
            Err(InvalidVersion) => Version(if number == 0 { 1 } else { i64::MAX }),
        }
    }
}

impl TryFrom<i64> for Version {
    type Error = InvalidVersion;

    fn try_from(number: i64) -> Result<Version, InvalidVersion> {
        u64::try_from(number).map_or(Err(InvalidVersion), Version::new)
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    /// Parses digits. `_` is allowed anywhere between them.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidVersion`] for any other text, and for numbers outside the range.
    fn from_str(text: &str) -> Result<Version, InvalidVersion> {
        let digits: String = text.chars().filter(|&c| c != '_').collect();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidVersion);
        }
        digits
            .parse()
            .map_or(Err(InvalidVersion), |number: u64| Version::new(number))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The error for a number or text that is not a valid version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidVersion;

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version must be an integer from 1 to 9223372036854775807, such as 20261123093000")
    }
}

impl std::error::Error for InvalidVersion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let parse = |text: &str| text.parse::<Version>().unwrap();
        assert!(parse("9") < parse("10"));
        assert_eq!(parse("0010"), parse("1_0"));
    }

    #[test]
    fn invalid_versions_are_refused() {
        for text in [
            "",
            "_",
            "0",
            "-1",
            "+1",
            "1.0",
            " 1",
            "abc",
            "9223372036854775808",
            "99999999999999999999999",
        ] {
            assert_eq!(text.parse::<Version>(), Err(InvalidVersion), "{text:?}");
        }
        assert_eq!(Version::try_from(-1_i64), Err(InvalidVersion));
        assert!("9223372036854775807".parse::<Version>().is_ok());
    }
}
