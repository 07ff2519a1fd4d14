//! The history rows, and their comparison with a [`Registry`], which gives the state of each migration.
//!
//! Pure: drivers read and write the rows.

pub(crate) mod columns;
pub(crate) mod owner;
pub(crate) mod table;

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::dialect::Dialect;
use crate::migration::{Migration, MigrationId};
use crate::registry::Registry;
use crate::schema::{self, Checksum};
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
    pub(crate) details: Option<RowDetails>,
    pub(crate) format: i64,
    pub(crate) package: String,
}

/// The columns that people see and that no decision needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowDetails {
    pub(crate) duration_ms: Option<i64>,
    pub(crate) applied_by: String,
    pub(crate) tool_version: String,
}

/// A valid row of the history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HistoryRow {
    pub(crate) sequence: i64,
    pub(crate) group: String,
    pub(crate) version: Version,
    pub(crate) name: String,
    pub(crate) batch: i64,
    pub(crate) checksum: Checksum,
    pub(crate) phase: Phase,
    /// The number of completed steps of the phase.
    pub(crate) progress: usize,
    /// The ID of a run: it executes the migration, it was interrupted during that, or it has more migrations to
    /// execute.
    pub(crate) claim: Option<String>,
    /// The checkpoint of the step after the completed ones. A later run uses it to decide if that step completed.
    pub(crate) in_flight: Option<String>,
    pub(crate) applied_at: String,
    /// `None` if they were not read.
    pub(crate) details: Option<RowDetails>,
    /// The package that declared the migration when it was applied.
    pub(crate) package: String,
}

impl HistoryRow {
    pub(crate) fn id(&self) -> MigrationId<'_> {
        MigrationId {
            group: &self.group,
            version: self.version,
        }
    }

    /// Returns the text that names who applied the migration; empty if it is unknown.
    pub(crate) fn applied_by(&self) -> &str {
        self.details.as_ref().map_or("", |details| &details.applied_by)
    }

    /// Returns the row as users see it. Details that were not read are empty.
    pub(crate) fn applied(&self) -> AppliedMigration {
        let details = self.details.clone().unwrap_or_default();
        AppliedMigration {
            sequence: self.sequence,
            group: self.group.clone(),
            version: self.version,
            name: self.name.clone(),
            batch: self.batch,
            applied_at: self.applied_at.clone(),
            duration_ms: details.duration_ms,
            applied_by: details.applied_by,
            tool_version: details.tool_version,
            package: self.package.clone(),
        }
    }
}

impl fmt::Display for HistoryRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.name)
    }
}

/// A row of the history table: a migration that was applied, or that a run is applying or rolling back.
///
/// [`MigrationStatus::applied`] and [`InterruptedMigration::applied`](crate::plan::InterruptedMigration) hold it.
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
    /// The package that declared the migration when it was applied.
    pub package: String,
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
    rows: Vec<HistoryRow>,
}

