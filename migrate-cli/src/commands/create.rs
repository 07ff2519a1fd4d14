//! `create`: writes a new migration into the sources of the package.

use std::fs;
use std::io;
use std::path::Path;

use migrate_core::__private::source_files::Sources;
use migrate_core::__private::{CHECKSUM_FILE, ChecksumFile};
use migrate_core::{
    Code, DEFAULT_GROUP, DialectVersion, DieselOptions, MigrationId, Registry, SchemaSnapshot, Version,
};

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
    let mut near = String::new();
    let mut before = '_';
    for c in name.chars().take(80) {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            near.push('_');
        }
        let is_word = c.is_ascii_alphanumeric();
        near.push(if is_word { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
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
            connection: (settings::built_for().len() < 2).then(|| dialect.name().connection_name()),
            note: written_for.note(),
        })
    }
}

/// Returns the current time in UTC as a version, or the newest version plus one if that is greater.
fn next_version(sources: &Sources) -> Result<Version, CliError> {
    let now = jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string();
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
        _ => Err(too_high(migrate_core::InvalidVersion)),
    }
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
    let word = |word: &str| {
        let mut chars = word.chars();
        chars
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    let mut ident: String = name.split('_').map(word).collect();
    if TAKEN.contains(&ident.as_str()) {
        ident.push_str("Migration");
    }
    let words = name.replace('_', " ");
    let sentence = word(words.trim());
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
