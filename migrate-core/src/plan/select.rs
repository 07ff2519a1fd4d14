//! The migrations that a request means, in the order in which they run, each planned. Pure.

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::{History, HistoryRow, Phase, is_changed, owner};
use crate::migration::{Direction, Migration, MigrationId};
use crate::plan::planner::{Planner, all_or_diagnostics};
use crate::plan::{PlannedMigration, resume};
use crate::registry::Registry;
use crate::target::{MigrationRef, Policy, Rollback, Target, check_before_up, entries_to_apply, rows_to_roll_back};

/// The request that a run serves.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Up(Target),
    Down(Rollback),
    /// The listed migrations that are still to be applied or rolled back.
    These(Direction, Vec<MigrationRef>),
}

impl Request {
    pub(crate) fn direction(&self) -> Direction {
        match self {
            Request::Up(_) => Direction::Up,
            Request::Down(_) => Direction::Down,
            Request::These(direction, _) => *direction,
        }
    }
}

/// The linked migrations and the history that a request selects from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) history: &'a History,
    pub(crate) dialect: Dialect,
    pub(crate) policy: Policy,
}

impl<'a> Sources<'a> {
    /// Plans a request. `planner` returns a planner with the schema state that history leads to; it is called only if
    /// there is something to plan.
    pub(crate) fn plan(self, request: &Request, planner: impl FnOnce() -> Planner) -> Planned<Vec<PlannedMigration>> {
        if !self.policy.allow_missing
            && let Err(error) = owner::check(self.history, self.registry)
        {
            return Planned::without_planner(Err(error));
        }
        match request {
            Request::Up(target) => self.up(target, planner),
            Request::Down(rollback) => self.down(rollback, planner),
            Request::These(direction, references) => self.these(*direction, references, planner),
        }
    }

    /// Checks that the migrations can be rolled back, newest first, and applied again.
    pub(crate) fn check_redo(self, migrations: &[Migration], planner: impl FnOnce() -> Planner) -> Planned<()> {
        Planned::with(planner(), |planner| {
            if self.history.interrupted(self.registry).is_some() {
                // The remaining steps are planned after the interrupted migration is finished.
                return Ok(());
            }
            plan_all(planner, migrations, Direction::Down)?;
            plan_all(planner, migrations.iter().rev(), Direction::Up)?;
            Ok(())
        })
    }

    /// Returns true if the steps of an applied migration have changed.
    pub(crate) fn is_changed(self, row: &HistoryRow) -> bool {
        let migration = self.registry.get(row.id());
        migration.is_some_and(|migration| is_changed(row, migration, self.dialect))
    }

    fn up(self, target: &Target, planner: impl FnOnce() -> Planner) -> Planned<Vec<PlannedMigration>> {
        let entries = self.history.compare(self.registry, self.dialect);
        let is_interrupted = self.history.interrupted(self.registry).is_some();
        let check = || check_before_up(&entries, self.policy);
        let checked = if is_interrupted { Ok(()) } else { check() };
        let pending = match checked.and_then(|()| entries_to_apply(&entries, self.registry, target)) {
            Ok(pending) => pending,
            Err(error) => return Planned::without_planner(Err(error)),
        };
        // Replaying history is necessary only if there is something to add to it.
        if pending.is_empty() && !is_interrupted {
            return Planned::without_planner(Ok(Vec::new()));
        }
        Planned::with(planner(), |planner| {
            let mut queue: Vec<PlannedMigration> = Vec::new();
            queue.extend(resume::interrupted(self, planner, Direction::Up)?);
            check()?;
            let pending = pending.iter().filter_map(|entry| entry.migration);
            queue.extend(plan_all(planner, pending, Direction::Up)?);
            Ok(queue)
        })
    }

    fn down(self, rollback: &Rollback, planner: impl FnOnce() -> Planner) -> Planned<Vec<PlannedMigration>> {
        Planned::with(planner(), |planner| {
            let interrupted = resume::interrupted(self, planner, Direction::Down)?;
            let mut queue: Vec<PlannedMigration> = interrupted.into_iter().collect();
            if !queue.is_empty() && *rollback == Rollback::LastBatch {
                // The interrupted rollback is finished, and no other begins.
                return Ok(queue);
            }
            let migrations = self.to_roll_back(rollback)?;
            queue.extend(plan_all(planner, migrations, Direction::Down)?);
            Ok(queue)
        })
    }

    /// Plans the listed migrations that are still to be done.
    fn these(
        self,
        direction: Direction,
        references: &[MigrationRef],
        planner: impl FnOnce() -> Planner,
    ) -> Planned<Vec<PlannedMigration>> {
        let migrations = match self.still_to_do(direction, references) {
            Ok(migrations) => migrations,
            Err(error) => return Planned::without_planner(Err(error)),
        };
        if migrations.is_empty() && self.history.interrupted(self.registry).is_none() {
            return Planned::without_planner(Ok(Vec::new()));
        }
        Planned::with(planner(), |planner| {
            let mut queue: Vec<PlannedMigration> = Vec::new();
            queue.extend(resume::interrupted(self, planner, direction)?);
            queue.extend(plan_all(planner, migrations, direction)?);
            Ok(queue)
        })
    }

