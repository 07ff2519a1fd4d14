//! `schema`: prints the schema at a version from the migrations, without a database.

use std::path::Path;

use migrate_core::export::DieselOptions;
use migrate_core::{Code, Registry, SchemaSnapshot};

use super::Context;
use crate::args::{Format, SchemaArgs};
use crate::error::{CliError, UsageError};
use crate::exit::Exit;
use crate::files;
use crate::json::{self, Body};

pub(super) fn schema(context: &Context<'_>, args: &SchemaArgs) -> Result<Exit, CliError> {
    let registry = Registry::linked()?;
    let written_for = context.written_for(args.dialect)?;
    let dialect = written_for.dialect;
    let schema = match &args.at {
        Some(last) => SchemaSnapshot::at(&registry, dialect, last)?,
        None => SchemaSnapshot::latest(&registry, dialect)?,
    };
    let mut options = DieselOptions::default();
    options.sqlite_integer_primary_key_is_bigint = args.sqlite_integer_primary_key_is_bigint;
    let text = match args.format {
        Format::Diesel => schema.diesel(&options),
        Format::Mermaid => schema.mermaid(),
        Format::Sql => schema.sql()?,
        Format::Json => json::schema(&schema),
    };
    for unknown in schema.unknown() {
        context
            .output
            .warn(&Code::SCHEMA_PARTLY_UNKNOWN.mistake(unknown.as_str()).at(None));
    }
    let file = args.write.as_deref();
    let is_rust = |file: &&Path| file.extension().is_some_and(|extension| extension == "rs");
    if let Some(file) = file.filter(is_rust)
        && !matches!(args.format, Format::Diesel)
    {
        return Err(UsageError::new(
            Code::OUTPUT_NOT_RUST,
            format!("{} is a Rust file, and this format is not Rust", file.display()),
            "name another file, such as schema.sql, or remove `--format`",
        )
        .into());
    }
    context.output.document(|| Body::Schema {
        text: file.is_none().then(|| text.clone()),
        file: file.map(|file| file.display().to_string()),
    });
    match file {
        None => context.output.print(text.trim_end()),
        Some(file) => {
            let is_new = files::keep(file, &text).map_err(|error| CliError::File {
                code: Code::CANNOT_WRITE_FILE,
                message: format!("{} cannot be written", file.display()),
                cause: error.to_string(),
                help: "name a file in a directory that exists and is writable".to_owned(),
            })?;
            let result = if is_new { "written" } else { "already up to date" };
            context.output.print(format_args!("{}: {result}", file.display()));
        }
    }
    if let Some(note) = written_for.note() {
        context.output.info(format_args!("the schema is for {note}"));
    }
    Ok(Exit::Done)
}
