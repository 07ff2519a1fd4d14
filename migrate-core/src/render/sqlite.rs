//! SQL that is specific to SQLite.

use super::operation::Rendered;
use super::raw_sql::{check_has_statement, outline, several_statements};
use super::sqlite_rebuild::{REBUILT, rebuild};
use super::{Alteration, Features, OUTSIDE_TRANSACTION, SqlDialect, TransactionWrapper, common, diagnostic};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::schema::{
    Column, ColumnType, DefaultValue, EnumChange, Index, IndexMethod, LocatedEdit, NewName, Table, TableEdit,
};

/// The dialect of SQLite.
#[derive(Debug)]
pub(crate) struct Sqlite;

impl SqlDialect for Sqlite {
    fn kind(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn features(&self) -> Features {
        Features::of(Dialect::Sqlite, (3, 35))
    }

    fn qualified(&self, table: &str) -> String {
        format!("main.{}", self.identifier(table))
    }

    fn is_reserved(&self, table: &str) -> bool {
        // https://sqlite.org/lang_createtable.html
        table.to_ascii_lowercase().starts_with("sqlite_")
    }

    fn now(&self) -> &'static str {
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    }

    fn check_name(&self, given: NewName<'_>) -> Result<(), Mistake> {
        match given {
            NewName::Object(name) if self.is_reserved(name) => Err(Code::UNSUPPORTED_NAME
                .mistake(format!(
                    "SQLite does not allow the name `{name}`: names that begin with `sqlite_` are reserved"
                ))
                .help("choose another name")),
            NewName::Object(_) | NewName::Part(_) => Ok(()),
        }
    }

