//! What is known of a database, as it is folded over migrations: each operation is checked against it, changes it, and says
//! what would take it back.
//!
//! What cannot be known (raw DDL has touched it) is let through. Nothing here knows SQL or a database.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::near::nearest;
use super::operation::{Change, Edit, Operation};
use super::table::{ForeignKey, IndexOn, Table};
use super::{names, sql_text};
use crate::error::Problem;
use crate::place::Place;

/// What is known of a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    tables: BTreeMap<String, Table>,
    /// The query of each view.
    views: BTreeMap<String, String>,
    /// How tables and views are found by what they are called.
    names: Names,
    /// What raw SQL may have made, changed or dropped, so that nothing is known of it.
    open: BTreeSet<String>,
    /// Raw SQL may have touched anything.
    all_open: bool,
    /// Tables that the migration at hand has made, and that hold no rows yet.
    empty: BTreeSet<String>,
    /// Columns that were added to rows, and that nothing has filled since: by table and column.
    same: BTreeMap<String, BTreeMap<String, Same>>,
    /// What was there before a trial began.
    journal: Option<Vec<Before>>,
}

/// The ways to find things without going over all of them, so that folding grows with the migrations and no faster.
#[derive(Clone, Debug, Default)]
struct Names {
    /// Tables and views by their name in lower case.
    objects: HashMap<String, String>,
    /// The table of each index.
    indexes: HashMap<String, String>,
    /// The tables whose foreign keys refer to a table.
    referrers: HashMap<String, BTreeSet<String>>,
}

impl Names {
    fn add(&mut self, table: &Table) {
        self.objects.insert(table.name.to_ascii_lowercase(), table.name.clone());
        for index in &table.indexes {
            self.indexes.insert(index.name.clone(), table.name.clone());
        }
        for key in &table.foreign_keys {
            let referrers = self.referrers.entry(key.to_table.clone()).or_default();
            referrers.insert(table.name.clone());
        }
    }

    fn remove(&mut self, table: &Table) {
        self.objects.remove(&table.name.to_ascii_lowercase());
        for index in &table.indexes {
            self.indexes.remove(&index.name);
        }
        for key in &table.foreign_keys {
            if let Some(referrers) = self.referrers.get_mut(&key.to_table) {
                referrers.remove(&table.name);
            }
        }
    }
}

/// What a database was found to hold.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Each table, or why it cannot be described as data.
    pub(crate) tables: BTreeMap<String, Result<Table, String>>,
    /// The query of each view.
    pub(crate) views: BTreeMap<String, String>,
}

/// What all rows have in a column that was just added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Same {
    Null,
    Value,
}

#[derive(Clone, Debug)]
enum Before {
    Table(String, Box<Option<Table>>),
    View(String, Option<String>),
    /// It was not open.
    Open(String),
    AllOpen(bool),
}

/// An operation after it was checked: in full, with the table that it changes before and after, and its inverse.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) operation: Operation,
    /// `None` if there was no table, or nothing is known of it.
    pub(crate) before: Option<Table>,
    pub(crate) after: Option<Table>,
    /// What takes it back.
    pub(crate) inverse: Operation,
    /// What the inverse lacks: facts that only the user can give.
    pub(crate) missing: Vec<Problem>,
}

/// What is wrong, where.
type Findings = Vec<Problem>;

impl Model {
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// What was found in the database, with the names of constraints that are known of it. What cannot be described is open.
    pub(crate) fn of_live(live: &Live, known: &Model) -> Model {
        let mut model = Model::default();
        for (view, query) in &live.views {
            model.set_view(view, Some(query.clone()));
        }
        for (name, table) in &live.tables {
            match table {
                Ok(table) => {
                    let mut table = table.clone();
                    if let Some(known) = known.table(name) {
                        table.take_names(known);
                    }
                    model.set_table(name, Some(table));
                }
                Err(_) => {
                    model.open.insert(name.clone());
                }
            }
        }
        model
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    pub(crate) fn is_all_open(&self) -> bool {
        self.all_open
    }

    /// Whether a table is known, or raw SQL may have made it.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.tables.contains_key(name) || self.is_open(name)
    }

    /// Rows may come, or change: a data step runs, or a migration ends.
    pub(crate) fn rows_may_come(&mut self) {
        self.empty.clear();
        self.same.clear();
    }

    /// Rows may come between two migrations that are rolled back, but nobody fills columns that are on their way out.
    pub(crate) fn rows_may_come_between_ways_back(&mut self) {
        self.empty.clear();
    }

    /// Raw SQL may have done anything to these.
    pub(crate) fn open(&mut self, names: Vec<String>) {
        for name in names {
            self.set_table(&name, None);
            self.set_view(&name, None);
            self.set_open(name);
        }
    }

    /// There may be more than is known.
    pub(crate) fn open_all(&mut self) {
        self.all_open = true;
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.open_all();
        let names: Vec<String> = self.tables.keys().chain(self.views.keys()).cloned().collect();
        for name in names {
            self.set_table(&name, None);
            self.set_view(&name, None);
        }
    }

    /// From here on what is changed can be taken back by [`rewind`](Model::rewind).
    pub(crate) fn begin_trial(&mut self) {
        self.journal = Some(vec![Before::AllOpen(self.all_open)]);
    }

