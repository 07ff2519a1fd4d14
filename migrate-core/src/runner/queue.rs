//! Reading history, and planning a whole run before any of it executes.

use std::rc::Rc;

use super::diagnose::after_steps;
use super::{Request, Runner, advice};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::driver::DriverErrorKind;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::table::COLUMNS;
use crate::history::{AppliedMigration, BadRows, History, Phase};
use crate::migration::{Direction, Migration, MigrationId};
use crate::plan::PlannedMigration;
use crate::plan::planner::{Planner, all_or_diagnostics};
use crate::schema::{self, SessionEffect};
use crate::state::LiveSchema;
use crate::target::{MigrationRef, Rollback, Target, check_before_up, entries_to_apply, rows_to_roll_back};

/// The fix for a history table that this tool did not write.
const REVERT_EDIT: &str = "if the history table was edited by hand, revert the edit";

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
                Err(self.database_error("history cannot be read", error))
            }
            Err(error) => {
                let there = self.session.columns(&self.table).unwrap_or_default();
                let lacks: Vec<&str> = COLUMNS
                    .into_iter()
                    .filter(|column| !there.iter().any(|name| name == column))
                    .collect();
                if there.is_empty() {
                    return Err(self.database_error("history cannot be read", error));
                }
                let table = self.table.name();
                if lacks.is_empty() {
                    return Err(Error::new(
                        Code::INVALID_HISTORY,
                        format!("the history table {table} cannot be read"),
                    )
                    .with_cause(error)
                    .nothing_changed()
                    .help(REVERT_EDIT));
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
                        Code::INVALID_HISTORY,
                        format!("the history table {table} lacks the columns {}", lacks.join(", ")),
                    )
                    .nothing_changed()
                    .help(format!("add the columns: `{}`", columns.join("`, `"))));
                }
                Err(Error::new(
                    Code::INVALID_HISTORY,
                    format!("the table {table} is not a history table"),
                )
                .finding(None, format!("it lacks the columns {}", lacks.join(", ")))
                .nothing_changed()
                .help(Help::new("choose another name for the history table with ").advice(Advice::HistoryTable)))
            }
        }
    }

    fn bad_rows(&self, bad: BadRows) -> Error {
        let table = self.table.name();
        match bad {
            BadRows::Newer { format, tool_version } => Error::new(
                Code::NEWER_HISTORY,
                format!("the history table {table} has the newer format {format}"),
            )
            .nothing_changed()
            .help(format!("use version {tool_version} of this tool or a newer one")),
            BadRows::Edited(rows) => {
                let mut error = Error::new(
                    Code::INVALID_HISTORY,
                    format!("the history table {table} contains invalid rows"),
                );
                for row in rows {
                    error = error.with_diagnostic(row.at(None));
                }
                error.nothing_changed().help(REVERT_EDIT)
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
        let mut is_missing = false;
        let mut changed = None;
        for row in rows {
            match self.registry.get(row.id()) {
                None => {
                    is_missing = true;
                    let by = match row.applied_by.as_str() {
                        "" => String::new(),
                        who => format!(" by {who}"),
                    };
                    refused.push((
                        None,
                        format!(
                            "migration {row} is not linked into this program (applied{by} with version {} of this tool)",
                            row.tool_version
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
        if !refused.is_empty() {
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
        let (subject, way) = match row.phase {
            Phase::Reverting => (format!("the rollback of migration {row}"), Direction::Down),
            Phase::Applying | Phase::Applied => (format!("migration {row}"), Direction::Up),
        };
        let finish = advice(way);
        let resolve = |done| Advice::Resolve {
            migration: row.id().to_string(),
            done,
        };
        let interrupted = || {
            Error::new(
                Code::INTERRUPTED,
                format!("{subject} was interrupted {}", after_steps(row.progress)),
            )
            .nothing_changed()
        };
        let Some(migration) = self.registry.get(row.id()) else {
            return Err(
                interrupted().help("finish it with the program that began it; this program does not contain it")
            );
        };
        if let Some(run) = &row.claim {
            return Err(interrupted()
                .finding(
                    None,
                    format!("run {run} ({}) is executing it, or was killed", row.applied_by),
                )
                .help(Help::from(finish).text(" waits for that run, or resumes the migration")));
        }
        if row.in_flight.is_some() {
            let (next, done) = (row.progress + 1, row.progress);
            let error = Error::new(
                Code::UNDECIDED_STEP,
                format!("the run of {subject} is gone, and it is unknown whether step {next} completed"),
            );
            let planned = plan_one(planner, migration, way);
            let error = match planned.as_ref().ok().and_then(|planned| planned.steps.get(done)) {
                Some(step) => error.at(step.location).statement(step.label()),
                None => error.at(migration.location()),
            };
            return Err(error
                .nothing_changed()
                .help(
                    Help::new(format!("if step {next} completed, run "))
                        .advice(resolve(Some(next)))
                        .text(", then ")
                        .advice(finish.clone()),
                )
                .help(
                    Help::new("if it did not, run ")
                        .advice(resolve(Some(done)))
                        .text(", then ")
                        .advice(finish),
                ));
        }
        if way != direction {
            return Err(interrupted()
                .help(Help::new("finish it with ").advice(finish))
                .help(Help::new("to abandon it, record which steps completed with ").advice(resolve(None))));
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
            return Err(Error::new(
                Code::NOT_RESUMABLE,
                format!(
                    "{subject} cannot be resumed: session state of step {}, such as a temporary table, is lost",
                    index + 1
                ),
            )
            .at(step.location)
            .statement(step.label())
            .nothing_changed()
            .help(
                Help::new(match planned.done - index {
                    1 => format!("undo step {} by hand, then run ", index + 1),
                    _ => format!("undo steps {} to {} by hand, then run ", index + 1, planned.done),
                })
                .advice(resolve(Some(index)))
                .text(" and ")
                .advice(finish),
            )
            .help(Help::new("or finish the migration by hand, then run ").advice(resolve(Some(planned.steps.len())))));
        }
        if planned.done > planned.steps.len() || was_changed {
            return Err(Error::new(
                Code::NOT_RESUMABLE,
                format!(
                    "{subject} cannot be resumed: it was interrupted {}, and completed steps have changed since",
                    after_steps(row.progress)
                ),
            )
            .at(migration.location())
            .nothing_changed()
            .help("revert that edit; you may still change the steps that have not run")
            .help(Help::new("or record how many of the present steps completed with ").advice(resolve(None))));
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
