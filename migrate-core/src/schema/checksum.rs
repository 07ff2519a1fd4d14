//! The checksum of recorded steps. It reveals a migration that changed after it was applied.
//!
//! The hash covers a canonical encoding of the steps, never source text, `Debug` output or type names. Rollback steps,
//! bodies of Rust functions and SQL for other databases do not count. The encoding of existing steps must never change:
//! `tests/checksums.rs` pins it. A new encoding gets a new tag.

use sha2::{Digest, Sha256};

use super::column_type::{DefaultValue, Value};
use super::operation::{ColumnEdit, ConstraintEdit, EnumChange, IndexEdit, Operation, Position, TableEdit};
use super::step::{Step, StepKind};
use super::table::{Column, ForeignKeyAction, Index, IndexMethod, IndexOn};
use crate::dialect::Dialect;

/// The tag of the encoding, which precedes the hash.
const TAG: u32 = 1;

/// Returns the checksum of recorded steps on one dialect: the tag of the encoding and 128 bits of SHA-256, `1:0123..`.
pub(crate) fn checksum(steps: &[Step], dialect: Dialect) -> String {
    let mut hash = Sha256::new();
    for step in steps {
        add(&mut hash, step, dialect);
    }
    print(hash)
}

/// Returns the checksums of the first 0, 1, 2, .. steps, up to all steps.
pub(crate) fn checksums_by_step(steps: &[Step], dialect: Dialect) -> Vec<String> {
    let mut hash = Sha256::new();
    let mut checksums = vec![print(hash.clone())];
    for step in steps {
        add(&mut hash, step, dialect);
        checksums.push(print(hash.clone()));
    }
    checksums
}

/// Returns a hash of texts in their order.
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub(crate) fn digest<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    print(hash)
}

/// Returns true if a stored checksum has an older encoding, so that it cannot reveal a change.
pub(crate) fn is_older_encoding(stored: &str) -> bool {
    tag(stored).is_some_and(|tag| tag < TAG)
}

/// Returns true if a checksum has a newer encoding than this program knows.
pub(crate) fn is_newer_encoding(stored: &str) -> bool {
    tag(stored).is_some_and(|tag| tag > TAG)
}

/// Returns true if two checksums have the same encoding and differ.
pub(crate) fn differ(stored: &str, now: &str) -> bool {
    tag(stored) == tag(now) && stored != now
}

/// Returns true if a text has the form of a checksum, in any encoding.
pub(crate) fn is_checksum(text: &str) -> bool {
    let is_hex = |hash: &str| !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    tag(text).is_some() && text.split_once(':').is_some_and(|(_, hash)| is_hex(hash))
}

fn tag(checksum: &str) -> Option<u32> {
    checksum.split_once(':')?.0.parse().ok()
}

fn add(hash: &mut Sha256, step: &Step, dialect: Dialect) {
    match &step.kind {
        StepKind::Sql(sql) => {
            put(hash, "execute");
            put(hash, &normal_line_ends(sql.for_dialect(dialect).unwrap_or_default()));
        }
        StepKind::Rust(_) => put(hash, "run"),
        StepKind::Operation(operation) => add_operation(hash, operation),
        // These steps run nothing.
        StepKind::Declared | StepKind::Kept => {}
    }
}

fn add_operation(hash: &mut Sha256, operation: &Operation) {
    match operation {
        Operation::CreateTable { table, edits } => {
            put_all(hash, &["create_table", table]);
            edits.iter().for_each(|edit| add_change(hash, &edit.change));
            put(hash, "end");
        }
        Operation::AlterTable { table, edits } => {
            put_all(hash, &["alter_table", table]);
            edits.iter().for_each(|edit| add_change(hash, &edit.change));
            put(hash, "end");
        }
        Operation::DropTable { table } => put_all(hash, &["drop_table", table]),
        Operation::RenameTable { from, to } => put_all(hash, &["rename_table", from, to]),
        Operation::CreateView { view, query } => put_all(hash, &["create_view", view, &normal_line_ends(query)]),
        Operation::DropView { view } => put_all(hash, &["drop_view", view]),
        Operation::ChangeEnum { name, change } => add_enum_change(hash, name, change),
    }
}

