//! Random operations as data: their steps, and the values that they destroy.

use std::collections::{BTreeMap, BTreeSet};

use migrate_core::schema::{
    AlterTable, Column, ColumnType, DefaultValue, ForeignKeyAction, IndexKey, IndexMethod, Table, TableBuilder, Value,
    desc, expression,
};
use migrate_core::{Dialect, Schema, SchemaSnapshot};
use proptest::prelude::*;
use proptest::sample::select;

use super::sql;

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    CreateTable(String, Vec<NewColumn>, Option<String>),
    DropTable(String),
    RenameTable(String, String),
    AlterTable(String, Vec<Edit>),
    CreateIndex(String, Vec<String>, Kind),
    DropIndex(String, Vec<String>),
    RenameIndex(String, Vec<String>, String),
    CreateView(String, String),
    DropView(String),
    /// The enum `mood`, on PostgreSQL.
    CreateEnum,
    AddValue,
    DropEnum,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Plain,
    Unique,
    Partial,
    Descending,
    Expression,
    /// With an included column.
    Including,
    Hash,
}

#[derive(Clone, Debug)]
pub(crate) struct NewColumn {
    name: String,
    column_type: ColumnType,
    nullable: bool,
    default: bool,
    unique: bool,
    check: bool,
}

/// The fill of a dropped column for the rollback.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fill {
    Nothing,
    Value,
    Expression,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    Integer,
    Bool,
    Value,
    Expression,
}

/// A column, and its type before the edit if it is known.
#[derive(Clone, Debug)]
pub(crate) struct There(String, Option<ColumnType>);

#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Add(NewColumn),
    Drop(There, Fill),
    Rename(String, String),
    /// The flag adds conversion expressions for both directions.
    ChangeType(There, ColumnType, bool),
    SetNotNull(String),
    DropNotNull(String),
    SetDefault(There, Default),
    DropDefault(String),
    Unique(Vec<String>),
    Check(String),
    Reference(String, String),
    DropConstraint(String),
    Comment(String),
}

impl NewColumn {
    fn record(&self, t: &TableBuilder, dialect: Dialect) {
        let mut column = t.column(self.name.clone(), self.column_type.clone());
        if self.nullable {
            column = column.nullable();
        }
        if self.default {
            column = sql::default(dialect, &self.column_type).default_of(column);
        }
        if self.unique {
            column = column.unique();
        }
        if self.check {
            column.check(sql::is_not(dialect, &self.name, "never"));
        }
    }
}

impl Edit {
    fn record(&self, t: &AlterTable, dialect: Dialect) {
        match self {
            Edit::Add(column) => column.record(t, dialect),
            Edit::Drop(There(column, was), fill) => {
                let dropped = t.drop_column(column.clone());
                match (fill, was) {
                    (Fill::Value, Some(was)) => sql::fill(was).undo_fill_of(dropped),
                    (Fill::Expression, Some(was)) => dropped.undo_fill_sql(sql::fill_from_id(dialect, was)),
                    _ => {}
                }
            }
            Edit::Rename(from, to) => t.rename_column(from.clone(), to.clone()),
            Edit::ChangeType(There(column, was), to, is_said) => {
                let changed = t.set_type(column.clone(), to.clone());
                let turned = |to| sql::turned(dialect, column, to);
                if let (true, Some(there), Some(back)) = (is_said, turned(to), was.as_ref().and_then(turned)) {
                    changed.using(there).undo_using(back);
                }
            }
            Edit::SetNotNull(column) => t.set_not_null(column.clone()),
            Edit::DropNotNull(column) => t.drop_not_null(column.clone()),
            Edit::SetDefault(There(column, is), default) => match (default, is) {
                (Default::Value, Some(is)) => sql::fill(is).set_default(t, column),
                (Default::Expression, Some(is)) => t.set_default_sql(column.clone(), sql::computed(dialect, is)),
                // Valid for some types only: the planner must report the others.
                (Default::Integer, _) => t.set_default(column.clone(), 7),
                _ => t.set_default(column.clone(), true),
            },
            Edit::DropDefault(column) => t.drop_default(column.clone()),
            Edit::Unique(columns) => t.unique(columns.clone()),
            Edit::Check(column) => {
                t.check(format!("{column}_sane"), sql::is_not(dialect, column, "mad"));
                // The index lets the planner check that the column exists.
                t.index([column.as_str()]).name(format!("{column}_sane_idx"));
            }
            Edit::Reference(column, table) => {
                t.big_int(column.clone()).nullable().references(table.clone(), "id");
            }
            Edit::DropConstraint(name) => t.drop_constraint(name.clone()),
            Edit::Comment(column) => t.comment_on(column.clone(), "it's said"),
        }
    }

