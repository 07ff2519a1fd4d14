//! Random operations as data: what they record, and what they destroy.

use std::collections::{BTreeMap, BTreeSet};

use migrate_core::{ColumnType, IndexKey, Reaction, Schema, desc, expression};
use proptest::prelude::*;
use proptest::sample::select;

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    CreateTable(String, Vec<NewColumn>, Option<String>),
    DropTable(String),
    RenameTable(String, String),
    AlterTable(String, Vec<Edit>),
    CreateIndex(String, Vec<String>, Kind),
    DropIndex(String, Vec<String>),
    CreateView(String, String),
    DropView(String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Plain,
    Unique,
    Partial,
    Descending,
    Expression,
}

#[derive(Clone, Debug)]
pub(crate) struct NewColumn {
    name: String,
    kind: u8,
    nullable: bool,
    default: bool,
    unique: bool,
    check: bool,
}

/// What the way back of a dropped column fills it with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fill {
    Nothing,
    Value,
    Expression,
}

#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Add(NewColumn),
    Drop(String, Fill),
    Rename(String, String),
    ChangeType(String, u8),
    SetNotNull(String),
    DropNotNull(String),
    SetDefault(String, u8),
    DropDefault(String),
    Unique(Vec<String>),
    Check(String),
    Reference(String, String),
    DropConstraint(String),
}

fn column_type(kind: u8) -> ColumnType {
    match kind % 6 {
        0 => ColumnType::Integer,
        1 => ColumnType::BigInt,
        2 => ColumnType::Text,
        3 => ColumnType::VarChar(40),
        4 => ColumnType::Double,
        _ => ColumnType::Timestamp,
    }
}

impl NewColumn {
    fn record(&self, t: &migrate_core::NewTable) {
        let mut column = t.column(self.name.clone(), column_type(self.kind));
        if self.nullable {
            column = column.nullable();
        }
        if self.default {
            column = match self.kind % 6 {
                0 | 1 => column.default(7),
                2 | 3 => column.default("it's"),
                4 => column.default(0.5),
                _ => column.default_sql("CURRENT_TIMESTAMP"),
            };
        }
        if self.unique {
            column = column.unique();
        }
        if self.check {
            column.check(format!("{} <> 'never'", self.name));
        }
    }
}

impl Operation {
    pub(crate) fn record(&self, schema: &mut Schema) {
        match self {
            Operation::CreateTable(table, columns, parent) => schema.create_table(table.clone(), |t| {
                t.id();
                columns.iter().for_each(|column| column.record(t));
                if let Some(parent) = parent {
                    t.big_int("parent_id")
                        .nullable()
                        .references(parent.clone(), "id")
                        .on_delete(Reaction::Cascade);
                }
            }),
            Operation::DropTable(table) => schema.drop_table(table.clone()),
            Operation::RenameTable(from, to) => schema.rename_table(from.clone(), to.clone()),
            Operation::AlterTable(table, edits) => schema.alter_table(table.clone(), |t| {
                for edit in edits {
                    match edit {
                        Edit::Add(column) => column.record(t),
                        Edit::Drop(column, fill) => {
                            let dropped = t.drop_column(column.clone());
                            match fill {
                                Fill::Nothing => {}
                                Fill::Value => dropped.undo_fill("filled"),
                                Fill::Expression => dropped.undo_fill_sql("'row' || id"),
                            }
                        }
                        Edit::Rename(from, to) => t.rename_column(from.clone(), to.clone()),
                        Edit::ChangeType(column, kind) => {
                            let changed = t.change_type(column.clone(), column_type(*kind));
                            if *kind >= 6 {
                                let value = format!("\"{}\"", column.replace('"', "\"\""));
                                changed.using(value.clone()).undo_using(value);
                            }
                        }
                        Edit::SetNotNull(column) => t.set_not_null(column.clone()),
                        Edit::DropNotNull(column) => t.drop_not_null(column.clone()),
                        Edit::SetDefault(column, 0) => t.set_default(column.clone(), 7),
                        Edit::SetDefault(column, 1) => t.set_default(column.clone(), true),
                        Edit::SetDefault(column, 2) => t.set_default_sql(column.clone(), "1 + 1"),
                        Edit::SetDefault(column, _) => t.set_default(column.clone(), "given"),
                        Edit::DropDefault(column) => t.drop_default(column.clone()),
                        Edit::Unique(columns) => t.unique(columns.clone()),
                        Edit::Check(column) => {
                            t.check(format!("{column}_sane"), format!("{column} <> 'mad'"));
                            // By the index the planner can check that the column is there.
                            t.index([column.as_str()]).named(format!("{column}_sane_idx"));
                        }
                        Edit::Reference(column, table) => {
                            t.big_int(column.clone()).nullable().references(table.clone(), "id");
                        }
                        Edit::DropConstraint(name) => t.drop_constraint(name.clone()),
                    }
                }
            }),
            Operation::CreateIndex(table, columns, kind) => {
                let (table, first) = (table.clone(), columns[0].clone());
                match kind {
                    Kind::Plain => schema.create_index(table, columns.clone()),
                    Kind::Unique => schema.create_index(table, columns.clone()).unique(),
                    Kind::Partial => schema
                        .create_index(table, columns.clone())
                        .filter(format!("{first} IS NOT NULL")),
                    Kind::Descending => schema.create_index(table, [desc(first)]),
                    // The column beside the expression is what the planner can check.
                    Kind::Expression => schema.create_index(
                        table,
                        [IndexKey::from(first.as_str()), expression(format!("lower({first})"))],
                    ),
                };
            }
            Operation::DropIndex(table, columns) => {
                schema.drop_index(table.clone(), format!("{table}_{}_idx", columns.join("_")));
            }
            Operation::CreateView(view, table) => {
                // By the comment the planner can check that the table is there.
                schema.comment_on(table.clone(), "read by a view");
                schema.create_view(view.clone(), format!("SELECT id FROM \"{table}\""));
            }
            Operation::DropView(view) => schema.drop_view(view.clone()),
        }
    }
}

