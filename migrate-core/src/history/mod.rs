//! The history rows, and what they say against a [`Registry`]: applied, pending, missing, changed and the rest.
//!
//! Pure: the rows come from a driver, which also writes them.

pub(crate) mod table;

use std::collections::HashMap;
use std::fmt;

use crate::dialect::Dialect;
use crate::migration::{Migration, MigrationId};
use crate::registry::Registry;
use crate::schema;
use crate::version::Version;

/// The history table's name when none is set.
pub const DEFAULT_HISTORY_TABLE: &str = "__migrations";

/// The format of the rows that this version writes, and the newest that it reads.
pub(crate) const FORMAT: i64 = 1;

/// A row of the history table, as the driver reads it.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredRow {
    pub(crate) sequence: i64,
    pub(crate) group: String,
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) batch: i64,
    pub(crate) checksum: String,
    pub(crate) state: String,
    pub(crate) progress: i64,
    pub(crate) claim: Option<String>,
    pub(crate) in_flight: Option<String>,
    pub(crate) applied_at: String,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) applied_by: String,
    pub(crate) tool_version: String,
    pub(crate) format: i64,
}

/// A migration that history knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppliedMigration {
    /// Its place in the order of application, counted from 1.
    pub sequence: i64,
    /// The group.
    pub group: String,
    /// The version.
    pub version: Version,
    /// The name that it had when it was applied.
    pub name: String,
    /// The run that applied it, counted from 1; `rollback` takes back the last one.
    pub batch: i64,
    /// When, in UTC by the database's clock, as RFC 3339.
    pub applied_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Who applied it, as the program said; empty if it did not.
    pub applied_by: String,
    /// The version of this crate that applied it.
    pub tool_version: String,
    pub(crate) checksum: String,
    pub(crate) phase: Phase,
    /// How many steps of the phase are done.
    pub(crate) progress: usize,
    /// The run that is at work on it, or was when it was cut off.
    pub(crate) claim: Option<String>,
    /// What was written down before the step after those that are done, by which it is told whether that has happened.
    pub(crate) in_flight: Option<String>,
}

impl AppliedMigration {
    pub(crate) fn id(&self) -> MigrationId<'_> {
        MigrationId {
            group: &self.group,
            version: self.version,
        }
    }
}

impl fmt::Display for AppliedMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.name)
    }
}

/// What a row says of its migration's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// All done.
    Applied,
    /// Being applied, or cut off while it was.
    Applying,
    /// Being rolled back, or cut off while it was.
    Reverting,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Phase::Applied => "applied",
            Phase::Applying => "applying",
            Phase::Reverting => "reverting",
        }
    }

    fn parse(text: &str) -> Option<Phase> {
        [Phase::Applied, Phase::Applying, Phase::Reverting]
            .into_iter()
            .find(|phase| phase.as_str() == text)
    }
}

/// What cannot be right about stored rows.
#[derive(Debug)]
pub(crate) enum BadRows {
    /// A newer version of this crate wrote one.
    Newer { format: i64, tool_version: String },
    /// Somebody edited them.
    Edited(Vec<String>),
}

/// All rows, in the order of application.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    rows: Vec<AppliedMigration>,
}

impl History {
    /// Checks stored rows, which come ordered by sequence.
    pub(crate) fn from_stored(stored: Vec<StoredRow>) -> Result<History, BadRows> {
        if let Some(row) = stored.iter().find(|row| row.format > FORMAT) {
            return Err(BadRows::Newer {
                format: row.format,
                tool_version: row.tool_version.clone(),
            });
        }
        let mut rows = Vec::with_capacity(stored.len());
        let mut wrong = Vec::new();
        for row in stored {
            let label = format!("row {} (version {}, {:?})", row.sequence, row.version, row.name);
            match check(row) {
                Ok(row) => rows.push(row),
                Err(why) => wrong.push(format!("{label}: {why}")),
            }
        }
        if wrong.is_empty() {
            Ok(History { rows })
        } else {
            Err(BadRows::Edited(wrong))
        }
    }

    pub(crate) fn rows(&self) -> &[AppliedMigration] {
        &self.rows
    }

    pub(crate) fn find(&self, id: MigrationId<'_>) -> Option<&AppliedMigration> {
        self.rows.iter().find(|row| row.id() == id)
    }

