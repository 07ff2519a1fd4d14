//! The builder of a new enum value.

use crate::schema::operation::{EnumChange, Operation, Position};
use crate::schema::step::{Step, StepKind, Undo};

/// Builder of a new enum value. By default, the value sorts after all others.
///
/// ```
/// # use migrate_core::Schema;
/// fn up(schema: &mut Schema) {
///     schema.add_enum_value("mood", "calm").after("sad").up_only();
/// }
/// ```
#[derive(Debug)]
pub struct AddEnumValue<'a> {
    /// The last step adds the value.
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

    /// Places the value directly before an existing one.
    pub fn before(self, value: impl Into<String>) -> AddEnumValue<'a> {
        let value = value.into();
        self.put(Position::Before(value))
    }

    /// Places the value directly after an existing one.
    pub fn after(self, value: impl Into<String>) -> AddEnumValue<'a> {
        let value = value.into();
        self.put(Position::After(value))
    }

    /// Keeps the value in the enum on rollback.
    ///
    /// PostgreSQL cannot remove a value from an enum, so the migration needs this call or its own `down`.
    pub fn up_only(self) {
        if let Some(step) = self.steps.last_mut() {
            step.undo = Undo::Nothing;
        }
    }
}
