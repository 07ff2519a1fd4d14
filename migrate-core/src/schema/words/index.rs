//! An index that was just added: what more can be said of it.

use super::Draft;
use crate::place::Place;
use crate::schema::names;
use crate::schema::operation::{Change, Operation};
use crate::schema::step::{Step, Work};
use crate::schema::table::{Index, IndexKey, IndexOn};

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

/// An index that was just added, called `table_columns_idx` unless it is [`named`](NewIndex::named).
#[derive(Debug)]
pub struct NewIndex<'a>(Slot<'a>);

#[derive(Debug)]
enum Slot<'a> {
    /// Inside a table's closure.
    Draft(Draft, usize),
    /// The last one of these.
    Steps(&'a mut [Step]),
}

/// The index that `table` and `keys` make.
pub(in crate::schema) fn index_on<K: Into<IndexKey>>(table: &str, keys: impl IntoIterator<Item = K>) -> Index {
    let keys: Vec<IndexKey> = keys.into_iter().map(Into::into).collect();
    let parts: Vec<String> = keys
        .iter()
        .map(|key| match &key.on {
            IndexOn::Column(column) => column.clone(),
            IndexOn::Expression(sql) => names::short_hash(sql),
        })
        .collect();
    Index {
        name: names::derived(table, &parts, "idx"),
        keys,
        unique: false,
        filter: None,
    }
}

impl<'a> NewIndex<'a> {
    pub(super) fn add(draft: &Draft, index: Index, place: Place) -> NewIndex<'static> {
        NewIndex(Slot::Draft(draft.clone(), draft.add(Change::AddIndex(index), place)))
    }

    /// `steps` ends with the index.
    pub(in crate::schema) fn last_of(steps: &'a mut [Step]) -> NewIndex<'a> {
        NewIndex(Slot::Steps(steps))
    }

    fn update(mut self, update: impl FnOnce(&mut Index)) -> NewIndex<'a> {
        let update = |change: &mut Change| {
            if let Change::AddIndex(index) = change {
                update(index);
            }
        };
        match &mut self.0 {
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

    /// Another name.
    pub fn named(self, name: impl Into<String>) -> NewIndex<'a> {
        let name = name.into();
        self.update(|index| index.name = name)
    }
}
