//! Applies operations on whole tables and views to the schema state.

use std::sync::Arc;

use super::edit_table::Editing;
use super::rules::{check_expression, check_name, check_unqualified, diagnostic, made_by_raw_sql};
use super::suggest::unknown;
use super::unknown_table::{alter_unknown, changes_nothing};
use super::{CheckedOperation, Dropped, Findings, SchemaState};
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::location::Location;
use crate::schema::naming;
use crate::schema::operation::{LocatedEdit, Operation};
use crate::schema::table::{Table, rename_in};

impl SchemaState {
    /// Checks an operation, applies it to the state, and returns it in full with its inverse.
    ///
    /// # Errors
    ///
    /// Returns all diagnostics. The state is then unchanged.
    pub(crate) fn apply(&mut self, operation: &Operation, location: Location) -> Result<CheckedOperation, Findings> {
        let at = |mistake: Mistake| vec![diagnostic(location, mistake)];
        for name in operation.names() {
            check_unqualified(&name).map_err(at)?;
        }
        match operation {
            Operation::CreateTable { table, edits } => self.create_table(table, edits, location),
            Operation::AlterTable { table, edits } => self.alter_table(table, edits, location),
            Operation::DropTable { table } => self.drop_table(table, location),
            Operation::RenameTable { from, to } => self.rename_table(from, to).map_err(at),
            Operation::CreateView { view, query } => self.create_view(view, query).map_err(at),
            Operation::DropView { view } => self.drop_view(view, location).map_err(at),
            Operation::ChangeEnum { name, change } => self.change_enum(name, change, location),
        }
    }

    /// Checks that the name is valid and free for a table, view or enum.
    pub(super) fn check_free(&self, what: &str, name: &str) -> Result<(), Mistake> {
        check_name(format_args!("the {what} name"), name)?;
        match self.names.objects.get(&name.to_ascii_lowercase()) {
            Some(there) => {
                let taken = Code::NAME_TAKEN.mistake(format!("{} `{there}` already exists", self.kind_of(there)));
                Err(match there == name {
                    true => taken,
                    false => taken.help(format!("choose a name that differs from `{there}` in more than case")),
                })
            }
            None => match self.owner_of_index(name, "") {
                Some(owner) => {
                    Err(Code::NAME_TAKEN.mistake(format!("index `{name}` already exists on table `{owner}`")))
                }
                None => Ok(()),
            },
        }
    }

