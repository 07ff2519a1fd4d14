//! `resolve`: prints the steps of an interrupted migration, and records how many of them completed.

use migrate_core::plan::InterruptedMigration;
use migrate_core::{Direction, MigrationRef};

use super::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::Body;
use crate::output::escape_control_chars;

/// Prints the steps, and records the number of completed steps if `done` gives it.
pub(super) fn resolve(context: &Context<'_>, version: &MigrationRef, done: Option<usize>) -> Result<Exit, CliError> {
    let interrupted = context.read(|runner| runner.interrupted(version))?;
    if !context.output.is_json() {
        steps(context, &interrupted, done);
    }
    match done {
        Some(done) => context.read(|runner| runner.resolve(version, done))?,
        None => {
            let next = format!("`migrate resolve {version} --done COUNT` records the number of completed steps");
            context.output.info(next);
        }
    }
    context.output.document(|| Body::resolve(&interrupted, done));
    if let Some(done) = done {
        context.output.print(then(&interrupted, done));
    }
    Ok(Exit::Done)
}

/// Prints each step with its state, as recorded in history or as `--done` sets it.
fn steps(context: &Context<'_>, interrupted: &InterruptedMigration, said: Option<usize>) {
    let InterruptedMigration { planned, .. } = interrupted;
    let doing = match planned.direction() {
        Direction::Up => "applying",
        Direction::Down => "rolling back",
    };
    let who = match interrupted.applied.applied_by.as_str() {
        "" => String::new(),
        who => format!(" (run by {})", escape_control_chars(who)),
    };
    context
        .output
        .print(format_args!("{doing} {} was interrupted{who}:", planned.migration()));
    for (number, step) in (1..).zip(planned.steps()) {
        let state = match said.unwrap_or(interrupted.done) {
            done if number <= done => "done",
            done if said.is_none() && interrupted.is_undecided && number == done + 1 => "undecided",
            _ => "pending",
        };
        let what = step.sql().or(step.function()).unwrap_or("(no SQL)");
        let mut lines = what.trim().lines();
        let first = escape_control_chars(lines.next().unwrap_or_default());
        let more = if lines.next().is_some() { " .." } else { "" };
        context
            .output
            .print(format_args!("  {number:>3}  {state:<9}  {first}{more}"));
    }
}

/// Returns the recorded state and the next action.
fn then(interrupted: &InterruptedMigration, done: usize) -> String {
    let InterruptedMigration { planned, .. } = interrupted;
    let (migration, all) = (planned.migration(), planned.steps().len());
    match (planned.direction(), done) {
        (Direction::Up, 0) => format!("recorded: {migration} is pending, no step completed"),
        (Direction::Down, 0) => format!("recorded: {migration} is applied, no step was rolled back"),
        (Direction::Up, done) if done == all => format!("recorded: {migration} is applied"),
        (Direction::Down, done) if done == all => format!("recorded: {migration} is rolled back"),
        (Direction::Up, done) => format!(
            "recorded: {done} of {all} steps of {migration} completed; `migrate up` resumes at step {}",
            done + 1
        ),
        (Direction::Down, done) => format!(
            "recorded: {done} of {all} steps of {migration} completed; `migrate rollback -n 1` resumes at step {}",
            done + 1
        ),
    }
}
