//! Plans the steps of one migration in order.

use std::collections::BTreeSet;

use super::planner::{Inverse, LiveState};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::location::Location;
use crate::migration::Direction;
use crate::plan::{Action, Note, PlanFor, PlannedStep, Statement};
use crate::schema::{self, Operation, Step, StepKind, Undo};
use crate::sql::{self, Effect, StatementInfo};
use crate::state::SchemaState;

/// The purpose of a pass over steps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Learn the effect of steps that were applied.
    Replay,
    /// Plan steps that are to run.
    Plan(Direction),
}

/// The result of a pass over steps.
#[derive(Default)]
pub(super) struct PlannedSteps {
    pub(super) planned: Vec<PlannedStep>,
    /// The number of planned actions of each step.
    pub(super) actions: Vec<usize>,
    pub(super) inverse: Inverse,
    pub(super) diagnostics: Vec<Diagnostic>,
}

pub(super) struct StepPlanner<'a> {
    pub(super) plan_for: PlanFor,
    pub(super) state: &'a mut SchemaState,
    pub(super) live: Option<&'a mut LiveState>,
    pub(super) tainted: &'a mut BTreeSet<String>,
    pub(super) needs_introspection: bool,
    pub(super) in_transaction: bool,
    /// Values that this transaction has added to enums, and cannot use before it commits.
    pub(super) waiting: Vec<(String, String)>,
    /// Warnings and notes on the action that is planned next.
    pub(super) notes: Vec<Note>,
    pub(super) mode: Mode,
    pub(super) result: PlannedSteps,
}

