//! A table as data: what there is, with every name spelled out. Nothing here knows SQL.

use super::column_type::{ColumnType, DefaultValue};
use super::sql_text::renamed;

/// A table with all that belongs to it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// Its name.
    pub name: String,
    /// In their order.
    pub columns: Vec<Column>,
    /// The primary key, if it has one.
    pub primary_key: Option<PrimaryKey>,
    /// The constraints that keep rows apart.
    pub uniques: Vec<Unique>,
    /// The conditions on its rows.
    pub checks: Vec<Check>,
    /// The references to other tables, or to itself.
    pub foreign_keys: Vec<ForeignKey>,
    /// The indexes that are not part of a constraint.
    pub indexes: Vec<Index>,
    /// What people should know of it.
    pub comment: Option<String>,
    pub(crate) triggers: Vec<Trigger>,
    /// SQLite's STRICT.
    pub(crate) strict: bool,
    /// SQLite's WITHOUT ROWID.
    pub(crate) without_rowid: bool,
    /// SQLite keeps statistics of it, which go with the table.
    pub(crate) analyzed: bool,
}

/// A trigger on a table, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    pub(crate) sql: String,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub column_type: ColumnType,
    /// It can be NULL.
    pub nullable: bool,
    /// What a row gets that does not say.
    pub default: Option<DefaultValue>,
    /// It is counted up by the database.
    pub auto_increment: bool,
    /// It is computed from others.
    pub generated: Option<Generated>,
    /// How its texts are compared, by the database's name for it.
    pub collation: Option<String>,
    /// What people should know of it.
    pub comment: Option<String>,
}

/// How a generated column is computed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Generated {
    /// The SQL expression.
    pub expression: String,
    /// Kept in the row, instead of computed whenever it is read.
    pub stored: bool,
}

/// The primary key of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PrimaryKey {
    /// Its name.
    pub name: String,
    /// In their order.
    pub columns: Vec<String>,
}

/// A UNIQUE constraint.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unique {
    /// Its name.
    pub name: String,
    /// In their order.
    pub columns: Vec<String>,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The SQL expression, which is true or NULL for each row.
    pub expression: String,
}

/// A reference to another table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// The columns that refer, in order.
    pub columns: Vec<String>,
    /// The table that they refer to.
    pub to_table: String,
    /// The columns that they refer to, in the same order.
    pub to_columns: Vec<String>,
    /// What happens to the row when the one it refers to is deleted.
    pub on_delete: ForeignKeyAction,
    /// What happens to the row when the key it refers to is updated.
    pub on_update: ForeignKeyAction,
    /// It is checked when the transaction ends.
    pub deferred: bool,
}

/// What happens to a row when the row that it refers to is deleted, or its key is updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ForeignKeyAction {
    /// It is refused, at the latest when the transaction ends. What a database does when nothing is said.
    #[default]
    NoAction,
    /// It is refused at once.
    Restrict,
    /// The same happens to this row.
    Cascade,
    /// The reference becomes NULL.
    SetNull,
    /// The reference becomes the column's default.
    SetDefault,
}

/// An index.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Index {
    /// Its name.
    pub name: String,
    /// What it is on, in order.
    pub keys: Vec<IndexKey>,
    /// No two rows have the same keys.
    pub unique: bool,
    /// Only rows for which this SQL expression holds.
    pub filter: Option<String>,
    /// Columns that it keeps besides its keys.
    pub include: Vec<String>,
    /// How it is built, if not as the database does by default.
    pub method: Option<IndexMethod>,
}

/// How an index is built. By default it is a B-tree, on every database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexMethod {
    /// A sorted tree, for equality and ranges.
    BTree,
    /// For equality alone. PostgreSQL; MySQL and MariaDB make a B-tree of it in InnoDB.
    Hash,
    /// For values that hold many, such as `jsonb`, arrays and full text. PostgreSQL.
    Gin,
    /// For shapes, ranges and nearest neighbours. PostgreSQL.
    Gist,
    /// For data that is partitioned unevenly. PostgreSQL.
    SpGist,
    /// For large tables whose rows lie in the column's order. PostgreSQL.
    Brin,
    /// By the name that PostgreSQL has for it, such as one that an extension brings.
    Named(String),
}

/// One part of an index: a column by its name, [`desc`](crate::desc) or [`expression`](crate::expression).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct IndexKey {
    /// A column or an expression.
    pub on: IndexOn,
    /// How texts are compared, by the database's name for it.
    pub collation: Option<String>,
    /// From the highest to the lowest.
    pub descending: bool,
}

/// What a part of an index is on.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexOn {
    /// A column.
    Column(String),
    /// An SQL expression.
    Expression(String),
}

impl ForeignKeyAction {
    /// Its name: `"no_action"`, `"restrict"`, `"cascade"`, `"set_null"` or `"set_default"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ForeignKeyAction::NoAction => "no_action",
            ForeignKeyAction::Restrict => "restrict",
            ForeignKeyAction::Cascade => "cascade",
            ForeignKeyAction::SetNull => "set_null",
            ForeignKeyAction::SetDefault => "set_default",
        }
    }
}

