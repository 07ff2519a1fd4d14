//! The checks behind [`test_migrations!`](crate::test_migrations), one function each.

mod accidental_replacement;
mod databases;
mod preserved;
mod row_generator;
mod sample_values;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use self::databases::{CheckFn, Databases};
use self::preserved::{Contents, PreservedColumns, TableRows};
use self::row_generator::Rows;
#[cfg(feature = "_server")]
use super::{ServerConnection, TestServer};
use crate::code::{Code, ErrorKind};
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::{Dialect, DialectVersion};
use crate::driver::DriverError;
use crate::driver::backends::enabled;
use crate::error::Error;
use crate::history::DEFAULT_HISTORY_TABLE;
use crate::location::Location;
use crate::migration::Migration;
use crate::package::checksums::{CHECKSUM_FILE, ChecksumFile};
use crate::package::source_files::Sources;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::runner::Runner;
use crate::schema::{self, Step, StepKind, Table, Undo, Value};
use crate::sql::{Effect, effects};
use crate::state::LiveSchema;
use crate::target::{Rollback, Target};

/// Returns a value for a column of a generated row, or `None` to let the generator choose one.
///
/// The arguments are the table, the column, and the number of the attempted row, from 1.
type Values = fn(table: &str, column: &str, row: usize) -> Option<Value>;

/// The standard checks of migrations. [`test_migrations!`](crate::test_migrations) creates a test for each of them.
/// Call the methods directly to run some of them, or to run them under other names.
///
/// The checks that need a database use the server that `on` sets, or else SQLite in memory (feature `sqlite`).
///
/// ```
/// use migrate_core::prelude::*;
/// use migrate_core::testing::Checks;
///
/// #[derive(Migration)]
/// #[migration(version = 1, unlisted)]
/// struct CreateUsers;
///
/// impl Migrate for CreateUsers {
///     fn up(&self, schema: &mut Schema) {
///         schema.create_table("users", |t| t.id());
///     }
/// }
///
/// let checks = Checks::new(env!("CARGO_MANIFEST_DIR")).migrations([Migration::of::<CreateUsers>()]);
/// checks.each_migration_goes_up_down_and_up_again()?;
/// # Ok::<(), migrate_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checks {
    package: PathBuf,
    /// `None` for the linked migrations.
    migrations: Option<Vec<Migration>>,
    dialects: Vec<DialectVersion>,
    values: Option<Values>,
    seed: u64,
    /// `None` if no server is set and the feature `sqlite` is disabled.
    databases: Option<Arc<dyn Databases>>,
}

impl Checks {
    /// Creates checks of the linked migrations. `package` is the directory of the package, normally
    /// `env!("CARGO_MANIFEST_DIR")`.
    pub fn new(package: impl Into<PathBuf>) -> Checks {
        Checks {
            package: package.into(),
            migrations: None,
            dialects: Vec::new(),
            values: None,
            seed: 1,
            databases: databases::in_memory(),
        }
    }

    /// Runs the checks on a server instead of SQLite in memory.
    #[cfg(feature = "_server")]
    #[must_use]
    pub fn on<C: ServerConnection>(mut self, server: TestServer<C>) -> Checks {
        self.databases = Some(Arc::new(server));
        self
    }

    /// Checks an explicit set instead of the linked migrations.
    #[must_use]
    pub fn migrations(mut self, migrations: impl IntoIterator<Item = Migration>) -> Checks {
        self.migrations = Some(migrations.into_iter().collect());
        self
    }

    /// Sets additional dialects. The plans of all migrations must be valid for them. This needs no connection. Default:
    /// none.
    #[must_use]
    pub fn dialects<D: Into<DialectVersion>>(mut self, dialects: impl IntoIterator<Item = D>) -> Checks {
        self.dialects = dialects.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a function that returns values for columns that the generator cannot guess, such as a column with a check
    /// on its format.
    ///
    /// Its arguments are the table, the column, and the number of the attempted row. If it returns `None`, the
    /// generator chooses the value.
    #[must_use]
    pub fn values(mut self, values: Values) -> Checks {
        self.values = Some(values);
        self
    }

    /// Sets the seed of the generated rows. The same seed generates the same rows. Default: 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Checks {
        self.seed = seed;
        self
    }

