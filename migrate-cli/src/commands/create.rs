//! `create`: writes a new migration into the sources of the package.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use heck::{ToSnakeCase, ToUpperCamelCase};
use migrate_core::database;
use migrate_core::export::DieselOptions;
use migrate_core::migration::DEFAULT_GROUP;
use migrate_core::package::{CHECKSUM_FILE, ChecksumFile, Sources};
use migrate_core::{Code, DialectVersion, MigrationId, Registry, SchemaSnapshot, Version};

use super::Context;
use crate::error::{CliError, UsageError};
use crate::exit::Exit;
use crate::files;
use crate::json::Body;
use crate::scaffold;
use crate::settings::{self, WrittenFor};

pub(super) fn create(
    context: &Context<'_>,
    name: &str,
    tables: &[String],
    dialect: Option<DialectVersion>,
) -> Result<Exit, CliError> {
    let name = checked(name)?;
    let frozen = match tables {
        [] => None,
        tables => Some(Frozen::of(tables, &context.written_for(dialect)?)?),
    };
    let Some(package) = settings::package_directory() else {
        return Err(UsageError::new(
            Code::NOT_A_PACKAGE,
            "the current directory is not a Cargo package",
            "run the command with `cargo run --bin migrate -- create NAME`",
        )
        .into());
    };
    let sources = Sources::of(&package);
    let lock = package.join(CHECKSUM_FILE);
    let is_first = sources.newest().is_none();
    // Read before anything is written, so that an unreadable file changes nothing.
    let checksum_file = checksum_file(&lock, is_first)?;
    let version = next_version(&sources)?;
    let module = format!("m{version}_{name}");
    let before = fs::read_to_string(&lock).ok();
    // Written first, because it is the easiest file to restore.
    if let Some(mut checksum_file) = checksum_file {
        let group = DEFAULT_GROUP;
        checksum_file.reserve(MigrationId { group, version }, &name);
        files::replace(&lock, &checksum_file.to_string()).map_err(|error| not_kept(&lock, &error))?;
    }
    let added = scaffold::add(&sources, &module, &template(version, &name, frozen.as_ref())).map_err(|error| {
        // The first error is reported, not this one.
        let _ = match before {
            Some(before) => files::keep(&lock, &before).map(drop),
            None => fs::remove_file(&lock),
        };
        CliError::File {
            code: Code::CANNOT_WRITE_FILE,
            message: format!("migration {module} cannot be written"),
            cause: error.to_string(),
            help: "check the permissions and files of src/migrations".to_owned(),
        }
    })?;
    let file = added.file.display().to_string();
    for left in &added.left_to_do {
        context.output.warn(left);
    }
    context.output.document(|| Body::Created {
        version: version.to_string(),
        file: file.clone(),
    });
    context.output.print(format_args!("created {file}"));
    if let Some(note) = frozen.and_then(|frozen| frozen.note) {
        context.output.info(format_args!("the column types are for {note}"));
    }
    if is_first && lock.is_file() {
        context.output.info(format_args!(
            "created {}, the file of checksums: commit it, or delete it to work without checksums",
            lock.display()
        ));
    }
    context
        .output
        .info("next: write the steps, review them with `migrate plan`, apply them with `migrate up`");
    Ok(Exit::Done)
}

/// Returns the checksum file, which gets a line per migration, so that branches that add migrations conflict in it. The
/// first migration creates the file; later ones use it only if it exists.
fn checksum_file(file: &Path, is_first: bool) -> Result<Option<ChecksumFile>, CliError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(ChecksumFile::parse(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(is_first.then(ChecksumFile::default)),
        Err(error) => Err(not_kept(file, &error)),
    }
}

fn not_kept(file: &Path, error: &io::Error) -> CliError {
    CliError::File {
        code: Code::CANNOT_WRITE_FILE,
        message: format!("{} cannot be updated", file.display()),
        cause: error.to_string(),
        help: "check its permissions, or restore it from version control".to_owned(),
    }
}

/// Returns the name if it is valid in a module name.
fn checked(name: &str) -> Result<String, UsageError> {
    let is_right = !name.is_empty()
        && name.len() <= 100
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_lowercase());
    if is_right {
        return Ok(name.to_owned());
    }
    let ascii: String = name
        .chars()
        .take(80)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let near = ascii.to_snake_case();
    let near = near.trim_matches(|c: char| c == '_' || c.is_ascii_digit());
    Err(UsageError::new(
        Code::INVALID_MIGRATION_NAME,
        format!("{name:?} is not a name in snake case"),
        match near {
            "" => "use a name such as add_avatar_to_users".to_owned(),
            near => format!("use a name such as {near}"),
        },
    ))
}

/// The content of a migration with a Rust step on rows.
struct Frozen {
    /// The `table!` of each table at the newest version.
    tables: String,
    /// The connection type, or `None` if the program supports several.
    connection: Option<&'static str>,
    /// A note about the dialect, if it was not typed.
    note: Option<String>,
}

impl Frozen {
    fn of(tables: &[String], written_for: &WrittenFor) -> Result<Frozen, CliError> {
        let dialect = written_for.dialect;
        let schema = SchemaSnapshot::latest(&Registry::linked()?, dialect)?;
        let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
        Ok(Frozen {
            tables: schema.diesel_tables(&tables, &DieselOptions::default())?,
            connection: (database::enabled().len() < 2).then(|| dialect.name().connection_name()),
            note: written_for.note(),
        })
    }
}

