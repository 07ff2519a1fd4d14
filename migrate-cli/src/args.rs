//! What can be typed. Data only; what it means is decided in `settings` and `commands`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use migrate_core::{DialectVersion, MigrationRef};

/// Migrates the database.
#[derive(Debug, Parser)]
#[command(name = "migrate", bin_name = "migrate", version, arg_required_else_help = false)]
pub(crate) struct Program {
    #[command(flatten)]
    pub(crate) args: Args,
}

/// The verbs and options, as an application can have them under a subcommand of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "Without a command, `up` is meant.\n\
                        Exit codes: 0 done, 1 failed, 2 wrong usage, 3 `status --exit-code` with something pending, changed, missing or interrupted, 130 stopped by Ctrl-C or SIGTERM.")]
pub struct Args {
    #[command(flatten)]
    pub(crate) options: Options,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options of every command.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The database; before DATABASE_URL, `.env` and the program's default
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,

    /// The history table [default: __migrations]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) history_table: Option<String>,

    /// How long to wait for another connection's lock
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) lock_timeout: u32,

    /// Go on although the database has migrations that this program does not
    #[arg(long, global = true)]
    pub(crate) allow_missing: bool,

    /// Go on although migrations were changed after they had been applied
    #[arg(long, global = true)]
    pub(crate) allow_changed: bool,

    /// Refuse to apply a migration that is older than one that has been applied
    #[arg(long, global = true)]
    pub(crate) strict_order: bool,

    /// Do all that is to be done in one transaction, or nothing of it
    #[arg(long, global = true)]
    pub(crate) single_transaction: bool,

    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print results and errors only
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print each step as it runs
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// Do not ask before something is destroyed (needed where there is no terminal to ask on)
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Apply what is pending
    Up(UpArgs),

    /// Roll back what the last run applied, or as much as is said
    Rollback(RollbackArgs),

    /// Roll the last migration back and apply it again
    Redo {
        /// The last so many instead of one
        #[arg(long, short, value_name = "N", default_value_t = 1)]
        number: usize,
    },

    /// List all migrations and their state; writes nothing
    Status {
        /// Exit with 3 if something is pending, changed, missing or interrupted
        #[arg(long)]
        exit_code: bool,
    },

    /// Show what would run, with its SQL; writes nothing
    Plan(PlanArgs),

    /// Write a new migration into the package's sources
    Create {
        /// What it does, such as add_avatar_to_users
        name: String,

        /// For a step in Rust on the rows of these tables, with the tables as they are now
        #[arg(long, value_name = "TABLE", value_delimiter = ',')]
        tables: Vec<String>,

        /// With the types of this kind of database [default: that of the database URL, else the one that this program is built for, else sqlite]
        #[arg(long, value_name = "DIALECT", requires = "tables")]
        dialect: Option<DialectVersion>,
    },

    /// Print Diesel's schema.rs, a picture, SQL or JSON, from the migrations alone; no database is needed
    Schema(SchemaArgs),

    /// Check that the migrations, migrations.sum and schema.rs are right; no database is needed
    Check(CheckArgs),

    /// Drop everything in the database, on PostgreSQL in the connection's schema, and apply all migrations
    Fresh,

    /// Declare that a changed migration is right as it is
    Accept {
        /// The migration's version, or group:version
        version: MigrationRef,
    },

    /// Record how many steps of an interrupted migration have happened
    Resolve {
        /// The migration's version, or group:version
        version: MigrationRef,

        /// How many of its steps have happened: none, and it counts as never begun; all, and it counts as finished. Without it, its steps are shown and nothing is written
        #[arg(long, value_name = "COUNT")]
        done: Option<usize>,
    },
}

impl Command {
    /// The word that was typed for it.
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
    /// Up to this version, included
    #[arg(long, value_name = "VERSION", conflicts_with = "number")]
    pub(crate) to: Option<MigrationRef>,

    /// The next so many
    #[arg(long, short, value_name = "N")]
    pub(crate) number: Option<usize>,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct RollbackArgs {
    /// Everything that was applied after this version, which stays
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["number", "all"])]
    pub(crate) to: Option<MigrationRef>,

    /// The last so many
    #[arg(long, short, value_name = "N", conflicts_with = "all")]
    pub(crate) number: Option<usize>,

    /// Everything
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PlanArgs {
    /// What `rollback` would run, instead of `up`
    #[arg(long)]
    pub(crate) down: bool,

    /// Up to this version; with --down, back to it
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["number", "all"])]
    pub(crate) to: Option<MigrationRef>,

    /// At most so many migrations
    #[arg(long, short, value_name = "N", conflicts_with = "all")]
    pub(crate) number: Option<usize>,

    /// Everything; with --down, all that is applied instead of the last batch
    #[arg(long)]
    pub(crate) all: bool,

    /// All migrations on an empty database of this kind, without a connection: sqlite, postgres, mysql, mariadb, or with a version, postgres:15
    #[arg(long, value_name = "DIALECT", conflicts_with_all = ["to", "number", "all", "database_url"])]
    pub(crate) dialect: Option<DialectVersion>,
}

/// As what a schema is printed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// Diesel's schema.rs
    Diesel,
    /// An entity-relationship diagram
    Mermaid,
    /// The statements that would make it at once
    Sql,
    /// All that is known of it
    Json,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SchemaArgs {
    /// After this migration instead of the newest
    #[arg(long, value_name = "VERSION")]
    pub(crate) at: Option<MigrationRef>,

    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Diesel)]
    pub(crate) format: Format,

    /// Keep it in this file, such as src/schema.rs, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,

    /// As it is on this kind of database [default: that of the database URL, else the one that this program is built for, else sqlite]
    #[arg(long, value_name = "DIALECT")]
    pub(crate) dialect: Option<DialectVersion>,

    /// Whether the rowid of SQLite is a BigInt, as in Diesel's setting of this name
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) sqlite_integer_primary_key_is_bigint: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Write the checksums of new migrations into migrations.sum, and src/schema.rs if it is kept; with versions, also of these that were changed or taken away
    #[arg(long, value_name = "VERSION", num_args = 0..)]
    pub(crate) update: Option<Vec<MigrationRef>>,

    /// The kinds of database that the migrations are meant for [default: that of the database URL, else the one that this program is built for, else sqlite]
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
