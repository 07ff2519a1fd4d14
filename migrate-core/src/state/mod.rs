//! What is known of a database, as it is folded over migrations: each operation is checked against it, changes it, and says
//! what would take it back.
//!
//! What cannot be known (raw DDL has touched it) is let through. Nothing here knows SQL or a database.

mod apply;
mod diff;
mod edit_table;
mod enums;
mod rules;
mod suggest;
mod toposort;
mod unknown_table;
mod validate;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::error::Diagnostic;
use crate::location::Location;
use crate::schema::operation::{LocatedEdit, Operation};
use crate::schema::sql_text;
use crate::schema::table::{ForeignKey, ObjectKind, Table};

use diff::TableKnowledge;
pub(crate) use toposort::toposort;

/// What is known of a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct SchemaState {
    tables: BTreeMap<String, Table>,
    /// The query of each view.
    views: BTreeMap<String, String>,
    /// The values of each enum.
    enums: BTreeMap<String, Vec<String>>,
    /// How tables, views and enums are found by what they are called.
    names: Names,
    /// What raw SQL may have made, changed or dropped, so that nothing is known of it.
    unknown: BTreeSet<String>,
    /// Raw SQL may have touched anything.
    all_unknown: bool,
    /// Tables that the migration at hand has made, and that hold no rows yet.
    empty: BTreeSet<String>,
    /// Columns that were added to rows, and that nothing has filled since: by table and column.
    uniform: BTreeMap<String, BTreeMap<String, Uniform>>,
    /// What became of tables that are not there any more.
    dropped: HashMap<String, String>,
    /// What was there before a trial began.
    journal: Option<Vec<Before>>,
}

/// The ways to find things without going over all of them, so that folding grows with the migrations and no faster.
#[derive(Clone, Debug, Default)]
struct Names {
    /// Tables, views and enums by their name in lower case.
    objects: HashMap<String, String>,
    /// The tables that have a constraint or an index of a name.
    owners: HashMap<String, BTreeSet<String>>,
    /// The tables whose foreign keys refer to a table.
    referrers: HashMap<String, BTreeSet<String>>,
}

impl Names {
    fn add(&mut self, table: &Table) {
        self.objects.insert(table.name.to_ascii_lowercase(), table.name.clone());
        for (_, name) in table.names() {
            let owners = self.owners.entry(name.to_owned()).or_default();
            owners.insert(table.name.clone());
        }
        for key in &table.foreign_keys {
            let referrers = self.referrers.entry(key.to_table.clone()).or_default();
            referrers.insert(table.name.clone());
        }
    }

    fn remove(&mut self, table: &Table) {
        self.objects.remove(&table.name.to_ascii_lowercase());
        for (_, name) in table.names() {
            if let Some(owners) = self.owners.get_mut(name) {
                owners.remove(&table.name);
            }
        }
        for key in &table.foreign_keys {
            if let Some(referrers) = self.referrers.get_mut(&key.to_table) {
                referrers.remove(&table.name);
            }
        }
    }
}

/// What a database was found to hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveSchema {
    /// Each table, or why it cannot be described as data.
    pub(crate) tables: BTreeMap<String, Result<Table, String>>,
    /// The query of each view.
    pub(crate) views: BTreeMap<String, String>,
    /// The values of each enum.
    pub(crate) enums: BTreeMap<String, Vec<String>>,
    /// What each table was read from, as the database has it; the same text, the same table.
    pub(crate) texts: BTreeMap<String, String>,
}

/// What all rows have in a column that was just added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uniform {
    Null,
    Value,
}

#[derive(Clone, Debug)]
enum Before {
    Table(String, Box<Option<Table>>),
    View(String, Option<String>),
    Enum(String, Option<Vec<String>>),
    /// It was not open.
    Unknown(String),
    AllUnknown(bool),
}

