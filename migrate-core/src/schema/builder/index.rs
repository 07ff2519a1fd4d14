//! The builders of a new index and of a dropped index.

use super::{EditList, texts};
use crate::location::Location;
use crate::schema::naming;
use crate::schema::operation::{IndexEdit, Operation, TableEdit};
use crate::schema::step::{Step, StepKind};
use crate::schema::table::{Index, IndexKey, IndexMethod, IndexOn};

/// Returns an index key on a column in ascending order. Use it next to a [`desc`] key: `[asc("author_id"),
/// desc("created_at")]`.
///
/// If all keys are ascending, plain column names are enough: `["author_id", "created_at"]`.
#[must_use]
pub fn asc(column: impl Into<String>) -> IndexKey {
    column.into().into()
}

/// Returns an index key on a column in descending order.
///
/// MariaDB before version 10.8 does not support descending keys; planning fails there.
///
/// ```
/// # use migrate_core::Schema;
/// # use migrate_core::schema::{asc, desc};
/// fn up(schema: &mut Schema) {
///     schema.create_index("posts", [asc("author_id"), desc("created_at")]);
/// }
/// ```
#[must_use]
pub fn desc(column: impl Into<String>) -> IndexKey {
    IndexKey {
        on: IndexOn::Column(column.into()),
        collation: None,
        descending: true,
    }
}

/// Returns an index key on an SQL expression, such as `expression("lower(email)")`.
///
/// MariaDB does not support such keys; planning fails there. The default name of the index contains a hash of the
/// expression, so set a [`name`](IndexBuilder::name).
#[must_use]
pub fn expression(sql: impl Into<String>) -> IndexKey {
    IndexKey {
        on: IndexOn::Expression(sql.into()),
        collation: None,
        descending: false,
    }
}

impl IndexKey {
    /// Sorts this key in descending order.
    #[must_use]
    pub fn desc(mut self) -> IndexKey {
        self.descending = true;
        self
    }
}

impl From<&str> for IndexKey {
    fn from(column: &str) -> IndexKey {
        column.to_owned().into()
    }
}

impl From<String> for IndexKey {
    fn from(column: String) -> IndexKey {
        IndexKey {
            on: IndexOn::Column(column),
            collation: None,
            descending: false,
        }
    }
}

/// The recorded edit that a builder completes.
#[derive(Debug)]
enum IndexHandle<'a> {
    /// An edit inside the closure of a table, by its position.
    EditList(EditList, usize),
    /// The last edit of the last step.
    Steps(&'a mut [Step]),
}

impl IndexHandle<'_> {
    fn update(&mut self, update: impl FnOnce(&mut TableEdit)) {
        match self {
            IndexHandle::EditList(edits, at) => edits.update(*at, update),
            IndexHandle::Steps(steps) => {
                if let Some(StepKind::Operation(Operation::AlterTable { edits, .. })) =
                    steps.last_mut().map(|step| &mut step.kind)
                    && let Some(edit) = edits.last_mut()
                {
                    update(&mut edit.change);
                }
            }
        }
    }
}

/// Builder of a new index. The default name of the index is `table_columns_idx`.
///
/// ```
/// # use migrate_core::Schema;
/// # use migrate_core::schema::IndexMethod;
/// fn up(schema: &mut Schema) {
///     schema.create_index("users", ["email"]).unique().filter("deleted_at IS NULL");
///     schema.create_index("posts", ["tags"]).method(IndexMethod::Gin).name("posts_by_tag");
/// }
/// ```
#[derive(Debug)]
pub struct IndexBuilder<'a>(IndexHandle<'a>);

/// Returns an index with its default name.
pub(in crate::schema) fn index_on<K: Into<IndexKey>>(table: &str, keys: impl IntoIterator<Item = K>) -> Index {
    let keys: Vec<IndexKey> = keys.into_iter().map(Into::into).collect();
    let parts: Vec<String> = keys
        .iter()
        .map(|key| match &key.on {
            IndexOn::Column(column) => column.clone(),
            IndexOn::Expression(sql) => naming::short_hash(sql),
        })
        .collect();
    Index {
        name: naming::derived(table, &parts, "idx"),
        keys,
        unique: false,
        filter: None,
        include: Vec::new(),
        method: None,
    }
}

