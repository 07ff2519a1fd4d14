//! `plan`: prints the SQL that would run.

use migrate_core::{Plan, Registry};

use super::Context;
use super::run::{how_far, target};
use crate::args::{PlanArgs, RollbackArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::Body;

pub(super) fn plan(context: &Context<'_>, args: &PlanArgs) -> Result<Exit, CliError> {
    let plan: Plan = if let Some(dialect) = args.dialect {
        let registry = Registry::linked()?;
        if args.down {
            Plan::offline_rollback(&registry, dialect)?
        } else {
            Plan::offline(&registry, dialect)?
        }
    } else if args.down {
        let how_far = how_far(&RollbackArgs {
            to: args.to.clone(),
            number: args.number,
            all: args.all,
        });
        context.read(|runner| runner.plan_rollback(&how_far))?
    } else {
        let target = target(args.to.clone(), args.number);
        context.read(|runner| runner.plan(&target))?
    };
    context.output.document(|| Body::from(&plan));
    if plan.is_empty() {
        context.output.print("-- nothing to do");
    } else {
        context.output.print(plan.to_string().trim_end());
    }
    Ok(Exit::Done)
}
