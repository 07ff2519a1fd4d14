//! The builders of a new table and of changes to a table.

use std::ops::Deref;

use super::column::{ColumnBuilder, DefaultFor, ForeignKeyBuilder, kind};
use super::index::{DropIndex, IndexBuilder, index_on, rename_index};
use super::{EditList, texts};
use crate::location::Location;
use crate::schema::column_type::{ColumnType, DefaultValue};
use crate::schema::naming;
use crate::schema::operation::{ColumnEdit, ConstraintEdit, TableEdit};
use crate::schema::table::{Check, Column, ForeignKey, ForeignKeyAction, IndexKey, PrimaryKey, Unique};

/// Describes a new table: the parameter of the closure of [`create_table`](crate::Schema::create_table).
///
/// ```
/// # use migrate_core::Schema;
/// # use migrate_core::schema::ColumnType;
/// fn up(schema: &mut Schema) {
///     schema.create_table("memberships", |t| {
///         t.big_int("user_id").references("users", "id");
///         t.big_int("team_id").references("teams", "id");
///         t.varchar("role", 20).default("member");
///         t.column("tags", ColumnType::Named("text[]".to_owned())).nullable();
///         t.primary_key(["user_id", "team_id"]);
///         t.check("known_role", "role IN ('member', 'owner')");
///         t.index(["team_id", "role"]);
///         t.comment("Who belongs to which team");
///     });
/// }
/// ```
///
/// The default name of a constraint or an index consists of the table, the columns and a suffix. If it is longer than
/// 63 bytes, it is shortened and ends in a hash.
#[derive(Debug)]
pub struct TableBuilder {
    edits: EditList,
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
    pub(in crate::schema) fn new(edits: EditList) -> TableBuilder {
        TableBuilder { edits }
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
        ColumnBuilder::add(&self.edits, column, location)
    }

    /// Adds the column `id`: an auto-increment `big_int` that is the primary key.
    ///
    /// For its SQL, see [`auto_increment`](ColumnBuilder::auto_increment).
    #[track_caller]
    pub fn id(&self) -> ColumnBuilder<kind::Integer> {
        self.big_int("id").auto_increment().primary_key()
    }

    /// Adds the NOT NULL columns `created_at` and `updated_at` of type [`timestamp`](TableBuilder::timestamp). Their
    /// default is the current time.
    ///
    /// The application must keep `updated_at` up to date.
    #[track_caller]
    pub fn timestamps(&self) {
        self.timestamp("created_at").default_now();
        self.timestamp("updated_at").default_now();
    }

