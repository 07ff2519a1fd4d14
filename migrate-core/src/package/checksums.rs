//! The checksum file, which shows a change of a released migration before any database is read. Pure: the caller reads
//! and writes the file.

use std::collections::BTreeMap;
use std::fmt;

use crate::code::Code;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::migration::{DEFAULT_GROUP, Migration, MigrationId};
use crate::registry::Registry;
use crate::schema::{self, Checksum, StepKind};
use crate::target::MigrationRef;
use crate::version::Version;

/// The name of the checksum file, in the package's directory.
pub const CHECKSUM_FILE: &str = "migrations.sum";

const HEADER: &str = "\
# Checksums of the migrations. They detect changes of released migrations. Commit this file.
# `migrate create` and `migrate check --update` write it; `migrate check` and `test_migrations!` compare it.
# A merge conflict here means that two branches have added a migration. Keep the lines of both, in the order of their
# versions. If yours is older and the other is applied somewhere, give yours a new version. Then run `migrate check --update`.
";

/// The entry instead of a checksum, for a migration that is still being written.
const NEW: &str = "new";

/// The lines of the checksum file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChecksumFile {
    lines: BTreeMap<PinnedKey, Line>,
    /// Comments and blank lines below the last line.
    end: Vec<String>,
}

/// The version comes first, so that the lines are in the order of application.
type PinnedKey = (Version, String);

#[derive(Clone, Debug, PartialEq)]
struct Line {
    name: String,
    /// The checksum on each database that it is written for; none if it is still being written.
    checksums: Checksums,
    /// Comments and blank lines above it.
    above: Vec<String>,
}

type Checksums = Vec<(Dialect, Checksum)>;

/// The result of comparing a migration with its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumStatus {
    /// No checksum shows a change. Checksums of different encodings are not compared.
    Unchanged,
    /// The migration has no line, or a line without a checksum.
    New,
    /// The migration records other steps now.
    Changed,
}