    pub(crate) fn next_sequence(&self) -> i64 {
        self.rows.last().map_or(1, |row| row.sequence + 1)
    }

    /// The batch that a run begun now adds to. A run that was cut off left its claim on its rows; the next one finishes
    /// that batch, so that one deploy is one batch however often it was interrupted and however many processes race.
    /// Batches of groups that are not linked are other programs' business.
    pub(crate) fn batch_to_continue_or_begin(&self, registry: &Registry) -> i64 {
        // One that was cut off belongs to the batch of the run that finishes it.
        let finished = |row: &&AppliedMigration| row.phase != Phase::Applying;
        let newest = self
            .rows
            .iter()
            .filter(finished)
            .map(|row| row.batch)
            .max()
            .unwrap_or(0);
        let unfinished = self
            .linked_rows(registry)
            .any(|row| row.batch == newest && row.claim.is_some() && row.phase == Phase::Applied);
        if unfinished { newest } else { newest + 1 }
    }

    /// The rows of groups that are linked; the others are other programs' business.
    pub(crate) fn linked_rows(&self, registry: &Registry) -> impl Iterator<Item = &AppliedMigration> {
        self.rows.iter().filter(|row| registry.newest(&row.group).is_some())
    }

    /// The migration that was cut off half way, if any.
    pub(crate) fn interrupted(&self, registry: &Registry) -> Option<&AppliedMigration> {
        self.linked_rows(registry).find(|row| row.phase != Phase::Applied)
    }

    /// What history and a registry say together, in the order in which migrations are or would be applied.
    pub(crate) fn compare(&self, registry: &Registry, checksums: &Checksums) -> Vec<MigrationStatus> {
        let applied: HashMap<MigrationId<'_>, &AppliedMigration> =
            self.rows.iter().map(|row| (row.id(), row)).collect();
        let mut newest_applied: HashMap<&str, Version> = HashMap::new();
        for row in &self.rows {
            let newest = newest_applied.entry(&row.group).or_insert(row.version);
            *newest = row.version.max(*newest);
        }

        let linked = registry.iter().enumerate().map(|(position, migration)| {
            let row = applied.get(&migration.id()).copied();
            let state = match row {
                None if newest_applied
                    .get(migration.group())
                    .is_some_and(|&newest| migration.version() < newest) =>
                {
                    MigrationState::OutOfOrder
                }
                None => MigrationState::Pending,
                Some(row) if row.phase != Phase::Applied => MigrationState::Interrupted,
                Some(row) if schema::differ(&row.checksum, checksums.at(position)) => MigrationState::Changed,
                Some(_) => MigrationState::Applied,
            };
            MigrationStatus::linked(state, *migration, row.cloned())
        });
        let unlinked = self.rows.iter().filter_map(|row| {
            // A group that is not linked is another program's business.
            let newest = registry.newest(&row.group)?;
            if registry.get(row.id()).is_some() {
                return None;
            }
            let state = match row.phase {
                Phase::Applied if row.version > newest => MigrationState::Ahead,
                Phase::Applied => MigrationState::Missing,
                Phase::Applying | Phase::Reverting => MigrationState::Interrupted,
            };
            Some(MigrationStatus::unlinked(state, row.clone()))
        });
        let mut entries: Vec<MigrationStatus> = linked.chain(unlinked).collect();
        entries.sort_by(|a, b| a.id().cmp(&b.id()));
        entries
    }
}

fn check(row: StoredRow) -> Result<AppliedMigration, String> {
    let Ok(version) = Version::try_from(row.version) else {
        return Err("the version is not a positive integer".to_owned());
    };
    let Some(phase) = Phase::parse(&row.state) else {
        return Err(format!("the state {:?} is unknown", row.state));
    };
    let Ok(progress) = usize::try_from(row.progress) else {
        return Err(format!("the progress {} is negative", row.progress));
    };
    for (what, number) in [("sequence", row.sequence), ("batch", row.batch), ("format", row.format)] {
        if !(1..=i64::MAX / 2).contains(&number) {
            return Err(format!("the {what} {number} is not a positive integer"));
        }
    }
    if !schema::is_checksum(&row.checksum) {
        return Err(format!("{:?} is not a checksum", row.checksum));
    }
    let is_moment = row.applied_at.len() >= 20 && row.applied_at.is_ascii() && row.applied_at.ends_with('Z');
    if !is_moment || row.applied_at.as_bytes()[10] != b'T' {
        return Err(format!("{:?} is not a moment in UTC", row.applied_at));
    }
    if row.group.is_empty() {
        return Err("the group is empty".to_owned());
    }
    Ok(AppliedMigration {
        sequence: row.sequence,
        group: row.group,
        version,
        name: row.name,
        batch: row.batch,
        applied_at: row.applied_at,
        duration_ms: row.duration_ms,
        applied_by: row.applied_by,
        tool_version: row.tool_version,
        checksum: row.checksum,
        phase,
        progress,
        claim: row.claim,
        in_flight: row.in_flight,
    })
}

