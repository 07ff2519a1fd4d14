//! The checksum of recorded steps. It reveals a migration that changed after it was applied.
//!
//! The hash covers a canonical encoding of the steps, never source text, `Debug` output or type names. Rollback steps,
//! bodies of Rust functions and SQL for other databases do not count. The encoding of existing steps must never change:
//! `tests/checksums.rs` pins it. A new encoding or another hash gets a new tag.
//!
//! The hash is not cryptographic. A checksum finds accidents: who can edit a migration can also accept it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use super::column_type::{DefaultValue, Value};
use super::operation::{ColumnEdit, ConstraintEdit, EnumChange, IndexEdit, Operation, Position, TableEdit};
use super::step::{Step, StepKind};
use super::table::{Column, ForeignKeyAction, Index, IndexMethod, IndexOn};
use crate::dialect::Dialect;

/// The tag of the encoding and the hash. Tag 1 was SHA-256.
const TAG: u32 = 2;

/// A checksum, of this encoding or another one. It prints the tag and the hash, such as `2:0123..`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Checksum {
    tag: u32,
    hash: u128,
}

impl Checksum {
    /// Returns true if an older version of this crate made the checksum, so that it cannot reveal a change.
    pub(crate) fn is_older_encoding(self) -> bool {
        self.tag < TAG
    }

    /// Returns true if a newer version of this crate made the checksum.
    pub(crate) fn is_newer_encoding(self) -> bool {
        self.tag > TAG
    }

    /// Returns true if this version of the crate made the checksum.
    pub(crate) fn is_comparable(self) -> bool {
        self.tag == TAG
    }

    /// Returns true if two checksums have the same encoding and differ.
    pub(crate) fn differs(self, other: Checksum) -> bool {
        self.tag == other.tag && self.hash != other.hash
    }
}

impl From<u128> for Checksum {
    fn from(hash: u128) -> Checksum {
        Checksum { tag: TAG, hash }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}", self.tag, self.hash)
    }
}

/// A text that is not a checksum.
#[derive(Debug)]
pub(crate) struct NotAChecksum;

impl FromStr for Checksum {
    type Err = NotAChecksum;

    fn from_str(text: &str) -> Result<Checksum, NotAChecksum> {
        let (tag, hash) = text.split_once(':').ok_or(NotAChecksum)?;
        // The parsers of numbers take a sign.
        if text.contains('+') {
            return Err(NotAChecksum);
        }
        let tag = tag.parse().map_err(|_| NotAChecksum)?;
        let hash = u128::from_str_radix(hash, 16).map_err(|_| NotAChecksum)?;
        Ok(Checksum { tag, hash })
    }
}

/// Collects an encoding, to hash it at once.
#[derive(Default)]
struct Hasher(Vec<u8>);

/// Returns the checksum of recorded steps on one dialect.
pub(crate) fn checksum(steps: &[Step], dialect: Dialect) -> Checksum {
    let mut hash = Hasher(Vec::with_capacity(512));
    for step in steps {
        add(&mut hash, step, dialect);
    }
    xxh3_128(&hash.0).into()
}

/// Returns the checksums of the first 0, 1, 2, .. steps, up to all steps.
pub(crate) fn checksums_by_step(steps: &[Step], dialect: Dialect) -> Vec<Checksum> {
    let mut so_far = Xxh3Default::new();
    let mut hash = Hasher::default();
    let mut checksums = vec![so_far.digest128().into()];
    for step in steps {
        hash.0.clear();
        add(&mut hash, step, dialect);
        so_far.update(&hash.0);
        checksums.push(so_far.digest128().into());
    }
    checksums
}

/// Returns a hash of texts in their order.
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub(crate) fn digest<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Hasher::default();
    texts.for_each(|text| put(&mut hash, text));
    format!("{:032x}", xxh3_128(&hash.0))
}

fn add(hash: &mut Hasher, step: &Step, dialect: Dialect) {
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

fn add_operation(hash: &mut Hasher, operation: &Operation) {
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

fn add_enum_change(hash: &mut Hasher, name: &str, change: &EnumChange) {
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

fn add_change(hash: &mut Hasher, change: &TableEdit) {
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

fn add_column_edit(hash: &mut Hasher, name: &str, edit: &ColumnEdit) {
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

fn add_constraint_edit(hash: &mut Hasher, edit: &ConstraintEdit) {
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

fn add_index_edit(hash: &mut Hasher, edit: &IndexEdit) {
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
fn add_column(hash: &mut Hasher, column: &Column) {
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

fn add_index(hash: &mut Hasher, index: &Index, concurrently: bool) {
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

fn put_all(hash: &mut Hasher, fields: &[&str]) {
    fields.iter().for_each(|field| put(hash, field));
}

fn put_names(hash: &mut Hasher, names: &[String]) {
    put(hash, &names.len().to_string());
    names.iter().for_each(|name| put(hash, name));
}

fn put_optional(hash: &mut Hasher, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        put_all(hash, &[key, &normal_line_ends(value)]);
    }
}

/// Adds a field to the hash: its length, then its bytes. No two sequences of fields have the same encoding.
fn put(hash: &mut Hasher, field: &str) {
    hash.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
    hash.0.extend_from_slice(field.as_bytes());
}

/// Git on Windows may convert line endings at checkout, which must not count as a change.
fn normal_line_ends(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::record;

    #[test]
    fn a_printed_checksum_is_parsed_unchanged() {
        for text in [
            "2:0000000000000000000000000000000a",
            "1:e3b0c44298fc1c149afbf4c8996fb924",
        ] {
            assert_eq!(text.parse::<Checksum>().unwrap().to_string(), text);
        }
        for text in [
            "",
            ":",
            "2",
            "2:",
            "2:xyz",
            "x:00",
            "+2:00",
            "2:+0",
            "-1:00",
            "2:100000000000000000000000000000000",
        ] {
            assert!(text.parse::<Checksum>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_checksums_of_one_encoding_differ() {
        let [older, newer]: [Checksum; 2] = ["1:00", "3:00"].map(|text| text.parse().unwrap());
        let now = Checksum::from(1);
        assert!(older.is_older_encoding() && newer.is_newer_encoding() && now.is_comparable());
        assert!(!older.differs(now) && !now.differs(newer) && !now.differs(now));
        assert!(now.differs(Checksum::from(2)));
    }

    #[test]
    fn the_checksum_after_the_last_step_is_that_of_all_steps() {
        let steps = record(|schema| {
            for n in 0..20 {
                schema.create_table(format!("t{n}"), |t| t.id());
            }
        })
        .steps;
        let by_step = checksums_by_step(&steps, Dialect::Sqlite);
        assert_eq!(by_step.len(), 21);
        for (done, checksum_so_far) in by_step.iter().enumerate() {
            assert_eq!(*checksum_so_far, checksum(&steps[..done], Dialect::Sqlite));
        }
    }
}