    column_words! {
        /// Adds a column for 16-bit signed integers: -32,768 to 32,767.
        ///
        /// SQL: `SMALLINT`. SQLite does not enforce the range.
        small_int: Integer = ColumnType::SmallInt;
        /// Adds a column for 32-bit signed integers: -2,147,483,648 to 2,147,483,647.
        ///
        /// SQL: `INTEGER`. SQLite does not enforce the range.
        integer: Integer = ColumnType::Integer;
        /// Adds a column for 64-bit signed integers: -2^63 to 2^63 - 1.
        ///
        /// SQL: `BIGINT`.
        big_int: Integer = ColumnType::BigInt;
        /// Adds a column for 32-bit floating point numbers.
        ///
        /// SQL: PostgreSQL `REAL`; SQLite, MySQL and MariaDB `FLOAT`. SQLite stores 64 bits.
        float: Number = ColumnType::Float;
        /// Adds a column for 64-bit floating point numbers.
        ///
        /// SQL: PostgreSQL `DOUBLE PRECISION`; SQLite, MySQL and MariaDB `DOUBLE`.
        double: Number = ColumnType::Double;
        /// Adds a column for booleans.
        ///
        /// SQL: `BOOLEAN`. SQLite, MySQL and MariaDB store 0 or 1.
        bool: Bool = ColumnType::Bool;
        /// Adds a column for text of any length.
        ///
        /// SQL: SQLite and PostgreSQL `TEXT`; MySQL and MariaDB `LONGTEXT`. On MySQL and MariaDB, the column cannot be
        /// part of a key or an index; use [`varchar`](TableBuilder::varchar) there.
        text: Text = ColumnType::Text;
        /// Adds a column for bytes of any length.
        ///
        /// SQL: SQLite `BLOB`; PostgreSQL `BYTEA`; MySQL and MariaDB `LONGBLOB`. On MySQL and MariaDB, the column
        /// cannot be part of a key or an index.
        binary: Binary = ColumnType::Binary;
        /// Adds a column for dates.
        ///
        /// SQL: `DATE`.
        date: Temporal = ColumnType::Date;
        /// Adds a column for times of day, without a time zone.
        ///
        /// SQL: SQLite and PostgreSQL `TIME`; MySQL and MariaDB `TIME(6)`.
        time: Temporal = ColumnType::Time;
        /// Adds a column for dates with a time, without a time zone.
        ///
        /// SQL: SQLite and PostgreSQL `TIMESTAMP`; MySQL and MariaDB `DATETIME(6)`.
        timestamp: Timestamp = ColumnType::Timestamp;
        /// Adds a column for points in time.
        ///
        /// SQL: SQLite and PostgreSQL `TIMESTAMPTZ`; MySQL and MariaDB `TIMESTAMP(6)`. Its range is 1970 to 2038;
        /// MariaDB from version 11.5 extends it to 2106 on most 64-bit systems.
        timestamptz: Timestamp = ColumnType::Timestamptz;
        /// Adds a column for JSON, stored as text where the database allows it.
        ///
        /// SQL: `JSON`. On MySQL and MariaDB, the column cannot be part of a key or an index.
        json: TextEncoded = ColumnType::Json;
        /// Adds a column for JSON, stored in a binary form where the database has one.
        ///
        /// SQL: SQLite and PostgreSQL `JSONB`; MySQL and MariaDB `JSON`. On MySQL and MariaDB, the column cannot be
        /// part of a key or an index.
        jsonb: TextEncoded = ColumnType::Jsonb;
    }

    /// Adds a column for decimal numbers with `precision` digits in total, `scale` of them after the decimal point.
    ///
    /// `precision` must be at least 1, and `scale` must not be greater than `precision`. SQL: SQLite and PostgreSQL
    /// `NUMERIC(precision, scale)`; MySQL and MariaDB `DECIMAL(precision, scale)`. SQLite stores a 64-bit integer or
    /// floating point number and does not enforce the digits.
    #[track_caller]
    pub fn numeric(&self, name: impl Into<String>, precision: u16, scale: u16) -> ColumnBuilder<kind::Number> {
        self.add_column(
            name.into(),
            ColumnType::Numeric { precision, scale },
            Location::of_caller(),
        )
    }

    /// Adds a column for text of at most `length` characters. `length` must be at least 1.
    ///
    /// SQL: `VARCHAR(length)`. SQLite does not enforce the length.
    #[track_caller]
    pub fn varchar(&self, name: impl Into<String>, length: u32) -> ColumnBuilder<kind::Text> {
        self.add_column(name.into(), ColumnType::VarChar(length), Location::of_caller())
    }

    /// Adds a column for text of exactly `length` characters. `length` must be at least 1.
    ///
    /// SQL: `CHAR(length)`. PostgreSQL, MySQL and MariaDB accept shorter text and treat it as padded with spaces.
    /// SQLite does not enforce the length.
    #[track_caller]
    pub fn char(&self, name: impl Into<String>, length: u32) -> ColumnBuilder<kind::Text> {
        self.add_column(name.into(), ColumnType::Char(length), Location::of_caller())
    }

    /// Adds a column for values of an enum that [`create_enum`](crate::Schema::create_enum) created.
    ///
    /// SQL: PostgreSQL `"enum_name"`. The other databases have no named enums; planning fails there.
    #[track_caller]
    pub fn enum_type(&self, name: impl Into<String>, enum_name: impl Into<String>) -> ColumnBuilder<kind::TextEncoded> {
        self.add_column(name.into(), ColumnType::Enum(enum_name.into()), Location::of_caller())
    }

    /// Adds a column of any type. See [`ColumnType`] for the types and their SQL.
    #[track_caller]
    pub fn column(&self, name: impl Into<String>, column_type: ColumnType) -> ColumnBuilder<kind::Any> {
        self.add_column(name.into(), column_type, Location::of_caller())
    }

