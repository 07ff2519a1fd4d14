//! `check`: checks the migrations and the generated files beside them, without a database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use migrate_core::error::Diagnostic;
use migrate_core::package::{CHECKSUM_FILE, ChecksumFile, ChecksumStatus, GeneratedHeader, Sources};
use migrate_core::{Code, Error, MigrationRef, Plan, Registry, SchemaSnapshot};
use similar::TextDiff;

use super::Context;
use crate::advice;
use crate::args::CheckArgs;
use crate::error::{CliError, UsageError};
use crate::exit::Exit;
use crate::files::{self, Staged};
use crate::json::Body;
use crate::output::escape_control_chars;
use crate::settings;

pub(super) fn check(context: &Context<'_>, args: &CheckArgs) -> Result<Exit, CliError> {
    let registry = Registry::linked()?;
    let package = settings::package_directory().ok_or_else(|| {
        UsageError::new(
            Code::NOT_A_PACKAGE,
            "the current directory is not a Cargo package",
            "run the command with `cargo run --bin migrate -- check`",
        )
    })?;
    let mut found = Found::default();
    let written_for = context.written_for(args.dialects.first().copied())?;
    let dialects = match args.dialects.as_slice() {
        [] => vec![written_for.dialect],
        dialects => dialects.to_vec(),
    };
    for dialect in dialects {
        found.errors(Plan::offline(&registry, dialect).and_then(|_| Plan::offline_rollback(&registry, dialect)))?;
    }
    // Invalid migrations have no schema.
    let are_planned = found.diagnostics.is_empty();
    let sources = Sources::of(&package);
    found.diagnostics.extend(sources.unnamed_files(registry.as_slice()));
    found.diagnostics.extend(sources.unlinked_files(registry.as_slice()));

    let file = package.join(CHECKSUM_FILE);
    let checksum_file = match read(&file)? {
        Some(text) => Some(ChecksumFile::parse(&text)?),
        None => args.update.is_some().then(ChecksumFile::default),
    };
    let mut updates: Vec<(PathBuf, String)> = Vec::new();
    if let Some(mut checksum_file) = checksum_file {
        if let Some(named) = &args.update {
            update(&mut checksum_file, &registry, named)?;
            updates.push((file, checksum_file.to_string()));
        } else {
            let new = |migration: &&_| checksum_file.status(migration) == ChecksumStatus::New;
            for migration in registry.iter().filter(new) {
                found.diagnostics.push(
                    Code::CHECKSUM_MISSING
                        .mistake(format!("migration {migration} has no checksum in {CHECKSUM_FILE}"))
                        .help("run `migrate check --update`")
                        .at(Some(migration.location())),
                );
            }
        }
        found.errors(checksum_file.check(&registry))?;
    }
    let stale = if are_planned {
        stale_schema(&package, &registry)?
    } else {
        None
    };
    if let Some(stale) = stale {
        if args.update.is_some() {
            updates.push((stale.file, stale.text));
        } else {
            found.stale_schema(&stale);
        }
    }
    if !found.diagnostics.is_empty() {
        return Err(CliError::Check {
            diagnostics: found.diagnostics,
            help: found.help,
            diff: found.diff,
        });
    }
    let written = write(updates)?;
    context.output.document(|| Body::Checked { files: written.clone() });
    for file in &written {
        context.output.print(format_args!("{file}: written"));
    }
    let count = crate::output::migrations(registry.len());
    context.output.print(format_args!("{count} checked, no errors"));
    if let Some(note) = written_for.note() {
        context.output.info(format_args!("checked for {note}"));
    }
    Ok(Exit::Done)
}

/// Writes the files that differ, all or none of them, and returns their names.
fn write(files: Vec<(PathBuf, String)>) -> Result<Vec<String>, CliError> {
    let mut staged = Vec::new();
    for (file, text) in files {
        if !files::has_text(&file, &text) {
            let one = Staged::new(&file, &text).map_err(|error| not_written(&file, &error))?;
            staged.push((file, one));
        }
    }
    let mut written = Vec::new();
    for (file, one) in staged {
        one.put().map_err(|error| not_written(&file, &error))?;
        written.push(shown(&file));
    }
    Ok(written)
}

/// The diagnostics of `check`, and the advice for them.
#[derive(Default)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    help: Vec<String>,
    /// The difference between a stale `schema.rs` and its new text.
    diff: Option<String>,
}

impl Found {
    fn stale_schema(&mut self, stale: &StaleSchema) {
        let file = shown(&stale.file);
        self.diagnostics.push(
            Code::STALE_SCHEMA_FILE
                .mistake(format!("{file} is out of date"))
                .help(format!("run `{}` or `migrate check --update`", stale.command))
                .at(None),
        );
        self.diff = Some(unified_diff(&stale.there, &stale.text, &file));
    }

