//! Targets of `up` and `rollback`, and the migrations that a target selects. Pure.
//!
//! A target that does not exist is an error, never a run that silently does nothing.

use std::fmt;
use std::str::FromStr;

use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::{ComparedMigration, HistoryRow, MigrationState};
use crate::migration::{DEFAULT_GROUP, Migration, MigrationId};
use crate::registry::Registry;
use crate::version::{InvalidVersion, Version};

/// A reference to a migration, as users write it: a version, or `group:version` if several groups use that version.
///
/// The methods that take a reference fail with [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if it matches no migration or several.
///
/// ```
/// use migrate_core::MigrationRef;
///
/// let reference: MigrationRef = "jobs:3".parse()?;
/// assert_eq!(reference.to_string(), "jobs:3");
///
/// let reference: MigrationRef = "2026_11_23_093000".parse()?;
/// assert_eq!(reference.to_string(), "20261123093000");
/// # Ok::<(), migrate_core::error::InvalidVersion>(())
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

    /// Returns the one candidate that the reference matches. A version alone is one of the default group, as IDs are
    /// printed, and else one of any group.
    pub(crate) fn find<'a, T>(&self, candidates: &'a [T], id: impl Fn(&T) -> MigrationId<'_>) -> Result<&'a T, Error> {
        let is_of_default = |candidate: &&T| self.means(id(candidate)) && id(candidate).group == DEFAULT_GROUP;
        if let Some(found) = candidates.iter().find(is_of_default).filter(|_| self.group.is_none()) {
            return Ok(found);
        }
        let mut named = candidates.iter().filter(|candidate| self.means(id(candidate)));
        let Some(found) = named.next() else {
            let mut error = Error::new(Code::UNKNOWN_MIGRATION, format!("migration {self} does not exist"));
            let nearest = candidates
                .iter()
                .min_by_key(|candidate| id(candidate).version.as_i64().abs_diff(self.version.as_i64()));
            if let Some(nearest) = nearest {
                error = error.help(
                    Help::new(format!("did you mean {}? ", id(nearest)))
                        .advice(Advice::Status)
                        .text(" lists all migrations"),
                );
            }
            return Err(error);
        };
        if let Some(other) = named.next() {
            return Err(Error::new(
                Code::AMBIGUOUS_VERSION,
                format!("version {} exists in several groups", self.version),
            )
            .help(format!(
                "name the group: {}:{} or {}:{}",
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
/// `up` resumes an interrupted migration before these.
///
/// ```
/// use migrate_core::{MigrationRef, Target};
///
/// let target = Target::To("2026_11_23_093000".parse::<MigrationRef>()?);
/// assert_ne!(target, Target::Next(1));
/// # Ok::<(), migrate_core::error::InvalidVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All pending migrations.
    Latest,
    /// All pending migrations up to and including this one, which must be linked into the program.
    To(MigrationRef),
    /// The next N pending migrations. N must be at least 1 and at most the number of pending migrations. If nothing is
    /// pending, any N from 1 is valid.
    Next(usize),
}

/// The migrations that [`Runner::rollback`](crate::Runner::rollback) rolls back, in the reverse order of their
/// application.
///
/// `rollback` finishes an interrupted rollback before these.
///
/// ```
/// use migrate_core::{MigrationRef, Rollback};
///
/// let rollback = Rollback::To("2026_11_23_093000".parse::<MigrationRef>()?);
/// assert_ne!(rollback, Rollback::All);
/// # Ok::<(), migrate_core::error::InvalidVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollback {
    /// The batch with the highest number: normally, the migrations of the last run. If a rollback was interrupted, this
    /// finishes it and rolls back nothing else.
    LastBatch,
    /// The last N applied migrations. N must be at least 1 and at most the number of applied migrations. If nothing is
    /// applied, any N from 1 is valid. The migration of an interrupted rollback counts as one of them.
    Last(usize),
    /// All migrations that were applied after this one. This one must be applied, and stays applied.
    To(MigrationRef),
    /// All applied migrations.
    All,
}

/// Returns the migrations that `up` applies, in order.
pub(crate) fn entries_to_apply<'a, 'h>(
    entries: &'a [ComparedMigration<'h>],
    registry: &Registry,
    target: &Target,
) -> Result<Vec<&'a ComparedMigration<'h>>, Error> {
    let pending = entries.iter().filter(|entry| entry.state.is_pending());
    match target {
        Target::Latest => Ok(pending.collect()),
        Target::Next(number) => {
            check_number(*number, usize::MAX, "apply", "pending")?;
            let pending: Vec<&ComparedMigration<'_>> = pending.collect();
            // With nothing pending, any number is reached already.
            if !pending.is_empty() {
                check_number(*number, pending.len(), "apply", "pending")?;
            }
            Ok(pending.into_iter().take(*number).collect())
        }
        Target::To(reference) => {
            let last = reference.find(entries, |entry| entry.id)?.id;
            if registry.position(last).is_none() {
                return Err(Error::new(
                    Code::UNKNOWN_MIGRATION,
                    format!("migration {last} is in the database but not in this program"),
                )
                .help("run the program that contains it, or name a version that this program contains"));
            }
            Ok(pending.filter(|entry| entry.id <= last).collect())
        }
    }
}

/// Returns the rows of the migrations that `rollback` rolls back, newest first.
pub(crate) fn rows_to_roll_back<'a>(rows: &'a [HistoryRow], rollback: &Rollback) -> Result<Vec<&'a HistoryRow>, Error> {
    let keep = match rollback {
        Rollback::All => 0,
        Rollback::LastBatch => {
            let last = rows.iter().map(|row| row.batch).max();
            return Ok(rows.iter().rev().filter(|row| Some(row.batch) == last).collect());
        }
        Rollback::Last(number) => {
            check_number(*number, usize::MAX, "roll back", "applied")?;
            if !rows.is_empty() {
                check_number(*number, rows.len(), "roll back", "applied")?;
            }
            rows.len().saturating_sub(*number)
        }
        Rollback::To(reference) => {
            let stays = reference.find(rows, HistoryRow::id).map_err(|error| {
                if error.code() != Code::UNKNOWN_MIGRATION {
                    return error;
                }
                let error = Error::new(Code::UNKNOWN_MIGRATION, format!("migration {reference} is not applied"));
                match rows.is_empty() {
                    true => error.state("no migration is applied"),
                    false => error.help(
                        Help::new("name the last migration that must stay applied; ")
                            .advice(Advice::Status)
                            .text(" lists all migrations"),
                    ),
                }
            })?;
            rows.iter()
                .position(|row| row.id() == stays.id())
                .map_or(0, |at| at + 1)
        }
    };
    Ok(rows.iter().skip(keep).rev().collect())
}