impl ChecksumFile {
    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// The first invalid line. For a Git conflict, the error explains how to resolve it.
    pub fn parse(text: &str) -> Result<ChecksumFile, Error> {
        let mut checksum_file = ChecksumFile::default();
        let mut above = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if HEADER.lines().any(|ours| ours == line) {
                continue;
            }
            // Other comments stay where they are.
            if line.is_empty() || line.starts_with('#') {
                above.push(line.to_owned());
                continue;
            }
            let refused =
                |code: Code, why: &str| Error::new(code, format!("line {number} of `{CHECKSUM_FILE}` {why}: {line}"));
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
                .iter()
                .any(|mark| line.starts_with(mark))
            {
                return Err(refused(Code::CHECKSUM_FILE_CONFLICT, "is a Git conflict marker")
                    .help("keep the lines of both branches, in the order of their versions")
                    .help(
                        Help::new(
                            "if your migration is older and the other is applied somewhere, give yours a new version; \
                             then run ",
                        )
                        .advice(Advice::UpdateChecksums { migration: None }),
                    ));
            }
            let (key, mut entry) = parse_line(line).ok_or_else(|| {
                refused(Code::INVALID_CHECKSUM_LINE, "is not `VERSION NAME CHECKSUM`")
                    .help("restore the line from version control, or delete it")
            })?;
            if entry.checksums.iter().any(|(_, one)| one.is_newer_encoding()) {
                return Err(refused(
                    Code::INVALID_CHECKSUM_LINE,
                    "has a checksum of a newer version of migrate-core",
                )
                .help("update migrate-core"));
            }
            entry.above = std::mem::take(&mut above);
            if checksum_file.lines.insert(key, entry).is_some() {
                return Err(
                    refused(Code::INVALID_CHECKSUM_LINE, "repeats the version of another line")
                        .help("keep the line of the migration that was released"),
                );
            }
        }
        checksum_file.end = above;
        Ok(checksum_file)
    }

    /// Compares a migration with its line.
    #[must_use]
    pub fn status(&self, migration: &Migration) -> ChecksumStatus {
        let Some(line) = self.lines.get(&key(migration.id())) else {
            return ChecksumStatus::New;
        };
        if line.checksums.is_empty() {
            return ChecksumStatus::New;
        }
        let now = checksums_of(migration);
        // A database that only one of them is written for shows no change.
        let is_changed = line.checksums.iter().any(|(dialect, then)| {
            let now = now.iter().find(|(other, _)| other == dialect);
            now.is_some_and(|(_, now)| then.differs(*now))
        });
        if is_changed {
            ChecksumStatus::Changed
        } else {
            ChecksumStatus::Unchanged
        }
    }

    /// Returns the lines of migrations that are not in a registry.
    fn not_in(&self, registry: &Registry) -> impl Iterator<Item = (&PinnedKey, &Line)> {
        self.lines.iter().filter(|((version, group), _)| {
            let id = MigrationId {
                version: *version,
                group,
            };
            registry.get(id).is_none()
        })
    }

    /// Removes the lines of migrations that are not in a registry.
    #[must_use]
    pub fn only(mut self, registry: &Registry) -> ChecksumFile {
        self.lines.retain(|(version, group), _| {
            let id = MigrationId {
                version: *version,
                group,
            };
            registry.get(id).is_some()
        });
        self
    }

    /// Checks that no migration with a line was changed or removed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`](crate::ErrorKind::Changed) with a diagnostic for each such migration.
    pub fn check(&self, registry: &Registry) -> Result<(), Error> {
        let changed = registry
            .iter()
            .filter(|migration| self.status(migration) == ChecksumStatus::Changed);
        let mut error = Error::new(
            Code::RELEASED_CHANGED,
            format!("the migrations differ from `{CHECKSUM_FILE}`"),
        );
        let mut released: Vec<String> = Vec::new();
        for migration in changed {
            error = error.finding(
                Some(migration.location()),
                format!("the checksum of migration {migration} has changed"),
            );
            released.push(migration.id().to_string());
        }
        let mut unreleased = Vec::new();
        for (key, line) in self.not_in(registry) {
            let message = match line.checksums.is_empty() {
                true => format!("the new migration {} is not linked", label(key, line)),
                false => format!("the released migration {} is not linked", label(key, line)),
            };
            error = error.with_diagnostic(Code::RELEASED_NOT_LINKED.mistake(message).at(None));
            match line.checksums.is_empty() {
                true => unreleased.push(key.0.to_string()),
                false => released.push(key.0.to_string()),
            }
        }
        if error.diagnostics().is_empty() {
            return Ok(());
        }
        let update = |migration: &str| Advice::UpdateChecksums {
            migration: Some(migration.to_owned()),
        };
        if !released.is_empty() {
            let accept = update(&released.join(" "));
            return Err(error
                .help("revert the change, and write a new migration instead")
                .help(Help::new("if no database has applied them, accept the change with ").advice(accept)));
        }
        let remove = update(&unreleased.join(" "));
        Err(error
            .help("link the migration: write its file and its `mod` line")
            .help(Help::new("if it is not needed, remove its line with ").advice(remove)))
    }

    /// Adds or replaces the line of a migration, with its current checksums.
    pub fn record(&mut self, migration: &Migration) {
        self.set(migration.id(), migration.name(), checksums_of(migration));
    }

    /// Adds the line of a migration that is still to be written.
    pub fn reserve(&mut self, id: MigrationId<'_>, name: &str) {
        self.set(id, name, Vec::new());
    }

    /// Removes the lines that a reference matches. Returns true if there was one.
    pub fn remove(&mut self, reference: &MigrationRef) -> bool {
        let before = self.lines.len();
        self.lines.retain(|(version, group), _| {
            let id = MigrationId {
                version: *version,
                group,
            };
            !reference.means(id)
        });
        self.lines.len() < before
    }

    fn set(&mut self, id: MigrationId<'_>, name: &str, checksums: Checksums) {
        let key = key(id);
        let above = self.lines.remove(&key).map(|line| line.above);
        let line = Line {
            name: name.to_owned(),
            checksums,
            above: above.unwrap_or_default(),
        };
        self.lines.insert(key, line);
    }
}

fn key(id: MigrationId<'_>) -> PinnedKey {
    (id.version, id.group.to_owned())
}

fn label((version, group): &PinnedKey, line: &Line) -> String {
    let id = MigrationId {
        version: *version,
        group,
    };
    format!("{id} {}", line.name)
}

