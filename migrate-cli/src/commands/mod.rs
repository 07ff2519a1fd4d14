//! The commands: one file each, except related ones.

mod accept;
mod check;
mod create;
mod plan;
mod resolve;
mod run;
mod schema;
mod status;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use migrate_core::database::{DatabaseUrl, MissingFile, with_runner};
use migrate_core::history::DEFAULT_HISTORY_TABLE;
use migrate_core::package::Sources;
use migrate_core::{Code, DialectVersion, Error, ErrorKind, Registry, Runner};

use crate::args::{Args, Command, Options, UpArgs};
use crate::error::{CliError, UsageError};
use crate::exit::Exit;
use crate::interrupt::CancellationGuard;
use crate::output::Output;
use crate::settings::{self, WrittenFor};
use crate::{Cli, output};

/// Warns of migration files of the package that are not compiled. Without the package's sources it does nothing.
fn warn_of_unnamed_files(output: &Output) {
    let linked = Registry::linked();
    let linked = linked.as_ref().map_or(&[][..], Registry::as_slice);
    let warnings = settings::package_directory().map(|package| Sources::of(&package).unnamed_files(linked));
    for warning in warnings.iter().flatten() {
        output.warn(warning);
    }
}

/// Warns of a missing `mod` line if that is the reason why no migration is linked.
fn warn_of_missing_line(failure: &CliError, output: &Output) {
    if let CliError::Core(error) = failure
        && error.kind() == ErrorKind::NoMigrations
    {
        let sources = settings::package_directory().map(|package| Sources::of(&package));
        let sources = sources.filter(|sources| sources.list.is_some());
        if let Some(warning) = sources.as_ref().and_then(crate::scaffold::root_line) {
            output.warn(&warning);
        }
    }
}

/// Returns true if the database exists. Only SQLite paths are checked; every other database counts as existing.
fn exists(database: &DatabaseUrl) -> bool {
    database.path().is_none_or(Path::exists)
}

/// The input of every command.
struct Context<'a> {
    cli: &'a Cli,
    options: &'a Options,
    output: &'a Output,
}

pub(crate) fn run(cli: &Cli, args: Args) -> Exit {
    let command = args.command.unwrap_or_else(|| Command::Up(UpArgs::default()));
    let output = Output::new(command.word(), &args.options);
    let context = Context {
        cli,
        options: &args.options,
        output: &output,
    };
    // `check` reports them as errors.
    if !matches!(command, Command::Check(_)) {
        warn_of_unnamed_files(&output);
    }
    let result = match &command {
        Command::Up(args) => run::up(&context, args),
        Command::Rollback(args) => run::rollback(&context, args),
        Command::Redo { number } => run::redo(&context, *number),
        Command::Fresh => run::fresh(&context),
        Command::Status { exit_code } => status::status(&context, *exit_code),
        Command::Plan(args) => plan::plan(&context, args),
        Command::Schema(args) => schema::schema(&context, args),
        Command::Check(args) => check::check(&context, args),
        Command::Create { name, tables, dialect } => create::create(&context, name, tables, *dialect),
        Command::Accept { version } => accept::accept(&context, version),
        Command::Resolve { version, done } => resolve::resolve(&context, version, *done),
    };
    result.unwrap_or_else(|failure| {
        warn_of_missing_line(&failure, &output);
        output.failure(&failure);
        failure.exit()
    })
}

impl Context<'_> {
    fn database(&self) -> Result<DatabaseUrl, CliError> {
        Ok(settings::database(self.cli, self.options)?)
    }

    /// Returns the dialect of an output that needs no database.
    fn written_for(&self, typed: Option<DialectVersion>) -> Result<WrittenFor, CliError> {
        Ok(settings::written_for(self.cli, self.options, typed)?)
    }

    /// Runs `work` on the database of the settings. A missing SQLite file reads as an empty database.
    fn read<T>(&self, work: impl FnOnce(&mut Runner<'_>) -> Result<T, Error>) -> Result<T, CliError> {
        let database = self.database()?;
        if !exists(&database) {
            self.output.info(format_args!("{database} does not exist yet"));
        }
        self.on_database(&database, MissingFile::ReadAsEmpty, work)
    }

    /// Runs `work` on the database of the settings, and creates a missing SQLite file. `check` runs first on an empty
    /// database, so that no file is created if something is wrong.
    fn write<T>(
        &self,
        check: impl FnOnce(&mut Runner<'_>) -> Result<(), Error>,
        work: impl FnOnce(&mut Runner<'_>) -> Result<T, Error>,
    ) -> Result<T, CliError> {
        let database = self.database()?;
        let is_new = !exists(&database);
        if is_new {
            self.on_database(&database, MissingFile::ReadAsEmpty, check)?;
        }
        let result = self.on_database(&database, MissingFile::Create, work);
        if is_new && exists(&database) {
            self.output.info(format_args!("{database} was created"));
        }
        result
    }

    fn on_database<T>(
        &self,
        url: &DatabaseUrl,
        missing: MissingFile,
        work: impl FnOnce(&mut Runner<'_>) -> Result<T, Error>,
    ) -> Result<T, CliError> {
        with_runner(url, missing, Registry::linked()?, |runner| {
            Ok(work(&mut self.configured(runner)?)?)
        })?
    }

    /// Configures a runner with the options.
    fn configured<'r>(&'r self, runner: Runner<'r>) -> Result<Runner<'r>, Error> {
        let Context { cli, options, output } = self;
        let table = options
            .history_table
            .as_deref()
            .or(cli.default_history_table.as_deref())
            .unwrap_or(DEFAULT_HISTORY_TABLE);
        Ok(runner
            .history_table(table)?
            .lock_timeout(Duration::from_secs(options.lock_timeout.into()))
            .applied_by(settings::who())
            .allow_missing(options.allow_missing)
            .allow_changed(options.allow_changed)
            .strict_order(options.strict_order)
            .single_transaction(options.single_transaction)
            .on_existing(options.on_existing)
            .ignore(cli.ignore.iter().chain(&options.ignore))
            .stop_when(CancellationGuard::is_asked_to_end)
            .observe(|event| output.event(event)))
    }

    /// Starts handling signals: the first Ctrl-C stops the run where it can resume.
    fn stoppable(&self) -> CancellationGuard {
        let is_verbose = self.output.is_verbose_enough();
        CancellationGuard::begin(move || {
            if is_verbose {
                output::print_error("stopping after the current statement; press Ctrl-C again to abort\n");
            }
        })
    }

    /// Asks for confirmation before data is destroyed.
    fn confirm(&self, effect: &str) -> Result<(), CliError> {
        if self.options.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(UsageError::new(
                Code::NOT_CONFIRMED,
                format!("refusing without confirmation: this {effect}"),
                "pass `--yes` to confirm",
            )
            .into());
        }
        let mut terminal = anstream::stderr();
        let _ = write!(terminal, "This {effect}. Continue? [y/N] ").and_then(|()| terminal.flush());
        let mut answer = String::new();
        let answered = io::stdin().lock().read_line(&mut answer);
        match answer.trim() {
            "y" | "Y" | "yes" if answered.is_ok() => Ok(()),
            _ => Err(UsageError::new(
                Code::NOT_CONFIRMED,
                "not confirmed; nothing was changed",
                "answer `y` to continue, or pass `--yes`",
            )
            .into()),
        }
    }
}