    /// The kind of the object of this name: "table", "view" or "enum".
    pub(super) fn kind_of(&self, name: &str) -> &'static str {
        if self.views.contains_key(name) {
            "view"
        } else if self.enums.contains_key(name) {
            "enum"
        } else {
            "table"
        }
    }

    pub(super) fn unknown_table(&self, name: &str) -> Mistake {
        match self.dropped.get(name) {
            Some(Dropped::RenamedTo(to)) => Code::UNKNOWN_NAME
                .mistake(format!("an earlier step renamed table `{name}` to `{to}`"))
                .help("use the new name"),
            Some(Dropped::Dropped) => Code::UNKNOWN_NAME
                .mistake(format!("an earlier step dropped table `{name}`"))
                .help("remove this step, or move it before the one that drops the table"),
            None => does_not_exist("table", name, self.tables.keys()),
        }
    }

    fn create_table(
        &mut self,
        name: &str,
        edits: &[LocatedEdit],
        location: Location,
    ) -> Result<CheckedOperation, Findings> {
        let mut findings = Findings::new();
        if let Err(mistake) = self.check_free("table", name) {
            findings.push(diagnostic(location, mistake));
        }
        let empty = Table {
            name: name.to_owned(),
            ..Table::default()
        };
        let mut editing = Editing::new(self, empty, true);
        editing.all(edits);
        // A refused column is in the list too.
        if editing.table.columns.is_empty() {
            editing.findings.push(diagnostic(
                location,
                Code::EMPTY_LIST
                    .mistake(format!("table `{name}` has no columns"))
                    .help("add at least one column"),
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
        let shared = self.shared_names(name, &forward);
        let table = Arc::new(table);
        self.set_table(name, Some(table.clone()));
        self.empty.insert(name.to_owned());
        Ok(CheckedOperation {
            shared,
            operation: Operation::CreateTable {
                table: name.to_owned(),
                edits: forward,
            },
            before: None,
            after: Some(table),
            inverse: Operation::DropTable { table: name.to_owned() },
            missing: Vec::new(),
            views: Vec::new(),
        })
    }

    fn alter_table(
        &mut self,
        name: &str,
        edits: &[LocatedEdit],
        location: Location,
    ) -> Result<CheckedOperation, Findings> {
        let Some(before) = self.tables.get(name).cloned() else {
            if self.is_unknown(name) {
                return alter_unknown(name, edits, location);
            }
            return Err(vec![diagnostic(location, self.unknown_table(name))]);
        };
        if edits.is_empty() {
            return Err(vec![diagnostic(location, changes_nothing(name))]);
        }
        let is_empty = self.empty.contains(name);
        let mut editing = Editing::new(self, Table::clone(&before), is_empty);
        editing.uniform = self.uniform.get(name).cloned().unwrap_or_default();
        editing.all(edits);
        let Editing {
            table,
            forward,
            mut back,
            missing,
            findings,
            renames,
            uniform,
            ..
        } = editing;
        if !findings.is_empty() {
            return Err(findings);
        }
        for (from, to) in renames {
            self.rename_referred_column(name, &from, &to);
        }
        if uniform.is_empty() {
            self.uniform.remove(name);
        } else {
            self.uniform.insert(name.to_owned(), uniform);
        }
        let views = self.views_on(name);
        let views = views.filter_map(|view| Some((view.to_owned(), self.views.get(view)?.clone())));
        let views = views.collect();
        let table = Arc::new(table);
        // The edits have already renamed the references of the table to itself.
        self.set_table(name, Some(table.clone()));
        back.reverse();
        Ok(CheckedOperation {
            shared: self.shared_names(name, &forward),
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
            views,
        })
    }

    fn drop_table(&mut self, name: &str, location: Location) -> Result<CheckedOperation, Findings> {
        let Some(before) = self.tables.get(name).cloned() else {
            if self.is_unknown(name) {
                let operation = Operation::DropTable { table: name.to_owned() };
                let mut applied = CheckedOperation::of_unknown(operation.clone(), operation);
                applied.missing.push(diagnostic(location, made_by_raw_sql(name)));
                return Ok(applied);
            }
            return Err(vec![diagnostic(location, self.unknown_table(name))]);
        };
        let mut findings = Findings::new();
        for (referrer, foreign_key) in self.references_to(name) {
            findings.push(diagnostic(
                location,
                Code::DEPENDENT_OBJECT
                    .mistake(format!(
                        "foreign key `{}` of table `{referrer}` references table `{name}`",
                        foreign_key.name
                    ))
                    .help("drop the foreign key first"),
            ));
        }
        findings.extend(self.views_on(name).map(|view| {
            diagnostic(
                location,
                Code::DEPENDENT_OBJECT
                    .mistake(format!("view `{view}` reads table `{name}`"))
                    .help("drop the view first"),
            )
        }));
        if !findings.is_empty() {
            return Err(findings);
        }
        self.set_table(name, None);
        self.dropped.insert(name.to_owned(), Dropped::Dropped);
        self.empty.remove(name);
        self.uniform.remove(name);
        let edits = before
            .as_edits()
            .into_iter()
            .map(|change| LocatedEdit { change, location });
        Ok(CheckedOperation {
            operation: Operation::DropTable { table: name.to_owned() },
            inverse: Operation::CreateTable {
                table: name.to_owned(),
                edits: edits.collect(),
            },
            before: Some(before),
            after: None,
            missing: Vec::new(),
            views: Vec::new(),
            shared: Vec::new(),
        })
    }

    fn rename_table(&mut self, from: &str, to: &str) -> Result<CheckedOperation, Mistake> {
        let operation = Operation::RenameTable {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let inverse = Operation::RenameTable {
            from: to.to_owned(),
            to: from.to_owned(),
        };
        let Some(before) = self.tables.get(from).cloned() else {
            if self.is_unknown(from) {
                self.set_unknown(to.to_owned());
                return Ok(CheckedOperation::of_unknown(operation, inverse));
            }
            return Err(self.unknown_table(from));
        };
        if from == to {
            return Err(Code::NO_CHANGE
                .mistake(format!("table `{from}` is renamed to its own name"))
                .help("give another name, or remove the call"));
        }
        if !from.eq_ignore_ascii_case(to) {
            self.check_free("table", to)?;
        }
        if let Some(view) = self.views_on(from).next() {
            return Err(Code::DEPENDENT_OBJECT
                .mistake(format!("view `{view}` reads table `{from}`"))
                .help("drop the view first, and create it again with the new table name"));
        }
        let mut after = Table::clone(&before);
        after.name = to.to_owned();
        if let Some(key) = &mut after.primary_key {
            // The default name contains the table name, and a new table may need the old one.
            key.name = naming::primary_key_name(to);
        }
        if !before.triggers.is_empty() {
            // The database changes the table name inside the triggers, so their new text is unknown.
            self.set_table(from, None);
            self.set_unknown(to.to_owned());
            return Ok(CheckedOperation::of_unknown(operation, inverse));
        }
        for foreign_key in after.foreign_keys.iter_mut().filter(|key| key.to_table == from) {
            foreign_key.to_table = to.to_owned();
        }
        let referrers: Vec<String> = self.references_to(from).map(|(table, _)| table.to_owned()).collect();
        for referrer in referrers {
            if let Some(mut table) = self.tables.get(&referrer).cloned() {
                let foreign_keys = Arc::make_mut(&mut table).foreign_keys.iter_mut();
                for foreign_key in foreign_keys.filter(|key| key.to_table == from) {
                    foreign_key.to_table = to.to_owned();
                }
                self.set_table(&referrer, Some(table));
            }
        }
        self.set_table(from, None);
        self.dropped.insert(from.to_owned(), Dropped::RenamedTo(to.to_owned()));
        let after = Arc::new(after);
        self.set_table(to, Some(after.clone()));
        if self.empty.remove(from) {
            self.empty.insert(to.to_owned());
        }
        if let Some(same) = self.uniform.remove(from) {
            self.uniform.insert(to.to_owned(), same);
        }
        Ok(CheckedOperation {
            operation,
            before: Some(before),
            after: Some(after),
            inverse,
            missing: Vec::new(),
            views: Vec::new(),
            shared: Vec::new(),
        })
    }

    fn create_view(&mut self, view: &str, query: &str) -> Result<CheckedOperation, Mistake> {
        self.check_free("view", view)?;
        check_expression(self.dialect, format_args!("the query of view `{view}`"), query)?;
        self.set_view(view, Some(query.to_owned()));
        let operation = Operation::CreateView {
            view: view.to_owned(),
            query: query.to_owned(),
        };
        Ok(CheckedOperation::of_unknown(
            operation,
            Operation::DropView { view: view.to_owned() },
        ))
    }

    fn drop_view(&mut self, view: &str, location: Location) -> Result<CheckedOperation, Mistake> {
        let operation = Operation::DropView { view: view.to_owned() };
        let Some(query) = self.views.get(view).cloned() else {
            if self.is_unknown(view) {
                let mut applied = CheckedOperation::of_unknown(operation.clone(), operation);
                applied.missing.push(diagnostic(location, made_by_raw_sql(view)));
                return Ok(applied);
            }
            return Err(does_not_exist("view", view, self.views.keys()));
        };
        if let Some(other) = self.views_on(view).find(|other| *other != view) {
            return Err(Code::DEPENDENT_OBJECT
                .mistake(format!("view `{other}` reads view `{view}`"))
                .help(format!("drop `{other}` first")));
        }
        self.set_view(view, None);
        let inverse = Operation::CreateView {
            view: view.to_owned(),
            query,
        };
        Ok(CheckedOperation::of_unknown(operation, inverse))
    }

    fn rename_referred_column(&mut self, name: &str, from: &str, to: &str) {
        let referrers: Vec<String> = self.references_to(name).map(|(table, _)| table.to_owned()).collect();
        for referrer in referrers {
            if let Some(mut table) = self.tables.get(&referrer).cloned() {
                let foreign_keys = Arc::make_mut(&mut table).foreign_keys.iter_mut();
                for key in foreign_keys.filter(|key| key.to_table == name) {
                    rename_in(&mut key.to_columns, from, to);
                }
                self.set_table(&referrer, Some(table));
            }
        }
    }
}

fn does_not_exist<'a>(what: &str, name: &str, among: impl Iterator<Item = &'a String>) -> Mistake {
    unknown(
        format!("{what} `{name}` does not exist"),
        name,
        among.map(String::as_str),
        Some("if the database already has it, describe it with `schema.declare(..)`".to_owned()),
    )
}
