//! The operations, as a closed set of data. `state` applies them to a schema, and `render` writes them as SQL.

use super::column_type::{ColumnType, DefaultValue, Value};
use super::table::{Check, Column, ForeignKey, Index, IndexOn, ObjectKind, PrimaryKey, Table, Unique};
use crate::dialect::Dialect;
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
                let parts = edits.iter().filter_map(|edit| edit.change.effects().new_name());
                std::iter::once(NewName::Object(table)).chain(parts).collect()
            }
            Operation::AlterTable { edits, .. } => {
                let names = edits.iter().filter_map(|edit| edit.change.effects().new_name());
                names.collect()
            }
            Operation::RenameTable { to: name, .. }
            | Operation::CreateView { view: name, .. }
            | Operation::ChangeEnum {
                name,
                change: EnumChange::Create { .. },
            } => vec![NewName::Object(name)],
            Operation::DropTable { .. } | Operation::DropView { .. } | Operation::ChangeEnum { .. } => Vec::new(),
        }
    }

    /// Returns the texts among the defaults and fill values, which become literals.
    pub(crate) fn text_values(&self) -> Vec<&str> {
        let (Operation::CreateTable { edits, .. } | Operation::AlterTable { edits, .. }) = self else {
            return Vec::new();
        };
        let defaults = edits.iter().flat_map(|edit| match &edit.change {
            TableEdit::Column {
                edit: ColumnEdit::Add { column, fill },
                ..
            } => [column.default.as_ref(), fill.as_ref()],
            TableEdit::Column {
                edit: ColumnEdit::SetDefault(default),
                ..
            } => [Some(default), None],
            _ => [None, None],
        });
        let texts = defaults.flatten().filter_map(|default| match default {
            DefaultValue::Value(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Returns the SQL in the operation that the user wrote.
    pub(crate) fn expressions(&self) -> Vec<&str> {
        match self {
            Operation::CreateTable { edits, .. } | Operation::AlterTable { edits, .. } => {
                let expressions = edits.iter().flat_map(|edit| edit.change.effects().expressions);
                expressions.collect()
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
    /// An edit of the column `name`, which is also the name of an added column.
    Column {
        name: String,
        edit: ColumnEdit,
    },
    Constraint(ConstraintEdit),
    Index(IndexEdit),
    /// Sets the comment of a column, or of the table if `column` is `None`.
    Comment {
        column: Option<String>,
        comment: Option<String>,
    },
}

/// An edit of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ColumnEdit {
    Add {
        column: Column,
        /// The value for existing rows, if it differs from the default.
        fill: Option<DefaultValue>,
    },
    Drop {
        /// The value for existing rows when a rollback adds the column again.
        fill: Option<DefaultValue>,
    },
    Rename {
        to: String,
    },
    SetType {
        to: ColumnType,
        /// The SQL expression of the new value; the column name stands for the old one.
        using: Option<String>,
        /// The SQL expression of the old value; the column name stands for the new one.
        undo_using: Option<String>,
    },
    SetNotNull,
    DropNotNull,
    SetDefault(DefaultValue),
    DropDefault,
}

/// An edit of the constraints of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ConstraintEdit {
    AddPrimaryKey(PrimaryKey),
    DropPrimaryKey,
    AddUnique(Unique),
    AddCheck(Check),
    AddForeignKey(ForeignKey),
    /// Drops a constraint of this name, other than the primary key.
    Drop(String),
}

/// An edit of the indexes of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum IndexEdit {
    Add {
        index: Index,
        /// Builds the index without blocking writes, where the database offers the choice.
        concurrently: bool,
    },
    Drop {
        index: String,
        concurrently: bool,
    },
    Rename {
        from: String,
        to: String,
    },
}

impl From<ConstraintEdit> for TableEdit {
    fn from(edit: ConstraintEdit) -> TableEdit {
        TableEdit::Constraint(edit)
    }
}

impl From<IndexEdit> for TableEdit {
    fn from(edit: IndexEdit) -> TableEdit {
        TableEdit::Index(edit)
    }
}

impl From<ForeignKey> for TableEdit {
    fn from(key: ForeignKey) -> TableEdit {
        ConstraintEdit::AddForeignKey(key).into()
    }
}

impl TableEdit {
    /// Returns the edit that adds a column.
    pub(crate) fn add_column(column: Column) -> TableEdit {
        TableEdit::Column {
            name: column.name.clone(),
            edit: ColumnEdit::Add { column, fill: None },
        }
    }
}

/// What an edit does to a table and its rows, for code that need not know which edit it is.
#[derive(Debug, Default)]
pub(crate) struct Effects<'a> {
    /// The kind and name of the constraint or index that the edit introduces.
    pub(crate) introduces: Option<(ObjectKind, &'a str)>,
    /// The SQL in the edit that the user wrote.
    pub(crate) expressions: Vec<&'a str>,
    /// What happens to the values of a column.
    pub(crate) column: Option<ColumnEffect<'a>>,
    /// What existing rows must satisfy.
    pub(crate) requires: Option<Requirement<'a>>,
}

/// What an edit does to the values of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ColumnEffect<'a> {
    Added(&'a Column),
    Dropped(&'a str),
    Renamed { from: &'a str, to: &'a str },
    Converted { column: &'a str, to: &'a ColumnType },
}

/// What existing rows must satisfy, or the database refuses the edit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Requirement<'a> {
    PrimaryKey(&'a PrimaryKey),
    Unique(&'a Unique),
    UniqueIndex(&'a Index),
    ForeignKey(&'a ForeignKey),
    Check(&'a Check),
    NotNull {
        column: &'a str,
    },
    /// The expression that fills a new column must not be NULL.
    FilledNotNull {
        column: &'a str,
        expression: &'a str,
    },
}

impl<'a> Effects<'a> {
    /// Returns the name that the edit introduces.
    pub(crate) fn new_name(&self) -> Option<NewName<'a>> {
        match (self.column, self.introduces) {
            (Some(ColumnEffect::Added(column)), _) => Some(NewName::Part(&column.name)),
            (Some(ColumnEffect::Renamed { to, .. }), _) => Some(NewName::Part(to)),
            (_, Some((ObjectKind::Index, name))) => Some(NewName::Object(name)),
            (_, Some((_, name))) => Some(NewName::Part(name)),
            (_, None) => None,
        }
    }
}

impl TableEdit {
    pub(crate) fn effects(&self) -> Effects<'_> {
        match self {
            TableEdit::Column { name, edit } => edit.effects(name),
            TableEdit::Constraint(edit) => edit.effects(),
            TableEdit::Index(edit) => edit.effects(),
            TableEdit::Comment { .. } => Effects::default(),
        }
    }
}

impl ColumnEdit {
    fn effects<'a>(&'a self, name: &'a str) -> Effects<'a> {
        let on_values = |effect| Effects {
            column: Some(effect),
            ..Effects::default()
        };
        match self {
            ColumnEdit::Add { column, fill } => {
                let generated = column.generated.as_ref().map(|generated| generated.expression.as_str());
                let defaults = column.default.iter().chain(fill).filter_map(DefaultValue::expression);
                let filled = fill.as_ref().and_then(DefaultValue::expression);
                Effects {
                    expressions: defaults.chain(generated).collect(),
                    requires: filled
                        .filter(|_| !column.nullable)
                        .map(|expression| Requirement::FilledNotNull {
                            column: name,
                            expression,
                        }),
                    ..on_values(ColumnEffect::Added(column))
                }
            }
            ColumnEdit::Drop { .. } => on_values(ColumnEffect::Dropped(name)),
            ColumnEdit::Rename { to } => on_values(ColumnEffect::Renamed { from: name, to }),
            ColumnEdit::SetType { to, using, .. } => Effects {
                expressions: using.iter().map(String::as_str).collect(),
                ..on_values(ColumnEffect::Converted { column: name, to })
            },
            ColumnEdit::SetNotNull => Effects {
                requires: Some(Requirement::NotNull { column: name }),
                ..Effects::default()
            },
            ColumnEdit::SetDefault(default) => Effects {
                expressions: default.expression().into_iter().collect(),
                ..Effects::default()
            },
            ColumnEdit::DropNotNull | ColumnEdit::DropDefault => Effects::default(),
        }
    }
}

impl ConstraintEdit {
    fn effects(&self) -> Effects<'_> {
        let (kind, name, requires) = match self {
            ConstraintEdit::AddPrimaryKey(key) => (ObjectKind::PrimaryKey, &key.name, Requirement::PrimaryKey(key)),
            ConstraintEdit::AddUnique(unique) => (ObjectKind::Unique, &unique.name, Requirement::Unique(unique)),
            ConstraintEdit::AddCheck(check) => (ObjectKind::Check, &check.name, Requirement::Check(check)),
            ConstraintEdit::AddForeignKey(key) => (ObjectKind::ForeignKey, &key.name, Requirement::ForeignKey(key)),
            ConstraintEdit::DropPrimaryKey | ConstraintEdit::Drop(_) => return Effects::default(),
        };
        let expressions = match requires {
            Requirement::Check(check) => vec![check.expression.as_str()],
            _ => Vec::new(),
        };
        Effects {
            introduces: Some((kind, name)),
            expressions,
            requires: Some(requires),
            ..Effects::default()
        }
    }
}

impl IndexEdit {
    fn effects(&self) -> Effects<'_> {
        let introduces = |name| Effects {
            introduces: Some((ObjectKind::Index, name)),
            ..Effects::default()
        };
        match self {
            IndexEdit::Add { index, .. } => {
                let keys = index.keys.iter().filter_map(|key| match &key.on {
                    IndexOn::Expression(sql) => Some(sql.as_str()),
                    IndexOn::Column(_) => None,
                });
                Effects {
                    expressions: keys.chain(index.filter.as_deref()).collect(),
                    requires: index.unique.then_some(Requirement::UniqueIndex(index)),
                    ..introduces(&index.name)
                }
            }
            IndexEdit::Rename { to, .. } => introduces(to),
            IndexEdit::Drop { .. } => Effects::default(),
        }
    }
}

impl Table {
    /// Applies an edit that was checked. `dialect` is the one that its expressions are written for.
    pub(crate) fn apply(&mut self, dialect: Dialect, edit: &TableEdit) {
        match edit {
            TableEdit::Column { name, edit } => self.apply_to_column(dialect, name, edit),
            TableEdit::Constraint(edit) => self.apply_to_constraints(edit),
            TableEdit::Index(edit) => self.apply_to_indexes(edit),
            TableEdit::Comment { column, comment } => match column {
                Some(name) => self.update_column(name, |column| column.comment.clone_from(comment)),
                None => self.comment.clone_from(comment),
            },
        }
    }

    fn apply_to_column(&mut self, dialect: Dialect, name: &str, edit: &ColumnEdit) {
        match edit {
            ColumnEdit::Add { column, .. } => self.columns.push(column.clone()),
            ColumnEdit::Drop { .. } => self.columns.retain(|column| column.name != name),
            ColumnEdit::Rename { to } => self.rename_column(dialect, name, to),
            ColumnEdit::SetType { to, .. } => self.update_column(name, |column| column.column_type = to.clone()),
            ColumnEdit::SetNotNull => self.update_column(name, |column| column.nullable = false),
            ColumnEdit::DropNotNull => self.update_column(name, |column| column.nullable = true),
            ColumnEdit::SetDefault(default) => {
                self.update_column(name, |column| column.default = Some(default.clone()));
            }
            ColumnEdit::DropDefault => self.update_column(name, |column| column.default = None),
        }
    }

    /// Updates a column, unless the table is unknown and has none.
    fn update_column(&mut self, name: &str, update: impl FnOnce(&mut Column)) {
        if let Some(column) = self.columns.iter_mut().find(|column| column.name == name) {
            update(column);
        }
    }

    fn apply_to_constraints(&mut self, edit: &ConstraintEdit) {
        match edit {
            ConstraintEdit::AddPrimaryKey(key) => self.primary_key = Some(key.clone()),
            ConstraintEdit::DropPrimaryKey => self.primary_key = None,
            ConstraintEdit::AddUnique(unique) => self.uniques.push(unique.clone()),
            ConstraintEdit::AddCheck(check) => self.checks.push(check.clone()),
            ConstraintEdit::AddForeignKey(key) => self.foreign_keys.push(key.clone()),
            ConstraintEdit::Drop(name) => {
                self.uniques.retain(|one| one.name != *name);
                self.checks.retain(|one| one.name != *name);
                self.foreign_keys.retain(|one| one.name != *name);
            }
        }
    }

    fn apply_to_indexes(&mut self, edit: &IndexEdit) {
        match edit {
            IndexEdit::Add { index, .. } => self.indexes.push(index.clone()),
            IndexEdit::Drop { index, .. } => self.indexes.retain(|one| one.name != *index),
            IndexEdit::Rename { from, to } => {
                for index in self.indexes.iter_mut().filter(|index| index.name == *from) {
                    index.name.clone_from(to);
                }
            }
        }
    }

    /// Returns the edits that create this table from an empty one.
    pub(crate) fn as_edits(&self) -> Vec<TableEdit> {
        let columns = self.columns.iter().cloned().map(TableEdit::add_column);
        let key = self.primary_key.iter().cloned().map(ConstraintEdit::AddPrimaryKey);
        let uniques = self.uniques.iter().cloned().map(ConstraintEdit::AddUnique);
        let checks = self.checks.iter().cloned().map(ConstraintEdit::AddCheck);
        let foreign_keys = self.foreign_keys.iter().cloned().map(ConstraintEdit::AddForeignKey);
        let constraints = key.chain(uniques).chain(checks).chain(foreign_keys);
        let indexes = self.indexes.iter().map(|index| IndexEdit::Add {
            index: index.clone(),
            concurrently: false,
        });
        let comment = self.comment.clone().map(|comment| TableEdit::Comment {
            column: None,
            comment: Some(comment),
        });
        columns
            .chain(constraints.map(TableEdit::Constraint))
            .chain(indexes.map(TableEdit::Index))
            .chain(comment)
            .collect()
    }
}
