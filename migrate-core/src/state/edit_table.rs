//! Applies the edits of one table in order, and derives the inverse of each.

use std::collections::BTreeMap;

use super::rules::{
    check_default, check_fits, check_has_one_source, check_name, check_type, diagnostic, differs_by_row, listed,
};
use super::suggest::unknown;
use super::validate::unknown_column;
use super::{Findings, SchemaState, Uniform};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Mistake};
use crate::location::Location;
use crate::schema::column_type::DefaultValue;
use crate::schema::operation::{LocatedEdit, TableEdit};
use crate::schema::sql_text;
use crate::schema::table::{Column, Index, IndexMethod, IndexOn, ObjectKind, Table};

/// A table during its edits.
pub(super) struct Editing<'a> {
    pub(super) model: &'a SchemaState,
    pub(super) table: Table,
    /// True if the table is new, so that it holds no rows.
    pub(super) is_empty: bool,
    /// Columns with an equal value in every row.
    pub(super) uniform: BTreeMap<String, Uniform>,
    /// The edits in full, with those that they imply.
    pub(super) forward: Vec<LocatedEdit>,
    /// The inverse of each edit, in the order of the edits.
    pub(super) back: Vec<LocatedEdit>,
    pub(super) missing: Vec<Diagnostic>,
    pub(super) findings: Findings,
    /// Renamed columns, for the tables that reference them.
    pub(super) renames: Vec<(String, String)>,
}

