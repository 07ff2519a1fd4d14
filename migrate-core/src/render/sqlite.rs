//! SQL that is specific to SQLite.

use super::check_raw::{check_has_statement, check_is_one};
use super::operation::Rendered;
use super::sqlite_rebuild::REBUILT;
use super::{Alteration, Features, OUTSIDE_TRANSACTION, SqlDialect, TransactionWrapper, common};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::schema::{Column, ColumnType, EnumChange, Index, IndexMethod, NewName, Table};
use crate::sql::{StatementInfo, text_values};

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

    fn check_raw(&self, raw: &StatementInfo, in_transaction: bool) -> Result<(), Mistake> {
        check_has_statement(raw)?;
        let words: Vec<&str> = raw.first_words.iter().map(String::as_str).collect();
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
        check_is_one(raw, "")
    }

    /// The driver runs the equivalent, and restores the earlier setting of `foreign_keys`.
    fn transaction_wrapper(&self, rebuilds: bool) -> TransactionWrapper {
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
            ColumnType::Named(name) if !text_values(Dialect::Sqlite, name).is_empty() => return Err(lacks_enums(name)),
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
        self.alter(alteration)
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
                let raw = StatementInfo::of_raw(Dialect::Sqlite, sql);
                assert!(Sqlite.check_raw(&raw, in_transaction).is_err(), "{sql}");
            }
        }
    }

    #[test]
    fn non_transactional_statements_are_refused_inside_one() {
        for sql in ["VACUUM", "PRAGMA foreign_keys = OFF", "pragma foreign_keys=on"] {
            assert!(
                Sqlite
                    .check_raw(&StatementInfo::of_raw(Dialect::Sqlite, sql), true)
                    .is_err(),
                "{sql}"
            );
            assert_eq!(
                Sqlite.check_raw(&StatementInfo::of_raw(Dialect::Sqlite, sql), false),
                Ok(()),
                "{sql}"
            );
        }
    }

    #[test]
    fn empty_sql_is_refused() {
        for sql in ["", ";", "-- later", "SELECT 1\0; DROP TABLE a"] {
            assert!(
                Sqlite
                    .check_raw(&StatementInfo::of_raw(Dialect::Sqlite, sql), true)
                    .is_err(),
                "{sql:?}"
            );
        }
    }
}
