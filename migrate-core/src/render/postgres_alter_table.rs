//! ALTER TABLE on PostgreSQL.

use super::alter_table::{Altering, Aspect};
use super::operation::{Rendered, RenderedStatement};
use super::{Alteration, Postgres, SqlDialect, common, diagnostic};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::schema::{Column, ColumnEdit, ColumnType, ConstraintEdit, DefaultValue, IndexEdit, LocatedEdit, TableEdit};
use crate::sql::{Concurrent, mentions, selects_star};

impl Postgres {
    /// Returns the statements for the edits of one table.
    pub(super) fn alter(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        let mut altering = Altering::new(self, alteration);
        let mut diagnostics = Vec::new();
        for (position, edit) in alteration.edits.iter().enumerate() {
            altering.begin_edit(position);
            match self.edit(&mut altering, &edit.change, alteration) {
                // Nothing asks for the table after the last edit, so the copy is saved.
                Ok(()) if position + 1 == alteration.edits.len() => {}
                Ok(()) => altering.follow(&edit.change),
                Err(message) => diagnostics.push(diagnostic(edit.location, message)),
            }
        }
        let is_concurrent = |edit: &LocatedEdit| {
            matches!(
                edit.change,
                TableEdit::Index(
                    IndexEdit::Add { concurrently: true, .. } | IndexEdit::Drop { concurrently: true, .. }
                )
            )
        };
        if diagnostics.is_empty() {
            Ok(Rendered {
                stays_outside: alteration.edits.iter().any(is_concurrent),
                ..altering.finish()
            })
        } else {
            Err(diagnostics)
        }
    }

    fn edit(
        &self,
        altering: &mut Altering<'_>,
        change: &TableEdit,
        alteration: &Alteration<'_>,
    ) -> Result<(), Mistake> {
        let table = alteration.table;
        match change {
            TableEdit::Column { name, edit } => self.column_edit(altering, alteration, name, edit)?,
            TableEdit::Constraint(edit) => self.constraint_edit(altering, alteration, edit)?,
            TableEdit::Index(edit) => self.index_edit(altering, table, edit),
            TableEdit::Comment { column, comment } => {
                altering.alone(self.comment(table, column.as_deref(), comment.as_deref()));
            }
        }
        Ok(())
    }

    fn column_edit(
        &self,
        altering: &mut Altering<'_>,
        alteration: &Alteration<'_>,
        name: &str,
        edit: &ColumnEdit,
    ) -> Result<(), Mistake> {
        let id = self.identifier(name);
        match edit {
            ColumnEdit::Add { column, fill } => {
                return self.add_column(altering, alteration.table, column, fill.as_ref());
            }
            ColumnEdit::Drop { .. } => {
                if let Some((view, _)) = alteration
                    .views
                    .iter()
                    .find(|(_, query)| selects_star(Dialect::Postgres, query))
                {
                    return Err(Code::COLUMN_IN_USE
                        .mistake(format!(
                            "PostgreSQL cannot drop `{name}`: the view `{view}` selects all columns"
                        ))
                        .help(DROP_VIEW_FIRST));
                }
                altering.clause(name, Aspect::Dropped, format!("DROP COLUMN {id}"));
            }
            ColumnEdit::Rename { to } => {
                let table = self.identifier(alteration.table);
                let to = self.identifier(to);
                altering.alone(format!("ALTER TABLE {table} RENAME COLUMN {id} TO {to}"));
            }
            ColumnEdit::SetType { to, using, .. } => {
                check_no_reader(altering, alteration, name)?;
                let clauses = self.set_type(altering.there().column(name), name, to, using.as_deref())?;
                // The clauses include the default. PostgreSQL runs every DROP DEFAULT first, so beside another one the
                // default would stay.
                let aspect = if clauses.len() > 1 { Aspect::Whole } else { Aspect::Type };
                altering.clauses(name, aspect, clauses);
            }
            ColumnEdit::SetNotNull => self.alter_column(altering, name, Aspect::Null, "SET NOT NULL"),
            ColumnEdit::DropNotNull => self.alter_column(altering, name, Aspect::Null, "DROP NOT NULL"),
            ColumnEdit::SetDefault(default) => self.set_default(altering, name, Some(default)),
            ColumnEdit::DropDefault => self.set_default(altering, name, None),
        }
        Ok(())
    }

    fn add_column(
        &self,
        altering: &mut Altering<'_>,
        table: &str,
        column: &Column,
        fill: Option<&DefaultValue>,
    ) -> Result<(), Mistake> {
        let name = &column.name;
        let added = match fill {
            None => self.column(column)?,
            // A default cannot name other columns: https://www.postgresql.org/docs/current/sql-createtable.html
            Some(DefaultValue::Expression(_)) => self.column(&common::unfilled(column))?,
            Some(fill) => self.column(&Column {
                default: Some(fill.clone()),
                ..column.clone()
            })?,
        };
        altering.clause(name, Aspect::Whole, format!("ADD COLUMN {added}"));
        match fill {
            None => {}
            Some(DefaultValue::Expression(expression)) => {
                altering.alone(common::fill(self, table, name, expression));
                if !column.nullable {
                    self.alter_column(altering, name, Aspect::Null, "SET NOT NULL");
                }
                if column.default.is_some() {
                    self.set_default(altering, name, column.default.as_ref());
                }
            }
            Some(_) => self.set_default(altering, name, column.default.as_ref()),
        }
        Ok(())
    }

    fn alter_column(&self, altering: &mut Altering<'_>, name: &str, aspect: Aspect, action: &str) {
        altering.clause(name, aspect, format!("ALTER COLUMN {} {action}", self.identifier(name)));
    }

