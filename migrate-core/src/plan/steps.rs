//! Plans the steps of one migration in order: checks each, renders it as SQL, and derives its inverse.

use std::collections::BTreeSet;

use super::planner::{Inverse, LiveState};
use super::rows_at_fault::rows_at_fault;
use super::warnings;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::location::Location;
use crate::migration::Direction;
use crate::plan::{Action, Note, PlanFor, PlannedStep};
use crate::render::{self, OUTSIDE_TRANSACTION};
use crate::schema::{self, ColumnEffect, Effect, EnumChange, Operation, Step, StepKind, Token, Undo, mentions};
use crate::state::{CheckedOperation, SchemaState};

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
    pub(super) model: &'a mut SchemaState,
    pub(super) live: Option<&'a mut LiveState>,
    pub(super) tainted: &'a mut BTreeSet<String>,
    pub(super) needs_introspection: bool,
    pub(super) in_transaction: bool,
    /// Values that this transaction has added to enums, and cannot use before it commits.
    pub(super) waiting: Vec<(String, String)>,
    /// Warnings and notes on the action that is planned next.
    pub(super) notes: Vec<Note>,
    pub(super) purpose: Mode,
    pub(super) walked: PlannedSteps,
}

impl StepPlanner<'_> {
    fn diagnostic(&mut self, location: Location, message: impl Into<Mistake>) {
        self.walked.diagnostics.push(message.into().at(location));
    }

    fn plan(&mut self, location: Location, action: Action) {
        let notes = std::mem::take(&mut self.notes);
        self.walked.planned.push(PlannedStep {
            location,
            notes,
            action,
            touches: Vec::new(),
            rows_at_fault: Vec::new(),
        });
    }

    fn plan_touching(&mut self, location: Location, action: Action, touches: Vec<String>) {
        self.plan(location, action);
        if let Some(step) = self.walked.planned.last_mut() {
            step.touches = touches;
        }
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
                self.raw(sql, step.location);
                let effects = self.effects(step);
                if step.effects.is_none() {
                    match schema::effect(sql) {
                        Effect::Nothing => {}
                        Effect::Rows => self.models().for_each(SchemaState::rows_may_come),
                        Effect::Names(names) => self.models().for_each(|model| model.mark_unknown(names.clone())),
                        Effect::Index(index) => self.models().for_each(|model| model.mark_owner_unknown(&index)),
                        Effect::Anything => self.models().for_each(SchemaState::mark_all_unknown),
                    }
                }
                self.undo(step, effects, "this SQL");
            }
            StepKind::Rust(functions) => {
                self.rust(functions, step.location);
                let effects = self.effects(step);
                self.models().for_each(SchemaState::rows_may_come);
                self.undo(step, effects, "this Rust step");
            }
            StepKind::Declared => {
                let effects = self.effects(step);
                self.declared(step);
                self.models().for_each(SchemaState::rows_may_come);
                self.walked.inverse.steps.push(Step {
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

    fn models(&mut self) -> impl Iterator<Item = &mut SchemaState> {
        std::iter::once(&mut *self.model).chain(self.live.as_mut().map(|live| &mut live.model))
    }

    fn operation(&mut self, operation: &Operation, step: &Step) {
        let location = step.location;
        if operation.names().iter().any(|name| self.tainted.contains(name)) {
            self.tainted.extend(operation.names());
            return;
        }
        let live = self.live.as_mut().map(|live| {
            let applied = live.model.apply(operation, location);
            if applied.is_err() {
                live.model.mark_unknown(operation.names());
            }
            applied
        });
        let applied = match self.model.apply(operation, location) {
            Ok(applied) => applied,
            Err(findings) => {
                self.walked.diagnostics.extend(findings);
                self.model.mark_unknown(operation.names());
                if self.purpose != Mode::Replay {
                    self.tainted.extend(operation.names());
                }
                return;
            }
        };
        let is_known = applied.before.is_some() || applied.after.is_some();
        let is_of_table = matches!(operation, Operation::AlterTable { .. } | Operation::DropTable { .. });
        // The database knows a table that migrations do not describe. The inverse still comes from what migrations
        // know: at rollback the database holds the table as it is after this step.
        match live {
            Some(Ok(live)) if !is_known && is_of_table && live.before.is_some() => self.render(&live, None, location),
            Some(Err(findings)) if !is_known && is_of_table && self.can_be_found(operation) => {
                self.walked.diagnostics.extend(findings);
                return;
            }
            Some(Ok(live)) if is_known && live.before.is_some() => self.render(&applied, Some(&live), location),
            _ => {
                if !is_known && is_of_table {
                    self.needs_introspection = true;
                    self.notes.extend(warnings::unchecked(operation));
                }
                self.render(&applied, None, location);
            }
        }
        let inverse = Step {
            kind: StepKind::Operation(applied.inverse),
            undo: Undo::Unknown,
            effects: None,
            location,
        };
        self.walked.inverse.steps.push(match step.undo {
            // The object stays in the database, so a later `up` must not find it in the schema state.
            Undo::Nothing => Step {
                kind: StepKind::Kept,
                undo: Undo::Nothing,
                effects: Some(vec![inverse]),
                location,
            },
            Undo::Unknown | Undo::By { .. } => {
                self.walked.inverse.missing.extend(applied.missing);
                inverse
            }
        });
    }

    /// Checks that the database has the declared tables and views, as far as this run can see it.
    fn declared(&mut self, step: &Step) {
        if self.purpose != Mode::Plan(Direction::Up) {
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
            if !live.model.knows(name) {
                self.diagnostic(
                    effect.location,
                    Code::DECLARED_OBJECT_MISSING
                        .mistake(format!("`{name}` is declared but does not exist in the database"))
                        .help("create it before the run, or describe it with `create_table` or `create_view` instead"),
                );
            } else if let (Some(known), Some(there)) = (self.model.table(name), live.model.table(name)) {
                let mut there = there.clone();
                self.plan_for.dialect.normalize_to(&mut there, known);
                if let Some(difference) = known.difference(&there) {
                    self.notes.push(Note::warning(
                        Code::DECLARATION_DIFFERS,
                        format!("`{name}` differs from its declaration: {difference}"),
                    ));
                }
            }
        }
        self.plan(step.location, Action::Declare(names));
    }

    /// Returns true if the database's description of the operation's objects was understood.
    fn can_be_found(&self, operation: &Operation) -> bool {
        let live = self.live.as_ref();
        operation
            .names()
            .iter()
            .all(|name| live.is_some_and(|live| !live.refused.contains_key(name)))
    }

    /// Checks a drop against the live table, which may have more than migrations know, such as triggers.
    fn look_at_what_is_there(
        &mut self,
        applied: &CheckedOperation,
        live: Option<&CheckedOperation>,
        location: Location,
    ) {
        let dropped: Vec<&str> = match &applied.operation {
            Operation::AlterTable { edits, .. } => {
                let dropped = edits.iter().filter_map(|edit| match edit.change.effects().column {
                    Some(ColumnEffect::Dropped(column)) => Some(column),
                    _ => None,
                });
                dropped.collect()
            }
            Operation::DropTable { .. } => Vec::new(),
            _ => return,
        };
        if dropped.is_empty() && !matches!(applied.operation, Operation::DropTable { .. }) {
            return;
        }
        let Some(live) = live else {
            self.needs_introspection |= self.live.is_none();
            return;
        };
        let Some(there) = &live.before else { return };
        self.notes.extend(warnings::unknown_losses(&applied.operation, there));
        for column in dropped {
            if let Some(trigger) = there.triggers.iter().find(|trigger| mentions(&trigger.sql, column)) {
                self.diagnostic(
                    location,
                    Code::COLUMN_IN_USE
                        .mistake(format!(
                            "the trigger `{}` of `{}` uses `{column}`",
                            trigger.name, there.name
                        ))
                        .help("drop the trigger before the change and create it again afterwards"),
                );
            }
        }
    }

    /// Renders an operation. `live` is the same operation, checked against the live schema.
    fn render(&mut self, applied: &CheckedOperation, live: Option<&CheckedOperation>, location: Location) {
        let Mode::Plan(_) = self.purpose else {
            return;
        };
        let dialect = self.plan_for.dialect;
        let mut rendered = render::render(dialect, applied, location);
        // A rebuild starts from the live table, not from the known one.
        if rendered.as_ref().is_ok_and(|rendered| rendered.rebuilds.is_some()) {
            match live {
                Some(live) => rendered = render::render(dialect, live, location),
                None => self.needs_introspection = true,
            }
        }
        self.look_at_what_is_there(applied, live, location);
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(diagnostics) => {
                let refused = self.live.as_ref().and_then(|live| {
                    let names = applied.operation.names();
                    names.iter().find_map(|name| live.refused.get(name).cloned())
                });
                match refused {
                    Some(why) => self.diagnostic(
                        location,
                        Code::REBUILD_IMPOSSIBLE.mistake(format!(
                            "{} must rebuild the table for this but cannot: {why}",
                            dialect.name()
                        )),
                    ),
                    None => self.walked.diagnostics.extend(diagnostics),
                }
                return;
            }
        };
        if rendered.rebuilds.is_some() && !self.in_transaction {
            self.diagnostic(
                location,
                Code::REBUILD_NEEDS_TRANSACTION
                    .mistake(format!(
                        "{} must rebuild the table for this, which needs a transaction",
                        dialect.name()
                    ))
                    .help("move it to a migration without `transaction = false`"),
            );
        }
        if rendered.stays_outside && self.in_transaction {
            self.diagnostic(
                location,
                Code::NOT_IN_TRANSACTION
                    .mistake(format!(
                        "{} cannot create or drop an index concurrently inside a transaction",
                        dialect.name()
                    ))
                    .help(OUTSIDE_TRANSACTION),
            );
        }
        let goes_back = self.purpose == Mode::Plan(Direction::Down);
        let before = applied.before.as_ref();
        self.notes
            .extend(warnings::losses(&applied.operation, before, goes_back));
        if rendered.may_copy {
            self.notes.extend(warnings::copies(&applied.operation, dialect));
        }
        let rows_at_fault = rows_at_fault(
            dialect,
            &applied.operation,
            before,
            &rendered.statements,
            rendered.rebuilds.is_some(),
        );
        if let Some(table) = rendered.rebuilds {
            let is_found = self.plan_for.connection.is_some();
            let table = Box::new(table);
            self.plan(location, Action::Expect { table, is_found });
        }
        for (statement, rows_at_fault) in rendered.statements.into_iter().zip(rows_at_fault) {
            if !matches!(applied.operation, Operation::ChangeEnum { .. }) {
                self.check_waiting(&statement, location);
            }
            let touches = applied.operation.names();
            self.plan_touching(location, Action::Generated(statement), touches);
            if let Some(step) = self.walked.planned.last_mut() {
                step.rows_at_fault = rows_at_fault;
            }
        }
        if let Operation::ChangeEnum {
            name,
            change: EnumChange::AddValue { value, .. },
        } = &applied.operation
            && self.in_transaction
            && dialect.features().new_enum_values_wait
        {
            self.waiting.push((name.clone(), value.clone()));
        }
    }

    /// Refuses a statement that uses an enum value from the same transaction.
    fn check_waiting(&mut self, sql: &str, location: Location) {
        let dialect = self.plan_for.dialect;
        let used = self.waiting.iter().find(|(_, value)| {
            let literal = dialect.text(value);
            schema::tokenize(sql).is_ok_and(|tokens| tokens.contains(&Token::Text(&literal)))
        });
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

    fn raw(&mut self, sql: &str, location: Location) {
        // An empty text means that there is nothing to do on this database. Recording reports other empty texts.
        if self.purpose == Mode::Replay || sql.trim().is_empty() {
            return;
        }
        self.check_waiting(sql, location);
        match self.plan_for.dialect.check_raw(sql, self.in_transaction) {
            Ok(()) => {
                let touches = schema::observable_objects(sql).unwrap_or_default();
                self.plan_touching(location, Action::Statement(sql.to_owned()), touches);
            }
            Err(mistake) => self.diagnostic(location, mistake),
        }
    }

    fn rust(&mut self, functions: &schema::Functions, location: Location) {
        if self.purpose == Mode::Replay {
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
                && live.model.apply(operation, effect.location).is_err()
            {
                live.model.mark_unknown(operation.names());
            }
            match self.model.apply(operation, effect.location) {
                Ok(applied) => inverse.push(Step {
                    kind: StepKind::Operation(applied.inverse),
                    undo: Undo::Unknown,
                    effects: None,
                    location: effect.location,
                }),
                Err(findings) => {
                    self.walked.diagnostics.extend(findings);
                    self.model.mark_unknown(operation.names());
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
                self.walked.inverse.missing.push(
                    Code::IRREVERSIBLE_STEP
                        .mistake(format!("{what} has no rollback"))
                        .help("add `.undo(..)` or `.up_only()`")
                        .at(step.location),
                );
                return;
            }
        };
        self.walked.inverse.steps.push(inverse);
    }
}
