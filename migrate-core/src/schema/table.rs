//! A table as data, independent of SQL. All names are explicit.

use super::column_type::{ColumnType, DefaultValue};
use crate::dialect::Dialect;
use crate::sql::renamed;

/// A table with its columns, constraints and indexes, as a [`SchemaSnapshot`](crate::SchemaSnapshot) holds it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// The name.
    pub name: String,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The primary key, if there is one.
    pub primary_key: Option<PrimaryKey>,
    /// The UNIQUE constraints.
    pub uniques: Vec<Unique>,
    /// The CHECK constraints.
    pub checks: Vec<Check>,
    /// The foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// The indexes, without those that belong to a constraint.
    pub indexes: Vec<Index>,
    /// The comment, if there is one.
    pub comment: Option<String>,
    pub(crate) triggers: Vec<Trigger>,
    /// SQLite's STRICT.
    pub(crate) strict: bool,
    /// SQLite's WITHOUT ROWID.
    pub(crate) without_rowid: bool,
    /// True if SQLite has ANALYZE statistics of the table. They are lost when the table is dropped.
    pub(crate) analyzed: bool,
}

/// A trigger on a table, with its SQL as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    pub(crate) sql: String,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type.
    pub column_type: ColumnType,
    /// True if the column allows NULL.
    pub nullable: bool,
    /// The default, if there is one.
    pub default: Option<DefaultValue>,
    /// True if the column is auto-increment.
    pub auto_increment: bool,
    /// The expression of a generated column.
    pub generated: Option<Generated>,
    /// The collation, by its name in the database, if it is not the default one.
    pub collation: Option<String>,
    /// The comment, if there is one.
    pub comment: Option<String>,
}

/// The expression of a generated column, and its storage.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Generated {
    /// The SQL expression.
    pub expression: String,
    /// True for STORED, false for VIRTUAL: computed on each read.
    pub stored: bool,
}

/// The primary key of a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PrimaryKey {
    /// The name.
    pub name: String,
    /// The columns, in order.
    pub columns: Vec<String>,
}

/// A UNIQUE constraint.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unique {
    /// The name.
    pub name: String,
    /// The columns, in order.
    pub columns: Vec<String>,
}

/// A CHECK constraint.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// The name.
    pub name: String,
    /// The SQL expression, which is true or NULL for each row.
    pub expression: String,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ForeignKey {
    /// The name.
    pub name: String,
    /// The referencing columns, in order.
    pub columns: Vec<String>,
    /// The referenced table.
    pub to_table: String,
    /// The referenced columns, in the order of `columns`.
    pub to_columns: Vec<String>,
    /// The action when the referenced row is deleted.
    pub on_delete: ForeignKeyAction,
    /// The action when the referenced key is updated.
    pub on_update: ForeignKeyAction,
    /// True if the constraint is `DEFERRABLE INITIALLY DEFERRED`: checked at the end of the transaction.
    pub deferred: bool,
}

/// The action of a foreign key when the referenced row is deleted, or its key updated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ForeignKeyAction {
    /// Refuses the deletion or update. This is the SQL default, `NO ACTION`; no clause is written.
    ///
    /// The database may check it at the end of the statement, and at the end of the transaction if the key is deferred.
    #[default]
    NoAction,
    /// Refuses the deletion or update at once. SQL: `RESTRICT`.
    Restrict,
    /// Deletes the referencing row as well, or updates its columns to the new key. SQL: `CASCADE`.
    Cascade,
    /// Sets the referencing columns to NULL; they must be nullable. SQL: `SET NULL`.
    SetNull,
    /// Sets the referencing columns to their defaults. SQL: `SET DEFAULT`. MySQL refuses to create such a key, and
    /// MariaDB treats it as `NO ACTION`.
    SetDefault,
}

/// An index.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Index {
    /// The name.
    pub name: String,
    /// The keys, in order.
    pub keys: Vec<IndexKey>,
    /// True if no two rows can have the same keys.
    pub unique: bool,
    /// The SQL expression of a partial index: the index has the rows for which it is true.
    pub filter: Option<String>,
    /// The columns that the index stores besides its keys.
    pub include: Vec<String>,
    /// The index method, or `None` for the default of the database.
    pub method: Option<IndexMethod>,
}

/// The method of an index. The default is a B-tree on every database.
///
/// SQLite has B-trees only; MySQL and MariaDB have [`BTree`](IndexMethod::BTree) and [`Hash`](IndexMethod::Hash).
/// Planning fails for any other method there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexMethod {
    /// A sorted tree, for equality and ranges. SQL: `btree`.
    BTree,
    /// For equality only. SQL: `hash`. PostgreSQL, MySQL and MariaDB; InnoDB builds a B-tree for it.
    Hash,
    /// For values with many elements: `jsonb`, arrays, full text. SQL: `gin`. PostgreSQL only.
    Gin,
    /// For shapes, ranges and nearest neighbours. SQL: `gist`. PostgreSQL only.
    Gist,
    /// For data that partitions unevenly. SQL: `spgist`. PostgreSQL only.
    SpGist,
    /// For large tables whose rows are stored in the order of the column. SQL: `brin`. PostgreSQL only.
    Brin,
    /// A method by its PostgreSQL name, such as one of an extension. PostgreSQL only.
    Named(String),
}

