//! An index that was just added: what more can be said of it.

use super::{EditList, texts};
use crate::location::Location;
use crate::schema::naming;
use crate::schema::operation::{Operation, TableEdit};
use crate::schema::step::{Step, StepKind};
use crate::schema::table::{Index, IndexKey, IndexMethod, IndexOn};

/// A column of an index in ascending order, beside a [`desc`]: `[asc("author_id"), desc("created_at")]`.
#[must_use]
pub fn asc(column: impl Into<String>) -> IndexKey {
    column.into().into()
}

/// A column of an index in descending order.
#[must_use]
pub fn desc(column: impl Into<String>) -> IndexKey {
    IndexKey {
        on: IndexOn::Column(column.into()),
        collation: None,
        descending: true,
    }
}

/// An SQL expression as a part of an index, such as `expression("lower(email)")`.
#[must_use]
pub fn expression(sql: impl Into<String>) -> IndexKey {
    IndexKey {
        on: IndexOn::Expression(sql.into()),
        collation: None,
        descending: false,
    }
}

impl IndexKey {
    /// The same in descending order.
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

/// The last edit of a table, which more can be said of.
#[derive(Debug)]
enum IndexHandle<'a> {
    /// Inside a table's closure.
    EditList(EditList, usize),
    /// The last one of these.
    Steps(&'a mut [Step]),
}

impl IndexHandle<'_> {
    fn update(&mut self, update: impl FnOnce(&mut TableEdit)) {
        match self {
            IndexHandle::EditList(draft, at) => draft.update(*at, update),
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

/// An index that was just added, called `table_columns_idx` unless it is [`name`](IndexBuilder::name).
#[derive(Debug)]
pub struct IndexBuilder<'a>(IndexHandle<'a>);

/// The index that `table` and `keys` make.
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
    TableEdit::AddIndex {
        index,
        concurrently: false,
    }
}

impl<'a> IndexBuilder<'a> {
    pub(super) fn add(draft: &EditList, index: Index, location: Location) -> IndexBuilder<'static> {
        IndexBuilder(IndexHandle::EditList(
            draft.clone(),
            draft.add(add_index(index), location),
        ))
    }

    /// `steps` ends with the index.
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> IndexBuilder<'a> {
        IndexBuilder(IndexHandle::Steps(steps))
    }

    fn update(mut self, update: impl FnOnce(&mut Index)) -> IndexBuilder<'a> {
        self.0.update(|change| {
            if let TableEdit::AddIndex { index, .. } = change {
                update(index);
            }
        });
        self
    }

    /// No two rows have the same values.
    pub fn unique(self) -> IndexBuilder<'a> {
        self.update(|index| index.unique = true)
    }

    /// Only the rows for which an SQL expression holds.
    pub fn filter(self, expression: impl Into<String>) -> IndexBuilder<'a> {
        let expression = expression.into();
        self.update(|index| index.filter = Some(expression))
    }

    /// Columns that the index keeps besides its keys, so that a query for them need not read the table. PostgreSQL.
    pub fn include<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> IndexBuilder<'a> {
        let columns = texts(columns);
        self.update(|index| index.include = columns)
    }

    /// How it is built.
    pub fn method(self, method: IndexMethod) -> IndexBuilder<'a> {
        self.update(|index| index.method = Some(method))
    }

    /// It is built while others write. PostgreSQL does that only outside a transaction, so the migration needs
    /// `transaction = false` there; databases that have no such choice build it as they do. Taking it back drops it in the
    /// same way.
    pub fn concurrently(mut self) -> IndexBuilder<'a> {
        self.0.update(be_concurrent);
        self
    }

    /// Another name.
    pub fn name(self, name: impl Into<String>) -> IndexBuilder<'a> {
        let name = name.into();
        self.update(|index| index.name = name)
    }
}

/// An index that is dropped.
#[derive(Debug)]
pub struct DropIndex<'a>(IndexHandle<'a>);

impl<'a> DropIndex<'a> {
    pub(super) fn add(draft: &EditList, change: TableEdit, location: Location) -> DropIndex<'static> {
        DropIndex(IndexHandle::EditList(draft.clone(), draft.add(change, location)))
    }

    /// `steps` ends with the index.
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> DropIndex<'a> {
        DropIndex(IndexHandle::Steps(steps))
    }

    /// It is dropped while others write, and made again so on the way back. PostgreSQL does that only outside a transaction,
    /// so the migration needs `transaction = false` there.
    pub fn concurrently(mut self) {
        self.0.update(be_concurrent);
    }
}

fn be_concurrent(change: &mut TableEdit) {
    if let TableEdit::AddIndex { concurrently, .. } | TableEdit::DropIndex { concurrently, .. } = change {
        *concurrently = true;
    }
}
