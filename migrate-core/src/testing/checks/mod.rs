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

#[cfg(feature = "sqlite")]
use self::databases::InMemory;
use self::databases::{CheckFn, Databases};
use self::preserved::{Contents, PreservedColumns, TableRows};
use self::row_generator::Rows;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use super::{ServerConnection, TestServer};
use crate::dialect::{Dialect, DialectVersion};
use crate::driver::DriverError;
use crate::error::{Diagnostic, Error, ErrorKind};
use crate::history::DEFAULT_HISTORY_TABLE;
use crate::migration::Migration;
use crate::package::checksums::{CHECKSUM_FILE, ChecksumFile};
use crate::package::source_files::Sources;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::runner::Runner;
use crate::schema::{self, Effect, Step, StepKind, Table, Undo, Value, effect};
use crate::state::LiveSchema;
use crate::target::{Rollback, Target};

/// Returns a value for a column of a generated row, or `None` to generate one from the column's type.
///
/// The arguments are the table, the column, and a number that differs for each attempted row, starting at 1.
type Values = fn(table: &str, column: &str, row: usize) -> Option<Value>;

/// The standard checks of migrations. [`test_migrations!`](crate::test_migrations) creates a test for each of them.
/// Call the methods directly to run some of them, or to run them under other names.
///
/// The checks that need a database use SQLite in memory (feature `sqlite`) or the server that `on` sets.
///
#[cfg_attr(feature = "sqlite", doc = "```")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
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
    /// Creates checks of the linked migrations. `package` is the directory of the package:
    /// `env!("CARGO_MANIFEST_DIR")`.
    pub fn new(package: impl Into<PathBuf>) -> Checks {
        Checks {
            package: package.into(),
            migrations: None,
            dialects: Vec::new(),
            values: None,
            seed: 1,
            #[cfg(feature = "sqlite")]
            databases: Some(Arc::new(InMemory)),
            #[cfg(not(feature = "sqlite"))]
            databases: None,
        }
    }

    /// Runs the checks on a server instead of SQLite in memory.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
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

    /// Sets more databases for which all plans must be valid. No connection is needed. Default: none.
    #[must_use]
    pub fn dialects<D: Into<DialectVersion>>(mut self, dialects: impl IntoIterator<Item = D>) -> Checks {
        self.dialects = dialects.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a function that returns values for columns that the generator cannot guess, such as one with a check on its
    /// format.
    ///
    /// Its arguments are the table, the column, and a number that differs for each attempted row. For `None` the
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
    /// Returns an error that lists the other files, each with the missing line.
    pub fn every_migration_is_linked_and_listed(&self) -> Result<(), Error> {
        let sources = Sources::of(&self.package);
        let registry = self.registry();
        let linked = registry.as_ref().map_or(&[][..], Registry::as_slice);
        let mut diagnostics = sources.unnamed_files(linked);
        diagnostics.extend(sources.unlinked_files(linked));
        fail_with("migrations would never run", unplaced(diagnostics))
            .map_err(|error| error.next("fix the lines above"))?;
        registry.map(drop)
    }

    /// Checks that each migration can be planned, up and down, on an empty database, with Rust functions for its
    /// connection type.
    ///
    /// It also plans all migrations for each of the [`dialects`](Checks::dialects).
    ///
    /// # Errors
    ///
    /// Returns an error that lists everything that is wrong with the migrations.
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

    /// Checks that each migration records the same steps when it is called twice, for both `up` and `down`.
    ///
    /// # Errors
    ///
    /// Returns an error with the first differing step of each migration.
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
                    diagnostics.push(Diagnostic {
                        location: Some(location),
                        message: format!("`{direction}` of {} describes another step each time", migration.name()),
                    });
                }
            }
        }
        fail_with("migrations are not the same each time", diagnostics).map_err(|error| {
            error.next(
                "describe the same each time: no clock, no random number, no environment, no order of a `HashMap`",
            )
        })
    }

    /// Checks that all migrations apply to an empty database, and that the database then has the described schema.
    ///
    /// # Errors
    ///
    /// Returns the error of the run, or an error that lists the differences.
    pub fn all_migrations_apply_to_an_empty_database(&self) -> Result<(), Error> {
        self.on_empty(&self.registry()?, &mut |mut runner| {
            runner.up(&Target::Latest)?;
            let differences = runner.differences()?;
            fail_with("the database is not what the migrations say", unplaced(differences)).map_err(|error| {
                error.next("after `execute` or `run`, let `.changes(..)` say what the step does to the schema")
            })
        })
    }

    /// Checks that rolling back each migration restores the schema before it, and that applying it again leads to the
    /// same schema.
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
    /// A table for which no valid row is found stays empty, with a message on stderr; set [`values`](Checks::values)
    /// for it. The environment variable `MIGRATE_TEST_SEED` overrides the [`seed`](Checks::seed) if it is a
    /// non-negative integer.
    ///
    /// # Errors
    ///
    /// Returns the error of the run, or an error that lists the lost values or the differences. It names the seed.
    pub fn each_migration_goes_up_down_and_up_again_with_rows(&self) -> Result<(), Error> {
        let from_outside = std::env::var("MIGRATE_TEST_SEED").ok();
        let seed = from_outside.and_then(|seed| seed.parse().ok()).unwrap_or(self.seed);
        let result = self.up_down_up(Some(Rows::new(seed, self.values)));
        result.map_err(|error| match error.kind() {
            ErrorKind::NoMigrations | ErrorKind::DuplicateVersion => error,
            _ => error.next(format!(
                "the rows were made from the seed {seed}; `MIGRATE_TEST_SEED` sets it"
            )),
        })
    }

    /// Checks that no migration differs from the package's `migrations.sum`. Without that file the check passes.
    ///
    /// With an explicit set of [`migrations`](Checks::migrations), other entries of the file are ignored.
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
                return Err(Error::new(ErrorKind::InvalidSetting, message).with_cause(error));
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
            None => Err(
                Error::new(ErrorKind::InvalidSetting, "nothing says which database to check on")
                    .next("name a server: `Checks::new(..).on(TestServer::at(..)?)`")
                    .next("or enable the feature `sqlite` of migrate-core, for SQLite in memory"),
            ),
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
        if let Some(rows) = &mut self.rows {
            for without in rows.fill(self.runner.session(), &before) {
                // Written directly to stderr, because the test harness hides the output of passing tests.
                let _ = writeln!(
                    io::stderr(),
                    "no rows before {migration} in {without}; `test_migrations!(..; values = ..)` says values that go"
                );
            }
        }
        let rows_before = self.contents(&before)?;

        let has_rows = self.rows.is_some();
        self.up(migration).map_err(|error| match error.kind() {
            ErrorKind::StepFailed if has_rows => {
                error.next("if it goes on empty tables: rows can be like this, so fix them in a step before")
            }
            _ => error,
        })?;
        let after = self.look()?;
        let rows_after = self.contents(&after)?;
        let up = schema::record(|schema| migration.migrate().up(schema)).steps;
        let dialect = self.runner.dialect().kind();
        let kept = PreservedColumns::after(&before, &up, dialect);
        expect_kept(migration, "applied", kept.lost(&rows_before, &rows_after))?;
        fail_with(
            &format!("{migration} loses values"),
            placed(migration, kept.lost_by_replacing(&rows_before, &rows_after)),
        )
        .map_err(|error| error.next("if they are meant to go, drop it in a migration of its own"))?;

        if let Some(rows) = &mut self.rows {
            // The rollback must also work with rows in the new tables.
            let is_new = |table: &Table| {
                let is_empty = rows_after.get(&table.name).is_some_and(|there| there.rows.is_empty());
                is_empty && !before.tables.contains_key(&table.name) && kept.as_it_was(&before, &table.name).is_none()
            };
            rows.fill_for_now(self.runner.session(), &after, is_new);
        }
        self.runner.rollback(&Rollback::Last(1)).map_err(|error| {
            error.next(
                "this was its way back, right after it was applied: let `.undo(..)` or `down` take back what `up` does",
            )
        })?;
        let back = self.look()?;
        let down = schema::record(|schema| migration.migrate().down(schema));
        let left = match down.works_out_from_up {
            true => left_in_place(&up, &before),
            false => Some(BTreeSet::new()),
        };
        if let Some(left) = left {
            fail_with(
                &format!("the way back of {migration} does not lead to the schema from before it"),
                placed(migration, before.without(&left).differences(&back.without(&left))),
            )
            .map_err(|error| error.next("let `.undo(..)` or `down` take back all that `up` does, and nothing else"))?;
        }
        let kept = kept.and_back(&before, &up, (!down.works_out_from_up).then_some(&down.steps));
        let rows_back = self.contents(&back)?;
        expect_kept(migration, "applied and taken back", kept.lost(&rows_before, &rows_back))?;

        self.up(migration).map_err(|error| {
            error
                .next("this was the second time, after its way back, which leaves something behind")
                .next("after `.up_only()` the step has to go a second time, such as with `IF NOT EXISTS`")
        })?;
        let again = self.look()?;
        fail_with(
            &format!("{migration} leads to another schema when it is applied again after its way back"),
            placed(migration, after.differences(&again)),
        )
        .map_err(|error| error.next("let `.undo(..)` or `down` take back all that `up` does, and nothing else"))
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

