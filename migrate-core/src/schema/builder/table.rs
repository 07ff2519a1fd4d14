//! The words for a table that is made, and for one that is changed.

use std::ops::Deref;

use super::column::{ColumnBuilder, DefaultFor, ForeignKeyBuilder, kind};
use super::index::{DropIndex, IndexBuilder, index_on};
use super::{EditList, texts};
use crate::location::Location;
use crate::schema::column_type::{ColumnType, DefaultValue};
use crate::schema::naming;
use crate::schema::operation::TableEdit;
use crate::schema::table::{Check, Column, ForeignKey, ForeignKeyAction, IndexKey, PrimaryKey, Unique};

/// The parameter of [`create_table`](crate::Schema::create_table)'s closure.
#[derive(Debug)]
pub struct TableBuilder {
    draft: EditList,
}

macro_rules! column_words {
    ($($(#[$doc:meta])* $word:ident: $kind:ident = $column_type:expr;)+) => {
        $(
            $(#[$doc])*
            #[track_caller]
            pub fn $word(&self, name: impl Into<String>) -> ColumnBuilder<kind::$kind> {
                self.add_column(name.into(), $column_type, Location::of_caller())
            }
        )+
    };
}

impl TableBuilder {
    pub(in crate::schema) fn new(draft: EditList) -> TableBuilder {
        TableBuilder { draft }
    }

    fn add_column<K>(&self, name: String, column_type: ColumnType, location: Location) -> ColumnBuilder<K> {
        let column = Column {
            name,
            column_type,
            nullable: false,
            default: None,
            auto_increment: false,
            generated: None,
            collation: None,
            comment: None,
        };
        ColumnBuilder::add(&self.draft, column, location)
    }

    /// `id`: a `big_int` that the database counts up, and the primary key.
    #[track_caller]
    pub fn id(&self) -> ColumnBuilder<kind::Integer> {
        self.big_int("id").auto_increment().primary_key()
    }

    /// `created_at` and `updated_at`: the moment at which a row is written, unless it says otherwise. Keeping `updated_at`
    /// up to date is the application's.
    #[track_caller]
    pub fn timestamps(&self) {
        self.timestamp("created_at").default_now();
        self.timestamp("updated_at").default_now();
    }

    column_words! {
        /// 16 bits, signed.
        small_int: Integer = ColumnType::SmallInt;
        /// 32 bits, signed.
        integer: Integer = ColumnType::Integer;
        /// 64 bits, signed.
        big_int: Integer = ColumnType::BigInt;
        /// 32 bits of floating point.
        float: Number = ColumnType::Float;
        /// 64 bits of floating point.
        double: Number = ColumnType::Double;
        /// True or false.
        bool: Bool = ColumnType::Bool;
        /// Text of any length.
        text: Text = ColumnType::Text;
        /// Bytes.
        binary: Binary = ColumnType::Binary;
        /// A day.
        date: Temporal = ColumnType::Date;
        /// A time of day.
        time: Temporal = ColumnType::Time;
        /// A day and a time of day, without a time zone.
        timestamp: Timestamp = ColumnType::Timestamp;
        /// A moment.
        timestamptz: Timestamp = ColumnType::Timestamptz;
        /// JSON, kept as text where the database can.
        json: TextEncoded = ColumnType::Json;
        /// JSON in a binary form where the database has one.
        jsonb: TextEncoded = ColumnType::Jsonb;
    }

    /// A decimal number with so many digits in all, and so many of them after the point.
    #[track_caller]
    pub fn numeric(&self, name: impl Into<String>, precision: u16, scale: u16) -> ColumnBuilder<kind::Number> {
        self.add_column(
            name.into(),
            ColumnType::Numeric { precision, scale },
            Location::of_caller(),
        )
    }

    /// Text of at most so many characters. SQLite does not enforce the length.
    #[track_caller]
    pub fn varchar(&self, name: impl Into<String>, length: u32) -> ColumnBuilder<kind::Text> {
        self.add_column(name.into(), ColumnType::VarChar(length), Location::of_caller())
    }

    /// Text of exactly so many characters. SQLite does not enforce the length.
    #[track_caller]
    pub fn char(&self, name: impl Into<String>, length: u32) -> ColumnBuilder<kind::Text> {
        self.add_column(name.into(), ColumnType::Char(length), Location::of_caller())
    }

    /// A value of an enum that [`create_enum`](crate::Schema::create_enum) made.
    #[track_caller]
    pub fn enum_type(&self, name: impl Into<String>, enum_name: impl Into<String>) -> ColumnBuilder<kind::TextEncoded> {
        self.add_column(name.into(), ColumnType::Enum(enum_name.into()), Location::of_caller())
    }

    /// A column of any type.
    #[track_caller]
    pub fn column(&self, name: impl Into<String>, column_type: ColumnType) -> ColumnBuilder<kind::Any> {
        self.add_column(name.into(), column_type, Location::of_caller())
    }

    /// These columns together are the primary key.
    #[track_caller]
    pub fn primary_key<C: Into<String>>(&self, columns: impl IntoIterator<Item = C>) {
        let name = naming::primary_key_name(self.draft.table());
        let columns = texts(columns);
        self.draft.add(
            TableEdit::AddPrimaryKey(PrimaryKey { name, columns }),
            Location::of_caller(),
        );
    }

    /// No two rows have the same values in these columns. The constraint is called `table_columns_key`.
    #[track_caller]
    pub fn unique<C: Into<String>>(&self, columns: impl IntoIterator<Item = C>) {
        let columns = texts(columns);
        let name = naming::derived(self.draft.table(), &columns, "key");
        self.draft
            .add(TableEdit::AddUnique(Unique { name, columns }), Location::of_caller());
    }

    /// An SQL expression that holds for every row, as a constraint with a name.
    #[track_caller]
    pub fn check(&self, name: impl Into<String>, expression: impl Into<String>) {
        let (name, expression) = (name.into(), expression.into());
        self.draft
            .add(TableEdit::AddCheck(Check { name, expression }), Location::of_caller());
    }

    /// The values of these columns together are those of another table's columns. The constraint is called
    /// `table_columns_fkey`.
    #[track_caller]
    pub fn foreign_key<C: Into<String>, D: Into<String>>(
        &self,
        columns: impl IntoIterator<Item = C>,
        table: impl Into<String>,
        to_columns: impl IntoIterator<Item = D>,
    ) -> ForeignKeyBuilder {
        let columns = texts(columns);
        let foreign_key = ForeignKey {
            name: naming::derived(self.draft.table(), &columns, "fkey"),
            columns,
            to_table: table.into(),
            to_columns: texts(to_columns),
            on_delete: ForeignKeyAction::NoAction,
            on_update: ForeignKeyAction::NoAction,
            deferred: false,
        };
        ForeignKeyBuilder::add(&self.draft, foreign_key, Location::of_caller())
    }

    /// An index, called `table_columns_idx`.
    #[track_caller]
    pub fn index<K: Into<IndexKey>>(&self, keys: impl IntoIterator<Item = K>) -> IndexBuilder<'static> {
        let index = index_on(self.draft.table(), keys);
        IndexBuilder::add(&self.draft, index, Location::of_caller())
    }

    /// What people should know of the table. SQLite keeps no comments.
    #[track_caller]
    pub fn comment(&self, comment: impl Into<String>) {
        self.draft.add(set_comment(None, comment), Location::of_caller());
    }
}

pub(in crate::schema) fn set_comment(column: Option<String>, comment: impl Into<String>) -> TableEdit {
    // To databases, an empty comment is none.
    let comment = Some(comment.into()).filter(|comment| !comment.is_empty());
    TableEdit::SetComment { column, comment }
}

/// The parameter of [`alter_table`](crate::Schema::alter_table)'s closure: all words of a [`TableBuilder`], which add here, and
/// those that change what is there.
#[derive(Debug)]
pub struct AlterTable {
    adding: TableBuilder,
}

impl Deref for AlterTable {
    type Target = TableBuilder;

    fn deref(&self) -> &TableBuilder {
        &self.adding
    }
}

impl AlterTable {
    pub(in crate::schema) fn new(draft: EditList) -> AlterTable {
        AlterTable {
            adding: TableBuilder::new(draft),
        }
    }

    fn add(&self, change: TableEdit, location: Location) {
        self.adding.draft.add(change, location);
    }

    /// Drops a column, with the indexes and constraints that are on it alone. Its values do not come back.
    #[track_caller]
    pub fn drop_column(&self, column: impl Into<String>) -> DropColumn {
        let change = TableEdit::DropColumn {
            column: column.into(),
            fill: None,
        };
        DropColumn {
            at: self.adding.draft.add(change, Location::of_caller()),
            draft: self.adding.draft.clone(),
        }
    }

    /// Gives a column another name.
    #[track_caller]
    pub fn rename_column(&self, from: impl Into<String>, to: impl Into<String>) {
        let (from, to) = (from.into(), to.into());
        self.add(TableEdit::RenameColumn { from, to }, Location::of_caller());
    }

    /// Gives a column another type.
    #[track_caller]
    pub fn set_type(&self, column: impl Into<String>, to: ColumnType) -> ChangeType {
        let change = TableEdit::SetType {
            column: column.into(),
            to,
            using: None,
            undo_using: None,
        };
        ChangeType {
            at: self.adding.draft.add(change, Location::of_caller()),
            draft: self.adding.draft.clone(),
        }
    }

    /// A column may not be NULL any more.
    #[track_caller]
    pub fn set_not_null(&self, column: impl Into<String>) {
        let column = column.into();
        self.add(TableEdit::SetNotNull { column }, Location::of_caller());
    }

    /// A column may be NULL.
    #[track_caller]
    pub fn drop_not_null(&self, column: impl Into<String>) {
        let column = column.into();
        self.add(TableEdit::DropNotNull { column }, Location::of_caller());
    }

    /// What a row gets in this column that does not say.
    #[track_caller]
    pub fn set_default(&self, column: impl Into<String>, value: impl DefaultFor<kind::Any>) {
        let change = TableEdit::SetDefault {
            column: column.into(),
            default: DefaultValue::Value(value.into()),
        };
        self.add(change, Location::of_caller());
    }

    /// What a row gets in this column that does not say: an SQL expression.
    #[track_caller]
    pub fn set_default_sql(&self, column: impl Into<String>, expression: impl Into<String>) {
        let change = TableEdit::SetDefault {
            column: column.into(),
            default: DefaultValue::Expression(expression.into()),
        };
        self.add(change, Location::of_caller());
    }

    /// A row has to say what this column is, or it is NULL.
    #[track_caller]
    pub fn drop_default(&self, column: impl Into<String>) {
        let column = column.into();
        self.add(TableEdit::DropDefault { column }, Location::of_caller());
    }

    /// What people should know of a column; an empty text takes it away. SQLite keeps no comments.
    #[track_caller]
    pub fn comment_on(&self, column: impl Into<String>, comment: impl Into<String>) {
        self.add(set_comment(Some(column.into()), comment), Location::of_caller());
    }

    /// Drops the primary key. Its columns stay.
    #[track_caller]
    pub fn drop_primary_key(&self) {
        self.add(TableEdit::DropPrimaryKey, Location::of_caller());
    }

    /// Drops a unique, check or foreign key constraint by its name.
    #[track_caller]
    pub fn drop_constraint(&self, name: impl Into<String>) {
        let constraint = name.into();
        self.add(TableEdit::DropConstraint { constraint }, Location::of_caller());
    }

    /// Drops an index by its name.
    #[track_caller]
    pub fn drop_index(&self, name: impl Into<String>) -> DropIndex<'static> {
        let change = TableEdit::DropIndex {
            index: name.into(),
            concurrently: false,
        };
        DropIndex::add(&self.adding.draft, change, Location::of_caller())
    }

    /// Gives an index another name.
    #[track_caller]
    pub fn rename_index(&self, from: impl Into<String>, to: impl Into<String>) {
        let (from, to) = (from.into(), to.into());
        self.add(TableEdit::RenameIndex { from, to }, Location::of_caller());
    }
}

/// A column that is dropped.
#[derive(Debug)]
pub struct DropColumn {
    draft: EditList,
    at: usize,
}

impl DropColumn {
    /// What rows get when the column comes back. It is needed for one that is NOT NULL and has no default.
    pub fn undo_fill(self, value: impl DefaultFor<kind::Any>) {
        self.set_fill(DefaultValue::Value(value.into()));
    }

    /// The same, as an SQL expression: for a column whose values differ from row to row.
    pub fn undo_fill_sql(self, expression: impl Into<String>) {
        self.set_fill(DefaultValue::Expression(expression.into()));
    }

    fn set_fill(self, value: DefaultValue) {
        self.draft.update(self.at, |change| {
            if let TableEdit::DropColumn { fill, .. } = change {
                *fill = Some(value);
            }
        });
    }
}

/// A column whose type is changed.
#[derive(Debug)]
pub struct ChangeType {
    draft: EditList,
    at: usize,
}

impl ChangeType {
    fn update(self, update: impl FnOnce(&mut Option<String>, &mut Option<String>)) -> ChangeType {
        self.draft.update(self.at, |change| {
            if let TableEdit::SetType { using, undo_using, .. } = change {
                update(using, undo_using);
            }
        });
        self
    }

    /// The new value, as an SQL expression of the old one, which goes by the column's name.
    pub fn using(self, expression: impl Into<String>) -> ChangeType {
        let expression = expression.into();
        self.update(|using, _| *using = Some(expression))
    }

    /// The same for the way back.
    pub fn undo_using(self, expression: impl Into<String>) -> ChangeType {
        let expression = expression.into();
        self.update(|_, undo_using| *undo_using = Some(expression))
    }
}
