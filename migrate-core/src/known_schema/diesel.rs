//! Diesel's `schema.rs`: `table!`, `joinable!` and `allow_tables_to_appear_in_same_query!`, as `diesel print-schema` writes them
//! for the migrated database.

use std::fmt::Write;

use super::KnownSchema;
use crate::dialect_name::DialectName;
use crate::error::{Error, ErrorKind};
use crate::schema::{Column, ColumnType, Table};

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

const HEADER: &str = "// @generated from the migrations. Write it anew with `schema --write`.\n";

impl KnownSchema {
    /// Diesel's `schema.rs`. It is the same text each time, and formatted. What is not known, and columns of types that Diesel
    /// does not have, are named in comments.
    ///
    /// # Errors
    ///
    /// That it is not written for the database.
    pub fn diesel(&self, options: &DieselOptions) -> Result<String, Error> {
        if self.dialect.name() != DialectName::Sqlite {
            return Err(Error::new(
                ErrorKind::InvalidTarget,
                format!(
                    "`schema.rs` is written for SQLite so far, not for {}",
                    self.dialect.name().title()
                ),
            )
            .next("leave the dialect out"));
        }
        let (tables, left_out): (Vec<&Table>, Vec<&Table>) = self
            .model
            .tables()
            .filter(|table| !is_internal(&table.name))
            .partition(|table| has_key_types(table));
        let writer = Writer {
            schema: self,
            options,
            tables: &tables,
        };
        let mut text = HEADER.to_owned();
        for line in &self.unknown {
            let _ = write!(text, "//\n// Not known: {line}.\n");
        }
        for table in left_out {
            let _ = write!(
                text,
                "//\n// Left out: `{}`, because Diesel has no type for its primary key.\n",
                table.name
            );
        }
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
        Ok(text)
    }
}

impl KnownSchema {
    /// The `table!` of one table, for a migration that works on its rows: it stays as the table is at that version, while the
    /// application's `schema.rs` moves on. `None` if the table is not known, or Diesel has no type for its key.
    #[must_use]
    pub fn diesel_table(&self, name: &str, options: &DieselOptions) -> Option<String> {
        let table = self.model.table(name).filter(|table| has_key_types(table))?;
        let writer = Writer {
            schema: self,
            options,
            tables: &[table],
        };
        Some(writer.table(table))
    }

    /// The names of all tables that are known.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.model.tables().map(|table| table.name.as_str())
    }
}

struct Writer<'a> {
    schema: &'a KnownSchema,
    options: &'a DieselOptions,
    tables: &'a [&'a Table],
}

impl Writer<'_> {
    fn table(&self, table: &Table) -> String {
        let name = rust_name(&table.name);
        let mut text = "diesel::table! {\n".to_owned();
        if name != table.name {
            let _ = writeln!(text, "    #[sql_name = {}]", rust_string(&table.name));
        }
        let key = key_columns(table);
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
            let _ = writeln!(text, "        {rust_name} -> {column_type},");
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

    fn column_type(&self, table: &Table, column: &Column) -> Option<String> {
        let is_rowid = table.rowid_column() == Some(&column.name) || self.refers_to_rowid(table, column);
        let name = match diesel_type(column)? {
            "Integer" if is_rowid => self.rowid(),
            name => name,
        };
        Some(if column.nullable {
            format!("Nullable<{name}>")
        } else {
            name.to_owned()
        })
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
            .is_some_and(|target| key_columns(target).len() == 1 && !target.without_rowid)
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
                    .is_some_and(|parent| key_columns(parent) == [to_column.as_str()])
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
        // The width that rustfmt gives the arguments of a call.
        if on_one_line.len() <= 60 {
            return format!("diesel::allow_tables_to_appear_in_same_query!({on_one_line});\n");
        }
        let lines: String = names.iter().map(|name| format!("    {name},\n")).collect();
        format!("diesel::allow_tables_to_appear_in_same_query!(\n{lines});\n")
    }
}

/// What Diesel leaves out: tables of tools, and SQLite's own.
fn is_internal(table: &str) -> bool {
    table.starts_with("__") || table.to_ascii_lowercase().starts_with("sqlite")
}

