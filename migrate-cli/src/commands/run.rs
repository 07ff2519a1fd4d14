//! The commands that change the schema: `up`, `rollback`, `redo`, `fresh`.

use migrate_core::{Direction, Error, Report, Rollback, Runner, Target};

use super::Context;
use crate::args::{RollbackArgs, UpArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::Body;
use crate::output::{Output, migrations};

pub(super) fn up(context: &Context<'_>, args: &UpArgs) -> Result<Exit, CliError> {
    let target = target(args.to.clone(), args.number);
    let _guard = context.stoppable();
    let report = context.write(|runner| check(runner, &target), |runner| runner.up(&target))?;
    let nothing = match &target {
        Target::To(version) => format!("nothing to do: no pending migrations up to {version}"),
        Target::Latest | Target::Next(_) => "nothing to do: no pending migrations".to_owned(),
    };
    Ok(tell(context.output, &report, &nothing))
}

pub(super) fn rollback(context: &Context<'_>, args: &RollbackArgs) -> Result<Exit, CliError> {
    let how_far = how_far(args);
    if matches!(how_far, Rollback::All | Rollback::LastBatch) {
        let (back, applied) = context.read(|runner| {
            let back = runner.plan_rollback(&how_far)?.migrations().len();
            let entries = runner.status()?;
            Ok((back, entries.iter().filter(|entry| entry.applied.is_some()).count()))
        })?;
        // The first batch of a database is everything in it. A single migration was probably just tried out.
        let asks = match how_far {
            Rollback::All => back > 0,
            _ => back > 1 && back == applied,
        };
        if asks {
            context.confirm(&match back {
                1 => "rolls back the only applied migration".to_owned(),
                _ => format!("rolls back all {back} applied migrations"),
            })?;
        }
    }
    let _guard = context.stoppable();
    let report = context.read(|runner| runner.rollback(&how_far))?;
    Ok(tell(context.output, &report, "nothing to do: no applied migrations"))
}

pub(super) fn redo(context: &Context<'_>, number: usize) -> Result<Exit, CliError> {
    let _guard = context.stoppable();
    let report = context.read(|runner| runner.redo(number))?;
    Ok(tell(context.output, &report, "nothing to do: no applied migrations"))
}

pub(super) fn fresh(context: &Context<'_>) -> Result<Exit, CliError> {
    let scope = context.read(|runner| Ok(runner.fresh_scope()))?;
    context.confirm(&format!("drops every object in {scope}"))?;
    let _guard = context.stoppable();
    // The runner checks the migrations before it drops anything. History is irrelevant here.
    let report = context.write(|runner| check(runner, &Target::Latest), |runner| runner.fresh())?;
    Ok(tell(context.output, &report, ""))
}

/// Reports errors before a database is created.
fn check(runner: &mut Runner<'_>, target: &Target) -> Result<(), Error> {
    runner.plan(target).map(drop)
}

pub(super) fn target(to: Option<migrate_core::MigrationRef>, number: Option<usize>) -> Target {
    match (to, number) {
        (Some(to), _) => Target::To(to),
        (None, Some(number)) => Target::Next(number),
        (None, None) => Target::Latest,
    }
}

pub(super) fn how_far(args: &RollbackArgs) -> Rollback {
    match (&args.to, args.number) {
        (Some(to), _) => Rollback::To(to.clone()),
        (None, Some(number)) => Rollback::Last(number),
        (None, None) if args.all => Rollback::All,
        (None, None) => Rollback::LastBatch,
    }
}

fn tell(output: &Output, report: &Report, nothing: &str) -> Exit {
    output.document(|| Body::from(report));
    let count = |direction| {
        report
            .executed
            .iter()
            .filter(|done| done.direction == direction)
            .count()
    };
    let (applied, rolled_back) = (count(Direction::Up), count(Direction::Down));
    match (applied, rolled_back, report.batch) {
        (0, 0, _) => output.print(nothing),
        (0, _, _) => output.print(format_args!("{} rolled back", migrations(rolled_back))),
        (_, 0, Some(batch)) => output.print(format_args!("{} applied, batch {batch}", migrations(applied))),
        _ => output.print(format_args!("{} rolled back and applied again", migrations(applied))),
    }
    Exit::Done
}