    fn registry(&self) -> Result<Registry, Error> {
        match &self.migrations {
            Some(migrations) => Registry::of(migrations.iter().copied()),
            None => Registry::linked(),
        }
    }

    /// Checks that each migration file of the package is compiled, and that its migration is linked.
    ///
    /// # Errors
    ///
    /// Returns an error that lists all other migration files, each with its missing line.
    pub fn every_migration_is_linked_and_listed(&self) -> Result<(), Error> {
        let sources = Sources::of(&self.package);
        let registry = self.registry();
        let linked = registry.as_ref().map_or(&[][..], Registry::as_slice);
        let mut diagnostics = sources.unnamed_files(linked);
        diagnostics.extend(sources.unlinked_files(linked));
        fail_with_all(Code::FILE_NOT_LINKED, diagnostics, |several| {
            format!("{several} migration files are not part of this program")
        })?;
        registry.map(drop)
    }

    /// Checks that each migration has a valid plan, up and down, on an empty database. Each Rust step must have a
    /// function for the connection type.
    ///
    /// It also plans all migrations for each of the [`dialects`](Checks::dialects).
    ///
    /// # Errors
    ///
    /// Returns an error that lists all errors of the migrations.
    pub fn every_plan_is_right(&self) -> Result<(), Error> {
        let registry = self.registry()?;
        self.on_empty(&registry, &mut |mut runner| {
            runner.plan(&Target::Latest).map_err(meant_for_others)?;
            let version = runner.session().version();
            let version = version.map_err(|error| unreadable("server's version", &error))?;
            for dialect in self.dialects.iter().copied().chain([version]) {
                Plan::offline(&registry, dialect)?;
                Plan::offline_rollback(&registry, dialect)?;
            }
            Ok(())
        })
    }

    /// Checks that two calls of `up` record the same steps, and likewise two calls of `down`.
    ///
    /// # Errors
    ///
    /// Returns an error that lists the first differing step of each `up` and `down`.
    pub fn each_migration_is_recorded_the_same_twice(&self) -> Result<(), Error> {
        let mut diagnostics = Vec::new();
        for migration in &self.registry()? {
            for direction in ["up", "down"] {
                let record = || {
                    schema::record(|schema| match direction {
                        "up" => migration.migrate().up(schema),
                        _ => migration.migrate().down(schema),
                    })
                };
                let (once, again) = (record(), record());
                let location = Dialect::ALL.iter().find_map(|dialect| {
                    let of = |steps| schema::checksums_by_step(steps, *dialect);
                    let (once_all, again_all) = (of(&once.steps), of(&again.steps));
                    let at = (0..once_all.len().max(again_all.len()))
                        .find(|at| once_all.get(*at) != again_all.get(*at))?
                        .saturating_sub(1);
                    let step = once.steps.get(at).or(again.steps.get(at));
                    Some(step.map_or(migration.location(), |step| step.location))
                });
                if let Some(location) = location {
                    diagnostics.push(
                        Code::NOT_DETERMINISTIC
                            .mistake(format!(
                                "`{direction}` of migration {migration} describes different steps each time"
                            ))
                            .help("describe the same steps each time: no clock, randomness, environment or `HashMap` order")
                            .at(Some(location)),
                    );
                }
            }
        }
        fail_with_all(Code::NOT_DETERMINISTIC, diagnostics, |several| {
            format!("{several} migrations describe different steps each time")
        })
    }

    /// Checks that all migrations apply to an empty database, and that it then has the described schema.
    ///
    /// # Errors
    ///
    /// Returns the error of the run, or an error that lists the differences.
    pub fn all_migrations_apply_to_an_empty_database(&self) -> Result<(), Error> {
        self.on_empty(&self.registry()?, &mut |mut runner| {
            runner.up(&Target::Latest)?;
            let differences = runner.differences()?;
            let differences = differences.into_iter().map(|one| Code::SCHEMA_DIFFERS.mistake(one));
            fail_with(
                Code::SCHEMA_DIFFERS,
                "the database differs from the schema that the migrations describe",
                None,
                differences.collect(),
            )
            .map_err(|error| error.help("describe what `execute` and `run` change with `.changes(..)`"))
        })
    }

    /// Checks that the rollback of each migration restores the schema before it, and that the next `up` leads to the
    /// same schema again.
    ///
    /// # Errors
    ///
    /// Returns the error of the run, or an error that lists the differences.
    pub fn each_migration_goes_up_down_and_up_again(&self) -> Result<(), Error> {
        self.up_down_up(None)
    }

