//! Folding migrations over what is known of the database: each step is checked against the schema that it finds, written as
//! SQL, and gives its inverse. Pure.

use std::collections::HashMap;

use crate::dialect;
use crate::error::Problem;
use crate::migration::{Direction, Migration, MigrationId};
use crate::place::Place;
use crate::plan::{Action, PlanFor, PlannedMigration, PlannedStep};
use crate::schema::{self, Model, Operation, Step, Touched, Undo, Work};

/// What is known of a database as one migration after the other has changed it, or would.
pub(crate) struct Fold {
    plan_for: PlanFor,
    model: Model,
    /// The way back of each migration that was folded, as it was worked out.
    inverses: HashMap<MigrationId<'static>, Inverse>,
}

/// The way back of some steps.
#[derive(Clone, Default)]
struct Inverse {
    /// Last step first.
    steps: Vec<Step>,
    /// What it lacks, and only the user can say.
    missing: Vec<Problem>,
}

impl Fold {
    pub(crate) fn new(plan_for: PlanFor) -> Fold {
        Fold {
            plan_for,
            model: Model::default(),
            inverses: HashMap::new(),
        }
    }

    /// A migration that was applied. What it did is taken for right, since the database took it.
    pub(crate) fn past(&mut self, migration: &Migration) {
        let up = schema::record(|schema| migration.migrate().up(schema));
        let walk = self.walk(migration, &up.steps, Purpose::Know);
        self.inverses.insert(migration.id(), walk.inverse);
    }

    /// A migration was applied that is not known here, or not as it was then: anything may be different.
    pub(crate) fn forget(&mut self) {
        self.model.forget();
    }

    /// Programs that are not known here work on the same database: there may be more than is known.
    pub(crate) fn is_shared(&mut self) {
        self.model.open_all();
    }

    /// Plans a migration that is to be applied next.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. It is not applied either if its way back is wrong: that is found out when it is
    /// written, not on the day when it is needed.
    pub(crate) fn up(&mut self, migration: &Migration) -> Result<PlannedMigration, Vec<Problem>> {
        let up = schema::record(|schema| migration.migrate().up(schema));
        let mut problems = up.problems;
        if up.steps.is_empty() {
            problems.push(Problem {
                place: Some(migration.place()),
                message: format!("`up` of {} describes nothing; write its steps", migration.name()),
            });
        }
        let walk = self.walk(migration, &up.steps, Purpose::Run(Direction::Up));
        problems.extend(walk.problems);

        // The way back is tried from where it would begin.
        self.model.begin_trial();
        let back = self.way_back(migration, &walk.inverse);
        self.model.rewind();
        problems.extend(back.said);
        // After something wrong, this would only repeat it.
        let is_sound = problems.is_empty();
        problems.extend(back.found.into_iter().filter(|_| is_sound));
        self.inverses.insert(migration.id(), walk.inverse);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(PlannedMigration {
            migration: *migration,
            direction: Direction::Up,
            fingerprints: fingerprints(&up.steps, &walk.actions),
            steps: walk.planned,
            done: 0,
        })
    }

    /// Plans the way back of a migration that was applied, as the next thing to happen.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub(crate) fn down(&mut self, migration: &Migration) -> Result<PlannedMigration, Vec<Problem>> {
        let inverse = self.inverses.remove(&migration.id()).unwrap_or_default();
        let WayBack {
            planned,
            said: mut problems,
            found,
        } = self.way_back(migration, &inverse);
        if problems.is_empty() {
            problems = found;
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(PlannedMigration {
            migration: *migration,
            direction: Direction::Down,
            fingerprints: Vec::new(),
            steps: planned,
            done: 0,
        })
    }

