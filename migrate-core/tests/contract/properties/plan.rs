//! Random plans: the schema before rows are inserted, and the changes with rows.

use migrate_core::__private::{MigrationMeta, register};
use migrate_core::{Dialect, Migrate, Migration, Plan, Registry, Schema, SchemaSnapshot};
use proptest::prelude::*;

use super::operation::{self, Operation};

struct Up {
    dialect: Dialect,
    operations: Vec<Operation>,
}

impl Migrate for Up {
    fn up(&self, schema: &mut Schema) {
        let operations = self.operations.iter();
        operations.for_each(|operation| operation.record(schema, self.dialect));
    }
}

fn migration(dialect: Dialect, version: u64, operations: &[Operation]) -> Migration {
    let meta = MigrationMeta {
        version,
        name: "random",
        group: "default",
        description: "",
        transaction: true,
        file: "src/random.rs",
        line: 1,
        module: "random",
        package: "tests",
    };
    let operations = operations.to_vec();
    register(meta, Box::leak(Box::new(Up { dialect, operations })))
}

/// Random operations, valid or not.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    dialect: Dialect,
    before: Vec<Operation>,
    after: Vec<Vec<Operation>>,
}

pub(crate) fn wish(dialect: Dialect) -> impl Strategy<Value = Wish> {
    let before = (
        operation::tables(dialect),
        prop::collection::vec(operation::creation(dialect), 1..6),
    );
    let before = before.prop_map(|(tables, others)| tables.into_iter().chain(others).collect());
    let after = prop::collection::vec(prop::collection::vec(operation::change(dialect), 4..16), 1..4);
    (before, after).prop_map(move |(before, after)| Wish { dialect, before, after })
}

/// The migrations of a wish: the operations that the planner accepts, in order.
#[derive(Debug)]
pub(crate) struct Taken {
    dialect: Dialect,
    /// The first entry is the schema before rows are inserted.
    operations: Vec<Vec<Operation>>,
    pub(crate) refused: usize,
}

impl Wish {
    pub(crate) fn taken(&self) -> Taken {
        let mut taken = Taken {
            dialect: self.dialect,
            operations: Vec::new(),
            refused: 0,
        };
        for (position, group) in std::iter::once(&self.before).chain(&self.after).enumerate() {
            taken.operations.push(Vec::new());
            for operation in group {
                let is_taken = taken.take(operation);
                taken.refused += usize::from(!is_taken);
            }
            if position > 0 && taken.operations.last().is_some_and(Vec::is_empty) {
                taken.operations.pop();
            }
        }
        taken
    }
}

impl Taken {
    /// Adds an operation to the last migration if the planner accepts it.
    fn take(&mut self, wished: &Operation) -> bool {
        let Some(operation) = wished.fitted(|earlier| self.known_after(earlier)) else {
            return false;
        };
        let mut all = self.operations.clone();
        all.last_mut().unwrap().push(operation);
        let is_taken = registry(self.dialect, &all).is_some_and(|all| Plan::offline(&all, self.dialect).is_ok());
        if is_taken {
            self.operations = all;
        }
        is_taken
    }

    fn known_after(&self, operation: Option<&Operation>) -> Option<SchemaSnapshot> {
        let mut all = self.operations.clone();
        all.last_mut()?.extend(operation.cloned());
        SchemaSnapshot::latest(&registry(self.dialect, &all)?, self.dialect).ok()
    }

    /// The operations after rows are inserted.
    pub(crate) fn after(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().skip(1).flatten()
    }

    /// Returns true if there are no tables to fill, or no changes to them.
    pub(crate) fn is_empty(&self) -> bool {
        self.operations[0].is_empty() || self.operations.len() == 1
    }

    pub(crate) fn migrations(&self) -> Vec<Migration> {
        let migrations = self.operations.iter().zip(1..);
        let migrations = migrations.map(|(operations, version)| migration(self.dialect, version, operations));
        migrations.collect()
    }
}

fn registry(dialect: Dialect, operations: &[Vec<Operation>]) -> Option<Registry> {
    let migrations = operations.iter().filter(|operations| !operations.is_empty()).zip(1..);
    Registry::of(migrations.map(|(operations, version)| migration(dialect, version, operations))).ok()
}
