//! The history rows, and their comparison with a [`Registry`], which gives the state of each migration.
//!
//! Pure: drivers read and write the rows.

pub(crate) mod table;

use std::collections::HashMap;
use std::fmt;

use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::dialect::Dialect;
use crate::migration::{Migration, MigrationId};
use crate::registry::Registry;
use crate::schema;
use crate::version::Version;

/// The default name of the history table. [`Runner::history_table`](crate::Runner::history_table) sets another one.
pub const DEFAULT_HISTORY_TABLE: &str = "__migrations";

/// The format of the rows that this version writes, and the newest format that it reads.
pub(crate) const FORMAT: i64 = 1;

/// A row of the history table, as a driver reads it.
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

/// A row of the history table: a migration that was applied, or that a run is applying or rolling back.
///
/// [`MigrationStatus::applied`] and [`InterruptedMigration::applied`](crate::InterruptedMigration) hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppliedMigration {
    /// The position of the migration in the order of application, from 1.
    pub sequence: i64,
    /// The group of the migration.
    pub group: String,
    /// The version of the migration.
    pub version: Version,
    /// The name that the migration had when it was applied.
    pub name: String,
    /// The number of the batch, from 1. A batch has the migrations that one run applied.
    /// [`Rollback::LastBatch`](crate::Rollback::LastBatch) rolls back the batch with the highest number.
    pub batch: i64,
    /// The time of the row's insertion, by the database's clock: RFC 3339 text in UTC, such as
    /// `2026-11-30T09:12:41.325Z`. For a migration outside a transaction, this is the time at which it began.
    pub applied_at: String,
    /// The duration in milliseconds; for a resumed migration, that of the last run. `None` if no run has finished the
    /// migration.
    pub duration_ms: Option<i64>,
    /// The text from [`Runner::applied_by`](crate::Runner::applied_by), empty by default.
    pub applied_by: String,
    /// The version of `migrate-core` that inserted the row.
    pub tool_version: String,
    pub(crate) checksum: String,
    pub(crate) phase: Phase,
    /// The number of completed steps of the phase.
    pub(crate) progress: usize,
    /// The ID of a run: it executes the migration, it was interrupted during that, or it has more migrations to
    /// execute.
    pub(crate) claim: Option<String>,
    /// The checkpoint of the step after the completed ones. A later run uses it to decide if that step completed.
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

/// The progress of a migration, as its row records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// All steps are done.
    Applied,
    /// A run applies the migration, or was interrupted while it did.
    Applying,
    /// A run rolls the migration back, or was interrupted while it did.
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

/// The reason why stored rows are invalid.
#[derive(Debug)]
pub(crate) enum BadRows {
    /// A newer version of this crate wrote a row.
    Newer { format: i64, tool_version: String },
    /// Another tool or a person edited rows; one message for each row.
    Edited(Vec<Mistake>),
}

/// All rows, in the order of application.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    rows: Vec<AppliedMigration>,
}