    fn way_back(&mut self, migration: &Migration, inverse: &Inverse) -> WayBack {
        let down = schema::record(|schema| migration.migrate().down(schema));
        let mut said = down.problems;
        let steps = if down.works_out_from_up {
            said.extend(inverse.missing.iter().cloned().map(|mut problem| {
                problem.message += &format!(", or write `down` for {}", migration.name());
                problem
            }));
            &inverse.steps
        } else {
            if down.steps.is_empty() {
                said.push(Problem {
                    place: Some(migration.place()),
                    message: format!(
                        "`down` of {} describes nothing; write its steps, or leave `down` out to have it worked out from \
                         `up`",
                        migration.name()
                    ),
                });
            }
            &down.steps
        };
        let walk = self.walk(migration, steps, Purpose::Run(Direction::Down));
        WayBack {
            planned: walk.planned,
            said,
            found: walk.problems,
        }
    }

    fn walk(&mut self, migration: &Migration, steps: &[Step], purpose: Purpose) -> Walked {
        let mut walk = Walk {
            plan_for: self.plan_for,
            model: &mut self.model,
            in_transaction: migration.in_transaction(),
            purpose,
            walked: Walked::default(),
        };
        for step in steps {
            let before = walk.walked.planned.len();
            walk.step(step);
            let actions = walk.walked.planned.len() - before;
            walk.walked.actions.push(actions);
        }
        let mut walked = walk.walked;
        walked.inverse.steps.reverse();
        match purpose {
            Purpose::Run(Direction::Down) => self.model.rows_may_come_between_ways_back(),
            Purpose::Run(Direction::Up) | Purpose::Know => self.model.rows_may_come(),
        }
        walked
    }
}

struct WayBack {
    planned: Vec<PlannedStep>,
    /// What is wrong as it is written, whatever the schema.
    said: Vec<Problem>,
    /// What is wrong with it for the schema that it finds.
    found: Vec<Problem>,
}

/// What the steps are walked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To know what they have done.
    Know,
    /// To run them.
    Run(Direction),
}

/// What came of walking over steps.
#[derive(Default)]
struct Walked {
    planned: Vec<PlannedStep>,
    /// How many actions each step is.
    actions: Vec<usize>,
    inverse: Inverse,
    problems: Vec<Problem>,
}

struct Walk<'a> {
    plan_for: PlanFor,
    model: &'a mut Model,
    in_transaction: bool,
    purpose: Purpose,
    walked: Walked,
}