impl StepPlanner<'_> {
    pub(super) fn diagnostic(&mut self, location: Location, message: impl Into<Mistake>) {
        self.result.diagnostics.push(message.into().at(location));
    }

    pub(super) fn plan(&mut self, location: Location, action: Action) {
        let notes = std::mem::take(&mut self.notes);
        self.result.planned.push(PlannedStep {
            location,
            notes,
            action,
            rows_at_fault: Vec::new(),
        });
    }

    pub(super) fn step(&mut self, step: &Step) {
        // Notes on a step without an action are dropped.
        self.notes.clear();
        match &step.kind {
            StepKind::Operation(operation) => self.operation(operation, step),
            StepKind::Sql(sql) => {
                let dialect = self.plan_for.dialect.kind();
                let sql = sql.for_dialect(dialect).unwrap_or_else(|| {
                    self.diagnostic(
                        step.location,
                        Code::MISSING_DIALECT
                            .mistake(format!("this SQL is not written for {}", dialect.title()))
                            .help(format!(
                                "add `(Dialect::{dialect:?}, \"..\")`, with an empty text if nothing is needed there"
                            )),
                    );
                    ""
                });
                let reached = match self.mode {
                    Mode::Replay => sql::effects(dialect, sql),
                    Mode::Plan(_) => self.raw(sql, step.location),
                };
                let effects = self.effects(step);
                if step.effects.is_none() {
                    reached.iter().for_each(|effect| self.reach(effect));
                }
                self.undo(step, effects, "this SQL");
            }
            StepKind::Rust(functions) => {
                self.rust(functions, step.location);
                let effects = self.effects(step);
                self.states().for_each(SchemaState::rows_may_come);
                self.undo(step, effects, "this Rust step");
            }
            StepKind::Declared => {
                let effects = self.effects(step);
                self.declared(step);
                self.states().for_each(SchemaState::rows_may_come);
                self.result.inverse.steps.push(Step {
                    kind: StepKind::Declared,
                    undo: Undo::Nothing,
                    effects: Some(effects),
                    location: step.location,
                });
            }
            StepKind::Kept => {
                self.effects(step);
                self.plan(step.location, Action::Keep);
            }
        }
    }

    /// Follows the effect of a raw statement, which no user has described.
    fn reach(&mut self, effect: &Effect) {
        match effect {
            Effect::Nothing => {}
            Effect::Rows => self.states().for_each(SchemaState::rows_may_come),
            Effect::Names(names) => self.states().for_each(|state| state.mark_unknown(names.clone())),
            Effect::Index(index) => self.states().for_each(|state| state.mark_owner_unknown(index)),
            Effect::Anything => self.states().for_each(SchemaState::mark_all_unknown),
        }
    }

    fn states(&mut self) -> impl Iterator<Item = &mut SchemaState> {
        std::iter::once(&mut *self.state).chain(self.live.as_mut().map(|live| &mut live.state))
    }

    /// Checks that the database has the declared tables and views, as far as this run can see it.
    fn declared(&mut self, step: &Step) {
        if self.mode != Mode::Plan(Direction::Up) {
            return;
        }
        let mut names: Vec<String> = Vec::new();
        for effect in step.effects.iter().flatten() {
            if let StepKind::Operation(operation) = &effect.kind {
                names.extend(operation.names());
                names.dedup();
            }
            let (StepKind::Operation(Operation::CreateTable { table: name, .. })
            | StepKind::Operation(Operation::CreateView { view: name, .. })) = &effect.kind
            else {
                continue;
            };
            if self.plan_for.connection.is_none() {
                continue;
            }
            let Some(live) = &self.live else {
                self.needs_introspection = true;
                continue;
            };
            if !live.state.knows(name) {
                self.diagnostic(
                    effect.location,
                    Code::DECLARED_OBJECT_MISSING
                        .mistake(format!("`{name}` is declared but does not exist in the database"))
                        .help("create it before the run, or describe it with `create_table` or `create_view` instead"),
                );
            } else if let (Some(known), Some(there)) = (self.state.table(name), live.state.table(name)) {
                let mut there = there.clone();
                self.plan_for.dialect.normalize_to(&mut there, known);
                if let Some(difference) = known.difference(self.plan_for.dialect.kind(), &there) {
                    self.notes.push(Note::warning(
                        Code::DECLARATION_DIFFERS,
                        format!("`{name}` differs from its declaration: {difference}"),
                    ));
                }
            }
        }
        self.plan(step.location, Action::Declare(names));
    }

    /// Refuses a step that uses an enum value from the same transaction, as a value or in the user's SQL.
    pub(super) fn check_waiting(&mut self, values: &[&str], written: &[&str], location: Location) {
        if self.waiting.is_empty() {
            return;
        }
        let dialect = self.plan_for.dialect;
        let literals: Vec<String> = written
            .iter()
            .flat_map(|sql| sql::text_values(dialect.kind(), sql))
            .collect();
        let is_used = |value: &String| literals.contains(value) || values.contains(&value.as_str());
        let used = self.waiting.iter().find(|(_, value)| is_used(value));
        if let Some((name, value)) = used {
            let mistake = Code::UNCOMMITTED_ENUM_VALUE
                .mistake(format!(
                    "{} does not allow the enum value `{value}` in the transaction that adds it to `{name}`",
                    dialect.name()
                ))
                .help("move this step to a later migration");
            self.diagnostic(location, mistake);
        }
    }

    /// Plans raw SQL, and returns the effect of each of its statements.
    fn raw(&mut self, sql: &str, location: Location) -> Vec<Effect> {
        // An empty text means that there is nothing to do on this database. Recording reports other empty texts.
        if sql.trim().is_empty() {
            return Vec::new();
        }
        let info = StatementInfo::of_raw(self.plan_for.dialect.kind(), sql);
        let effects = info.effects.clone();
        self.check_waiting(&[], &[sql], location);
        match self.plan_for.dialect.check_raw(&info, self.in_transaction) {
            Ok(()) => {
                let sql = sql.to_owned();
                self.plan(location, Action::Statement(Statement { sql, info }));
            }
            Err(mistake) => self.diagnostic(location, mistake),
        }
        effects
    }

    fn rust(&mut self, functions: &schema::Functions, location: Location) {
        if self.mode == Mode::Replay {
            return;
        }
        let connection = self.plan_for.connection;
        let name = match connection {
            Some((connection, _)) => functions.name_for(connection),
            None => functions.names().next(),
        };
        let dialect = self.plan_for.dialect;
        let expected = dialect.kind().connection_name();
        if connection.is_none() && !functions.connection_names().contains(&expected) {
            self.notes.push(Note::warning(
                Code::REFUSED_ON_DIALECT,
                format!(
                    "this step has no function for {expected}, so a run on {} refuses it",
                    dialect.name()
                ),
            ));
        }
        match (name, connection) {
            (Some(name), _) => self.plan(
                location,
                Action::Rust {
                    functions: functions.clone(),
                    name,
                },
            ),
            (None, connection) => self.diagnostic(
                location,
                Code::MISSING_CONNECTION
                    .mistake(format!(
                        "this Rust step is written for {}, but the connection is {}",
                        functions.connection_names().join(" and "),
                        connection.map_or("of another type", |(_, name)| name)
                    ))
                    .help(
                        "write it in `for_each_connection!`, or give `run` a tuple with one function per connection type",
                    ),
            ),
        }
    }

    /// Applies the declared effects of a step, and returns their inverse. None of them runs.
    fn effects(&mut self, step: &Step) -> Vec<Step> {
        let mut inverse = Vec::new();
        for effect in step.effects.iter().flatten() {
            let StepKind::Operation(operation) = &effect.kind else {
                continue;
            };
            if let Some(live) = &mut self.live
                && !matches!(step.kind, StepKind::Declared)
                && live.state.apply(operation, effect.location).is_err()
            {
                live.state.mark_unknown(operation.names());
            }
            match self.state.apply(operation, effect.location) {
                Ok(applied) => inverse.push(Step {
                    kind: StepKind::Operation(applied.inverse),
                    undo: Undo::Unknown,
                    effects: None,
                    location: effect.location,
                }),
                Err(findings) => {
                    self.result.diagnostics.extend(findings);
                    self.state.mark_unknown(operation.names());
                }
            }
        }
        inverse.reverse();
        inverse
    }

    /// Records the inverse of a raw SQL or Rust step.
    fn undo(&mut self, step: &Step, effects: Vec<Step>, what: &str) {
        let effects = step.effects.is_some().then_some(effects);
        let inverse = match &step.undo {
            Undo::By { kind, location } => Step {
                kind: kind.clone(),
                undo: Undo::Nothing,
                effects,
                location: *location,
            },
            Undo::Nothing => Step {
                kind: StepKind::Kept,
                undo: Undo::Nothing,
                // The changes stay in the database, so they stay in the schema state.
                effects: None,
                location: step.location,
            },
            Undo::Unknown => {
                self.result.inverse.missing.push(
                    Code::IRREVERSIBLE_STEP
                        .mistake(format!("{what} has no rollback"))
                        .help("add `.undo(..)` or `.up_only()`")
                        .at(step.location),
                );
                return;
            }
        };
        self.result.inverse.steps.push(inverse);
    }
}
