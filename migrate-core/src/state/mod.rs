//! The schema state: checks each operation, applies it, and derives its inverse.
//!
//! Operations on unknown objects, which raw DDL may have changed, are allowed. Nothing here depends on SQL or a
//! database.

mod apply;
mod diff;
mod edit_table;
mod enums;
mod inverse;
mod rules;
mod suggest;
mod toposort;
mod unknown_table;
mod validate;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::location::Location;
use crate::schema::operation::{LocatedEdit, Operation};
use crate::schema::table::{ForeignKey, ObjectKind, Table};
use crate::sql;

use diff::TableKnowledge;
pub(crate) use toposort::toposort;

/// The schema as known at a point in the replay of migrations.
#[derive(Clone, Debug)]
pub(crate) struct SchemaState {
    /// The dialect whose lexical rules expressions follow.
    dialect: Dialect,
    tables: BTreeMap<String, Arc<Table>>,
    /// The query of each view.
    views: BTreeMap<String, String>,
    /// The values of each enum.
    enums: BTreeMap<String, Vec<String>>,
    /// An index of the objects by name.
    names: Names,
    /// Objects that raw SQL may have created, changed or dropped. Their definitions are unknown.
    unknown: BTreeSet<String>,
    /// True if any object may be unknown.
    all_unknown: bool,
    /// Tables that the current migration created and that hold no rows yet.
    empty: BTreeSet<String>,
    /// Columns that were added to existing rows and not filled since, by table and column.
    uniform: BTreeMap<String, BTreeMap<String, Uniform>>,
    /// The reason why a table no longer exists, for messages.
    dropped: HashMap<String, Dropped>,
    /// The previous values since the savepoint.
    journal: Option<Vec<Before>>,
}

/// The reason why a table no longer exists.
#[derive(Clone, Debug)]
enum Dropped {
    Dropped,
    RenamedTo(String),
}

/// Indexes for lookups by name, so that replay time grows linearly with the migrations.
#[derive(Clone, Debug, Default)]
struct Names {
    /// Tables, views and enums by their lowercase name.
    objects: HashMap<String, String>,
    /// The tables that have a constraint or an index of a name.
    owners: HashMap<String, BTreeSet<String>>,
    /// The tables whose foreign keys reference a table.
    referrers: HashMap<String, BTreeSet<String>>,
}

impl Names {
    /// Replaces the definition of a table. `None` means that the table does not exist.
    fn replace(&mut self, table: &str, before: Option<&Table>, after: Option<&Table>) {
        match (before, after) {
            (None, Some(_)) => drop(self.objects.insert(table.to_ascii_lowercase(), table.to_owned())),
            (Some(_), None) => drop(self.objects.remove(&table.to_ascii_lowercase())),
            (Some(_), Some(_)) | (None, None) => {}
        }
        replace_in(&mut self.owners, table, &names(before), &names(after));
        replace_in(&mut self.referrers, table, &references(before), &references(after));
    }
}

fn names(table: Option<&Table>) -> Vec<&str> {
    let names = table.into_iter().flat_map(Table::names);
    names.map(|(_, name)| name).collect()
}

fn references(table: Option<&Table>) -> Vec<&str> {
    table.into_iter().flat_map(Table::references).collect()
}

/// Moves a table from the keys `before` to the keys `after`. Most changes add or remove one key.
fn replace_in(index: &mut HashMap<String, BTreeSet<String>>, table: &str, before: &[&str], after: &[&str]) {
    for key in before.iter().filter(|key| !after.contains(key)) {
        if let Some(tables) = index.get_mut(*key) {
            tables.remove(table);
        }
    }
    for key in after.iter().filter(|key| !before.contains(key)) {
        index.entry((*key).to_owned()).or_default().insert(table.to_owned());
    }
}

