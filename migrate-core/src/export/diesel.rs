//! Diesel's `schema.rs`: `table!`, `joinable!` and `allow_tables_to_appear_in_same_query!`, as `diesel print-schema` writes them
//! for the migrated database.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::SchemaSnapshot;
use super::diesel_names::{column_name, rust_name, rust_string};
use super::diesel_types::{DefinedType, DieselType, diesel_type, is_nullable};
use crate::dialect::{Dialect, DialectVersion};
use crate::error::{Error, ErrorKind};
use crate::schema::{Column, Table};

/// How `schema.rs` is written. The names are those of Diesel's own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DieselOptions {
    /// A SQLite column that is the rowid is a `BigInt`, and so is one that refers to it. Diesel's own default is `false`, by
    /// which neither holds more than 32 bits, and a `big_int` that refers to an `id` cannot be joined with it.
    pub sqlite_integer_primary_key_is_bigint: bool,
}

impl Default for DieselOptions {
    fn default() -> DieselOptions {
        DieselOptions {
            sqlite_integer_primary_key_is_bigint: true,
        }
    }
}

/// How a kept file was written: what its first line says.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedHeader {
    pub dialect: DialectVersion,
    pub options: DieselOptions,
}

impl GeneratedHeader {
    /// What a kept file says; `None` if it is another file.
    #[must_use]
    pub fn of(text: &str) -> Option<GeneratedHeader> {
        let first = text.lines().next().filter(|first| first.starts_with(MARK))?;
        let dialect = match first.split_once(DIALECT) {
            Some((_, rest)) => rest.split([' ', '`']).next()?.parse().ok()?,
            None => Dialect::Sqlite.into(),
        };
        let options = DieselOptions {
            sqlite_integer_primary_key_is_bigint: !first.contains(NOT_BIGINT),
        };
        Some(GeneratedHeader { dialect, options })
    }

    /// The command that writes the file.
    #[must_use]
    pub fn command(&self, file: &str) -> String {
        let name = self.dialect.name();
        // As it was typed: without a version, if it is the one that is meant without.
        let dialect = match self.dialect == name.into() {
            true => name.to_string(),
            false => self.dialect.to_string(),
        };
        let mut command = format!("migrate schema{DIALECT}{dialect}");
        command += &format!(" --write {file}");
        if !self.options.sqlite_integer_primary_key_is_bigint {
            command += NOT_BIGINT;
        }
        command
    }

    fn header(&self) -> String {
        format!("{MARK} Write it anew with `{}`.\n", self.command("FILE"))
    }
}

/// What a kept file begins with.
const MARK: &str = "// @generated from the migrations.";

const DIALECT: &str = " --dialect ";

const NOT_BIGINT: &str = " --sqlite-integer-primary-key-is-bigint false";

impl SchemaSnapshot {
    /// Diesel's `schema.rs`. It is the same text each time, and formatted. What is not known, and columns of types that Diesel
    /// does not have, are named in comments.
    #[must_use]
    pub fn diesel(&self, options: &DieselOptions) -> String {
        let (tables, left_out): (Vec<&Table>, Vec<&Table>) = self
            .model
            .tables()
            .filter(|table| !self.is_internal(&table.name))
            .partition(|table| self.has_key(table));
        let writer = Writer {
            schema: self,
            options,
            tables: &tables,
        };
        let header = GeneratedHeader {
            dialect: self.dialect,
            options: options.clone(),
        };
        let mut text = header.header();
        for line in &self.unknown {
            let _ = write!(text, "//\n// Not known: {line}.\n");
        }
        for table in left_out {
            let _ = write!(
                text,
                "//\n// Left out: `{}`, because {}.\n",
                table.name,
                if self.key_columns(table).is_empty() {
                    "it has no primary key"
                } else {
                    "Diesel has no type for its primary key"
                }
            );
        }
        text.push_str(&writer.defined_types());
        for table in &tables {
            text.push('\n');
            text.push_str(&writer.table(table));
        }
        let joinables = writer.joinables();
        if !joinables.is_empty() {
            text.push('\n');
            joinables.iter().for_each(|joinable| text.push_str(joinable));
        }
        if tables.len() > 1 {
            text.push('\n');
            text.push_str(&writer.same_query());
        }
        text
    }
}

