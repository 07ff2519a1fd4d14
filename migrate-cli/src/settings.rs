//! Resolves the settings from the arguments, the environment and the program's defaults. Only this file reads the
//! environment.

use std::path::{Path, PathBuf};

use migrate_core::database::{self, DatabaseUrl, InvalidDatabaseUrl};
use migrate_core::{Code, Dialect, DialectVersion};

use crate::Cli;
use crate::args::Options;
use crate::error::UsageError;

/// Returns the database of the settings, or an error if there is none.
pub(crate) fn database(cli: &Cli, options: &Options) -> Result<DatabaseUrl, UsageError> {
    named(cli, options)?.ok_or_else(|| {
        UsageError::new(
            Code::NO_DATABASE_URL,
            "no database URL is set",
            "pass `--database-url app.db`, or set DATABASE_URL in the environment or in `.env`",
        )
    })
}

/// Returns the database of `--database-url`, else `DATABASE_URL`, else `.env`, else the program's default.
fn named(cli: &Cli, options: &Options) -> Result<Option<DatabaseUrl>, UsageError> {
    let url = match &options.database_url {
        Some(url) => Some(url.clone()),
        None => match std::env::var("DATABASE_URL") {
            Ok(url) if !url.is_empty() => Some(url),
            Ok(_) | Err(std::env::VarError::NotPresent) => match from_dot_env()? {
                Some((url, directory)) => return Ok(Some(parse_url(&url)?.relative_to(&directory))),
                None => cli.default_database_url.clone(),
            },
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(UsageError::new(
                    Code::INVALID_DATABASE_URL,
                    "DATABASE_URL is not valid UTF-8",
                    "set it to a database URL",
                ));
            }
        },
    };
    url.as_deref().map(parse_url).transpose()
}

/// The dialect of an output that needs no database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenFor {
    pub(crate) dialect: DialectVersion,
    /// The reason for the choice, if there was one and `--dialect` did not make it.
    because: Option<&'static str>,
}

impl WrittenFor {
    /// Returns the choice as a note, such as `sqlite, from the database URL; ..`.
    pub(crate) fn note(&self) -> Option<String> {
        let because = self.because?;
        let name = self.dialect.name();
        Some(format!("{name}, {because}; pass `--dialect` for another"))
    }
}

/// Returns the dialect: `typed`, else that of the database URL, else the only database that this program supports, else
/// SQLite.
pub(crate) fn written_for(
    cli: &Cli,
    options: &Options,
    typed: Option<DialectVersion>,
) -> Result<WrittenFor, UsageError> {
    if let Some(dialect) = typed {
        let because = None;
        return Ok(WrittenFor { dialect, because });
    }
    let (name, because) = match (named(cli, options)?, database::enabled()) {
        (Some(url), _) => (url.dialect(), "from the database URL"),
        (None, [one]) => (one[0], "the only enabled database"),
        (None, _) => (Dialect::DEFAULT, "the default without a database URL"),
    };
    // A URL may name one of several dialects of its connection type, so that choice is always reported.
    let is_the_only_one = database::enabled() == [[name]];
    Ok(WrittenFor {
        dialect: name.into(),
        because: (!is_the_only_one).then_some(because),
    })
}

/// Returns the URL in the nearest `.env` upwards, and the directory of that file, which is empty for the current
/// directory.
fn from_dot_env() -> Result<Option<(String, PathBuf)>, UsageError> {
    // Not dotenvy's own message: it repeats the line, which may contain a password.
    let unreadable = |why: &str| {
        UsageError::new(
            Code::INVALID_ENV_FILE,
            format!("`.env` cannot be read: {why}"),
            "fix the file, or remove it",
        )
    };
    let here = std::env::current_dir().unwrap_or_default();
    let Some(directory) = here.ancestors().find(|directory| directory.join(".env").is_file()) else {
        return Ok(None);
    };
    let pairs = dotenvy::from_path_iter(directory.join(".env")).map_err(|_| unreadable("the file cannot be opened"))?;
    let mut url = None;
    for pair in pairs {
        let (key, value) = pair.map_err(|_| unreadable("a line is not KEY=value"))?;
        if key == "DATABASE_URL" && !value.is_empty() && url.is_none() {
            url = Some(value);
        }
    }
    let directory = if directory == here { Path::new("") } else { directory };
    Ok(url.map(|url| (url, directory.to_owned())))
}

fn parse_url(url: &str) -> Result<DatabaseUrl, UsageError> {
    url.parse().map_err(|error: InvalidDatabaseUrl| {
        UsageError::new(Code::INVALID_DATABASE_URL, error.to_string(), error.help())
    })
}

/// Returns the directory of the user's package: `CARGO_MANIFEST_DIR`, or the current directory if it has a
/// `Cargo.toml`.
pub(crate) fn package_directory() -> Option<PathBuf> {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(directory) => Some(PathBuf::from(directory)),
        None => Path::new("Cargo.toml").exists().then(|| PathBuf::from(".")),
    }
}

/// Returns `user@host`, for history.
pub(crate) fn who() -> String {
    let unknown = |_| "unknown".to_owned();
    format!(
        "{}@{}",
        whoami::username().unwrap_or_else(unknown),
        whoami::hostname().unwrap_or_else(unknown)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_output_uses_the_configured_dialect() {
        for (url, name) in [
            ("app.db", Dialect::Sqlite),
            ("postgres://h/db", Dialect::Postgres),
            ("MySQL://h/db", Dialect::MySql),
            ("mariadb://h/db", Dialect::MariaDb),
        ] {
            let options = Options {
                database_url: Some(url.to_owned()),
                ..Options::default()
            };
            let found = |typed| written_for(&Cli::new(), &options, typed).unwrap();
            assert_eq!(found(None).dialect, name.into());
            let typed = "postgres:15".parse().unwrap();
            assert_eq!(found(Some(typed)).dialect, typed);
            assert_eq!(found(Some(typed)).note(), None);
        }
    }
}