impl<'a> Editing<'a> {
    pub(super) fn new(model: &'a SchemaState, table: Table, is_empty: bool) -> Editing<'a> {
        Editing {
            model,
            table,
            is_empty,
            uniform: BTreeMap::new(),
            forward: Vec::new(),
            back: Vec::new(),
            missing: Vec::new(),
            findings: Findings::new(),
            renames: Vec::new(),
        }
    }

    pub(super) fn all(&mut self, edits: &[LocatedEdit]) {
        for edit in edits {
            if let Err(mistake) = self.one(edit) {
                self.findings.push(diagnostic(edit.location, mistake));
                // A later use of a refused column must not cause a second diagnostic.
                if let TableEdit::AddColumn { column, .. } = &edit.change
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

    /// Records an edit and its inverse.
    fn done(&mut self, location: Location, change: TableEdit, inverse: TableEdit) {
        self.forward.push(LocatedEdit { change, location });
        self.back.push(LocatedEdit {
            change: inverse,
            location,
        });
    }

    fn one(&mut self, edit: &LocatedEdit) -> Result<(), Mistake> {
        let location = edit.location;
        let change = edit.change.clone();
        let inverse = match &change {
            TableEdit::AddColumn { column, fill } => {
                self.add_column(column, fill.as_ref())?;
                TableEdit::DropColumn {
                    column: column.name.clone(),
                    fill: None,
                }
            }
            TableEdit::DropColumn { column, fill } => {
                self.drop_what_is_on(column, location)?;
                let dropped = self.column(column)?.clone();
                self.uniform.remove(column);
                let needs_value =
                    !dropped.nullable && dropped.default.is_none() && dropped.generated.is_none() && !self.is_empty;
                if needs_value && fill.is_none() {
                    self.missing.push(diagnostic(
                        location,
                        Code::NO_VALUE_ON_ROLLBACK
                            .mistake(format!(
                                "rollback needs a value of `{column}` for existing rows: it is NOT NULL without a default"
                            ))
                            .help("add `.undo_fill(..)`"),
                    ));
                }
                TableEdit::AddColumn {
                    column: dropped,
                    fill: fill.clone(),
                }
            }
            TableEdit::RenameColumn { from, to } => {
                self.rename_column(from, to)?;
                TableEdit::RenameColumn {
                    from: to.clone(),
                    to: from.clone(),
                }
            }
            TableEdit::SetType {
                column,
                to,
                using,
                undo_using,
            } => {
                for (method, expression) in [("using", using), ("undo_using", undo_using)] {
                    if let Some(expression) = expression {
                        sql_text::check_expression(
                            format_args!("the `{method}` expression of `{column}`"),
                            expression,
                        )?;
                    }
                }
                self.check_type_is_free(column)?;
                check_type(column, to)?;
                self.model.check_enum(to, [])?;
                let there = self.column(column)?;
                if there.column_type == *to {
                    return Err(no_change(format!(
                        "column `{column}` already has the type {}",
                        to.encoding()
                    )));
                }
                if let Some(default) = &there.default {
                    check_fits("the default of column", column, to, default).map_err(|mistake| {
                        mistake.help(format!(
                            "drop the default first with `t.drop_default({column:?})`, and set another one afterwards"
                        ))
                    })?;
                }
                TableEdit::SetType {
                    column: column.clone(),
                    to: there.column_type.clone(),
                    using: undo_using.clone(),
                    undo_using: using.clone(),
                }
            }
            TableEdit::SetNotNull { column } => {
                let is_null = self.uniform.get(column) == Some(&Uniform::Null);
                if !self.column(column)?.nullable {
                    return Err(no_change(format!("column `{column}` is already NOT NULL")));
                }
                if is_null {
                    return Err(Code::NO_VALUE_FOR_ROWS
                        .mistake(format!("column `{column}` is new and NULL in every existing row"))
                        .help("add it with `.fill(..)` (for rollback `.undo_fill(..)`), or fill it in a step before"));
                }
                TableEdit::DropNotNull { column: column.clone() }
            }
            TableEdit::DropNotNull { column } => {
                let in_key = self
                    .table
                    .primary_key
                    .as_ref()
                    .is_some_and(|key| key.columns.contains(column));
                if in_key {
                    return Err(Code::NULLABLE_PRIMARY_KEY
                        .mistake(format!("primary key column `{column}` must be NOT NULL"))
                        .help("drop the primary key first"));
                }
                if self.column(column)?.nullable {
                    return Err(no_change(format!("column `{column}` is already nullable")));
                }
                TableEdit::SetNotNull { column: column.clone() }
            }
            TableEdit::SetDefault { column, default } => {
                check_default(format_args!("the default of column `{column}`"), default)?;
                let there = self.column(column)?;
                check_fits("the default of column", column, &there.column_type, default)?;
                self.model.check_enum(&there.column_type, [default])?;
                check_has_one_source(&Column {
                    default: Some(default.clone()),
                    ..there.clone()
                })?;
                match there.default.clone() {
                    Some(default) => TableEdit::SetDefault {
                        column: column.clone(),
                        default,
                    },
                    None => TableEdit::DropDefault { column: column.clone() },
                }
            }
            TableEdit::DropDefault { column } => {
                let default = self.column(column)?.default.clone().ok_or_else(|| {
                    Code::NOTHING_TO_DROP
                        .mistake(format!("column `{column}` has no default"))
                        .help("remove the call")
                })?;
                TableEdit::SetDefault {
                    column: column.clone(),
                    default,
                }
            }
            TableEdit::SetComment { column, .. } => {
                let before = match column {
                    Some(column) => &self.column(column)?.comment,
                    None => &self.table.comment,
                };
                TableEdit::SetComment {
                    column: column.clone(),
                    comment: before.clone(),
                }
            }
            TableEdit::AddPrimaryKey(key) => {
                if let Some(there) = &self.table.primary_key {
                    return Err(Code::SECOND_PRIMARY_KEY
                        .mistake(format!(
                            "table `{}` already has a primary key on {}",
                            self.table.name,
                            listed(&there.columns)
                        ))
                        .help("for a key of several columns, use `t.primary_key([..])`"));
                }
                self.check_constraint(ObjectKind::PrimaryKey, &key.name, &key.columns)?;
                self.check_not_all_same(&key.name, &key.columns)?;
                TableEdit::DropPrimaryKey
            }
            TableEdit::DropPrimaryKey => {
                let key = self.table.primary_key.clone();
                let key = key.ok_or_else(|| {
                    Code::NOTHING_TO_DROP
                        .mistake(format!("table `{}` has no primary key", self.table.name))
                        .help("remove the call")
                })?;
                self.check_still_unique(&change, &key.columns)?;
                TableEdit::AddPrimaryKey(key)
            }
            TableEdit::AddUnique(unique) => {
                self.check_constraint(ObjectKind::Unique, &unique.name, &unique.columns)?;
                self.check_not_all_same(&unique.name, &unique.columns)?;
                TableEdit::DropConstraint {
                    constraint: unique.name.clone(),
                }
            }
            TableEdit::AddCheck(check) => {
                self.check_constraint_name(ObjectKind::Check, &check.name)?;
                self.check_expression(
                    format_args!("the expression of check `{}`", check.name),
                    &check.expression,
                )?;
                TableEdit::DropConstraint {
                    constraint: check.name.clone(),
                }
            }
            TableEdit::AddForeignKey(key) => {
                self.check_constraint(ObjectKind::ForeignKey, &key.name, &key.columns)?;
                TableEdit::DropConstraint {
                    constraint: key.name.clone(),
                }
            }
            TableEdit::DropConstraint { constraint } => self.inverse_of_drop(&change, constraint)?,
            TableEdit::AddIndex { index, concurrently } => {
                check_name("the index name", &index.name)?;
                self.check_index_is_free(&index.name)?;
                if index.keys.is_empty() {
                    return Err(Code::EMPTY_LIST
                        .mistake(format!("index `{}` has no columns", index.name))
                        .help("add at least one column"));
                }
                for (at, key) in index.keys.iter().enumerate() {
                    match &key.on {
                        IndexOn::Column(column) => {
                            self.position(column)?;
                            if index.keys[..at].iter().any(|other| other.on == key.on) {
                                return Err(Code::REPEATED_NAME
                                    .mistake(format!("index `{}` lists column `{column}` twice", index.name))
                                    .help("remove one of the two"));
                            }
                        }
                        IndexOn::Expression(sql) => {
                            self.check_expression(format_args!("an expression of index `{}`", index.name), sql)?;
                        }
                    }
                }
                for column in &index.include {
                    self.position(column)?;
                    if index.columns().is_some_and(|columns| columns.contains(column)) {
                        return Err(Code::REPEATED_NAME
                            .mistake(format!(
                                "index `{}` lists column `{column}` both as a key and in `include`",
                                index.name
                            ))
                            .help("remove it from `include`"));
                    }
                }
                if let Some(IndexMethod::Named(method)) = &index.method {
                    check_name("the index method name", method)?;
                }
                if let Some(filter) = &index.filter {
                    self.check_expression(format_args!("the filter of index `{}`", index.name), filter)?;
                }
                if let Some(columns) = index.columns().filter(|_| index.unique && index.filter.is_none()) {
                    self.check_not_all_same(&index.name, &columns)?;
                }
                TableEdit::DropIndex {
                    index: index.name.clone(),
                    concurrently: *concurrently,
                }
            }
            TableEdit::DropIndex { index, concurrently } => {
                let position = self.index_position(index)?;
                let dropped = self.table.indexes[position].clone();
                if let Some(columns) = dropped.columns().filter(|_| dropped.unique) {
                    self.check_still_unique(&change, &columns)?;
                }
                TableEdit::AddIndex {
                    index: dropped,
                    concurrently: *concurrently,
                }
            }
            TableEdit::RenameIndex { from, to } => {
                check_name("the index name", to)?;
                self.check_index_is_free(to)?;
                self.index_position(from)?;
                TableEdit::RenameIndex {
                    from: to.clone(),
                    to: from.clone(),
                }
            }
        };
        self.table.apply(&change);
        self.done(location, change, inverse);
        Ok(())
    }

    fn add_column(&mut self, column: &Column, fill: Option<&DefaultValue>) -> Result<(), Mistake> {
        let name = &column.name;
        check_name("the column name", name)?;
        if let Some(there) = self
            .table
            .columns
            .iter()
            .find(|there| there.name.eq_ignore_ascii_case(name))
        {
            return Err(column_exists(&self.table, &there.name));
        }
        if let Some(default) = &column.default {
            check_default(format_args!("the default of column `{name}`"), default)?;
        }
        if let Some(generated) = &column.generated {
            self.check_expression(
                format_args!("the expression of generated column `{name}`"),
                &generated.expression,
            )?;
        }
        if column.auto_increment && !column.column_type.is_integer() {
            return Err(Code::INVALID_AUTO_INCREMENT
                .mistake(format!("only integer columns can be auto-increment: `{name}`"))
                .help("give the column an integer type, or remove `.auto_increment()`"));
        }
        check_has_one_source(column)?;
        check_type(name, &column.column_type)?;
        if let Some(fill) = fill {
            check_default(format_args!("the fill value of column `{name}`"), fill)?;
        }
        if let Some(default) = &column.default {
            check_fits("the default of column", name, &column.column_type, default)?;
        }
        if let Some(fill) = fill {
            check_fits("the fill value of column", name, &column.column_type, fill)?;
        }
        let values = column.default.iter().chain(fill);
        self.model.check_enum(&column.column_type, values)?;
        let has_value = column.nullable
            || column.default.is_some()
            || column.generated.is_some()
            || column.auto_increment
            || fill.is_some();
        if !self.is_empty && !has_value {
            return Err(Code::NO_VALUE_FOR_ROWS
                .mistake(format!(
                    "column `{name}` is NOT NULL without a default, but table `{}` may have rows",
                    self.table.name
                ))
                .help("add `.default(..)`, `.nullable()`, or `.fill(..)` for existing rows"));
        }
        let same = match (fill, &column.default) {
            // An expression may differ from row to row.
            (Some(DefaultValue::Expression(_)), _) => None,
            (None, Some(DefaultValue::Expression(sql))) if differs_by_row(sql) => None,
            (Some(_), _) | (None, Some(_)) => Some(Uniform::Value),
            (None, None) if column.generated.is_none() && !column.auto_increment => Some(Uniform::Null),
            (None, None) => None,
        };
        if let Some(same) = same.filter(|_| !self.is_empty) {
            self.uniform.insert(column.name.clone(), same);
        }
        Ok(())
    }

    /// Drops the indexes and constraints that are on a column alone. Fails if anything else needs the column.
    fn drop_what_is_on(&mut self, column: &str, location: Location) -> Result<(), Mistake> {
        self.position(column)?;
        self.check_no_view_reads(column)?;
        let name = self.table.name.clone();
        let alone = [column.to_owned()];
        let needed = |kind: &str, what: String| {
            Err(Code::DEPENDENT_OBJECT
                .mistake(format!("{kind} {what} needs column `{column}`"))
                .help(format!("drop the {kind} first")))
        };
        let table = &self.table;
        if table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns.iter().any(|part| part == column))
        {
            return needed("primary key", format!("of table `{name}`"));
        }
        if let Some((referrer, key)) = self
            .model
            .references_to(&name)
            .find(|(_, key)| key.to_columns.iter().any(|part| part == column))
        {
            return needed("foreign key", format!("`{}` of table `{referrer}`", key.name));
        }
        let shares = |columns: &[String]| columns != alone && columns.iter().any(|part| part == column);
        if let Some(unique) = table.uniques.iter().find(|unique| shares(&unique.columns)) {
            return needed("constraint", format!("`{}`", unique.name));
        }
        if let Some(key) = table.foreign_keys.iter().find(|key| shares(&key.columns)) {
            return needed("foreign key", format!("`{}`", key.name));
        }
        if let Some(check) = table
            .checks
            .iter()
            .find(|check| sql_text::mentions(&check.expression, column))
        {
            return needed("check", format!("`{}`", check.name));
        }
        let uses = |index: &Index| {
            index.columns().is_none_or(|columns| shares(&columns))
                && index.keys.iter().any(|key| match &key.on {
                    IndexOn::Column(part) => part == column,
                    IndexOn::Expression(sql) => sql_text::mentions(sql, column),
                })
                || index
                    .filter
                    .as_ref()
                    .is_some_and(|filter| sql_text::mentions(filter, column))
                || index.include.iter().any(|part| part == column)
        };
        if let Some(index) = table.indexes.iter().find(|index| uses(index)) {
            return needed("index", format!("`{}`", index.name));
        }
        if let Some(generated) = table.columns.iter().find(|other| {
            other
                .generated
                .as_ref()
                .is_some_and(|generated| sql_text::mentions(&generated.expression, column))
        }) {
            return needed("generated column", format!("`{}`", generated.name));
        }
        let drops: Vec<TableEdit> = table
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
            .map(|constraint| TableEdit::DropConstraint { constraint })
            .chain(
                table
                    .indexes
                    .iter()
                    .filter(|index| index.columns().is_some_and(|columns| columns == alone))
                    .map(|index| TableEdit::DropIndex {
                        index: index.name.clone(),
                        concurrently: false,
                    }),
            )
            .collect();
        for change in drops {
            self.one(&LocatedEdit { change, location })?;
        }
        Ok(())
    }

    fn rename_column(&mut self, from: &str, to: &str) -> Result<(), Mistake> {
        check_name("the column name", to)?;
        self.position(from)?;
        self.check_no_view_reads(from)?;
        let taken = |there: &Column| there.name != from && there.name.eq_ignore_ascii_case(to);
        if from == to {
            return Err(no_change(format!("column `{from}` is renamed to its own name")));
        }
        if let Some(there) = self.table.columns.iter().find(|there| taken(there)) {
            return Err(column_exists(&self.table, &there.name));
        }
        if let Some(same) = self.uniform.remove(from) {
            self.uniform.insert(to.to_owned(), same);
        }
        self.renames.push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    /// Returns the inverse of dropping a constraint, or fails if it must not be dropped.
    fn inverse_of_drop(&self, drop: &TableEdit, name: &str) -> Result<TableEdit, Mistake> {
        let table = &self.table;
        if let Some(unique) = table.uniques.iter().find(|unique| unique.name == name) {
            self.check_still_unique(drop, &unique.columns)?;
            return Ok(TableEdit::AddUnique(unique.clone()));
        }
        if let Some(check) = table.checks.iter().find(|check| check.name == name) {
            return Ok(TableEdit::AddCheck(check.clone()));
        }
        if let Some(key) = table.foreign_keys.iter().find(|key| key.name == name) {
            return Ok(TableEdit::AddForeignKey(key.clone()));
        }
        if table.primary_key.as_ref().is_some_and(|key| key.name == name) {
            return Err(Code::WRONG_OBJECT_KIND
                .mistake(format!("`drop_constraint` cannot drop `{name}`: it is the primary key"))
                .help("use `t.drop_primary_key()`"));
        }
        if table.indexes.iter().any(|index| index.name == name) {
            return Err(Code::WRONG_OBJECT_KIND
                .mistake(format!("`drop_constraint` cannot drop `{name}`: it is an index"))
                .help(format!("use `t.drop_index({name:?})`")));
        }
        Err(unknown(
            format!("table `{}` has no constraint `{name}`", table.name),
            name,
            table.constraint_names(),
            None,
        ))
    }

    pub(super) fn position(&self, column: &str) -> Result<usize, Mistake> {
        let table = &self.table;
        if let Some(position) = table.columns.iter().position(|there| there.name == column) {
            return Ok(position);
        }
        Err(unknown_column(table, column))
    }

    fn column(&self, column: &str) -> Result<&Column, Mistake> {
        let position = self.position(column)?;
        Ok(&self.table.columns[position])
    }

    fn index_position(&self, index: &str) -> Result<usize, Mistake> {
        let table = &self.table;
        if let Some(position) = table.indexes.iter().position(|there| there.name == index) {
            return Ok(position);
        }
        Err(unknown(
            format!("table `{}` has no index `{index}`", table.name),
            index,
            table.indexes.iter().map(|there| there.name.as_str()),
            None,
        ))
    }
}

fn no_change(message: String) -> Mistake {
    Code::NO_CHANGE.mistake(message).help("remove the call")
}

fn column_exists(table: &Table, column: &str) -> Mistake {
    Code::NAME_TAKEN
        .mistake(format!("table `{}` already has a column `{column}`", table.name))
        .help("choose another name; names that differ only in case are the same")
}