/// An operation after it was checked: in full, with the table that it changes before and after, and its inverse.
#[derive(Clone, Debug)]
pub(crate) struct CheckedOperation {
    pub(crate) operation: Operation,
    /// `None` if there was no table, or nothing is known of it.
    pub(crate) before: Option<Table>,
    pub(crate) after: Option<Table>,
    /// What takes it back.
    pub(crate) inverse: Operation,
    /// What the inverse lacks: facts that only the user can give.
    pub(crate) missing: Vec<Diagnostic>,
    /// The views that read the table, and their queries.
    pub(crate) views: Vec<(String, String)>,
    /// The names that it gives and another table has already, which not every database takes.
    pub(crate) shared: Vec<NameClash>,
}

/// A name that is given to a constraint or an index of one table, and that another table has already.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NameClash {
    pub(crate) name: String,
    /// What it is given to.
    pub(crate) kind: ObjectKind,
    /// What has it already, and in which table.
    pub(crate) other: ObjectKind,
    pub(crate) owner: String,
    pub(crate) location: Location,
}

impl CheckedOperation {
    /// One of which only the tables matter, because nobody takes it back.
    pub(crate) fn on(operation: Operation, before: Option<Table>, after: Option<Table>) -> CheckedOperation {
        CheckedOperation {
            before,
            after,
            ..CheckedOperation::of_unknown(operation.clone(), operation)
        }
    }