/// Returns the checksum on each database that all SQL of the migration is written for.
fn checksums_of(migration: &Migration) -> Checksums {
    let steps = schema::record(|schema| migration.migrate().up(schema)).steps;
    let is_written_for = |dialect: &Dialect| {
        steps.iter().all(|step| match &step.kind {
            StepKind::Sql(sql) => sql.for_dialect(*dialect).is_some(),
            StepKind::Rust(_) | StepKind::Operation(_) | StepKind::Declared | StepKind::Kept => true,
        })
    };
    let dialects = Dialect::ALL.into_iter().filter(is_written_for);
    dialects
        .map(|dialect| (dialect, schema::checksum(&steps, dialect)))
        .collect()
}

fn parse_line(line: &str) -> Option<(PinnedKey, Line)> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let (group, version) = first.rsplit_once(':').unwrap_or((DEFAULT_GROUP, first));
    let version: Version = version.parse().ok()?;
    let name = words.next()?.to_owned();
    let said: Vec<&str> = words.collect();
    let checksums = match said.as_slice() {
        [] => return None,
        [NEW] => Vec::new(),
        [same] if !same.contains('=') => {
            let checksum = same.parse().ok()?;
            Dialect::ALL.into_iter().map(|dialect| (dialect, checksum)).collect()
        }
        each => each
            .iter()
            .map(|one| {
                let (dialect, checksum) = one.split_once('=')?;
                Some((dialect.parse().ok()?, checksum.parse().ok()?))
            })
            .collect::<Option<Checksums>>()?,
    };
    let line = Line {
        name,
        checksums,
        above: Vec::new(),
    };
    Some(((version, group.to_owned()), line))
}

