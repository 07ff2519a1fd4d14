//! SQL that is specific to MySQL and MariaDB.

use super::check_raw::{check_has_statement, check_is_one, check_leaves_transactions_alone};
use super::mysql_online_ddl::takes_expressions_alone;
use super::operation::Rendered;
use super::{Alteration, Features, SqlDialect, TransactionWrapper, common, mysql_normalize};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::schema::{
    Column, ColumnType, DefaultValue, EnumChange, Index, IndexMethod, IndexOn, NewName, ObjectKind, Table,
};
use crate::sql::{StatementInfo, Token, TokenKind, tokenize};

/// The dialect of MySQL or MariaDB.
#[derive(Debug)]
pub(crate) struct MySql {
    name: Dialect,
    features: Features,
}

impl MySql {
    /// Creates the dialect as of a version.
    pub(crate) const fn since(name: Dialect, version: (u32, u32)) -> MySql {
        MySql {
            name,
            features: Features::of(name, version),
        }
    }
}

impl SqlDialect for MySql {
    fn kind(&self) -> Dialect {
        self.name
    }

    fn features(&self) -> Features {
        self.features
    }

    fn identifier(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn text(&self, value: &str) -> String {
        // A backslash is an escape character, unless the SQL mode disables that:
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

    /// The collation keeps apart groups that differ only in case, whatever the server's default is.
    fn history_options(&self) -> &'static str {
        " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    }

    /// <https://dev.mysql.com/doc/refman/8.4/en/identifiers.html>
    fn check_name(&self, given: NewName<'_>) -> Result<(), Mistake> {
        let (NewName::Object(name) | NewName::Part(name)) = given;
        if name.ends_with(' ') {
            return Err(Code::UNSUPPORTED_NAME
                .mistake(format!(
                    "{} does not allow the name `{name}`: it ends with a space",
                    self.name()
                ))
                .help("choose another name"));
        }
        if let Some(c) = name.chars().find(|c| *c > '\u{ffff}') {
            return Err(Code::UNSUPPORTED_NAME
                .mistake(format!(
                    "{} does not allow the name `{name}`: it contains {c}",
                    self.name()
                ))
                .help("choose another name"));
        }
        Ok(())
    }

    /// <https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html>,
    /// <https://dev.mysql.com/doc/refman/8.4/en/create-table-check-constraints.html>
    fn names_clash(&self, one: ObjectKind, other: ObjectKind) -> bool {
        match (one, other) {
            (ObjectKind::ForeignKey, ObjectKind::ForeignKey) => true,
            (ObjectKind::Check, ObjectKind::Check) => !self.features.check_names_by_table,
            _ => false,
        }
    }

    fn check_raw(&self, raw: &StatementInfo, _in_transaction: bool) -> Result<(), Mistake> {
        check_has_statement(raw)?;
        check_leaves_transactions_alone(raw)?;
        // Each step has one checkpoint. With two statements in a step, it would be unknown which of them completed.
        check_is_one(raw, &format!(", but {} commits each one separately", self.name()))
    }

    fn transaction_wrapper(&self, _rebuilds: bool) -> TransactionWrapper {
        TransactionWrapper::default()
    }

    fn column_type(&self, column_type: &ColumnType) -> Result<String, Mistake> {
        Ok(match column_type {
            ColumnType::Numeric { precision, scale } => format!("DECIMAL({precision}, {scale})"),
            // TEXT and BLOB hold at most 64 KiB: https://dev.mysql.com/doc/refman/8.4/en/storage-requirements.html
            ColumnType::Text => "LONGTEXT".to_owned(),
            ColumnType::Binary => "LONGBLOB".to_owned(),
            ColumnType::Time => "TIME(6)".to_owned(),
            ColumnType::Timestamp => "DATETIME(6)".to_owned(),
            ColumnType::Timestamptz => "TIMESTAMP(6)".to_owned(),
            ColumnType::Jsonb => "JSON".to_owned(),
            ColumnType::Uuid => {
                return Err(Code::UNSUPPORTED_TYPE
                    .mistake(format!("{} has no UUID type that Diesel can read", self.name()))
                    .help("use `char` with 36 characters"));
            }
            ColumnType::Enum(name) => return Err(self.lacks_enums(name)),
            other => common::column_type(other),
        })
    }

    fn current_timestamp(&self) -> &'static str {
        "CURRENT_TIMESTAMP(6)"
    }

    fn column(&self, column: &Column) -> Result<String, Mistake> {
        let mut sql = format!(
            "{} {}",
            self.identifier(&column.name),
            self.column_type(&column.column_type)?
        );
        if let Some(collation) = &column.collation {
            sql.push_str(&format!(" COLLATE {}", self.identifier(collation)));
        }
        match &column.generated {
            Some(generated) => {
                sql.push_str(&format!(" {}", common::generated(generated)));
                if !column.nullable && self.features.generated_not_null {
                    sql.push_str(" NOT NULL");
                }
            }
            // A TIMESTAMP without either may get an implicit default.
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

    fn create_index(&self, table: &str, index: &Index) -> Result<String, Mistake> {
        let method = self.index_method(index)?;
        Ok(common::create_index(self, table, index) + method)
    }

    fn check_keys(&self, table: &Table) -> Result<(), Mistake> {
        let constraints = table.primary_key.iter().map(|key| &key.columns);
        let constraints = constraints.chain(table.uniques.iter().map(|unique| &unique.columns));
        let constraints = constraints.chain(table.foreign_keys.iter().map(|key| &key.columns));
        let columns: Vec<&str> = constraints.flatten().map(String::as_str).collect();
        columns
            .into_iter()
            .chain(table.indexes.iter().flat_map(indexed))
            .try_for_each(|name| self.check_in_key(table, name))
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

    fn alter_table(&self, alteration: &Alteration<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        self.alter(alteration)
    }

    fn change_enum(&self, name: &str, _change: &EnumChange) -> Result<String, Mistake> {
        Err(self.lacks_enums(name))
    }

    fn check_expression(&self, sql: &str) -> Result<(), Mistake> {
        let escapes = |token: &Token<'_>| matches!(token.kind, TokenKind::Text(_)) && token.text.contains('\\');
        if tokenize(self.name, sql).is_ok_and(|tokens| tokens.iter().any(escapes)) {
            return Err(Code::AMBIGUOUS_BACKSLASH
                .mistake(format!(
                    "{} reads the backslash in `{sql}` as an escape, unlike other databases",
                    self.name()
                ))
                .help("write `char(92)` for the backslash, as in `concat('a', char(92), 'b')`"));
        }
        Ok(())
    }

    fn normalize_to(&self, found: &mut Table, known: &Table) {
        mysql_normalize::normalize_to(self, found, known);
    }

    fn as_dialect(&self) -> &dyn SqlDialect {
        self
    }
}

/// Returns the key columns of an index, without its expressions.
pub(super) fn indexed(index: &Index) -> impl Iterator<Item = &str> {
    index.keys.iter().filter_map(|key| match &key.on {
        IndexOn::Column(column) => Some(column.as_str()),
        IndexOn::Expression(_) => None,
    })
}

impl MySql {
    fn lacks_enums(&self, name: &str) -> Mistake {
        Code::UNSUPPORTED_ENUM
            .mistake(format!("{} has no named enums such as `{name}`", self.name()))
            .help(
                "list the values in the column: \
                 `t.column(\"..\", ColumnType::Named(\"ENUM('..', '..')\".to_owned()))`",
            )
    }

    /// Returns the `USING` clause that ends an index definition. Fails if the database lacks a feature of the index.
    pub(super) fn index_method(&self, index: &Index) -> Result<&'static str, Mistake> {
        let name = self.name();
        if index.filter.is_some() && !self.features.filtered_indexes {
            return Err(Code::UNSUPPORTED_INDEX
                .mistake(format!(
                    "{name} does not support filtered indexes such as `{}`",
                    index.name
                ))
                .help("remove `.filter(..)`, or index a generated column"));
        }
        if index.keys.iter().any(|key| key.descending) && !self.features.descending_keys {
            return Err(Code::UNSUPPORTED_INDEX
                .mistake(format!(
                    "{name} before 10.8 does not support descending keys as in `{}`",
                    index.name
                ))
                .help("remove `desc(..)`, or plan for `mariadb:10.8`"));
        }
        let has_expression = index.keys.iter().any(|key| matches!(key.on, IndexOn::Expression(_)));
        if has_expression && !self.features.expression_keys {
            return Err(Code::UNSUPPORTED_INDEX
                .mistake(format!(
                    "{name} does not support indexes on expressions such as `{}`",
                    index.name
                ))
                .help("add a generated column and index that"));
        }
        common::check_index(self, index)?;
        // https://dev.mysql.com/doc/refman/8.4/en/create-index.html
        match &index.method {
            None => Ok(""),
            Some(IndexMethod::BTree) => Ok(" USING BTREE"),
            Some(IndexMethod::Hash) => Ok(" USING HASH"),
            Some(method) => Err(common::no_method(self, index, method)),
        }
    }

    /// Checks that a column can be in a key: <https://dev.mysql.com/doc/refman/8.4/en/column-indexes.html>.
    pub(super) fn check_in_key(&self, table: &Table, name: &str) -> Result<(), Mistake> {
        match table.column(name).map(|column| &column.column_type) {
            Some(ColumnType::Text | ColumnType::Binary | ColumnType::Json | ColumnType::Jsonb) => {
                Err(Code::KEY_WITHOUT_LENGTH
                    .mistake(format!(
                        "{} does not allow `{name}` of `{}` in a key: its length is unlimited",
                        self.name(),
                        table.name
                    ))
                    .help("use `varchar` with a length"))
            }
            _ => Ok(()),
        }
    }

    fn default_for(&self, column: &Column, default: &DefaultValue) -> String {
        let sql = common::default(self, default);
        match default {
            DefaultValue::Value(_) | DefaultValue::Now if takes_expressions_alone(&column.column_type) => {
                format!("({sql})")
            }
            _ => sql,
        }
    }
}
