//! What a migration has to leave as it is: the values of columns that none of its steps is about, wherever they are now.

use std::collections::BTreeMap;

use crate::dialect_name::DialectName;
use crate::schema::{
    Change, Column, Live, Operation, Piece, Step, Table, Touched, Undo, Work, mentions, pieces, touched,
};

/// The rows of each table.
pub(super) type Contents = BTreeMap<String, TableRows>;

/// The rows of a table, as the SQL literals of some columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TableRows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl TableRows {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|there| there == column)
    }

    /// The rows of only these columns, whatever the order of the rows.
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

/// Where the values of a database's columns are after some steps; those that the steps may have changed are not in it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    dialect: DialectName,
    /// By the table's name before.
    tables: BTreeMap<String, KeptTable>,
    /// Columns that were dropped, each with one of the same type that was added to its table.
    replaced: Vec<Replaced>,
}

#[derive(Clone, Debug)]
struct KeptTable {
    now: String,
    /// What each column is called now, by its name before.
    columns: BTreeMap<String, String>,
}

/// A column whose values may be in another one.
#[derive(Clone, Debug)]
pub(super) struct Replaced {
    /// What its table was called before, and is called now.
    pub(super) was_in: String,
    pub(super) table: String,
    pub(super) column: String,
    pub(super) by: String,
}

struct Added {
    table: String,
    column: Column,
}

struct Dropped {
    was_in: String,
    table: String,
    /// As it was before.
    column: Column,
}

impl Kept {
    /// Of a database before steps.
    pub(super) fn after(before: &Live, steps: &[Step], dialect: DialectName) -> Kept {
        let tables = before.tables.values().filter_map(|table| table.as_ref().ok());
        let mut kept = Kept {
            dialect,
            tables: tables
                .map(|table| {
                    let columns = super::rows::columns(table).into_iter();
                    let columns = columns.map(|column| (column.to_owned(), column.to_owned())).collect();
                    let now = table.name.clone();
                    (table.name.clone(), KeptTable { now, columns })
                })
                .collect(),
            replaced: Vec::new(),
        };
        let mut added = Vec::new();
        let mut dropped = Vec::new();
        for step in steps {
            match &step.work {
                Work::Operation(operation) => {
                    kept.note(before, operation, &mut added, &mut dropped);
                    kept.follow(operation);
                }
                work => {
                    if kept.touch(before, work) {
                        // What was dropped may have been carried over before.
                        dropped.clear();
                    }
                }
            }
        }
        for Dropped { was_in, table, column } in dropped {
            let same = |added: &&Added| added.table == table && added.column.column_type == column.column_type;
            kept.replaced.extend(added.iter().find(same).map(|added| Replaced {
                was_in,
                table: table.clone(),
                column: column.name.clone(),
                by: added.column.name.clone(),
            }));
        }
        kept
    }

    /// What is kept when the steps are taken back as well: not what the user's own ways back are about.
    pub(super) fn and_back(mut self, before: &Live, up: &[Step], down: Option<&[Step]>) -> Kept {
        let own = down.into_iter().flatten().map(|step| &step.work);
        let undo = up.iter().filter_map(|step| match &step.undo {
            Undo::By { work, .. } if down.is_none() => Some(work),
            Undo::By { .. } | Undo::Nothing | Undo::Unknown => None,
        });
        for work in own.chain(undo) {
            self.touch(before, work);
        }
        for (name, table) in &mut self.tables {
            table.now.clone_from(name);
            for (before, now) in &mut table.columns {
                now.clone_from(before);
            }
        }
        self
    }

    /// The columns that may have been replaced by others.
    pub(super) fn replaced(&self) -> &[Replaced] {
        &self.replaced
    }