impl fmt::Display for ChecksumFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for (key, line) in &self.lines {
            line.above.iter().try_for_each(|above| writeln!(f, "{above}"))?;
            write!(f, "{}", label(key, line))?;
            let all = &line.checksums;
            match all.first() {
                None => write!(f, " {NEW}")?,
                Some((_, first)) if all.len() == Dialect::ALL.len() && all.iter().all(|(_, other)| other == first) => {
                    write!(f, " {first}")?;
                }
                Some(_) => all
                    .iter()
                    .try_for_each(|(dialect, checksum)| write!(f, " {dialect}={checksum}"))?,
            }
            writeln!(f)?;
        }
        self.end.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{Migrate, MigrationMeta, register};
    use crate::schema::Schema;

    struct Example(fn(&mut Schema));

    impl Migrate for Example {
        fn up(&self, schema: &mut Schema) {
            (self.0)(schema);
        }
    }

    fn migration(version: u64, up: fn(&mut Schema)) -> Migration {
        let meta = MigrationMeta {
            version,
            name: "example",
            group: if version == 3 { "jobs" } else { DEFAULT_GROUP },
            description: "",
            transaction: true,
            file: "src/example.rs",
            line: 7,
            module: "example",
            package: "tests",
        };
        register(meta, Box::leak(Box::new(Example(up))))
    }

    fn on_sqlite_and_postgres(schema: &mut Schema) {
        schema
            .execute([(Dialect::Sqlite, "SELECT 1"), (Dialect::Postgres, "SELECT 2")])
            .up_only();
    }

    fn on_all(schema: &mut Schema) {
        schema.drop_table("users");
    }

    #[test]
    fn a_written_checksum_file_is_parsed_unchanged() {
        let mut checksum_file = ChecksumFile::default();
        checksum_file.reserve(migration(20, on_all).id(), "to_be_written");
        checksum_file.record(&migration(10, on_all));
        checksum_file.record(&migration(3, on_sqlite_and_postgres));
        let text = checksum_file.to_string();
        insta::assert_snapshot!(text.trim_start_matches(HEADER), @r"
        jobs:3 example sqlite=2:dcab0a8828b4e685ef43d7fd4d75c19d postgres=2:7d2398c98facccc1819c187ed16de4f7
        10 example 2:924643eaa907ba71bf10824ed7919da9
        20 to_be_written new
        ");
        assert_eq!(ChecksumFile::parse(&text).unwrap(), checksum_file);
        assert_eq!(ChecksumFile::parse(&text.replace('\n', "\r\n")).unwrap(), checksum_file);
    }

    #[test]
    fn edits_are_changes_and_added_dialects_are_not() {
        let mut checksum_file = ChecksumFile::default();
        assert_eq!(checksum_file.status(&migration(10, on_all)), ChecksumStatus::New);
        checksum_file.reserve(migration(10, on_all).id(), "example");
        assert_eq!(checksum_file.status(&migration(10, on_all)), ChecksumStatus::New);
        checksum_file.record(&migration(10, on_all));
        assert_eq!(checksum_file.status(&migration(10, on_all)), ChecksumStatus::Unchanged);
        assert_eq!(checksum_file.status(&migration(10, |_| {})), ChecksumStatus::Changed);

        checksum_file.record(&migration(10, on_sqlite_and_postgres));
        let and_mysql: fn(&mut Schema) = |schema| {
            schema
                .execute([
                    (Dialect::Sqlite, "SELECT 1"),
                    (Dialect::Postgres, "SELECT 2"),
                    (Dialect::MySql, "SELECT 3"),
                ])
                .up_only();
        };
        assert_eq!(
            checksum_file.status(&migration(10, and_mysql)),
            ChecksumStatus::Unchanged
        );
    }

    #[test]
    fn unlinked_migrations_are_reported() {
        let mut checksum_file = ChecksumFile::default();
        checksum_file.record(&migration(10, on_all));
        let registry = Registry::of([migration(20, on_all)]).unwrap();
        checksum_file.reserve(
            "30".parse()
                .map(|version| MigrationId {
                    group: DEFAULT_GROUP,
                    version,
                })
                .unwrap(),
            "begun",
        );
        insta::assert_snapshot!(checksum_file.check(&registry).unwrap_err(), @"
        [M0803] the migrations differ from `migrations.sum`
          - [M0804] the released migration 10 example is not linked
          - [M0804] the new migration 30 begun is not linked
          help: revert the change, and write a new migration instead
          help: if no database has applied them, accept the change with the checksum update for 10
        ");
        assert!(checksum_file.remove(&"30".parse().unwrap()));
        assert!(checksum_file.remove(&"10".parse().unwrap()));
        assert!(checksum_file.check(&registry).is_ok());
    }

    #[test]
    fn comments_and_blank_lines_are_kept() {
        let hash = checksum_on_sqlite(&migration(10, on_all));
        let text = format!("{HEADER}\n# Ours.\n10 example {hash}\n\n# Theirs.\n20 example new\n# The end.\n");
        let mut checksum_file = ChecksumFile::parse(&text).unwrap();
        assert_eq!(checksum_file.to_string(), text);
        checksum_file.record(&migration(10, on_all));
        checksum_file.reserve(migration(20, on_all).id(), "example");
        assert_eq!(checksum_file.to_string(), text);
    }

    #[test]
    fn a_checksum_of_a_newer_version_is_refused() {
        let error = ChecksumFile::parse("10 example 3:00\n").unwrap_err();
        insta::assert_snapshot!(error, @"
        [M0801] line 1 of `migrations.sum` has a checksum of a newer version of migrate-core: 10 example 3:00
          help: update migrate-core
        ");
    }

    fn checksum_on_sqlite(migration: &Migration) -> Checksum {
        let all = checksums_of(migration).into_iter();
        all.map(|(_, checksum)| checksum).next().unwrap()
    }

    #[test]
    fn invalid_lines_are_refused() {
        for text in [
            "10",
            "10 example",
            "ten example new",
            "10 example 1:xyz",
            "10 example oracle=1:00",
            "10 example new\n10 example new",
        ] {
            assert!(ChecksumFile::parse(text).is_err(), "{text}");
        }
        let conflict = ChecksumFile::parse("10 a new\n<<<<<<< HEAD\n20 b new\n=======\n30 c new\n>>>>>>> other\n");
        insta::assert_snapshot!(conflict.unwrap_err(), @"
        [M0802] line 2 of `migrations.sum` is a Git conflict marker: <<<<<<< HEAD
          help: keep the lines of both branches, in the order of their versions
          help: if your migration is older and the other is applied somewhere, give yours a new version; then run the checksum update
        ");
    }
}
