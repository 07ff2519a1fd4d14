//! Tracks the columns that a migration must not change: those that none of its steps writes to, under their new names.

use std::collections::BTreeMap;

use super::accidental_replacement::{AccidentalReplacement, ReplacementDetector};
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::dialect::Dialect;
use crate::schema::{ColumnEffect, Operation, Step, StepKind, Table, Undo};
use crate::sql::{Effect, effects, mentions, written_table};
use crate::state::LiveSchema;

/// The rows of each table, by its name.
pub(super) type Contents = BTreeMap<String, TableRows>;

/// The rows of a table, as SQL literals.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TableRows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl TableRows {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|there| there == column)
    }

    /// Returns the rows with these columns only, sorted.
    pub(super) fn only<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Vec<Vec<&str>> {
        let position = |column| self.columns.iter().position(|there| there == column);
        let positions: Vec<usize> = columns.into_iter().filter_map(position).collect();
        let mut rows: Vec<Vec<&str>> = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let values = positions.iter().filter_map(|at| row.get(*at));
            rows.push(values.map(String::as_str).collect());
        }
        rows.sort_unstable();
        rows
    }
}

/// The columns that must keep their values, with their current names. Columns that a step may have changed are left
/// out.
#[derive(Clone, Debug)]
pub(super) struct PreservedColumns {
    dialect: Dialect,
    /// By the table's former name.
    tables: BTreeMap<String, KeptTable>,
    /// Candidates for an accidental replacement.
    replaced: Vec<AccidentalReplacement>,
    /// True if a step creates a trigger, because the tables that a trigger writes to are unknown.
    makes_triggers: bool,
}

#[derive(Clone, Debug)]
struct KeptTable {
    now: String,
    /// The current name of each column, by its former name.
    columns: BTreeMap<String, String>,
}

/// The tables whose rows a step may have changed, by their current names.
pub(super) enum WriteSet {
    Nothing,
    Tables(Vec<String>),
    Everything,
}

impl WriteSet {
    pub(super) fn has(&self, table: &str) -> bool {
        match self {
            WriteSet::Nothing => false,
            WriteSet::Tables(tables) => tables.iter().any(|one| one.eq_ignore_ascii_case(table)),
            WriteSet::Everything => true,
        }
    }
}

impl PreservedColumns {
    /// Returns the columns of `before` that all steps preserve.
    pub(super) fn after(before: &LiveSchema, steps: &[Step], dialect: Dialect) -> PreservedColumns {
        let tables = before.tables.values().filter_map(|table| table.as_ref().ok());
        let mut kept = PreservedColumns {
            dialect,
            tables: tables
                .map(|table| {
                    let columns = super::row_generator::columns(table).into_iter();
                    let columns = columns.map(|column| (column.to_owned(), column.to_owned())).collect();
                    let now = table.name.clone();
                    (table.name.clone(), KeptTable { now, columns })
                })
                .collect(),
            replaced: Vec::new(),
            makes_triggers: steps.iter().any(|step| makes_trigger(&step.kind, dialect)),
        };
        let mut replacements = ReplacementDetector::default();
        for step in steps {
            let reach = kept.reach(before, &step.kind);
            kept.leave_out(&reach);
            replacements.forget(&reach);
            let said = step.effects.iter().flatten().map(|effect| &effect.kind);
            for kind in said.chain([&step.kind]) {
                if let StepKind::Operation(operation) = kind {
                    replacements.note(before, &kept, operation);
                    kept.follow(operation);
                }
            }
        }
        kept.replaced = replacements.all(kept.dialect);
        kept
    }

