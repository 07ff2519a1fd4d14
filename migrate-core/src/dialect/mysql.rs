//! MySQL's and MariaDB's SQL: only what is their own.

use super::altering::Altering;
use super::render::Rendered;
use super::{Alteration, Dialect, common, problem};
use crate::dialect_name::DialectName;
use crate::error::Problem;
use crate::schema::{Change, Column, ColumnType, DefaultValue, EnumChange, Index, IndexOn, Table};

/// MySQL, or MariaDB.
#[derive(Debug)]
pub(crate) enum MySql {
    MySql,
    MariaDb,
}

impl Dialect for MySql {
    fn kind(&self) -> DialectName {
        match self {
            MySql::MySql => DialectName::MySql,
            MySql::MariaDb => DialectName::MariaDb,
        }
    }

    fn identifier(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn text(&self, value: &str) -> String {
        // A backslash escapes unless the server's mode says otherwise:
        // https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
        format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn qualified(&self, table: &str) -> String {
        self.identifier(table)
    }

    fn is_reserved(&self, _table: &str) -> bool {
        false
    }

    fn now(&self) -> &'static str {
        "date_format(utc_timestamp(3), '%Y-%m-%dT%H:%i:%s.%fZ')"
    }

    fn check_raw(&self, sql: &str, _in_transaction: bool) -> Result<(), String> {
        super::raw_sql::check_has_statement(sql)
    }

    fn column_type(&self, column_type: &ColumnType) -> Result<String, String> {
        Ok(match column_type {
            ColumnType::Numeric { precision, scale } => format!("DECIMAL({precision}, {scale})"),
            // TEXT and BLOB end at 64 KiB: https://dev.mysql.com/doc/refman/8.4/en/storage-requirements.html
            ColumnType::Text => "LONGTEXT".to_owned(),
            ColumnType::Binary => "LONGBLOB".to_owned(),
            ColumnType::Time => "TIME(6)".to_owned(),
            ColumnType::Timestamp => "DATETIME(6)".to_owned(),
            ColumnType::Timestamptz => "TIMESTAMP(6)".to_owned(),
            ColumnType::Jsonb => "JSON".to_owned(),
            ColumnType::Uuid => {
                return Err(format!(
                    "{} has no type for UUIDs that Diesel reads; use `char` with 36 characters",
                    self.name()
                ));
            }
            ColumnType::Enum(name) => return Err(self.lacks_enums(name)),
            other => common::column_type(other),
        })
    }

    fn moment_of_writing(&self) -> &'static str {
        "CURRENT_TIMESTAMP(6)"
    }

    fn column(&self, column: &Column) -> Result<String, String> {
        let mut sql = format!(
            "{} {}",
            self.identifier(&column.name),
            self.column_type(&column.column_type)?
        );
        if let Some(collation) = &column.collation {
            sql.push_str(&format!(" COLLATE {}", self.identifier(collation)));
        }
        match &column.generated {
            // MariaDB takes no NOT NULL beside it: https://mariadb.com/kb/en/generated-columns/
            Some(generated) => sql.push_str(&format!(" {}", common::generated(generated))),
            // A TIMESTAMP without either would get a default of its own.
            None => sql.push_str(if column.nullable { " NULL" } else { " NOT NULL" }),
        }
        if let Some(default) = &column.default {
            sql.push_str(&format!(" DEFAULT {}", self.default_for(column, default)));
        }
        if column.auto_increment {
            sql.push_str(" AUTO_INCREMENT");
        }
        if let Some(comment) = &column.comment {
            sql.push_str(&format!(" COMMENT {}", self.text(comment)));
        }
        Ok(sql)
    }

    fn primary_key(&self, table: &Table) -> Option<String> {
        let key = table.primary_key.as_ref()?;
        Some(format!("PRIMARY KEY ({})", common::columns(self, &key.columns)))
    }

    fn create_index(&self, table: &str, index: &Index) -> Result<String, String> {
        let name = self.name();
        if index.filter.is_some() {
            return Err(format!(
                "{name} has no index on some of the rows; leave the filter of `{}` out, or index a generated column",
                index.name
            ));
        }
        // https://mariadb.com/kb/en/create-index/
        let has_expression = index.keys.iter().any(|key| matches!(key.on, IndexOn::Expression(_)));
        if has_expression && matches!(self, MySql::MariaDb) {
            return Err(format!(
                "{name} has no index on an expression; for `{}` add a generated column and index that",
                index.name
            ));
        }
        Ok(common::create_index(self, table, index))
    }

