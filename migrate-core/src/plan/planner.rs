//! Replays and plans migrations over the schema state: each step is checked against the schema that it finds, rendered
//! as SQL, and inverted. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::migration::{Direction, Migration, MigrationId};
use crate::plan::{PlanFor, PlannedMigration, PlannedStep};
use crate::schema::{self, Checksum, Recording, Step, StepKind};
use crate::state::{LiveSchema, SchemaState};

use super::steps::{Mode, PlannedSteps, StepPlanner};

/// The known state of a database after each migration that was replayed or planned.
#[derive(Clone)]
pub(crate) struct Planner {
    plan_for: PlanFor,
    state: SchemaState,
    /// The live schema, with the planned steps applied to it.
    live: Option<LiveState>,
    /// True if the planner lacked information that only the database has.
    needs_introspection: bool,
    /// Objects with an error. Later errors that follow from it are not reported.
    tainted: BTreeSet<String>,
    /// The inverse of each migration that was replayed or planned.
    inverses: HashMap<MigrationId<'static>, Rc<Inverse>>,
}

#[derive(Clone)]
pub(super) struct LiveState {
    pub(super) state: SchemaState,
    /// The reasons why tables cannot be described, by table.
    pub(super) refused: BTreeMap<String, String>,
}

/// The inverse of some steps.
#[derive(Clone, Default)]
pub(super) struct Inverse {
    /// The steps, last one first.
    pub(super) steps: Vec<Step>,
    /// Diagnostics for what the inverse lacks and only the user can supply.
    pub(super) missing: Vec<Diagnostic>,
}

impl Planner {
    pub(crate) fn new(plan_for: PlanFor) -> Planner {
        Planner {
            plan_for,
            state: SchemaState::new(plan_for.dialect.kind()),
            live: None,
            needs_introspection: false,
            tainted: BTreeSet::new(),
            inverses: HashMap::new(),
        }
    }

    /// Returns the current schema state.
    pub(crate) fn state(&self) -> &SchemaState {
        &self.state
    }

    pub(crate) fn into_state(self) -> SchemaState {
        self.state
    }

    /// Returns the differences between a database and the replayed migrations. A table that no migration created
    /// counts, unless the schema state is unknown or the table is `but`.
    pub(crate) fn differences(&self, live: &LiveSchema, but: &str) -> Vec<String> {
        let known = self.found(live);
        let mut differences: Vec<String> = self
            .state
            .tables()
            .filter_map(|table| {
                let difference = match known.table(&table.name) {
                    Some(there) => table.difference(self.plan_for.dialect.kind(), &there.in_words())?,
                    None => return Some(format!("table `{}` does not exist", table.name)),
                };
                Some(format!("table `{}`: {difference}", table.name))
            })
            .collect();
        if !self.state.is_all_unknown() {
            let strays = live
                .tables
                .keys()
                .filter(|name| *name != but && !self.state.knows(name));
            differences.extend(strays.map(|name| format!("table `{name}` is not created by any migration")));
        }
        differences
    }

    /// Returns true if planning could check more, or be safer, with the live schema.
    pub(crate) fn needs_introspection(&self) -> bool {
        self.needs_introspection
    }

    /// Sets the live schema, as it is after the replayed migrations and before any planned one.
    pub(crate) fn set_live(&mut self, live: &LiveSchema) {
        let refused = live.tables.iter();
        let refused = refused.filter_map(|(name, table)| Some((name.clone(), table.as_ref().err()?.clone())));
        self.live = Some(LiveState {
            state: self.found(live),
            refused: refused.collect(),
        });
    }

    /// Returns the live schema as a schema state.
    fn found(&self, live: &LiveSchema) -> SchemaState {
        let dialect = self.plan_for.dialect;
        SchemaState::of_live(live, &self.state, |found, known| dialect.normalize_to(found, known))
    }

    /// Replays an applied migration. Its diagnostics are ignored, because the database accepted it.
    pub(crate) fn replay(&mut self, migration: &Migration) {
        let up = schema::record(|schema| migration.migrate().up(schema));
        let planned = self.plan_steps(migration, &up.steps, Mode::Replay);
        self.inverses.insert(migration.id(), Rc::new(planned.inverse));
    }