impl SchemaSnapshot {
    /// The `table!` of some tables, and what joins them, for a migration that works on their rows: it stays as the tables are
    /// at that version, while the application's `schema.rs` moves on.
    ///
    /// # Errors
    ///
    /// That a table is not known, or Diesel has no type for its key.
    pub fn diesel_tables(&self, names: &[&str], options: &DieselOptions) -> Result<String, Error> {
        let mut tables: Vec<&Table> = Vec::new();
        for name in names {
            let table = self.model.table(name).filter(|table| self.has_key(table));
            let table = table.ok_or_else(|| self.no_table(name))?;
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        let writer = Writer {
            schema: self,
            options,
            tables: &tables,
        };
        let mut parts = vec![writer.defined_types().trim_start().to_owned()];
        parts.extend(tables.iter().map(|table| writer.table(table)));
        parts.push(writer.joinables().concat());
        if tables.len() > 1 {
            parts.push(writer.same_query());
        }
        parts.retain(|part| !part.is_empty());
        Ok(parts.join("\n"))
    }

    fn no_table(&self, name: &str) -> Error {
        if self.model.table(name).is_some() {
            let message =
                format!("Diesel cannot have the table `{name}`: it has no primary key of a type that Diesel knows");
            return Error::new(ErrorKind::InvalidTarget, message).next("leave it out, and use SQL in the step");
        }
        let known: Vec<&str> = self.model.tables().map(|table| table.name.as_str()).collect();
        let error = Error::new(ErrorKind::InvalidTarget, format!("no table `{name}` is known"));
        let error = match known.as_slice() {
            [] => error.next("make it first, in a migration before this one"),
            known => error.next(format!("the tables are {}", known.join(", "))),
        };
        self.unknown
            .iter()
            .fold(error, |error, unknown| error.next(format!("but {unknown}")))
    }

    /// What Diesel leaves out: tables of tools, and SQLite's own.
    fn is_internal(&self, table: &str) -> bool {
        let is_sqlites = || table.to_ascii_lowercase().starts_with("sqlite");
        table.starts_with("__") || self.dialect.name() == Dialect::Sqlite && is_sqlites()
    }

    /// The primary key, in the order in which Diesel reads it: of SQLite that of the table. A table of SQLite without one has
    /// a name by which it has its rowid: <https://sqlite.org/rowidtable.html>.
    fn key_columns(&self, table: &Table) -> Vec<String> {
        match &table.primary_key {
            Some(key) if self.dialect.name() == Dialect::Sqlite => {
                let columns = table.columns.iter().map(|column| &column.name);
                return columns.filter(|name| key.columns.contains(name)).cloned().collect();
            }
            Some(key) => return key.columns.clone(),
            None => {}
        }
        if self.dialect.name() != Dialect::Sqlite {
            return Vec::new();
        }
        let free = |alias: &&&str| table.column(alias).is_none();
        let alias = ["rowid", "oid", "_rowid_"].iter().find(free);
        alias.map(|alias| (*alias).to_owned()).into_iter().collect()
    }

    /// Whether it has a primary key, and Diesel a type for each column of it.
    fn has_key(&self, table: &Table) -> bool {
        let keys = self.key_columns(table);
        let mut columns = keys.iter().filter_map(|name| table.column(name));
        !keys.is_empty() && columns.all(|column| diesel_type(self.dialect, table, column).is_some())
    }
}

struct Writer<'a> {
    schema: &'a SchemaSnapshot,
    options: &'a DieselOptions,
    tables: &'a [&'a Table],
}