    fn check_keys(&self, table: &Table) -> Result<(), String> {
        let keys = table.primary_key.iter().map(|key| &key.columns);
        let keys = keys.chain(table.uniques.iter().map(|unique| &unique.columns));
        let keys = keys.chain(table.foreign_keys.iter().map(|key| &key.columns)).flatten();
        let indexed = table.indexes.iter().flat_map(|index| &index.keys);
        let indexed = indexed.filter_map(|key| match &key.on {
            IndexOn::Column(column) => Some(column),
            IndexOn::Expression(_) => None,
        });
        for name in keys.chain(indexed) {
            let column_type = table.column(name).map(|column| &column.column_type);
            // https://dev.mysql.com/doc/refman/8.4/en/column-indexes.html
            if let Some(ColumnType::Text | ColumnType::Binary | ColumnType::Json | ColumnType::Jsonb) = column_type {
                return Err(format!(
                    "{} cannot have `{name}` of `{}` in a key, as it is of any length; use `varchar({name:?}, 255)`",
                    self.name(),
                    table.name
                ));
            }
        }
        Ok(())
    }

    fn comments(&self, table: &Table) -> Vec<String> {
        let on_table = table.comment.as_ref().map(|comment| {
            format!(
                "ALTER TABLE {} COMMENT = {}",
                self.identifier(&table.name),
                self.text(comment)
            )
        });
        on_table.into_iter().collect()
    }

    fn alter_table(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Problem>> {
        let mut altering = Altering::new(self, alteration.table);
        let mut problems = Vec::new();
        // What MODIFY restates, edit by edit.
        let mut columns = alteration.before.map(|table| table.columns.clone()).unwrap_or_default();
        for edit in alteration.edits {
            if let Err(message) = self.edit(&mut altering, &edit.change, alteration, &mut columns) {
                problems.push(problem(edit.place, message));
            }
        }
        if let (Some(after), Some(first)) = (alteration.after, alteration.edits.first())
            && let Err(message) = self.check_keys(after)
        {
            problems.push(problem(first.place, message));
        }
        if problems.is_empty() {
            Ok(altering.finish().into())
        } else {
            Err(problems)
        }
    }

    fn change_enum(&self, name: &str, _change: &EnumChange) -> Result<String, String> {
        Err(self.lacks_enums(name))
    }

    fn quoting(&self) -> &dyn Dialect {
        self
    }
}

impl MySql {
    fn lacks_enums(&self, name: &str) -> String {
        format!(
            "{} has no enum by a name such as `{name}`; name the values in the column: \
             `t.column(\"..\", ColumnType::Named(\"ENUM('..', '..')\".to_owned()))`",
            self.name()
        )
    }

    /// These types take a default as an expression only:
    /// <https://dev.mysql.com/doc/refman/8.4/en/data-type-defaults.html>.
    fn default_for(&self, column: &Column, default: &DefaultValue) -> String {
        let sql = common::default(self, default);
        match (&column.column_type, default) {
            (
                ColumnType::Text | ColumnType::Binary | ColumnType::Json | ColumnType::Jsonb,
                DefaultValue::Value(_) | DefaultValue::Now,
            ) => format!("({sql})"),
            _ => sql,
        }
    }