    /// Like [`each_migration_goes_up_down_and_up_again`](Checks::each_migration_goes_up_down_and_up_again), with
    /// generated rows in every table. It also checks that columns outside the migration's steps keep their values.
    ///
    /// If the generator finds no valid row for a table, the table stays empty, with a message on stderr. Set
    /// [`values`](Checks::values) for it. The environment variable `MIGRATE_TEST_SEED`, a non-negative integer,
    /// overrides the [`seed`](Checks::seed).
    ///
    /// # Errors
    ///
    /// Returns the error of the run, or an error that lists the lost values or the differences. The error names the
    /// seed.
    pub fn each_migration_goes_up_down_and_up_again_with_rows(&self) -> Result<(), Error> {
        let from_outside = std::env::var("MIGRATE_TEST_SEED").ok();
        let seed = from_outside.and_then(|seed| seed.parse().ok()).unwrap_or(self.seed);
        let result = self.up_down_up(Some(Rows::new(seed, self.values)));
        result.map_err(|error| {
            let depends_on_rows = error.kind() == ErrorKind::StepFailed
                || [Code::ROWS_LOST, Code::ACCIDENTAL_REPLACEMENT].contains(&error.code());
            match depends_on_rows {
                true => error.and_state(&format!(
                    "the test rows come from seed {seed} (`MIGRATE_TEST_SEED` sets another)"
                )),
                false => error,
            }
        })
    }

    /// Checks that no migration differs from the package's `migrations.sum`. Without that file the check passes.
    ///
    /// With an explicit set of [`migrations`](Checks::migrations), the check ignores other entries of the file.
    ///
    /// # Errors
    ///
    /// Returns an error that lists the changed and removed migrations, or an error if the file cannot be read.
    pub fn released_migrations_have_not_changed(&self) -> Result<(), Error> {
        let file = self.package.join(CHECKSUM_FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                let message = format!("{} cannot be read", file.display());
                return Err(Error::new(Code::TEST_SETTING, message)
                    .with_cause(error)
                    .help("restore the file from version control"));
            }
        };
        let (checksum_file, registry) = (ChecksumFile::parse(&text)?, self.registry()?);
        // An explicit set is not complete: other entries of the file are not missing.
        let checksum_file = match self.migrations {
            Some(_) => checksum_file.only(&registry),
            None => checksum_file,
        };
        checksum_file.check(&registry)
    }

    fn up_down_up(&self, mut rows: Option<Rows>) -> Result<(), Error> {
        let registry = self.registry()?;
        self.on_empty(&registry, &mut |mut runner| {
            if rows.is_some() {
                let kept = runner.session().set_foreign_keys(true);
                kept.map_err(|error| unreadable("rows", &error))?;
            }
            let mut journey = RoundTrip {
                runner,
                rows: rows.take(),
            };
            registry.iter().try_for_each(|migration| journey.take(migration))
        })
    }

    fn on_empty(&self, registry: &Registry, check: &mut CheckFn<'_>) -> Result<(), Error> {
        match &self.databases {
            Some(databases) => databases.with_empty(registry, check),
            None => Err(Error::new(Code::TEST_SETTING, "no database is set for the checks")
                .help("enable the feature `sqlite` of migrate-core to use SQLite in memory")
                .help("or set a server: `Checks::new(..).on(TestServer::at(..)?)`")),
        }
    }
}

/// Applies each migration, rolls it back, and applies it again.
struct RoundTrip<'c> {
    runner: Runner<'c>,
    rows: Option<Rows>,
}