fn check_number(number: usize, there: usize, verb: &str, state: &str) -> Result<(), Error> {
    if number == 0 {
        return Err(
            Error::new(Code::INVALID_COUNT, "the number must be at least 1").help("use 1 for a single migration")
        );
    }
    if number > there {
        let are = match there {
            1 => "is",
            _ => "are",
        };
        return Err(Error::new(
            Code::INVALID_COUNT,
            format!("cannot {verb} {number} migrations: only {there} {are} {state}"),
        )
        .help(format!("use a number up to {there}, or choose all migrations")));
    }
    Ok(())
}

/// Refuses a status that `up` must not ignore, unless the policy allows it.
pub(crate) fn check_before_up(entries: &[ComparedMigration<'_>], policy: Policy) -> Result<(), Error> {
    let of = |state: MigrationState| entries.iter().filter(move |entry| entry.state == state);
    if !policy.allow_missing && of(MigrationState::Missing).next().is_some() {
        let mut error = Error::new(
            Code::MISSING_MIGRATION,
            "applied migrations are missing from this program",
        );
        for entry in of(MigrationState::Missing) {
            error = error.finding(None, format!("migration {entry} is applied but not linked"));
        }
        return Err(error
            .nothing_changed()
            .help("restore the deleted migration, or merge the branch that contains it")
            .help(Help::new("to continue without it, use ").advice(Advice::AllowMissing)));
    }
    if !policy.allow_changed && of(MigrationState::Changed).next().is_some() {
        let mut error = Error::new(
            Code::CHANGED_MIGRATION,
            "migrations have changed since they were applied",
        );
        for entry in of(MigrationState::Changed) {
            error = error.finding(
                entry.migration.map(|migration| migration.location()),
                format!("the steps of migration {entry} differ from the steps that were applied"),
            );
        }
        let first = of(MigrationState::Changed)
            .next()
            .map(|entry| entry.id.to_string())
            .unwrap_or_default();
        return Err(error
            .nothing_changed()
            .help("revert the edit, and write a new migration for the change")
            .help(
                Help::new("if the database is right as it is, accept the edit with ")
                    .advice(Advice::Accept { migration: first })
                    .text(", or ignore it once with ")
                    .advice(Advice::AllowChanged),
            ));
    }
    if policy.strict_order && of(MigrationState::OutOfOrder).next().is_some() {
        let mut error = Error::new(Code::OUT_OF_ORDER, "pending migrations are older than applied ones");
        for entry in of(MigrationState::OutOfOrder) {
            error = error.finding(
                entry.migration.map(|migration| migration.location()),
                format!("migration {entry} is pending"),
            );
        }
        return Err(error
            .nothing_changed()
            .help("give them versions above the newest applied version")
            .help(Help::new("to apply them out of order, turn off ").advice(Advice::StrictOrder)));
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