    /// Makes these columns the primary key. The constraint is named `table_pkey`. MySQL and MariaDB do not name primary
    /// keys.
    ///
    /// The columns must not be nullable.
    #[track_caller]
    pub fn primary_key<C: Into<String>>(&self, columns: impl IntoIterator<Item = C>) {
        let name = naming::primary_key_name(self.edits.table());
        let columns = texts(columns);
        self.edits.add(
            ConstraintEdit::AddPrimaryKey(PrimaryKey { name, columns }),
            Location::of_caller(),
        );
    }

    /// Adds a UNIQUE constraint on these columns together, named `table_columns_key`.
    ///
    /// For another name, add a unique index instead: `t.index([..]).unique().name("..")`.
    #[track_caller]
    pub fn unique<C: Into<String>>(&self, columns: impl IntoIterator<Item = C>) {
        let columns = texts(columns);
        let name = naming::derived(self.edits.table(), &columns, "key");
        self.edits.add(
            ConstraintEdit::AddUnique(Unique { name, columns }),
            Location::of_caller(),
        );
    }

    /// Adds a CHECK constraint. Its SQL expression must be true or NULL for each row.
    ///
    /// The expression must name columns without their table.
    #[track_caller]
    pub fn check(&self, name: impl Into<String>, expression: impl Into<String>) {
        let (name, expression) = (name.into(), expression.into());
        self.edits.add(
            ConstraintEdit::AddCheck(Check { name, expression }),
            Location::of_caller(),
        );
    }

    /// Adds a foreign key from these columns to columns of `table`. Its default name is `table_columns_fkey`.
    ///
    /// The referenced columns together must be the primary key or unique. Each pair of columns must have the same type.
    /// `table` can be the table of these columns.
    #[track_caller]
    pub fn foreign_key<C: Into<String>, D: Into<String>>(
        &self,
        columns: impl IntoIterator<Item = C>,
        table: impl Into<String>,
        to_columns: impl IntoIterator<Item = D>,
    ) -> ForeignKeyBuilder {
        let columns = texts(columns);
        let foreign_key = ForeignKey {
            name: naming::derived(self.edits.table(), &columns, "fkey"),
            columns,
            to_table: table.into(),
            to_columns: texts(to_columns),
            on_delete: ForeignKeyAction::NoAction,
            on_update: ForeignKeyAction::NoAction,
            deferred: false,
        };
        ForeignKeyBuilder::add(&self.edits, foreign_key, Location::of_caller())
    }

    /// Adds an index, named `table_columns_idx` unless [`name`](IndexBuilder::name) sets another name.
    ///
    /// A key is a column name or the result of [`asc`](crate::schema::asc), [`desc`](crate::schema::desc) or
    /// [`expression`](crate::schema::expression).
    #[track_caller]
    pub fn index<K: Into<IndexKey>>(&self, keys: impl IntoIterator<Item = K>) -> IndexBuilder<'static> {
        let index = index_on(self.edits.table(), keys);
        IndexBuilder::add(&self.edits, index, Location::of_caller())
    }

    /// Sets the comment on the table. SQLite does not store comments.
    #[track_caller]
    pub fn comment(&self, comment: impl Into<String>) {
        self.edits.add(set_comment(None, comment), Location::of_caller());
    }
}

pub(in crate::schema) fn set_comment(column: Option<String>, comment: impl Into<String>) -> TableEdit {
    // Databases treat an empty comment as no comment.
    let comment = Some(comment.into()).filter(|comment| !comment.is_empty());
    TableEdit::Comment { column, comment }
}