    /// One that is about no table, or about one of which nothing is known.
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

/// What is wrong, where.
type Findings = Vec<Diagnostic>;

impl SchemaState {
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// What was found in the database, with the names of constraints that are known of it. What cannot be described is open.
    /// `normalize_to` is the dialect's.
    pub(crate) fn of_live(
        live: &LiveSchema,
        known: &SchemaState,
        normalize_to: impl Fn(&mut Table, &Table),
    ) -> SchemaState {
        let mut model = SchemaState::default();
        for (view, query) in &live.views {
            model.set_view(view, Some(query.clone()));
        }
        for (name, values) in &live.enums {
            model.set_enum(name, Some(values.clone()));
        }
        for (name, table) in &live.tables {
            match table {
                Ok(table) => {
                    let mut table = table.clone();
                    if let Some(known) = known.table(name) {
                        table.adopt_constraint_names(known);
                        normalize_to(&mut table, known);
                    }
                    model.set_table(name, Some(table));
                }
                Err(_) => {
                    model.unknown.insert(name.clone());
                }
            }
        }
        model
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// Each view and its query.
    pub(crate) fn views(&self) -> impl Iterator<Item = (&str, &str)> {
        self.views.iter().map(|(view, query)| (view.as_str(), query.as_str()))
    }

    /// Each enum and its values.
    pub(crate) fn enums(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.enums
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    pub(crate) fn is_all_unknown(&self) -> bool {
        self.all_unknown
    }

    /// What raw SQL may have touched since a model was like `before`; `None` for anything.
    pub(crate) fn newly_unknown<'a>(&'a self, before: &'a SchemaState) -> Option<Vec<&'a str>> {
        if self.all_unknown && !before.all_unknown {
            return None;
        }
        Some(self.unknown.difference(&before.unknown).map(String::as_str).collect())
    }

    /// Whether a table or view is known, or raw SQL may have made it.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.tables.contains_key(name) || self.views.contains_key(name) || self.is_unknown(name)
    }

    /// Rows may come, or change: a data step runs, or a migration ends.
    pub(crate) fn rows_may_come(&mut self) {
        self.empty.clear();
        self.uniform.clear();
    }

    /// Rows may come between two migrations that are rolled back, but nobody fills columns that are on their way out.
    pub(crate) fn rows_may_come_between_ways_back(&mut self) {
        self.empty.clear();
    }

    /// Raw SQL may have done anything to these.
    pub(crate) fn mark_unknown(&mut self, names: Vec<String>) {
        for name in names {
            self.set_table(&name, None);
            self.set_view(&name, None);
            self.set_enum(&name, None);
            self.set_unknown(name);
        }
    }

    /// Raw SQL may have done anything to an index.
    pub(crate) fn mark_owner_unknown(&mut self, index: &str) {
        match self.owner_of_index(index, "").map(str::to_owned) {
            Some(table) => self.mark_unknown(vec![table]),
            None => self.forget(),
        }
    }

    /// There may be more than is known.
    pub(crate) fn mark_all_unknown(&mut self) {
        self.all_unknown = true;
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.mark_all_unknown();
        let names = self.tables.keys().chain(self.views.keys()).chain(self.enums.keys());
        let names: Vec<String> = names.cloned().collect();
        for name in names {
            self.set_table(&name, None);
            self.set_view(&name, None);
            self.set_enum(&name, None);
        }
    }

    /// From here on what is changed can be taken back by [`rollback_to_savepoint`](SchemaState::rollback_to_savepoint).
    pub(crate) fn savepoint(&mut self) {
        self.journal = Some(vec![Before::AllUnknown(self.all_unknown)]);
    }

    pub(crate) fn rollback_to_savepoint(&mut self) {
        for before in self.journal.take().unwrap_or_default().into_iter().rev() {
            match before {
                Before::Table(name, table) => self.set_table(&name, *table),
                Before::View(name, query) => self.set_view(&name, query),
                Before::Enum(name, values) => self.set_enum(&name, values),
                Before::Unknown(name) => {
                    self.unknown.remove(&name);
                }
                Before::AllUnknown(all_unknown) => self.all_unknown = all_unknown,
            }
        }
        // A trial begins where a migration has ended.
        self.rows_may_come();
    }

    fn set_table(&mut self, name: &str, table: Option<Table>) {
        let before = self.tables.remove(name);
        if let Some(before) = &before {
            self.names.remove(before);
        }
        if let Some(table) = table {
            self.names.add(&table);
            self.tables.insert(name.to_owned(), table);
        }
        if let Some(journal) = &mut self.journal {
            journal.push(Before::Table(name.to_owned(), Box::new(before)));
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

    /// What is known under some names.
    pub(crate) fn known(&self, names: &BTreeSet<String>) -> Vec<TableKnowledge> {
        let known = names
            .iter()
            .map(|name| match (self.tables.get(name), self.views.get(name)) {
                _ if self.is_unknown(name) => TableKnowledge::Unknown,
                (Some(table), _) => TableKnowledge::Table(Box::new(table.clone())),
                (None, Some(query)) => TableKnowledge::View(query.clone()),
                (None, None) => TableKnowledge::Nothing,
            });
        known.collect()
    }

    fn is_unknown(&self, name: &str) -> bool {
        self.all_unknown || self.unknown.contains(name)
    }

    /// The foreign keys of other tables that refer to one.
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
            .filter(move |(_, query)| sql_text::mentions(query, name))
            .map(|(view, _)| view.as_str())
    }

    /// The constraints and indexes of a name in tables other than `but`, each with its table.
    fn others_named<'a>(&'a self, name: &'a str, but: &'a str) -> impl Iterator<Item = (ObjectKind, &'a str)> {
        let owners = self.names.owners.get(name).into_iter().flatten();
        let tables = owners.filter(move |owner| *owner != but);
        let tables = tables.filter_map(|owner| self.tables.get(owner));
        tables.flat_map(move |table| {
            let named = table.names().filter(move |(_, other)| *other == name);
            named.map(|(kind, _)| (kind, table.name.as_str()))
        })
    }

    /// The table, other than `but`, that has an index of this name.
    fn owner_of_index<'a>(&'a self, name: &'a str, but: &'a str) -> Option<&'a str> {
        self.others_named(name, but)
            .find(|(kind, _)| *kind == ObjectKind::Index)
            .map(|(_, table)| table)
    }

    /// The names that edits of a table give and another table has already.
    fn shared_names(&self, table: &str, edits: &[LocatedEdit]) -> Vec<NameClash> {
        let added = edits
            .iter()
            .filter_map(|edit| edit.change.added().map(|added| (edit, added)));
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
