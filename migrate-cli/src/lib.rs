//! The command line of a package's migrations, as a library.
//!
//! A package that has migrations gets its own `migrate` command with a file of one line, `src/bin/migrate.rs`:
//!
//! ```no_run
//! migrate_cli::main!();
//! ```
//!
//! With the migrations in a library, name it, so that it is linked: `migrate_cli::main!(blog);`. Settings of [`Cli`]
//! follow a semicolon: `migrate_cli::main!(blog; default_database_url = "blog.db");`.
//!
//! An application can have the verbs as a subcommand of its own binary as well: see [`Cli::run`].
//!
//! What is done is [`migrate_core`]'s; this crate reads what was typed, the environment and the terminal, and prints.
//!
//! # Exit codes
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, or nothing to do |
//! | 1 | failed |
//! | 2 | wrong usage: an unknown command, a malformed URL, a version that does not exist |
//! | 3 | `status --exit-code`: something is pending, changed, missing or interrupted |
//! | 130 | stopped by Ctrl-C or SIGTERM before all was done; what is done is in history |

#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(
        dead_code,
        unused_imports,
        unused_variables,
        reason = "without a driver there is nothing to run on"
    )
)]

mod args;
mod commands;
mod connection;
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

/// Settings of a `migrate` command, and its start.
#[derive(Clone, Debug, Default)]
pub struct Cli {
    default_database_url: Option<String>,
    default_history_table: Option<String>,
}

impl Cli {
    /// A command without settings.
    #[must_use]
    pub fn new() -> Cli {
        Cli::default()
    }

    /// The database to use when neither `--database-url`, `DATABASE_URL` nor `.env` names one.
    #[must_use]
    pub fn default_database_url(mut self, url: impl Into<String>) -> Cli {
        self.default_database_url = Some(url.into());
        self
    }

    /// The history table to use when `--history-table` does not name one.
    #[must_use]
    pub fn default_history_table(mut self, name: impl Into<String>) -> Cli {
        self.default_history_table = Some(name.into());
        self
    }

    /// Reads the command line, does what it says, and returns the exit code. [`main!`](crate::main) calls this.
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

    /// Does what the arguments say: for an application that has the verbs as a subcommand of its own.
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

/// The whole of a `src/bin/migrate.rs`: links the crates that it names, and runs the command.
///
/// ```ignore
/// migrate_cli::main!(blog);                                          // the migrations are in a library
/// migrate_cli::main!(blog, jobs; default_database_url = "blog.db");  // in two, with settings of `Cli`
/// migrate_cli::main!();                                              // they are modules of this binary
/// migrate_cli::main!(default_database_url = "blog.db");              // the same, with a setting
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