    pub(crate) fn rewind(&mut self) {
        for before in self.journal.take().unwrap_or_default().into_iter().rev() {
            match before {
                Before::Table(name, table) => self.set_table(&name, *table),
                Before::View(name, query) => self.set_view(&name, query),
                Before::Open(name) => {
                    self.open.remove(&name);
                }
                Before::AllOpen(all_open) => self.all_open = all_open,
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

    fn set_open(&mut self, name: String) {
        if self.open.insert(name.clone())
            && let Some(journal) = &mut self.journal
        {
            journal.push(Before::Open(name));
        }
    }

    fn is_open(&self, name: &str) -> bool {
        self.all_open || self.open.contains(name)
    }

    /// Checks an operation, carries it out on the model, and says what it is in full.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. The model is as it was then.
    pub(crate) fn apply(&mut self, operation: &Operation, place: Place) -> Result<Applied, Findings> {
        let at = |message: String| {
            vec![Problem {
                place: Some(place),
                message,
            }]
        };
        match operation {
            Operation::CreateTable { table, edits } => self.create_table(table, edits, place),
            Operation::AlterTable { table, edits } => self.alter_table(table, edits, place),
            Operation::DropTable { table } => self.drop_table(table, place),
            Operation::RenameTable { from, to } => self.rename_table(from, to).map_err(at),
            Operation::CreateView { view, query } => self.create_view(view, query).map_err(at),
            Operation::DropView { view } => self.drop_view(view, place).map_err(at),
        }
    }

    /// That a table or view may be called so.
    fn check_free(&self, name: &str) -> Result<(), String> {
        check_name(name)?;
        match self.names.objects.get(&name.to_ascii_lowercase()) {
            Some(there) if self.views.contains_key(there) => Err(format!("there is a view `{there}` already")),
            Some(there) => Err(format!("there is a table `{there}` already")),
            None => Ok(()),
        }
    }

    fn unknown_table(&self, name: &str) -> String {
        let near = nearest(name, self.tables.keys().map(String::as_str));
        match near {
            Some(near) => format!("there is no table `{name}`; `{near}` is near"),
            None => format!(
                "there is no table `{name}`; if the database has it already, say what it is with `schema.declare(..)`"
            ),
        }
    }

    fn create_table(&mut self, name: &str, edits: &[Edit], place: Place) -> Result<Applied, Findings> {
        let mut findings = Findings::new();
        if let Err(message) = self.check_free(name) {
            findings.push(problem(place, message));
        }
        let empty = Table {
            name: name.to_owned(),
            ..Table::default()
        };
        let mut editing = Editing::new(self, empty, true);
        editing.all(edits);
        if !edits.iter().any(|edit| matches!(edit.change, Change::AddColumn { .. })) {
            editing.findings.push(problem(
                place,
                format!("table `{name}` has no columns; add one at least"),
            ));
        }
        let Editing {
            table,
            forward,
            findings: more,
            ..
        } = editing;
        findings.extend(more);
        if !findings.is_empty() {
            return Err(findings);
        }
        self.set_table(name, Some(table.clone()));
        self.empty.insert(name.to_owned());
        Ok(Applied {
            operation: Operation::CreateTable {
                table: name.to_owned(),
                edits: forward,
            },
            before: None,
            after: Some(table),
            inverse: Operation::DropTable { table: name.to_owned() },
            missing: Vec::new(),
        })
    }

    fn alter_table(&mut self, name: &str, edits: &[Edit], place: Place) -> Result<Applied, Findings> {
        let Some(before) = self.tables.get(name).cloned() else {
            if self.is_open(name) {
                return alter_unknown(name, edits, place);
            }
            return Err(vec![problem(place, self.unknown_table(name))]);
        };
        if edits.is_empty() {
            return Err(vec![problem(
                place,
                format!("nothing of `{name}` is changed; say what, or leave the call out"),
            )]);
        }
        let is_empty = self.empty.contains(name);
        let mut editing = Editing::new(self, before.clone(), is_empty);
        editing.same = self.same.get(name).cloned().unwrap_or_default();
        editing.all(edits);
        let Editing {
            table,
            forward,
            mut back,
            missing,
            findings,
            renames,
            same,
            ..
        } = editing;
        if !findings.is_empty() {
            return Err(findings);
        }
        for (from, to) in renames {
            self.rename_referred_column(name, &from, &to);
        }
        if same.is_empty() {
            self.same.remove(name);
        } else {
            self.same.insert(name.to_owned(), same);
        }
        // References of the table to itself were renamed with it.
        self.set_table(name, Some(table.clone()));
        back.reverse();
        Ok(Applied {
            operation: Operation::AlterTable {
                table: name.to_owned(),
                edits: forward,
            },
            before: Some(before),
            after: Some(table),
            inverse: Operation::AlterTable {
                table: name.to_owned(),
                edits: back,
            },
            missing,
        })
    }

    fn drop_table(&mut self, name: &str, place: Place) -> Result<Applied, Findings> {
        let Some(before) = self.tables.get(name).cloned() else {
            if self.is_open(name) {
                return Ok(Applied {
                    operation: Operation::DropTable { table: name.to_owned() },
                    before: None,
                    after: None,
                    inverse: Operation::DropTable { table: name.to_owned() },
                    missing: vec![problem(place, made_by_raw_sql(name))],
                });
            }
            return Err(vec![problem(place, self.unknown_table(name))]);
        };
        let mut findings = Findings::new();
        for (referrer, foreign_key) in self.references_to(name) {
            findings.push(problem(
                place,
                format!(
                    "`{referrer}` refers to `{name}` by the foreign key `{}`; drop that first",
                    foreign_key.name
                ),
            ));
        }
        findings.extend(self.views_on(name).map(|view| {
            problem(
                place,
                format!("the view `{view}` reads `{name}`; drop it first, and make it anew if it is needed"),
            )
        }));
        if !findings.is_empty() {
            return Err(findings);
        }
        self.set_table(name, None);
        self.empty.remove(name);
        self.same.remove(name);
        let edits = before.changes().into_iter().map(|change| Edit { change, place });
        Ok(Applied {
            operation: Operation::DropTable { table: name.to_owned() },
            inverse: Operation::CreateTable {
                table: name.to_owned(),
                edits: edits.collect(),
            },
            before: Some(before),
            after: None,
            missing: Vec::new(),
        })
    }

    fn rename_table(&mut self, from: &str, to: &str) -> Result<Applied, String> {
        let operation = Operation::RenameTable {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let inverse = Operation::RenameTable {
            from: to.to_owned(),
            to: from.to_owned(),
        };
        let Some(before) = self.tables.get(from).cloned() else {
            if self.is_open(from) {
                self.set_open(to.to_owned());
                return Ok(Applied {
                    operation,
                    before: None,
                    after: None,
                    inverse,
                    missing: Vec::new(),
                });
            }
            return Err(self.unknown_table(from));
        };
        if from == to {
            return Err(format!("`{from}` is its name already"));
        }
        if !from.eq_ignore_ascii_case(to) {
            self.check_free(to)?;
        }
        if let Some(view) = self.views_on(from).next() {
            return Err(format!(
                "the view `{view}` reads `{from}`; drop it first, and make it anew with the new name"
            ));
        }
        let mut after = before.clone();
        after.name = to.to_owned();
        if !before.triggers.is_empty() {
            // The database writes the new name into their texts, in its own way.
            self.set_table(from, None);
            self.set_open(to.to_owned());
            return Ok(Applied {
                operation,
                before: None,
                after: None,
                inverse,
                missing: Vec::new(),
            });
        }
        for foreign_key in after.foreign_keys.iter_mut().filter(|key| key.to_table == from) {
            foreign_key.to_table = to.to_owned();
        }
        let referrers: Vec<String> = self.references_to(from).map(|(table, _)| table.to_owned()).collect();
        for referrer in referrers {
            if let Some(mut table) = self.tables.get(&referrer).cloned() {
                for foreign_key in table.foreign_keys.iter_mut().filter(|key| key.to_table == from) {
                    foreign_key.to_table = to.to_owned();
                }
                self.set_table(&referrer, Some(table));
            }
        }
        self.set_table(from, None);
        self.set_table(to, Some(after.clone()));
        if self.empty.remove(from) {
            self.empty.insert(to.to_owned());
        }
        if let Some(same) = self.same.remove(from) {
            self.same.insert(to.to_owned(), same);
        }
        Ok(Applied {
            operation,
            before: Some(before),
            after: Some(after),
            inverse,
            missing: Vec::new(),
        })
    }

    fn create_view(&mut self, view: &str, query: &str) -> Result<Applied, String> {
        self.check_free(view)?;
        sql_text::check_expression(query).map_err(|why| format!("the query of the view `{view}`: {why}"))?;
        self.set_view(view, Some(query.to_owned()));
        Ok(Applied {
            operation: Operation::CreateView {
                view: view.to_owned(),
                query: query.to_owned(),
            },
            before: None,
            after: None,
            inverse: Operation::DropView { view: view.to_owned() },
            missing: Vec::new(),
        })
    }

    fn drop_view(&mut self, view: &str, place: Place) -> Result<Applied, String> {
        let operation = Operation::DropView { view: view.to_owned() };
        let Some(query) = self.views.get(view).cloned() else {
            if self.is_open(view) {
                return Ok(Applied {
                    inverse: operation.clone(),
                    operation,
                    before: None,
                    after: None,
                    missing: vec![problem(place, made_by_raw_sql(view))],
                });
            }
            return Err(match nearest(view, self.views.keys().map(String::as_str)) {
                Some(near) => format!("there is no view `{view}`; `{near}` is near"),
                None => format!("there is no view `{view}`"),
            });
        };
        if let Some(other) = self.views_on(view).find(|other| *other != view) {
            return Err(format!("the view `{other}` reads `{view}`; drop it first"));
        }
        self.set_view(view, None);
        Ok(Applied {
            operation,
            before: None,
            after: None,
            inverse: Operation::CreateView {
                view: view.to_owned(),
                query,
            },
            missing: Vec::new(),
        })
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

    fn rename_referred_column(&mut self, name: &str, from: &str, to: &str) {
        let referrers: Vec<String> = self.references_to(name).map(|(table, _)| table.to_owned()).collect();
        for referrer in referrers {
            if let Some(mut table) = self.tables.get(&referrer).cloned() {
                for key in table.foreign_keys.iter_mut().filter(|key| key.to_table == name) {
                    rename_in(&mut key.to_columns, from, to);
                }
                self.set_table(&referrer, Some(table));
            }
        }
    }

    /// The table, other than `but`, that has an index or a constraint of this name.
    fn owner_of_index(&self, name: &str, but: &str) -> Option<&str> {
        self.names
            .indexes
            .get(name)
            .map(String::as_str)
            .filter(|table| *table != but)
    }
}

fn problem(place: Place, message: impl Into<String>) -> Problem {
    Problem {
        place: Some(place),
        message: message.into(),
    }
}

fn made_by_raw_sql(name: &str) -> String {
    format!(
        "`{name}` was made by raw SQL, so how to make it again is not known; say what that made with `.changes(..)`"
    )
}

fn rename_in(names: &mut [String], from: &str, to: &str) {
    for name in names.iter_mut().filter(|name| *name == from) {
        to.clone_into(name);
    }
}

/// That something may be called so on every database.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("a name is empty".to_owned());
    }
    if name.len() > names::LONGEST {
        return Err(format!(
            "the name `{name}` has {} bytes, and databases take {}; shorten it",
            name.len(),
            names::LONGEST
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("the name {name:?} holds a control character; take it out"));
    }
    Ok(())
}

/// Changes of a table of which nothing is known: what does not need to know it goes through.
fn alter_unknown(name: &str, edits: &[Edit], place: Place) -> Result<Applied, Findings> {
    let mut back = Vec::new();
    let mut missing = Vec::new();
    for edit in edits {
        match inverse_unseen(&edit.change) {
            Some(change) => back.push(Edit {
                change,
                place: edit.place,
            }),
            None => missing.push(problem(
                edit.place,
                format!(
                    "what `{name}` was before this is not known, because raw SQL may have changed it; say what that did with \
                     `.changes(..)`"
                ),
            )),
        }
    }
    if edits.is_empty() {
        return Err(vec![problem(
            place,
            format!("nothing of `{name}` is changed; say what, or leave the call out"),
        )]);
    }
    back.reverse();
    Ok(Applied {
        operation: Operation::AlterTable {
            table: name.to_owned(),
            edits: edits.to_vec(),
        },
        before: None,
        after: None,
        inverse: Operation::AlterTable {
            table: name.to_owned(),
            edits: back,
        },
        missing,
    })
}

/// The inverse of what needs no knowledge to be taken back.
fn inverse_unseen(change: &Change) -> Option<Change> {
    Some(match change {
        Change::AddColumn { column, .. } => Change::DropColumn {
            column: column.name.clone(),
            fill: None,
        },
        Change::RenameColumn { from, to } => Change::RenameColumn {
            from: to.clone(),
            to: from.clone(),
        },
        Change::SetNotNull { column } => Change::DropNotNull { column: column.clone() },
        Change::DropNotNull { column } => Change::SetNotNull { column: column.clone() },
        Change::AddPrimaryKey(_) => Change::DropPrimaryKey,
        Change::AddUnique(unique) => Change::DropConstraint {
            constraint: unique.name.clone(),
        },
        Change::AddCheck(check) => Change::DropConstraint {
            constraint: check.name.clone(),
        },
        Change::AddForeignKey(foreign_key) => Change::DropConstraint {
            constraint: foreign_key.name.clone(),
        },
        Change::AddIndex(index) => Change::DropIndex {
            index: index.name.clone(),
        },
        Change::RenameIndex { from, to } => Change::RenameIndex {
            from: to.clone(),
            to: from.clone(),
        },
        Change::DropColumn { .. }
        | Change::SetType { .. }
        | Change::SetDefault { .. }
        | Change::DropDefault { .. }
        | Change::SetComment { .. }
        | Change::DropPrimaryKey
        | Change::DropConstraint { .. }
        | Change::DropIndex { .. } => return None,
    })
}

/// A table while it is edited.
struct Editing<'a> {
    model: &'a Model,
    table: Table,
    /// It holds no rows: it is new.
    is_empty: bool,
    /// Its columns that have the same in every row.
    same: BTreeMap<String, Same>,
    /// The edits in full.
    forward: Vec<Edit>,
    /// What takes them back, in the order of the edits.
    back: Vec<Edit>,
    missing: Vec<Problem>,
    findings: Findings,
    /// Columns of the table that were renamed, for those who refer to them.
    renames: Vec<(String, String)>,
}

impl<'a> Editing<'a> {
    fn new(model: &'a Model, table: Table, is_empty: bool) -> Editing<'a> {
        Editing {
            model,
            table,
            is_empty,
            same: BTreeMap::new(),
            forward: Vec::new(),
            back: Vec::new(),
            missing: Vec::new(),
            findings: Findings::new(),
            renames: Vec::new(),
        }
    }

    fn all(&mut self, edits: &[Edit]) {
        for edit in edits {
            if let Err(message) = self.one(edit) {
                self.findings.push(problem(edit.place, message));
                // What names a refused column is not to be blamed as well.
                if let Change::AddColumn { column, .. } = &edit.change
                    && self.table.column(&column.name).is_none()
                {
                    self.table.columns.push(column.clone());
                }
            }
        }
        if self.findings.is_empty() {
            self.check_whole(edits);
        }
    }

    /// An edit and its inverse.
    fn done(&mut self, place: Place, change: Change, inverse: Change) {
        self.forward.push(Edit { change, place });
        self.back.push(Edit { change: inverse, place });
    }

    fn one(&mut self, edit: &Edit) -> Result<(), String> {
        let place = edit.place;
        let change = edit.change.clone();
        let inverse = match &change {
            Change::AddColumn { column, fill } => {
                self.add_column(column, fill.as_ref())?;
                Change::DropColumn {
                    column: column.name.clone(),
                    fill: None,
                }
            }
            Change::DropColumn { column, fill } => {
                self.drop_what_is_on(column, place)?;
                let position = self.position(column)?;
                let dropped = self.table.columns.remove(position);
                self.same.remove(column);
                let needs_value =
                    !dropped.nullable && dropped.default.is_none() && dropped.generated.is_none() && !self.is_empty;
                if needs_value && fill.is_none() {
                    self.missing.push(problem(
                        place,
                        format!(
                            "`{column}` is NOT NULL and has no default, so its way back has to know what rows get: add \
                             `.undo_fill(..)`"
                        ),
                    ));
                }
                Change::AddColumn {
                    column: dropped,
                    fill: fill.clone(),
                }
            }
            Change::RenameColumn { from, to } => {
                self.rename_column(from, to)?;
                Change::RenameColumn {
                    from: to.clone(),
                    to: from.clone(),
                }
            }
            Change::SetType {
                column,
                to,
                using,
                undo_using,
            } => {
                for expression in using.iter().chain(undo_using) {
                    sql_text::check_expression(expression).map_err(|why| format!("the expression: {why}"))?;
                }
                self.check_type_is_free(column)?;
                let there = self.column_mut(column)?;
                if there.column_type == *to {
                    return Err(format!("`{column}` is of that type already"));
                }
                let from = std::mem::replace(&mut there.column_type, to.clone());
                Change::SetType {
                    column: column.clone(),
                    to: from,
                    using: undo_using.clone(),
                    undo_using: using.clone(),
                }
            }
            Change::SetNotNull { column } => {
                let is_null = self.same.get(column) == Some(&Same::Null);
                let there = self.column_mut(column)?;
                if !there.nullable {
                    return Err(format!("`{column}` is NOT NULL already"));
                }
                if is_null {
                    return Err(format!(
                        "`{column}` was just added and is NULL in every row; fill it first, or add it with `.fill(..)` (on \
                         the way back: `.undo_fill(..)`)"
                    ));
                }
                there.nullable = false;
                Change::DropNotNull { column: column.clone() }
            }
            Change::DropNotNull { column } => {
                let in_key = self
                    .table
                    .primary_key
                    .as_ref()
                    .is_some_and(|key| key.columns.contains(column));
                if in_key {
                    return Err(format!("`{column}` is part of the primary key, which is never NULL"));
                }
                let there = self.column_mut(column)?;
                if there.nullable {
                    return Err(format!("`{column}` may be NULL already"));
                }
                there.nullable = true;
                Change::SetNotNull { column: column.clone() }
            }
            Change::SetDefault { column, default } => {
                check_default(default)?;
                let there = self.column_mut(column)?;
                if there.generated.is_some() {
                    return Err(format!("`{column}` is generated and cannot have a default"));
                }
                match there.default.replace(default.clone()) {
                    Some(default) => Change::SetDefault {
                        column: column.clone(),
                        default,
                    },
                    None => Change::DropDefault { column: column.clone() },
                }
            }
            Change::DropDefault { column } => {
                let default = self
                    .column_mut(column)?
                    .default
                    .take()
                    .ok_or_else(|| format!("`{column}` has no default"))?;
                Change::SetDefault {
                    column: column.clone(),
                    default,
                }
            }
            Change::SetComment { column, comment } => {
                let kept = match column {
                    Some(column) => &mut self.column_mut(column)?.comment,
                    None => &mut self.table.comment,
                };
                Change::SetComment {
                    column: column.clone(),
                    comment: std::mem::replace(kept, comment.clone()),
                }
            }
            Change::AddPrimaryKey(key) => {
                if let Some(there) = &self.table.primary_key {
                    return Err(format!(
                        "`{}` has a primary key already, on {}; for one of several columns write `t.primary_key([..])`",
                        self.table.name,
                        listed(&there.columns)
                    ));
                }
                self.check_constraint(&key.name, &key.columns)?;
                self.check_not_all_same(&key.name, &key.columns)?;
                self.table.primary_key = Some(key.clone());
                Change::DropPrimaryKey
            }
            Change::DropPrimaryKey => {
                let key = self
                    .table
                    .primary_key
                    .take()
                    .ok_or_else(|| format!("`{}` has no primary key", self.table.name))?;
                if let Err(message) = self.check_still_unique(&key.columns) {
                    self.table.primary_key = Some(key);
                    return Err(message);
                }
                Change::AddPrimaryKey(key)
            }
            Change::AddUnique(unique) => {
                self.check_constraint(&unique.name, &unique.columns)?;
                self.check_not_all_same(&unique.name, &unique.columns)?;
                self.table.uniques.push(unique.clone());
                Change::DropConstraint {
                    constraint: unique.name.clone(),
                }
            }
            Change::AddCheck(check) => {
                self.check_constraint_name(&check.name)?;
                sql_text::check_expression(&check.expression)
                    .map_err(|why| format!("the expression of `{}`: {why}", check.name))?;
                self.table.checks.push(check.clone());
                Change::DropConstraint {
                    constraint: check.name.clone(),
                }
            }
            Change::AddForeignKey(key) => {
                self.check_constraint(&key.name, &key.columns)?;
                self.table.foreign_keys.push(key.clone());
                Change::DropConstraint {
                    constraint: key.name.clone(),
                }
            }
            Change::DropConstraint { constraint } => self.drop_constraint(constraint)?,
            Change::AddIndex(index) => {
                check_name(&index.name)?;
                self.check_index_is_free(&index.name)?;
                if index.keys.is_empty() {
                    return Err(format!("the index `{}` is on no columns", index.name));
                }
                for key in &index.keys {
                    match &key.on {
                        IndexOn::Column(column) => {
                            self.position(column)?;
                        }
                        IndexOn::Expression(sql) => sql_text::check_expression(sql)
                            .map_err(|why| format!("the expression in `{}`: {why}", index.name))?,
                    }
                }
                if let Some(filter) = &index.filter {
                    sql_text::check_expression(filter)
                        .map_err(|why| format!("the filter of `{}`: {why}", index.name))?;
                }
                if let Some(columns) = index.columns().filter(|_| index.unique && index.filter.is_none()) {
                    self.check_not_all_same(&index.name, &columns)?;
                }
                self.table.indexes.push(index.clone());
                Change::DropIndex {
                    index: index.name.clone(),
                }
            }
            Change::DropIndex { index } => {
                let position = self.index_position(index)?;
                let dropped = self.table.indexes.remove(position);
                if let Some(columns) = dropped.columns().filter(|_| dropped.unique)
                    && let Err(message) = self.check_still_unique(&columns)
                {
                    self.table.indexes.insert(position, dropped);
                    return Err(message);
                }
                Change::AddIndex(dropped)
            }
            Change::RenameIndex { from, to } => {
                check_name(to)?;
                self.check_index_is_free(to)?;
                let position = self.index_position(from)?;
                to.clone_into(&mut self.table.indexes[position].name);
                Change::RenameIndex {
                    from: to.clone(),
                    to: from.clone(),
                }
            }
        };
        self.done(place, change, inverse);
        Ok(())
    }

    /// That columns which want different values in each row do not all have the same.
    fn check_not_all_same(&self, name: &str, columns: &[String]) -> Result<(), String> {
        let is_same = columns.iter().all(|column| self.same.get(column) == Some(&Same::Value));
        if !is_same {
            return Ok(());
        }
        Err(format!(
            "{} was just added and is the same in every row, and `{name}` wants it different; add it with `.fill_sql(..)` \
             and an expression that gives each row its own (on the way back: `.undo_fill_sql(..)`)",
            listed(columns)
        ))
    }

    fn add_column(
        &mut self,
        column: &super::table::Column,
        fill: Option<&super::column_type::DefaultValue>,
    ) -> Result<(), String> {
        use super::column_type::DefaultValue;

        let name = &column.name;
        check_name(name)?;
        if let Some(there) = self
            .table
            .columns
            .iter()
            .find(|there| there.name.eq_ignore_ascii_case(name))
        {
            return Err(format!("`{}` has a column `{}` already", self.table.name, there.name));
        }
        if let Some(default) = &column.default {
            check_default(default)?;
            if column.generated.is_some() {
                return Err(format!(
                    "`{name}` is generated and cannot have a default; leave one of them out"
                ));
            }
        }
        if let Some(generated) = &column.generated {
            sql_text::check_expression(&generated.expression)
                .map_err(|why| format!("the expression of `{name}`: {why}"))?;
        }
        if column.auto_increment && !column.column_type.is_integer() {
            return Err(format!("`{name}` is no whole number, and only those are counted up"));
        }
        if let super::column_type::ColumnType::Named(type_name) = &column.column_type {
            check_type_name(type_name)?;
        }
        if let Some(fill) = fill {
            check_default(fill)?;
        }
        let has_value = column.nullable
            || column.default.is_some()
            || column.generated.is_some()
            || column.auto_increment
            || fill.is_some();
        if !self.is_empty && !has_value {
            return Err(format!(
                "`{}` may hold rows, and `{name}` is NOT NULL without a default; add `.default(..)`, `.nullable()`, or \
                 `.fill(..)` for the rows that are there",
                self.table.name
            ));
        }
        self.table.columns.push(column.clone());
        let same = match (fill, &column.default) {
            // Who fills with an expression knows what it gives.
            (Some(DefaultValue::Expression(_)), _) => None,
            (None, Some(DefaultValue::Expression(sql))) if differs_by_row(sql) => None,
            (Some(_), _) | (None, Some(_)) => Some(Same::Value),
            (None, None) if column.generated.is_none() && !column.auto_increment => Some(Same::Null),
            (None, None) => None,
        };
        if let Some(same) = same.filter(|_| !self.is_empty) {
            self.same.insert(column.name.clone(), same);
        }
        Ok(())
    }

    /// Drops the indexes and constraints that are on a column alone, and refuses if more depends on it.
    fn drop_what_is_on(&mut self, column: &str, place: Place) -> Result<(), String> {
        self.position(column)?;
        let name = self.table.name.clone();
        let alone = [column.to_owned()];
        let needed = |what: String| Err(format!("{what} needs `{column}`; drop that first"));
        let table = &self.table;
        if table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns.iter().any(|part| part == column))
        {
            return needed(format!("the primary key of `{name}`"));
        }
        if let Some((referrer, key)) = self
            .model
            .references_to(&name)
            .find(|(_, key)| key.to_columns.iter().any(|part| part == column))
        {
            return needed(format!("the foreign key `{}` of `{referrer}`", key.name));
        }
        let shares = |columns: &[String]| columns != alone && columns.iter().any(|part| part == column);
        if let Some(unique) = table.uniques.iter().find(|unique| shares(&unique.columns)) {
            return needed(format!("the constraint `{}`", unique.name));
        }
        if let Some(key) = table.foreign_keys.iter().find(|key| shares(&key.columns)) {
            return needed(format!("the constraint `{}`", key.name));
        }
        if let Some(check) = table
            .checks
            .iter()
            .find(|check| sql_text::mentions(&check.expression, column))
        {
            return needed(format!("the constraint `{}`", check.name));
        }
        let uses = |index: &super::table::Index| {
            index.columns().is_none_or(|columns| shares(&columns))
                && index.keys.iter().any(|key| match &key.on {
                    IndexOn::Column(part) => part == column,
                    IndexOn::Expression(sql) => sql_text::mentions(sql, column),
                })
                || index
                    .filter
                    .as_ref()
                    .is_some_and(|filter| sql_text::mentions(filter, column))
        };
        if let Some(index) = table.indexes.iter().find(|index| uses(index)) {
            return needed(format!("the index `{}`", index.name));
        }
        if let Some(generated) = table.columns.iter().find(|other| {
            other
                .generated
                .as_ref()
                .is_some_and(|generated| sql_text::mentions(&generated.expression, column))
        }) {
            return needed(format!("the generated column `{}`", generated.name));
        }
        let drops: Vec<Change> = table
            .foreign_keys
            .iter()
            .filter(|key| key.columns == alone)
            .map(|key| key.name.clone())
            .chain(
                table
                    .uniques
                    .iter()
                    .filter(|unique| unique.columns == alone)
                    .map(|unique| unique.name.clone()),
            )
            .map(|constraint| Change::DropConstraint { constraint })
            .chain(
                table
                    .indexes
                    .iter()
                    .filter(|index| index.columns().is_some_and(|columns| columns == alone))
                    .map(|index| Change::DropIndex {
                        index: index.name.clone(),
                    }),
            )
            .collect();
        for change in drops {
            self.one(&Edit { change, place })?;
        }
        Ok(())
    }

    fn rename_column(&mut self, from: &str, to: &str) -> Result<(), String> {
        check_name(to)?;
        let position = self.position(from)?;
        let taken = |there: &super::table::Column| there.name != from && there.name.eq_ignore_ascii_case(to);
        if from == to || self.table.columns.iter().any(taken) {
            return Err(format!("`{}` has a column `{to}` already", self.table.name));
        }
        let table = &mut self.table;
        to.clone_into(&mut table.columns[position].name);
        if let Some(key) = &mut table.primary_key {
            rename_in(&mut key.columns, from, to);
        }
        for unique in &mut table.uniques {
            rename_in(&mut unique.columns, from, to);
        }
        for check in &mut table.checks {
            check.expression = sql_text::renamed(&check.expression, from, to);
        }
        for column in &mut table.columns {
            if let Some(generated) = &mut column.generated {
                generated.expression = sql_text::renamed(&generated.expression, from, to);
            }
        }
        for key in &mut table.foreign_keys {
            rename_in(&mut key.columns, from, to);
            if key.to_table == table.name {
                rename_in(&mut key.to_columns, from, to);
            }
        }
        for index in &mut table.indexes {
            index.rename_column(from, to);
        }
        if let Some(same) = self.same.remove(from) {
            self.same.insert(to.to_owned(), same);
        }
        self.renames.push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn drop_constraint(&mut self, name: &str) -> Result<Change, String> {
        let table = &mut self.table;
        if let Some(at) = table.uniques.iter().position(|unique| unique.name == name) {
            let unique = table.uniques.remove(at);
            if let Err(message) = self.check_still_unique(&unique.columns) {
                self.table.uniques.insert(at, unique);
                return Err(message);
            }
            return Ok(Change::AddUnique(unique));
        }
        if let Some(at) = table.checks.iter().position(|check| check.name == name) {
            return Ok(Change::AddCheck(table.checks.remove(at)));
        }
        if let Some(at) = table.foreign_keys.iter().position(|key| key.name == name) {
            return Ok(Change::AddForeignKey(table.foreign_keys.remove(at)));
        }
        if table.primary_key.as_ref().is_some_and(|key| key.name == name) {
            return Err(format!("`{name}` is the primary key; write `t.drop_primary_key()`"));
        }
        if table.indexes.iter().any(|index| index.name == name) {
            return Err(format!("`{name}` is an index; write `t.drop_index({name:?})`"));
        }
        let near = nearest(name, table.constraint_names());
        Err(match near {
            Some(near) => format!("`{}` has no constraint `{name}`; `{near}` is near", table.name),
            None => format!("`{}` has no constraint `{name}`", table.name),
        })
    }

    fn position(&self, column: &str) -> Result<usize, String> {
        let table = &self.table;
        if let Some(position) = table.columns.iter().position(|there| there.name == column) {
            return Ok(position);
        }
        let near = nearest(column, table.columns.iter().map(|there| there.name.as_str()));
        Err(match near {
            Some(near) => format!("`{}` has no column `{column}`; `{near}` is near", table.name),
            None => format!("`{}` has no column `{column}`", table.name),
        })
    }

    fn column_mut(&mut self, column: &str) -> Result<&mut super::table::Column, String> {
        let position = self.position(column)?;
        Ok(&mut self.table.columns[position])
    }

    fn index_position(&self, index: &str) -> Result<usize, String> {
        let table = &self.table;
        if let Some(position) = table.indexes.iter().position(|there| there.name == index) {
            return Ok(position);
        }
        let near = nearest(index, table.indexes.iter().map(|there| there.name.as_str()));
        Err(match near {
            Some(near) => format!("`{}` has no index `{index}`; `{near}` is near", table.name),
            None => format!("`{}` has no index `{index}`", table.name),
        })
    }

    fn check_constraint_name(&self, name: &str) -> Result<(), String> {
        check_name(name)?;
        if self.table.constraint_names().any(|there| there == name) {
            return Err(format!("`{}` has a constraint `{name}` already", self.table.name));
        }
        Ok(())
    }

    fn check_constraint(&self, name: &str, columns: &[String]) -> Result<(), String> {
        self.check_constraint_name(name)?;
        if columns.is_empty() {
            return Err(format!("the constraint `{name}` is on no columns"));
        }
        for (at, column) in columns.iter().enumerate() {
            self.position(column)?;
            if columns[..at].contains(column) {
                return Err(format!("the constraint `{name}` names `{column}` twice"));
            }
        }
        Ok(())
    }

    /// Index names are one per database, not per table, on SQLite and PostgreSQL.
    fn check_index_is_free(&self, name: &str) -> Result<(), String> {
        let owner = if self.table.indexes.iter().any(|index| index.name == name) {
            Some(self.table.name.as_str())
        } else {
            self.model.owner_of_index(name, &self.table.name)
        };
        match owner {
            Some(owner) => Err(format!("there is an index `{name}` already, on `{owner}`")),
            None => Ok(()),
        }
    }

    /// That what foreign keys refer to stays unique.
    fn check_still_unique(&self, columns: &[String]) -> Result<(), String> {
        if self.table.is_unique(columns) {
            return Ok(());
        }
        let name = self.table.name.as_str();
        let own = self
            .table
            .foreign_keys
            .iter()
            .filter(|key| key.to_table == name)
            .map(|key| (name, key));
        let refers = |(_, key): &(&str, &ForeignKey)| {
            key.to_columns.len() == columns.len() && columns.iter().all(|column| key.to_columns.contains(column))
        };
        match self.model.references_to(name).chain(own).find(refers) {
            Some((referrer, key)) => Err(format!(
                "the foreign key `{}` of `{referrer}` needs {} to be unique; drop that first",
                key.name,
                listed(columns)
            )),
            None => Ok(()),
        }
    }

    /// A column that is on either side of a foreign key keeps its type.
    fn check_type_is_free(&self, column: &str) -> Result<(), String> {
        let name = self.table.name.as_str();
        let own = self
            .table
            .foreign_keys
            .iter()
            .find(|key| key.columns.iter().any(|part| part == column))
            .map(|key| (name, key));
        let others = self
            .model
            .references_to(name)
            .find(|(_, key)| key.to_columns.iter().any(|part| part == column));
        match own.or(others) {
            Some((referrer, key)) => Err(format!(
                "the foreign key `{}` of `{referrer}` needs `{column}` to keep its type; drop it first, and add it again",
                key.name
            )),
            None => Ok(()),
        }
    }

    /// What can be told only when all edits are known.
    fn check_whole(&mut self, edits: &[Edit]) {
        for edit in edits {
            let result = match &edit.change {
                Change::AddForeignKey(key) => self.check_target(key),
                Change::AddPrimaryKey(key) => self.check_key(&key.columns),
                Change::AddColumn { column, .. } if column.auto_increment => self.check_counted(&column.name),
                _ => Ok(()),
            };
            if let Err(message) = result {
                self.findings.push(problem(edit.place, message));
            }
        }
    }

    fn check_counted(&self, column: &str) -> Result<(), String> {
        let is_key = self
            .table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns == [column]);
        if !is_key {
            return Err(format!(
                "`{column}` is counted up by the database and has to be the primary key by itself"
            ));
        }
        Ok(())
    }

    fn check_key(&self, columns: &[String]) -> Result<(), String> {
        match columns
            .iter()
            .find(|name| self.table.column(name).is_some_and(|column| column.nullable))
        {
            Some(column) => Err(format!("`{column}` is part of the primary key and may not be nullable")),
            None => Ok(()),
        }
    }

    /// That a foreign key refers to columns that are there, unique, and of the same types.
    fn check_target(&self, key: &ForeignKey) -> Result<(), String> {
        if !self.table.foreign_keys.contains(key) {
            // It was refused, or dropped again.
            return Ok(());
        }
        let target = if key.to_table == self.table.name {
            &self.table
        } else if let Some(target) = self.model.table(&key.to_table) {
            target
        } else if self.model.is_open(&key.to_table) {
            return Ok(());
        } else {
            return Err(self.model.unknown_table(&key.to_table));
        };
        if key.columns.len() != key.to_columns.len() {
            return Err(format!(
                "the foreign key `{}` has {} columns and refers to {}",
                key.name,
                key.columns.len(),
                key.to_columns.len()
            ));
        }
        for (from, to) in key.columns.iter().zip(&key.to_columns) {
            let Some(there) = target.column(to) else {
                let near = nearest(to, target.columns.iter().map(|column| column.name.as_str()));
                return Err(match near {
                    Some(near) => format!("`{}` has no column `{to}`; `{near}` is near", target.name),
                    None => format!("`{}` has no column `{to}`", target.name),
                });
            };
            if let Some(here) = self.table.column(from)
                && here.column_type != there.column_type
            {
                return Err(format!(
                    "`{from}` is {}, and `{}.{to}` is {}; a foreign key has the same type on both sides",
                    here.column_type.encoding(),
                    target.name,
                    there.column_type.encoding()
                ));
            }
        }
        if !target.is_unique(&key.to_columns) {
            return Err(format!(
                "{} of `{}` is neither the primary key nor unique, so nothing can refer to it",
                listed(&key.to_columns),
                target.name
            ));
        }
        Ok(())
    }
}

fn listed(columns: &[String]) -> String {
    format!("`{}`", columns.join("`, `"))
}

fn check_default(default: &super::column_type::DefaultValue) -> Result<(), String> {
    use super::column_type::{DefaultValue, Value};
    match default {
        DefaultValue::Expression(sql) => {
            sql_text::check_expression(sql).map_err(|why| format!("the default's expression: {why}"))
        }
        DefaultValue::Value(Value::Double(number)) if !number.is_finite() => {
            Err("the default is not a finite number".to_owned())
        }
        DefaultValue::Value(Value::Text(text)) if text.contains('\0') => {
            Err("the default holds a NUL character, which databases do not keep in texts".to_owned())
        }
        DefaultValue::Value(_) | DefaultValue::Now => Ok(()),
    }
}

/// Whether an expression gives each row another value, as far as the functions in it tell.
fn differs_by_row(sql: &str) -> bool {
    [
        "random",
        "randomblob",
        "rand",
        "uuid",
        "uuidv4",
        "uuidv7",
        "gen_random_uuid",
        "nextval",
    ]
    .iter()
    .any(|function| sql_text::mentions(sql, function))
}

/// A type's name goes into statements as it is written.
fn check_type_name(name: &str) -> Result<(), String> {
    let is_right = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '(' | ')' | ',' | '.' | '[' | ']');
    let is_word = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if !is_word || !name.chars().all(is_right) || sql_text::check_expression(name).is_err() {
        return Err(format!(
            "{name:?} cannot be the name of a type; give it as the database writes it, such as `geometry(Point, 4326)`"
        ));
    }
    Ok(())
}
