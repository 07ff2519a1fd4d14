//! The verbs: one file each, or together where they are the same work.

mod accept;
mod check;
mod create;
mod plan;
mod resolve;
mod run;
mod schema;
mod status;

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use migrate_core::__private::source_files::Sources;
use migrate_core::{DEFAULT_HISTORY_TABLE, DialectVersion, Error, ErrorKind, Registry, Runner};

use crate::args::{Args, Options, UpArgs, Verb};
use crate::connection::{Work, with_runner};
use crate::exit::Exit;
use crate::failure::{Failure, UsageError};
use crate::interrupt::AtWork;
use crate::output::Output;
use crate::settings::{self, Database, WrittenFor};
use crate::{Cli, connection, output};

/// Warns of each migration file of the package that is not compiled. A program that runs outside its package has none.
fn warn_of_unnamed_files(output: &Output) {
    let linked = Registry::linked();
    let linked = linked.as_ref().map_or(&[][..], Registry::as_slice);
    let sentences = settings::package_directory().map(|package| Sources::of(&package).unnamed_files(linked));
    for sentence in sentences.into_iter().flatten() {
        output.warn(sentence);
    }
}

/// If nothing is linked, and that is because this package lacks a line: warns of it.
fn warn_of_missing_line(failure: &Failure, output: &Output) {
    if let Failure::Core(error) = failure
        && error.kind() == ErrorKind::NoMigrations
    {
        let sources = settings::package_directory().map(|package| Sources::of(&package));
        let sources = sources.filter(|sources| sources.list.is_some());
        if let Some(line) = sources.as_ref().and_then(crate::scaffold::root_line) {
            output.warn(line);
        }
    }
}

/// What every verb works with.
struct Context<'a> {
    cli: &'a Cli,
    options: &'a Options,
    output: &'a Output,
}

pub(crate) fn run(cli: &Cli, args: Args) -> Exit {
    let verb = args.verb.unwrap_or_else(|| Verb::Up(UpArgs::default()));
    let output = Output::new(verb.word(), &args.options);
    let context = Context {
        cli,
        options: &args.options,
        output: &output,
    };
    // `check` finds them itself, and fails.
    if !matches!(verb, Verb::Check(_)) {
        warn_of_unnamed_files(&output);
    }
    let result = match &verb {
        Verb::Up(args) => run::up(&context, args),
        Verb::Rollback(args) => run::rollback(&context, args),
        Verb::Redo { steps } => run::redo(&context, *steps),
        Verb::Fresh => run::fresh(&context),
        Verb::Status { exit_code } => status::status(&context, *exit_code),
        Verb::Plan(args) => plan::plan(&context, args),
        Verb::Schema(args) => schema::schema(&context, args),
        Verb::Check(args) => check::check(&context, args),
        Verb::Create { name, tables, dialect } => create::create(&context, name, tables, *dialect),
        Verb::Accept { version } => accept::accept(&context, version),
        Verb::Repair { version, done } => resolve::repair(&context, version, *done),
    };
    result.unwrap_or_else(|failure| {
        warn_of_missing_line(&failure, &output);
        output.failure(&failure);
        failure.exit()
    })
}

impl Context<'_> {
    fn database(&self) -> Result<Database, Failure> {
        Ok(settings::database(self.cli, self.options)?)
    }

    /// The kind of database that something is written for; no database is opened.
    fn written_for(&self, typed: Option<DialectVersion>) -> Result<WrittenFor, Failure> {
        Ok(settings::written_for(self.cli, self.options, typed)?)
    }

    /// Works on the database that the settings name; one that does not exist yet reads as empty.
    fn read<T>(&self, work: impl FnOnce(&mut Runner<'_>) -> Result<T, Error>) -> Result<T, Failure> {
        let database = self.database()?;
        if !connection::exists(&database) {
            self.output.talk(format_args!("{database} does not exist yet"));
        }
        self.on_database(&database, false, work)
    }

    /// Works on the database that the settings name, and makes it if it does not exist yet. `check` sees it first, as it
    /// is, so that nothing is made if there is something wrong.
    fn write<T>(
        &self,
        check: impl FnOnce(&mut Runner<'_>) -> Result<(), Error>,
        work: impl FnOnce(&mut Runner<'_>) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let database = self.database()?;
        let is_new = !connection::exists(&database);
        if is_new {
            self.on_database(&database, false, check)?;
        }
        let result = self.on_database(&database, true, work);
        if is_new && connection::exists(&database) {
            self.output.talk(format_args!("{database} was made"));
        }
        result
    }

    fn on_database<T>(
        &self,
        database: &Database,
        creates: bool,
        work: impl FnOnce(&mut Runner<'_>) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        with_runner(
            database,
            Registry::linked()?,
            creates,
            Configured { context: self, work },
        )?
    }

    /// From here on, the first Ctrl-C lets the run end where it can be taken up again.
    fn stoppable(&self) -> AtWork {
        let speaks = self.output.speaks();
        AtWork::begin(move || {
            if speaks {
                output::print_error("stopping: what is in flight is finished first; once more ends it at once\n");
            }
        })
    }

    /// Asks before something is destroyed.
    fn confirm(&self, what: &str) -> Result<(), Failure> {
        if self.options.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(UsageError::new(
                format!("{what}, and there is no terminal to ask on"),
                "add `--yes` if that is meant",
            )
            .into());
        }
        let mut terminal = anstream::stderr();
        let _ = write!(terminal, "{what}. Go on? [y/N] ").and_then(|()| terminal.flush());
        let mut answer = String::new();
        let answered = io::stdin().lock().read_line(&mut answer);
        match answer.trim() {
            "y" | "Y" | "yes" if answered.is_ok() => Ok(()),
            _ => Err(UsageError::new("nothing was done", "answer y to go on").into()),
        }
    }
}

/// A piece of work on a runner that is set as the options say.
struct Configured<'a, F> {
    context: &'a Context<'a>,
    work: F,
}

impl<T, F> Work for Configured<'_, F>
where
    F: FnOnce(&mut Runner<'_>) -> Result<T, Error>,
{
    type Output = Result<T, Failure>;

    fn work(self, runner: Runner<'_>) -> Result<T, Failure> {
        let Context { cli, options, output } = self.context;
        let table = options
            .history_table
            .as_deref()
            .or(cli.default_history_table.as_deref())
            .unwrap_or(DEFAULT_HISTORY_TABLE);
        let mut runner = runner
            .history_table(table)?
            .lock_timeout(Duration::from_secs(options.lock_timeout.into()))
            .applied_by(settings::who())
            .allow_missing(options.allow_missing)
            .allow_changed(options.allow_changed)
            .strict_order(options.strict_order)
            .single_transaction(options.single_transaction)
            .stop_when(AtWork::is_asked_to_end)
            .observe(|event| output.event(event));
        Ok((self.work)(&mut runner)?)
    }
}
