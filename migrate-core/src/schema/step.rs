//! One recorded thing to do, and how to take it back.

use super::Schema;
use super::operation::Operation;
use super::raw_sql::{IntoSql, UserSql};
use super::rust_function::{Functions, RustFunction};
use crate::error::Diagnostic;
use crate::location::Location;

/// One recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) undo: Undo,
    /// What raw SQL or a Rust step does to the schema, if the user says so.
    pub(crate) effects: Option<Vec<Step>>,
    /// Where the user wrote it.
    pub(crate) location: Location,
}

/// What a step does.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum StepKind {
    /// One SQL statement, as the user wrote it.
    Sql(UserSql),
    /// A Rust function, or one per connection type.
    Rust(Functions),
    /// A change of the schema, which every database has its own SQL for.
    Operation(Operation),
    /// What is in the database already; nothing is run for it.
    Declared,
    /// The way back of a step that is `up_only`: nothing is run for it.
    Kept,
}

impl StepKind {
    pub(super) fn mistake(&self) -> Option<String> {
        match self {
            StepKind::Sql(sql) => sql.mistake(),
            StepKind::Rust(_) | StepKind::Operation(_) | StepKind::Declared | StepKind::Kept => None,
        }
    }
}

/// How a step is taken back.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    /// Nothing was said.
    Unknown,
    /// `up_only`: going back leaves this step's work in place.
    Nothing,
    /// `undo`: this is done.
    By { kind: StepKind, location: Location },
}

/// A step that was just recorded, waiting for its way back.
#[derive(Debug)]
pub struct RecordedStep<'a> {
    steps: &'a mut Vec<Step>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> RecordedStep<'a> {
    /// `steps` ends with the recorded one.
    pub(super) fn new(steps: &'a mut Vec<Step>, diagnostics: &'a mut Vec<Diagnostic>) -> RecordedStep<'a> {
        RecordedStep { steps, diagnostics }
    }

    /// How to take the step back: one SQL statement (or one for each dialect), or a Rust function (see [`Schema::run`](crate::Schema::run)).
    #[track_caller]
    pub fn undo<M>(self, kind: impl IntoUndo<M>) {
        let location = Location::of_caller();
        let kind = kind.into_undo();
        if let Some(mistake) = kind.mistake() {
            self.diagnostics.push(Diagnostic {
                location: Some(location),
                message: format!(
                    "`undo` {mistake}; write one SQL statement, or `.up_only()` if there is nothing to take back"
                ),
            });
        }
        self.set(Undo::By { kind, location });
    }

    /// Going back leaves this step's work in place. The plan of a rollback says so.
    pub fn up_only(self) {
        self.set(Undo::Nothing);
    }

    /// What the step does to the schema, for the migrations after it. Nothing of it is run.
    ///
    /// Without it, tables that raw SQL may have changed are not checked any more.
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
    #[must_use = "say how to take the step back, with `undo` or `up_only`"]
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

/// What [`undo`](RecordedStep::undo) takes: SQL text, or what [`RustFunction`] is implemented for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a way back",
    label = "neither SQL text nor a Rust step's function",
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
