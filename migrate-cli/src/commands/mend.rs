//! The verbs by which a person settles what history alone cannot know: `accept` and `repair`.

use migrate_core::MigrationRef;

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Body;

pub(super) fn accept(context: &Context<'_>, version: &MigrationRef) -> Result<Exit, Failure> {
    context.read(|runner| runner.accept(version))?;
    recorded(context, version, format!("accepted {version} as it is now"))
}

pub(super) fn repair(context: &Context<'_>, version: &MigrationRef, done: usize) -> Result<Exit, Failure> {
    context.read(|runner| runner.repair(version, done))?;
    recorded(
        context,
        version,
        format!("recorded that {done} steps of {version} have happened"),
    )
}

fn recorded(context: &Context<'_>, version: &MigrationRef, line: String) -> Result<Exit, Failure> {
    context.output.document(|| Body::Recorded {
        version: version.to_string(),
    });
    context.output.result(line);
    Ok(Exit::Done)
}
