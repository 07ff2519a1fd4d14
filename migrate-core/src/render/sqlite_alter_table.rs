//! ALTER TABLE on SQLite, with a rebuild for what it cannot change.

use super::operation::{Rendered, RenderedStatement};
use super::sqlite_rebuild::rebuild;
use super::{Alteration, SqlDialect, Sqlite, common, diagnostic};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::location::Location;
use crate::schema::{
    Column, ColumnEdit, ColumnEffect, ColumnType, DefaultValue, Index, IndexEdit, LocatedEdit, TableEdit,
};

impl Sqlite {
    /// Returns the statements for the edits of one table.
    pub(super) fn alter(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        let mut statements = Vec::new();
        let mut diagnostics = Self::check_types(alteration);
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        // Updated edit by edit: renaming an index drops it and creates it from its definition.
        let mut indexes = alteration.before.map(|table| table.indexes.clone()).unwrap_or_default();
        for (position, edit) in alteration.edits.iter().enumerate() {
            match self.native(&edit.change, alteration.table, &mut indexes) {
                Ok(Some(more)) => statements.extend(of_edit(position, more)),
                Ok(None) => return self.remade(alteration, edit.location),
                Err(message) => diagnostics.push(diagnostic(edit.location, message)),
            }
        }
        if diagnostics.is_empty() {
            Ok(statements.into())
        } else {
            Err(diagnostics)
        }
    }

    /// Returns the statements of a change that SQLite can make exactly, without a table rebuild; `None` if it cannot:
    /// <https://sqlite.org/lang_altertable.html>.
    fn native(
        &self,
        change: &TableEdit,
        table: &str,
        indexes: &mut Vec<Index>,
    ) -> Result<Option<Vec<String>>, Mistake> {
        match change {
            TableEdit::Column { name, edit } => self.native_column_edit(table, name, edit, indexes),
            TableEdit::Index(edit) => self.index_edit(table, edit, indexes).map(Some),
            TableEdit::Constraint(_) => Ok(None),
            // SQLite stores no comments.
            TableEdit::Comment { .. } => Ok(Some(Vec::new())),
        }
    }

    fn native_column_edit(
        &self,
        table: &str,
        name: &str,
        edit: &ColumnEdit,
        indexes: &mut [Index],
    ) -> Result<Option<Vec<String>>, Mistake> {
        let clause = match edit {
            ColumnEdit::Add { column, fill: None } if can_be_added(column) => {
                format!("ADD COLUMN {}", self.column(column)?)
            }
            ColumnEdit::Drop { .. } => format!("DROP COLUMN {}", self.identifier(name)),
            ColumnEdit::Rename { to } => {
                for index in indexes {
                    index.rename_column(Dialect::Sqlite, name, to);
                }
                format!("RENAME COLUMN {} TO {}", self.identifier(name), self.identifier(to))
            }
            ColumnEdit::Add { .. }
            | ColumnEdit::SetType { .. }
            | ColumnEdit::SetNotNull
            | ColumnEdit::DropNotNull
            | ColumnEdit::SetDefault(_)
            | ColumnEdit::DropDefault => return Ok(None),
        };
        Ok(Some(vec![format!("ALTER TABLE {} {clause}", self.identifier(table))]))
    }

    fn index_edit(&self, table: &str, edit: &IndexEdit, indexes: &mut Vec<Index>) -> Result<Vec<String>, Mistake> {
        let drop = |name: &str| format!("DROP INDEX {}", self.identifier(name));
        Ok(match edit {
            IndexEdit::Add { index, .. } => {
                indexes.push(index.clone());
                vec![self.create_index(table, index)?]
            }
            IndexEdit::Drop { index, .. } => {
                indexes.retain(|there| there.name != *index);
                vec![drop(index)]
            }
            IndexEdit::Rename { from, to } => {
                let renamed = indexes.iter_mut().find(|index| index.name == *from).ok_or_else(|| {
                    Code::DEFINITION_REQUIRED
                        .mistake(format!(
                            "SQLite must create `{from}` again to rename it, but its definition is unknown after raw SQL"
                        ))
                        .help("describe that SQL with `.changes(..)`")
                })?;
                to.clone_into(&mut renamed.name);
                vec![drop(from), self.create_index(table, renamed)?]
            }
        })
    }

