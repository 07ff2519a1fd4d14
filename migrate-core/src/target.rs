//! Targets: how far `up` and `rollback` go, and the migrations that a target selects. Pure.
//!
//! A target that does not exist is an error, never a run that silently does nothing.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};
use crate::history::{AppliedMigration, MigrationState, MigrationStatus};
use crate::migration::{DEFAULT_GROUP, Migration, MigrationId};
use crate::registry::Registry;
use crate::version::{InvalidVersion, Version};

/// A reference to a migration, as users write it: a version, or `group:version` if several groups use that version.
///
/// The methods that take a reference fail with [`ErrorKind::InvalidTarget`] if it matches no migration or several.
///
/// ```
/// use migrate_core::MigrationRef;
///
/// let reference: MigrationRef = "jobs:3".parse()?;
/// assert_eq!(reference.to_string(), "jobs:3");
///
/// let reference: MigrationRef = "2026_11_23_093000".parse()?;
/// assert_eq!(reference.to_string(), "20261123093000");
/// # Ok::<(), migrate_core::InvalidVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MigrationRef {
    group: Option<String>,
    version: Version,
}

impl MigrationRef {
    /// Creates a reference to a version in a group.
    #[must_use]
    pub fn in_group(group: impl Into<String>, version: Version) -> MigrationRef {
        MigrationRef {
            group: Some(group.into()),
            version,
        }
    }

    /// Returns the migration of a registry that the reference matches, and all migrations before it.
    pub(crate) fn up_to<'a>(&self, registry: &'a Registry) -> Result<(&'a [Migration], &'a Migration), Error> {
        let migrations = registry.as_slice();
        let found = self.find(migrations, |migration| migration.id())?;
        let position = registry.position(found.id()).unwrap_or_default();
        Ok((migrations.get(..position).unwrap_or_default(), found))
    }

    /// Returns true if the reference matches this identity.
    #[doc(hidden)]
    #[must_use]
    pub fn means(&self, id: MigrationId<'_>) -> bool {
        id.version == self.version && self.group.as_deref().is_none_or(|group| group == id.group)
    }

    /// Returns the one candidate that the reference matches.
    pub(crate) fn find<'a, T>(&self, candidates: &'a [T], id: impl Fn(&T) -> MigrationId<'_>) -> Result<&'a T, Error> {
        let mut named = candidates.iter().filter(|candidate| self.means(id(candidate)));
        let Some(found) = named.next() else {
            let mut error = Error::new(ErrorKind::InvalidTarget, format!("there is no migration {self}"));
            let nearest = candidates
                .iter()
                .min_by_key(|candidate| id(candidate).version.as_i64().abs_diff(self.version.as_i64()));
            if let Some(nearest) = nearest {
                error = error.next(format!("the nearest is {}; `migrate status` lists all", id(nearest)));
            }
            return Err(error);
        };
        if let Some(other) = named.next() {
            return Err(Error::new(
                ErrorKind::InvalidTarget,
                format!("the version {} is used in more than one group", self.version),
            )
            .next(format!(
                "name the group too, as {}:{} or {}:{}",
                id(found).group,
                self.version,
                id(other).group,
                self.version
            )));
        }
        Ok(found)
    }
}

impl From<Version> for MigrationRef {
    fn from(version: Version) -> MigrationRef {
        MigrationRef { group: None, version }
    }
}

impl From<MigrationId<'_>> for MigrationRef {
    fn from(id: MigrationId<'_>) -> MigrationRef {
        MigrationRef::in_group(id.group, id.version)
    }
}

impl FromStr for MigrationRef {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<MigrationRef, InvalidVersion> {
        match text.rsplit_once(':') {
            Some((group, version)) => Ok(MigrationRef::in_group(group, version.parse()?)),
            None => Ok(MigrationRef::from(text.parse::<Version>()?)),
        }
    }
}

impl fmt::Display for MigrationRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group {
            Some(group) if group != DEFAULT_GROUP => write!(f, "{group}:{}", self.version),
            Some(_) | None => write!(f, "{}", self.version),
        }
    }
}

/// The migrations that [`Runner::up`](crate::Runner::up) applies.
///
/// An interrupted migration is resumed before any of them.
///
/// ```
/// use migrate_core::{MigrationRef, Target};
///
/// let target = Target::To("2026_11_23_093000".parse::<MigrationRef>()?);
/// assert_ne!(target, Target::Next(1));
/// # Ok::<(), migrate_core::InvalidVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All pending migrations.
    Latest,
    /// All pending migrations up to and including this one. The program must have it linked.
    To(MigrationRef),
    /// The next pending migrations, as many as the number. It must be at least 1 and at most the number of pending
    /// migrations; if nothing is pending, any number from 1 is valid.
    Next(usize),
}

/// The migrations that [`Runner::rollback`](crate::Runner::rollback) rolls back, in the reverse order of their
/// application.
///
/// A rollback that was interrupted is finished before any of them.
///
/// ```
/// use migrate_core::{MigrationRef, Rollback};
///
/// let rollback = Rollback::To("2026_11_23_093000".parse::<MigrationRef>()?);
/// assert_ne!(rollback, Rollback::All);
/// # Ok::<(), migrate_core::InvalidVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollback {
    /// The batch with the highest number, normally what the last run applied. After an interrupted rollback it finishes
    /// that and rolls back nothing else.
    LastBatch,
    /// The last applied migrations, as many as the number. It must be at least 1 and at most the number of applied
    /// migrations; if nothing is applied, any number from 1 is valid. An interrupted rollback counts as one of them.
    Last(usize),
    /// All migrations that were applied after this one, which must be applied and stays applied.
    To(MigrationRef),
    /// All applied migrations.
    All,
}