    /// Fits the edit to an existing column and its type. Returns `None` if there is none, or if the edit would break
    /// SQL that uses the column.
    fn fitted(&self, table: &Table) -> Option<Edit> {
        let columns = table.columns.iter();
        let columns: Vec<&Column> = columns.filter(|column| NAMES.contains(&&*column.name)).collect();
        let near = |name: &str| {
            let same = columns.iter().find(|column| column.name == name);
            same.or(columns.first()).copied()
        };
        let mut fitted = self.clone();
        match &mut fitted {
            Edit::Drop(There(name, is), _)
            | Edit::ChangeType(There(name, is), ..)
            | Edit::SetDefault(There(name, is), _) => {
                let column = near(name)?;
                *is = Some(column.column_type.clone());
                name.clone_from(&column.name);
            }
            Edit::Rename(name, _)
            | Edit::SetNotNull(name)
            | Edit::DropNotNull(name)
            | Edit::DropDefault(name)
            | Edit::Check(name)
            | Edit::Comment(name) => name.clone_from(&near(name)?.name),
            Edit::Add(_) | Edit::Unique(_) | Edit::Reference(..) | Edit::DropConstraint(_) => {}
        }
        match &fitted {
            Edit::ChangeType(There(name, _), to, _) => {
                let column = near(name)?;
                let stays_right = match &column.default {
                    Some(DefaultValue::Expression(_)) => *to == column.column_type,
                    Some(DefaultValue::Value(Value::Text(_))) => *to == column.column_type || sql::is_text(to),
                    _ => true,
                };
                stays_right.then_some(fitted)
            }
            _ => Some(fitted),
        }
    }
}

impl Operation {
    /// Fits the operation to existing tables and columns. `known_after` returns the schema after an operation.
    pub(crate) fn fitted(
        &self,
        known_after: impl Fn(Option<&Operation>) -> Option<SchemaSnapshot>,
    ) -> Option<Operation> {
        let Operation::AlterTable(wished, edits) = self else {
            return Some(self.clone());
        };
        let known = known_after(None)?;
        let name = known.table(wished).or(known.tables().next())?.name.clone();
        let mut fitted: Vec<Edit> = Vec::new();
        for edit in edits {
            let before = Some(Operation::AlterTable(name.clone(), fitted.clone())).filter(|_| !fitted.is_empty());
            fitted.push(edit.fitted(known_after(before.as_ref())?.table(&name)?)?);
        }
        Some(Operation::AlterTable(name, fitted))
    }

    pub(crate) fn record(&self, schema: &mut Schema, dialect: Dialect) {
        match self {
            Operation::CreateTable(table, columns, parent) => schema.create_table(table.clone(), |t| {
                t.id();
                columns.iter().for_each(|column| column.record(t, dialect));
                if let Some(parent) = parent {
                    t.big_int("parent_id")
                        .nullable()
                        .references(parent.clone(), "id")
                        .on_delete(ForeignKeyAction::Cascade);
                }
            }),
            Operation::DropTable(table) => schema.drop_table(table.clone()),
            Operation::RenameTable(from, to) => schema.rename_table(from.clone(), to.clone()),
            Operation::AlterTable(table, edits) => schema.alter_table(table.clone(), |t| {
                edits.iter().for_each(|edit| edit.record(t, dialect));
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
                    // The additional column lets the planner check the table.
                    Kind::Expression => schema.create_index(
                        table,
                        [
                            IndexKey::from(first.as_str()),
                            expression(sql::indexed(dialect, &first)),
                        ],
                    ),
                    Kind::Including => schema.create_index(table, columns.clone()).include(["id"]),
                    Kind::Hash => schema.create_index(table, [first]).method(IndexMethod::Hash),
                };
            }
            Operation::DropIndex(table, columns) => {
                schema.drop_index(table.clone(), format!("{table}_{}_idx", columns.join("_")));
            }
            Operation::RenameIndex(table, columns, to) => {
                schema.rename_index(
                    table.clone(),
                    format!("{table}_{}_idx", columns.join("_")),
                    format!("{table}_{to}_idx"),
                );
            }
            Operation::CreateView(view, table) => {
                // The comment lets the planner check that the table exists.
                schema.comment_on(table.clone(), "read by a view");
                schema.create_view(view.clone(), format!("SELECT id FROM {}", sql::quoted(dialect, table)));
            }
            Operation::DropView(view) => schema.drop_view(view.clone()),
            Operation::CreateEnum => schema.create_enum("mood", sql::MOODS),
            Operation::AddValue => schema.add_enum_value("mood", "furious").before("sad").up_only(),
            Operation::DropEnum => schema.drop_enum("mood"),
        }
    }
}

