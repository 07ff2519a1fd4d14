//! A column that was just added: what more can be said of it.

use std::fmt;
use std::marker::PhantomData;

use super::EditList;
use crate::location::Location;
use crate::schema::column_type::{DefaultValue, Value};
use crate::schema::naming;
use crate::schema::operation::TableEdit;
use crate::schema::table::{Check, Column, ForeignKey, ForeignKeyAction, Generated, PrimaryKey, Unique};

/// What kind of values a column holds, so that a default of another kind does not compile.
pub mod kind {
    /// Whole numbers.
    #[derive(Debug)]
    pub enum Integer {}

    /// Numbers with a fraction.
    #[derive(Debug)]
    pub enum Number {}

    /// True or false.
    #[derive(Debug)]
    pub enum Bool {}

    /// Text.
    #[derive(Debug)]
    pub enum Text {}

    /// Bytes.
    #[derive(Debug)]
    pub enum Binary {}

    /// A day or a time of day, written as text.
    #[derive(Debug)]
    pub enum Temporal {}

    /// A day and a time of day, written as text.
    #[derive(Debug)]
    pub enum Timestamp {}

    /// JSON, enums: written as text.
    #[derive(Debug)]
    pub enum TextEncoded {}

    /// Whatever a type that is given by value or by name holds.
    #[derive(Debug)]
    pub enum Any {}
}

/// A value that a column of some kind can have by default.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the default of a column of this kind",
    label = "a value of another kind",
    note = "for an SQL expression write `.default_sql(\"..\")`"
)]
pub trait DefaultFor<K>: Into<Value> {}

macro_rules! defaults {
    ($($kind:ident: $($value:ty),+;)+) => {
        $($(impl DefaultFor<kind::$kind> for $value {})+)+
    };
}

defaults! {
    Integer: i16, i32, i64;
    Number: i16, i32, i64, f64;
    Bool: bool;
    Text: &str, String;
    Binary: &[u8];
    Temporal: &str, String;
    Timestamp: &str, String;
    TextEncoded: &str, String;
    Any: i16, i32, i64, f64, bool, &str, String, &[u8];
}

/// A column that was just added. Columns are NOT NULL unless [`nullable`](ColumnBuilder::nullable).
pub struct ColumnBuilder<K> {
    draft: EditList,
    at: usize,
    name: String,
    kind: PhantomData<K>,
}

impl<K> fmt::Debug for ColumnBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewColumn").field(&self.name).finish()
    }
}

impl<K> ColumnBuilder<K> {
    pub(super) fn add(draft: &EditList, column: Column, location: Location) -> ColumnBuilder<K> {
        let name = column.name.clone();
        let at = draft.add(TableEdit::AddColumn { column, fill: None }, location);
        ColumnBuilder {
            draft: draft.clone(),
            at,
            name,
            kind: PhantomData,
        }
    }

    fn update(self, update: impl FnOnce(&mut Column)) -> ColumnBuilder<K> {
        self.draft.update(self.at, |change| {
            if let TableEdit::AddColumn { column, .. } = change {
                update(column);
            }
        });
        self
    }

    fn set_default(self, default: DefaultValue) -> ColumnBuilder<K> {
        self.update(|column| column.default = Some(default))
    }

    fn set_fill(self, value: DefaultValue) -> ColumnBuilder<K> {
        self.draft.update(self.at, |change| {
            if let TableEdit::AddColumn { fill, .. } = change {
                *fill = Some(value);
            }
        });
        self
    }