impl History {
    /// Checks stored rows, which must be ordered by sequence.
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
            match check(row) {
                Ok(row) => rows.push(row),
                Err(mistake) => wrong.push(mistake),
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

    /// Returns true if a finished migration holds the claim of a run that has more to execute.
    pub(crate) fn has_open_claims(&self) -> bool {
        self.rows
            .iter()
            .any(|row| row.phase == Phase::Applied && row.claim.is_some())
    }

    /// Returns the batch of a run that starts now. An interrupted run leaves its claim on its rows, and the next run
    /// continues that batch. So one deployment is one batch, even with interruptions and with several processes. Groups
    /// that are not linked belong to other programs and do not count.
    pub(crate) fn batch_to_continue_or_begin(&self, registry: &Registry) -> i64 {
        // An interrupted migration joins the batch of the run that finishes it.
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

    /// Returns the rows of linked groups; the others belong to other programs.
    pub(crate) fn linked_rows(&self, registry: &Registry) -> impl Iterator<Item = &AppliedMigration> {
        self.rows.iter().filter(|row| registry.newest(&row.group).is_some())
    }

    /// Returns the interrupted migration, if there is one.
    pub(crate) fn interrupted(&self, registry: &Registry) -> Option<&AppliedMigration> {
        self.linked_rows(registry).find(|row| row.phase != Phase::Applied)
    }

    /// Compares history with a registry. The result has the order in which migrations apply.
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
            // A group that is not linked belongs to another program.
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

fn check(row: StoredRow) -> Result<AppliedMigration, Mistake> {
    let label = format!("row {} (version {}, {:?})", row.sequence, row.version, row.name);
    let invalid = |why: &str| Code::INVALID_HISTORY.mistake(format!("{label}: {why}"));
    let Ok(version) = Version::try_from(row.version) else {
        return Err(invalid("the version is not a positive integer"));
    };
    let Some(phase) = Phase::parse(&row.state) else {
        return Err(invalid(&format!("the state {:?} is unknown", row.state)));
    };
    let Ok(progress) = usize::try_from(row.progress) else {
        return Err(invalid(&format!("the progress {} is negative", row.progress)));
    };
    for (what, number) in [("sequence", row.sequence), ("batch", row.batch), ("format", row.format)] {
        if !(1..=i64::MAX / 2).contains(&number) {
            return Err(invalid(&format!("the {what} {number} is not a positive integer")));
        }
    }
    if !schema::is_checksum(&row.checksum) {
        return Err(invalid(&format!("{:?} is not a checksum", row.checksum)));
    }
    let is_moment = row.applied_at.len() >= 20 && row.applied_at.is_ascii() && row.applied_at.ends_with('Z');
    if !is_moment || row.applied_at.as_bytes()[10] != b'T' {
        return Err(invalid(&format!("{:?} is not a UTC timestamp", row.applied_at)));
    }
    if row.group.is_empty() {
        return Err(invalid("the group is empty"));
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

    /// Returns the checksum of the migration at a position of the registry.
    pub(crate) fn at(&self, position: usize) -> &str {
        self.0.get(position).map_or("", String::as_str)
    }
}

/// Returns the checksum of the steps that a migration's `up` records, for one dialect.
#[must_use]
pub fn checksum_of(migration: &Migration, dialect: Dialect) -> String {
    schema::checksum(&schema::record(|schema| migration.migrate().up(schema)).steps, dialect)
}

/// The state of a migration in one database. [`Runner::status`](crate::Runner::status) reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MigrationState {
    /// Applied, and its steps are unchanged.
    Applied,
    /// Linked, but not applied.
    Pending,
    /// Pending, although a newer migration of its group is applied. `up` applies it unless
    /// [`strict_order`](crate::Runner::strict_order) is set.
    OutOfOrder,
    /// Applied but not linked, and newer than all linked migrations of its group: a newer program applied it.
    Ahead,
    /// Applied but not linked, and older than a linked migration of its group. `up` refuses to run unless
    /// [`allow_missing`](crate::Runner::allow_missing) is set.
    Missing,
    /// Applied, but its steps now have another checksum. `up` refuses to run unless
    /// [`allow_changed`](crate::Runner::allow_changed) is set. [`accept`](crate::Runner::accept) stores the new
    /// checksum, and the state is then `Applied`.
    Changed,
    /// Partly applied or partly rolled back: its run was interrupted, or is still running. Only a migration outside a
    /// transaction can be in this state, or one with a step that ended its transaction.
    Interrupted,
}

impl MigrationState {
    /// Returns the machine-readable name, such as `"out_of_order"`. These names never change.
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

    /// Returns true if `up` applies a migration in this state: pending or out of order.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, MigrationState::Pending | MigrationState::OutOfOrder)
    }

    /// Returns true if a migration in this state matches the program: applied or ahead.
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

/// The status of a migration that is linked, in history, or both. [`Runner::status`](crate::Runner::status) returns one
/// for each migration.
///
/// Its `Display` prints the version and the name, such as `20261123093000 add_username`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// The state: the result of comparing history with the linked migrations.
    pub state: MigrationState,
    /// The group of the migration.
    pub group: String,
    /// The version of the migration.
    pub version: Version,
    /// The name of the linked migration, or else the name in history.
    pub name: String,
    /// The linked migration; `None` if it is not linked, as for missing and ahead migrations.
    pub migration: Option<Migration>,
    /// The history row; `None` if the migration is pending or out of order.
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

    /// Returns the identity: group and version.
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
