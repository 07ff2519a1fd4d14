//! What a migration is described with: [`Schema`] records every call as a [`Step`].
//!
//! Recording is pure: no database is needed, nothing runs, and a mistake is kept as a problem for the planner to report.

mod builder;
mod checksum;
pub(crate) mod column_type;
mod for_each_connection;
pub(crate) mod naming;
pub(crate) mod operation;
mod raw_sql;
mod rust_function;
pub(crate) mod sql_text;
mod statement;
pub(crate) mod step;
pub(crate) mod table;

pub use builder::{
    AddEnumValue, AlterTable, ChangeType, ColumnBuilder, DefaultFor, DropColumn, DropIndex, ForeignKeyBuilder,
    IndexBuilder, TableBuilder, asc, desc, expression, kind,
};
#[cfg(any(feature = "sqlite", feature = "mysql"))]
pub(crate) use checksum::digest;
pub(crate) use checksum::{checksum, checksums_by_step, differ, is_checksum, is_newer_encoding, is_older_encoding};
pub use column_type::{ColumnType, DefaultValue, Value};
pub use for_each_connection::{CompiledFor, NotCompiled};
pub(crate) use naming::primary_key_name;
pub(crate) use operation::{EnumChange, LocatedEdit, NewName, Operation, Position, TableEdit};
pub use raw_sql::IntoSql;
pub(crate) use rust_function::Functions;
pub use rust_function::RustFunction;
pub(crate) use sql_text::{Token, mentions, normalize, selects_star, tokenize};
pub(crate) use statement::{
    Effect, SessionEffect, effect, is_idempotent, may_fail_partially, observable_objects, session_effect,
};
pub use step::RecordedStep;
pub(crate) use step::{Step, StepKind, Undo};
pub use table::{
    Check, Column, ForeignKey, ForeignKeyAction, Generated, Index, IndexKey, IndexMethod, IndexOn, PrimaryKey, Table,
    Unique,
};
pub(crate) use table::{ObjectKind, Trigger};

use builder::{EditList, add_index, index_on, set_comment};

use crate::error::Diagnostic;
use crate::location::Location;

/// What `up` and `down` describe their change on.
#[derive(Debug, Default)]
pub struct Schema {
    steps: Vec<Step>,
    diagnostics: Vec<Diagnostic>,
    works_out_from_up: bool,
}

impl Schema {
    /// One SQL statement, as the database takes it.
    ///
    /// Say how to take it back with [`undo`](RecordedStep::undo), or that there is nothing to take back with
    /// [`up_only`](RecordedStep::up_only); a migration with neither is refused while planning, unless it has a `down`.
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
    /// Where databases need different SQL, give one text for each; an empty one where there is nothing to do. A database that
    /// is left out is refused while planning; MariaDB takes MySQL's text unless it has its own.
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

    /// A Rust function on a Diesel connection: a data migration.
    ///
    /// It runs inside the migration's transaction, so its own `conn.transaction(..)` is a savepoint. A retry calls it
    /// again. It is `fn(&mut Connection) -> Result<(), Error>` with any error type that turns into a boxed one. A program
    /// that runs on several databases writes it once with [`for_each_connection!`](crate::for_each_connection), or gives a
    /// tuple with one function per connection type.
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

