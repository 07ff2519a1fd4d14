//! An index that was just added: what more can be said of it.

use super::{Draft, texts};
use crate::location::Place;
use crate::schema::naming;
use crate::schema::operation::{Change, Operation};
use crate::schema::step::{Step, Work};
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
enum Slot<'a> {
    /// Inside a table's closure.
    Draft(Draft, usize),
    /// The last one of these.
    Steps(&'a mut [Step]),
}

impl Slot<'_> {
    fn update(&mut self, update: impl FnOnce(&mut Change)) {
        match self {
            Slot::Draft(draft, at) => draft.update(*at, update),
            Slot::Steps(steps) => {
                if let Some(Work::Operation(Operation::AlterTable { edits, .. })) =
                    steps.last_mut().map(|step| &mut step.work)
                    && let Some(edit) = edits.last_mut()
                {
                    update(&mut edit.change);
                }
            }
        }
    }
}

/// An index that was just added, called `table_columns_idx` unless it is [`named`](NewIndex::named).
#[derive(Debug)]
pub struct NewIndex<'a>(Slot<'a>);

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

pub(in crate::schema) fn add_index(index: Index) -> Change {
    Change::AddIndex {
        index,
        concurrently: false,
    }
}

impl<'a> NewIndex<'a> {
    pub(super) fn add(draft: &Draft, index: Index, place: Place) -> NewIndex<'static> {
        NewIndex(Slot::Draft(draft.clone(), draft.add(add_index(index), place)))
    }

    /// `steps` ends with the index.
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> NewIndex<'a> {
        NewIndex(Slot::Steps(steps))
    }

    fn update(mut self, update: impl FnOnce(&mut Index)) -> NewIndex<'a> {
        self.0.update(|change| {
            if let Change::AddIndex { index, .. } = change {
                update(index);
            }
        });
        self
    }

    /// No two rows have the same values.
    pub fn unique(self) -> NewIndex<'a> {
        self.update(|index| index.unique = true)
    }

    /// Only the rows for which an SQL expression holds.
    pub fn filter(self, expression: impl Into<String>) -> NewIndex<'a> {
        let expression = expression.into();
        self.update(|index| index.filter = Some(expression))
    }

    /// Columns that the index keeps besides its keys, so that a query for them need not read the table. PostgreSQL.
    pub fn include<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> NewIndex<'a> {
        let columns = texts(columns);
        self.update(|index| index.include = columns)
    }

    /// How it is built.
    pub fn method(self, method: IndexMethod) -> NewIndex<'a> {
        self.update(|index| index.method = Some(method))
    }

    /// It is built while others write. PostgreSQL does that only outside a transaction, so the migration needs
    /// `transaction = false` there; databases that have no such choice build it as they do. Taking it back drops it in the
    /// same way.
    pub fn concurrently(mut self) -> NewIndex<'a> {
        self.0.update(be_concurrent);
        self
    }

    /// Another name.
    pub fn named(self, name: impl Into<String>) -> NewIndex<'a> {
        let name = name.into();
        self.update(|index| index.name = name)
    }
}

/// An index that is dropped.
#[derive(Debug)]
pub struct DroppedIndex<'a>(Slot<'a>);

impl<'a> DroppedIndex<'a> {
    pub(super) fn add(draft: &Draft, change: Change, place: Place) -> DroppedIndex<'static> {
        DroppedIndex(Slot::Draft(draft.clone(), draft.add(change, place)))
    }

    /// `steps` ends with the index.
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> DroppedIndex<'a> {
        DroppedIndex(Slot::Steps(steps))
    }

    /// It is dropped while others write, and made again so on the way back. PostgreSQL does that only outside a transaction,
    /// so the migration needs `transaction = false` there.
    pub fn concurrently(mut self) {
        self.0.update(be_concurrent);
    }
}

fn be_concurrent(change: &mut Change) {
    if let Change::AddIndex { concurrently, .. } | Change::DropIndex { concurrently, .. } = change {
        *concurrently = true;
    }
}