    /// Refuses a type change that leaves values unconverted. A column accepts values of any type,
    /// <https://sqlite.org/flextypegood.html>, so a value that does not look like the new type would stay as it is.
    fn check_types(alteration: &Alteration<'_>) -> Vec<Diagnostic> {
        let diagnostic = |edit: &LocatedEdit| {
            let TableEdit::Column {
                name: column,
                edit: ColumnEdit::SetType { to, using: None, .. },
            } = &edit.change
            else {
                return None;
            };
            let from = &alteration.before?.column(column)?.column_type;
            let conversion = match to {
                ColumnType::Jsonb => format!("jsonb({column})"),
                ColumnType::Json => format!("json({column})"),
                ColumnType::Date | ColumnType::Time => format!("{}({column})", to.encoding()),
                to => format!("cast({column} AS {})", common::column_type(to)),
            };
            let is_right = common::turns_by_itself(from, to) && !stays_as_it_was(from, to);
            (!is_right).then(|| {
                diagnostic(
                    edit.location,
                    Code::MISSING_CONVERSION
                        .mistake(format!(
                            "SQLite does not convert existing {} values to {}",
                            from.encoding(),
                            to.encoding(),
                        ))
                        .help(common::add_conversion(&conversion)),
                )
            })
        };
        alteration.edits.iter().filter_map(diagnostic).collect()
    }

    fn remade(&self, alteration: &Alteration<'_>, location: Location) -> Result<Rendered, Vec<Diagnostic>> {
        let (Some(before), Some(after)) = (alteration.before, alteration.after) else {
            let mistake = Code::DEFINITION_REQUIRED
                .mistake(format!(
                    "this needs a table rebuild, but the definition of `{}` is unknown after raw SQL",
                    alteration.table
                ))
                .help("describe that SQL with `.changes(..)`");
            return Err(vec![diagnostic(location, mistake)]);
        };
        // Foreign keys of other tables follow a renamed column only if SQLite itself renames it.
        let is_rename = |edit: &LocatedEdit| {
            let effect = edit.change.effects().column;
            matches!(effect, Some(ColumnEffect::Renamed { .. }))
        };
        let mut statements = Vec::new();
        let mut there = before.clone();
        let mut position = 0;
        let parts = alteration
            .edits
            .chunk_by(|one, other| !is_rename(one) && !is_rename(other));
        let count = parts.clone().count();
        for (number, edits) in parts.enumerate() {
            let mut then = there.clone();
            edits.iter().for_each(|edit| then.apply(Dialect::Sqlite, &edit.change));
            if number + 1 == count {
                then = after.clone();
            }
            let part = match edits {
                [rename] if is_rename(rename) && there.triggers.is_empty() => self
                    .native(&rename.change, alteration.table, &mut Vec::new())
                    .map(|statements| of_edit(position, statements.unwrap_or_default()).collect()),
                edits => rebuild(self, &there, &then, edits, position),
            };
            statements.extend(part.map_err(|message| vec![diagnostic(location, message)])?);
            there = then;
            position += edits.len();
        }
        Ok(Rendered {
            rebuilds: Some(before.clone()),
            ..statements.into()
        })
    }
}

/// Returns the statements of the edit at a position.
fn of_edit(position: usize, statements: Vec<String>) -> impl Iterator<Item = RenderedStatement> {
    let statements = statements.into_iter().map(RenderedStatement::from);
    statements.map(move |statement| statement.of_edits([position]))
}

/// Returns true if ADD COLUMN accepts a column: <https://sqlite.org/lang_altertable.html#altertabaddcol>.
fn can_be_added(column: &Column) -> bool {
    let is_constant = !matches!(column.default, Some(DefaultValue::Now | DefaultValue::Expression(_)));
    !column.auto_increment
        && column.generated.as_ref().is_none_or(|generated| !generated.stored)
        && is_constant
        && (column.nullable || column.default.is_some())
}

/// Returns true if other databases convert one type to the other automatically, but SQLite would keep the values as
/// they are: <https://sqlite.org/datatype3.html>.
fn stays_as_it_was(from: &ColumnType, to: &ColumnType) -> bool {
    use ColumnType::{Date, Double, Float, Json, Jsonb, Timestamp, Timestamptz};
    let is_written_otherwise = matches!(
        (from, to),
        (Date, Timestamp | Timestamptz) | (Json, Jsonb) | (Jsonb, Json)
    );
    // SQLite has one type for numbers with a fraction.
    let is_kept = matches!((from, to), (Double, Float));
    is_written_otherwise || !is_kept && from.loses_as(to)
}