/// Describes changes to a table: the parameter of the closure of [`alter_table`](crate::Schema::alter_table).
///
/// It has all methods of [`TableBuilder`], which add to the table, and methods that change or drop. Changes apply in
/// the written order. The planner checks each change against the table after the changes before it.
///
/// ```
/// # use migrate_core::Schema;
/// # use migrate_core::schema::ColumnType;
/// fn up(schema: &mut Schema) {
///     schema.alter_table("users", |t| {
///         t.text("username").nullable();
///         t.rename_column("mail", "email");
///         t.set_type("login_count", ColumnType::BigInt);
///         t.set_default("locale", "en");
///         t.drop_constraint("users_age_check");
///         t.drop_column("nickname").undo_fill("");
///     });
/// }
/// ```
///
/// SQLite's `ALTER TABLE` lacks most changes of columns and constraints. For those, the table is rebuilt: a new table
/// is created, filled from the old one, and renamed. A rebuild needs a transaction, so planning fails with `transaction
/// = false`.
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
    pub(in crate::schema) fn new(edits: EditList) -> AlterTable {
        AlterTable {
            adding: TableBuilder::new(edits),
        }
    }

    fn add(&self, change: impl Into<TableEdit>, location: Location) {
        self.adding.edits.add(change, location);
    }

    /// Adds an edit of a column and returns its position.
    fn add_to_column(&self, name: impl Into<String>, edit: ColumnEdit, location: Location) -> usize {
        let name = name.into();
        self.adding.edits.add(TableEdit::Column { name, edit }, location)
    }

    /// Drops a column with its values, and the indexes, unique constraints and foreign keys on this column alone.
    ///
    /// The planner refuses this while anything else needs the column: the primary key, a check, an index or constraint
    /// on several columns, a foreign key of another table, a generated column or a view. Rollback adds the column
    /// without its values; see [`undo_fill`](DropColumn::undo_fill).
    #[track_caller]
    pub fn drop_column(&self, column: impl Into<String>) -> DropColumn {
        let drop = ColumnEdit::Drop { fill: None };
        DropColumn {
            at: self.add_to_column(column, drop, Location::of_caller()),
            edits: self.adding.edits.clone(),
        }
    }

    /// Renames a column. Keys, indexes, checks and foreign keys on it then use the new name, and keep their own names.
    ///
    /// The planner refuses this while a view may read the column. On MySQL it also refuses while a generated column, a
    /// check or an index on an expression names the column.
    #[track_caller]
    pub fn rename_column(&self, from: impl Into<String>, to: impl Into<String>) {
        self.add_to_column(from, ColumnEdit::Rename { to: to.into() }, Location::of_caller());
    }

    /// Changes the type of a column.
    ///
    /// Without [`using`](ChangeType::using), the database must be able to convert the values itself. If it cannot,
    /// planning fails, and the error suggests an expression. The planner also refuses the change while a foreign key
    /// uses the column, or the default does not fit the new type.
    ///
    /// On PostgreSQL, planning also fails while a generated column or a view reads the column.
    ///
    /// SQL: PostgreSQL `ALTER COLUMN .. TYPE`; MySQL and MariaDB `MODIFY COLUMN`; SQLite rebuilds the table.
    #[track_caller]
    pub fn set_type(&self, column: impl Into<String>, to: ColumnType) -> ChangeType {
        let set_type = ColumnEdit::SetType {
            to,
            using: None,
            undo_using: None,
        };
        ChangeType {
            at: self.add_to_column(column, set_type, Location::of_caller()),
            edits: self.adding.edits.clone(),
        }
    }

    /// Makes a column NOT NULL. If a row has NULL in the column, the database refuses the change.
    #[track_caller]
    pub fn set_not_null(&self, column: impl Into<String>) {
        self.add_to_column(column, ColumnEdit::SetNotNull, Location::of_caller());
    }

    /// Allows NULL in a column. The planner refuses this for a column of the primary key.
    #[track_caller]
    pub fn drop_not_null(&self, column: impl Into<String>) {
        self.add_to_column(column, ColumnEdit::DropNotNull, Location::of_caller());
    }

    /// Sets the default value of a column. Existing rows do not change.
    ///
    /// The planner refuses a value that the column type cannot hold.
    #[track_caller]
    pub fn set_default(&self, column: impl Into<String>, value: impl DefaultFor<kind::Any>) {
        let default = DefaultValue::Value(value.into());
        self.add_to_column(column, ColumnEdit::SetDefault(default), Location::of_caller());
    }

    /// Sets the default of a column to an SQL expression. Existing rows do not change.
    #[track_caller]
    pub fn set_default_sql(&self, column: impl Into<String>, expression: impl Into<String>) {
        let default = DefaultValue::Expression(expression.into());
        self.add_to_column(column, ColumnEdit::SetDefault(default), Location::of_caller());
    }

    /// Removes the default of a column. New rows without a value get NULL; if the column is NOT NULL, the database
    /// refuses them.
    #[track_caller]
    pub fn drop_default(&self, column: impl Into<String>) {
        self.add_to_column(column, ColumnEdit::DropDefault, Location::of_caller());
    }

    /// Sets the comment on a column. An empty text removes the comment. SQLite does not store comments.
    #[track_caller]
    pub fn comment_on(&self, column: impl Into<String>, comment: impl Into<String>) {
        self.add(set_comment(Some(column.into()), comment), Location::of_caller());
    }

    /// Drops the primary key constraint, and keeps its columns.
    ///
    /// The planner refuses this while a foreign key references the key, or one of its columns is auto-increment.
    #[track_caller]
    pub fn drop_primary_key(&self) {
        self.add(ConstraintEdit::DropPrimaryKey, Location::of_caller());
    }

    /// Drops a unique, check or foreign key constraint by its name.
    ///
    /// The planner refuses this while a foreign key needs the columns to be unique.
    #[track_caller]
    pub fn drop_constraint(&self, name: impl Into<String>) {
        self.add(ConstraintEdit::Drop(name.into()), Location::of_caller());
    }

    /// Drops an index by its name.
    ///
    /// The planner refuses this while a foreign key needs the columns of the index to be unique.
    #[track_caller]
    pub fn drop_index(&self, name: impl Into<String>) -> DropIndex<'static> {
        DropIndex::add(&self.adding.edits, name.into(), Location::of_caller())
    }

    /// Renames an index. SQLite cannot do this, so there the index is dropped and created again.
    #[track_caller]
    pub fn rename_index(&self, from: impl Into<String>, to: impl Into<String>) {
        self.add(rename_index(from, to), Location::of_caller());
    }
}