/// Returns the current time in UTC as a version, or the newest version plus one if that is greater.
fn next_version(sources: &Sources) -> Result<Version, CliError> {
    let now = utc(SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs());
    // A package without migrations has none linked.
    let linked = Registry::linked().ok().and_then(|registry| {
        registry
            .iter()
            .filter(|migration| migration.group() == DEFAULT_GROUP)
            .map(|migration| migration.version())
            .max()
    });
    let newest = linked.max(sources.newest()).map_or(0, Version::as_i64);
    let too_high = |_| {
        CliError::from(UsageError::new(
            Code::NO_HIGHER_VERSION,
            format!("no version is left after {newest}"),
            "give the newest migration a lower version",
        ))
    };
    let now = now.parse::<Version>().map_err(too_high)?.as_i64();
    let next = if newest < now { now } else { newest.saturating_add(1) };
    match Version::try_from(next) {
        Ok(version) if next > newest => Ok(version),
        _ => Err(too_high(migrate_core::error::InvalidVersion)),
    }
}

/// Returns a time in seconds since 1970 as `YYYYMMDDhhmmss`. The date follows
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn utc(seconds: u64) -> String {
    // Days since 0000-03-01, so that the leap day is the last day of a year.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
}

/// Names that the struct cannot have: a Rust keyword, and the names that the file imports or its trait uses.
const TAKEN: [&str; 6] = [
    "Self",
    "ColumnType",
    "Migrate",
    "Migration",
    "ForeignKeyAction",
    "Schema",
];

fn template(version: Version, name: &str, frozen: Option<&Frozen>) -> String {
    let mut ident = name.to_upper_camel_case();
    if TAKEN.contains(&ident.as_str()) {
        ident.push_str("Migration");
    }
    let words = name.replace('_', " ");
    let (first, rest) = words.trim().split_at(1);
    let sentence = format!("{}{rest}", first.to_ascii_uppercase());
    let digits = version.to_string();
    let version = match digits.len() {
        14 => format!("{}_{}_{}_{}", &digits[..4], &digits[4..6], &digits[6..8], &digits[8..]),
        _ => digits,
    };
    let (imports, step, rest) = match frozen {
        None => {
            let step = format!(
                "let _ = schema; // Replace this line:\n        // {}",
                match name.strip_prefix("create_") {
                    Some(table) => format!("schema.create_table(\"{table}\", |t| {{ t.id(); t.text(\"name\"); }});"),
                    None => "schema.alter_table(\"users\", |t| t.text(\"avatar\").nullable());".to_owned(),
                }
            );
            ("", step, String::new())
        }
        Some(frozen) => {
            let (function, run) = step_on_rows(name, frozen.connection);
            let rest = format!(
                "\n// The tables as they are at this version. The application's own `schema.rs` changes later; this must not.\n\
                 {}\n\
                 {function}",
                frozen.tables
            );
            let step = format!("schema.run({run}).up_only(); // or `.undo(..)`");
            ("use diesel::prelude::*;\n", step, rest)
        }
    };
    format!(
        "{imports}use migrate_core::prelude::*;\n\
         \n\
         /// {sentence}.\n\
         #[derive(Migration)]\n\
         #[migration(version = {version})]\n\
         struct {ident};\n\
         \n\
         impl Migrate for {ident} {{\n\
         \x20   fn up(&self, schema: &mut Schema) {{\n\
         \x20       {step}\n\
         \x20   }}\n\
         }}\n\
         {rest}"
    )
}

/// Returns the function of a Rust step, and the argument of `run` for it.
fn step_on_rows(name: &str, connection: Option<&str>) -> (String, String) {
    let function = |connection: &str| {
        format!(
            "fn {name}(conn: &mut {connection}) -> QueryResult<()> {{\n\
             \x20   let _ = conn;\n\
             \x20   todo!(\"change the rows\")\n\
             }}\n"
        )
    };
    match connection {
        Some(connection) => (function(connection), name.to_owned()),
        None => {
            let lines: String = function("Connection")
                .lines()
                .map(|line| format!("    {line}\n"))
                .collect();
            (
                format!("for_each_connection! {{\n{lines}}}\n"),
                format!("for_each_connection!({name})"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_name_must_be_a_module_name() {
        assert_eq!(checked("add_2fa"), Ok("add_2fa".to_owned()));
        for name in ["", "Add", "add avatar", "../x", "2fa", "a-b", "ä", "_"] {
            assert!(checked(name).is_err(), "{name}");
        }
        for name in ["Add avatar", "AddAvatar", "add-avatar"] {
            assert!(checked(name).unwrap_err().help.ends_with("add_avatar"), "{name}");
        }
    }

    #[test]
    fn a_version_is_the_time_in_utc() {
        // Compared with `date -u -d @SECONDS +%Y%m%d%H%M%S`.
        for (seconds, time) in [
            (0, "19700101000000"),
            (951_782_399, "20000228235959"),
            (951_782_400, "20000229000000"),
            (951_868_800, "20000301000000"),
            (1_735_689_599, "20241231235959"),
            (1_795_426_200, "20261123093000"),
            (4_107_542_400, "21000301000000"),
        ] {
            assert_eq!(utc(seconds), time);
        }
    }

    #[test]
    fn the_template_reads_well() {
        insta::assert_snapshot!(template("20261123093000".parse().unwrap(), "add_avatar_to_users", None), @r#"
        use migrate_core::prelude::*;

        /// Add avatar to users.
        #[derive(Migration)]
        #[migration(version = 2026_11_23_093000)]
        struct AddAvatarToUsers;

        impl Migrate for AddAvatarToUsers {
            fn up(&self, schema: &mut Schema) {
                let _ = schema; // Replace this line:
                // schema.alter_table("users", |t| t.text("avatar").nullable());
            }
        }
        "#);
    }
}