    /// Marks the whole schema as unknown: an applied migration is missing here, or has changed since.
    pub(crate) fn mark_all_unknown(&mut self) {
        self.state.mark_all_unknown();
    }

    /// Marks the schema as incomplete: other programs use the database, and their migrations are not linked here.
    pub(crate) fn mark_incomplete(&mut self) {
        self.state.mark_incomplete();
    }

    /// Plans a migration as the next one to apply.
    ///
    /// # Errors
    ///
    /// All diagnostics of the migration, its rollback included: an invalid rollback is found when it is written, not
    /// when it is needed.
    pub(crate) fn up(&mut self, migration: &Migration) -> Result<PlannedMigration, Vec<Diagnostic>> {
        let up = schema::record(|schema| migration.migrate().up(schema));
        let mut diagnostics = up.diagnostics;
        if up.steps.is_empty() {
            diagnostics.push(
                Code::EMPTY_MIGRATION
                    .mistake(format!("`up` of {} is empty", migration.name()))
                    .help("add at least one step")
                    .at(migration.location()),
            );
        }
        let down = schema::record(|schema| migration.migrate().down(schema));
        // A derived rollback always leads back, so only a written `down` is compared.
        let names = match down.derives_from_up {
            true => BTreeSet::new(),
            false => up.steps.iter().chain(&down.steps).flat_map(names_of).collect(),
        };
        let before = self.state.known(&names);
        let planned = self.plan_steps(migration, &up.steps, Mode::Plan(Direction::Up));
        diagnostics.extend(planned.diagnostics);

        // The rollback is planned from the state that `up` ends with.
        self.states().for_each(SchemaState::savepoint);
        let location = down.steps.first().map(|step| step.location);
        let mut back = self.plan_rollback(migration, &planned.inverse, down);
        let after = self.state.known(&names);
        let compared = names.iter().zip(before.iter().zip(&after));
        let differences =
            compared.filter_map(|(name, (before, after))| before.difference(self.plan_for.dialect.kind(), name, after));
        back.found.extend(differences.map(|difference| {
            Code::DOWN_DIFFERS
                .mistake(format!(
                    "`down` of {} does not restore the schema from before `up`: {difference}",
                    migration.name()
                ))
                .help("correct `down`, or remove it to derive it from `up`")
                .at(location.or(Some(migration.location())))
        }));
        self.states().for_each(SchemaState::rollback_to_savepoint);
        diagnostics.extend(back.said);
        // After an error in `up` these would only repeat it.
        let is_sound = diagnostics.is_empty();
        diagnostics.extend(back.found.into_iter().filter(|_| is_sound));
        self.inverses.insert(migration.id(), Rc::new(planned.inverse));
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        Ok(PlannedMigration {
            migration: *migration,
            direction: Direction::Up,
            checksums: checksums(&up.steps, &planned.actions, self.plan_for.dialect.kind()),
            steps: planned.planned,
            done: 0,
            dialect: self.plan_for.dialect,
        })
    }

