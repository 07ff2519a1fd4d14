//! The execution of one step, inside the transaction of its migration or outside it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::StepError;
use super::hooks::Hooks;
use super::session::Connection;
use crate::driver::DriverError;
use crate::plan::{Action, PlannedMigration, PlannedStep};
use crate::report::Event;
use crate::schema::Table;

/// Reports that a step begins.
pub(super) fn tell_step(hooks: &mut Hooks<'_>, planned: &PlannedMigration, index: usize, step: &PlannedStep) {
    tracing::debug!(step = index + 1, location = %step.location, "step");
    hooks.tell(&Event::Step {
        position: index + 1,
        total: planned.steps.len(),
        label: &step.label(),
    });
}

/// Runs a step of a transaction inside a savepoint, which reveals a step that ends the transaction. The name of the
/// savepoint contains the ID of the run, so that no step creates it by accident.
pub(super) fn run_in_savepoint(
    connection: &mut Connection<'_>,
    step: &PlannedStep,
    run_id: &str,
) -> Result<(), StepError> {
    if !step.may_end_transaction() {
        return dispatch(connection, step);
    }
    connection.execute(&format!("SAVEPOINT migrate_{run_id}"))?;
    let depth = connection.transaction_depth();
    let roll_back = format!("ROLLBACK TO SAVEPOINT migrate_{run_id}");
    match dispatch(connection, step) {
        Ok(()) if connection.transaction_depth() > depth => Err(StepError::LeftTransactionOpen),
        Ok(()) => match connection.execute(&format!("RELEASE SAVEPOINT migrate_{run_id}")) {
            Ok(()) => Ok(()),
            Err(error) => Err(match connection.execute(&roll_back) {
                // The transaction is open but has failed.
                Ok(()) => StepError::Failed {
                    cause: format!("a statement of the step failed, but the step continued: {error}").into(),
                },
                Err(_) => StepError::EndedTransaction { returned: None },
            }),
        },
        // A failed statement cannot end the transaction unnoticed; at most, the database rolls it back.
        Err(error @ StepError::Failed { .. }) if step.sql().is_some() => Err(error),
        Err(error) => match connection.execute(&roll_back) {
            Ok(()) => Err(error),
            Err(_) => Err(StepError::EndedTransaction {
                returned: Some(error.into_cause()),
            }),
        },
    }
}

/// Runs a step outside the migration's transaction; with `in_own_transaction`, in a transaction of the step. The outer
/// error comes from the driver around the step: then the step may have completed.
pub(super) fn run_alone(
    connection: &mut Connection<'_>,
    step: &PlannedStep,
    in_own_transaction: bool,
) -> Result<Result<(), StepError>, DriverError> {
    // A function may do part of its work, so it cannot be retried. A concurrent statement blocks no other connection
    // while it waits, and a retry would start it from the beginning.
    let waits = connection.waits();
    let wait = if step.function().is_some() || step.is_concurrent() {
        waits.run
    } else {
        waits.statement
    };
    if let Err(error) = connection.prepare_statement(step.info(), wait) {
        return Ok(Err(error.into()));
    }
    let result = dispatch(connection, step);
    // A Rust function may leave its own transaction open, and later bookkeeping would be lost with it.
    let left_open = match (step.function().is_some(), in_own_transaction) {
        (false, _) => false,
        (true, true) => connection.transaction_depth() > 1,
        (true, false) => connection.rollback()?,
    };
    Ok(match result {
        Ok(()) if left_open => Err(StepError::LeftTransactionOpen),
        result => result,
    })
}

fn dispatch(connection: &mut Connection<'_>, step: &PlannedStep) -> Result<(), StepError> {
    match &step.action {
        Action::Statement(statement) | Action::Generated(statement) => Ok(connection.execute(&statement.sql)?),
        Action::Expect { table, .. } => expect(connection, table),
        Action::Rust { functions, .. } => {
            let connection = connection.connection();
            match catch_unwind(AssertUnwindSafe(|| functions.call(connection))) {
                Ok(Some(result)) => result.map_err(|cause| StepError::Failed { cause }),
                // The planner refuses a step without a function for this connection.
                Ok(None) => Err(StepError::Failed {
                    cause: "the step has no function for this connection type".into(),
                }),
                Err(panic) => Err(StepError::Failed {
                    cause: panic_text(panic.as_ref()).into(),
                }),
            }
        }
        Action::Declare(_) | Action::Keep => Ok(()),
    }
}

/// Checks that a table is as planned, before it is rebuilt from the plan.
fn expect(connection: &mut Connection<'_>, table: &Table) -> Result<(), StepError> {
    let live = connection.live()?;
    let difference = match live.tables.get(&table.name) {
        Some(Ok(there)) => table.difference(connection.dialect().kind(), there),
        Some(Err(why)) => Some(why.clone()),
        None => Some("the table does not exist".to_owned()),
    };
    match difference {
        None => Ok(()),
        Some(difference) => Err(StepError::Unexpected {
            table: table.name.clone(),
            difference,
        }),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    match said {
        Some(said) => format!("panicked: {said}"),
        None => "panicked".to_owned(),
    }
}
