//! The operations, as a closed set of data. `state` applies them to a schema, and `render` writes them as SQL.

use super::column_type::{ColumnType, DefaultValue};
use super::table::{Check, Column, ForeignKey, Index, IndexOn, ObjectKind, PrimaryKey, Table, Unique};
use crate::location::Location;

/// One schema change.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Creates a table from edits of an empty table.
    CreateTable {
        table: String,
        edits: Vec<LocatedEdit>,
    },
    /// Edits one table.
    AlterTable {
        table: String,
        edits: Vec<LocatedEdit>,
    },
    DropTable {
        table: String,
    },
    RenameTable {
        from: String,
        to: String,
    },
    CreateView {
        view: String,
        query: String,
    },
    DropView {
        view: String,
    },
    ChangeEnum {
        name: String,
        change: EnumChange,
    },
}

/// A change of an enum.
#[derive(Clone, Debug, PartialEq)]
pub enum EnumChange {
    Create {
        values: Vec<String>,
    },
    Drop,
    AddValue {
        value: String,
        position: Position,
    },
    /// The inverse of `AddValue`.
    DropValue {
        value: String,
    },
}

/// The position of a new enum value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Position {
    #[default]
    Last,
    Before(String),
    After(String),
}

impl Operation {
    /// Returns the tables, views and enums that the operation concerns.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Operation::CreateTable { table, .. }
            | Operation::AlterTable { table, .. }
            | Operation::DropTable { table } => {
                vec![table.clone()]
            }
            Operation::RenameTable { from, to } => vec![from.clone(), to.clone()],
            Operation::CreateView { view, .. } | Operation::DropView { view } => vec![view.clone()],
            Operation::ChangeEnum { name, .. } => vec![name.clone()],
        }
    }
}

/// A name that an operation introduces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewName<'a> {
    /// The name of a table, a view, an index or an enum.
    Object(&'a str),
    /// The name of a column or a constraint.
    Part(&'a str),
}

impl Operation {
    /// Returns the names that the operation introduces.
    pub(crate) fn new_names(&self) -> Vec<NewName<'_>> {
        match self {
            Operation::CreateTable { table, edits } => {
                let parts = edits.iter().filter_map(|edit| edit.change.new_names());
                std::iter::once(NewName::Object(table)).chain(parts).collect()
            }
            Operation::AlterTable { edits, .. } => edits.iter().filter_map(|edit| edit.change.new_names()).collect(),
            Operation::RenameTable { to: name, .. }
            | Operation::CreateView { view: name, .. }
            | Operation::ChangeEnum {
                name,
                change: EnumChange::Create { .. },
            } => vec![NewName::Object(name)],
            Operation::DropTable { .. } | Operation::DropView { .. } | Operation::ChangeEnum { .. } => Vec::new(),
        }
    }

    /// Returns the SQL in the operation that the user wrote.
    pub(crate) fn expressions(&self) -> Vec<&str> {
        match self {
            Operation::CreateTable { edits, .. } | Operation::AlterTable { edits, .. } => {
                edits.iter().flat_map(|edit| edit.change.expressions()).collect()
            }
            Operation::CreateView { query, .. } => vec![query],
            Operation::DropTable { .. }
            | Operation::RenameTable { .. }
            | Operation::DropView { .. }
            | Operation::ChangeEnum { .. } => Vec::new(),
        }
    }
}

/// An edit of a table, with its location in the user's source.
#[derive(Clone, Debug)]
pub struct LocatedEdit {
    pub(crate) change: TableEdit,
    pub(crate) location: Location,
}

/// Locations do not count for equality.
impl PartialEq for LocatedEdit {
    fn eq(&self, other: &LocatedEdit) -> bool {
        self.change == other.change
    }
}