    /// Returns the former definition of a table, by its current name.
    pub(super) fn as_it_was<'l>(&self, before: &'l LiveSchema, table: &str) -> Option<&'l Table> {
        let (was, _) = self.tables.iter().find(|(_, kept)| kept.now == table)?;
        before.tables.get(was)?.as_ref().ok()
    }

    /// Returns the former name of a column.
    pub(super) fn column_before(&self, table: &str, column: &str) -> Option<&str> {
        let kept = self.tables.values().find(|kept| kept.now == table)?;
        let (was, _) = kept.columns.iter().find(|(_, now)| *now == column)?;
        Some(was)
    }

    /// Returns the columns that also survive the rollback. Custom rollback steps may change the columns they write to.
    pub(super) fn and_back(mut self, before: &LiveSchema, up: &[Step], down: Option<&[Step]>) -> PreservedColumns {
        let own = down.into_iter().flatten().map(|step| &step.kind);
        let undo = up.iter().filter_map(|step| match &step.undo {
            Undo::By { kind, .. } if down.is_none() => Some(kind),
            Undo::By { .. } | Undo::Nothing | Undo::Unknown => None,
        });
        for kind in own.chain(undo) {
            let reach = self.reach(before, kind);
            self.leave_out(&reach);
        }
        for (name, table) in &mut self.tables {
            table.now.clone_from(name);
            for (before, now) in &mut table.columns {
                now.clone_from(before);
            }
        }
        self
    }

    /// Returns a message for each value that an accidental replacement has lost.
    pub(super) fn lost_by_replacing(&self, before: &Contents, after: &Contents) -> Vec<Mistake> {
        let replaced = self.replaced.iter();
        replaced.filter_map(|replaced| replaced.lost(before, after)).collect()
    }

    /// Returns a message for each table that has lost values.
    pub(super) fn lost(&self, before: &Contents, now: &Contents) -> Vec<Mistake> {
        let mut lost = Vec::new();
        for (name, kept) in &self.tables {
            let (Some(rows), Some(rows_now)) = (before.get(name), now.get(&kept.now)) else {
                continue;
            };
            // Raw SQL may rename or drop a column.
            let columns = kept.columns.iter().filter(|(_, now)| rows_now.has(now));
            let columns: Vec<(&str, &str)> = columns.map(|(was, now)| (was.as_str(), now.as_str())).collect();
            let differ = |columns: &[(&str, &str)]| {
                rows.only(columns.iter().map(|(was, _)| *was)) != rows_now.only(columns.iter().map(|(_, now)| *now))
            };
            if rows.rows.len() != rows_now.rows.len() {
                lost.push(Code::ROWS_LOST.mistake(format!(
                    "`{name}` had {} rows and now has {}",
                    rows.rows.len(),
                    rows_now.rows.len()
                )));
            } else if rows != rows_now && differ(&columns) {
                lost.push(
                    Code::ROWS_LOST.mistake(match columns.iter().find(|column| differ(&[**column])) {
                        Some((column, _)) => format!("the values of `{name}.{column}` have changed"),
                        None => format!("the values of `{name}` have moved to other rows"),
                    }),
                );
            }
        }
        lost
    }

    fn follow(&mut self, operation: &Operation) {
        match operation {
            Operation::AlterTable { table, edits } => {
                let Some(kept) = self.tables.values_mut().find(|kept| kept.now == *table) else {
                    return;
                };
                for edit in edits {
                    match edit.change.effects().column {
                        Some(ColumnEffect::Renamed { from, to }) => {
                            kept.columns
                                .values_mut()
                                .filter(|now| *now == from)
                                .for_each(|now| to.clone_into(now));
                        }
                        Some(ColumnEffect::Dropped(column) | ColumnEffect::Converted { column, .. }) => {
                            kept.columns.retain(|_, now| now != column);
                        }
                        Some(ColumnEffect::Added(_)) | None => {}
                    }
                }
            }
            Operation::RenameTable { from, to } => {
                let renamed = self.tables.values_mut().filter(|kept| kept.now == *from);
                renamed.for_each(|kept| to.clone_into(&mut kept.now));
            }
            Operation::DropTable { table } => self.tables.retain(|_, kept| kept.now != *table),
            Operation::CreateTable { .. }
            | Operation::CreateView { .. }
            | Operation::DropView { .. }
            | Operation::ChangeEnum { .. } => {}
        }
    }

    /// Returns the tables that raw SQL or a Rust function may write to.
    fn reach(&self, before: &LiveSchema, kind: &StepKind) -> WriteSet {
        match kind {
            StepKind::Rust(_) => WriteSet::Everything,
            StepKind::Sql(sql) => {
                let sql = sql.for_dialect(self.dialect).unwrap_or_default();
                let effects = effects(self.dialect, sql);
                let writes_rows = effects.contains(&Effect::Rows);
                match written_table(self.dialect, sql) {
                    _ if effects.contains(&Effect::Anything) => WriteSet::Everything,
                    _ if !writes_rows => WriteSet::Nothing,
                    Some(table) if effects.len() == 1 => self.following(before, table),
                    _ => {
                        let named = self.tables.values();
                        let named = named.filter(|kept| mentions(self.dialect, sql, &kept.now));
                        WriteSet::Tables(named.map(|kept| kept.now.clone()).collect())
                    }
                }
            }
            StepKind::Operation(_) | StepKind::Declared | StepKind::Kept => WriteSet::Nothing,
        }
    }

    /// Returns a table and the tables whose foreign keys may cascade from it.
    fn following(&self, before: &LiveSchema, table: String) -> WriteSet {
        // The triggers of a view decide where rows are written.
        if self.makes_triggers || before.views.contains_key(&table) {
            return WriteSet::Everything;
        }
        let mut reached = vec![table];
        let mut at = 0;
        while let Some(name) = reached.get(at) {
            at += 1;
            let now_called = |kept: &KeptTable| kept.now.eq_ignore_ascii_case(name);
            let Some((was, _)) = self.tables.iter().find(|(_, kept)| now_called(kept)) else {
                continue;
            };
            // The tables that a trigger writes to are unknown.
            if let Some(Ok(there)) = before.tables.get(was)
                && !there.triggers.is_empty()
            {
                return WriteSet::Everything;
            }
            let there = before.tables.values().filter_map(|table| table.as_ref().ok());
            let refers = |table: &&Table| table.foreign_keys.iter().any(|key| key.to_table == *was);
            let referring = there.filter(refers).filter_map(|table| self.tables.get(&table.name));
            let new = referring
                .map(|kept| kept.now.clone())
                .filter(|now| !reached.contains(now));
            let new: Vec<String> = new.collect();
            reached.extend(new);
        }
        WriteSet::Tables(reached)
    }

    fn leave_out(&mut self, reach: &WriteSet) {
        self.tables.retain(|_, kept| !reach.has(&kept.now));
    }
}

/// Returns true if raw SQL creates a trigger.
fn makes_trigger(kind: &StepKind, dialect: Dialect) -> bool {
    let StepKind::Sql(sql) = kind else { return false };
    let sql = sql.for_dialect(dialect).unwrap_or_default();
    let changes_schema = |effect: &Effect| matches!(effect, Effect::Names(_) | Effect::Anything);
    mentions(dialect, sql, "trigger") && effects(dialect, sql).iter().any(changes_schema)
}
