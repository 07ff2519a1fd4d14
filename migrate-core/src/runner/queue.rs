//! Reading history, and planning a whole run before any of it executes.

use std::rc::Rc;

use super::{Request, Runner};
use crate::driver::DriverErrorKind;
use crate::error::{Diagnostic, Error, ErrorKind};
use crate::history::table::COLUMNS;
use crate::history::{AppliedMigration, BadRows, History, Phase};
use crate::migration::{Direction, Migration, MigrationId};
use crate::plan::PlannedMigration;
use crate::plan::planner::{Planner, all_or_diagnostics};
use crate::schema::{self, SessionEffect};
use crate::state::LiveSchema;
use crate::target::{MigrationRef, Rollback, Target, check_before_up, entries_to_apply, rows_to_roll_back};

impl Runner<'_> {
    /// Reads history; `None` if its table does not exist.
    pub(super) fn read_history(&mut self) -> Result<Option<History>, Error> {
        match self.session.history(&self.table) {
            Ok(None) => {
                self.history_version_read = None;
                self.settle_dialect(None)?;
                Ok(None)
            }
            Ok(Some(stored)) => {
                self.settle_dialect(stored.version)?;
                self.history_version_read = stored.history_version;
                match History::from_stored(stored.rows) {
                    Ok(history) => Ok(Some(history)),
                    Err(bad) => Err(self.bad_rows(bad)),
                }
            }
            Err(error) if matches!(error.kind, DriverErrorKind::Locked | DriverErrorKind::Denied) => {
                Err(self.database_error("history could not be read", error))
            }
            Err(error) => {
                let there = self.session.columns(&self.table).unwrap_or_default();
                let lacks: Vec<&str> = COLUMNS
                    .into_iter()
                    .filter(|column| !there.iter().any(|name| name == column))
                    .collect();
                if there.is_empty() {
                    return Err(self.database_error("history could not be read", error));
                }
                let table = self.table.name();
                if lacks.is_empty() {
                    return Err(Error::new(
                        ErrorKind::History,
                        format!("the table {table} cannot be read as history"),
                    )
                    .with_cause(error)
                    .nothing_changed()
                    .next(format!("if {table} was edited by hand, take the edit back")));
                }
                if lacks.len() < COLUMNS.len() / 2 {
                    let create = self.table.create();
                    let column = |name: &&str| create.lines().map(str::trim).find(|line| line.starts_with(*name));
                    let columns: Vec<&str> = lacks
                        .iter()
                        .filter_map(column)
                        .map(|line| line.trim_end_matches(','))
                        .collect();
                    return Err(Error::new(
                        ErrorKind::History,
                        format!("the table {table} lacks columns of history: {}", lacks.join(", ")),
                    )
                    .nothing_changed()
                    .next(format!(
                        "it was made by another version of this tool, or edited by hand: put them back, `{}`",
                        columns.join("`, `")
                    )));
                }
                Err(Error::new(
                    ErrorKind::History,
                    format!("the table {table} is not a history table of this tool"),
                )
                .diagnostic(None, format!("it has no column {}", lacks.join(", ")))
                .nothing_changed()
                .next("give history another name: `--history-table NAME`, or `Runner::history_table`"))
            }
        }
    }

    fn bad_rows(&self, bad: BadRows) -> Error {
        let table = self.table.name();
        match bad {
            BadRows::Newer { format, tool_version } => Error::new(
                ErrorKind::History,
                format!(
                    "the table {table} was written by a newer version of this tool, {tool_version} (format {format})"
                ),
            )
            .nothing_changed()
            .next(format!("use version {tool_version} or a newer one")),
            BadRows::Edited(rows) => {
                let mut error = Error::new(
                    ErrorKind::History,
                    format!("the table {table} holds rows that this tool did not write"),
                );
                for row in rows {
                    error = error.diagnostic(None, row);
                }
                error
                    .nothing_changed()
                    .next(format!("if {table} was edited by hand, take the edit back"))
            }
        }
    }

    /// Plans a run. Reads the live schema only if planning needs it.
    pub(super) fn queue(&mut self, history: &History, request: &Request) -> Result<Vec<PlannedMigration>, Error> {
        self.with_input(|runner, input| runner.queue_seeing(input, history, request))
    }

    /// Checks that all migrations can be applied to an empty database.
    pub(super) fn check_on_nothing(&self) -> Result<(), Error> {
        let mut nothing = PlanningInput {
            live: Some(Rc::default()),
            needs_introspection: false,
        };
        self.queue_seeing(&mut nothing, &History::default(), &Request::Up(Target::Latest))
            .map(drop)
    }

    /// Plans, and plans again with the live schema if that gives a more precise plan.
    fn with_input<T>(&mut self, plan: impl Fn(&Self, &mut PlanningInput) -> Result<T, Error>) -> Result<T, Error> {
        let mut input = PlanningInput::default();
        let planned = plan(self, &mut input);
        if !input.needs_introspection {
            return planned;
        }
        input.live = Some(self.live()?);
        plan(self, &mut input)
    }

    fn queue_seeing(
        &self,
        input: &mut PlanningInput,
        history: &History,
        request: &Request,
    ) -> Result<Vec<PlannedMigration>, Error> {
        match request {
            Request::Up(target) => self.queue_up(input, history, target),
            Request::Down(rollback) => self.queue_down(input, history, rollback),
            Request::These(direction, references) => self.queue_these(input, history, *direction, references),
        }
    }

    /// Plans the listed migrations that are still to be done.
    fn queue_these(
        &self,
        input: &mut PlanningInput,
        history: &History,
        direction: Direction,
        references: &[MigrationRef],
    ) -> Result<Vec<PlannedMigration>, Error> {
        let is_meant = |id: MigrationId<'_>| references.contains(&id.into());
        let migrations: Vec<&Migration> = match direction {
            Direction::Up => self
                .registry
                .iter()
                .filter(|migration| is_meant(migration.id()) && history.find(migration.id()).is_none())
                .collect(),
            Direction::Down => {
                let rows = history
                    .linked_rows(&self.registry)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev();
                let rows = rows.filter(|row| is_meant(row.id()) && row.phase == Phase::Applied);
                self.migrations_of(rows)?
            }
        };
        if migrations.is_empty() && history.interrupted(&self.registry).is_none() {
            return Ok(Vec::new());
        }
        input.plan(self.planner(history), |planner| {
            let mut queue: Vec<PlannedMigration> = Vec::new();
            queue.extend(self.continued(history, planner, direction)?);
            queue.extend(self.plan_all(planner, migrations, direction)?);
            Ok(queue)
        })
    }

    /// Checks that the migrations can be rolled back, newest first, and applied again.
    pub(super) fn check_redo(&mut self, history: &History, migrations: &[Migration]) -> Result<(), Error> {
        self.with_input(|runner, input| {
            input.plan(runner.planner(history), |planner| {
                if history.interrupted(&runner.registry).is_some() {
                    // The remaining steps are planned after the interrupted migration is finished.
                    return Ok(());
                }
                runner.plan_all(planner, migrations, Direction::Down)?;
                runner.plan_all(planner, migrations.iter().rev(), Direction::Up)?;
                Ok(())
            })
        })
    }

    /// Plans `up`.
    fn queue_up(
        &self,
        input: &mut PlanningInput,
        history: &History,
        target: &Target,
    ) -> Result<Vec<PlannedMigration>, Error> {
        let entries = history.compare(&self.registry, &self.checksums);
        let is_interrupted = history.interrupted(&self.registry).is_some();
        let check = || check_before_up(&entries, self.policy);
        if !is_interrupted {
            check()?;
        }
        let pending = entries_to_apply(&entries, &self.registry, target)?;
        // Replaying history is necessary only if there is something to add to it.
        if pending.is_empty() && !is_interrupted {
            return Ok(Vec::new());
        }
        input.plan(self.planner(history), |planner| {
            let mut queue: Vec<PlannedMigration> = Vec::new();
            queue.extend(self.continued(history, planner, Direction::Up)?);
            check()?;
            let pending = pending.iter().filter_map(|entry| entry.migration.as_ref());
            queue.extend(self.plan_all(planner, pending, Direction::Up)?);
            Ok(queue)
        })
    }

    /// Plans `rollback`.
    fn queue_down(
        &self,
        input: &mut PlanningInput,
        history: &History,
        rollback: &Rollback,
    ) -> Result<Vec<PlannedMigration>, Error> {
        input.plan(self.planner(history), |planner| {
            let interrupted = self.continued(history, planner, Direction::Down)?;
            let mut queue: Vec<PlannedMigration> = interrupted.into_iter().collect();
            if !queue.is_empty() && *rollback == Rollback::LastBatch {
                // The interrupted rollback is finished, and no other begins.
                return Ok(queue);
            }
            let migrations = self.to_roll_back(history, rollback)?;
            queue.extend(self.plan_all(planner, migrations, Direction::Down)?);
            Ok(queue)
        })
    }

    /// Returns the migrations to roll back, newest first.
    fn to_roll_back(&self, history: &History, rollback: &Rollback) -> Result<Vec<&Migration>, Error> {
        let rows: Vec<AppliedMigration> = history.linked_rows(&self.registry).cloned().collect();
        let rows = rows_to_roll_back(&rows, rollback)?;
        self.migrations_of(rows.into_iter().filter(|row| row.phase == Phase::Applied))
    }

    /// Returns the migrations of rows, which must be linked and unchanged.
    fn migrations_of<'r>(&self, rows: impl Iterator<Item = &'r AppliedMigration>) -> Result<Vec<&Migration>, Error> {
        let mut migrations = Vec::new();
        let mut refused = Vec::new();
        let (mut is_missing, mut is_changed) = (false, false);
        for row in rows {
            match self.registry.get(row.id()) {
                None => {
                    is_missing = true;
                    refused.push(format!(
                        "{row} is not linked into this program (applied by version {} of this tool{})",
                        row.tool_version,
                        if row.applied_by.is_empty() {
                            String::new()
                        } else {
                            format!(", by {}", row.applied_by)
                        },
                    ));
                }
                Some(_) if !self.policy.allow_changed && self.is_changed(row) => {
                    is_changed = true;
                    refused.push(format!(
                        "{row} was changed after it had been applied, so its way back may not fit"
                    ));
                }
                Some(migration) => migrations.push(migration),
            }
        }
        if !refused.is_empty() {
            let mut error = Error::new(
                ErrorKind::Missing,
                "not all of these migrations can be rolled back from here",
            );
            for reason in refused {
                error = error.diagnostic(None, reason);
            }
            error = error.nothing_changed();
            if is_missing {
                error = error
                    .next("bring the migration back: its file, and the `mod` line that names it")
                    .next("or roll back with the program that applied it");
            }
            if is_changed {
                error = error
                    .next("take the edit of a changed one back, or accept it: `migrate accept VERSION`")
                    .next("or go on this once: `--allow-changed`");
            }
            return Err(error);
        }
        Ok(migrations)
    }

    pub(super) fn is_changed(&self, row: &AppliedMigration) -> bool {
        let position = self.registry.position(row.id());
        position.is_some_and(|at| schema::differ(&row.checksum, self.checksums.at(at)))
    }

    /// Plans the interrupted migration from its checkpoint. No other migration may run before it.
    fn continued(
        &self,
        history: &History,
        planner: &mut Planner,
        direction: Direction,
    ) -> Result<Option<PlannedMigration>, Error> {
        let Some(row) = history.interrupted(&self.registry) else {
            return Ok(None);
        };
        let (doing, way, finish) = match row.phase {
            Phase::Reverting => ("rolling back", Direction::Down, "migrate rollback -n 1"),
            Phase::Applying | Phase::Applied => ("applying", Direction::Up, "migrate up"),
        };
        let error = Error::new(
            ErrorKind::Interrupted,
            format!("{doing} {row} was cut off after step {}", row.progress),
        )
        .state("nothing was changed now");
        let Some(migration) = self.registry.get(row.id()) else {
            return Err(error.next("finish it with the program that began it: this one does not have it"));
        };
        if let Some(run) = &row.claim {
            return Err(error
                .diagnostic(
                    None,
                    format!("the run {run} ({}) is at work on it, or was killed", row.applied_by),
                )
                .next(format!("`{finish}` waits for that run, or goes on where it stopped")));
        }
        if row.in_flight.is_some() {
            let (next, done) = (row.progress + 1, row.progress);
            return Err(error
                .diagnostic(
                    None,
                    format!(
                        "the run that did it is gone, and nothing here can tell whether step {next} had happened by then"
                    ),
                )
                .next(format!(
                    "look whether it has: `migrate resolve {id} --done {next}` says that it has, `migrate resolve {id} --done \
                     {done}` that it has not; then `{finish}`",
                    id = row.id(),
                )));
        }
        if way != direction {
            return Err(error.next(format!("finish it with `{finish}`")).next(format!(
                "or say what has happened of it: `migrate resolve {} --done COUNT`",
                row.id()
            )));
        }
        let mut planned = plan_one(planner, migration, way).map_err(Error::of_diagnostics)?;
        planned.done = row.progress;
        let on_the_way = planned.checksums.get(row.progress);
        let was_changed = match way {
            Direction::Up => on_the_way.is_none_or(|now| *now != row.checksum),
            Direction::Down => !self.policy.allow_changed && self.is_changed(row),
        };
        let mut done = planned.steps.iter().take(planned.done).enumerate();
        if let Some((index, step)) = done.find(|(_, step)| step.session_effect() == SessionEffect::Lost) {
            let id = row.id();
            return Err(error
                .diagnostic(
                    Some(step.location),
                    format!("what step {} has left in its session is gone with that: {}", index + 1, step.label()),
                )
                .next(format!(
                    "`migrate resolve {id} --done {index}` has that step run again, and all after it: undo first by hand what \
                     those have done"
                ))
                .next(format!(
                    "or do the rest by hand, and then `migrate resolve {id} --done {}`",
                    planned.steps.len()
                )));
        }
        if planned.done > planned.steps.len() || was_changed {
            return Err(error
                .diagnostic(
                    Some(migration.location()),
                    format!(
                        "its steps were changed since, and {} of them have happened",
                        row.progress
                    ),
                )
                .next("take that edit back; on the way there, what comes after those steps may be changed")
                .next(format!(
                    "or say what has happened of it as it is now: `migrate resolve {} --done COUNT`",
                    row.id()
                )));
        }
        Ok(Some(planned))
    }

    /// Plans all migrations, or returns every diagnostic.
    fn plan_all<'m>(
        &self,
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
}

/// The part of the database that planning can see.
#[derive(Default)]
struct PlanningInput {
    live: Option<Rc<LiveSchema>>,
    /// Planning would be more precise with the live schema.
    needs_introspection: bool,
}

impl PlanningInput {
    fn plan<T>(&mut self, mut planner: Planner, plan: impl FnOnce(&mut Planner) -> T) -> T {
        if let Some(live) = &self.live {
            planner.set_live(live);
        }
        let planned = plan(&mut planner);
        self.needs_introspection = planner.needs_introspection();
        planned
    }
}

pub(super) fn plan_one(
    planner: &mut Planner,
    migration: &Migration,
    direction: Direction,
) -> Result<PlannedMigration, Vec<Diagnostic>> {
    match direction {
        Direction::Up => planner.up(migration),
        Direction::Down => planner.down(migration),
    }
}