impl Walk<'_> {
    fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.walked.problems.push(Problem {
            place: Some(place),
            message: message.into(),
        });
    }

    fn plan(&mut self, place: Place, action: Action) {
        self.walked.planned.push(PlannedStep { place, action });
    }

    fn step(&mut self, step: &Step) {
        match &step.work {
            Work::Operation(operation) => self.operation(operation, step.place),
            Work::Sql(sql) => {
                self.raw(sql, step.place);
                let effects = self.effects(step);
                if step.effects.is_none() {
                    match schema::touched(sql) {
                        Touched::Nothing => {}
                        Touched::Rows => self.model.rows_may_come(),
                        Touched::Names(names) => self.model.open(names),
                        Touched::Anything => self.model.forget(),
                    }
                }
                self.undo(step, effects, "this SQL");
            }
            Work::Rust(functions) => {
                self.rust(functions, step.place);
                let effects = self.effects(step);
                self.model.rows_may_come();
                self.undo(step, effects, "this Rust step");
            }
            Work::Declared => {
                let effects = self.effects(step);
                self.model.rows_may_come();
                self.walked.inverse.steps.push(Step {
                    work: Work::Declared,
                    undo: Undo::Nothing,
                    effects: Some(effects),
                    place: step.place,
                });
            }
            Work::Kept => {
                self.effects(step);
                self.plan(step.place, Action::Keep);
            }
        }
    }

    fn operation(&mut self, operation: &Operation, place: Place) {
        let applied = match self.model.apply(operation, place) {
            Ok(applied) => applied,
            Err(findings) => {
                self.walked.problems.extend(findings);
                // What builds on it is not to be blamed as well.
                self.model.open(operation.names());
                return;
            }
        };
        if let Purpose::Run(_) = self.purpose {
            match dialect::render(self.plan_for.dialect, &applied, place) {
                Ok(rendered) => {
                    if rendered.rebuilds.is_some() && !self.in_transaction {
                        self.problem(
                            place,
                            format!(
                                "{} has to make the table anew for this, which needs a transaction; put it into a \
                                 migration without `transaction = false`",
                                self.plan_for.dialect.name()
                            ),
                        );
                    }
                    if let Some(table) = rendered.rebuilds {
                        self.plan(place, Action::Expect(Box::new(table)));
                    }
                    for statement in rendered.statements {
                        self.plan(place, Action::Generated(statement));
                    }
                }
                Err(problems) => self.walked.problems.extend(problems),
            }
        }
        self.walked.inverse.missing.extend(applied.missing);
        self.walked.inverse.steps.push(Step {
            work: Work::Operation(applied.inverse),
            undo: Undo::Unknown,
            effects: None,
            place,
        });
    }

    fn raw(&mut self, sql: &str, place: Place) {
        // Recording has reported a blank text already.
        if self.purpose == Purpose::Know || sql.trim().is_empty() {
            return;
        }
        match self.plan_for.dialect.check_raw(sql, self.in_transaction) {
            Ok(()) => self.plan(place, Action::Statement(sql.to_owned())),
            Err(message) => self.problem(place, message),
        }
    }

    fn rust(&mut self, functions: &schema::Functions, place: Place) {
        if self.purpose == Purpose::Know {
            return;
        }
        let connection = self.plan_for.connection;
        let name = match connection {
            Some((connection, _)) => functions.name_for(connection),
            None => functions.names().next(),
        };
        match (name, connection) {
            (Some(name), _) => self.plan(
                place,
                Action::Rust {
                    functions: functions.clone(),
                    name,
                },
            ),
            (None, connection) => self.problem(
                place,
                format!(
                    "this Rust step is written for {}, and the database is reached by a {}; give `run` a tuple with one \
                     function per connection type",
                    functions.connection_names().join(" and "),
                    connection.map_or("connection of another type", |(_, name)| name)
                ),
            ),
        }
    }

    /// What the user says that a step does to the schema, and its inverse. Nothing of it is run.
    fn effects(&mut self, step: &Step) -> Vec<Step> {
        let mut inverse = Vec::new();
        for effect in step.effects.iter().flatten() {
            let Work::Operation(operation) = &effect.work else {
                continue;
            };
            match self.model.apply(operation, effect.place) {
                Ok(applied) => inverse.push(Step {
                    work: Work::Operation(applied.inverse),
                    undo: Undo::Unknown,
                    effects: None,
                    place: effect.place,
                }),
                Err(findings) => {
                    self.walked.problems.extend(findings);
                    self.model.open(operation.names());
                }
            }
        }
        inverse.reverse();
        inverse
    }

    /// Notes how a step that is the user's own is taken back.
    fn undo(&mut self, step: &Step, effects: Vec<Step>, what: &str) {
        let effects = step.effects.is_some().then_some(effects);
        let inverse = match &step.undo {
            Undo::By { work, place } => Step {
                work: work.clone(),
                undo: Undo::Nothing,
                effects,
                place: *place,
            },
            Undo::Nothing => Step {
                work: Work::Kept,
                undo: Undo::Nothing,
                // What stays in place stays known.
                effects: None,
                place: step.place,
            },
            Undo::Unknown => {
                self.walked.inverse.missing.push(Problem {
                    place: Some(step.place),
                    message: format!(
                        "nothing says how to take {what} back; add `.undo(..)`, or `.up_only()` if its work may stay"
                    ),
                });
                return;
            }
        };
        self.walked.inverse.steps.push(inverse);
    }
}

/// The fingerprint after each number of actions. A step of several has its own from its first on, as it may not be changed
/// any more then.
fn fingerprints(steps: &[Step], actions: &[usize]) -> Vec<String> {
    let after_steps = schema::fingerprints_on_the_way(steps);
    let mut fingerprints = vec![after_steps[0].clone()];
    for (fingerprint, actions) in after_steps.iter().skip(1).zip(actions) {
        fingerprints.extend(std::iter::repeat_n(fingerprint.clone(), *actions));
    }
    // A last step without an action counts all the same.
    if let (Some(last), Some(all)) = (fingerprints.last_mut(), after_steps.last()) {
        last.clone_from(all);
    }
    fingerprints
}