/// One edit of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TableEdit {
    AddColumn {
        column: Column,
        /// The value for existing rows, if it differs from the default.
        fill: Option<DefaultValue>,
    },
    DropColumn {
        column: String,
        /// The value for existing rows when a rollback adds the column again.
        fill: Option<DefaultValue>,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    SetType {
        column: String,
        to: ColumnType,
        /// The SQL expression of the new value; the column name stands for the old one.
        using: Option<String>,
        /// The SQL expression of the old value; the column name stands for the new one.
        undo_using: Option<String>,
    },
    SetNotNull {
        column: String,
    },
    DropNotNull {
        column: String,
    },
    SetDefault {
        column: String,
        default: DefaultValue,
    },
    DropDefault {
        column: String,
    },
    /// The comment of a column, or of the table if `column` is `None`.
    SetComment {
        column: Option<String>,
        comment: Option<String>,
    },
    AddPrimaryKey(PrimaryKey),
    DropPrimaryKey,
    AddUnique(Unique),
    AddCheck(Check),
    AddForeignKey(ForeignKey),
    DropConstraint {
        constraint: String,
    },
    AddIndex {
        index: Index,
        /// Builds the index without blocking writes, where the database offers the choice.
        concurrently: bool,
    },
    DropIndex {
        index: String,
        concurrently: bool,
    },
    RenameIndex {
        from: String,
        to: String,
    },
}

impl TableEdit {
    /// Returns the kind and name of the constraint or index that the edit adds.
    pub(crate) fn added(&self) -> Option<(ObjectKind, &str)> {
        match self {
            TableEdit::AddPrimaryKey(key) => Some((ObjectKind::PrimaryKey, &key.name)),
            TableEdit::AddUnique(unique) => Some((ObjectKind::Unique, &unique.name)),
            TableEdit::AddCheck(check) => Some((ObjectKind::Check, &check.name)),
            TableEdit::AddForeignKey(key) => Some((ObjectKind::ForeignKey, &key.name)),
            TableEdit::AddIndex { index, .. } => Some((ObjectKind::Index, &index.name)),
            TableEdit::RenameIndex { to, .. } => Some((ObjectKind::Index, to)),
            TableEdit::AddColumn { .. }
            | TableEdit::DropColumn { .. }
            | TableEdit::RenameColumn { .. }
            | TableEdit::SetType { .. }
            | TableEdit::SetNotNull { .. }
            | TableEdit::DropNotNull { .. }
            | TableEdit::SetDefault { .. }
            | TableEdit::DropDefault { .. }
            | TableEdit::SetComment { .. }
            | TableEdit::DropPrimaryKey
            | TableEdit::DropConstraint { .. }
            | TableEdit::DropIndex { .. } => None,
        }
    }

    fn new_names(&self) -> Option<NewName<'_>> {
        match (self, self.added()) {
            (TableEdit::AddColumn { column, .. }, _) => Some(NewName::Part(&column.name)),
            (TableEdit::RenameColumn { to, .. }, _) => Some(NewName::Part(to)),
            (_, Some((ObjectKind::Index, name))) => Some(NewName::Object(name)),
            (_, Some((_, name))) => Some(NewName::Part(name)),
            (_, None) => None,
        }
    }

    pub(crate) fn expressions(&self) -> Vec<&str> {
        fn of_default(default: &DefaultValue) -> Option<&str> {
            match default {
                DefaultValue::Expression(sql) => Some(sql),
                DefaultValue::Value(_) | DefaultValue::Now => None,
            }
        }
        match self {
            TableEdit::AddColumn { column, fill } => {
                let generated = column.generated.as_ref().map(|generated| generated.expression.as_str());
                let defaults = column.default.iter().chain(fill).filter_map(of_default);
                defaults.chain(generated).collect()
            }
            TableEdit::SetType { using, .. } => using.iter().map(String::as_str).collect(),
            TableEdit::SetDefault { default, .. } => of_default(default).into_iter().collect(),
            TableEdit::AddCheck(check) => vec![&check.expression],
            TableEdit::AddIndex { index, .. } => {
                let keys = index.keys.iter().filter_map(|key| match &key.on {
                    IndexOn::Expression(sql) => Some(sql.as_str()),
                    IndexOn::Column(_) => None,
                });
                keys.chain(index.filter.as_deref()).collect()
            }
            TableEdit::DropColumn { .. }
            | TableEdit::RenameColumn { .. }
            | TableEdit::SetNotNull { .. }
            | TableEdit::DropNotNull { .. }
            | TableEdit::DropDefault { .. }
            | TableEdit::SetComment { .. }
            | TableEdit::AddPrimaryKey(_)
            | TableEdit::DropPrimaryKey
            | TableEdit::AddUnique(_)
            | TableEdit::AddForeignKey(_)
            | TableEdit::DropConstraint { .. }
            | TableEdit::DropIndex { .. }
            | TableEdit::RenameIndex { .. } => Vec::new(),
        }
    }
}

