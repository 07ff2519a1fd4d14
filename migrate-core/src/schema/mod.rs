//! What a migration describes: each call on [`Schema`] records a step, and returns a builder for its options.
//!
//! Recording is pure: it needs no database and runs nothing. Mistakes become diagnostics, which the planner reports.

mod builder;
mod checksum;
pub(crate) mod column_type;
mod for_each_connection;
pub(crate) mod naming;
pub(crate) mod operation;
mod raw_sql;
mod rust_function;
pub(crate) mod step;
pub(crate) mod table;

pub use builder::{
    AddEnumValue, AlterTable, ChangeType, ColumnBuilder, DefaultFor, DropColumn, DropIndex, ForeignKeyBuilder,
    IndexBuilder, TableBuilder, asc, desc, expression, kind,
};
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub(crate) use checksum::digest;
pub(crate) use checksum::{Checksum, checksum, checksums_by_step};
pub use column_type::{ColumnType, DefaultValue, Value};
#[doc(hidden)]
pub use for_each_connection::{CompiledFor, NotCompiled};
pub(crate) use naming::primary_key_name;
pub(crate) use operation::{
    ColumnEdit, ColumnEffect, ConstraintEdit, EnumChange, IndexEdit, LocatedEdit, NewName, Operation, Position,
    Requirement, TableEdit,
};
pub use raw_sql::IntoSql;
pub(crate) use rust_function::Functions;
pub use rust_function::RustFunction;
pub use step::RecordedStep;
pub(crate) use step::{Step, StepKind, Undo};
pub use table::{
    Check, Column, ForeignKey, ForeignKeyAction, Generated, Index, IndexKey, IndexMethod, IndexOn, PrimaryKey, Table,
    Unique,
};
pub(crate) use table::{ObjectKind, Trigger};

use builder::{EditList, add_index, drop_index, index_on, rename_index, set_comment};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::location::Location;

/// Records the changes of a migration: the parameter of [`up`](crate::Migrate::up) and [`down`](crate::Migrate::down).
///
/// Each call records one step. Nothing runs during recording. Later, the planner checks the steps against the schema,
/// renders them as SQL and derives their rollback.
///
/// ```
/// use migrate_core::prelude::*;
///
/// #[derive(Migration)]
/// #[migration(version = 2026_11_24_101500)]
/// struct AddUsername;
///
/// impl Migrate for AddUsername {
///     fn up(&self, schema: &mut Schema) {
///         schema.alter_table("users", |t| t.varchar("username", 40).nullable());
///         schema.execute("UPDATE users SET username = lower(name)").up_only();
///         schema.create_index("users", ["username"]).unique();
///     }
/// }
/// ```
///
/// # Errors in a migration
///
/// These methods do not return errors. If a call is wrong, for example names a column that does not exist, planning
/// fails with the file and line of the call. Planning also fails if the database lacks an operation.
#[derive(Debug, Default)]
pub struct Schema {
    steps: Vec<Step>,
    diagnostics: Vec<Diagnostic>,
    derives_from_up: bool,
}