    fn still_to_do(self, direction: Direction, references: &[MigrationRef]) -> Result<Vec<&'a Migration>, Error> {
        let is_meant = |id: MigrationId<'_>| references.contains(&id.into());
        match direction {
            Direction::Up => Ok(self
                .registry
                .iter()
                .filter(|migration| is_meant(migration.id()) && self.history.find(migration.id()).is_none())
                .collect()),
            Direction::Down => {
                let rows: Vec<&HistoryRow> = self.history.linked_rows(self.registry).collect();
                let rows = rows.into_iter().rev();
                self.linked_and_unchanged(rows.filter(|row| is_meant(row.id()) && row.phase == Phase::Applied))
            }
        }
    }

    /// Returns the migrations to roll back, newest first.
    fn to_roll_back(self, rollback: &Rollback) -> Result<Vec<&'a Migration>, Error> {
        let rows: Vec<HistoryRow> = self.history.linked_rows(self.registry).cloned().collect();
        let rows = rows_to_roll_back(&rows, rollback)?;
        self.linked_and_unchanged(rows.into_iter().filter(|row| row.phase == Phase::Applied))
    }

    /// Returns the migrations of rows, which must be linked and unchanged.
    fn linked_and_unchanged<'r>(self, rows: impl Iterator<Item = &'r HistoryRow>) -> Result<Vec<&'a Migration>, Error> {
        let mut migrations = Vec::new();
        let mut refused = Vec::new();
        let mut is_missing = false;
        let mut changed = None;
        for row in rows {
            match self.registry.get(row.id()) {
                None => {
                    is_missing = true;
                    let by = match row.applied_by() {
                        "" => String::new(),
                        who => format!(" by {who}"),
                    };
                    let tool_version = row.details.as_ref().map_or("", |details| &details.tool_version);
                    refused.push((
                        None,
                        format!(
                            "migration {row} is not linked into this program (applied{by} with version {tool_version} of this tool)"
                        ),
                    ));
                }
                Some(migration) if !self.policy.allow_changed && self.is_changed(row) => {
                    changed.get_or_insert(row.id());
                    refused.push((
                        Some(migration.location()),
                        format!("migration {row} has changed since it was applied, so its rollback may not fit"),
                    ));
                }
                Some(migration) => migrations.push(migration),
            }
        }
        if refused.is_empty() {
            return Ok(migrations);
        }
        let mut error = Error::new(
            Code::ROLLBACK_REFUSED,
            "this program cannot roll back all of these migrations",
        );
        for (location, reason) in refused {
            error = error.finding(location, reason);
        }
        error = error.nothing_changed();
        if is_missing {
            error = error.help(
                "restore the file of the migration and its `mod` line, or roll back with the program that applied it",
            );
        }
        if let Some(id) = changed {
            error = error.help(
                Help::new("revert the edit, accept it with ")
                    .advice(Advice::Accept {
                        migration: id.to_string(),
                    })
                    .text(", or ignore it once with ")
                    .advice(Advice::AllowChanged),
            );
        }
        Err(error)
    }
}

/// The result of planning.
pub(crate) struct Planned<T> {
    pub(crate) result: Result<T, Error>,
    /// The plan would be more precise with the live schema.
    pub(crate) needs_introspection: bool,
}

impl<T> Planned<T> {
    fn with(mut planner: Planner, plan: impl FnOnce(&mut Planner) -> Result<T, Error>) -> Planned<T> {
        let result = plan(&mut planner);
        Planned {
            result,
            needs_introspection: planner.needs_introspection(),
        }
    }

    fn without_planner(result: Result<T, Error>) -> Planned<T> {
        Planned {
            result,
            needs_introspection: false,
        }
    }
}

/// Plans all migrations, or returns every diagnostic.
fn plan_all<'m>(
    planner: &mut Planner,
    migrations: impl IntoIterator<Item = &'m Migration>,
    direction: Direction,
) -> Result<Vec<PlannedMigration>, Error> {
    all_or_diagnostics(
        migrations
            .into_iter()
            .map(|migration| plan_one(planner, migration, direction)),
    )
}

/// Plans one migration in a direction.
pub(crate) fn plan_one(
    planner: &mut Planner,
    migration: &Migration,
    direction: Direction,
) -> Result<PlannedMigration, Vec<Diagnostic>> {
    match direction {
        Direction::Up => planner.up(migration),
        Direction::Down => planner.down(migration),
    }
}
