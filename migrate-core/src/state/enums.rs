//! Applies operations on enums, and checks the columns that use them.

use super::rules::{check_name, diagnostic, listed, made_by_raw_sql};
use super::suggest::unknown;
use super::{CheckedOperation, Findings, SchemaState};
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::location::Location;
use crate::schema::column_type::{ColumnType, DefaultValue, Value};
use crate::schema::operation::{EnumChange, Operation, Position};

impl SchemaState {
    pub(super) fn change_enum(
        &mut self,
        name: &str,
        change: &EnumChange,
        location: Location,
    ) -> Result<CheckedOperation, Findings> {
        self.changed_enum(name, change, location)
            .map_err(|mistake| vec![diagnostic(location, mistake)])
    }

    fn changed_enum(
        &mut self,
        name: &str,
        change: &EnumChange,
        location: Location,
    ) -> Result<CheckedOperation, Mistake> {
        let operation = |change: EnumChange| Operation::ChangeEnum {
            name: name.to_owned(),
            change,
        };
        let applied = |inverse| CheckedOperation::of_unknown(operation(change.clone()), operation(inverse));
        if let EnumChange::Create { values } = change {
            return self.create_enum(name, values).map(applied);
        }
        let Some(values) = self.enums.get(name).cloned() else {
            if !self.is_unknown(name) {
                return Err(self.unknown_enum(name));
            }
            return Ok(match change {
                EnumChange::AddValue { value, .. } => applied(EnumChange::DropValue { value: value.clone() }),
                // DropValue occurs only as the inverse of AddValue.
                EnumChange::Create { .. } | EnumChange::Drop | EnumChange::DropValue { .. } => {
                    let mut applied = applied(EnumChange::Drop);
                    applied.missing.push(diagnostic(location, made_by_raw_sql(name)));
                    applied
                }
            });
        };
        let inverse = match change {
            EnumChange::AddValue { value, position } => self.add_enum_value(name, values, value, position),
            EnumChange::DropValue { value } => self.drop_enum_value(name, values, value),
            EnumChange::Drop | EnumChange::Create { .. } => self.drop_enum(name, values),
        };
        inverse.map(applied)
    }

    /// Creates an enum and returns the inverse.
    fn create_enum(&mut self, name: &str, values: &[String]) -> Result<EnumChange, Mistake> {
        self.check_free("enum", name)?;
        if values.is_empty() {
            return Err(Code::EMPTY_LIST
                .mistake(format!("enum `{name}` has no values"))
                .help("add at least one value"));
        }
        for (at, value) in values.iter().enumerate() {
            check_value(name, value)?;
            if values[..at].contains(value) {
                return Err(Code::REPEATED_NAME
                    .mistake(format!("enum `{name}` lists the value `{value}` twice"))
                    .help("remove one of the two"));
            }
        }
        self.set_enum(name, Some(values.to_vec()));
        Ok(EnumChange::Drop)
    }

    /// Adds a value to the values of an enum and returns the inverse.
    fn add_enum_value(
        &mut self,
        name: &str,
        mut values: Vec<String>,
        value: &str,
        position: &Position,
    ) -> Result<EnumChange, Mistake> {
        check_value(name, value)?;
        if values.iter().any(|there| there == value) {
            return Err(Code::NAME_TAKEN
                .mistake(format!("enum `{name}` already has the value `{value}`"))
                .help("remove the call"));
        }
        let at = |other: &String| {
            let found = values.iter().position(|there| there == other);
            found.ok_or_else(|| unknown_value(name, other, &values))
        };
        let at = match position {
            Position::Last => values.len(),
            Position::Before(other) => at(other)?,
            Position::After(other) => at(other)? + 1,
        };
        values.insert(at, value.to_owned());
        self.set_enum(name, Some(values));
        let value = value.to_owned();
        Ok(EnumChange::DropValue { value })
    }

    /// Drops one of the values of an enum and returns the inverse.
    fn drop_enum_value(&mut self, name: &str, mut values: Vec<String>, value: &str) -> Result<EnumChange, Mistake> {
        let at = values.iter().position(|there| there == value);
        let at = at.ok_or_else(|| unknown_value(name, value, &values))?;
        let value = values.remove(at);
        let position = match values.get(at) {
            Some(next) => Position::Before(next.clone()),
            None => Position::Last,
        };
        self.set_enum(name, Some(values));
        Ok(EnumChange::AddValue { value, position })
    }

    /// Drops an enum that no column uses and returns the inverse.
    fn drop_enum(&mut self, name: &str, values: Vec<String>) -> Result<EnumChange, Mistake> {
        let is_of = |column_type: &ColumnType| matches!(column_type, ColumnType::Enum(of) if of == name);
        let user = self.tables.values().find_map(|table| {
            let column = table.columns.iter().find(|column| is_of(&column.column_type))?;
            Some((&table.name, &column.name))
        });
        if let Some((table, column)) = user {
            return Err(Code::DEPENDENT_OBJECT
                .mistake(format!("column `{table}.{column}` uses enum `{name}`"))
                .help("drop the column first, or give it another type"));
        }
        self.set_enum(name, None);
        Ok(EnumChange::Create { values })
    }

    fn unknown_enum(&self, name: &str) -> Mistake {
        unknown(
            format!("enum `{name}` does not exist"),
            name,
            self.enums.keys().map(String::as_str),
            Some(
                "create it with `schema.create_enum(..)`, or describe one that exists with `schema.declare(..)`"
                    .to_owned(),
            ),
        )
    }

    /// Checks that an enum type exists and that it has these default values.
    pub(super) fn check_enum<'a>(
        &self,
        column_type: &ColumnType,
        values: impl IntoIterator<Item = &'a DefaultValue>,
    ) -> Result<(), Mistake> {
        let ColumnType::Enum(name) = column_type else {
            return Ok(());
        };
        let Some(there) = self.enums.get(name) else {
            return if self.is_unknown(name) {
                Ok(())
            } else {
                Err(self.unknown_enum(name))
            };
        };
        for value in values {
            if let DefaultValue::Value(Value::Text(value)) = value
                && !there.contains(value)
            {
                return Err(unknown_value(name, value, there));
            }
        }
        Ok(())
    }
}

/// <https://www.postgresql.org/docs/current/datatype-enum.html>
fn check_value(name: &str, value: &str) -> Result<(), Mistake> {
    // PostgreSQL stores a value as it stores a name.
    check_name(format_args!("a value of enum `{name}`"), value)
}

fn unknown_value(name: &str, value: &str, values: &[String]) -> Mistake {
    unknown(
        format!("enum `{name}` has no value `{value}`"),
        value,
        values.iter().map(String::as_str),
        (!values.is_empty()).then(|| format!("its values are {}", listed(values))),
    )
}