/// The tables, and the columns, that lose what they held: as they were called before the operations.
pub(crate) fn lost<'a>(operations: impl Iterator<Item = &'a Operation>) -> BTreeSet<(String, Option<String>)> {
    // Present name to former name; what is not in here has kept its name, unless it is new.
    let mut tables: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut columns: BTreeMap<(String, String), Option<String>> = BTreeMap::new();
    let mut lost = BTreeSet::new();
    let former = |tables: &BTreeMap<String, Option<String>>, table: &str| match tables.get(table) {
        Some(former) => former.clone(),
        None => Some(table.to_owned()),
    };
    for operation in operations {
        match operation {
            Operation::CreateTable(table, ..) => {
                tables.insert(table.clone(), None);
            }
            Operation::DropTable(table) => {
                lost.extend(former(&tables, table).map(|table| (table, None)));
                columns.retain(|(there, _), _| there != table);
                tables.insert(table.clone(), None);
            }
            Operation::RenameTable(from, to) => {
                let before = former(&tables, from);
                tables.insert(from.clone(), None);
                tables.insert(to.clone(), before);
                let moved: Vec<_> = columns.keys().filter(|(table, _)| table == from).cloned().collect();
                for (table, column) in moved {
                    if let Some(before) = columns.remove(&(table, column.clone())) {
                        columns.insert((to.clone(), column), before);
                    }
                }
            }
            Operation::AlterTable(table, edits) => {
                for edit in edits {
                    let key = |column: &String| (table.clone(), column.clone());
                    match edit {
                        Edit::Add(NewColumn { name, .. }) | Edit::Reference(name, _) => {
                            columns.insert(key(name), None);
                        }
                        Edit::Drop(column, _) | Edit::ChangeType(column, _) => {
                            let before = columns.get(&key(column)).cloned().unwrap_or(Some(column.clone()));
                            if let (Some(table), Some(column)) = (former(&tables, table), before) {
                                lost.insert((table, Some(column)));
                            }
                        }
                        Edit::Rename(from, to) => {
                            let before = columns.remove(&key(from)).unwrap_or(Some(from.clone()));
                            columns.insert(key(to), before);
                            columns.insert(key(from), None);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    lost
}

fn table() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "order"]).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    select(vec!["x", "y", "z"]).prop_map(str::to_owned)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(vec!["x", "y", "z"], 1..3)
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn column() -> impl Strategy<Value = NewColumn> {
    (
        name(),
        0..6_u8,
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(name, kind, nullable, default, unique, check)| NewColumn {
            name,
            kind,
            nullable,
            default,
            unique,
            check,
        })
}

pub(crate) fn creation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (table(), prop::collection::vec(column(), 1..5), prop::option::of(table()))
            .prop_map(|(table, mut columns, parent)| {
                columns.sort_by(|a, b| a.name.cmp(&b.name));
                columns.dedup_by(|a, b| a.name == b.name);
                Operation::CreateTable(table, columns, parent)
            }),
        1 => index(),
        1 => (name(), table()).prop_map(|(name, table)| Operation::CreateView(format!("view_{name}"), table)),
    ]
}

fn index() -> impl Strategy<Value = Operation> {
    let kind = select(vec![
        Kind::Plain,
        Kind::Unique,
        Kind::Partial,
        Kind::Descending,
        Kind::Expression,
    ]);
    (table(), names(), kind).prop_map(|(table, columns, kind)| Operation::CreateIndex(table, columns, kind))
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => column().prop_map(Edit::Add),
        2 => (name(), select(vec![Fill::Nothing, Fill::Value, Fill::Expression]))
            .prop_map(|(name, fill)| Edit::Drop(name, fill)),
        2 => (name(), name()).prop_map(|(from, to)| Edit::Rename(from, to)),
        2 => (name(), 0..12_u8).prop_map(|(name, kind)| Edit::ChangeType(name, kind)),
        1 => name().prop_map(Edit::SetNotNull),
        1 => name().prop_map(Edit::DropNotNull),
        1 => (name(), 0..4_u8).prop_map(|(name, kind)| Edit::SetDefault(name, kind)),
        1 => name().prop_map(Edit::DropDefault),
        1 => names().prop_map(Edit::Unique),
        1 => name().prop_map(Edit::Check),
        1 => (name(), table()).prop_map(|(name, table)| Edit::Reference(name, table)),
        1 => (table(), name(), select(vec!["key", "check", "fkey"]))
            .prop_map(|(table, name, suffix)| Edit::DropConstraint(format!("{table}_{name}_{suffix}"))),
    ]
}

pub(crate) fn change() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (table(), prop::collection::vec(edit(), 1..3)).prop_map(|(table, edits)| Operation::AlterTable(table, edits)),
        2 => creation(),
        1 => table().prop_map(Operation::DropTable),
        1 => (table(), table()).prop_map(|(from, to)| Operation::RenameTable(from, to)),
        1 => (table(), names()).prop_map(|(table, columns)| Operation::DropIndex(table, columns)),
        1 => name().prop_map(|name| Operation::DropView(format!("view_{name}"))),
    ]
}