    fn columns(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    /// It may be NULL.
    pub fn nullable(self) -> ColumnBuilder<K> {
        self.update(|column| column.nullable = true)
    }

    /// What a row gets that does not say.
    pub fn default(self, value: impl DefaultFor<K>) -> ColumnBuilder<K> {
        self.set_default(DefaultValue::Value(value.into()))
    }

    /// What a row gets that does not say: an SQL expression.
    pub fn default_sql(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        self.set_default(DefaultValue::Expression(expression.into()))
    }

    /// What the rows get that are there when the column is added; rows that come later have to say. For a column that is
    /// NOT NULL and has no default.
    pub fn fill(self, value: impl DefaultFor<K>) -> ColumnBuilder<K> {
        self.set_fill(DefaultValue::Value(value.into()))
    }

    /// The same, as an SQL expression.
    pub fn fill_sql(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        self.set_fill(DefaultValue::Expression(expression.into()))
    }

    /// No two rows have the same value. The constraint is called `table_column_key`.
    #[track_caller]
    pub fn unique(self) -> ColumnBuilder<K> {
        let columns = self.columns();
        let name = naming::derived(self.draft.table(), &columns, "key");
        self.draft
            .add(TableEdit::AddUnique(Unique { name, columns }), Location::of_caller());
        self
    }

    /// It is the primary key by itself. For one of several columns write `t.primary_key([..])`.
    #[track_caller]
    pub fn primary_key(self) -> ColumnBuilder<K> {
        let columns = self.columns();
        let name = naming::primary_key_name(self.draft.table());
        self.draft.add(
            TableEdit::AddPrimaryKey(PrimaryKey { name, columns }),
            Location::of_caller(),
        );
        self
    }

    /// An SQL expression that holds for every row. The constraint is called `table_column_check`.
    #[track_caller]
    pub fn check(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        let name = naming::derived(self.draft.table(), &self.columns(), "check");
        let expression = expression.into();
        self.draft
            .add(TableEdit::AddCheck(Check { name, expression }), Location::of_caller());
        self
    }

    /// Its values are those of another table's column. The constraint is called `table_column_fkey`.
    #[track_caller]
    pub fn references(self, table: impl Into<String>, column: impl Into<String>) -> ForeignKeyBuilder {
        let columns = self.columns();
        let foreign_key = ForeignKey {
            name: naming::derived(self.draft.table(), &columns, "fkey"),
            columns,
            to_table: table.into(),
            to_columns: vec![column.into()],
            on_delete: ForeignKeyAction::NoAction,
            on_update: ForeignKeyAction::NoAction,
            deferred: false,
        };
        ForeignKeyBuilder::add(&self.draft, foreign_key, Location::of_caller())
    }

    /// It is computed from the row by an SQL expression, and kept in the row.
    pub fn generated(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        let expression = expression.into();
        self.update(|column| {
            column.generated = Some(Generated {
                expression,
                stored: true,
            });
        })
    }

    /// It is computed from the row by an SQL expression whenever it is read.
    pub fn generated_virtual(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        let expression = expression.into();
        self.update(|column| {
            column.generated = Some(Generated {
                expression,
                stored: false,
            });
        })
    }

    /// What people should know of it. SQLite keeps no comments.
    pub fn comment(self, comment: impl Into<String>) -> ColumnBuilder<K> {
        let comment = comment.into();
        self.update(|column| column.comment = Some(comment))
    }
}

impl ColumnBuilder<kind::Integer> {
    /// The database counts it up.
    pub fn auto_increment(self) -> ColumnBuilder<kind::Integer> {
        self.update(|column| column.auto_increment = true)
    }
}

impl ColumnBuilder<kind::Text> {
    /// How its texts are compared and sorted, by the database's name for it.
    pub fn collate(self, collation: impl Into<String>) -> ColumnBuilder<kind::Text> {
        let collation = collation.into();
        self.update(|column| column.collation = Some(collation))
    }
}

impl ColumnBuilder<kind::Timestamp> {
    /// The moment at which the row is written is what a row gets that does not say.
    pub fn default_now(self) -> ColumnBuilder<kind::Timestamp> {
        self.set_default(DefaultValue::Now)
    }
}

/// A foreign key that was just added. Unless something else is said, deleting or changing the row that is referred to is
/// refused.
#[derive(Debug)]
pub struct ForeignKeyBuilder {
    draft: EditList,
    at: usize,
}

impl ForeignKeyBuilder {
    pub(super) fn add(draft: &EditList, foreign_key: ForeignKey, location: Location) -> ForeignKeyBuilder {
        ForeignKeyBuilder {
            draft: draft.clone(),
            at: draft.add(TableEdit::AddForeignKey(foreign_key), location),
        }
    }

    fn update(self, update: impl FnOnce(&mut ForeignKey)) -> ForeignKeyBuilder {
        self.draft.update(self.at, |change| {
            if let TableEdit::AddForeignKey(foreign_key) = change {
                update(foreign_key);
            }
        });
        self
    }

    /// What happens to this row when the one that it refers to is deleted.
    pub fn on_delete(self, reaction: ForeignKeyAction) -> ForeignKeyBuilder {
        self.update(|foreign_key| foreign_key.on_delete = reaction)
    }

    /// What happens to this row when the key that it refers to is updated.
    pub fn on_update(self, reaction: ForeignKeyAction) -> ForeignKeyBuilder {
        self.update(|foreign_key| foreign_key.on_update = reaction)
    }

    /// Another name for the constraint.
    pub fn name(self, name: impl Into<String>) -> ForeignKeyBuilder {
        let name = name.into();
        self.update(|foreign_key| foreign_key.name = name)
    }
}