impl RoundTrip<'_> {
    fn take(&mut self, migration: &Migration) -> Result<(), Error> {
        let before = self.look()?;
        self.fill(migration, &before);
        let rows_before = self.contents(&before)?;

        self.first_up(migration)?;
        let after = self.look()?;
        let rows_after = self.contents(&after)?;
        let up = schema::record(|schema| migration.migrate().up(schema)).steps;
        let dialect = self.runner.dialect().kind();
        let kept = PreservedColumns::after(&before, &up, dialect);
        expect_kept(migration, "applying", kept.lost(&rows_before, &rows_after))?;
        fail_with(
            Code::ACCIDENTAL_REPLACEMENT,
            &format!("migration {migration} loses values by a drop"),
            Some(migration.location()),
            kept.lost_by_replacing(&rows_before, &rows_after),
        )
        .map_err(|error| error.help("if the loss is intended, do the drop in a separate migration"))?;

        if let Some(rows) = &mut self.rows {
            // The rollback must also work with rows in the new tables.
            let is_new = |table: &Table| {
                let is_empty = rows_after.get(&table.name).is_some_and(|there| there.rows.is_empty());
                is_empty && !before.tables.contains_key(&table.name) && kept.as_it_was(&before, &table.name).is_none()
            };
            rows.fill_for_now(self.runner.session(), &after, is_new);
        }
        self.runner
            .rollback(&Rollback::Last(1))
            .map_err(|error| match error.kind() {
                ErrorKind::StepFailed => error
                    .and_state("this was the rollback right after `up`")
                    .only_help("reverse exactly what `up` does in `.undo(..)` or `down`"),
                _ => error,
            })?;
        let dialect = self.runner.session().traits().dialect.kind();
        let back = self.look()?;
        let down = schema::record(|schema| migration.migrate().down(schema));
        let left = match down.derives_from_up {
            true => left_in_place(dialect, &up, &before),
            false => Some(BTreeSet::new()),
        };
        if let Some(left) = left {
            fail_with(
                Code::ROLLBACK_DIFFERS,
                &format!("the rollback of migration {migration} does not restore the schema"),
                Some(migration.location()),
                rollback_differences(before.without(&left).differences(dialect, &back.without(&left))),
            )
            .map_err(|error| error.help("reverse exactly what `up` does in `.undo(..)` or `down`"))?;
        }
        let kept = kept.and_back(&before, &up, (!down.derives_from_up).then_some(&down.steps));
        let rows_back = self.contents(&back)?;
        expect_kept(migration, "rolling back", kept.lost(&rows_before, &rows_back))?;

        self.up(migration).map_err(|error| match error.kind() {
            ErrorKind::StepFailed => error
                .and_state("this was the second `up`, after the rollback")
                .only_help("remove everything that `up` creates in `.undo(..)` or `down`")
                .help("make a step with `.up_only()` repeatable, such as with `IF NOT EXISTS`"),
            _ => error,
        })?;
        let again = self.look()?;
        fail_with(
            Code::ROLLBACK_DIFFERS,
            &format!("migration {migration} creates another schema when it is applied again after its rollback"),
            Some(migration.location()),
            rollback_differences(after.differences(dialect, &again)),
        )
        .map_err(|error| error.help("reverse exactly what `up` does in `.undo(..)` or `down`"))
    }

    /// Adds a row to each table, if the check uses rows.
    fn fill(&mut self, migration: &Migration, live: &LiveSchema) {
        let Some(rows) = &mut self.rows else { return };
        for without in rows.fill(self.runner.session(), live) {
            // Written directly to stderr, because the test harness hides the output of passing tests.
            let _ = writeln!(
                io::stderr(),
                "warning[{}]: no generated row fits {without}\n  note: this was before {migration}\n  \
                 help: set fitting values with `test_migrations!(..; values = ..)`",
                Code::TABLE_WITHOUT_ROWS
            );
        }
    }

    fn first_up(&mut self, migration: &Migration) -> Result<(), Error> {
        let has_rows = self.rows.is_some();
        self.up(migration).map_err(|error| match (error.kind(), error.code()) {
            (_, Code::ROWS_AT_FAULT | Code::BROKEN_REFERENCES) if has_rows => error
                .only_help("fix or remove such rows in an earlier step")
                .help("if such rows cannot exist, set other values with `test_migrations!(..; values = ..)`"),
            (ErrorKind::StepFailed, _) if has_rows => error
                .only_help("fix the step")
                .help("if it fails only on the test rows, set other values with `test_migrations!(..; values = ..)`"),
            (ErrorKind::StepFailed, _) => error.only_help("fix the step"),
            _ => error,
        })
    }

    fn up(&mut self, migration: &Migration) -> Result<(), Error> {
        self.runner.up(&Target::To(migration.id().into())).map(drop)
    }

    /// Returns the live schema without the history table.
    fn look(&mut self) -> Result<LiveSchema, Error> {
        let mut live = (*self.runner.live()?).clone();
        live.tables.remove(DEFAULT_HISTORY_TABLE);
        Ok(live)
    }

    /// Returns the rows of all tables, or nothing if this check uses no rows.
    fn contents(&mut self, live: &LiveSchema) -> Result<Contents, Error> {
        let mut contents = Contents::new();
        if self.rows.is_none() {
            return Ok(contents);
        }
        let tables = live.tables.values().filter_map(|table| table.as_ref().ok());
        let of: Vec<(&str, Vec<&str>)> = tables
            .map(|table| (table.name.as_str(), row_generator::columns(table)))
            .collect();
        let rows = self.runner.session().rows(&of);
        let rows = rows.map_err(|error| unreadable("rows", &error))?;
        for ((table, columns), rows) in of.into_iter().zip(rows) {
            let columns = columns.into_iter().map(str::to_owned).collect();
            contents.insert(table.to_owned(), TableRows { columns, rows });
        }
        Ok(contents)
    }
}

