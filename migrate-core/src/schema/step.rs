//! A recorded step and its rollback.

use super::Schema;
use super::operation::Operation;
use super::raw_sql::{IntoSql, UserSql};
use super::rust_function::{Functions, RustFunction};
use crate::diagnostic::{Diagnostic, Mistake};
use crate::location::Location;

/// One recorded call on [`Schema`].
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) undo: Undo,
    /// The effect of raw SQL or of a Rust step on the schema, if the user describes it.
    pub(crate) effects: Option<Vec<Step>>,
    /// The location in the user's source.
    pub(crate) location: Location,
}

/// The action of a step.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum StepKind {
    /// One SQL statement, as the user wrote it.
    Sql(UserSql),
    /// A Rust function, or one per connection type.
    Rust(Functions),
    /// A schema change, which each dialect writes as its own SQL.
    Operation(Operation),
    /// Objects that the database already has. The step runs nothing.
    Declared,
    /// The rollback of an `up_only` step. It runs nothing.
    Kept,
}

impl StepKind {
    /// Returns the mistake in it, if any, for a message about `method`.
    pub(super) fn mistake(&self, method: &str, help_if_blank: &str) -> Option<Mistake> {
        match self {
            StepKind::Sql(sql) => sql.mistake(method, help_if_blank),
            StepKind::Rust(_) | StepKind::Operation(_) | StepKind::Declared | StepKind::Kept => None,
        }
    }
}

/// The rollback of a step.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    /// Not set.
    Unknown,
    /// `up_only`: rollback leaves the effect of the step in place.
    Nothing,
    /// `undo`: rollback runs this.
    By { kind: StepKind, location: Location },
}

/// A step that was just recorded. Its methods set the rollback and describe the effect on the schema.
///
/// Call [`undo`](RecordedStep::undo) or [`up_only`](RecordedStep::up_only). Without either, planning fails unless the
/// migration has its own `down`.
#[derive(Debug)]
pub struct RecordedStep<'a> {
    steps: &'a mut Vec<Step>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> RecordedStep<'a> {
    /// The last step is the recorded one.
    pub(super) fn new(steps: &'a mut Vec<Step>, diagnostics: &'a mut Vec<Diagnostic>) -> RecordedStep<'a> {
        RecordedStep { steps, diagnostics }
    }

    /// Sets the rollback of the step: one SQL statement, an array with one statement per dialect, or a Rust function as
    /// for [`Schema::run`](crate::Schema::run).
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema
    ///         .execute("CREATE INDEX users_lower_email ON users (lower(email))")
    ///         .undo("DROP INDEX users_lower_email");
    /// }
    /// ```
    #[track_caller]
    pub fn undo<M>(self, kind: impl IntoUndo<M>) {
        let location = Location::of_caller();
        let kind = kind.into_undo();
        let help_if_blank = "write one SQL statement, or use `.up_only()` if there is nothing to undo";
        if let Some(mistake) = kind.mistake("undo", help_if_blank) {
            self.diagnostics.push(mistake.at(location));
        }
        self.set(Undo::By { kind, location });
    }

    /// Leaves the effect of this step in place on rollback. The plan of a rollback lists the step as kept.
    pub fn up_only(self) {
        self.set(Undo::Nothing);
    }

    /// Describes the effect of the step on the schema for later steps and migrations. Nothing in the closure runs.
    ///
    /// Without this, a table that raw SQL may have changed is unknown from then on: the planner no longer checks
    /// changes to it. A Rust function without this is assumed to change rows only.
    ///
    /// Only schema changes are allowed in the closure: no `execute` and no `run`.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema
    ///         .execute("CREATE TABLE tags (name TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID")
    ///         .changes(|schema| {
    ///             schema.create_table("tags", |t| t.text("name").primary_key());
    ///         })
    ///         .undo("DROP TABLE tags");
    /// }
    /// ```
    #[must_use = "add `undo` or `up_only` to define the rollback"]
    pub fn changes(self, describe: impl FnOnce(&mut Schema)) -> RecordedStep<'a> {
        let effects = super::record_effects(describe, self.diagnostics);
        if let Some(step) = self.steps.last_mut() {
            step.effects = Some(effects);
        }
        self
    }

    fn set(self, undo: Undo) {
        if let Some(step) = self.steps.last_mut() {
            step.undo = undo;
        }
    }
}

/// A rollback that [`undo`](RecordedStep::undo) accepts: SQL text, one text per dialect, or a [`RustFunction`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot undo a step",
    label = "expected SQL text or a function on a Diesel connection",
    note = "write one SQL statement, or `fn(&mut Connection) -> Result<(), Error>`"
)]
pub trait IntoUndo<M> {
    #[doc(hidden)]
    fn into_undo(self) -> StepKind;
}

#[doc(hidden)]
#[derive(Debug)]
pub enum SqlText {}

impl<T: IntoSql> IntoUndo<SqlText> for T {
    fn into_undo(self) -> StepKind {
        StepKind::Sql(self.into_sql())
    }
}

impl<M, F: RustFunction<M>> IntoUndo<(M,)> for F {
    fn into_undo(self) -> StepKind {
        StepKind::Rust(self.into_functions())
    }
}
