//! Renders an operation as the statements of a dialect, in one exhaustive match.

use std::sync::Arc;

use super::{Alteration, SqlDialect, common, diagnostic};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::location::Location;
use crate::schema::{ObjectKind, Operation, Table, primary_key_name};
use crate::sql::Concurrent;
use crate::state::{CheckedOperation, NameClash};

/// A statement, exactly as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RenderedStatement {
    pub(crate) sql: String,
    /// Set if the statement runs CONCURRENTLY.
    pub(crate) concurrent: Option<Concurrent>,
    /// The positions of the table edits that the statement makes, entirely or in part, in ascending order. The last
    /// statement of an edit adds its constraint.
    pub(crate) edits: Vec<usize>,
}

impl From<String> for RenderedStatement {
    fn from(sql: String) -> RenderedStatement {
        RenderedStatement {
            sql,
            concurrent: None,
            edits: Vec::new(),
        }
    }
}

impl RenderedStatement {
    /// Returns the statement with the positions of the edits that it makes.
    pub(super) fn of_edits(self, edits: impl IntoIterator<Item = usize>) -> RenderedStatement {
        RenderedStatement {
            edits: edits.into_iter().collect(),
            ..self
        }
    }
}

/// The statements that carry out an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rendered {
    pub(crate) statements: Vec<RenderedStatement>,
    /// The known table before a rebuild, if the statements rebuild one. SQLite needs foreign keys off for that.
    pub(crate) rebuilds: Option<Table>,
    /// True if the server may copy the table, which blocks writes.
    pub(crate) may_copy: bool,
    /// True if the statements cannot run inside a transaction.
    pub(crate) stays_outside: bool,
}

impl From<Vec<String>> for Rendered {
    fn from(statements: Vec<String>) -> Rendered {
        let statements: Vec<RenderedStatement> = statements.into_iter().map(RenderedStatement::from).collect();
        statements.into()
    }
}

impl From<Vec<RenderedStatement>> for Rendered {
    fn from(statements: Vec<RenderedStatement>) -> Rendered {
        Rendered {
            statements,
            ..Rendered::default()
        }
    }
}

/// Returns the statements for a checked operation.
///
/// # Errors
///
/// If the database lacks a feature. Each diagnostic names an alternative.
pub(crate) fn render(
    dialect: &dyn SqlDialect,
    applied: &CheckedOperation,
    location: Location,
) -> Result<Rendered, Vec<Diagnostic>> {
    let at = |mistake: Mistake| vec![diagnostic(location, mistake)];
    for given in applied.operation.new_names() {
        dialect.check_name(given).map_err(at)?;
    }
    for sql in applied.operation.expressions() {
        dialect.check_expression(sql).map_err(at)?;
    }
    let taken = applied.shared.iter();
    let taken = taken.filter(|shared| dialect.names_clash(shared.kind, shared.other));
    let taken: Vec<Diagnostic> = taken.map(|shared| name_is_taken(dialect, shared)).collect();
    if !taken.is_empty() {
        return Err(taken);
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
            before: applied.before.as_deref(),
            after: applied.after.as_deref(),
            edits,
            views: &applied.views,
        }),
        Operation::DropTable { table } => Ok(vec![format!("DROP TABLE {}", dialect.identifier(table))].into()),
        Operation::RenameTable { from, to } => {
            let key = |table: &Option<Arc<Table>>| table.as_ref().and_then(|table| table.primary_key.clone());
            let keys = key(&applied.before).zip(key(&applied.after));
            let key = match keys {
                Some((from, key)) => dialect.rename_primary_key(to, &from.name, &key.name),
                None if applied.before.is_none() => {
                    dialect.rename_unknown_primary_key(&primary_key_name(from), &primary_key_name(to))
                }
                None => None,
            };
            Ok(dialect
                .rename_table(from, to)
                .into_iter()
                .chain(key)
                .collect::<Vec<_>>()
                .into())
        }
        Operation::CreateView { view, query } => {
            let mut statements = vec![format!("CREATE VIEW {} AS {query}", dialect.identifier(view))];
            statements.extend(dialect.check_view(view));
            Ok(statements.into())
        }
        Operation::ChangeEnum { name, change } => Ok(vec![dialect.change_enum(name, change).map_err(at)?].into()),
        Operation::DropView { view } => Ok(vec![format!("DROP VIEW {}", dialect.identifier(view))].into()),
    }
}

/// Returns the diagnostic for a name that another table already uses.
fn name_is_taken(dialect: &dyn SqlDialect, shared: &NameClash) -> Diagnostic {
    let NameClash { name, owner, .. } = shared;
    let help = match shared.kind {
        ObjectKind::PrimaryKey => format!("rename the primary key of `{owner}` with `execute`"),
        ObjectKind::Unique => "write `t.index([..]).unique().name(\"..\")` instead".to_owned(),
        ObjectKind::Check => "choose another name".to_owned(),
        ObjectKind::ForeignKey | ObjectKind::Index => "choose another name with `.name(\"..\")`".to_owned(),
    };
    let mistake = Code::NAME_TAKEN_BY_OTHER_TABLE.mistake(format!(
        "`{owner}` already has {} `{name}`, and {} allows such a name only once per database",
        shared.other.title(),
        dialect.name()
    ));
    diagnostic(shared.location, mistake.help(help))
}