impl Schema {
    /// Records one raw SQL statement.
    ///
    /// [`undo`](RecordedStep::undo) sets its rollback; [`up_only`](RecordedStep::up_only) lets a rollback keep its
    /// effect. Without either, planning fails, unless the migration has its own `down`.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema
    ///         .execute("CREATE INDEX users_email ON users (email)")
    ///         .undo("DROP INDEX users_email");
    ///     schema.execute("UPDATE users SET email = lower(email)").up_only();
    /// }
    /// ```
    ///
    /// For SQL that differs between databases, give one text for each dialect. An empty text does nothing on that
    /// database. Planning fails for a dialect without a text. MariaDB uses the MySQL text unless it has its own.
    ///
    /// ```
    /// # use migrate_core::{Dialect, Schema};
    /// fn up(schema: &mut Schema) {
    ///     schema
    ///         .execute([
    ///             (Dialect::Postgres, "CREATE EXTENSION IF NOT EXISTS citext"),
    ///             (Dialect::Sqlite, ""),
    ///         ])
    ///         .up_only();
    /// }
    /// ```
    #[track_caller]
    pub fn execute(&mut self, sql: impl IntoSql) -> RecordedStep<'_> {
        let location = Location::of_caller();
        self.record(StepKind::Sql(sql.into_sql()), location)
    }

    /// Records a Rust function that runs on the Diesel connection, such as a data migration.
    ///
    /// The function is `fn(&mut Connection) -> Result<(), Error>`, with any error type that converts into
    /// `Box<dyn std::error::Error + Send + Sync>`. For several databases, write it once with
    /// [`for_each_connection!`](crate::for_each_connection), or pass a tuple with one function per connection type.
    ///
    /// The function runs inside the transaction of the migration, so a `conn.transaction(..)` in it is a savepoint. On
    /// MySQL and MariaDB, each Rust step has its own transaction. With `transaction = false`, the function runs without
    /// a transaction. A retry of the migration calls the function again.
    ///
    /// Set its rollback as for [`execute`](Schema::execute).
    ///
    #[cfg_attr(feature = "sqlite", doc = "```")]
    #[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
    /// use diesel::prelude::*;
    /// # use migrate_core::Schema;
    ///
    /// fn up(schema: &mut Schema) {
    ///     schema.run(lower_all_emails).up_only();
    /// }
    ///
    /// fn lower_all_emails(conn: &mut SqliteConnection) -> QueryResult<()> {
    ///     diesel::sql_query("UPDATE users SET email = lower(email)").execute(conn)?;
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn run<M>(&mut self, function: impl RustFunction<M>) -> RecordedStep<'_> {
        let location = Location::of_caller();
        self.record(StepKind::Rust(function.into_functions()), location)
    }

    /// Creates a table with at least one column. Rollback drops it.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// # use migrate_core::schema::ForeignKeyAction;
    /// fn up(schema: &mut Schema) {
    ///     schema.create_table("posts", |t| {
    ///         t.id();
    ///         t.text("title");
    ///         t.text("body").nullable();
    ///         t.big_int("user_id").references("users", "id").on_delete(ForeignKeyAction::Cascade);
    ///         t.timestamps();
    ///         t.index(["user_id"]);
    ///     });
    /// }
    /// ```
    #[track_caller]
    pub fn create_table<R>(&mut self, name: impl Into<String>, describe: impl FnOnce(&TableBuilder) -> R) {
        let location = Location::of_caller();
        let table = name.into();
        let list = EditList::new(&table);
        describe(&TableBuilder::new(list.clone()));
        let edits = list.finish();
        self.operation(Operation::CreateTable { table, edits }, location);
    }

    /// Changes a table. Rollback reverses the changes, last one first.
    ///
    /// [`AlterTable`] lists the changes.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.alter_table("users", |t| {
    ///         t.text("username").nullable();
    ///         t.drop_column("nickname");
    ///     });
    ///     schema.alter_table("posts", |t| t.set_not_null("body"));
    /// }
    /// ```
    #[track_caller]
    pub fn alter_table<R>(&mut self, name: impl Into<String>, describe: impl FnOnce(&AlterTable) -> R) {
        let location = Location::of_caller();
        let table = name.into();
        let list = EditList::new(&table);
        describe(&AlterTable::new(list.clone()));
        let edits = list.finish();
        self.operation(Operation::AlterTable { table, edits }, location);
    }

    /// Drops a table with its rows. Rollback creates it again without rows, with its columns, indexes, constraints and
    /// comments.
    ///
    /// Rollback does not create objects that no migration describes, such as triggers. The planner refuses to drop a
    /// table while a view or a foreign key of another table uses it.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.drop_table("sessions");
    /// }
    /// ```
    #[track_caller]
    pub fn drop_table(&mut self, name: impl Into<String>) {
        let location = Location::of_caller();
        self.operation(Operation::DropTable { table: name.into() }, location);
    }

    /// Renames a table. Foreign keys of other tables then reference the new name. Indexes and constraints keep their
    /// names, except the primary key on PostgreSQL: `to_pkey`.
    ///
    /// The planner refuses this while a view reads the table.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.rename_table("people", "users");
    /// }
    /// ```
    #[track_caller]
    pub fn rename_table(&mut self, from: impl Into<String>, to: impl Into<String>) {
        let location = Location::of_caller();
        let (from, to) = (from.into(), to.into());
        self.operation(Operation::RenameTable { from, to }, location);
    }

    /// Creates an index. Its default name is `table_columns_idx`; [`name`](IndexBuilder::name) sets another.
    ///
    /// A key is a column name or the result of [`asc`], [`desc`] or [`expression`].
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// # use migrate_core::schema::{desc, expression};
    /// fn up(schema: &mut Schema) {
    ///     schema.create_index("users", ["email"]).unique();
    ///     schema.create_index("posts", [desc("created_at")]);
    ///     schema.create_index("users", [expression("lower(email)")]).name("users_by_email");
    /// }
    /// ```
    #[track_caller]
    pub fn create_index<K: Into<IndexKey>>(
        &mut self,
        table: impl Into<String>,
        keys: impl IntoIterator<Item = K>,
    ) -> IndexBuilder<'_> {
        let location = Location::of_caller();
        let table = table.into();
        let index = index_on(&table, keys);
        self.edit(table, add_index(index), location);
        IndexBuilder::last_of(&mut self.steps)
    }

    /// Drops an index by its name. Rollback creates it again.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.drop_index("users", "users_email_idx");
    /// }
    /// ```
    #[track_caller]
    pub fn drop_index(&mut self, table: impl Into<String>, name: impl Into<String>) -> DropIndex<'_> {
        let location = Location::of_caller();
        self.edit(table.into(), drop_index(name), location);
        DropIndex::last_of(&mut self.steps)
    }

    /// Renames an index. SQLite cannot do this, so there the index is dropped and created again.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.rename_index("users", "users_email_idx", "users_by_email");
    /// }
    /// ```
    #[track_caller]
    pub fn rename_index(&mut self, table: impl Into<String>, from: impl Into<String>, to: impl Into<String>) {
        let location = Location::of_caller();
        self.edit(table.into(), rename_index(from, to), location);
    }

    /// Sets the comment on a table. An empty text removes the comment. SQLite does not store comments.
    ///
    /// For a column, use [`comment_on`](AlterTable::comment_on) in `alter_table`.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.comment_on("users", "People who can sign in");
    ///     schema.alter_table("users", |t| t.comment_on("email", "Verified at sign-up"));
    /// }
    /// ```
    #[track_caller]
    pub fn comment_on(&mut self, table: impl Into<String>, comment: impl Into<String>) {
        let location = Location::of_caller();
        self.edit(table.into(), set_comment(None, comment), location);
    }

    /// Creates a view. Rollback drops it.
    ///
    /// The query reaches the database as written. It must not contain a comment or a semicolon.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.create_view("active_users", "SELECT id, name FROM users WHERE deleted_at IS NULL");
    /// }
    /// ```
    #[track_caller]
    pub fn create_view(&mut self, name: impl Into<String>, query: impl Into<String>) {
        let location = Location::of_caller();
        let (view, query) = (name.into(), query.into());
        self.operation(Operation::CreateView { view, query }, location);
    }

    /// Drops a view. Rollback creates it again with its query.
    ///
    /// The planner refuses this while another view reads the view.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.drop_view("active_users");
    /// }
    /// ```
    #[track_caller]
    pub fn drop_view(&mut self, name: impl Into<String>) {
        let location = Location::of_caller();
        self.operation(Operation::DropView { view: name.into() }, location);
    }

    /// Creates an enum type with these values, in this order. Rollback drops it.
    ///
    /// SQL: PostgreSQL `CREATE TYPE .. AS ENUM (..)`. On the other databases, planning fails, and the error suggests an
    /// alternative. A value must have 1 to 63 bytes.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.create_enum("mood", ["sad", "happy"]);
    ///     schema.create_table("diary", |t| {
    ///         t.id();
    ///         t.enum_type("mood", "mood").default("happy");
    ///     });
    /// }
    /// ```
    #[track_caller]
    pub fn create_enum<V: Into<String>>(&mut self, name: impl Into<String>, values: impl IntoIterator<Item = V>) {
        let location = Location::of_caller();
        let values = values.into_iter().map(Into::into).collect();
        self.change_enum(name.into(), EnumChange::Create { values }, location);
    }

    /// Adds a value to an enum, after all others unless [`before`](AddEnumValue::before) or
    /// [`after`](AddEnumValue::after) places it.
    ///
    /// PostgreSQL accepts the value only after the commit, so use it in a later migration. PostgreSQL cannot remove a
    /// value, so the migration needs [`up_only`](AddEnumValue::up_only) or its own `down`.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.add_enum_value("mood", "content").before("happy").up_only();
    /// }
    /// ```
    #[track_caller]
    pub fn add_enum_value(&mut self, name: impl Into<String>, value: impl Into<String>) -> AddEnumValue<'_> {
        let location = Location::of_caller();
        let change = EnumChange::AddValue {
            value: value.into(),
            position: Position::Last,
        };
        self.change_enum(name.into(), change, location);
        AddEnumValue::last_of(&mut self.steps)
    }

    /// Drops an enum. Rollback creates it again with its values.
    ///
    /// The planner refuses this while a column has the enum as its type.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.drop_enum("mood");
    /// }
    /// ```
    #[track_caller]
    pub fn drop_enum(&mut self, name: impl Into<String>) {
        let location = Location::of_caller();
        self.change_enum(name.into(), EnumChange::Drop, location);
    }

    fn change_enum(&mut self, name: String, change: EnumChange, location: Location) {
        self.operation(Operation::ChangeEnum { name, change }, location);
    }

    /// Describes tables, views and enums that the database already has, such as those from before the first migration.
    /// Nothing in the closure runs.
    ///
    /// When the migration is applied, the tables and views must exist; if a table differs from its description, the
    /// plan has a warning. A new, empty database needs these objects too: create them before the first migration.
    /// Rollback leaves them in place.
    ///
    /// The closure may contain schema changes only: no `execute` and no `run`.
    ///
    /// ```
    /// # use migrate_core::Schema;
    /// fn up(schema: &mut Schema) {
    ///     schema.declare(|schema| {
    ///         schema.create_table("users", |t| {
    ///             t.id();
    ///             t.text("email").unique();
    ///         });
    ///     });
    ///     schema.alter_table("users", |t| t.text("username").nullable());
    /// }
    /// ```
    #[track_caller]
    pub fn declare(&mut self, describe: impl FnOnce(&mut Schema)) {
        let location = Location::of_caller();
        let effects = record_effects(describe, &mut self.diagnostics);
        self.steps.push(Step {
            kind: StepKind::Declared,
            undo: Undo::Nothing,
            effects: Some(effects),
            location,
        });
    }

    fn operation(&mut self, operation: Operation, location: Location) {
        self.steps.push(Step {
            kind: StepKind::Operation(operation),
            undo: Undo::Unknown,
            effects: None,
            location,
        });
    }

    /// Records a single edit of a table as a step.
    fn edit(&mut self, table: String, change: TableEdit, location: Location) {
        let edits = vec![LocatedEdit { change, location }];
        self.operation(Operation::AlterTable { table, edits }, location);
    }

    fn record(&mut self, kind: StepKind, location: Location) -> RecordedStep<'_> {
        if let Some(mistake) = kind.mistake("execute", "write one SQL statement, or remove the step") {
            self.diagnostics.push(mistake.at(location));
        }
        self.steps.push(Step {
            kind,
            undo: Undo::Unknown,
            effects: None,
            location,
        });
        RecordedStep::new(&mut self.steps, &mut self.diagnostics)
    }

    /// Marks the rollback as derived from `up`. The default `down` calls this.
    pub(crate) fn derive_from_up(&mut self) {
        self.derives_from_up = true;
    }
}

