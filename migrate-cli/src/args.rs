//! The command line as data. `settings` and `commands` interpret it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use migrate_core::{DialectVersion, MigrationRef};

/// Migrate the database
#[derive(Debug, Parser)]
#[command(name = "migrate", bin_name = "migrate", version, arg_required_else_help = false)]
pub(crate) struct Program {
    #[command(flatten)]
    pub(crate) args: Args,
}

/// The commands and options of `migrate`, for a subcommand of an application
///
/// See [`Cli::run`](crate::Cli::run).
#[derive(Debug, clap::Args)]
#[command(after_help = "Without a command, `up` runs.\n\
                        Exit codes: 0 success, 1 failure, 2 wrong usage, 3 `status --exit-code` found migrations that are pending, out of order, changed, missing or interrupted, 130 stopped by a signal.")]
pub struct Args {
    #[command(flatten)]
    pub(crate) options: Options,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The options of every command.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Use this database instead of DATABASE_URL, .env or the program's default
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,

    /// Use this history table [default: __migrations]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) history_table: Option<String>,

    /// Wait at most this long for locks of other connections
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) lock_timeout: u32,

    /// Continue although the database has migrations that this program lacks
    #[arg(long, global = true)]
    pub(crate) allow_missing: bool,

    /// Continue although applied migrations have changed
    #[arg(long, global = true)]
    pub(crate) allow_changed: bool,

    /// Refuse to apply a migration that is older than an applied one
    #[arg(long, global = true)]
    pub(crate) strict_order: bool,

    /// Make the first run on a database that is not empty
    #[arg(long, global = true)]
    pub(crate) on_existing: bool,

    /// Leave these tables and views of others out of account on the first run; `*` stands for any text
    #[arg(long, global = true, value_name = "NAME", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,

    /// Run everything in one transaction (SQLite and PostgreSQL)
    #[arg(long, global = true)]
    pub(crate) single_transaction: bool,

    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print only results, warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print each step as it runs
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// Do not ask for confirmation before destroying data (required without a terminal)
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Apply pending migrations
    Up(UpArgs),

    /// Roll back the last batch, or the migrations that the options select
    Rollback(RollbackArgs),

    /// Roll back the last migration and apply it again
    Redo {
        /// Redo the last N migrations
        #[arg(long, short, value_name = "N", default_value_t = 1)]
        number: usize,
    },

    /// List all migrations and their states; writes nothing
    Status {
        /// Exit with 3 if a migration is pending, out of order, changed, missing or interrupted
        #[arg(long)]
        exit_code: bool,
    },

    /// Print the SQL that would run; writes nothing
    Plan(PlanArgs),

    /// Create a migration in the sources of the package
    Create {
        /// The name in snake case, such as add_avatar_to_users
        name: String,

        /// Create a Rust step for the rows of these tables, separated by commas, with a copy of their current
        /// definitions
        #[arg(long, value_name = "TABLE", value_delimiter = ',')]
        tables: Vec<String>,

        /// Use the column types of this database [default: from the database URL, else the only database that this
        /// program supports, else sqlite]
        #[arg(long, value_name = "DIALECT", requires = "tables")]
        dialect: Option<DialectVersion>,
    },

    /// Print the schema as Diesel's schema.rs, a diagram, SQL or JSON; needs no database
    Schema(SchemaArgs),

    /// Check the migrations, migrations.sum and src/schema.rs; needs no database
    Check(CheckArgs),

    /// Drop everything in the database (on PostgreSQL, in the connection's schema) and apply all migrations
    Fresh,

    /// Accept a changed migration: record its current checksum
    Accept {
        /// The version, or group:version
        version: MigrationRef,
    },

    /// Show the steps of an interrupted migration, or record how many of them completed
    Resolve {
        /// The version, or group:version
        version: MigrationRef,

        /// Record that the first COUNT steps completed; with 0 the migration counts as never started, with all its
        /// steps as finished
        #[arg(long, value_name = "COUNT")]
        done: Option<usize>,
    },
}

impl Command {
    /// The name of the command, also when it is the default.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Command::Up(_) => "up",
            Command::Rollback(_) => "rollback",
            Command::Redo { .. } => "redo",
            Command::Status { .. } => "status",
            Command::Plan(_) => "plan",
            Command::Create { .. } => "create",
            Command::Schema(_) => "schema",
            Command::Check(_) => "check",
            Command::Fresh => "fresh",
            Command::Accept { .. } => "accept",
            Command::Resolve { .. } => "resolve",
        }
    }
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct UpArgs {
    /// Apply pending migrations up to and including this version
    #[arg(long, value_name = "VERSION", conflicts_with = "number")]
    pub(crate) to: Option<MigrationRef>,

    /// Apply the next N pending migrations
    #[arg(long, short, value_name = "N")]
    pub(crate) number: Option<usize>,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct RollbackArgs {
    /// Roll back everything that was applied after this version, which stays applied
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["number", "all"])]
    pub(crate) to: Option<MigrationRef>,

    /// Roll back the last N migrations
    #[arg(long, short, value_name = "N", conflicts_with = "all")]
    pub(crate) number: Option<usize>,

    /// Roll back all migrations
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PlanArgs {
    /// Show what `rollback` would run
    #[arg(long)]
    pub(crate) down: bool,

    /// Plan up to and including this version; with --down, roll back to this version, which stays applied
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["number", "all"])]
    pub(crate) to: Option<MigrationRef>,

    /// Plan the next N migrations; with --down, the last N
    #[arg(long, short, value_name = "N", conflicts_with = "all")]
    pub(crate) number: Option<usize>,

    /// Plan all migrations; with --down, all that are applied instead of the last batch
    #[arg(long)]
    pub(crate) all: bool,

    /// Plan all migrations for an empty database of this kind, without a connection: sqlite, postgres, mysql, mariadb,
    /// or with a version, such as postgres:15
    #[arg(long, value_name = "DIALECT", conflicts_with_all = ["to", "number", "all", "database_url"])]
    pub(crate) dialect: Option<DialectVersion>,
}

/// The output format of a schema.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// Diesel's schema.rs
    Diesel,
    /// A Mermaid entity-relationship diagram
    Mermaid,
    /// The SQL that creates the schema in one go
    Sql,
    /// The whole schema, as JSON
    Json,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SchemaArgs {
    /// Print the schema after this migration instead of the newest
    #[arg(long, value_name = "VERSION")]
    pub(crate) at: Option<MigrationRef>,

    /// Print the schema in this format
    #[arg(long, value_enum, default_value_t = Format::Diesel)]
    pub(crate) format: Format,

    /// Write the schema to this file, such as src/schema.rs, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,

    /// Print the schema of this database [default: from the database URL, else the only database that this program
    /// supports, else sqlite]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<DialectVersion>,

    /// Map SQLite's integer primary key to BigInt, as Diesel's setting of this name does
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) sqlite_integer_primary_key_is_bigint: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Write new migrations to migrations.sum, and rewrite src/schema.rs if it is generated; with versions, also update
    /// these changed migrations or remove these deleted ones
    #[arg(long, value_name = "VERSION", num_args = 0..)]
    pub(crate) update: Option<Vec<MigrationRef>>,

    /// Check the migrations for these databases, separated by commas [default: from the database URL, else the only
    /// database that this program supports, else sqlite]
    #[arg(long = "dialect", value_name = "DIALECT", value_delimiter = ',')]
    pub(crate) dialects: Vec<DialectVersion>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Program;

    #[test]
    fn the_command_line_is_consistent() {
        Program::command().debug_assert();
    }
}