/// Returns the tables and columns that lose their values, by their names before the operations.
pub(crate) fn lost<'a>(operations: impl Iterator<Item = &'a Operation>) -> BTreeSet<(String, Option<String>)> {
    // Maps current names to former names. A missing entry means an unchanged name; `None` means a new object.
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
                        Edit::Drop(There(column, _), _) | Edit::ChangeType(There(column, _), ..) => {
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

const TABLES: [&str; 3] = ["a", "b", "order"];

fn table() -> impl Strategy<Value = String> {
    select(&TABLES).prop_map(str::to_owned)
}

const NAMES: [&str; 3] = ["x", "y", "z"];

fn name() -> impl Strategy<Value = String> {
    select(&NAMES).prop_map(str::to_owned)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(&NAMES, 1..3).prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn there() -> impl Strategy<Value = There> {
    name().prop_map(|name| There(name, None))
}

fn column(dialect: Dialect) -> impl Strategy<Value = NewColumn> {
    (
        name(),
        select(sql::types(dialect)),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(name, column_type, nullable, default, unique, check)| NewColumn {
            name,
            column_type,
            nullable,
            default,
            unique,
            check,
        })
}

fn new_table(
    table: impl Strategy<Value = String>,
    parents: &'static [&'static str],
    dialect: Dialect,
) -> impl Strategy<Value = Operation> {
    let columns = prop::collection::vec(column(dialect), 1..6);
    let parent = prop::option::of(select(parents));
    (table, columns, parent).prop_map(|(table, mut columns, parent)| {
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        columns.dedup_by(|a, b| a.name == b.name);
        Operation::CreateTable(table, columns, parent.map(str::to_owned))
    })
}

/// Creates the enum, and a table for most of the names, which may reference itself and earlier tables.
pub(crate) fn tables(dialect: Dialect) -> impl Strategy<Value = Vec<Operation>> {
    let tables = TABLES.iter().enumerate().map(|(at, table)| {
        let table = new_table(Just((*table).to_owned()), &TABLES[..=at], dialect);
        prop::option::weighted(0.9, table)
    });
    let tables: Vec<_> = tables.collect();
    tables.prop_map(move |tables| {
        let mood = (dialect == Dialect::Postgres).then_some(Operation::CreateEnum);
        mood.into_iter().chain(tables.into_iter().flatten()).collect()
    })
}

pub(crate) fn creation(dialect: Dialect) -> impl Strategy<Value = Operation> {
    prop_oneof![
        1 => new_table(table(), &TABLES, dialect),
        2 => index(),
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
        Kind::Including,
        Kind::Hash,
    ]);
    (table(), names(), kind).prop_map(|(table, columns, kind)| Operation::CreateIndex(table, columns, kind))
}

fn edit(dialect: Dialect) -> impl Strategy<Value = Edit> {
    let fill = select(vec![Fill::Nothing, Fill::Value, Fill::Expression]);
    let default = select(vec![
        Default::Integer,
        Default::Bool,
        Default::Value,
        Default::Expression,
    ]);
    prop_oneof![
        3 => column(dialect).prop_map(Edit::Add),
        2 => (there(), fill).prop_map(|(there, fill)| Edit::Drop(there, fill)),
        2 => (name(), name()).prop_map(|(from, to)| Edit::Rename(from, to)),
        2 => (there(), select(sql::types(dialect)), any::<bool>())
            .prop_map(|(there, to, is_said)| Edit::ChangeType(there, to, is_said)),
        1 => name().prop_map(Edit::SetNotNull),
        1 => name().prop_map(Edit::DropNotNull),
        1 => (there(), default).prop_map(|(there, default)| Edit::SetDefault(there, default)),
        1 => name().prop_map(Edit::DropDefault),
        1 => names().prop_map(Edit::Unique),
        1 => name().prop_map(Edit::Check),
        1 => (name(), table()).prop_map(|(name, table)| Edit::Reference(name, table)),
        1 => (table(), name(), select(vec!["key", "check", "fkey"]))
            .prop_map(|(table, name, suffix)| Edit::DropConstraint(format!("{table}_{name}_{suffix}"))),
        1 => name().prop_map(Edit::Comment),
    ]
}

pub(crate) fn change(dialect: Dialect) -> impl Strategy<Value = Operation> {
    let edits = prop::collection::vec(edit(dialect), 1..3);
    prop_oneof![
        10 => (table(), edits).prop_map(|(table, edits)| Operation::AlterTable(table, edits)),
        3 => creation(dialect),
        1 => table().prop_map(Operation::DropTable),
        1 => (table(), table()).prop_map(|(from, to)| Operation::RenameTable(from, to)),
        1 => (table(), names()).prop_map(|(table, columns)| Operation::DropIndex(table, columns)),
        1 => (table(), names(), name()).prop_map(|(table, columns, to)| Operation::RenameIndex(table, columns, to)),
        1 => name().prop_map(|name| Operation::DropView(format!("view_{name}"))),
        u32::from(dialect == Dialect::Postgres) =>
            select(vec![Operation::CreateEnum, Operation::AddValue, Operation::DropEnum]),
    ]
}
