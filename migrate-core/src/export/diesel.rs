//! Diesel's `schema.rs`: `table!`, `joinable!` and `allow_tables_to_appear_in_same_query!`, as `diesel print-schema`
//! writes them for the migrated database.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::SchemaSnapshot;
use super::diesel_names::{column_name, rust_name, rust_string};
use super::diesel_types::{self, DefinedType, DieselType, diesel_type, is_nullable};
use crate::code::Code;
use crate::dialect::{Dialect, DialectVersion};
use crate::error::Error;
use crate::render::{Features, dialect_of};
use crate::schema::{Column, Table};

/// Options for `schema.rs`, named after Diesel CLI's settings.
///
/// ```
/// use migrate_core::export::DieselOptions;
///
/// let mut options = DieselOptions::default();
/// options.sqlite_integer_primary_key_is_bigint = false;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DieselOptions {
    /// True if an integer primary key of SQLite (the rowid), and an `integer` column that references one, is a
    /// `BigInt`. The default is `true`. It has no effect on other databases.
    ///
    /// With `false`, Diesel CLI's default, both are `Integer` and hold 32 bits in Rust. A `big_int` column that
    /// references an `id` cannot be joined with it then.
    pub sqlite_integer_primary_key_is_bigint: bool,
}

impl Default for DieselOptions {
    fn default() -> DieselOptions {
        DieselOptions {
            sqlite_integer_primary_key_is_bigint: true,
        }
    }
}

/// The settings of a generated `schema.rs`, from its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedHeader {
    /// The dialect that the file is for.
    pub dialect: DialectVersion,
    /// The options of its tables.
    pub options: DieselOptions,
}

impl GeneratedHeader {
    /// Reads the header of a generated file; `None` for any other file.
    #[must_use]
    pub fn of(text: &str) -> Option<GeneratedHeader> {
        let first = text.lines().next().filter(|first| first.starts_with(MARK))?;
        let dialect = match first.split_once(DIALECT) {
            Some((_, rest)) => rest.split([' ', '`']).next()?.parse().ok()?,
            None => Dialect::DEFAULT.into(),
        };
        let options = DieselOptions {
            sqlite_integer_primary_key_is_bigint: !first.contains(NOT_BIGINT),
        };
        Some(GeneratedHeader { dialect, options })
    }

    /// Returns the command that writes the file.
    #[must_use]
    pub fn command(&self, file: &str) -> String {
        let name = self.dialect.name();
        // The version is left out if it is the default one.
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
        format!("{MARK} Regenerate it with `{}`.\n", self.command("FILE"))
    }
}

/// The start of a generated file.
const MARK: &str = "// @generated from the migrations.";

const DIALECT: &str = " --dialect ";

const NOT_BIGINT: &str = " --sqlite-integer-primary-key-is-bigint false";