    fn check_raw(&self, sql: &str, in_transaction: bool) -> Result<(), Mistake> {
        check_has_statement(sql)?;
        let outline = outline(sql);
        let words: Vec<&str> = outline.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [
                word @ ("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE"),
                ..,
            ] => {
                return Err(Code::TRANSACTION_STATEMENT
                    .mistake(format!("`{word}` would end or nest the transaction of the migration"))
                    .help("remove it; the runner begins and ends the transaction"));
            }
            ["VACUUM", ..] if in_transaction => {
                return Err(needs_no_transaction("`VACUUM` cannot run inside a transaction"));
            }
            // https://sqlite.org/pragma.html#pragma_foreign_keys
            ["PRAGMA", "FOREIGN_KEYS", ..] if in_transaction => {
                return Err(needs_no_transaction(
                    "`PRAGMA foreign_keys` has no effect inside a transaction",
                ));
            }
            _ => {}
        }
        if outline.more_follows {
            return Err(several_statements(""));
        }
        Ok(())
    }

    /// The driver runs the equivalent, and restores the earlier setting of `foreign_keys`.
    fn frame(&self, rebuilds: bool) -> TransactionWrapper {
        if !rebuilds {
            return TransactionWrapper {
                before: &["BEGIN IMMEDIATE"],
                after: &["COMMIT"],
            };
        }
        TransactionWrapper {
            before: &["PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE"],
            after: &["PRAGMA foreign_key_check", "COMMIT", "PRAGMA foreign_keys = ON"],
        }
    }

    /// Each name gives the right affinity, and Diesel's `print-schema` reads the column's type from it:
    /// <https://sqlite.org/datatype3.html#determination_of_column_affinity>.
    fn column_type(&self, column_type: &ColumnType) -> Result<String, Mistake> {
        Ok(match column_type {
            ColumnType::Uuid => {
                return Err(Code::UNSUPPORTED_TYPE
                    .mistake("SQLite has no UUID type")
                    .help("use `binary` or `text`"));
            }
            ColumnType::Enum(name) => return Err(lacks_enums(name)),
            // https://sqlite.org/syntax/type-name.html
            ColumnType::Named(name) if name.contains('\'') => return Err(lacks_enums(name)),
            other => common::column_type(other),
        })
    }

    fn column(&self, column: &Column) -> Result<String, Mistake> {
        let name = self.identifier(&column.name);
        if column.auto_increment {
            // Only this exact type makes a column the rowid: https://sqlite.org/autoinc.html
            return Ok(format!("{name} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"));
        }
        let mut sql = format!("{name} {}", self.column_type(&column.column_type)?);
        if let Some(collation) = &column.collation {
            sql.push_str(&format!(" COLLATE {}", self.identifier(collation)));
        }
        if let Some(generated) = &column.generated {
            sql.push_str(&format!(" {}", common::generated(generated)));
        }
        if !column.nullable {
            sql.push_str(" NOT NULL");
        }
        if let Some(default) = &column.default {
            sql.push_str(&format!(" DEFAULT {}", common::default(self, default)));
        }
        Ok(sql)
    }

    fn primary_key(&self, table: &Table) -> Option<String> {
        if table.columns.iter().any(|column| column.auto_increment) {
            return None;
        }
        common::primary_key(self, table)
    }

    /// SQLite needs a column that is not generated, and refuses a generated one in a primary key:
    /// <https://sqlite.org/gencol.html#limitations>.
    fn check_keys(&self, table: &Table) -> Result<(), Mistake> {
        let is_generated = |column: &Column| column.generated.is_some();
        if table.columns.iter().all(is_generated) {
            return Err(Code::UNSUPPORTED_GENERATED_COLUMN
                .mistake(format!(
                    "SQLite does not allow a table with only generated columns, such as `{}`",
                    table.name
                ))
                .help("add another column"));
        }
        let key = table.primary_key.iter().flat_map(|key| &key.columns);
        match key
            .filter_map(|name| table.column(name))
            .find(|column| is_generated(column))
        {
            Some(column) => Err(Code::UNSUPPORTED_GENERATED_COLUMN
                .mistake(format!(
                    "SQLite does not allow the generated column `{}` in a primary key",
                    column.name
                ))
                .help("make it unique instead")),
            None => Ok(()),
        }
    }

    fn rename_table(&self, from: &str, to: &str) -> Vec<String> {
        let rename = |from: &str, to: &str| {
            format!(
                "ALTER TABLE {} RENAME TO {}",
                self.identifier(from),
                self.identifier(to)
            )
        };
        if !from.eq_ignore_ascii_case(to) {
            return vec![rename(from, to)];
        }
        // SQLite compares names without case, and refuses to rename a table to its own name.
        let between = format!("{REBUILT}{to}");
        vec![rename(from, &between), rename(&between, to)]
    }

    fn create_index(&self, table: &str, index: &Index) -> Result<String, Mistake> {
        common::check_index(self, index)?;
        if let Some(method) = index.method.as_ref().filter(|method| **method != IndexMethod::BTree) {
            return Err(common::no_method(self, index, method));
        }
        Ok(common::create_index(self, table, index))
    }

    fn table_options(&self, table: &Table) -> &'static str {
        match (table.without_rowid, table.strict) {
            (false, false) => "",
            (true, false) => " WITHOUT ROWID",
            (false, true) => " STRICT",
            (true, true) => " WITHOUT ROWID, STRICT",
        }
    }

    fn alter_table(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        let mut statements = Vec::new();
        let mut diagnostics = Self::check_types(alteration);
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        // Updated edit by edit: renaming an index drops it and creates it from its definition.
        let mut indexes = alteration.before.map(|table| table.indexes.clone()).unwrap_or_default();
        for edit in alteration.edits {
            match self.native(&edit.change, alteration, &mut indexes) {
                Ok(Some(more)) => statements.extend(more),
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

    fn change_enum(&self, name: &str, _change: &EnumChange) -> Result<String, Mistake> {
        Err(lacks_enums(name))
    }

    /// SQLite stores a view's text and checks it only when the view is read: <https://sqlite.org/lang_createview.html>.
    fn check_view(&self, view: &str) -> Option<String> {
        Some(format!("SELECT 1 FROM {} LIMIT 0", self.identifier(view)))
    }

    fn as_dialect(&self) -> &dyn SqlDialect {
        self
    }
}

impl Sqlite {
    /// Returns the statements of a change that SQLite can make exactly, without a table rebuild; `None` if it cannot:
    /// <https://sqlite.org/lang_altertable.html>.
    fn native(
        &self,
        change: &TableEdit,
        alteration: &Alteration<'_>,
        indexes: &mut Vec<Index>,
    ) -> Result<Option<Vec<String>>, Mistake> {
        let id = |name: &str| self.identifier(name);
        let table = alteration.table;
        Ok(match change {
            TableEdit::AddColumn { column, fill: None } => {
                let is_constant = !matches!(column.default, Some(DefaultValue::Now | DefaultValue::Expression(_)));
                let is_native = !column.auto_increment
                    && column.generated.as_ref().is_none_or(|generated| !generated.stored)
                    && is_constant
                    && (column.nullable || column.default.is_some());
                is_native
                    .then(|| {
                        Ok::<_, Mistake>(vec![format!(
                            "ALTER TABLE {} ADD COLUMN {}",
                            id(table),
                            self.column(column)?
                        )])
                    })
                    .transpose()?
            }
            TableEdit::DropColumn { column, .. } => {
                Some(vec![format!("ALTER TABLE {} DROP COLUMN {}", id(table), id(column))])
            }
            TableEdit::RenameColumn { from, to } => {
                for index in indexes.iter_mut() {
                    index.rename_column(from, to);
                }
                Some(vec![format!(
                    "ALTER TABLE {} RENAME COLUMN {} TO {}",
                    id(table),
                    id(from),
                    id(to)
                )])
            }
            TableEdit::AddIndex { index, .. } => {
                indexes.push(index.clone());
                Some(vec![self.create_index(table, index)?])
            }
            TableEdit::DropIndex { index, .. } => {
                indexes.retain(|there| there.name != *index);
                Some(vec![format!("DROP INDEX {}", id(index))])
            }
            TableEdit::RenameIndex { from, to } => {
                let renamed = indexes.iter_mut().find(|index| index.name == *from).ok_or_else(|| {
                    Code::DEFINITION_REQUIRED
                        .mistake(format!(
                            "SQLite must create `{from}` again to rename it, but its definition is unknown after raw SQL"
                        ))
                        .help("describe that SQL with `.changes(..)`")
                })?;
                to.clone_into(&mut renamed.name);
                Some(vec![
                    format!("DROP INDEX {}", id(from)),
                    self.create_index(table, renamed)?,
                ])
            }
            // SQLite stores no comments.
            TableEdit::SetComment { .. } => Some(Vec::new()),
            TableEdit::AddColumn { .. }
            | TableEdit::SetType { .. }
            | TableEdit::SetNotNull { .. }
            | TableEdit::DropNotNull { .. }
            | TableEdit::SetDefault { .. }
            | TableEdit::DropDefault { .. }
            | TableEdit::AddPrimaryKey(_)
            | TableEdit::DropPrimaryKey
            | TableEdit::AddUnique(_)
            | TableEdit::AddCheck(_)
            | TableEdit::AddForeignKey(_)
            | TableEdit::DropConstraint { .. } => None,
        })
    }

    /// Refuses a type change that leaves values unconverted. A column accepts values of any type,
    /// <https://sqlite.org/flextypegood.html>, so a value that does not look like the new type would stay as it is.
    fn check_types(alteration: &Alteration<'_>) -> Vec<Diagnostic> {
        let diagnostic = |edit: &LocatedEdit| {
            let TableEdit::SetType {
                column,
                to,
                using: None,
                ..
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

    fn remade(
        &self,
        alteration: &Alteration<'_>,
        location: crate::location::Location,
    ) -> Result<Rendered, Vec<Diagnostic>> {
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
        let is_rename = |edit: &LocatedEdit| matches!(edit.change, TableEdit::RenameColumn { .. });
        let mut statements = Vec::new();
        let mut there = before.clone();
        let parts = alteration
            .edits
            .chunk_by(|one, other| !is_rename(one) && !is_rename(other));
        let count = parts.clone().count();
        for (number, edits) in parts.enumerate() {
            let mut then = there.clone();
            edits.iter().for_each(|edit| then.apply(&edit.change));
            if number + 1 == count {
                then = after.clone();
            }
            let part = match edits {
                [
                    LocatedEdit {
                        change: change @ TableEdit::RenameColumn { .. },
                        ..
                    },
                ] if there.triggers.is_empty() => self
                    .native(change, alteration, &mut Vec::new())
                    .map(Option::unwrap_or_default),
                edits => rebuild(self, &there, &then, edits),
            };
            statements.extend(part.map_err(|message| vec![diagnostic(location, message)])?);
            there = then;
        }
        Ok(Rendered {
            statements,
            rebuilds: Some(before.clone()),
            ..Rendered::default()
        })
    }
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

fn lacks_enums(name: &str) -> Mistake {
    Code::UNSUPPORTED_ENUM
        .mistake(format!("SQLite has no enums such as `{name}`"))
        .help("list the values in a check: `t.text(\"..\").check(\".. IN ('..', '..')\")`")
}

fn needs_no_transaction(what: &str) -> Mistake {
    Code::NOT_IN_TRANSACTION.mistake(what).help(OUTSIDE_TRANSACTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_escaped() {
        assert_eq!(Sqlite.identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(Sqlite.text("it's"), "'it''s'");
        assert_eq!(Sqlite.qualified("x"), "main.\"x\"");
    }

    #[test]
    fn transaction_control_statements_are_refused() {
        for sql in [
            "COMMIT",
            "end;",
            "/* x */ Rollback TO a",
            "begin",
            "SAVEPOINT s",
            "release s",
        ] {
            for in_transaction in [true, false] {
                assert!(Sqlite.check_raw(sql, in_transaction).is_err(), "{sql}");
            }
        }
    }

    #[test]
    fn non_transactional_statements_are_refused_inside_one() {
        for sql in ["VACUUM", "PRAGMA foreign_keys = OFF", "pragma foreign_keys=on"] {
            assert!(Sqlite.check_raw(sql, true).is_err(), "{sql}");
            assert_eq!(Sqlite.check_raw(sql, false), Ok(()), "{sql}");
        }
    }

    #[test]
    fn empty_sql_is_refused() {
        for sql in ["", ";", "-- later", "SELECT 1\0; DROP TABLE a"] {
            assert!(Sqlite.check_raw(sql, true).is_err(), "{sql:?}");
        }
    }
}