impl Writer<'_> {
    fn table(&self, table: &Table) -> String {
        let name = rust_name(&table.name);
        let mut text = "diesel::table! {\n".to_owned();
        let mut defined: Vec<String> = Vec::new();
        for defined_type in self.defined_types_of(table) {
            if !defined.contains(&defined_type.name) {
                defined.push(defined_type.name);
            }
        }
        if !defined.is_empty() {
            text.push_str("    use diesel::sql_types::*;\n");
            for name in defined {
                let _ = writeln!(text, "    use super::sql_types::{name};");
            }
            text.push('\n');
        }
        if name != table.name {
            let _ = writeln!(text, "    #[sql_name = {}]", rust_string(&table.name));
        }
        let key = self.schema.key_columns(table);
        let in_table = |column: &str| column_name(column, &name);
        let keys: Vec<String> = key.iter().map(|column| in_table(column)).collect();
        let _ = writeln!(text, "    {name} ({}) {{", keys.join(", "));
        if let [implicit] = key.as_slice()
            && table.column(implicit).is_none()
        {
            let _ = writeln!(text, "        {} -> {},", in_table(implicit), self.rowid());
        }
        for column in &table.columns {
            let Some(column_type) = self.column_type(table, column) else {
                let encoding = column.column_type.encoding();
                let _ = writeln!(
                    text,
                    "        // Left out: {:?}, because Diesel has no type for {encoding}.",
                    column.name
                );
                continue;
            };
            let rust_name = in_table(&column.name);
            if rust_name != column.name {
                let _ = writeln!(text, "        #[sql_name = {}]", rust_string(&column.name));
            }
            if let Some(max_length) = column_type.max_length {
                let _ = writeln!(text, "        #[max_length = {max_length}]");
            }
            let _ = writeln!(text, "        {rust_name} -> {},", column_type.name);
        }
        text.push_str("    }\n}\n");
        text
    }

    fn rowid(&self) -> &'static str {
        if self.options.sqlite_integer_primary_key_is_bigint {
            "BigInt"
        } else {
            "Integer"
        }
    }

    fn column_type(&self, table: &Table, column: &Column) -> Option<DieselType> {
        let dialect = self.schema.dialect;
        let mut column_type = diesel_type(dialect, table, column)?;
        let is_rowid = || table.rowid_column() == Some(&column.name) || self.refers_to_rowid(table, column);
        if dialect.name() == Dialect::Sqlite && column_type.name == "Integer" && is_rowid() {
            self.rowid().clone_into(&mut column_type.name);
        }
        if is_nullable(dialect, column) {
            column_type.name = format!("Nullable<{}>", column_type.name);
        }
        Some(column_type)
    }

    /// The types of its columns that Diesel does not have itself.
    fn defined_types_of(&self, table: &Table) -> impl Iterator<Item = DefinedType> {
        let types = table.columns.iter();
        types.filter_map(move |column| diesel_type(self.schema.dialect, table, column)?.defined)
    }

    /// The types that the tables need and Diesel does not have.
    fn defined_types(&self) -> String {
        let mut types = BTreeMap::new();
        for defined in self.tables.iter().flat_map(|table| self.defined_types_of(table)) {
            types.entry(defined.name.clone()).or_insert(defined);
        }
        if types.is_empty() {
            return String::new();
        }
        let types: Vec<String> = types.values().map(definition).collect();
        format!("\npub mod sql_types {{\n{}}}\n", types.join("\n"))
    }

    /// Whether a column refers to a rowid by a foreign key of its own. Of several keys the last one counts, in Diesel's order.
    fn refers_to_rowid(&self, table: &Table, column: &Column) -> bool {
        let keys = table
            .foreign_keys
            .iter()
            .flat_map(|key| key.columns.iter().map(move |part| (part, key.to_table.as_str())))
            .filter(|(part, _)| **part == column.name);
        let target = keys.map(|(_, target)| target).max();
        target
            .and_then(|target| self.schema.model.table(target))
            .is_some_and(|target| self.schema.key_columns(target).len() == 1 && !target.without_rowid)
    }

    /// What can be joined without saying by which columns: a single column that refers to a primary key of one, where no other
    /// key connects the two tables.
    fn joinables(&self) -> Vec<String> {
        let is_written = |name: &str| self.tables.iter().any(|table| table.name == name);
        let mut keys = Vec::new();
        for child in self.tables {
            for key in &child.foreign_keys {
                // SQLite tells of each column by itself.
                for (column, to_column) in key.columns.iter().zip(&key.to_columns) {
                    keys.push((child.name.as_str(), key.to_table.as_str(), column, to_column));
                }
            }
        }
        keys.sort();
        let connects = |a: &str, b: &str| {
            let between = keys
                .iter()
                .filter(|(child, parent, ..)| (*child, *parent) == (a, b) || (*child, *parent) == (b, a));
            between.count()
        };
        let joinable = keys.iter().filter(|(child, parent, _, to_column)| {
            child != parent
                && is_written(parent)
                && self
                    .schema
                    .model
                    .table(parent)
                    .is_some_and(|parent| self.schema.key_columns(parent) == [to_column.as_str()])
                && connects(child, parent) == 1
        });
        let joinable = joinable.map(|(child, parent, column, _)| {
            let child = rust_name(child);
            let column = column_name(column, &child);
            format!("diesel::joinable!({child} -> {} ({column}));\n", rust_name(parent))
        });
        joinable.collect()
    }

    fn same_query(&self) -> String {
        let names: Vec<String> = self.tables.iter().map(|table| rust_name(&table.name)).collect();
        let on_one_line = format!("{},", names.join(", "));
        let call = format!("diesel::allow_tables_to_appear_in_same_query!({on_one_line})");
        // The width of rustfmt, which does not count the semicolon.
        if call.len() <= 100 {
            return format!("{call};\n");
        }
        let lines: String = names.iter().map(|name| format!("    {name},\n")).collect();
        format!("diesel::allow_tables_to_appear_in_same_query!(\n{lines});\n")
    }
}

/// A type with the derives that `diesel setup` asks for, without which no value of it can be sent.
fn definition(defined: &DefinedType) -> String {
    let DefinedType {
        name,
        attribute,
        arguments,
    } = defined;
    // The width that rustfmt gives the arguments of an attribute.
    let arguments = match arguments.chars().count() < 70 {
        true => arguments.clone(),
        false => format!(
            "\n        {}\n    ",
            arguments.replace("\", schema", "\",\n        schema")
        ),
    };
    format!(
        "    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]\n\
         \x20   #[diesel({attribute}({arguments}))]\n\
         \x20   pub struct {name};\n"
    )
}
