//! `check`: whether the migrations can go out, and whether the files that are kept beside them are right; no database is
//! opened.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use migrate_core::__private::source_files::Sources;
use migrate_core::__private::{KeptAs, RELEASED_FILE, Released, Standing};
use migrate_core::{Error, KnownSchema, MigrationRef, Plan, Problem, Registry};

use super::Context;
use crate::args::CheckArgs;
use crate::exit::Exit;
use crate::failure::{Failure, UsageError};
use crate::files::{self, Staged};
use crate::json::Body;
use crate::settings;

pub(super) fn check(context: &Context<'_>, args: &CheckArgs) -> Result<Exit, Failure> {
    let registry = Registry::linked()?;
    let package = settings::package_directory().ok_or_else(|| {
        UsageError::new(
            "this is not the directory of a package",
            "run it through cargo: `cargo run --bin migrate -- check`",
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
    // Of migrations that are wrong, no schema is known.
    let are_planned = found.problems.is_empty();
    let sources = Sources::of(&package);
    found.sentences(sources.unnamed_files(registry.as_slice()));
    found.sentences(sources.unlinked_files(registry.as_slice()));

    let file = package.join(RELEASED_FILE);
    let released = match read(&file)? {
        Some(text) => Some(Released::parse(&text)?),
        None => args.update.is_some().then(Released::default),
    };
    let mut updates: Vec<(PathBuf, String)> = Vec::new();
    if let Some(mut released) = released {
        if let Some(named) = &args.update {
            update(&mut released, &registry, named)?;
            updates.push((file, released.to_string()));
        } else {
            let new = |migration: &&_| released.standing(migration) == Standing::New;
            for migration in registry.iter().filter(new) {
                found.problems.push(Problem {
                    place: Some(migration.place()),
                    message: format!("{migration} has no checksum in {RELEASED_FILE} yet"),
                });
                found.advise("`migrate check --update` writes those that are new");
            }
        }
        found.errors(released.check(&registry))?;
    }
    let stale = if are_planned {
        stale_schema(&package, &registry)?
    } else {
        None
    };
    if let Some((file, text, command)) = stale {
        if args.update.is_some() {
            updates.push((file, text));
        } else {
            let message = format!("{} is not what the migrations make any more", shown(&file));
            found.problems.push(Problem { place: None, message });
            found.advise(format!(
                "`{command}` writes it anew, and so does `migrate check --update`"
            ));
        }
    }
    if !found.problems.is_empty() {
        return Err(Failure::Check {
            problems: found.problems,
            next: found.next,
        });
    }
    let written = write(updates)?;
    context.output.document(|| Body::Checked { files: written.clone() });
    for file in &written {
        context.output.result(format_args!("{file}: written"));
    }
    let count = crate::output::migrations(registry.len());
    context.output.result(format_args!("{count}: nothing is wrong"));
    if let Some(told) = written_for.told() {
        context.output.talk(format_args!("checked for {told}"));
    }
    Ok(Exit::Done)
}

/// Writes the files that say something else now, all or none of them, and says which.
fn write(files: Vec<(PathBuf, String)>) -> Result<Vec<String>, Failure> {
    let mut staged = Vec::new();
    for (file, text) in files {
        if !files::says(&file, &text) {
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

/// What is wrong, and what to do about it.
#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
    next: Vec<String>,
}

impl Found {
    /// Notes the problems of an error. One that has none is about something else, and goes on up.
    fn errors<T>(&mut self, result: Result<T, Error>) -> Result<(), Error> {
        match result {
            Ok(_) => Ok(()),
            Err(error) if error.problems().is_empty() => Err(error),
            Err(error) => {
                // Another dialect may say the same.
                let new = error
                    .problems()
                    .iter()
                    .filter(|problem| !self.problems.contains(problem));
                let new: Vec<Problem> = new.cloned().collect();
                self.problems.extend(new);
                error.next_steps().iter().for_each(|next| self.advise(next));
                Ok(())
            }
        }
    }

    fn sentences(&mut self, sentences: Vec<String>) {
        let problems = sentences.into_iter().map(|message| Problem { place: None, message });
        self.problems.extend(problems);
    }

    fn advise(&mut self, next: impl Into<String>) {
        let next = next.into();
        if !self.next.contains(&next) {
            self.next.push(next);
        }
    }
}

/// Takes in what is new, and what was changed or taken away if it is named: such an edit has to be meant.
fn update(released: &mut Released, registry: &Registry, named: &[MigrationRef]) -> Result<(), Failure> {
    for reference in named {
        let meant = registry.iter().find(|migration| reference.means(migration.id()));
        match meant {
            Some(migration) => released.take_in(migration),
            None if released.take_out(reference) => {}
            None => {
                return Err(UsageError::new(
                    format!("there is no migration {reference}, and no line of {RELEASED_FILE} has it"),
                    "`migrate status` lists all",
                )
                .into());
            }
        }
    }
    for migration in registry {
        if released.standing(migration) == Standing::New {
            released.take_in(migration);
        }
    }
    Ok(())
}

/// The package's `schema.rs`, if it is kept from the migrations and is not what they make: what it should be, and what
/// writes it.
fn stale_schema(package: &Path, registry: &Registry) -> Result<Option<(PathBuf, String, String)>, Failure> {
    let file = package.join("src").join("schema.rs");
    let Some(there) = read(&file)? else {
        return Ok(None);
    };
    let Some(kept_as) = KeptAs::of(&there) else {
        return Ok(None);
    };
    let text = KnownSchema::latest(registry, kept_as.dialect)?.diesel(&kept_as.options);
    let command = kept_as.command("src/schema.rs");
    Ok((normal(&there) != normal(&text)).then_some((file, text, command)))
}

/// A text without what a formatter may change.
fn normal(text: &str) -> String {
    let mut normal: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    for end in [")", "}", "]"] {
        normal = normal.replace(&format!(",{end}"), end);
    }
    normal
}

/// A file as it is called from where we stand.
fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}

fn read(file: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::File {
            message: format!("{} cannot be read", shown(file)),
            cause: error.to_string(),
            next: "make it a text file again that can be read, such as from git's history".to_owned(),
        }),
    }
}

fn not_written(file: &Path, error: &io::Error) -> Failure {
    Failure::File {
        message: format!("{} could not be written", shown(file)),
        cause: error.to_string(),
        next: "look at who may write there".to_owned(),
    }
}