fn expect_kept(migration: &Migration, doing: &str, lost: Vec<Mistake>) -> Result<(), Error> {
    fail_with(
        Code::ROWS_LOST,
        &format!("{doing} {migration} changes rows that no step targets"),
        Some(migration.location()),
        lost,
    )
    .map_err(|error| {
        error
            .help("look for deletes that cascade, and copy the rows of a table that is created again")
            .help("if the change is intended, make it in a separate step, such as a `DELETE`")
    })
}

fn rollback_differences(differences: Vec<String>) -> Vec<Mistake> {
    let differences = differences.into_iter();
    differences.map(|one| Code::ROLLBACK_DIFFERS.mistake(one)).collect()
}

/// Returns the lower-case names of the tables and views that `up_only` steps changed, because a rollback does not
/// restore them. Returns `None` if the names are unknown.
fn left_in_place(dialect: Dialect, steps: &[Step], before: &LiveSchema) -> Option<BTreeSet<String>> {
    let mut left = BTreeSet::new();
    for step in steps.iter().filter(|step| matches!(step.undo, Undo::Nothing)) {
        match &step.kind {
            StepKind::Sql(sql) => {
                for effect in effects(dialect, sql.for_dialect(dialect).unwrap_or_default()) {
                    match effect {
                        Effect::Nothing | Effect::Rows => {}
                        Effect::Names(names) => left.extend(names),
                        Effect::Index(index) => {
                            let tables = before.tables.values().filter_map(|table| table.as_ref().ok());
                            let has = |table: &&Table| table.indexes.iter().any(|one| one.name == index);
                            left.extend(tables.filter(has).map(|table| table.name.clone()));
                        }
                        Effect::Anything => return None,
                    }
                }
            }
            StepKind::Operation(_) => return None,
            StepKind::Rust(_) | StepKind::Declared | StepKind::Kept => {}
        }
    }
    Some(left.into_iter().map(|name| name.to_ascii_lowercase()).collect())
}

/// Adds a hint about `on` if several databases are enabled.
fn meant_for_others(error: Error) -> Error {
    match enabled().len() {
        0 | 1 => error,
        _ => {
            error.help("if the migrations are for other databases only, list those: `test_migrations!(..; on = [..])`")
        }
    }
}

/// Returns an error with these diagnostics, if there are any.
fn fail_with(code: Code, message: &str, location: Option<Location>, mistakes: Vec<Mistake>) -> Result<(), Error> {
    if mistakes.is_empty() {
        return Ok(());
    }
    let error = Error::new(code, message);
    let error = match location {
        Some(location) => error.at(location),
        None => error,
    };
    Err(mistakes
        .into_iter()
        .fold(error, |error, mistake| error.with_diagnostic(mistake.at(None))))
}

/// Fails with diagnostics that have their own locations, if there are any. A single one is the headline.
fn fail_with_all(code: Code, diagnostics: Vec<Diagnostic>, headline: impl Fn(usize) -> String) -> Result<(), Error> {
    match diagnostics.is_empty() {
        true => Ok(()),
        false => Err(Error::of_several(code, diagnostics, headline)),
    }
}

fn unreadable(what: &str, error: &DriverError) -> Error {
    Error::new(Code::TEST_DATABASE, format!("the {what} cannot be read")).with_cause(error.to_string())
}