fn expect_kept(migration: &Migration, when: &str, lost: Vec<String>) -> Result<(), Error> {
    fail_with(
        &format!("when {} is {when}, rows are lost that it is not about", migration),
        placed(migration, lost),
    )
    .map_err(|error| {
        error.next("carry them over; if they are meant to go, let a step of its own say so, such as a `DELETE`")
    })
}

fn placed(migration: &Migration, messages: Vec<String>) -> Vec<Diagnostic> {
    let location = Some(migration.location());
    messages
        .into_iter()
        .map(|message| Diagnostic { location, message })
        .collect()
}

/// Returns the lower-case names of tables and views that the rollback leaves changed, because their steps are
/// `up_only`. Returns `None` if the names are unknown.
fn left_in_place(steps: &[Step], before: &LiveSchema) -> Option<BTreeSet<String>> {
    let mut left = BTreeSet::new();
    for step in steps.iter().filter(|step| matches!(step.undo, Undo::Nothing)) {
        match &step.kind {
            StepKind::Sql(sql) => {
                for sql in Dialect::ALL.iter().filter_map(|dialect| sql.for_dialect(*dialect)) {
                    match effect(sql) {
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
    let enabled = [
        cfg!(feature = "sqlite"),
        cfg!(feature = "postgres"),
        cfg!(feature = "mysql"),
    ];
    match enabled.iter().filter(|enabled| **enabled).count() {
        0 | 1 => error,
        _ => {
            error.next("if they are meant for other databases alone, `test_migrations!(..; on = [..])` says for which")
        }
    }
}

fn unplaced(messages: Vec<String>) -> Vec<Diagnostic> {
    messages
        .into_iter()
        .map(|message| Diagnostic {
            location: None,
            message,
        })
        .collect()
}

/// Returns an error with these diagnostics, if there are any.
fn fail_with(message: &str, diagnostics: Vec<Diagnostic>) -> Result<(), Error> {
    if diagnostics.is_empty() {
        return Ok(());
    }
    let error = Error::new(ErrorKind::InvalidMigration, message);
    Err(diagnostics.into_iter().fold(error, |error, diagnostic| {
        error.diagnostic(diagnostic.location, diagnostic.message)
    }))
}

fn unreadable(what: &str, error: &DriverError) -> Error {
    Error::new(ErrorKind::Database, format!("the {what} could not be read")).with_cause(error.to_string())
}