impl Table {
    /// Applies an edit that was checked.
    pub(crate) fn apply(&mut self, edit: &TableEdit) {
        let columns = &mut self.columns;
        let mut update = |name: &str, update: &dyn Fn(&mut Column)| {
            columns.iter_mut().filter(|column| column.name == name).for_each(update);
        };
        match edit {
            TableEdit::AddColumn { column, .. } => columns.push(column.clone()),
            TableEdit::DropColumn { column, .. } => columns.retain(|one| one.name != *column),
            TableEdit::RenameColumn { from, to } => self.rename_column(from, to),
            TableEdit::SetType { column, to, .. } => update(column, &|column| column.column_type = to.clone()),
            TableEdit::SetNotNull { column } => update(column, &|column| column.nullable = false),
            TableEdit::DropNotNull { column } => update(column, &|column| column.nullable = true),
            TableEdit::SetDefault { column, default } => {
                update(column, &|column| column.default = Some(default.clone()));
            }
            TableEdit::DropDefault { column } => update(column, &|column| column.default = None),
            TableEdit::SetComment { column, comment } => match column {
                Some(column) => update(column, &|column| column.comment.clone_from(comment)),
                None => self.comment.clone_from(comment),
            },
            TableEdit::AddPrimaryKey(key) => self.primary_key = Some(key.clone()),
            TableEdit::DropPrimaryKey => self.primary_key = None,
            TableEdit::AddUnique(unique) => self.uniques.push(unique.clone()),
            TableEdit::AddCheck(check) => self.checks.push(check.clone()),
            TableEdit::AddForeignKey(key) => self.foreign_keys.push(key.clone()),
            TableEdit::DropConstraint { constraint } => {
                self.uniques.retain(|one| one.name != *constraint);
                self.checks.retain(|one| one.name != *constraint);
                self.foreign_keys.retain(|one| one.name != *constraint);
            }
            TableEdit::AddIndex { index, .. } => self.indexes.push(index.clone()),
            TableEdit::DropIndex { index, .. } => self.indexes.retain(|one| one.name != *index),
            TableEdit::RenameIndex { from, to } => {
                for index in self.indexes.iter_mut().filter(|index| index.name == *from) {
                    index.name.clone_from(to);
                }
            }
        }
    }

    /// Returns the edits that create this table from an empty one.
    pub(crate) fn as_edits(&self) -> Vec<TableEdit> {
        let columns = self.columns.iter().map(|column| TableEdit::AddColumn {
            column: column.clone(),
            fill: None,
        });
        let comment = self.comment.clone().map(|comment| TableEdit::SetComment {
            column: None,
            comment: Some(comment),
        });
        let indexes = self.indexes.iter().map(|index| TableEdit::AddIndex {
            index: index.clone(),
            concurrently: false,
        });
        columns
            .chain(self.primary_key.clone().map(TableEdit::AddPrimaryKey))
            .chain(self.uniques.iter().cloned().map(TableEdit::AddUnique))
            .chain(self.checks.iter().cloned().map(TableEdit::AddCheck))
            .chain(self.foreign_keys.iter().cloned().map(TableEdit::AddForeignKey))
            .chain(indexes)
            .chain(comment)
            .collect()
    }
}