    fn set_default(&self, altering: &mut Altering<'_>, name: &str, default: Option<&DefaultValue>) {
        let action = match default {
            Some(default) => format!("SET DEFAULT {}", common::default(self, default)),
            None => "DROP DEFAULT".to_owned(),
        };
        self.alter_column(altering, name, Aspect::Default, &action);
    }

    /// Returns the clauses that change a column's type: <https://www.postgresql.org/docs/current/sql-altertable.html>.
    fn set_type(
        &self,
        there: Option<&Column>,
        name: &str,
        to: &ColumnType,
        using: Option<&str>,
    ) -> Result<Vec<String>, Mistake> {
        let column = self.identifier(name);
        let written = self.column_type(to)?;
        let from = there.map(|there| &there.column_type);
        if let Some(from) = from.filter(|from| using.is_none() && !common::turns_by_itself(from, to)) {
            return Err(Code::MISSING_CONVERSION
                .mistake(format!(
                    "PostgreSQL does not convert existing {} values to {} automatically",
                    from.encoding(),
                    to.encoding()
                ))
                .help(common::add_conversion(&format!("{name}::{written}"))));
        }
        let expression = using.map_or_else(String::new, |using| format!(" USING ({using})"));
        let set_type = format!("ALTER COLUMN {column} TYPE {written}{expression}");
        let is_custom = matches!(from, Some(ColumnType::Enum(_) | ColumnType::Named(_)));
        let default = there.and_then(|there| there.default.as_ref());
        // USING does not convert the default, and a default of a custom type continues to reference that type.
        Ok(match default.filter(|_| using.is_some() || is_custom) {
            Some(default) => vec![
                format!("ALTER COLUMN {column} DROP DEFAULT"),
                set_type,
                format!("ALTER COLUMN {column} SET DEFAULT {}", common::default(self, default)),
            ],
            None => vec![set_type],
        })
    }
    fn constraint_edit(
        &self,
        altering: &mut Altering<'_>,
        alteration: &Alteration<'_>,
        edit: &ConstraintEdit,
    ) -> Result<(), Mistake> {
        let id = |name: &str| self.identifier(name);
        let (name, aspect, clause) = match edit {
            ConstraintEdit::AddPrimaryKey(key) => {
                let columns = common::columns(self, &key.columns);
                let clause = format!("ADD CONSTRAINT {} PRIMARY KEY ({columns})", id(&key.name));
                (&key.name, Aspect::Whole, clause)
            }
            ConstraintEdit::DropPrimaryKey => {
                let key = alteration.before.and_then(|table| table.primary_key.as_ref());
                let key = key.ok_or_else(|| {
                    Code::DEFINITION_REQUIRED
                        .mistake(format!(
                            "the name of the primary key of `{}` is unknown after raw SQL",
                            alteration.table
                        ))
                        .help("describe that SQL with `.changes(..)`")
                })?;
                (&key.name, Aspect::Dropped, format!("DROP CONSTRAINT {}", id(&key.name)))
            }
            ConstraintEdit::AddUnique(unique) => {
                let clause = format!("ADD {}", common::unique(self, unique));
                (&unique.name, Aspect::Whole, clause)
            }
            ConstraintEdit::AddCheck(check) => (
                &check.name,
                Aspect::Whole,
                format!("ADD {}", common::check(self, check)),
            ),
            ConstraintEdit::AddForeignKey(key) => (
                &key.name,
                Aspect::Whole,
                format!("ADD {}", common::foreign_key(self, key)),
            ),
            ConstraintEdit::Drop(name) => (name, Aspect::Dropped, format!("DROP CONSTRAINT {}", id(name))),
        };
        altering.clause(name, aspect, clause);
        Ok(())
    }

    fn index_edit(&self, altering: &mut Altering<'_>, table: &str, edit: &IndexEdit) {
        let id = |name: &str| self.identifier(name);
        altering.alone(match edit {
            IndexEdit::Add { index, concurrently } => RenderedStatement {
                concurrent: concurrently.then(|| Concurrent::CreateIndex {
                    index: Some(id(&index.name)),
                    table: id(table),
                }),
                ..self.index(table, index, *concurrently).into()
            },
            IndexEdit::Drop { index, concurrently } => {
                let word = if *concurrently { "CONCURRENTLY " } else { "" };
                RenderedStatement {
                    concurrent: concurrently.then_some(Concurrent::Other),
                    ..format!("DROP INDEX {word}{}", id(index)).into()
                }
            }
            IndexEdit::Rename { from, to } => format!("ALTER INDEX {} RENAME TO {}", id(from), id(to)).into(),
        });
    }
}

const DROP_VIEW_FIRST: &str = "drop the view before the change and create it again afterwards";

/// PostgreSQL refuses to change the type of a column that a generated column or a view uses.
fn check_no_reader(altering: &Altering<'_>, alteration: &Alteration<'_>, column: &str) -> Result<(), Mistake> {
    if let Some(reader) = altering.computed_from(column) {
        return Err(Code::COLUMN_IN_USE
            .mistake(format!(
                "PostgreSQL cannot change the type of `{column}`: the generated column `{reader}` is computed from it"
            ))
            .help(format!("drop `{reader}` before the change and add it again afterwards")));
    }
    let reads = |(_, query): &&(String, String)| {
        mentions(Dialect::Postgres, query, column) || selects_star(Dialect::Postgres, query)
    };
    match alteration.views.iter().find(reads) {
        Some((view, _)) => Err(Code::COLUMN_IN_USE
            .mistake(format!(
                "PostgreSQL cannot change the type of `{column}`: the view `{view}` may read it"
            ))
            .help(DROP_VIEW_FIRST)),
        None => Ok(()),
    }
}