    /// Makes a table. Taking it back drops it.
    ///
    /// ```
    /// # use migrate_core::{ForeignKeyAction, Schema};
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
        let draft = EditList::new(&table);
        describe(&TableBuilder::new(draft.clone()));
        let edits = draft.finish();
        self.operation(Operation::CreateTable { table, edits }, location);
    }

    /// Changes a table. Taking it back undoes each change, last first.
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
        let draft = EditList::new(&table);
        describe(&AlterTable::new(draft.clone()));
        let edits = draft.finish();
        self.operation(Operation::AlterTable { table, edits }, location);
    }

    /// Drops a table with its rows. Taking it back makes it anew, empty, with its columns, indexes and constraints.
    #[track_caller]
    pub fn drop_table(&mut self, name: impl Into<String>) {
        let location = Location::of_caller();
        self.operation(Operation::DropTable { table: name.into() }, location);
    }

    /// Gives a table another name. Its indexes and constraints keep theirs.
    #[track_caller]
    pub fn rename_table(&mut self, from: impl Into<String>, to: impl Into<String>) {
        let location = Location::of_caller();
        let (from, to) = (from.into(), to.into());
        self.operation(Operation::RenameTable { from, to }, location);
    }

    /// Makes an index, called `table_columns_idx` unless it is [`name`](IndexBuilder::name).
    ///
    /// ```
    /// # use migrate_core::{Schema, desc, expression};
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

    /// Drops an index by its name.
    #[track_caller]
    pub fn drop_index(&mut self, table: impl Into<String>, name: impl Into<String>) -> DropIndex<'_> {
        let location = Location::of_caller();
        let change = TableEdit::DropIndex {
            index: name.into(),
            concurrently: false,
        };
        self.edit(table.into(), change, location);
        DropIndex::last_of(&mut self.steps)
    }

    /// Gives an index another name.
    #[track_caller]
    pub fn rename_index(&mut self, table: impl Into<String>, from: impl Into<String>, to: impl Into<String>) {
        let location = Location::of_caller();
        let (from, to) = (from.into(), to.into());
        self.edit(table.into(), TableEdit::RenameIndex { from, to }, location);
    }

    /// What people should know of a table; an empty text takes it away. For a column write
    /// [`comment_on`](AlterTable::comment_on) in `alter_table`. SQLite keeps no comments.
    #[track_caller]
    pub fn comment_on(&mut self, table: impl Into<String>, comment: impl Into<String>) {
        let location = Location::of_caller();
        self.edit(table.into(), set_comment(None, comment), location);
    }

    /// Makes a view of a query, which is SQL as the database takes it.
    #[track_caller]
    pub fn create_view(&mut self, name: impl Into<String>, query: impl Into<String>) {
        let location = Location::of_caller();
        let (view, query) = (name.into(), query.into());
        self.operation(Operation::CreateView { view, query }, location);
    }

    /// Drops a view. Taking it back makes it anew.
    #[track_caller]
    pub fn drop_view(&mut self, name: impl Into<String>) {
        let location = Location::of_caller();
        self.operation(Operation::DropView { view: name.into() }, location);
    }

    /// Makes an enum, a type of its own with these values in this order. Taking it back drops it.
    ///
    /// PostgreSQL has enums; the other databases are answered with what to write there instead.
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

    /// Adds a value to an enum. A migration that runs in a transaction cannot use it yet: PostgreSQL lets only later
    /// transactions.
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

    /// Drops an enum that no column is of any more. Taking it back makes it anew.
    #[track_caller]
    pub fn drop_enum(&mut self, name: impl Into<String>) {
        let location = Location::of_caller();
        self.change_enum(name.into(), EnumChange::Drop, location);
    }

    fn change_enum(&mut self, name: String, change: EnumChange, location: Location) {
        self.operation(Operation::ChangeEnum { name, change }, location);
    }

    /// What the database has already, made before there were migrations, or by somebody else. Nothing of it is run.
    ///
    /// When the migration is applied, the tables and views have to be there; a new database gets them first, in the way in
    /// which it got them before there were migrations.
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

    /// Records one change of a table.
    fn edit(&mut self, table: String, change: TableEdit, location: Location) {
        let edits = vec![LocatedEdit { change, location }];
        self.operation(Operation::AlterTable { table, edits }, location);
    }

    fn record(&mut self, kind: StepKind, location: Location) -> RecordedStep<'_> {
        if let Some(mistake) = kind.mistake() {
            self.diagnostics.push(Diagnostic {
                location: Some(location),
                message: format!("`execute` {mistake}; write one SQL statement, or leave the step out"),
            });
        }
        self.steps.push(Step {
            kind,
            undo: Undo::Unknown,
            effects: None,
            location,
        });
        RecordedStep::new(&mut self.steps, &mut self.diagnostics)
    }

    /// What the provided `down` says.
    pub(crate) fn work_out_from_up(&mut self) {
        self.works_out_from_up = true;
    }
}

/// What a closure says of the schema, of which nothing is run.
fn record_effects(describe: impl FnOnce(&mut Schema), diagnostics: &mut Vec<Diagnostic>) -> Vec<Step> {
    let mut schema = Schema::default();
    describe(&mut schema);
    diagnostics.extend(schema.diagnostics);
    let (effects, other): (Vec<Step>, Vec<Step>) = schema
        .steps
        .into_iter()
        .partition(|step| matches!(step.kind, StepKind::Operation(_)));
    diagnostics.extend(other.into_iter().map(|step| Diagnostic {
        location: Some(step.location),
        message: "only changes of the schema can be said here, as nothing of it is run".to_owned(),
    }));
    effects
}

/// What one call of `up` or `down` described.
pub(crate) struct Recording {
    pub(crate) steps: Vec<Step>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The provided `down` was called, not one that the user wrote.
    pub(crate) works_out_from_up: bool,
}

/// Calls `describe` on an empty schema and returns what it recorded.
pub(crate) fn record(describe: impl FnOnce(&mut Schema)) -> Recording {
    let mut schema = Schema::default();
    describe(&mut schema);
    Recording {
        steps: schema.steps,
        diagnostics: schema.diagnostics,
        works_out_from_up: schema.works_out_from_up,
    }
}
