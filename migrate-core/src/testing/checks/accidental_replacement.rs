//! Detects a column or table that a migration drops and creates again although a rename was meant, which loses the
//! values.

use std::collections::BTreeSet;

use super::preserved::{Contents, PreservedColumns, WriteSet};
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::dialect::Dialect;
use crate::schema::{Column, ColumnEffect, ColumnType, Operation, Table, TableEdit};
use crate::sql::mentions;
use crate::state::LiveSchema;

/// The columns and tables that a migration's steps drop and add, in order.
#[derive(Default)]
pub(super) struct ReplacementDetector {
    added: Vec<AddedColumn>,
    dropped: Vec<Dropped>,
    made: Vec<Made>,
    dropped_tables: Vec<(String, Table)>,
}

struct AddedColumn {
    table: String,
    column: Column,
    /// The expressions that compute its values.
    computed: Vec<String>,
}

struct Made {
    table: String,
    columns: BTreeSet<String>,
}

struct Dropped {
    was_in: String,
    table: String,
    /// The column before the migration.
    column: Column,
}

/// A column or table whose values another one may hold.
#[derive(Clone, Debug)]
pub(super) enum AccidentalReplacement {
    Column {
        /// The name of its table before the migration, and after it.
        was_in: String,
        table: String,
        column: String,
        by: String,
    },
    Table {
        was: String,
        dropped: String,
        by: String,
    },
}

impl ReplacementDetector {
    /// Records the columns and tables that an operation drops and adds.
    pub(super) fn note(&mut self, before: &LiveSchema, kept: &PreservedColumns, operation: &Operation) {
        match operation {
            Operation::AlterTable { table, edits } => {
                let was = kept.as_it_was(before, table);
                for edit in edits {
                    let effects = edit.change.effects();
                    match effects.column {
                        Some(ColumnEffect::Added(column)) => self.added.push(AddedColumn {
                            table: table.clone(),
                            column: column.clone(),
                            computed: effects.expressions.into_iter().map(str::to_owned).collect(),
                        }),
                        Some(ColumnEffect::Dropped(column)) => self.dropped.extend(was.and_then(|was| {
                            Some(Dropped {
                                was_in: was.name.clone(),
                                table: table.clone(),
                                column: was.column(kept.column_before(table, column)?)?.clone(),
                            })
                        })),
                        Some(ColumnEffect::Renamed { .. } | ColumnEffect::Converted { .. }) | None => {}
                    }
                }
            }
            Operation::DropTable { table } => {
                let was = kept.as_it_was(before, table);
                self.dropped_tables.extend(was.map(|was| (table.clone(), was.clone())));
            }
            Operation::CreateTable { table, edits } => self.made.push(Made {
                table: table.clone(),
                columns: edits.iter().filter_map(|edit| added(&edit.change)).collect(),
            }),
            Operation::RenameTable { from, to } => {
                let made = self.made.iter_mut().filter(|made| made.table == *from);
                made.for_each(|made| made.table.clone_from(to));
            }
            Operation::CreateView { .. } | Operation::DropView { .. } | Operation::ChangeEnum { .. } => {}
        }
    }

    /// Forgets the candidates that a step may write to, because that step may copy the values.
    pub(super) fn forget(&mut self, reach: &WriteSet) {
        self.dropped.retain(|dropped| !reach.has(&dropped.table));
        self.made.retain(|made| !reach.has(&made.table));
    }

    pub(super) fn all(self, dialect: Dialect) -> Vec<AccidentalReplacement> {
        let mut all = Vec::new();
        for Dropped { was_in, table, column } in self.dropped {
            let same = |added: &&AddedColumn| {
                let is_computed = added.computed.iter().any(|sql| mentions(dialect, sql, &column.name));
                added.table == table && holds(&added.column.column_type) == holds(&column.column_type) && !is_computed
            };
            all.extend(self.added.iter().find(same).map(|added| AccidentalReplacement::Column {
                was_in,
                table: table.clone(),
                column: column.name.clone(),
                by: added.column.name.clone(),
            }));
        }
        for (dropped, was) in self.dropped_tables {
            let columns = was.columns.iter().map(|column| column.name.clone()).collect();
            let same = |made: &&Made| made.table == dropped || made.columns == columns;
            all.extend(self.made.iter().find(same).map(|made| AccidentalReplacement::Table {
                was: was.name.clone(),
                dropped,
                by: made.table.clone(),
            }));
        }
        all
    }
}

/// Returns the column that an edit adds.
fn added(change: &TableEdit) -> Option<String> {
    match change.effects().column {
        Some(ColumnEffect::Added(column)) => Some(column.name.clone()),
        _ => None,
    }
}

/// Maps types with convertible values to one representative.
fn holds(column_type: &ColumnType) -> ColumnType {
    match column_type {
        ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) => ColumnType::Text,
        ColumnType::SmallInt | ColumnType::Integer | ColumnType::BigInt => ColumnType::BigInt,
        ColumnType::Float | ColumnType::Double | ColumnType::Numeric { .. } => ColumnType::Double,
        ColumnType::Json | ColumnType::Jsonb => ColumnType::Json,
        other => other.clone(),
    }
}

impl AccidentalReplacement {
    /// Returns the message if the values are lost.
    pub(super) fn lost(&self, before: &Contents, after: &Contents) -> Option<Mistake> {
        match self {
            AccidentalReplacement::Column {
                was_in,
                table,
                column,
                by,
            } => {
                let values = before.get(was_in)?.only([column.as_str()]);
                let is_lost =
                    values.iter().any(|value| value != &["NULL"]) && values != after.get(table)?.only([by.as_str()]);
                is_lost.then(|| {
                    if column == by {
                        return Code::ACCIDENTAL_REPLACEMENT
                            .mistake(format!("`{table}.{column}` is dropped and added again"))
                            .help("change the column in place, such as with `t.set_type(..)`");
                    }
                    Code::ACCIDENTAL_REPLACEMENT
                        .mistake(format!("`{table}.{column}` is dropped and `{table}.{by}` is added"))
                        .help(format!(
                            "if it is the same column, use `t.rename_column(\"{column}\", \"{by}\")`"
                        ))
                })
            }
            AccidentalReplacement::Table { was, dropped, by } => {
                let is_lost = !before.get(was)?.rows.is_empty() && after.get(by)?.rows.is_empty();
                is_lost.then(|| {
                    if dropped == by {
                        return Code::ACCIDENTAL_REPLACEMENT
                            .mistake(format!("`{by}` is dropped and created again"))
                            .help(format!(
                                "change the table in place with `schema.alter_table(\"{by}\", ..)`"
                            ));
                    }
                    Code::ACCIDENTAL_REPLACEMENT
                        .mistake(format!(
                            "`{dropped}` is dropped and `{by}` is created with the same columns"
                        ))
                        .help(format!(
                            "if it is the same table, use `schema.rename_table(\"{dropped}\", \"{by}\")`"
                        ))
                })
            }
        }
    }
}
