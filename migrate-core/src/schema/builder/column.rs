//! The builders of a new column and of a new foreign key.

use std::fmt;
use std::marker::PhantomData;

use super::EditList;
use crate::location::Location;
use crate::schema::column_type::{DefaultValue, Value};
use crate::schema::naming;
use crate::schema::operation::{ColumnEdit, ConstraintEdit, TableEdit};
use crate::schema::table::{Check, Column, ForeignKey, ForeignKeyAction, Generated, PrimaryKey, Unique};

/// The kinds of column values. A default of the wrong Rust type is a compile error.
pub mod kind {
    /// `small_int`, `integer` and `big_int` columns.
    #[derive(Debug)]
    pub enum Integer {}

    /// `float`, `double` and `numeric` columns.
    #[derive(Debug)]
    pub enum Number {}

    /// `bool` columns.
    #[derive(Debug)]
    pub enum Bool {}

    /// `text`, `varchar` and `char` columns.
    #[derive(Debug)]
    pub enum Text {}

    /// `binary` columns.
    #[derive(Debug)]
    pub enum Binary {}

    /// `date` and `time` columns. Values are written as text.
    #[derive(Debug)]
    pub enum Temporal {}

    /// `timestamp` and `timestamptz` columns. Values are written as text.
    #[derive(Debug)]
    pub enum Timestamp {}

    /// `json`, `jsonb` and enum columns. Values are written as text.
    #[derive(Debug)]
    pub enum TextEncoded {}

    /// Columns whose type is known only during planning. The planner then checks their values.
    #[derive(Debug)]
    pub enum Any {}
}

/// A Rust value that can be the default of a column of [kind](crate::schema::kind) `K`.
///
/// Integer columns accept `i16`, `i32` and `i64`; `float`, `double` and `numeric` columns also accept `f64`. `bool`
/// columns accept `bool`, `binary` columns accept `&[u8]`, and all others accept `&str` and `String`. A column of kind
/// [`Any`](crate::schema::kind::Any) accepts each of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the default of a column of this type",
    label = "the column has another type",
    note = "for an SQL expression, use `.default_sql(\"..\")`"
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

/// Builder of a new column. Its methods complete the definition.
///
/// A column is NOT NULL unless [`nullable`](ColumnBuilder::nullable) is called. `K` is the [kind](crate::schema::kind) of its
/// values. SQL expressions reach the database as written, and must not contain a comment or a semicolon.
///
/// ```
/// # use migrate_core::Schema;
/// fn up(schema: &mut Schema) {
///     schema.create_table("products", |t| {
///         t.id();
///         t.varchar("sku", 40).unique();
///         t.integer("stock").default(0).check("stock >= 0");
///         t.numeric("price", 10, 2);
///         t.text("notes").nullable();
///         t.timestamptz("created_at").default_now();
///     });
///     schema.alter_table("products", |t| t.bool("active").fill(true));
/// }
/// ```
pub struct ColumnBuilder<K> {
    edits: EditList,
    at: usize,
    name: String,
    kind: PhantomData<K>,
}

impl<K> fmt::Debug for ColumnBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ColumnBuilder").field(&self.name).finish()
    }
}

impl<K> ColumnBuilder<K> {
    pub(super) fn add(edits: &EditList, column: Column, location: Location) -> ColumnBuilder<K> {
        let name = column.name.clone();
        let at = edits.add(TableEdit::add_column(column), location);
        ColumnBuilder {
            edits: edits.clone(),
            at,
            name,
            kind: PhantomData,
        }
    }

    fn update(self, update: impl FnOnce(&mut Column)) -> ColumnBuilder<K> {
        self.edits.update_column(self.at, |edit| {
            if let ColumnEdit::Add { column, .. } = edit {
                update(column);
            }
        });
        self
    }

    fn set_default(self, default: DefaultValue) -> ColumnBuilder<K> {
        self.update(|column| column.default = Some(default))
    }

    fn set_fill(self, value: DefaultValue) -> ColumnBuilder<K> {
        self.edits.update_column(self.at, |edit| {
            if let ColumnEdit::Add { fill, .. } = edit {
                *fill = Some(value);
            }
        });
        self
    }