/// The checksum of each migration of a registry, in its order.
#[derive(Debug)]
pub(crate) struct Checksums(Vec<String>);

impl Checksums {
    pub(crate) fn of(registry: &Registry, dialect: Dialect) -> Checksums {
        Checksums(
            registry
                .iter()
                .map(|migration| checksum_of(migration, dialect))
                .collect(),
        )
    }

    /// Of the migration at a position of the registry.
    pub(crate) fn at(&self, position: usize) -> &str {
        self.0.get(position).map_or("", String::as_str)
    }
}

/// The checksum of what a migration's `up` records for one kind of database.
#[must_use]
pub fn checksum_of(migration: &Migration, dialect: Dialect) -> String {
    schema::checksum(&schema::record(|schema| migration.migrate().up(schema)).steps, dialect)
}

/// A migration's state in one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MigrationState {
    /// It has been applied and is unchanged.
    Applied,
    /// It has not been applied.
    Pending,
    /// Pending, though a newer one of its group has been applied.
    OutOfOrder,
    /// Applied by a newer program: above all that this one has of the group.
    Ahead,
    /// Applied, but not linked into this program.
    Missing,
    /// Applied, but what it records now differs from what was applied.
    Changed,
    /// Outside a transaction, it was cut off half way.
    Interrupted,
}

impl MigrationState {
    /// Its name for machines, such as `"out_of_order"`. It never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            MigrationState::Applied => "applied",
            MigrationState::Pending => "pending",
            MigrationState::OutOfOrder => "out_of_order",
            MigrationState::Ahead => "ahead",
            MigrationState::Missing => "missing",
            MigrationState::Changed => "changed",
            MigrationState::Interrupted => "interrupted",
        }
    }

    /// Whether `up` would apply it.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, MigrationState::Pending | MigrationState::OutOfOrder)
    }

    /// Whether it is as this program wants it: applied, or of a newer program.
    #[must_use]
    pub fn is_current(self) -> bool {
        matches!(self, MigrationState::Applied | MigrationState::Ahead)
    }
}

impl fmt::Display for MigrationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            MigrationState::OutOfOrder => "out of order",
            other => other.as_str(),
        })
    }
}

/// One line of a status: a migration that is linked, or known to history, or both.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// What history and program say together.
    pub state: MigrationState,
    /// The group.
    pub group: String,
    /// The version.
    pub version: Version,
    /// The name: that of the linked migration, or the one it was applied under.
    pub name: String,
    /// What is linked; `None` if it is missing or ahead.
    pub migration: Option<Migration>,
    /// What history knows; `None` if it is pending.
    pub applied: Option<AppliedMigration>,
}

impl MigrationStatus {
    fn linked(state: MigrationState, migration: Migration, applied: Option<AppliedMigration>) -> MigrationStatus {
        MigrationStatus {
            state,
            group: migration.group().to_owned(),
            version: migration.version(),
            name: migration.name().to_owned(),
            migration: Some(migration),
            applied,
        }
    }

    fn unlinked(state: MigrationState, applied: AppliedMigration) -> MigrationStatus {
        MigrationStatus {
            state,
            group: applied.group.clone(),
            version: applied.version,
            name: applied.name.clone(),
            migration: None,
            applied: Some(applied),
        }
    }

    /// What it is known by.
    #[must_use]
    pub fn id(&self) -> MigrationId<'_> {
        MigrationId {
            group: &self.group,
            version: self.version,
        }
    }
}

impl fmt::Display for MigrationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.name)
    }
}
