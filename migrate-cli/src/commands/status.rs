//! `status`: all migrations and their state, and the files that nothing names.

use migrate_core::{Entry, State};

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Body, StatusItem};
use crate::output::{Output, harmless, state_style};
use crate::settings;
use crate::sources::Sources;

pub(super) fn status(context: &Context<'_>, exit_code: bool) -> Result<Exit, Failure> {
    let entries = context.read(|runner| runner.status())?;
    let warnings: Vec<String> = settings::package_directory()
        .map(|package| Sources::of(&package).unnamed_files())
        .unwrap_or_default();
    let pending = entries.iter().filter(|entry| entry.state.is_pending()).count();

    context.output.document(|| Body::Status {
        current: entries
            .iter()
            .all(|entry| matches!(entry.state, State::Applied | State::Ahead)),
        migrations: entries.iter().map(StatusItem::from).collect(),
        warnings: warnings.clone(),
    });
    if !context.output.is_json() {
        table(context.output, &entries);
    }
    for warning in &warnings {
        context.output.warn(warning);
    }
    context
        .output
        .talk(format_args!("{} applied, {pending} pending", entries.len() - pending));
    Ok(if exit_code && pending > 0 {
        Exit::Pending
    } else {
        Exit::Done
    })
}

fn table(output: &Output, entries: &[Entry]) {
    let version = |entry: &Entry| harmless(&entry.id().to_string());
    let name = |entry: &Entry| harmless(&entry.name);
    let width = |cell: &dyn Fn(&Entry) -> String, title: &str| {
        let widest = entries.iter().map(|entry| cell(entry).chars().count()).max();
        widest.unwrap_or(0).max(title.len())
    };
    let (versions, names) = (width(&version, "VERSION"), width(&name, "NAME"));
    output.result(format_args!(
        "{:<versions$}  {:<names$}  {:<12}  {:>5}  APPLIED AT",
        "VERSION", "NAME", "STATE", "BATCH"
    ));
    for entry in entries {
        let style = state_style(entry.state);
        let (batch, applied_at) = match &entry.applied {
            Some(applied) => (applied.batch.to_string(), harmless(&applied.applied_at)),
            None => (String::new(), String::new()),
        };
        let line = format!(
            "{:<versions$}  {:<names$}  {style}{:<12}{style:#}  {batch:>5}  {applied_at}",
            version(entry),
            name(entry),
            entry.state,
        );
        output.result(line.trim_end());
    }
}
