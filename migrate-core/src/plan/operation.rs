//! Plans one schema operation: checks it, renders it as SQL, and derives its inverse.

use super::rows_at_fault::rows_at_fault;
use super::steps::{Mode, StepPlanner};
use super::warnings;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::location::Location;
use crate::migration::Direction;
use crate::plan::{Action, Statement};
use crate::render::{self, OUTSIDE_TRANSACTION, Rendered};
use crate::schema::{ColumnEffect, EnumChange, Operation, Step, StepKind, Undo};
use crate::sql::{self, StatementInfo, mentions};
use crate::state::CheckedOperation;

impl StepPlanner<'_> {
    pub(super) fn operation(&mut self, operation: &Operation, step: &Step) {
        let location = step.location;
        if operation.names().iter().any(|name| self.tainted.contains(name)) {
            self.tainted.extend(operation.names());
            return;
        }
        let live = self.live.as_mut().map(|live| {
            let applied = live.state.apply(operation, location);
            if applied.is_err() {
                live.state.mark_unknown(operation.names());
            }
            applied
        });
        let applied = match self.state.apply(operation, location) {
            Ok(applied) => applied,
            Err(findings) => {
                self.result.diagnostics.extend(findings);
                self.state.mark_unknown(operation.names());
                if self.mode != Mode::Replay {
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
                self.result.diagnostics.extend(findings);
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
        self.result.inverse.steps.push(match step.undo {
            // The object stays in the database, so a later `up` must not find it in the schema state.
            Undo::Nothing => Step {
                kind: StepKind::Kept,
                undo: Undo::Nothing,
                effects: Some(vec![inverse]),
                location,
            },
            Undo::Unknown | Undo::By { .. } => {
                self.result.inverse.missing.extend(applied.missing);
                inverse
            }
        });
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
    fn check_live_table(&mut self, applied: &CheckedOperation, live: Option<&CheckedOperation>, location: Location) {
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
            let dialect = self.plan_for.dialect.kind();
            let mut triggers = there.triggers.iter();
            if let Some(trigger) = triggers.find(|trigger| mentions(dialect, &trigger.sql, column)) {
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
        let Mode::Plan(_) = self.mode else {
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
        self.check_live_table(applied, live, location);
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(diagnostics) => return self.refuse(applied, diagnostics, location),
        };
        self.check_transaction(&rendered, location);
        let goes_back = self.mode == Mode::Plan(Direction::Down);
        let before = applied.before.as_deref();
        self.notes
            .extend(warnings::losses(&applied.operation, before, goes_back));
        if rendered.may_copy {
            self.notes.extend(warnings::copies(&applied.operation, dialect));
        }
        self.plan_rendered(applied, rendered, location);
    }

    /// Reports that an operation cannot be rendered.
    fn refuse(&mut self, applied: &CheckedOperation, diagnostics: Vec<Diagnostic>, location: Location) {
        let dialect = self.plan_for.dialect;
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
            None => self.result.diagnostics.extend(diagnostics),
        }
    }

    /// Checks that the statements can run inside the transaction, or outside one.
    fn check_transaction(&mut self, rendered: &Rendered, location: Location) {
        let dialect = self.plan_for.dialect;
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
    }

    /// Plans the statements of an operation.
    fn plan_rendered(&mut self, applied: &CheckedOperation, rendered: Rendered, location: Location) {
        let dialect = self.plan_for.dialect;
        let rows_at_fault = rows_at_fault(
            dialect,
            &applied.operation,
            applied.before.as_deref(),
            &rendered.statements,
        );
        if let Some(table) = rendered.rebuilds {
            let is_found = self.plan_for.connection.is_some();
            let table = Box::new(table);
            self.plan(location, Action::Expect { table, is_found });
        }
        let expressions = applied.operation.expressions();
        self.check_waiting(&applied.operation.text_values(), &expressions, location);
        // The dialect writes closed SQL around the user's expressions.
        let is_self_contained = expressions.iter().all(|sql| sql::is_certain(dialect.kind(), sql));
        for (statement, rows_at_fault) in rendered.statements.into_iter().zip(rows_at_fault) {
            let touches = applied.operation.names();
            let info = StatementInfo::of_generated(touches, statement.concurrent, is_self_contained);
            let sql = statement.sql;
            self.plan(location, Action::Generated(Statement { sql, info }));
            if let Some(step) = self.result.planned.last_mut() {
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
}
