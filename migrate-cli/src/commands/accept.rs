//! `accept`: records the current checksum of a changed migration.

use migrate_core::MigrationRef;

use super::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::Body;

pub(super) fn accept(context: &Context<'_>, version: &MigrationRef) -> Result<Exit, CliError> {
    context.read(|runner| runner.accept(version))?;
    context.output.document(|| Body::Accepted {
        version: version.to_string(),
    });
    context.output.print(format_args!("{version} accepted"));
    Ok(Exit::Done)
}
