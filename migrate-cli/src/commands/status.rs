//! `status`: prints all migrations and their states.

use migrate_core::history::MigrationStatus;
use migrate_core::{Code, MigrationState};

use super::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::json::{Body, StatusItem};
use crate::output::{Output, escape_control_chars, state_style};

pub(super) fn status(context: &Context<'_>, exit_code: bool) -> Result<Exit, CliError> {
    let (entries, others, schema) =
        context.read(|runner| Ok((runner.status()?, runner.unlinked_groups()?, runner.current_schema()?)))?;
    let current = entries.iter().all(|entry| entry.state.is_current());

    context.output.document(|| Body::Status {
        current,
        migrations: entries.iter().map(StatusItem::from).collect(),
        schema: schema.clone(),
        unlinked_groups: others.clone(),
    });
    if !context.output.is_json() {
        table(context.output, &entries);
    }
    let schema = schema.map_or(String::new(), |schema| {
        format!(", schema {}", escape_control_chars(&schema))
    });
    let summary = format!("{}{schema}: {}", context.database()?, counts(&entries));
    context.output.info(summary);
    for (group, count) in &others {
        let count = if *count == 1 {
            "1 migration".to_owned()
        } else {
            format!("{count} migrations")
        };
        let group = escape_control_chars(group);
        context.output.info(format_args!(
            "and {count} of the group {group}, which this program does not have"
        ));
    }
    if let Some((count, old, new)) = renamed_package(&entries) {
        context.output.info(format_args!(
            "history names the package {} in {count} of these migrations, and it is {new} now; `migrate accept VERSION` with \
             one of them records the new name",
            escape_control_chars(&old)
        ));
    }
    for (state, message, help) in WARNINGS {
        if entries.iter().any(|entry| entry.state == state) {
            context
                .output
                .warn(&Code::NEEDS_ATTENTION.mistake(message).help(help).at(None));
        }
    }
    Ok(if exit_code && !current {
        Exit::Pending
    } else {
        Exit::Done
    })
}

/// Returns the number of migrations that history has under an older name of their package, with both names.
fn renamed_package(entries: &[MigrationStatus]) -> Option<(usize, String, &'static str)> {
    let names = |entry: &MigrationStatus| {
        let (migration, applied) = (entry.migration?, entry.applied.as_ref()?);
        (migration.package() != applied.package).then(|| (applied.package.clone(), migration.package()))
    };
    let (old, new) = entries.iter().find_map(names)?;
    let count = entries
        .iter()
        .filter_map(names)
        .filter(|other| *other == (old.clone(), new));
    Some((count.count(), old, new))
}

/// The states that stop the next `up`, and the ways out.
const WARNINGS: [(MigrationState, &str, &str); 3] = [
    (
        MigrationState::Changed,
        "an applied migration has changed, so `migrate up` refuses to run",
        "revert the edit, or accept it with `migrate accept VERSION`",
    ),
    (
        MigrationState::Missing,
        "an applied migration is missing from this program, so `migrate up` refuses to run",
        "restore the migration, or run `migrate up --allow-missing`",
    ),
    (
        MigrationState::Interrupted,
        "a migration was interrupted, or its run is still in progress",
        "run `migrate up`, which waits for that run or resumes the migration",
    ),
];

/// Returns a summary such as `3 applied, 1 pending`.
fn counts(entries: &[MigrationStatus]) -> String {
    let count = |state: MigrationState| entries.iter().filter(|entry| entry.state == state).count();
    let mut counts = format!(
        "{} applied, {} pending",
        count(MigrationState::Applied),
        count(MigrationState::Pending)
    );
    for state in [
        MigrationState::OutOfOrder,
        MigrationState::Ahead,
        MigrationState::Missing,
        MigrationState::Changed,
        MigrationState::Interrupted,
    ] {
        if count(state) > 0 {
            counts += &format!(", {} {state}", count(state));
        }
    }
    counts
}

fn table(output: &Output, entries: &[MigrationStatus]) {
    let version = |entry: &MigrationStatus| escape_control_chars(&entry.id().to_string());
    let name = |entry: &MigrationStatus| escape_control_chars(&entry.name);
    let width = |cell: &dyn Fn(&MigrationStatus) -> String, title: &str| {
        let widest = entries.iter().map(|entry| cell(entry).chars().count()).max();
        widest.unwrap_or(0).max(title.len())
    };
    let (versions, names) = (width(&version, "VERSION"), width(&name, "NAME"));
    output.print(format_args!(
        "{:<versions$}  {:<names$}  {:<12}  {:>5}  APPLIED AT",
        "VERSION", "NAME", "STATE", "BATCH"
    ));
    for entry in entries {
        let style = state_style(entry.state);
        let (batch, applied_at) = match &entry.applied {
            Some(applied) => (applied.batch.to_string(), escape_control_chars(&applied.applied_at)),
            None => (String::new(), String::new()),
        };
        let line = format!(
            "{:<versions$}  {:<names$}  {style}{:<12}{style:#}  {batch:>5}  {applied_at}",
            version(entry),
            name(entry),
            entry.state,
        );
        output.print(line.trim_end());
    }
}
