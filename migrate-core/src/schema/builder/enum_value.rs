//! A value that was just added to an enum: what more can be said of it.

use crate::schema::operation::{EnumChange, Operation, Position};
use crate::schema::step::{Step, StepKind, Undo};

/// A value that was just added to an enum, after all others unless something else is said.
#[derive(Debug)]
pub struct AddEnumValue<'a> {
    /// Ends with the value.
    steps: &'a mut [Step],
}

impl<'a> AddEnumValue<'a> {
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> AddEnumValue<'a> {
        AddEnumValue { steps }
    }

    fn put(self, to: Position) -> AddEnumValue<'a> {
        if let Some(StepKind::Operation(Operation::ChangeEnum {
            change: EnumChange::AddValue { position, .. },
            ..
        })) = self.steps.last_mut().map(|step| &mut step.kind)
        {
            *position = to;
        }
        self
    }

    /// It sorts right before another value.
    pub fn before(self, value: impl Into<String>) -> AddEnumValue<'a> {
        let value = value.into();
        self.put(Position::Before(value))
    }

    /// It sorts right after another value.
    pub fn after(self, value: impl Into<String>) -> AddEnumValue<'a> {
        let value = value.into();
        self.put(Position::After(value))
    }

    /// Going back leaves the value in the enum. PostgreSQL cannot take one out, so it asks for this or for a `down`.
    pub fn up_only(self) {
        if let Some(step) = self.steps.last_mut() {
            step.undo = Undo::Nothing;
        }
    }
}