/// Builder of the drop of a column. Its methods set the values for a rollback.
#[derive(Debug)]
pub struct DropColumn {
    edits: EditList,
    at: usize,
}

impl DropColumn {
    /// Sets the value that rows get when a rollback adds the column again.
    ///
    /// A NOT NULL column without a default needs this call, or the migration needs its own `down`. Otherwise planning
    /// fails.
    pub fn undo_fill(self, value: impl DefaultFor<kind::Any>) {
        self.set_fill(DefaultValue::Value(value.into()));
    }

    /// Like [`undo_fill`](DropColumn::undo_fill), with an SQL expression. Use it for values that differ from row to
    /// row.
    pub fn undo_fill_sql(self, expression: impl Into<String>) {
        self.set_fill(DefaultValue::Expression(expression.into()));
    }

    fn set_fill(self, value: DefaultValue) {
        self.edits.update_column(self.at, |edit| {
            if let ColumnEdit::Drop { fill } = edit {
                *fill = Some(value);
            }
        });
    }
}

/// Builder of the change of a column's type. Its methods set the conversion of the values.
///
/// ```
/// # use migrate_core::Schema;
/// # use migrate_core::schema::ColumnType;
/// fn up(schema: &mut Schema) {
///     schema.alter_table("orders", |t| {
///         t.set_type("total", ColumnType::Integer)
///             .using("round(total * 100)")
///             .undo_using("total / 100.0");
///     });
/// }
/// ```
#[derive(Debug)]
pub struct ChangeType {
    edits: EditList,
    at: usize,
}

impl ChangeType {
    fn update(self, update: impl FnOnce(&mut Option<String>, &mut Option<String>)) -> ChangeType {
        self.edits.update_column(self.at, |edit| {
            if let ColumnEdit::SetType { using, undo_using, .. } = edit {
                update(using, undo_using);
            }
        });
        self
    }

    /// Sets the SQL expression for the new value. In it, the column name stands for the old value.
    ///
    /// MySQL and MariaDB do not support this; planning fails there.
    pub fn using(self, expression: impl Into<String>) -> ChangeType {
        let expression = expression.into();
        self.update(|using, _| *using = Some(expression))
    }

    /// Sets the SQL expression for the value after a rollback. In it, the column name stands for the value before the
    /// rollback.
    pub fn undo_using(self, expression: impl Into<String>) -> ChangeType {
        let expression = expression.into();
        self.update(|_, undo_using| *undo_using = Some(expression))
    }
}