impl History {
    /// Checks stored rows, which must be ordered by sequence.
    pub(crate) fn from_stored(stored: Vec<StoredRow>) -> Result<History, BadRows> {
        if let Some(row) = stored.iter().find(|row| row.format > FORMAT) {
            return Err(BadRows::Newer {
                format: row.format,
                tool_version: row
                    .details
                    .as_ref()
                    .map_or("", |details| &details.tool_version)
                    .to_owned(),
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

    pub(crate) fn rows(&self) -> &[HistoryRow] {
        &self.rows
    }

    pub(crate) fn find(&self, id: MigrationId<'_>) -> Option<&HistoryRow> {
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
        let finished = |row: &&HistoryRow| row.phase != Phase::Applying;
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
    pub(crate) fn linked_rows(&self, registry: &Registry) -> impl Iterator<Item = &HistoryRow> {
        self.rows.iter().filter(|row| registry.newest(&row.group).is_some())
    }

    /// Returns the groups that are not linked, each with the number of its rows.
    pub(crate) fn unlinked_groups(&self, registry: &Registry) -> BTreeMap<String, usize> {
        let unlinked = self.rows.iter().filter(|row| registry.newest(&row.group).is_none());
        let mut groups = BTreeMap::new();
        for row in unlinked {
            *groups.entry(row.group.clone()).or_default() += 1;
        }
        groups
    }

    /// Returns the interrupted migration, if there is one.
    pub(crate) fn interrupted(&self, registry: &Registry) -> Option<&HistoryRow> {
        let mut unfinished = self.rows.iter().filter(|row| row.phase != Phase::Applied);
        unfinished.find(|row| registry.newest(&row.group).is_some())
    }

    /// Compares history with a registry. The result has the order in which migrations apply.
    pub(crate) fn compare<'a>(&'a self, registry: &'a Registry, dialect: Dialect) -> Vec<ComparedMigration<'a>> {
        let newest_applied = LazyCell::new(|| self.newest_by_group());
        let linked = |migration: &'a Migration, row: Option<&'a HistoryRow>| {
            let state = match row {
                None => match newest_applied.get(migration.group()) {
                    Some(newest) if migration.version() < *newest => MigrationState::OutOfOrder,
                    Some(_) | None => MigrationState::Pending,
                },
                Some(row) if row.phase != Phase::Applied => MigrationState::Interrupted,
                Some(row) if is_changed(row, migration, dialect) => MigrationState::Changed,
                Some(_) => MigrationState::Applied,
            };
            ComparedMigration {
                state,
                id: migration.id(),
                name: migration.name(),
                migration: Some(migration),
                row,
            }
        };
        let unlinked = |row: &'a HistoryRow| {
            // A group that is not linked belongs to another program.
            let newest = registry.newest(&row.group)?;
            let state = match row.phase {
                Phase::Applied if row.version > newest => MigrationState::Ahead,
                Phase::Applied => MigrationState::Missing,
                Phase::Applying | Phase::Reverting => MigrationState::Interrupted,
            };
            Some(ComparedMigration {
                state,
                id: row.id(),
                name: &row.name,
                migration: None,
                row: Some(row),
            })
        };
        let mut rows: Vec<&HistoryRow> = self.rows.iter().collect();
        rows.sort_by(|a, b| a.id().cmp(&b.id()));
        let mut rows = rows.into_iter().peekable();
        let mut compared = Vec::with_capacity(registry.len());
        for migration in registry {
            let id = migration.id();
            while let Some(row) = rows.next_if(|row| row.id() < id) {
                compared.extend(unlinked(row));
            }
            compared.push(linked(migration, rows.next_if(|row| row.id() == id)));
        }
        compared.extend(rows.filter_map(unlinked));
        compared
    }

    fn newest_by_group(&self) -> HashMap<&str, Version> {
        let mut newest_by_group = HashMap::new();
        for row in &self.rows {
            let newest = newest_by_group.entry(row.group.as_str()).or_insert(row.version);
            *newest = row.version.max(*newest);
        }
        newest_by_group
    }
}

/// Returns true if a migration records other steps than those that its row has the checksum of. A checksum of another
/// encoding reveals no change.
pub(crate) fn is_changed(row: &HistoryRow, migration: &Migration, dialect: Dialect) -> bool {
    row.checksum.is_comparable() && row.checksum.differs(current_checksum(migration, dialect))
}

/// A migration that is linked, in history, or both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ComparedMigration<'a> {
    pub(crate) state: MigrationState,
    pub(crate) id: MigrationId<'a>,
    /// The name of the linked migration, or else the name in history.
    pub(crate) name: &'a str,
    pub(crate) migration: Option<&'a Migration>,
    pub(crate) row: Option<&'a HistoryRow>,
}

impl ComparedMigration<'_> {
    /// Returns the status as users see it.
    pub(crate) fn status(&self) -> MigrationStatus {
        MigrationStatus {
            state: self.state,
            group: self.id.group.to_owned(),
            version: self.id.version,
            name: self.name.to_owned(),
            migration: self.migration.copied(),
            applied: self.row.map(HistoryRow::applied),
        }
    }
}

impl fmt::Display for ComparedMigration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.name)
    }
}

fn check(row: StoredRow) -> Result<HistoryRow, Mistake> {
    let invalid = |why: &str| {
        let label = format!("row {} (version {}, {:?})", row.sequence, row.version, row.name);
        Code::INVALID_HISTORY.mistake(format!("{label}: {why}"))
    };
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
    let Ok(checksum) = row.checksum.parse::<Checksum>() else {
        return Err(invalid(&format!("{:?} is not a checksum", row.checksum)));
    };
    let is_moment = row.applied_at.len() >= 20 && row.applied_at.is_ascii() && row.applied_at.ends_with('Z');
    if !is_moment || row.applied_at.as_bytes()[10] != b'T' {
        return Err(invalid(&format!("{:?} is not a UTC timestamp", row.applied_at)));
    }
    if row.group.is_empty() {
        return Err(invalid("the group is empty"));
    }
    Ok(HistoryRow {
        sequence: row.sequence,
        group: row.group,
        version,
        name: row.name,
        batch: row.batch,
        checksum,
        phase,
        progress,
        claim: row.claim,
        in_flight: row.in_flight,
        applied_at: row.applied_at,
        details: row.details,
        package: row.package,
    })
}

/// Returns the checksum of the steps that a migration's `up` records, for one dialect.
pub(crate) fn current_checksum(migration: &Migration, dialect: Dialect) -> Checksum {
    schema::checksum(&schema::record(|schema| migration.migrate().up(schema)).steps, dialect)
}

/// Returns the checksum of a migration as text.
#[must_use]
pub fn checksum_of(migration: &Migration, dialect: Dialect) -> String {
    current_checksum(migration, dialect).to_string()
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