    /// Plans the rollback of an applied migration as the next one to run.
    ///
    /// # Errors
    ///
    /// All diagnostics of the rollback.
    pub(crate) fn down(&mut self, migration: &Migration) -> Result<PlannedMigration, Vec<Diagnostic>> {
        let Some(inverse) = self.inverses.remove(&migration.id()) else {
            // History is replayed before a rollback is planned, so this is a bug. Refuse, rather than do nothing.
            return Err(vec![
                Code::UNKNOWN_ROLLBACK
                    .mistake(format!("the rollback of {} is unknown", migration.name()))
                    .help("write `down` for it, and report this as a bug of the framework")
                    .at(migration.location()),
            ]);
        };
        let down = schema::record(|schema| migration.migrate().down(schema));
        let PlannedRollback {
            planned,
            said: mut diagnostics,
            found,
        } = self.plan_rollback(migration, &inverse, down);
        if diagnostics.is_empty() {
            diagnostics = found;
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        Ok(PlannedMigration {
            migration: *migration,
            direction: Direction::Down,
            checksums: Vec::new(),
            steps: planned,
            done: 0,
            dialect: self.plan_for.dialect,
        })
    }

    fn plan_rollback(&mut self, migration: &Migration, inverse: &Inverse, down: Recording) -> PlannedRollback {
        let mut said = down.diagnostics;
        let steps = if down.derives_from_up {
            said.extend(inverse.missing.iter().cloned().map(|mut diagnostic| {
                let down = format!("write `down` for {}", migration.name());
                diagnostic.help = Some(match diagnostic.help {
                    Some(help) => format!("{help}, or {down}"),
                    None => down,
                });
                diagnostic
            }));
            &inverse.steps
        } else {
            if down.steps.is_empty() {
                said.push(
                    Code::EMPTY_MIGRATION
                        .mistake(format!("`down` of {} is empty", migration.name()))
                        .help("add its steps, or remove `down` to derive it from `up`")
                        .at(migration.location()),
                );
            }
            &down.steps
        };
        let planned = self.plan_steps(migration, steps, Mode::Plan(Direction::Down));
        PlannedRollback {
            planned: planned.planned,
            said,
            found: planned.diagnostics,
        }
    }

    fn states(&mut self) -> impl Iterator<Item = &mut SchemaState> {
        std::iter::once(&mut self.state).chain(self.live.as_mut().map(|live| &mut live.state))
    }

    fn plan_steps(&mut self, migration: &Migration, steps: &[Step], mode: Mode) -> PlannedSteps {
        let mut planner = StepPlanner {
            plan_for: self.plan_for,
            state: &mut self.state,
            live: self.live.as_mut(),
            tainted: &mut self.tainted,
            needs_introspection: false,
            in_transaction: migration.in_transaction(),
            waiting: Vec::new(),
            notes: Vec::new(),
            mode,
            result: PlannedSteps::default(),
        };
        for step in steps {
            let before = planner.result.planned.len();
            planner.step(step);
            let actions = planner.result.planned.len() - before;
            planner.result.actions.push(actions);
        }
        self.needs_introspection |= planner.needs_introspection;
        let mut result = planner.result;
        result.inverse.steps.reverse();
        self.states().for_each(|state| match mode {
            Mode::Plan(Direction::Down) => state.rows_may_come_between_rollbacks(),
            Mode::Plan(Direction::Up) | Mode::Replay => state.rows_may_come(),
        });
        result
    }
}

/// Returns the tables and views that a step names, in its operation or its declared effects.
fn names_of(step: &Step) -> Vec<String> {
    let said = step.effects.iter().flatten().flat_map(names_of);
    match &step.kind {
        StepKind::Operation(operation) => operation.names().into_iter().chain(said).collect(),
        StepKind::Sql(_) | StepKind::Rust(_) | StepKind::Declared | StepKind::Kept => said.collect(),
    }
}

/// The planned steps of a rollback, and the errors in it.
struct PlannedRollback {
    planned: Vec<PlannedStep>,
    /// Errors in the source of the rollback, whatever the schema is.
    said: Vec<Diagnostic>,
    /// Errors that depend on the schema before the rollback.
    found: Vec<Diagnostic>,
}

/// Returns all plans, or all diagnostics.
pub(crate) fn all_or_diagnostics(
    plans: impl Iterator<Item = Result<PlannedMigration, Vec<Diagnostic>>>,
) -> Result<Vec<PlannedMigration>, Error> {
    let mut planned = Vec::new();
    let mut diagnostics = Vec::new();
    for plan in plans {
        match plan {
            Ok(one) => planned.push(one),
            Err(more) => diagnostics.extend(more),
        }
    }
    if diagnostics.is_empty() {
        Ok(planned)
    } else {
        Err(Error::of_diagnostics(diagnostics))
    }
}

/// Returns the checksum after each number of actions. All actions of a step share the checksum after that step, because
/// the step must not change once its first action has run.
fn checksums(steps: &[Step], actions: &[usize], dialect: Dialect) -> Vec<Checksum> {
    let after_steps = schema::checksums_by_step(steps, dialect);
    let mut checksums = vec![after_steps[0]];
    for (checksum, actions) in after_steps.iter().skip(1).zip(actions) {
        checksums.extend(std::iter::repeat_n(*checksum, *actions));
    }
    // A last step without an action counts too.
    if let (Some(last), Some(all)) = (checksums.last_mut(), after_steps.last()) {
        *last = *all;
    }
    checksums
}
