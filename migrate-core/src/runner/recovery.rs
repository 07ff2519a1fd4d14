//! Checkpoints: the record before a step, and the decision of a later run if that step completed.

use super::Runner;
use super::queue::plan_one;
use crate::driver::DriverError;
use crate::error::Error;
use crate::history::table::RowUpdate;
use crate::history::{AppliedMigration, History, Phase};
use crate::migration::Direction;
use crate::plan::PlannedMigration;
use crate::schema::SessionEffect;

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
        checksum: String,
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
                let mut lines = vec![digest.clone(), catalog_context.clone(), checksum.clone()];
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
        InFlightStep::Seen {
            digest: digest.to_owned(),
            catalog_context: catalog_context.to_owned(),
            checksum: checksum.to_owned(),
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

impl Runner<'_> {
    /// Returns the record to write before a step.
    pub(super) fn in_flight_before(
        &mut self,
        planned: &PlannedMigration,
        index: usize,
    ) -> Result<InFlightStep, DriverError> {
        let Some(step) = planned.steps.get(index) else {
            return Ok(InFlightStep::Unknown);
        };
        let touches = &step.touches;
        if touches.is_empty() {
            return Ok(match step.is_idempotent() {
                true => InFlightStep::Again,
                false => InFlightStep::Unknown,
            });
        }
        Ok(match self.session.object_digest(touches)? {
            Some(digest) => InFlightStep::Seen {
                digest,
                catalog_context: self.session.catalog_context()?,
                checksum: planned.checksum_after(index + 1).to_owned(),
                touches: touches.clone(),
            },
            None => InFlightStep::Unknown,
        })
    }

    /// Takes over the claim of a run that is gone, with a compare-and-swap. Decides if its in-flight step completed; if
    /// nothing can show that, the step stays undecided until a person resolves it.
    pub(super) fn settle(&mut self, history: &History, row: &AppliedMigration) -> Result<(), Error> {
        let unknown = InFlightStep::Unknown.text();
        let mut change = RowUpdate {
            claim: Some(None),
            ..RowUpdate::default()
        };
        let in_flight = row.in_flight.as_deref().map(InFlightStep::parse);
        match &in_flight {
            None | Some(InFlightStep::Unknown) => {}
            Some(InFlightStep::Again) => change.in_flight = Some(None),
            Some(InFlightStep::Seen {
                digest,
                catalog_context,
                checksum,
                touches,
            }) => match self.digest_from(catalog_context, touches, history, row)? {
                None => change.in_flight = Some(Some(&unknown)),
                Some(now) => {
                    change.in_flight = Some(None);
                    if now != *digest {
                        change.progress = Some(row.progress + 1);
                        change.checksum = (row.phase == Phase::Applying).then_some(checksum);
                    }
                }
            },
        }
        let statement = self.table.update(row.id(), row.claim.as_deref(), &change);
        self.bookkeeping(&statement)
    }

    /// Returns a digest of the objects under the session settings of the interrupted run, or `None` if this session
    /// cannot have those settings.
    fn digest_from(
        &mut self,
        catalog_context: &str,
        touches: &[String],
        history: &History,
        row: &AppliedMigration,
    ) -> Result<Option<String>, Error> {
        let unread = |runner: &mut Self, error| runner.database_error("the schema cannot be read", error);
        let now = self.session.catalog_context().map_err(|error| unread(self, error))?;
        if now == catalog_context {
            return self.session.object_digest(touches).map_err(|error| unread(self, error));
        }
        for sql in self.settings_of(history, row) {
            self.session.execute(&sql).map_err(|error| unread(self, error))?;
        }
        let now = self.session.catalog_context().map_err(|error| unread(self, error))?;
        let digest = match now == catalog_context {
            true => self
                .session
                .object_digest(touches)
                .map_err(|error| unread(self, error))?,
            false => None,
        };
        self.come_home().map_err(|error| unread(self, error))?;
        Ok(digest)
    }

    /// Returns the statements by which the completed steps of a migration set their session.
    fn settings_of(&self, history: &History, row: &AppliedMigration) -> Vec<String> {
        let direction = match row.phase {
            Phase::Reverting => Direction::Down,
            Phase::Applying | Phase::Applied => Direction::Up,
        };
        let migration = self.registry.get(row.id());
        let planned = migration.and_then(|migration| plan_one(&mut self.planner(history), migration, direction).ok());
        let steps = planned.map(|planned| planned.steps).unwrap_or_default();
        let done = steps.iter().take(row.progress);
        done.filter(|step| step.session_effect() == SessionEffect::Setting)
            .filter_map(|step| step.sql().map(str::to_owned))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_in_flight_steps_are_parsed_with_any_names() {
        let seen = InFlightStep::Seen {
            digest: "0a1b".to_owned(),
            catalog_context: String::new(),
            checksum: "v1:00".to_owned(),
            touches: vec!["users".to_owned(), "a\\n\nb\\".to_owned(), String::new()],
        };
        assert_eq!(InFlightStep::parse(&seen.text()), seen);
        for in_flight in [InFlightStep::Unknown, InFlightStep::Again] {
            assert_eq!(InFlightStep::parse(&in_flight.text()), in_flight);
        }
        assert_eq!(InFlightStep::parse(""), InFlightStep::Unknown);
    }
}
