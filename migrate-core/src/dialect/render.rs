//! An operation as the statements of a dialect: one exhaustive match.

use super::{Alteration, Dialect, common, problem};
use crate::error::Problem;
use crate::place::Place;
use crate::schema::{AppliedOperation, Operation, Table};

/// The statements that carry out an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rendered {
    pub(crate) statements: Vec<String>,
    /// A table, as it is taken to be, is made anew; SQLite's foreign keys have to be off for that.
    pub(crate) rebuilds: Option<Table>,
    /// It cannot run inside a transaction.
    pub(crate) stays_outside: bool,
}

impl From<Vec<String>> for Rendered {
    fn from(statements: Vec<String>) -> Rendered {
        Rendered {
            statements,
            ..Rendered::default()
        }
    }
}

/// The statements for an operation that was checked.
///
/// # Errors
///
/// What the database lacks, with a way that goes.
pub(crate) fn render(
    dialect: &dyn Dialect,
    applied: &AppliedOperation,
    place: Place,
) -> Result<Rendered, Vec<Problem>> {
    let at = |message: String| vec![problem(place, message)];
    for given in applied.operation.given() {
        dialect.check_name(given).map_err(at)?;
    }
    for sql in applied.operation.expressions() {
        dialect.check_expression(sql).map_err(at)?;
    }
    match &applied.operation {
        Operation::CreateTable { table, .. } => {
            let Some(after) = &applied.after else {
                return Ok(Rendered::default());
            };
            let mut statements = vec![common::create_table(dialect, table, after).map_err(at)?];
            for index in &after.indexes {
                statements.push(dialect.create_index(table, index).map_err(at)?);
            }
            statements.extend(dialect.comments(after));
            Ok(statements.into())
        }
        Operation::AlterTable { table, edits } => dialect.alter_table(&Alteration {
            table,
            before: applied.before.as_ref(),
            after: applied.after.as_ref(),
            edits,
            views: &applied.views,
        }),
        Operation::DropTable { table } => Ok(vec![format!("DROP TABLE {}", dialect.identifier(table))].into()),
        Operation::RenameTable { from, to } => Ok(vec![format!(
            "ALTER TABLE {} RENAME TO {}",
            dialect.identifier(from),
            dialect.identifier(to)
        )]
        .into()),
        Operation::CreateView { view, query } => {
            let mut statements = vec![format!("CREATE VIEW {} AS {query}", dialect.identifier(view))];
            statements.extend(dialect.check_view(view));
            Ok(statements.into())
        }
        Operation::ChangeEnum { name, change } => Ok(vec![dialect.change_enum(name, change).map_err(at)?].into()),
        Operation::DropView { view } => Ok(vec![format!("DROP VIEW {}", dialect.identifier(view))].into()),
    }
}