fn add_enum_change(hash: &mut Sha256, name: &str, change: &EnumChange) {
    match change {
        EnumChange::Create { values } => {
            put_all(hash, &["create_enum", name]);
            put_names(hash, values);
        }
        EnumChange::Drop => put_all(hash, &["drop_enum", name]),
        EnumChange::AddValue { value, position } => {
            put_all(hash, &["add_enum_value", name, value]);
            let (before, after) = match position {
                Position::Last => (None, None),
                Position::Before(other) => (Some(other), None),
                Position::After(other) => (None, Some(other)),
            };
            put_optional(hash, "before", before.map(String::as_str));
            put_optional(hash, "after", after.map(String::as_str));
            put(hash, "end");
        }
        EnumChange::DropValue { value } => put_all(hash, &["drop_enum_value", name, value]),
    }
}

fn add_change(hash: &mut Sha256, change: &TableEdit) {
    match change {
        TableEdit::Column { name, edit } => add_column_edit(hash, name, edit),
        TableEdit::Constraint(edit) => add_constraint_edit(hash, edit),
        TableEdit::Index(edit) => add_index_edit(hash, edit),
        TableEdit::Comment { column, comment } => {
            put(hash, "set_comment");
            put_optional(hash, "column", column.as_deref());
            put_optional(hash, "comment", comment.as_deref());
            put(hash, "end");
        }
    }
}

fn add_column_edit(hash: &mut Sha256, name: &str, edit: &ColumnEdit) {
    match edit {
        ColumnEdit::Add { column, fill } => {
            put(hash, "add_column");
            add_column(hash, column);
            if let Some(fill) = fill {
                put_all(hash, &["fill", &default(fill)]);
            }
            put(hash, "end");
        }
        // The fill value belongs to the rollback, which the checksum leaves out.
        ColumnEdit::Drop { fill: _ } => put_all(hash, &["drop_column", name]),
        ColumnEdit::Rename { to } => put_all(hash, &["rename_column", name, to]),
        ColumnEdit::SetType {
            to,
            using,
            undo_using: _,
        } => {
            put_all(hash, &["change_type", name, &to.encoding()]);
            if let Some(using) = using {
                put_all(hash, &["using", &normal_line_ends(using)]);
            }
            put(hash, "end");
        }
        ColumnEdit::SetNotNull => put_all(hash, &["set_not_null", name]),
        ColumnEdit::DropNotNull => put_all(hash, &["drop_not_null", name]),
        ColumnEdit::SetDefault(value) => put_all(hash, &["set_default", name, &default(value)]),
        ColumnEdit::DropDefault => put_all(hash, &["drop_default", name]),
    }
}

fn add_constraint_edit(hash: &mut Sha256, edit: &ConstraintEdit) {
    match edit {
        ConstraintEdit::AddPrimaryKey(key) => {
            put_all(hash, &["add_primary_key", &key.name]);
            put_names(hash, &key.columns);
        }
        ConstraintEdit::DropPrimaryKey => put(hash, "drop_primary_key"),
        ConstraintEdit::AddUnique(unique) => {
            put_all(hash, &["add_unique", &unique.name]);
            put_names(hash, &unique.columns);
        }
        ConstraintEdit::AddCheck(check) => {
            put_all(hash, &["add_check", &check.name, &normal_line_ends(&check.expression)]);
        }
        ConstraintEdit::AddForeignKey(key) => {
            put_all(hash, &["add_foreign_key", &key.name]);
            put_names(hash, &key.columns);
            put(hash, &key.to_table);
            put_names(hash, &key.to_columns);
            put_optional(hash, "on_delete", reaction(key.on_delete));
            put_optional(hash, "on_update", reaction(key.on_update));
            put(hash, "end");
        }
        ConstraintEdit::Drop(name) => put_all(hash, &["drop_constraint", name]),
    }
}