/// One key of an index: a column name, [`asc`](crate::schema::asc), [`desc`](crate::schema::desc) or [`expression`](crate::schema::expression).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct IndexKey {
    /// The column or expression.
    pub on: IndexOn,
    /// The collation of the key, by its name in the database, if it is not that of the column.
    pub collation: Option<String>,
    /// True for descending order.
    pub descending: bool,
}

/// The column or expression of an index key.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexOn {
    /// A column, by its name.
    Column(String),
    /// An SQL expression.
    Expression(String),
}

impl ForeignKeyAction {
    /// Returns the name: `"no_action"`, `"restrict"`, `"cascade"`, `"set_null"` or `"set_default"`.
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
    /// Returns the SQL name.
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

/// The kind of a constraint or an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    PrimaryKey,
    Unique,
    Check,
    ForeignKey,
    Index,
}

impl ObjectKind {
    /// Returns the kind for messages.
    pub(crate) fn title(self) -> &'static str {
        match self {
            ObjectKind::PrimaryKey => "a primary key",
            ObjectKind::Unique => "a unique constraint",
            ObjectKind::Check => "a check constraint",
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

    /// Returns the table without attributes that no builder method sets.
    pub(crate) fn in_words(&self) -> Table {
        Table {
            triggers: Vec::new(),
            strict: false,
            without_rowid: false,
            ..self.clone()
        }
    }

    /// Returns the column that is an alias of SQLite's rowid: an auto-increment column, or an INTEGER that alone is the
    /// primary key. <https://sqlite.org/lang_createtable.html#rowid>
    pub(crate) fn rowid_column(&self) -> Option<&str> {
        let [only] = self.primary_key.as_ref()?.columns.as_slice() else {
            return None;
        };
        let column = self.column(only)?;
        let is_rowid = column.auto_increment || column.column_type == ColumnType::Integer;
        (is_rowid && !self.without_rowid).then_some(only)
    }

    /// Returns the tables that its foreign keys reference. The table itself may be among them.
    pub(crate) fn refers_to(&self) -> impl Iterator<Item = &str> {
        self.foreign_keys.iter().map(|key| key.to_table.as_str())
    }

    /// Returns the names of all constraints.
    pub(crate) fn constraint_names(&self) -> impl Iterator<Item = &str> {
        self.names()
            .filter(|(kind, _)| *kind != ObjectKind::Index)
            .map(|(_, name)| name)
    }

    /// Returns the kinds and names of all constraints and indexes.
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

    /// Returns the table that each foreign key references.
    pub(crate) fn references(&self) -> impl Iterator<Item = &str> {
        self.foreign_keys.iter().map(|key| key.to_table.as_str())
    }

    /// Renames a column wherever the table uses it.
    pub(crate) fn rename_column(&mut self, dialect: Dialect, from: &str, to: &str) {
        for column in &mut self.columns {
            if column.name == from {
                to.clone_into(&mut column.name);
            }
            if let Some(generated) = &mut column.generated {
                generated.expression = renamed(dialect, &generated.expression, from, to);
            }
        }
        if let Some(key) = &mut self.primary_key {
            rename_in(&mut key.columns, from, to);
        }
        for unique in &mut self.uniques {
            rename_in(&mut unique.columns, from, to);
        }
        for check in &mut self.checks {
            check.expression = renamed(dialect, &check.expression, from, to);
        }
        for key in &mut self.foreign_keys {
            rename_in(&mut key.columns, from, to);
            if key.to_table == self.name {
                rename_in(&mut key.to_columns, from, to);
            }
        }
        for index in &mut self.indexes {
            index.rename_column(dialect, from, to);
        }
    }

    /// Returns true if a key, constraint or index makes these columns unique, in any order.
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
    /// Renames a column wherever the index uses it.
    pub(crate) fn rename_column(&mut self, dialect: Dialect, from: &str, to: &str) {
        for key in &mut self.keys {
            match &mut key.on {
                IndexOn::Column(column) if column == from => to.clone_into(column),
                IndexOn::Column(_) => {}
                IndexOn::Expression(sql) => *sql = renamed(dialect, sql, from, to),
            }
        }
        if let Some(filter) = &mut self.filter {
            *filter = renamed(dialect, filter, from, to);
        }
        for column in self.include.iter_mut().filter(|column| *column == from) {
            to.clone_into(column);
        }
    }

    /// Returns the columns of the keys, or `None` if a key is an expression.
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