    fn edit(
        &self,
        altering: &mut Altering<'_>,
        change: &Change,
        alteration: &Alteration<'_>,
        columns: &mut Vec<Column>,
    ) -> Result<(), String> {
        let id = |name: &str| self.identifier(name);
        let table = alteration.table;
        match change {
            Change::AddColumn { column, fill } => {
                let shown = Column {
                    default: fill.clone().or_else(|| column.default.clone()),
                    ..column.clone()
                };
                altering.clause(format!("ADD COLUMN {}", self.column(&shown)?));
                if fill.is_some() {
                    altering.alone(format!(
                        "ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT",
                        id(table),
                        id(&column.name)
                    ));
                }
                columns.push(column.clone());
            }
            Change::DropColumn { column, .. } => {
                altering.clause(format!("DROP COLUMN {}", id(column)));
                columns.retain(|there| there.name != *column);
            }
            Change::RenameColumn { from, to } => {
                altering.alone(format!(
                    "ALTER TABLE {} RENAME COLUMN {} TO {}",
                    id(table),
                    id(from),
                    id(to)
                ));
                for column in columns.iter_mut().filter(|column| column.name == *from) {
                    to.clone_into(&mut column.name);
                }
            }
            Change::SetType { using: Some(_), .. } => {
                return Err(format!(
                    "{} changes a type without an expression; add a column, fill it with `execute`, and drop the old one",
                    self.name()
                ));
            }
            Change::SetType { column, to, .. } => {
                self.modify(altering, columns, column, |there| there.column_type = to.clone())?;
            }
            Change::SetNotNull { column } => self.modify(altering, columns, column, |there| there.nullable = false)?,
            Change::DropNotNull { column } => self.modify(altering, columns, column, |there| there.nullable = true)?,
            Change::SetComment {
                column: Some(column),
                comment,
            } => self.modify(altering, columns, column, |there| there.comment.clone_from(comment))?,
            Change::SetComment { column: None, comment } => altering.clause(format!(
                "COMMENT = {}",
                self.text(comment.as_deref().unwrap_or_default())
            )),
            Change::SetDefault { column, default } => {
                let there = columns.iter_mut().find(|there| there.name == *column);
                let sql = match there {
                    Some(there) => {
                        there.default = Some(default.clone());
                        self.default_for(there, default)
                    }
                    None => common::default(self, default),
                };
                altering.clause(format!("ALTER COLUMN {} SET DEFAULT {sql}", id(column)));
            }
            Change::DropDefault { column } => {
                for there in columns.iter_mut().filter(|there| there.name == *column) {
                    there.default = None;
                }
                altering.clause(format!("ALTER COLUMN {} DROP DEFAULT", id(column)));
            }
            Change::AddPrimaryKey(key) => {
                altering.clause(format!("ADD PRIMARY KEY ({})", common::columns(self, &key.columns)));
            }
            Change::DropPrimaryKey => altering.clause("DROP PRIMARY KEY".to_owned()),
            Change::AddUnique(unique) => altering.clause(format!("ADD {}", common::unique(self, unique))),
            Change::AddCheck(check) => altering.clause(format!("ADD {}", common::check(self, check))),
            Change::AddForeignKey(key) => altering.clause(format!("ADD {}", common::foreign_key(self, key))),
            Change::DropConstraint { constraint } => {
                let before = alteration.before;
                let is_reference =
                    before.is_some_and(|table| table.foreign_keys.iter().any(|one| one.name == *constraint));
                let is_unique = before.is_some_and(|table| table.uniques.iter().any(|one| one.name == *constraint));
                if is_reference {
                    // By itself: one of the same name cannot be added in the same statement.
                    altering.alone(format!("ALTER TABLE {} DROP FOREIGN KEY {}", id(table), id(constraint)));
                } else {
                    let kind = if is_unique { "INDEX" } else { "CONSTRAINT" };
                    altering.clause(format!("DROP {kind} {}", id(constraint)));
                }
            }
            Change::AddIndex(index) => altering.alone(self.create_index(table, index)?),
            Change::DropIndex { index } => altering.clause(format!("DROP INDEX {}", id(index))),
            Change::RenameIndex { from, to } => altering.clause(format!("RENAME INDEX {} TO {}", id(from), id(to))),
        }
        Ok(())
    }

    /// MODIFY restates a column in full; what it does not say is lost.
    fn modify(
        &self,
        altering: &mut Altering<'_>,
        columns: &mut [Column],
        name: &str,
        update: impl FnOnce(&mut Column),
    ) -> Result<(), String> {
        let column = columns.iter_mut().find(|column| column.name == name).ok_or_else(|| {
            format!(
                "MySQL has to restate `{name}` in full, and raw SQL may have changed it; write the ALTER with `execute`"
            )
        })?;
        update(column);
        altering.clause(format!("MODIFY COLUMN {}", self.column(column)?));
        Ok(())
    }
}