/// The live schema: the objects that introspection found in a database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveSchema {
    /// Each table, or the reason why it cannot be described as data.
    pub(crate) tables: BTreeMap<String, Result<Table, String>>,
    /// The query of each view.
    pub(crate) views: BTreeMap<String, String>,
    /// The values of each enum.
    pub(crate) enums: BTreeMap<String, Vec<String>>,
    /// The text from which introspection read each table. Equal texts mean equal tables.
    pub(crate) texts: BTreeMap<String, String>,
}

/// The content of a column that was just added: equal in every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uniform {
    Null,
    Value,
}

#[derive(Clone, Debug)]
enum Before {
    Table(String, Option<Arc<Table>>),
    View(String, Option<String>),
    Enum(String, Option<Vec<String>>),
    /// The name was not unknown.
    Unknown(String),
    AllUnknown(bool),
}

/// A checked operation in full, with the table before and after it, and its inverse.
#[derive(Clone, Debug)]
pub(crate) struct CheckedOperation {
    pub(crate) operation: Operation,
    /// `None` if the table did not exist or is unknown.
    pub(crate) before: Option<Arc<Table>>,
    pub(crate) after: Option<Arc<Table>>,
    /// The operation that undoes this one.
    pub(crate) inverse: Operation,
    /// Diagnostics for values that the inverse needs and only the user can give.
    pub(crate) missing: Vec<Diagnostic>,
    /// The views that read the table, with their queries.
    pub(crate) views: Vec<(String, String)>,
    /// The new names that another table already uses. Not every database allows that.
    pub(crate) shared: Vec<NameClash>,
}

/// A new name of a constraint or an index that another table already uses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NameClash {
    pub(crate) name: String,
    /// The kind of the new object.
    pub(crate) kind: ObjectKind,
    /// The kind of the existing object, and its table.
    pub(crate) other: ObjectKind,
    pub(crate) owner: String,
    pub(crate) location: Location,
}

impl CheckedOperation {
    /// Returns a checked operation for rendering only, without an inverse.
    pub(crate) fn on(operation: Operation, before: Option<Table>, after: Option<Table>) -> CheckedOperation {
        CheckedOperation {
            before: before.map(Arc::new),
            after: after.map(Arc::new),
            ..CheckedOperation::of_unknown(operation.clone(), operation)
        }
    }

    /// Returns a checked operation on something other than a table, or on an unknown table.
    fn of_unknown(operation: Operation, inverse: Operation) -> CheckedOperation {
        CheckedOperation {
            operation,
            before: None,
            after: None,
            inverse,
            missing: Vec::new(),
            views: Vec::new(),
            shared: Vec::new(),
        }
    }
}

/// The diagnostics of an operation.
type Findings = Vec<Diagnostic>;

