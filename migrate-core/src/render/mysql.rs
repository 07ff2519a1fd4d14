//! SQL that is specific to MySQL and MariaDB.

use std::collections::BTreeMap;

use super::alter_table::{Altering, Aspect};
use super::mysql_online_ddl::{is_online, is_online_alone, is_plain, takes_expressions_alone};
use super::operation::Rendered;
use super::{Alteration, Features, SqlDialect, TransactionWrapper, common, diagnostic, mysql_normalize};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::dialect::Dialect;
use crate::schema::{
    Column, ColumnType, DefaultValue, EnumChange, Index, IndexMethod, IndexOn, NewName, ObjectKind, Table, TableEdit,
    Token, mentions, tokenize,
};

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

    fn check_raw(&self, sql: &str, _in_transaction: bool) -> Result<(), Mistake> {
        super::raw_sql::check_has_statement(sql)?;
        super::raw_sql::check_leaves_transactions_alone(sql)?;
        // Each step has one checkpoint. With two statements in a step, it would be unknown which of them completed.
        if super::raw_sql::outline(sql).more_follows && !super::raw_sql::may_be_compound(sql) {
            return Err(super::raw_sql::several_statements(&format!(
                ", but {} commits each one separately",
                self.name()
            )));
        }
        Ok(())
    }

    fn frame(&self, _rebuilds: bool) -> TransactionWrapper {
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
        let mut altering = Altering::new(self, alteration).demanding(self.online());
        let mut diagnostics = Vec::new();
        for edit in alteration.edits {
            if let Err(message) = self.edit(&mut altering, &edit.change, alteration) {
                diagnostics.push(diagnostic(edit.location, message));
            }
        }
        for edit in alteration.edits {
            if let Some(after) = alteration.after
                && let Err(message) = self.check_new_key(after, &edit.change)
            {
                diagnostics.push(diagnostic(edit.location, message));
            }
        }
        if diagnostics.is_empty() {
            Ok(altering.finish())
        } else {
            Err(diagnostics)
        }
    }

    fn change_enum(&self, name: &str, _change: &EnumChange) -> Result<String, Mistake> {
        Err(self.lacks_enums(name))
    }

    fn check_expression(&self, sql: &str) -> Result<(), Mistake> {
        let escapes = |token: Token<'_>| matches!(token, Token::Text(text) if text.contains('\\'));
        if tokenize(sql).is_ok_and(|tokens| tokens.into_iter().any(escapes)) {
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

/// The columns of the indexes that InnoDB creates for foreign keys, by the name of the foreign key.
type OwnIndexes = BTreeMap<String, Vec<String>>;

/// InnoDB creates an index if no other index begins with the columns of the foreign key:
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html>.
fn own_indexes(table: &Table) -> OwnIndexes {
    let keys = table.primary_key.iter().map(|key| key.columns.clone());
    let keys = keys.chain(table.uniques.iter().map(|unique| unique.columns.clone()));
    let keys = keys.chain(table.indexes.iter().map(|index| {
        let columns = index.keys.iter().map_while(|key| match &key.on {
            IndexOn::Column(column) => Some(column.clone()),
            IndexOn::Expression(_) => None,
        });
        columns.collect()
    }));
    let keys: Vec<Vec<String>> = keys.collect();
    let foreign_keys = table.foreign_keys.iter().enumerate();
    let own = foreign_keys.filter(|(at, key)| {
        let is_served = keys.iter().any(|other| other.starts_with(&key.columns));
        let is_served_by_another = table.foreign_keys.iter().enumerate().any(|(other_at, other)| {
            let is_longer = other.columns.len() > key.columns.len();
            other.columns.starts_with(&key.columns) && (is_longer || other_at < *at)
        });
        !is_served && !is_served_by_another
    });
    own.map(|(_, key)| (key.name.clone(), key.columns.clone())).collect()
}

fn texts(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str)
}

/// Returns the key columns of an index, without its expressions.
fn indexed(index: &Index) -> impl Iterator<Item = &str> {
    index.keys.iter().filter_map(|key| match &key.on {
        IndexOn::Column(column) => Some(column.as_str()),
        IndexOn::Expression(_) => None,
    })
}

/// Refuses to rename a column that a generated column, a CHECK or an expression index names:
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-generated-columns.html>,
/// <https://dev.mysql.com/doc/refman/8.4/en/create-table-check-constraints.html>,
/// <https://dev.mysql.com/doc/refman/8.4/en/create-index.html#create-index-functional-key-parts>.
fn check_no_expression(altering: &Altering<'_>, alteration: &Alteration<'_>, column: &str) -> Result<(), Mistake> {
    let checks = alteration
        .before
        .map(|table| table.checks.as_slice())
        .unwrap_or_default();
    let check = checks.iter().find(|check| mentions(&check.expression, column));
    let names_it = |index: &&Index| {
        let mut keys = index.keys.iter();
        keys.any(|key| matches!(&key.on, IndexOn::Expression(expression) if mentions(expression, column)))
    };
    let index = altering.there().indexes.iter().find(names_it);
    let reader = altering
        .computed_from(column)
        .map(|reader| format!("generated column `{reader}`"))
        .or_else(|| check.map(|check| format!("constraint `{}`", check.name)))
        .or_else(|| index.map(|index| format!("index `{}`", index.name)));
    match reader {
        Some(reader) => Err(Code::COLUMN_IN_USE
            .mistake(format!("MySQL cannot rename `{column}`: the {reader} uses it"))
            .help(format!(
                "drop the {reader} before the rename and add it again afterwards"
            ))),
        None => Ok(()),
    }
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
    fn index_method(&self, index: &Index) -> Result<&'static str, Mistake> {
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

    /// Returns the clauses that keep an InnoDB index for each foreign key that has no other index, and for no other
    /// key. InnoDB refuses to drop the last index of a key, and keeps its own index when the key is dropped.
    fn own_indexes_after(
        &self,
        before: &OwnIndexes,
        after: &OwnIndexes,
        alteration: &Alteration<'_>,
        change: &TableEdit,
    ) -> Vec<String> {
        if before == after {
            return Vec::new();
        }
        let made_by_itself = |name: &str| matches!(change, TableEdit::AddForeignKey(key) if key.name == name);
        // A key that another edit adds again needs the same index, so dropping it would only cause a rebuild.
        let in_the_end = alteration.after.map(own_indexes).unwrap_or_default();
        let comes_back = |name: &str| {
            in_the_end
                .get(name)
                .is_some_and(|columns| before.get(name) == Some(columns))
        };
        let if_there = match self.features.drops_index_if_exists {
            true => "IF EXISTS ",
            false => "",
        };
        let gone = before
            .keys()
            .filter(|name| !after.contains_key(*name) && !comes_back(name));
        let gone = gone.map(|name| format!("DROP INDEX {if_there}{}", self.identifier(name)));
        let new = after
            .iter()
            .filter(|(name, _)| !before.contains_key(*name) && !made_by_itself(name));
        let new = new.map(|(name, columns)| {
            format!(
                "ADD INDEX {} ({})",
                self.identifier(name),
                common::columns(self, columns)
            )
        });
        gone.chain(new).collect()
    }

    /// Checks that a column can be in a key: <https://dev.mysql.com/doc/refman/8.4/en/column-indexes.html>.
    fn check_in_key(&self, table: &Table, name: &str) -> Result<(), Mistake> {
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

    /// Checks the columns of a key that a change adds, or the keys of the table after a type change. `table` is the
    /// state after all changes, which may have renamed columns of the key.
    fn check_new_key(&self, table: &Table, change: &TableEdit) -> Result<(), Mistake> {
        let columns: Vec<&str> = match change {
            TableEdit::AddPrimaryKey(_) => {
                let keys = table.primary_key.iter();
                keys.flat_map(|key| texts(&key.columns)).collect()
            }
            TableEdit::AddUnique(unique) => {
                let keys = table.uniques.iter().filter(|key| key.name == unique.name);
                keys.flat_map(|key| texts(&key.columns)).collect()
            }
            TableEdit::AddForeignKey(foreign_key) => {
                let keys = table.foreign_keys.iter().filter(|key| key.name == foreign_key.name);
                keys.flat_map(|key| texts(&key.columns)).collect()
            }
            TableEdit::AddIndex { index, .. } => {
                let indexes = table.indexes.iter().filter(|other| other.name == index.name);
                indexes.flat_map(indexed).collect()
            }
            TableEdit::SetType { .. } => return self.check_keys(table),
            _ => return Ok(()),
        };
        columns.into_iter().try_for_each(|name| self.check_in_key(table, name))
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

    /// ALTER COLUMN sets constants only. MySQL refuses CURRENT_TIMESTAMP there, and every default of some types.
    /// MariaDB accepts it without the fractional seconds that the column stores.
    fn set_default(&self, altering: &mut Altering<'_>, name: &str, default: &DefaultValue) -> Result<(), Mistake> {
        if let Some(there) = altering.there().column(name)
            && !is_plain(&there.column_type, default)
        {
            return self.modify(altering, name);
        }
        let sql = common::default(self, default);
        let clause = format!("ALTER COLUMN {} SET DEFAULT {sql}", self.identifier(name));
        altering.clause(name, Aspect::Whole, clause);
        Ok(())
    }

    fn edit(
        &self,
        altering: &mut Altering<'_>,
        change: &TableEdit,
        alteration: &Alteration<'_>,
    ) -> Result<(), Mistake> {
        let id = |name: &str| self.identifier(name);
        let table = alteration.table;
        if let (false, TableEdit::RenameColumn { from, .. }) = (self.features.renames_what_is_computed_from, change) {
            check_no_expression(altering, alteration, from)?;
        }
        let before = altering.there();
        let own_before = own_indexes(before);
        let dropped = match change {
            TableEdit::DropConstraint { constraint } => before.names().find(|(_, name)| name == constraint),
            _ => None,
        };
        let dropped = dropped.map(|(kind, _)| kind);
        let is_online = is_online(self.features, change, altering.there(), dropped);
        let is_alone = match change {
            TableEdit::RenameColumn { .. } | TableEdit::RenameIndex { .. } => true,
            // One statement cannot drop a foreign key and add another of the same name.
            TableEdit::DropConstraint { .. } if dropped == Some(ObjectKind::ForeignKey) => true,
            _ => is_online && is_online_alone(change, altering.there()),
        };
        if is_alone {
            altering.close();
        }
        altering.set_online(is_online);
        altering.follow(change);
        let own_after = own_indexes(altering.there());
        let loses_own = own_before.keys().any(|name| !own_after.contains_key(name));
        if loses_own && !self.features.drops_index_if_exists {
            // InnoDB creates no index for a key that is added together with an index that serves it, and then the DROP
            // would fail.
            altering.close();
        }
        let own = self.own_indexes_after(&own_before, &own_after, alteration, change);
        let mut clause = |name: &str, clause: String| {
            let aspect = if clause.starts_with("DROP") {
                Aspect::Gone
            } else {
                Aspect::Whole
            };
            altering.clauses(name, aspect, std::iter::once(clause).chain(own.clone()));
        };
        match change {
            TableEdit::AddColumn {
                column,
                fill: Some(DefaultValue::Expression(expression)),
            } => {
                let added = self.column(&common::unfilled(column))?;
                clause(&column.name, format!("ADD COLUMN {added}"));
                altering.alone(common::fill(self, table, &column.name, expression));
                if !column.nullable || column.default.is_some() {
                    self.modify(altering, &column.name)?;
                }
            }
            TableEdit::AddColumn { column, fill } => {
                let shown = Column {
                    default: fill.clone().or_else(|| column.default.clone()),
                    ..column.clone()
                };
                let name = &column.name;
                clause(name, format!("ADD COLUMN {}", self.column(&shown)?));
                match (fill, &column.default) {
                    (Some(_), Some(default)) => self.set_default(altering, name, default)?,
                    (Some(_), None) => clause(name, format!("ALTER COLUMN {} DROP DEFAULT", id(name))),
                    (None, _) => {}
                }
            }
            TableEdit::DropColumn { column, .. } => clause(column, format!("DROP COLUMN {}", id(column))),
            TableEdit::RenameColumn { from, to } => {
                altering.clause(from, Aspect::Whole, format!("RENAME COLUMN {} TO {}", id(from), id(to)));
            }
            TableEdit::SetType { using: Some(_), .. } => {
                return Err(Code::UNSUPPORTED_CONVERSION
                    .mistake(format!("{} cannot change a type with an expression", self.name()))
                    .help("add a column, fill it with `execute`, and drop the old one"));
            }
            TableEdit::SetType { column, .. }
            | TableEdit::SetNotNull { column }
            | TableEdit::DropNotNull { column }
            | TableEdit::SetComment {
                column: Some(column), ..
            } => self.modify(altering, column)?,
            TableEdit::SetComment { column: None, comment } => {
                let comment = comment.as_deref().unwrap_or_default();
                clause(table, format!("COMMENT = {}", self.text(comment)));
            }
            TableEdit::SetDefault { column, default } => self.set_default(altering, column, default)?,
            TableEdit::DropDefault { column } => clause(column, format!("ALTER COLUMN {} DROP DEFAULT", id(column))),
            TableEdit::AddPrimaryKey(key) => {
                let columns = common::columns(self, &key.columns);
                clause("PRIMARY", format!("ADD PRIMARY KEY ({columns})"));
            }
            TableEdit::DropPrimaryKey => clause("PRIMARY", "DROP PRIMARY KEY".to_owned()),
            TableEdit::AddUnique(unique) => clause(&unique.name, format!("ADD {}", common::unique(self, unique))),
            TableEdit::AddCheck(check) => clause(&check.name, format!("ADD {}", common::check(self, check))),
            TableEdit::AddForeignKey(key) => clause(&key.name, format!("ADD {}", common::foreign_key(self, key))),
            TableEdit::DropConstraint { constraint } => {
                let name = id(constraint);
                match dropped {
                    Some(ObjectKind::ForeignKey) => {
                        let drop = format!("DROP FOREIGN KEY {name}");
                        altering.clauses(constraint, Aspect::Whole, std::iter::once(drop).chain(own));
                    }
                    Some(ObjectKind::Unique) => clause(constraint, format!("DROP INDEX {name}")),
                    _ => clause(constraint, format!("DROP CONSTRAINT {name}")),
                }
            }
            TableEdit::AddIndex { index, .. } => {
                let unique = if index.unique { "UNIQUE " } else { "" };
                let method = self.index_method(index)?;
                let keys = common::keys(self, index);
                clause(
                    &index.name,
                    format!("ADD {unique}INDEX {} ({keys}){method}", id(&index.name)),
                );
            }
            TableEdit::DropIndex { index, .. } => clause(index, format!("DROP INDEX {}", id(index))),
            TableEdit::RenameIndex { from, to } => {
                altering.clause(from, Aspect::Whole, format!("RENAME INDEX {} TO {}", id(from), id(to)));
            }
        }
        if is_alone {
            altering.close();
        }
        Ok(())
    }

    /// MODIFY restates a column in full; an attribute that it omits is lost.
    fn modify(&self, altering: &mut Altering<'_>, name: &str) -> Result<(), Mistake> {
        let column = altering.there().column(name).ok_or_else(|| {
            Code::DEFINITION_REQUIRED
                .mistake(format!(
                    "{} must restate `{name}` in full, but its definition is unknown after raw SQL",
                    self.name()
                ))
                .help("describe that SQL with `.changes(..)`, or write the ALTER with `execute`")
        })?;
        let clause = format!("MODIFY COLUMN {}", self.column(column)?);
        altering.clause(name, Aspect::Whole, clause);
        Ok(())
    }
}