/// The primary key, or the name by which a table without one has its rowid: <https://sqlite.org/rowidtable.html>.
fn key_columns(table: &Table) -> Vec<String> {
    if let Some(key) = &table.primary_key {
        // In the order in which the table has them, as Diesel reads them.
        let columns = table.columns.iter().map(|column| &column.name);
        return columns.filter(|name| key.columns.contains(name)).cloned().collect();
    }
    let free = |alias: &&&str| table.column(alias).is_none();
    let alias = ["rowid", "oid", "_rowid_"].iter().find(free);
    alias.map(|alias| (*alias).to_owned()).into_iter().collect()
}

/// Whether Diesel has a type for each column of the primary key.
fn has_key_types(table: &Table) -> bool {
    let keys = key_columns(table);
    let columns = keys.iter().filter_map(|name| table.column(name));
    columns.into_iter().all(|column| diesel_type(column).is_some())
}

/// The type that Diesel reads from what SQLite calls it, or would if it knew the type.
fn diesel_type(column: &Column) -> Option<&'static str> {
    if column.auto_increment {
        return Some("Integer");
    }
    Some(match &column.column_type {
        ColumnType::SmallInt => "SmallInt",
        ColumnType::Integer => "Integer",
        ColumnType::BigInt => "BigInt",
        ColumnType::Float => "Float",
        ColumnType::Double | ColumnType::Numeric { .. } => "Double",
        ColumnType::Bool => "Bool",
        ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) => "Text",
        ColumnType::Binary => "Binary",
        ColumnType::Date => "Date",
        ColumnType::Time => "Time",
        ColumnType::Timestamp => "Timestamp",
        ColumnType::Timestamptz => "TimestamptzSqlite",
        ColumnType::Json => "Json",
        ColumnType::Jsonb => "Jsonb",
        ColumnType::Uuid | ColumnType::Enum(_) => return None,
        ColumnType::Named(name) => return type_named(&name.to_lowercase()),
    })
}

/// The type that Diesel reads from a name that SQLite does not know.
fn type_named(name: &str) -> Option<&'static str> {
    let has = |part: &str| name.contains(part);
    let is_any = |names: &[&str]| names.contains(&name);
    Some(match name {
        _ if is_any(&["boolean", "bool"]) || has("tiny") && has("int") => "Bool",
        _ if name == "int2" || has("small") && has("int") => "SmallInt",
        _ if name == "int8" || has("big") && has("int") => "BigInt",
        _ if has("int") => "Integer",
        _ if has("char") || has("clob") || has("text") => "Text",
        _ if has("blob") || has("binary") => "Binary",
        _ if has("float") || has("real") => "Float",
        _ if has("double") || has("num") || has("dec") => "Double",
        _ if is_any(&["datetime", "timestamp"]) => "Timestamp",
        "date" => "Date",
        "time" => "Time",
        _ => return None,
    })
}

/// A column's name in Rust: one that is called like its table would stand for the table.
fn column_name(column: &str, table: &str) -> String {
    let name = mapped(column);
    if is_reserved(&name) || name == table {
        return format!("{name}_");
    }
    name
}

fn rust_name(name: &str) -> String {
    let name = mapped(name);
    if is_reserved(&name) { format!("{name}_") } else { name }
}

/// A name of letters, digits and underscores, that begins with no digit. What cannot stand in it is one underscore.
fn mapped(name: &str) -> String {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins_with_digit = name.starts_with(|c: char| c.is_ascii_digit());
    let mut mapped = String::from(if begins_with_digit { "_" } else { "" });
    let mut replaced = false;
    for c in name.chars() {
        if may_stand(c) {
            mapped.push(c);
        } else if !replaced {
            mapped.push('_');
        }
        replaced = !may_stand(c);
    }
    mapped
}

/// Whether a name means something in Rust, or in Diesel's macros.
fn is_reserved(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
        "else", "enum", "extern", "false", "final", "fn", "for", "if", "impl", "in", "let", "loop", "macro", "match",
        "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "Self", "self", "static", "struct", "super",
        "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    const DIESELS: &[&str] = &["table", "columns", "is_nullable"];
    let is_word = KEYWORDS.contains(&name) || DIESELS.contains(&name);
    is_word || name.is_empty() || name.starts_with("__") && !name.ends_with('_')
}

/// A string literal of Rust.
fn rust_string(text: &str) -> String {
    if !text.contains('"') {
        return format!("\"{text}\"");
    }
    let hashes = "#".repeat(text.matches('#').count() + 1);
    format!("r{hashes}\"{text}\"{hashes}")
}