pub(in crate::schema) fn add_index(index: Index) -> TableEdit {
    TableEdit::Index(IndexEdit::Add {
        index,
        concurrently: false,
    })
}

pub(in crate::schema) fn drop_index(name: impl Into<String>) -> TableEdit {
    TableEdit::Index(IndexEdit::Drop {
        index: name.into(),
        concurrently: false,
    })
}

pub(in crate::schema) fn rename_index(from: impl Into<String>, to: impl Into<String>) -> TableEdit {
    TableEdit::Index(IndexEdit::Rename {
        from: from.into(),
        to: to.into(),
    })
}

impl<'a> IndexBuilder<'a> {
    pub(super) fn add(edits: &EditList, index: Index, location: Location) -> IndexBuilder<'static> {
        IndexBuilder(IndexHandle::EditList(
            edits.clone(),
            edits.add(add_index(index), location),
        ))
    }

    /// The last step must be the edit of the index.
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> IndexBuilder<'a> {
        IndexBuilder(IndexHandle::Steps(steps))
    }

    fn update(mut self, update: impl FnOnce(&mut Index)) -> IndexBuilder<'a> {
        self.0.update(|change| {
            if let TableEdit::Index(IndexEdit::Add { index, .. }) = change {
                update(index);
            }
        });
        self
    }

    /// Makes the index unique: no two rows can have the same values.
    pub fn unique(self) -> IndexBuilder<'a> {
        self.update(|index| index.unique = true)
    }

    /// Restricts the index to the rows for which an SQL expression is true (a partial index).
    ///
    /// SQLite and PostgreSQL support this. On MySQL and MariaDB, planning fails.
    pub fn filter(self, expression: impl Into<String>) -> IndexBuilder<'a> {
        let expression = expression.into();
        self.update(|index| index.filter = Some(expression))
    }

    /// Stores more columns in the index, so that a query for them need not read the table: `INCLUDE (columns)`.
    ///
    /// PostgreSQL supports this. On the other databases, planning fails.
    pub fn include<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> IndexBuilder<'a> {
        let columns = texts(columns);
        self.update(|index| index.include = columns)
    }

    /// Sets the index method: `USING method`. [`IndexMethod`] lists the methods of each database. For other methods,
    /// planning fails.
    pub fn method(self, method: IndexMethod) -> IndexBuilder<'a> {
        self.update(|index| index.method = Some(method))
    }

    /// Builds the index without blocking writes to the table: `CREATE INDEX CONCURRENTLY`. Rollback drops it
    /// concurrently too.
    ///
    /// PostgreSQL allows this only outside a transaction, so the migration needs `transaction = false` there. The other
    /// databases ignore this call, and so does an index inside `create_table`.
    pub fn concurrently(mut self) -> IndexBuilder<'a> {
        self.0.update(be_concurrent);
        self
    }

    /// Sets the name of the index.
    pub fn name(self, name: impl Into<String>) -> IndexBuilder<'a> {
        let name = name.into();
        self.update(|index| index.name = name)
    }
}

/// Builder of the drop of an index.
#[derive(Debug)]
pub struct DropIndex<'a>(IndexHandle<'a>);

impl<'a> DropIndex<'a> {
    pub(super) fn add(edits: &EditList, name: String, location: Location) -> DropIndex<'static> {
        DropIndex(IndexHandle::EditList(
            edits.clone(),
            edits.add(drop_index(name), location),
        ))
    }

    /// The last step must be the edit of the index.
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> DropIndex<'a> {
        DropIndex(IndexHandle::Steps(steps))
    }

    /// Drops the index without blocking writes to the table: `DROP INDEX CONCURRENTLY`. Rollback builds it concurrently
    /// too.
    ///
    /// PostgreSQL allows this only outside a transaction, so the migration needs `transaction = false` there. The other
    /// databases ignore this call.
    pub fn concurrently(mut self) {
        self.0.update(be_concurrent);
    }
}

fn be_concurrent(change: &mut TableEdit) {
    if let TableEdit::Index(IndexEdit::Add { concurrently, .. } | IndexEdit::Drop { concurrently, .. }) = change {
        *concurrently = true;
    }
}