impl SchemaState {
    /// Creates the state of an empty database.
    pub(crate) fn new(dialect: Dialect) -> SchemaState {
        SchemaState {
            dialect,
            tables: BTreeMap::new(),
            views: BTreeMap::new(),
            enums: BTreeMap::new(),
            names: Names::default(),
            unknown: BTreeSet::new(),
            all_unknown: false,
            empty: BTreeSet::new(),
            uniform: BTreeMap::new(),
            dropped: HashMap::new(),
            journal: None,
        }
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name).map(Arc::as_ref)
    }

    /// Returns the state of a live schema. Constraints get their names from `known`, where the database stores none.
    /// Tables that cannot be described become unknown. `normalize_to` is the method of the dialect.
    pub(crate) fn of_live(
        live: &LiveSchema,
        known: &SchemaState,
        normalize_to: impl Fn(&mut Table, &Table),
    ) -> SchemaState {
        let mut state = SchemaState::new(known.dialect);
        for (view, query) in &live.views {
            state.set_view(view, Some(query.clone()));
        }
        for (name, values) in &live.enums {
            state.set_enum(name, Some(values.clone()));
        }
        for (name, table) in &live.tables {
            match table {
                Ok(table) => {
                    let mut table = table.clone();
                    if let Some(known) = known.table(name) {
                        table.adopt_constraint_names(state.dialect, known);
                        normalize_to(&mut table, known);
                    }
                    state.set_table(name, Some(Arc::new(table)));
                }
                Err(_) => {
                    state.unknown.insert(name.clone());
                }
            }
        }
        state
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values().map(Arc::as_ref)
    }

    /// Returns each view and its query.
    pub(crate) fn views(&self) -> impl Iterator<Item = (&str, &str)> {
        self.views.iter().map(|(view, query)| (view.as_str(), query.as_str()))
    }

    /// Returns each enum and its values.
    pub(crate) fn enums(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.enums
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    pub(crate) fn is_all_unknown(&self) -> bool {
        self.all_unknown
    }

    /// Returns the objects that became unknown since `before`, or `None` if any object may have.
    pub(crate) fn newly_unknown<'a>(&'a self, before: &'a SchemaState) -> Option<Vec<&'a str>> {
        if self.all_unknown && !before.all_unknown {
            return None;
        }
        Some(self.unknown.difference(&before.unknown).map(String::as_str).collect())
    }

    /// Returns true if a table or view exists, or raw SQL may have created it.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.tables.contains_key(name) || self.views.contains_key(name) || self.is_unknown(name)
    }

    /// Records that rows may be added or changed: a data step runs, or a migration ends.
    pub(crate) fn rows_may_come(&mut self) {
        self.empty.clear();
        self.uniform.clear();
    }

    /// Records that rows may be added between two rollbacks. Unlike `rows_may_come`, this keeps the uniform columns: no
    /// application fills a column that a later rollback drops.
    pub(crate) fn rows_may_come_between_rollbacks(&mut self) {
        self.empty.clear();
    }

    /// Marks objects as unknown.
    pub(crate) fn mark_unknown(&mut self, names: Vec<String>) {
        for name in names {
            self.set_table(&name, None);
            self.set_view(&name, None);
            self.set_enum(&name, None);
            self.set_unknown(name);
        }
    }

    /// Marks the table of an index as unknown, or everything if no table is known to have it.
    pub(crate) fn mark_owner_unknown(&mut self, index: &str) {
        match self.owner_of_index(index, "").map(str::to_owned) {
            Some(table) => self.mark_unknown(vec![table]),
            None => self.mark_all_unknown(),
        }
    }

    /// Records that unknown objects may exist beside the known ones.
    pub(crate) fn mark_incomplete(&mut self) {
        self.all_unknown = true;
    }

    /// Marks everything as unknown.
    pub(crate) fn mark_all_unknown(&mut self) {
        self.mark_incomplete();
        let names = self.tables.keys().chain(self.views.keys()).chain(self.enums.keys());
        let names: Vec<String> = names.cloned().collect();
        for name in names {
            self.set_table(&name, None);
            self.set_view(&name, None);
            self.set_enum(&name, None);
        }
    }

    /// Starts a savepoint, for [`rollback_to_savepoint`](SchemaState::rollback_to_savepoint).
    pub(crate) fn savepoint(&mut self) {
        self.journal = Some(vec![Before::AllUnknown(self.all_unknown)]);
    }

    pub(crate) fn rollback_to_savepoint(&mut self) {
        for before in self.journal.take().unwrap_or_default().into_iter().rev() {
            match before {
                Before::Table(name, table) => self.set_table(&name, table),
                Before::View(name, query) => self.set_view(&name, query),
                Before::Enum(name, values) => self.set_enum(&name, values),
                Before::Unknown(name) => {
                    self.unknown.remove(&name);
                }
                Before::AllUnknown(all_unknown) => self.all_unknown = all_unknown,
            }
        }
        // A savepoint starts at the end of a migration.
        self.rows_may_come();
    }

    fn set_table(&mut self, name: &str, table: Option<Arc<Table>>) {
        let before = match &table {
            Some(table) => self.tables.insert(name.to_owned(), table.clone()),
            None => self.tables.remove(name),
        };
        self.names.replace(name, before.as_deref(), table.as_deref());
        if let Some(journal) = &mut self.journal {
            journal.push(Before::Table(name.to_owned(), before));
        }
    }

    fn set_view(&mut self, name: &str, query: Option<String>) {
        let before = self.views.remove(name);
        if before.is_some() {
            self.names.objects.remove(&name.to_ascii_lowercase());
        }
        if let Some(query) = query {
            self.names.objects.insert(name.to_ascii_lowercase(), name.to_owned());
            self.views.insert(name.to_owned(), query);
        }
        if let Some(journal) = &mut self.journal {
            journal.push(Before::View(name.to_owned(), before));
        }
    }

    fn set_enum(&mut self, name: &str, values: Option<Vec<String>>) {
        let before = self.enums.remove(name);
        if before.is_some() {
            self.names.objects.remove(&name.to_ascii_lowercase());
        }
        if let Some(values) = values {
            self.names.objects.insert(name.to_ascii_lowercase(), name.to_owned());
            self.enums.insert(name.to_owned(), values);
        }
        if let Some(journal) = &mut self.journal {
            journal.push(Before::Enum(name.to_owned(), before));
        }
    }

    fn set_unknown(&mut self, name: String) {
        if self.unknown.insert(name.clone())
            && let Some(journal) = &mut self.journal
        {
            journal.push(Before::Unknown(name));
        }
    }

    /// Returns the knowledge about each name.
    pub(crate) fn known(&self, names: &BTreeSet<String>) -> Vec<TableKnowledge> {
        let known = names
            .iter()
            .map(|name| match (self.tables.get(name), self.views.get(name)) {
                _ if self.is_unknown(name) => TableKnowledge::Unknown,
                (Some(table), _) => TableKnowledge::Table(table.clone()),
                (None, Some(query)) => TableKnowledge::View(query.clone()),
                (None, None) => TableKnowledge::Nothing,
            });
        known.collect()
    }

    fn is_unknown(&self, name: &str) -> bool {
        self.all_unknown || self.unknown.contains(name)
    }

    /// Returns the foreign keys of other tables that reference this one.
    fn references_to<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a ForeignKey)> {
        let referrers = self.names.referrers.get(name).into_iter().flatten();
        referrers
            .filter_map(|referrer| self.tables.get(referrer))
            .filter(move |table| table.name != name)
            .flat_map(|table| table.foreign_keys.iter().map(|key| (table.name.as_str(), key)))
            .filter(move |(_, key)| key.to_table == name)
    }

    fn views_on<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.views
            .iter()
            .filter(move |(_, query)| sql::mentions(self.dialect, query, name))
            .map(|(view, _)| view.as_str())
    }

    /// Returns the constraints and indexes with this name in tables other than `but`, each with its table.
    fn others_named<'a>(&'a self, name: &'a str, but: &'a str) -> impl Iterator<Item = (ObjectKind, &'a str)> {
        let owners = self.names.owners.get(name).into_iter().flatten();
        let tables = owners.filter(move |owner| *owner != but);
        let tables = tables.filter_map(|owner| self.tables.get(owner));
        tables.flat_map(move |table| {
            let named = table.names().filter(move |(_, other)| *other == name);
            named.map(|(kind, _)| (kind, table.name.as_str()))
        })
    }

    /// Returns the table, other than `but`, that has an index of this name.
    fn owner_of_index<'a>(&'a self, name: &'a str, but: &'a str) -> Option<&'a str> {
        self.others_named(name, but)
            .find(|(kind, _)| *kind == ObjectKind::Index)
            .map(|(_, table)| table)
    }

    /// Returns the new names in edits of a table that another table already uses.
    fn shared_names(&self, table: &str, edits: &[LocatedEdit]) -> Vec<NameClash> {
        let added = edits
            .iter()
            .filter_map(|edit| edit.change.effects().introduces.map(|added| (edit, added)));
        let shared = added.flat_map(|(edit, (kind, name))| {
            self.others_named(name, table).map(move |(other, owner)| NameClash {
                name: name.to_owned(),
                kind,
                other,
                owner: owner.to_owned(),
                location: edit.location,
            })
        });
        shared.collect()
    }
}