fn add_index_edit(hash: &mut Sha256, edit: &IndexEdit) {
    match edit {
        IndexEdit::Add { index, concurrently } => add_index(hash, index, *concurrently),
        IndexEdit::Drop { index, concurrently } => {
            put_all(hash, &["drop_index", index]);
            if *concurrently {
                put(hash, "concurrently");
            }
        }
        IndexEdit::Rename { from, to } => put_all(hash, &["rename_index", from, to]),
    }
}

/// Settings with their default value are left out, so that a new setting changes no checksum.
fn add_column(hash: &mut Sha256, column: &Column) {
    put_all(hash, &[&column.name, &column.column_type.encoding()]);
    if column.nullable {
        put(hash, "nullable");
    }
    put_optional(hash, "default", column.default.as_ref().map(default).as_deref());
    if column.auto_increment {
        put(hash, "auto_increment");
    }
    if let Some(generated) = &column.generated {
        let kept = if generated.stored {
            "generated"
        } else {
            "generated_virtual"
        };
        put_all(hash, &[kept, &normal_line_ends(&generated.expression)]);
    }
    put_optional(hash, "collate", column.collation.as_deref());
    put_optional(hash, "comment", column.comment.as_deref());
}

fn add_index(hash: &mut Sha256, index: &Index, concurrently: bool) {
    put_all(hash, &["add_index", &index.name]);
    for key in &index.keys {
        match &key.on {
            IndexOn::Column(column) => put_all(hash, &["column", column]),
            IndexOn::Expression(sql) => put_all(hash, &["expression", &normal_line_ends(sql)]),
        }
        if key.descending {
            put(hash, "desc");
        }
    }
    if index.unique {
        put(hash, "unique");
    }
    put_optional(hash, "filter", index.filter.as_deref());
    if !index.include.is_empty() {
        put(hash, "include");
        put_names(hash, &index.include);
    }
    put_optional(hash, "method", index.method.as_ref().map(IndexMethod::name));
    if concurrently {
        put(hash, "concurrently");
    }
    put(hash, "end");
}

fn default(default: &DefaultValue) -> String {
    match default {
        DefaultValue::Now => "now".to_owned(),
        DefaultValue::Expression(sql) => format!("sql {}", normal_line_ends(sql)),
        DefaultValue::Value(Value::Bool(value)) => format!("bool {value}"),
        DefaultValue::Value(Value::Integer(value)) => format!("integer {value}"),
        DefaultValue::Value(Value::Double(value)) => format!("double {:016x}", value.to_bits()),
        DefaultValue::Value(Value::Text(value)) => format!("text {}", normal_line_ends(value)),
        DefaultValue::Value(Value::Binary(value)) => value
            .iter()
            .fold("binary ".to_owned(), |text, byte| text + &format!("{byte:02x}")),
    }
}

fn reaction(reaction: ForeignKeyAction) -> Option<&'static str> {
    (reaction != ForeignKeyAction::NoAction).then(|| reaction.as_str())
}

fn put_all(hash: &mut Sha256, fields: &[&str]) {
    fields.iter().for_each(|field| put(hash, field));
}

fn put_names(hash: &mut Sha256, names: &[String]) {
    put(hash, &names.len().to_string());
    names.iter().for_each(|name| put(hash, name));
}

fn put_optional(hash: &mut Sha256, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        put_all(hash, &[key, &normal_line_ends(value)]);
    }
}

/// Adds a field to the hash: its length, then its bytes. No two sequences of fields have the same encoding.
fn put(hash: &mut Sha256, field: &str) {
    hash.update((field.len() as u64).to_be_bytes());
    hash.update(field);
}

fn print(hash: Sha256) -> String {
    let mut text = format!("{TAG}:");
    for byte in &hash.finalize()[..16] {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// Git on Windows may convert line endings at checkout, which must not count as a change.
fn normal_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n")
}