/// Returns the statuses of the migrations that `up` applies, in order.
pub(crate) fn entries_to_apply<'a>(
    entries: &'a [MigrationStatus],
    registry: &Registry,
    target: &Target,
) -> Result<Vec<&'a MigrationStatus>, Error> {
    let pending = entries.iter().filter(|entry| entry.state.is_pending());
    match target {
        Target::Latest => Ok(pending.collect()),
        Target::Next(steps) => {
            check_steps(*steps, usize::MAX, "pending")?;
            let pending: Vec<&MigrationStatus> = pending.collect();
            // With nothing pending, any number is reached already.
            if !pending.is_empty() {
                check_steps(*steps, pending.len(), "pending")?;
            }
            Ok(pending.into_iter().take(*steps).collect())
        }
        Target::To(reference) => {
            let last = reference.find(entries, MigrationStatus::id)?.id();
            if registry.position(last).is_none() {
                return Err(Error::new(
                    ErrorKind::InvalidTarget,
                    format!("{last} is in the database but not in this program"),
                )
                .next("run the program that has it, or name a version that this one has"));
            }
            Ok(pending.filter(|entry| entry.id() <= last).collect())
        }
    }
}

/// Returns the rows of the migrations that `rollback` rolls back, newest first.
pub(crate) fn rows_to_roll_back<'a>(
    rows: &'a [AppliedMigration],
    rollback: &Rollback,
) -> Result<Vec<&'a AppliedMigration>, Error> {
    let keep = match rollback {
        Rollback::All => 0,
        Rollback::LastBatch => {
            let last = rows.iter().map(|row| row.batch).max();
            return Ok(rows.iter().rev().filter(|row| Some(row.batch) == last).collect());
        }
        Rollback::Last(steps) => {
            check_steps(*steps, usize::MAX, "applied")?;
            if !rows.is_empty() {
                check_steps(*steps, rows.len(), "applied")?;
            }
            rows.len().saturating_sub(*steps)
        }
        Rollback::To(reference) => {
            let stays = reference.find(rows, AppliedMigration::id).map_err(|error| {
                if rows.is_empty() {
                    return Error::new(
                        ErrorKind::InvalidTarget,
                        format!("{reference} is not applied; no migration is"),
                    );
                }
                error.next(format!(
                    "`--to` names an applied migration, the last one that stays; {reference} is not applied"
                ))
            })?;
            rows.iter()
                .position(|row| row.id() == stays.id())
                .map_or(0, |at| at + 1)
        }
    };
    Ok(rows.iter().skip(keep).rev().collect())
}

fn check_steps(steps: usize, there: usize, what: &str) -> Result<(), Error> {
    if steps == 0 {
        return Err(
            Error::new(ErrorKind::InvalidTarget, "the number of steps has to be 1 at least")
                .next("give a number from 1"),
        );
    }
    if steps > there {
        return Err(Error::new(
            ErrorKind::InvalidTarget,
            format!("{steps} steps are too many: {there} {what}"),
        )
        .next(format!("give a number up to {there}, or ask for all")));
    }
    Ok(())
}

/// Refuses a status that `up` must not ignore, unless the policy allows it.
pub(crate) fn check_before_up(entries: &[MigrationStatus], policy: Policy) -> Result<(), Error> {
    let of = |state: MigrationState| entries.iter().filter(move |entry| entry.state == state);
    if !policy.allow_missing && of(MigrationState::Missing).next().is_some() {
        let mut error = Error::new(
            ErrorKind::Missing,
            "the database has migrations that this program does not",
        );
        for entry in of(MigrationState::Missing) {
            error = error.diagnostic(None, format!("{entry} was applied, and is not linked"));
        }
        return Err(error
            .nothing_changed()
            .next("bring the deleted migration back, or merge the branch that has it")
            .next("or go on without it: `migrate up --allow-missing`"));
    }
    if !policy.allow_changed && of(MigrationState::Changed).next().is_some() {
        let mut error = Error::new(
            ErrorKind::Changed,
            "migrations were changed after they had been applied",
        );
        for entry in of(MigrationState::Changed) {
            error = error.diagnostic(
                entry.migration.map(|migration| migration.location()),
                format!("{entry} records other steps than it did when it was applied"),
            );
        }
        let first = of(MigrationState::Changed)
            .next()
            .map(|entry| entry.id().to_string())
            .unwrap_or_default();
        return Err(error
            .nothing_changed()
            .next("take the edit back and write a new migration for what is to be different")
            .next(format!(
                "or, if the database is right as it is, accept the edit: `migrate accept {first}`"
            ))
            .next("or go on this once: `migrate up --allow-changed`"));
    }
    if policy.strict_order && of(MigrationState::OutOfOrder).next().is_some() {
        let mut error = Error::new(
            ErrorKind::OutOfOrder,
            "pending migrations are older than applied ones, and strict order was asked for",
        );
        for entry in of(MigrationState::OutOfOrder) {
            error = error.diagnostic(
                entry.migration.map(|migration| migration.location()),
                format!("{entry} is pending"),
            );
        }
        return Err(error
            .nothing_changed()
            .next("give them versions above the newest applied one, or run without `--strict-order`"));
    }
    Ok(())
}

/// The states of history that a run ignores or refuses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) allow_missing: bool,
    pub(crate) allow_changed: bool,
    pub(crate) strict_order: bool,
}
