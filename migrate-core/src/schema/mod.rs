//! What a migration is described with: [`Schema`] records every call as a [`Step`].
//!
//! Recording is pure: no database is needed, nothing runs, and a mistake is kept as a problem for the planner to report.

mod fingerprint;
mod rust_function;
mod step;

pub(crate) use fingerprint::{differ, fingerprint, fingerprints_on_the_way, is_older_encoding};
pub(crate) use rust_function::Functions;
pub use rust_function::RustFunction;
pub use step::RecordedStep;
pub(crate) use step::{Step, Undo, Work};

use crate::error::Problem;
use crate::place::Place;

/// What `up` and `down` describe their change on.
#[derive(Debug, Default)]
pub struct Schema {
    steps: Vec<Step>,
    problems: Vec<Problem>,
    works_out_from_up: bool,
}

impl Schema {
    /// One SQL statement, as the database takes it.
    ///
    /// Say how to take it back with [`undo`](RecordedStep::undo), or that there is nothing to take back with
    /// [`up_only`](RecordedStep::up_only); a migration with neither is refused while planning, unless it has a `down`.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema
    ///         .execute("CREATE INDEX users_email ON users (email)")
    ///         .undo("DROP INDEX users_email");
    ///     schema.execute("UPDATE users SET email = lower(email)").up_only();
    /// }
    /// ```
    #[track_caller]
    pub fn execute(&mut self, sql: impl Into<String>) -> RecordedStep<'_> {
        let place = Place::of_caller();
        self.record(Work::Sql(sql.into()), place)
    }

    /// A Rust function on a Diesel connection: a data migration.
    ///
    /// It runs inside the migration's transaction, so its own `conn.transaction(..)` is a savepoint. A retry calls it
    /// again. It is `fn(&mut Connection) -> Result<(), Error>` with any error type that turns into a boxed one; a tuple
    /// gives one function per connection type.
    ///
    #[cfg_attr(feature = "sqlite", doc = "```")]
    #[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
    /// use diesel::prelude::*;
    /// # use migrate_core::Schema;
    ///
    /// fn up(schema: &mut Schema) {
    ///     schema.run(lower_all_emails).up_only();
    /// }
    ///
    /// fn lower_all_emails(conn: &mut SqliteConnection) -> QueryResult<()> {
    ///     diesel::sql_query("UPDATE users SET email = lower(email)").execute(conn)?;
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn run<M>(&mut self, function: impl RustFunction<M>) -> RecordedStep<'_> {
        let place = Place::of_caller();
        self.record(Work::Rust(function.into_functions()), place)
    }

    fn record(&mut self, work: Work, place: Place) -> RecordedStep<'_> {
        if work.is_blank() {
            self.problems.push(Problem {
                place: Some(place),
                message: "`execute` was given a blank text; write one SQL statement, or leave the step out".to_owned(),
            });
        }
        self.steps.push(Step {
            work,
            undo: Undo::Unknown,
            place,
        });
        RecordedStep::new(&mut self.steps, &mut self.problems)
    }

    /// What the provided `down` says.
    pub(crate) fn work_out_from_up(&mut self) {
        self.works_out_from_up = true;
    }
}

/// What one call of `up` or `down` described.
pub(crate) struct Recording {
    pub(crate) steps: Vec<Step>,
    pub(crate) problems: Vec<Problem>,
    /// The provided `down` was called, not one that the user wrote.
    pub(crate) works_out_from_up: bool,
}

/// Calls `describe` on an empty schema and returns what it recorded.
pub(crate) fn record(describe: impl FnOnce(&mut Schema)) -> Recording {
    let mut schema = Schema::default();
    describe(&mut schema);
    Recording {
        steps: schema.steps,
        problems: schema.problems,
        works_out_from_up: schema.works_out_from_up,
    }
}
