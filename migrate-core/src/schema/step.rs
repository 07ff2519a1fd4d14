//! One recorded thing to do, and how to take it back.

use super::rust_function::{Functions, RustFunction};
use crate::error::Problem;
use crate::place::Place;

/// One recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) work: Work,
    pub(crate) undo: Undo,
    /// Where the user wrote it.
    pub(crate) place: Place,
}

/// What a step does.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Work {
    /// One SQL statement, as the user wrote it.
    Sql(String),
    /// A Rust function, or one per connection type.
    Rust(Functions),
}

impl Work {
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Work::Sql(sql) => sql.trim().is_empty(),
            Work::Rust(_) => false,
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
    By { work: Work, place: Place },
}

/// A step that was just recorded, waiting for its way back.
#[derive(Debug)]
pub struct RecordedStep<'a> {
    steps: &'a mut Vec<Step>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> RecordedStep<'a> {
    /// `steps` ends with the recorded one.
    pub(super) fn new(steps: &'a mut Vec<Step>, problems: &'a mut Vec<Problem>) -> RecordedStep<'a> {
        RecordedStep { steps, problems }
    }

    /// How to take the step back: one SQL statement, or a Rust function (see [`Schema::run`](crate::Schema::run)).
    #[track_caller]
    pub fn undo<M>(self, work: impl IntoWork<M>) {
        let place = Place::of_caller();
        let work = work.into_work();
        if work.is_blank() {
            self.problems.push(Problem {
                place: Some(place),
                message: "`undo` was given a blank text; write one SQL statement, or `.up_only()` if there is nothing \
                          to take back"
                    .to_owned(),
            });
        }
        self.set(Undo::By { work, place });
    }

    /// Going back leaves this step's work in place. The plan of a rollback says so.
    pub fn up_only(self) {
        self.set(Undo::Nothing);
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
pub trait IntoWork<M> {
    #[doc(hidden)]
    fn into_work(self) -> Work;
}

#[doc(hidden)]
#[derive(Debug)]
pub enum SqlText {}

impl IntoWork<SqlText> for &str {
    fn into_work(self) -> Work {
        Work::Sql(self.to_owned())
    }
}

impl IntoWork<SqlText> for String {
    fn into_work(self) -> Work {
        Work::Sql(self)
    }
}

impl<M, F: RustFunction<M>> IntoWork<(M,)> for F {
    fn into_work(self) -> Work {
        Work::Rust(self.into_functions())
    }
}