    fn columns(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    /// Allows NULL. A column is NOT NULL without this call.
    pub fn nullable(self) -> ColumnBuilder<K> {
        self.update(|column| column.nullable = true)
    }

    /// Sets the default value.
    ///
    /// The planner refuses a value that the column type cannot hold, such as `70000` in a `small_int`. Generated and
    /// auto-increment columns cannot have a default.
    pub fn default(self, value: impl DefaultFor<K>) -> ColumnBuilder<K> {
        self.set_default(DefaultValue::Value(value.into()))
    }

    /// Sets the default to an SQL expression.
    pub fn default_sql(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        self.set_default(DefaultValue::Expression(expression.into()))
    }

    /// Sets the value of existing rows when `alter_table` adds the column. Later rows do not get it.
    ///
    /// In `alter_table`, a NOT NULL column without a default needs this call, unless the migration has just created the
    /// table. In `create_table`, the call has no effect.
    pub fn fill(self, value: impl DefaultFor<K>) -> ColumnBuilder<K> {
        self.set_fill(DefaultValue::Value(value.into()))
    }

    /// Like [`fill`](ColumnBuilder::fill), with an SQL expression. It may name other columns of the row.
    pub fn fill_sql(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        self.set_fill(DefaultValue::Expression(expression.into()))
    }

    /// Adds a UNIQUE constraint on this column, named `table_column_key`.
    ///
    /// For another name, add a unique index instead: `t.index([..]).unique().name("..")`.
    #[track_caller]
    pub fn unique(self) -> ColumnBuilder<K> {
        let columns = self.columns();
        let name = naming::derived(self.edits.table(), &columns, "key");
        self.edits.add(
            ConstraintEdit::AddUnique(Unique { name, columns }),
            Location::of_caller(),
        );
        self
    }

    /// Makes this column the primary key. For a key of several columns, write `t.primary_key([..])`.
    ///
    /// The constraint is named `table_pkey`. MySQL and MariaDB do not name primary keys.
    #[track_caller]
    pub fn primary_key(self) -> ColumnBuilder<K> {
        let columns = self.columns();
        let name = naming::primary_key_name(self.edits.table());
        self.edits.add(
            ConstraintEdit::AddPrimaryKey(PrimaryKey { name, columns }),
            Location::of_caller(),
        );
        self
    }

    /// Adds a CHECK constraint, named `table_column_check`. The expression must name columns without their table.
    ///
    /// For another name, or a second check, write `t.check("name", "..")`.
    #[track_caller]
    pub fn check(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        let name = naming::derived(self.edits.table(), &self.columns(), "check");
        let expression = expression.into();
        self.edits.add(
            ConstraintEdit::AddCheck(Check { name, expression }),
            Location::of_caller(),
        );
        self
    }

    /// Adds a foreign key from this column to a column of `table`. Its default name is `table_column_fkey`.
    ///
    /// The referenced column must be the primary key or unique, and both columns must have the same type. `table` can
    /// be the table of this column.
    #[track_caller]
    pub fn references(self, table: impl Into<String>, column: impl Into<String>) -> ForeignKeyBuilder {
        let columns = self.columns();
        let foreign_key = ForeignKey {
            name: naming::derived(self.edits.table(), &columns, "fkey"),
            columns,
            to_table: table.into(),
            to_columns: vec![column.into()],
            on_delete: ForeignKeyAction::NoAction,
            on_update: ForeignKeyAction::NoAction,
            deferred: false,
        };
        ForeignKeyBuilder::add(&self.edits, foreign_key, Location::of_caller())
    }

    /// Makes this a generated column that is stored: `GENERATED ALWAYS AS (expression) STORED`.
    ///
    /// Call [`nullable`](ColumnBuilder::nullable) if the expression can be NULL. MariaDB does not support NOT NULL on
    /// generated columns; there, NOT NULL is omitted.
    pub fn generated(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        let expression = expression.into();
        self.update(|column| {
            column.generated = Some(Generated {
                expression,
                stored: true,
            });
        })
    }

    /// Makes this a generated column that is computed on each read: `GENERATED ALWAYS AS (expression) VIRTUAL`.
    ///
    /// PostgreSQL supports this from version 18; for older versions, planning fails. For NOT NULL, see
    /// [`generated`](ColumnBuilder::generated).
    pub fn generated_virtual(self, expression: impl Into<String>) -> ColumnBuilder<K> {
        let expression = expression.into();
        self.update(|column| {
            column.generated = Some(Generated {
                expression,
                stored: false,
            });
        })
    }

    /// Sets the comment on the column. SQLite does not store comments.
    pub fn comment(self, comment: impl Into<String>) -> ColumnBuilder<K> {
        let comment = comment.into();
        self.update(|column| column.comment = Some(comment))
    }
}

impl ColumnBuilder<kind::Integer> {
    /// Lets the database assign increasing values. The column must be the only column of the primary key.
    ///
    /// SQL: SQLite `INTEGER PRIMARY KEY AUTOINCREMENT`, PostgreSQL `GENERATED BY DEFAULT AS IDENTITY`, MySQL and
    /// MariaDB `AUTO_INCREMENT`. On SQLite, the column has 64 bits, whatever its integer type.
    pub fn auto_increment(self) -> ColumnBuilder<kind::Integer> {
        self.update(|column| column.auto_increment = true)
    }
}

impl ColumnBuilder<kind::Text> {
    /// Sets the collation, which decides how values compare and sort.
    ///
    /// Use the name that the database has for it, such as `NOCASE` on SQLite, `C` on PostgreSQL or `utf8mb4_bin` on
    /// MySQL. The name is quoted as an identifier.
    pub fn collate(self, collation: impl Into<String>) -> ColumnBuilder<kind::Text> {
        let collation = collation.into();
        self.update(|column| column.collation = Some(collation))
    }
}

impl ColumnBuilder<kind::Timestamp> {
    /// Sets the default to the current time.
    ///
    /// SQL: `CURRENT_TIMESTAMP`; on MySQL and MariaDB `CURRENT_TIMESTAMP(6)`. SQLite writes UTC in whole seconds.
    /// PostgreSQL writes the start time of the transaction.
    pub fn default_now(self) -> ColumnBuilder<kind::Timestamp> {
        self.set_default(DefaultValue::Now)
    }
}

/// Builder of a new foreign key. By default, the database refuses to delete or update a referenced row.
///
/// ```
/// # use migrate_core::Schema;
/// # use migrate_core::schema::ForeignKeyAction;
/// fn up(schema: &mut Schema) {
///     schema.alter_table("posts", |t| {
///         t.foreign_key(["author_id"], "users", ["id"])
///             .on_delete(ForeignKeyAction::Cascade)
///             .name("posts_author");
///     });
/// }
/// ```
#[derive(Debug)]
pub struct ForeignKeyBuilder {
    edits: EditList,
    at: usize,
}

impl ForeignKeyBuilder {
    pub(super) fn add(edits: &EditList, foreign_key: ForeignKey, location: Location) -> ForeignKeyBuilder {
        ForeignKeyBuilder {
            edits: edits.clone(),
            at: edits.add(foreign_key, location),
        }
    }

    fn update(self, update: impl FnOnce(&mut ForeignKey)) -> ForeignKeyBuilder {
        self.edits.update(self.at, |change| {
            if let TableEdit::Constraint(ConstraintEdit::AddForeignKey(foreign_key)) = change {
                update(foreign_key);
            }
        });
        self
    }

    /// Sets what happens to this row when the referenced row is deleted. The default is
    /// [`NoAction`](ForeignKeyAction::NoAction).
    pub fn on_delete(self, reaction: ForeignKeyAction) -> ForeignKeyBuilder {
        self.update(|foreign_key| foreign_key.on_delete = reaction)
    }

    /// Sets what happens to this row when the referenced key is updated. The default is
    /// [`NoAction`](ForeignKeyAction::NoAction).
    pub fn on_update(self, reaction: ForeignKeyAction) -> ForeignKeyBuilder {
        self.update(|foreign_key| foreign_key.on_update = reaction)
    }

    /// Sets the name of the constraint. The default is `table_columns_fkey`.
    ///
    /// On MySQL and MariaDB, the name must be unique among the foreign keys of the database.
    pub fn name(self, name: impl Into<String>) -> ForeignKeyBuilder {
        let name = name.into();
        self.update(|foreign_key| foreign_key.name = name)
    }
}