/// Records the schema changes of a closure. Other steps become diagnostics, because nothing in the closure runs.
fn record_effects(describe: impl FnOnce(&mut Schema), diagnostics: &mut Vec<Diagnostic>) -> Vec<Step> {
    let mut schema = Schema::default();
    describe(&mut schema);
    diagnostics.extend(schema.diagnostics);
    let (effects, other): (Vec<Step>, Vec<Step>) = schema
        .steps
        .into_iter()
        .partition(|step| matches!(step.kind, StepKind::Operation(_)));
    diagnostics.extend(other.into_iter().map(|step| {
        Code::NOT_A_SCHEMA_CHANGE
            .mistake("only schema changes are allowed in `changes` and `declare`")
            .help("move this step out of the closure, which runs nothing")
            .at(step.location)
    }));
    effects
}

/// The recording of one call of `up` or `down`.
pub(crate) struct Recording {
    pub(crate) steps: Vec<Step>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// True if the default `down` was called, not one of the user.
    pub(crate) derives_from_up: bool,
}

/// Calls `describe` on an empty schema and returns the recording.
pub(crate) fn record(describe: impl FnOnce(&mut Schema)) -> Recording {
    let mut schema = Schema::default();
    describe(&mut schema);
    Recording {
        steps: schema.steps,
        diagnostics: schema.diagnostics,
        derives_from_up: schema.derives_from_up,
    }
}