    /// What was lost, as a sentence for each table.
    pub(super) fn lost(&self, before: &Contents, now: &Contents) -> Vec<String> {
        let mut lost = Vec::new();
        for (name, kept) in &self.tables {
            let (Some(rows), Some(rows_now)) = (before.get(name), now.get(&kept.now)) else {
                continue;
            };
            // Raw SQL may have renamed a column, or dropped it.
            let columns = kept.columns.iter().filter(|(_, now)| rows_now.has(now));
            let columns: Vec<(&str, &str)> = columns.map(|(was, now)| (was.as_str(), now.as_str())).collect();
            let differ = |columns: &[(&str, &str)]| {
                rows.only(columns.iter().map(|(was, _)| *was)) != rows_now.only(columns.iter().map(|(_, now)| *now))
            };
            if rows.rows.len() != rows_now.rows.len() {
                lost.push(format!(
                    "`{name}` had {} rows and has {}",
                    rows.rows.len(),
                    rows_now.rows.len()
                ));
            } else if rows != rows_now && differ(&columns) {
                lost.push(match columns.iter().find(|column| differ(&[**column])) {
                    Some((column, _)) => format!("`{name}` has other values in `{column}` than before"),
                    None => format!("`{name}` has its values in other rows than before"),
                });
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
                    match &edit.change {
                        Change::RenameColumn { from, to } => {
                            kept.columns
                                .values_mut()
                                .filter(|now| *now == from)
                                .for_each(|now| to.clone_into(now));
                        }
                        Change::DropColumn { column, .. } | Change::SetType { column, .. } => {
                            kept.columns.retain(|_, now| now != column);
                        }
                        _ => {}
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

    /// Remembers columns that are dropped and added.
    fn note(&self, before: &Live, operation: &Operation, added: &mut Vec<Added>, dropped: &mut Vec<Dropped>) {
        let Operation::AlterTable { table, edits } = operation else {
            return;
        };
        let was = self.tables.iter().find(|(_, kept)| kept.now == *table);
        for edit in edits {
            match &edit.change {
                Change::AddColumn { column, .. } => added.push(Added {
                    table: table.clone(),
                    column: column.clone(),
                }),
                Change::DropColumn { column, .. } => {
                    dropped.extend(was.and_then(|(was_in, kept)| {
                        let (was, _) = kept.columns.iter().find(|(_, now)| *now == column)?;
                        let column = before.tables.get(was_in)?.as_ref().ok()?.column(was)?;
                        Some(Dropped {
                            was_in: was_in.clone(),
                            table: table.clone(),
                            column: column.clone(),
                        })
                    }));
                }
                _ => {}
            }
        }
    }

    /// Leaves out what raw SQL or a Rust function may have changed. Says whether it may have changed any rows.
    fn touch(&mut self, before: &Live, work: &Work) -> bool {
        match work {
            Work::Rust(_) => {
                self.tables.clear();
                true
            }
            Work::Sql(sql) => {
                let sql = sql.for_dialect(self.dialect).unwrap_or_default();
                match (touched(sql), written_to(sql)) {
                    (Touched::Rows, Some(table)) => self.leave_out(before, &table),
                    (Touched::Rows, None) => self.tables.retain(|_, kept| !mentions(sql, &kept.now)),
                    (Touched::Anything, _) => self.tables.clear(),
                    (Touched::Nothing | Touched::Names(_) | Touched::Index(_), _) => return false,
                }
                true
            }
            Work::Operation(_) | Work::Declared | Work::Kept => false,
        }
    }

    /// A table, and those whose rows follow its rows.
    fn leave_out(&mut self, before: &Live, table: &str) {
        let mut names = vec![table.to_owned()];
        while let Some(name) = names.pop() {
            let Some((was, _)) = self
                .tables
                .iter()
                .find(|(_, kept)| kept.now.eq_ignore_ascii_case(&name))
            else {
                continue;
            };
            let was = was.clone();
            self.tables.remove(&was);
            let there = before.tables.values().filter_map(|table| table.as_ref().ok());
            let refers = |table: &&Table| table.foreign_keys.iter().any(|key| key.to_table == was);
            let referring = there.filter(refers).filter_map(|table| self.tables.get(&table.name));
            names.extend(referring.map(|kept| kept.now.clone()));
            // What a trigger writes to cannot be told.
            if let Some(Ok(there)) = before.tables.get(&was)
                && !there.triggers.is_empty()
            {
                self.tables.clear();
            }
        }
    }
}

/// The table that an INSERT, UPDATE or DELETE writes to.
fn written_to(sql: &str) -> Option<String> {
    let before_the_name = [
        "INSERT", "REPLACE", "OR", "ABORT", "FAIL", "IGNORE", "ROLLBACK", "INTO", "UPDATE", "DELETE", "FROM", "ONLY",
        "TRUNCATE", "TABLE",
    ];
    let pieces = pieces(sql).ok()?;
    let mut words = pieces
        .into_iter()
        .filter(|piece| !piece.written().trim().is_empty() && !matches!(piece, Piece::Comment(_)));
    let first = words.find(|piece| !before_the_name.contains(&piece.written().to_ascii_uppercase().as_str()))?;
    // A schema before the name says nothing here; a WITH can write anywhere.
    let name = match words.next() {
        Some(piece) if piece.written() == "." => words.next()?.name(),
        _ => first.name(),
    };
    name.filter(|name| !name.eq_ignore_ascii_case("with"))
}
