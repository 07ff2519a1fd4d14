//! The `migrate` command line of a package, as a library.
//!
//! A package with migrations gets its own `migrate` command from one line in `src/bin/migrate.rs`:
//!
//! ```no_run
//! migrate_cli::main!();
//! ```
//!
//! If a library holds the migrations, name it in the macro, which links it: `migrate_cli::main!(blog);`. Settings of
//! [`Cli`] follow a semicolon: `migrate_cli::main!(blog; default_database_url = "blog.db");`.
//!
//! An application can also offer the commands under a subcommand of its own binary: see [`Cli::run`].
//!
//! [`migrate_core`] runs the migrations. This crate reads the arguments, the environment and the terminal, and prints.
//!
//! # Exit codes
//!
//! | code | meaning |
//! |---|---|
//! | 0 | success, or nothing to do |
//! | 1 | failure |
//! | 2 | wrong usage: an unknown command, a malformed URL, an unknown version, a confirmation that was not given |
//! | 3 | `status --exit-code`: a migration is pending, out of order, changed, missing or interrupted |
//! | 130 | stopped by Ctrl-C, SIGTERM or SIGHUP; history contains the completed migrations |

mod advice;
mod args;
mod commands;
mod error;
mod exit;
mod files;
mod interrupt;
mod json;
mod output;
mod scaffold;
mod settings;

pub use args::Args;
pub use exit::Exit;

use clap::Parser;

/// The settings and the entry point of a `migrate` command.
#[derive(Clone, Debug, Default)]
pub struct Cli {
    default_database_url: Option<String>,
    default_history_table: Option<String>,
    ignore: Vec<String>,
}

impl Cli {
    /// Creates a command without settings.
    #[must_use]
    pub fn new() -> Cli {
        Cli::default()
    }

    /// Sets the database for runs in which neither `--database-url` nor `DATABASE_URL` nor `.env` names one. Default:
    /// none.
    ///
    /// The text is a database URL or a SQLite path, as for `--database-url`.
    #[must_use]
    pub fn default_database_url(mut self, url: impl Into<String>) -> Cli {
        self.default_database_url = Some(url.into());
        self
    }

    /// Sets the history table for runs without `--history-table`. Default: `__migrations`.
    ///
    /// An invalid name makes the command fail with exit code 2.
    #[must_use]
    pub fn default_history_table(mut self, name: impl Into<String>) -> Cli {
        self.default_history_table = Some(name.into());
        self
    }

    /// Names tables and views of others that the first run leaves out of account, besides those of `--ignore`: see
    /// [`Runner::ignore`](migrate_core::Runner::ignore). Default: none.
    #[must_use]
    pub fn ignore(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Cli {
        self.ignore.extend(names.into_iter().map(Into::into));
        self
    }

    /// Parses the command line, runs the command, and returns the exit code. [`main!`](crate::main) calls this.
    #[must_use]
    pub fn main(self) -> std::process::ExitCode {
        match args::Program::try_parse() {
            Ok(program) => self.run(program.args).into(),
            Err(usage) => {
                output::print_usage(&usage);
                if usage.use_stderr() { Exit::Usage } else { Exit::Done }.into()
            }
        }
    }

    /// Runs the command in `args`. Use it to offer the commands under a subcommand of an application.
    ///
    /// ```no_run
    /// use clap::Parser;
    ///
    /// #[derive(Parser)]
    /// enum App {
    ///     /// Serve requests.
    ///     Serve,
    ///     /// Migrate the database.
    ///     Migrate(migrate_cli::Args),
    /// }
    ///
    /// fn main() -> std::process::ExitCode {
    ///     match App::parse() {
    ///         App::Serve => std::process::ExitCode::SUCCESS,
    ///         App::Migrate(args) => migrate_cli::Cli::new().run(args).into(),
    ///     }
    /// }
    /// ```
    pub fn run(self, args: Args) -> Exit {
        commands::run(&self, args)
    }
}

/// Generates `fn main` for `src/bin/migrate.rs`, which links the named crates and runs the command.
///
/// Settings are methods of [`Cli`].
///
/// ```ignore
/// migrate_cli::main!(blog);                                          // a library holds the migrations
/// migrate_cli::main!(blog, jobs; default_database_url = "blog.db");  // two libraries, with a setting of `Cli`
/// migrate_cli::main!();                                              // modules of this binary hold the migrations
/// migrate_cli::main!(default_database_url = "blog.db");              // likewise, with a setting
/// ```
#[macro_export]
macro_rules! main {
    ($($linked:ident),* $(,)? $(; $($setting:ident = $value:expr),+ $(,)?)?) => {
        $(use $linked as _;)*

        fn main() -> ::std::process::ExitCode {
            $crate::Cli::new()$($(.$setting($value))+)?.main()
        }
    };
    ($($setting:ident = $value:expr),+ $(,)?) => {
        $crate::main!(; $($setting = $value),+);
    };
}
