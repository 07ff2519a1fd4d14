//! Rolling the last migrations back and applying them again, with the batches that they had.

use super::hooks::Hooks;
use super::load_history::load_rows;
use super::replay::Planning;
use super::run::{RunSettings, run};
use super::run_state::Batches;
use super::session::Connection;
use super::wording::{and_before, number_of};
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::migration::{Direction, Migration};
use crate::plan::select::Request;
use crate::report::Report;
use crate::target::{MigrationRef, Rollback};

/// Rolls back the last `number` migrations and applies them again. Plans both directions first.
pub(super) fn redo(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    settings: &RunSettings,
    number: usize,
) -> Result<Report, Error> {
    let history = load_rows(connection)?;
    let batches: Batches = history
        .rows()
        .iter()
        .map(|row| (MigrationRef::from(row.id()), row.batch))
        .collect();
    let (plan_for, request) = (connection.plan_for(), Request::Down(Rollback::Last(number)));
    let down = planning.plan(plan_for, &history, &request, || connection.live_to_plan())?;
    let migrations: Vec<Migration> = down.iter().map(|planned| planned.migration).collect();
    planning.check_redo(plan_for, &history, &migrations, || connection.live_to_plan())?;

    let these = |migrations: &[Migration]| migrations.iter().map(|migration| migration.id().into()).collect();
    let request = Request::These(Direction::Down, these(&migrations));
    let down = run(connection, planning, hooks, settings, &request, batches.clone());
    let mut report = down.map_err(|error| match load_rows(connection) {
        Ok(left) if migrations.iter().any(|migration| left.find(migration.id()).is_none()) => {
            error.help(Help::from(Advice::Up).text(" applies the rolled back migrations again"))
        }
        // Nothing was rolled back, or history is unreadable.
        _ => error,
    })?;

    let rolled_back: Vec<Migration> = report.executed.iter().map(|done| done.migration).collect();
    let request = Request::These(Direction::Up, these(&rolled_back));
    let up = run(connection, planning, hooks, settings, &request, batches).map_err(|error| {
        let up = error.report().cloned().unwrap_or_default();
        let mut executed = report.clone();
        executed.executed.extend(up.executed);
        executed.batch = up.batch;
        let count = number_of(rolled_back.len(), "migration was", "migrations were");
        and_before(error.with_report(executed), &format!("{count} rolled back before"))
            .help(Help::from(Advice::Up).text(" applies the pending migrations"))
    })?;
    report.executed.extend(up.executed);
    report.batch = up.batch;
    Ok(report)
}
