//! The record of the step that is about to run outside a transaction.

use crate::schema::Checksum;

/// The record of the in-flight step, which follows the completed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InFlightStep {
    /// Nothing can show if the step completed.
    Unknown,
    /// The step can run again, completed or not.
    Again,
    /// The step completed if the objects that it changes differ from before.
    Seen {
        /// The digest of those objects before the step.
        digest: String,
        /// The session settings that the digest depends on.
        catalog_context: String,
        /// The checksum of the migration's steps, up to and including this one.
        checksum: Checksum,
        touches: Vec<String>,
    },
}

const UNKNOWN: &str = "unknown";
const AGAIN: &str = "again";

impl InFlightStep {
    /// Serializes the record, with one line for each part.
    pub(super) fn text(&self) -> String {
        match self {
            InFlightStep::Unknown => UNKNOWN.to_owned(),
            InFlightStep::Again => AGAIN.to_owned(),
            InFlightStep::Seen {
                digest,
                catalog_context,
                checksum,
                touches,
            } => {
                let mut lines = vec![digest.clone(), catalog_context.clone(), checksum.to_string()];
                lines.extend(
                    touches
                        .iter()
                        .map(|name| name.replace('\\', "\\\\").replace('\n', "\\n")),
                );
                lines.join("\n")
            }
        }
    }

    /// Parses the record. Text that cannot be parsed leaves the step unknown.
    pub(super) fn parse(text: &str) -> InFlightStep {
        if text == AGAIN {
            return InFlightStep::Again;
        }
        let mut lines = text.split('\n');
        let (Some(digest), Some(catalog_context), Some(checksum)) = (lines.next(), lines.next(), lines.next()) else {
            return InFlightStep::Unknown;
        };
        let Ok(checksum) = checksum.parse() else {
            return InFlightStep::Unknown;
        };
        InFlightStep::Seen {
            digest: digest.to_owned(),
            catalog_context: catalog_context.to_owned(),
            checksum,
            touches: lines.map(unescaped).collect(),
        }
    }
}

fn unescaped(name: &str) -> String {
    let mut plain = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some(other) => other,
                None => c,
            },
            _ => c,
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_in_flight_steps_are_parsed_with_any_names() {
        let seen = InFlightStep::Seen {
            digest: "0a1b".to_owned(),
            catalog_context: String::new(),
            checksum: Checksum::from(7),
            touches: vec!["users".to_owned(), "a\\n\nb\\".to_owned(), String::new()],
        };
        assert_eq!(InFlightStep::parse(&seen.text()), seen);
        for in_flight in [InFlightStep::Unknown, InFlightStep::Again] {
            assert_eq!(InFlightStep::parse(&in_flight.text()), in_flight);
        }
        assert_eq!(InFlightStep::parse(""), InFlightStep::Unknown);
    }
}