    /// Adds the diagnostics of an error. Returns an error without diagnostics, because it has another cause.
    fn errors<T>(&mut self, result: Result<T, Error>) -> Result<(), Error> {
        match result {
            Ok(_) => Ok(()),
            Err(error) if error.diagnostics().is_empty() => Err(error),
            Err(error) => {
                // Several dialects may report the same diagnostic.
                let new = error
                    .diagnostics()
                    .iter()
                    .filter(|diagnostic| !self.diagnostics.contains(diagnostic));
                let new: Vec<Diagnostic> = new.cloned().collect();
                self.diagnostics.extend(new);
                let helps = error.helps().iter().map(|help| help.words(advice::word));
                // The help of a single diagnostic is printed with it.
                let is_with_it = |help: &String| {
                    let all = error.diagnostics().iter();
                    all.flat_map(|diagnostic| &diagnostic.help).any(|its| its == help)
                };
                helps
                    .filter(|help| !is_with_it(help))
                    .for_each(|help| self.advise(help));
                Ok(())
            }
        }
    }

    fn advise(&mut self, help: String) {
        if !self.help.contains(&help) {
            self.help.push(help);
        }
    }
}

/// Records new migrations, and the changed or removed ones that are named: such an edit must be explicit.
fn update(checksum_file: &mut ChecksumFile, registry: &Registry, named: &[MigrationRef]) -> Result<(), CliError> {
    for reference in named {
        let meant = registry.iter().find(|migration| reference.means(migration.id()));
        match meant {
            Some(migration) => checksum_file.record(migration),
            None if checksum_file.remove(reference) => {}
            None => {
                return Err(UsageError::new(
                    Code::UNKNOWN_CHECKSUM_VERSION,
                    format!("migration {reference} does not exist, neither linked nor in {CHECKSUM_FILE}"),
                    "run `migrate status` for a list of all migrations",
                )
                .into());
            }
        }
    }
    for migration in registry {
        if checksum_file.status(migration) == ChecksumStatus::New {
            checksum_file.record(migration);
        }
    }
    Ok(())
}

/// A generated `schema.rs` that is out of date.
struct StaleSchema {
    file: PathBuf,
    /// The text of the file.
    there: String,
    /// The text that the file should have.
    text: String,
    /// The command that writes it.
    command: String,
}

fn stale_schema(package: &Path, registry: &Registry) -> Result<Option<StaleSchema>, CliError> {
    let file = package.join("src").join("schema.rs");
    let Some(there) = read(&file)? else {
        return Ok(None);
    };
    let Some(header) = GeneratedHeader::of(&there) else {
        return Ok(None);
    };
    let text = SchemaSnapshot::latest(registry, header.dialect)?.diesel(&header.options);
    let command = header.command("src/schema.rs");
    Ok((normalize(&there) != normalize(&text)).then_some(StaleSchema {
        file,
        there,
        text,
        command,
    }))
}

/// The longest diff that is printed.
const DIFF_LINES: usize = 40;

/// Returns the changes from the old text to the new one, with two lines of context.
fn unified_diff(old: &str, new: &str, file: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut diff = diff.unified_diff();
    let text = diff.context_radius(2).header(file, "the migrations").to_string();
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| escape_control_chars(&line.replace('\t', "    ")))
        .collect();
    if lines.len() > DIFF_LINES {
        let more = lines.len() - DIFF_LINES;
        lines.truncate(DIFF_LINES);
        lines.push(format!(".. {more} more lines"));
    }
    lines.join("\n")
}

/// Removes everything from a text that a formatter may change.
fn normalize(text: &str) -> String {
    let mut normal: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    for end in [")", "}", "]"] {
        normal = normal.replace(&format!(",{end}"), end);
    }
    normal
}

/// Returns the path of a file relative to the current directory.
fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}

fn read(file: &Path) -> Result<Option<String>, CliError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::File {
            code: Code::CANNOT_READ_FILE,
            message: format!("{} cannot be read", shown(file)),
            cause: error.to_string(),
            help: "check its permissions, or restore it from version control".to_owned(),
        }),
    }
}

fn not_written(file: &Path, error: &io::Error) -> CliError {
    CliError::File {
        code: Code::CANNOT_WRITE_FILE,
        message: format!("{} cannot be written", shown(file)),
        cause: error.to_string(),
        help: "check the permissions of the file and its directory".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_has_context_and_an_end() {
        let old = "a\nb\nc\nd\ne\n";
        insta::assert_snapshot!(unified_diff(old, &old.replace('d', "\tD\x1b"), "src/schema.rs"), @r"
        --- src/schema.rs
        +++ the migrations
        @@ -2,4 +2,4 @@
         b
         c
        -d
        +    D�
         e
        ");
        let long: String = (0..50).map(|number| format!("{number}\n")).collect();
        let diff = unified_diff("", &long, "src/schema.rs");
        assert_eq!(diff.lines().count(), DIFF_LINES + 1);
        assert!(diff.ends_with("\n+36\n.. 13 more lines"), "{diff}");
    }
}
