//! What is written down before a step whose end may not be seen, and how it is found out afterwards whether it has happened.

use super::Runner;
use super::queue::plan_one;
use crate::driver::DriverError;
use crate::error::Error;
use crate::history::table::RowUpdate;
use crate::history::{AppliedMigration, History, Phase};
use crate::migration::Direction;
use crate::plan::PlannedMigration;
use crate::schema::SessionEffect;

/// What the row of a migration says of the step after those that are done: it was about to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InFlightStep {
    /// Nothing can tell whether it has happened.
    Unknown,
    /// It does not matter whether it has: it can be done again.
    Again,
    /// It has happened if what it touches is not as it was.
    Seen {
        /// Of what it touches, before it.
        digest: String,
        /// How the session saw it.
        catalog_context: String,
        /// Of the migration's steps up to and with it.
        checksum: String,
        touches: Vec<String>,
    },
}

const UNKNOWN: &str = "unknown";
const AGAIN: &str = "again";

impl InFlightStep {
    /// As it is stored: a line for each part.
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

    /// Whatever cannot be read leaves the step unknown.
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
    /// What to write down before a step.
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

    /// Takes the claim from a run that is gone, if it is still that run's: a compare-and-swap. Finds out whether the step that
    /// it was about to run has happened; if nothing can tell, that stays written down, for a person to say.
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

    /// A digest of what a step touches, as seen by the session that was to run it; `None` if this one cannot be made to see it
    /// like that.
    fn digest_from(
        &mut self,
        catalog_context: &str,
        touches: &[String],
        history: &History,
        row: &AppliedMigration,
    ) -> Result<Option<String>, Error> {
        let unread = |runner: &mut Self, error| runner.database_error("the schema could not be read", error);
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

    /// What the steps of a migration that are done have set of their session.
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
    fn what_is_stored_is_read_again_whatever_the_names() {
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