impl SchemaSnapshot {
    /// Returns the text of Diesel's `schema.rs`, formatted. The same schema and options give the same text.
    ///
    /// The first line marks the file as generated and names the command that regenerates it. Comments list what is left
    /// out: unknown objects, tables without a usable primary key, and columns of types that Diesel does not have.
    /// Tables whose names begin with `__`, or with `sqlite` on SQLite, are left out without a comment.
    ///
    /// ```
    /// # use migrate_core::prelude::*;
    /// # use migrate_core::{Dialect, SchemaSnapshot, Registry};
    /// # use migrate_core::export::DieselOptions;
    /// # #[derive(Migration)]
    /// # #[migration(version = 1, unlisted)]
    /// # struct CreateUsers;
    /// # impl Migrate for CreateUsers {
    /// #     fn up(&self, schema: &mut Schema) {
    /// #         schema.create_table("users", |t| t.id());
    /// #     }
    /// # }
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// let schema = SchemaSnapshot::latest(&registry, Dialect::Sqlite)?;
    /// assert!(schema.diesel(&DieselOptions::default()).contains("id -> BigInt,"));
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    #[must_use]
    pub fn diesel(&self, options: &DieselOptions) -> String {
        let (tables, left_out): (Vec<&Table>, Vec<&Table>) = self
            .state
            .tables()
            .filter(|table| !diesel_types::is_left_out(self.dialect, &table.name))
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
            let _ = write!(text, "//\n// Unknown: {line}.\n");
        }
        for table in left_out {
            let _ = write!(
                text,
                "//\n// Omitted: `{}`, because {}.\n",
                table.name,
                if self.key_columns(table).is_empty() {
                    "it has no primary key"
                } else {
                    "Diesel does not support its primary key"
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
    /// Returns the `table!` of some tables and the macros that join them, for a migration that works on their rows. The
    /// tables keep the columns of this version, while the application's `schema.rs` changes.
    ///
    /// ```
    /// # use migrate_core::prelude::*;
    /// # use migrate_core::{Dialect, SchemaSnapshot, Registry};
    /// # use migrate_core::export::DieselOptions;
    /// # #[derive(Migration)]
    /// # #[migration(version = 1, unlisted)]
    /// # struct CreateUsers;
    /// # impl Migrate for CreateUsers {
    /// #     fn up(&self, schema: &mut Schema) {
    /// #         schema.create_table("users", |t| t.id());
    /// #     }
    /// # }
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// let schema = SchemaSnapshot::at(&registry, Dialect::Sqlite, &"1".parse().unwrap())?;
    /// let tables = schema.diesel_tables(&["users"], &DieselOptions::default())?;
    /// assert!(tables.starts_with("diesel::table! {"));
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if a table is unknown, or if it has no primary key of a type that Diesel has.
    pub fn diesel_tables(&self, names: &[&str], options: &DieselOptions) -> Result<String, Error> {
        let mut tables: Vec<&Table> = Vec::new();
        for name in names {
            let table = self.state.table(name).filter(|table| self.has_key(table));
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
        if self.state.table(name).is_some() {
            let message = format!("Diesel does not support the primary key of `{name}`");
            return Error::new(Code::UNSUPPORTED_EXPORT_KEY, message).help("omit the table, and use SQL in the step");
        }
        let known: Vec<&str> = self.state.tables().map(|table| table.name.as_str()).collect();
        let error = Error::new(Code::UNKNOWN_EXPORT_TABLE, format!("table `{name}` does not exist"));
        let error = match known.as_slice() {
            [] => error.help("create it in an earlier migration"),
            known => error.help(format!("the tables are `{}`", known.join("`, `"))),
        };
        match self.unknown.is_empty() {
            true => error,
            false => error.help(self.unknown.join("\n")),
        }
    }

    fn features(&self) -> Features {
        dialect_of(self.dialect).features()
    }

    /// Returns the primary key in the order in which Diesel reads it. A table without a primary key may have a free name
    /// of its rowid as the key.
    fn key_columns(&self, table: &Table) -> Vec<String> {
        match &table.primary_key {
            Some(key) if diesel_types::reads_keys_in_table_order(self.dialect) => {
                let columns = table.columns.iter().map(|column| &column.name);
                return columns.filter(|name| key.columns.contains(name)).cloned().collect();
            }
            Some(key) => return key.columns.clone(),
            None => {}
        }
        if !self.features().rowid_alias_is_key {
            return Vec::new();
        }
        let free = |alias: &&&str| table.column(alias).is_none();
        let alias = ["rowid", "oid", "_rowid_"].iter().find(free);
        alias.map(|alias| (*alias).to_owned()).into_iter().collect()
    }

    /// Returns true if the table has a primary key, and Diesel has a type for each column of it.
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
                    "        // Omitted: {:?}, because Diesel has no type for {encoding}.",
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
        if self.schema.features().rowid_alias_is_key && column_type.name == "Integer" && is_rowid() {
            self.rowid().clone_into(&mut column_type.name);
        }
        if is_nullable(dialect, column) {
            column_type.name = format!("Nullable<{}>", column_type.name);
        }
        Some(column_type)
    }

    /// Returns the types of the table's columns that Diesel does not have itself.
    fn defined_types_of(&self, table: &Table) -> impl Iterator<Item = DefinedType> {
        let types = table.columns.iter();
        types.filter_map(move |column| diesel_type(self.schema.dialect, table, column)?.defined)
    }

    /// Returns the definitions of the types that the tables need and Diesel does not have.
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

    /// Returns true if a foreign key of the column references a rowid table with a single-column key. Of several keys
    /// the last one counts, in Diesel's order.
    fn refers_to_rowid(&self, table: &Table, column: &Column) -> bool {
        let keys = table
            .foreign_keys
            .iter()
            .flat_map(|key| key.columns.iter().map(move |part| (part, key.to_table.as_str())))
            .filter(|(part, _)| **part == column.name);
        let target = keys.map(|(_, target)| target).max();
        target
            .and_then(|target| self.schema.state.table(target))
            .is_some_and(|target| self.schema.key_columns(target).len() == 1 && !target.without_rowid)
    }

    /// Returns `joinable!` for each column that references a single-column primary key, unless another key connects the
    /// two tables.
    fn joinables(&self) -> Vec<String> {
        let is_written = |name: &str| self.tables.iter().any(|table| table.name == name);
        let mut keys = Vec::new();
        for child in self.tables {
            for key in &child.foreign_keys {
                // SQLite reports each column of a key separately.
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
                    .state
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
        // The line width of rustfmt, which does not count the semicolon.
        if call.len() <= 100 {
            return format!("{call};\n");
        }
        let lines: String = names.iter().map(|name| format!("    {name},\n")).collect();
        format!("diesel::allow_tables_to_appear_in_same_query!(\n{lines});\n")
    }
}

/// Returns a type's definition with the derives that `diesel setup` asks for. Diesel cannot bind a value without them.
fn definition(defined: &DefinedType) -> String {
    let DefinedType {
        name,
        attribute,
        arguments,
    } = defined;
    // The line width of rustfmt for the arguments of an attribute.
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
