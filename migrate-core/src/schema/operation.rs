//! The changes that the framework knows, as a closed set of data. What they mean for a schema is said in `model`, how a
//! database writes them in `dialect`.

use super::column_type::{ColumnType, DefaultValue};
use super::table::{Check, Column, ForeignKey, Index, IndexOn, Kind, PrimaryKey, Table, Unique};
use crate::location::Place;

/// One change of a schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A table that is described by what is added to an empty one.
    CreateTable {
        table: String,
        edits: Vec<Edit>,
    },
    /// Changes of one table.
    AlterTable {
        table: String,
        edits: Vec<Edit>,
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

/// What happens to an enum.
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
    /// The way back of a value that was added.
    DropValue {
        value: String,
    },
}

/// Where a new value of an enum stands among the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Position {
    #[default]
    Last,
    Before(String),
    After(String),
}

impl Operation {
    /// The tables, views and enums that it is about.
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

/// A name that an operation gives to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given<'a> {
    /// To a table, a view, an index or an enum.
    Object(&'a str),
    /// To a column or a constraint.
    Part(&'a str),
}

impl Operation {
    /// The names that it gives.
    pub(crate) fn given(&self) -> Vec<Given<'_>> {
        match self {
            Operation::CreateTable { table, edits } => {
                let parts = edits.iter().filter_map(|edit| edit.change.given());
                std::iter::once(Given::Object(table)).chain(parts).collect()
            }
            Operation::AlterTable { edits, .. } => edits.iter().filter_map(|edit| edit.change.given()).collect(),
            Operation::RenameTable { to: name, .. }
            | Operation::CreateView { view: name, .. }
            | Operation::ChangeEnum {
                name,
                change: EnumChange::Create { .. },
            } => vec![Given::Object(name)],
            Operation::DropTable { .. } | Operation::DropView { .. } | Operation::ChangeEnum { .. } => Vec::new(),
        }
    }

    /// The SQL in it that the user wrote.
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

/// A change of a table, and where the user wrote it.
#[derive(Clone, Debug)]
pub struct Edit {
    pub(crate) change: Change,
    pub(crate) place: Place,
}

/// Where something was written does not make it another thing.
impl PartialEq for Edit {
    fn eq(&self, other: &Edit) -> bool {
        self.change == other.change
    }
}

/// One change of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    AddColumn {
        column: Column,
        /// What rows that are there already get, if not the default.
        fill: Option<DefaultValue>,
    },
    DropColumn {
        column: String,
        /// What rows get when the column comes back.
        fill: Option<DefaultValue>,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    SetType {
        column: String,
        to: ColumnType,
        /// The new value, as an SQL expression of the old one.
        using: Option<String>,
        /// The old value, as an SQL expression of the new one.
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
    /// The comment of a column, or of the table itself.
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
        /// Without keeping writers out, where the database has a choice.
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

impl Change {
    /// The constraint or index that it adds.
    pub(crate) fn added(&self) -> Option<(Kind, &str)> {
        match self {
            Change::AddPrimaryKey(key) => Some((Kind::PrimaryKey, &key.name)),
            Change::AddUnique(unique) => Some((Kind::Unique, &unique.name)),
            Change::AddCheck(check) => Some((Kind::Check, &check.name)),
            Change::AddForeignKey(key) => Some((Kind::ForeignKey, &key.name)),
            Change::AddIndex { index, .. } => Some((Kind::Index, &index.name)),
            Change::RenameIndex { to, .. } => Some((Kind::Index, to)),
            Change::AddColumn { .. }
            | Change::DropColumn { .. }
            | Change::RenameColumn { .. }
            | Change::SetType { .. }
            | Change::SetNotNull { .. }
            | Change::DropNotNull { .. }
            | Change::SetDefault { .. }
            | Change::DropDefault { .. }
            | Change::SetComment { .. }
            | Change::DropPrimaryKey
            | Change::DropConstraint { .. }
            | Change::DropIndex { .. } => None,
        }
    }

    fn given(&self) -> Option<Given<'_>> {
        match (self, self.added()) {
            (Change::AddColumn { column, .. }, _) => Some(Given::Part(&column.name)),
            (Change::RenameColumn { to, .. }, _) => Some(Given::Part(to)),
            (_, Some((Kind::Index, name))) => Some(Given::Object(name)),
            (_, Some((_, name))) => Some(Given::Part(name)),
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
            Change::AddColumn { column, fill } => {
                let generated = column.generated.as_ref().map(|generated| generated.expression.as_str());
                let defaults = column.default.iter().chain(fill).filter_map(of_default);
                defaults.chain(generated).collect()
            }
            Change::SetType { using, .. } => using.iter().map(String::as_str).collect(),
            Change::SetDefault { default, .. } => of_default(default).into_iter().collect(),
            Change::AddCheck(check) => vec![&check.expression],
            Change::AddIndex { index, .. } => {
                let keys = index.keys.iter().filter_map(|key| match &key.on {
                    IndexOn::Expression(sql) => Some(sql.as_str()),
                    IndexOn::Column(_) => None,
                });
                keys.chain(index.filter.as_deref()).collect()
            }
            Change::DropColumn { .. }
            | Change::RenameColumn { .. }
            | Change::SetNotNull { .. }
            | Change::DropNotNull { .. }
            | Change::DropDefault { .. }
            | Change::SetComment { .. }
            | Change::AddPrimaryKey(_)
            | Change::DropPrimaryKey
            | Change::AddUnique(_)
            | Change::AddForeignKey(_)
            | Change::DropConstraint { .. }
            | Change::DropIndex { .. }
            | Change::RenameIndex { .. } => Vec::new(),
        }
    }
}

impl Table {
    /// Makes a change that was checked.
    pub(crate) fn make(&mut self, change: &Change) {
        let columns = &mut self.columns;
        let mut update = |name: &str, update: &dyn Fn(&mut Column)| {
            columns.iter_mut().filter(|column| column.name == name).for_each(update);
        };
        match change {
            Change::AddColumn { column, .. } => columns.push(column.clone()),
            Change::DropColumn { column, .. } => columns.retain(|one| one.name != *column),
            Change::RenameColumn { from, to } => self.rename_column(from, to),
            Change::SetType { column, to, .. } => update(column, &|column| column.column_type = to.clone()),
            Change::SetNotNull { column } => update(column, &|column| column.nullable = false),
            Change::DropNotNull { column } => update(column, &|column| column.nullable = true),
            Change::SetDefault { column, default } => update(column, &|column| column.default = Some(default.clone())),
            Change::DropDefault { column } => update(column, &|column| column.default = None),
            Change::SetComment { column, comment } => match column {
                Some(column) => update(column, &|column| column.comment.clone_from(comment)),
                None => self.comment.clone_from(comment),
            },
            Change::AddPrimaryKey(key) => self.primary_key = Some(key.clone()),
            Change::DropPrimaryKey => self.primary_key = None,
            Change::AddUnique(unique) => self.uniques.push(unique.clone()),
            Change::AddCheck(check) => self.checks.push(check.clone()),
            Change::AddForeignKey(key) => self.foreign_keys.push(key.clone()),
            Change::DropConstraint { constraint } => {
                self.uniques.retain(|one| one.name != *constraint);
                self.checks.retain(|one| one.name != *constraint);
                self.foreign_keys.retain(|one| one.name != *constraint);
            }
            Change::AddIndex { index, .. } => self.indexes.push(index.clone()),
            Change::DropIndex { index, .. } => self.indexes.retain(|one| one.name != *index),
            Change::RenameIndex { from, to } => {
                for index in self.indexes.iter_mut().filter(|index| index.name == *from) {
                    index.name.clone_from(to);
                }
            }
        }
    }

    /// The changes that make this table of an empty one.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let columns = self.columns.iter().map(|column| Change::AddColumn {
            column: column.clone(),
            fill: None,
        });
        let comment = self.comment.clone().map(|comment| Change::SetComment {
            column: None,
            comment: Some(comment),
        });
        let indexes = self.indexes.iter().map(|index| Change::AddIndex {
            index: index.clone(),
            concurrently: false,
        });
        columns
            .chain(self.primary_key.clone().map(Change::AddPrimaryKey))
            .chain(self.uniques.iter().cloned().map(Change::AddUnique))
            .chain(self.checks.iter().cloned().map(Change::AddCheck))
            .chain(self.foreign_keys.iter().cloned().map(Change::AddForeignKey))
            .chain(indexes)
            .chain(comment)
            .collect()
    }
}