impl IndexMethod {
    /// What databases call it.
    pub(crate) fn name(&self) -> &str {
        match self {
            IndexMethod::BTree => "btree",
            IndexMethod::Hash => "hash",
            IndexMethod::Gin => "gin",
            IndexMethod::Gist => "gist",
            IndexMethod::SpGist => "spgist",
            IndexMethod::Brin => "brin",
            IndexMethod::Named(name) => name,
        }
    }
}

/// What a name within a table stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    PrimaryKey,
    Unique,
    Check,
    ForeignKey,
    Index,
}

impl ObjectKind {
    /// What messages call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            ObjectKind::PrimaryKey => "a primary key",
            ObjectKind::Unique => "a constraint",
            ObjectKind::Check => "a check",
            ObjectKind::ForeignKey => "a foreign key",
            ObjectKind::Index => "an index",
        }
    }
}

pub(crate) fn rename_in(names: &mut [String], from: &str, to: &str) {
    for name in names.iter_mut().filter(|name| *name == from) {
        to.clone_into(name);
    }
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Without what no word of a migration says, as far as it is known.
    pub(crate) fn in_words(&self) -> Table {
        Table {
            triggers: Vec::new(),
            strict: false,
            without_rowid: false,
            ..self.clone()
        }
    }

    /// The column that is SQLite's rowid: counted up, or an INTEGER that is the primary key by itself.
    /// <https://sqlite.org/lang_createtable.html#rowid>
    pub(crate) fn rowid_column(&self) -> Option<&str> {
        let [only] = self.primary_key.as_ref()?.columns.as_slice() else {
            return None;
        };
        let column = self.column(only)?;
        let is_rowid = column.auto_increment || column.column_type == ColumnType::Integer;
        (is_rowid && !self.without_rowid).then_some(only)
    }

    /// The tables that its foreign keys refer to, itself among them.
    pub(crate) fn refers_to(&self) -> impl Iterator<Item = &str> {
        self.foreign_keys.iter().map(|key| key.to_table.as_str())
    }

    /// The names of all constraints.
    pub(crate) fn constraint_names(&self) -> impl Iterator<Item = &str> {
        self.names()
            .filter(|(kind, _)| *kind != ObjectKind::Index)
            .map(|(_, name)| name)
    }

    /// The names of all constraints and indexes.
    pub(crate) fn names(&self) -> impl Iterator<Item = (ObjectKind, &str)> {
        let keys = self
            .primary_key
            .iter()
            .map(|key| (ObjectKind::PrimaryKey, key.name.as_str()));
        let uniques = self
            .uniques
            .iter()
            .map(|unique| (ObjectKind::Unique, unique.name.as_str()));
        let checks = self.checks.iter().map(|check| (ObjectKind::Check, check.name.as_str()));
        let references = self
            .foreign_keys
            .iter()
            .map(|key| (ObjectKind::ForeignKey, key.name.as_str()));
        let indexes = self
            .indexes
            .iter()
            .map(|index| (ObjectKind::Index, index.name.as_str()));
        keys.chain(uniques).chain(checks).chain(references).chain(indexes)
    }

    /// What it is when a column of it gets another name.
    pub(crate) fn rename_column(&mut self, from: &str, to: &str) {
        for column in &mut self.columns {
            if column.name == from {
                to.clone_into(&mut column.name);
            }
            if let Some(generated) = &mut column.generated {
                generated.expression = renamed(&generated.expression, from, to);
            }
        }
        if let Some(key) = &mut self.primary_key {
            rename_in(&mut key.columns, from, to);
        }
        for unique in &mut self.uniques {
            rename_in(&mut unique.columns, from, to);
        }
        for check in &mut self.checks {
            check.expression = renamed(&check.expression, from, to);
        }
        for key in &mut self.foreign_keys {
            rename_in(&mut key.columns, from, to);
            if key.to_table == self.name {
                rename_in(&mut key.to_columns, from, to);
            }
        }
        for index in &mut self.indexes {
            index.rename_column(from, to);
        }
    }

    /// Whether at most one row can have the same values in these columns, in whatever order.
    pub(crate) fn is_unique(&self, columns: &[String]) -> bool {
        let same = |key: &[String]| key.len() == columns.len() && columns.iter().all(|column| key.contains(column));
        self.primary_key.as_ref().is_some_and(|key| same(&key.columns))
            || self.uniques.iter().any(|unique| same(&unique.columns))
            || self.indexes.iter().any(|index| {
                index.unique && index.filter.is_none() && index.columns().is_some_and(|columns| same(&columns))
            })
    }
}

impl Index {
    /// What it is when a column that it is on gets another name.
    pub(crate) fn rename_column(&mut self, from: &str, to: &str) {
        for key in &mut self.keys {
            match &mut key.on {
                IndexOn::Column(column) if column == from => to.clone_into(column),
                IndexOn::Column(_) => {}
                IndexOn::Expression(sql) => *sql = renamed(sql, from, to),
            }
        }
        if let Some(filter) = &mut self.filter {
            *filter = renamed(filter, from, to);
        }
        for column in self.include.iter_mut().filter(|column| *column == from) {
            to.clone_into(column);
        }
    }

    /// Its columns; `None` if it holds an expression.
    pub(crate) fn columns(&self) -> Option<Vec<String>> {
        self.keys
            .iter()
            .map(|key| match &key.on {
                IndexOn::Column(name) => Some(name.clone()),
                IndexOn::Expression(_) => None,
            })
            .collect()
    }
}
