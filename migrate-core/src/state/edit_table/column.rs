//! The edits of a column: their checks, and the drops that a dropped column implies.

use super::Editing;
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::location::Location;
use crate::schema::column_type::{ColumnType, DefaultValue};
use crate::schema::operation::{ColumnEdit, ConstraintEdit, IndexEdit, LocatedEdit, TableEdit};
use crate::schema::table::{Column, Index, IndexOn, Table};
use crate::sql;
use crate::state::Uniform;
use crate::state::rules::{
    check_default, check_expression, check_fits, check_has_one_source, check_name, check_type, diagnostic,
    differs_by_row,
};

impl Editing<'_> {
    /// Checks an edit of a column, and updates what is known of the column's values.
    pub(super) fn column_edit(&mut self, name: &str, edit: &ColumnEdit, location: Location) -> Result<(), Mistake> {
        match edit {
            ColumnEdit::Add { column, fill } => self.add_column(column, fill.as_ref()),
            ColumnEdit::Drop { fill } => self.drop_column(name, fill.as_ref(), location),
            ColumnEdit::Rename { to } => self.rename_column(name, to),
            ColumnEdit::SetType { to, using, undo_using } => {
                for (method, expression) in [("using", using), ("undo_using", undo_using)] {
                    if let Some(expression) = expression {
                        check_expression(
                            self.state.dialect,
                            format_args!("the `{method}` expression of `{name}`"),
                            expression,
                        )?;
                    }
                }
                self.check_set_type(name, to)
            }
            ColumnEdit::SetNotNull => self.check_set_not_null(name),
            ColumnEdit::DropNotNull => self.check_drop_not_null(name),
            ColumnEdit::SetDefault(default) => self.check_set_default(name, default),
            ColumnEdit::DropDefault => match self.column(name)?.default {
                Some(_) => Ok(()),
                None => Err(Code::NOTHING_TO_DROP
                    .mistake(format!("column `{name}` has no default"))
                    .help("remove the call")),
            },
        }
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
            check_default(
                self.state.dialect,
                format_args!("the default of column `{name}`"),
                default,
            )?;
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
        check_type(self.state.dialect, name, &column.column_type)?;
        if let Some(fill) = fill {
            check_default(
                self.state.dialect,
                format_args!("the fill value of column `{name}`"),
                fill,
            )?;
        }
        if let Some(default) = &column.default {
            check_fits("the default of column", name, &column.column_type, default)?;
        }
        if let Some(fill) = fill {
            check_fits("the fill value of column", name, &column.column_type, fill)?;
        }
        let values = column.default.iter().chain(fill);
        self.state.check_enum(&column.column_type, values)?;
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
            (None, Some(DefaultValue::Expression(sql))) if differs_by_row(self.state.dialect, sql) => None,
            (Some(_), _) | (None, Some(_)) => Some(Uniform::Value),
            (None, None) if column.generated.is_none() && !column.auto_increment => Some(Uniform::Null),
            (None, None) => None,
        };
        if let Some(same) = same.filter(|_| !self.is_empty) {
            self.uniform.insert(column.name.clone(), same);
        }
        Ok(())
    }

    fn drop_column(&mut self, name: &str, fill: Option<&DefaultValue>, location: Location) -> Result<(), Mistake> {
        self.position(name)?;
        self.check_no_view_reads(name)?;
        self.check_not_needed(name)?;
        for change in self.edits_that_drop_what_is_on(name) {
            self.one(&LocatedEdit { change, location })?;
        }
        let dropped = self.column(name)?;
        let needs_value =
            !dropped.nullable && dropped.default.is_none() && dropped.generated.is_none() && !self.is_empty;
        self.uniform.remove(name);
        if needs_value && fill.is_none() {
            self.missing.push(diagnostic(
                location,
                Code::NO_VALUE_ON_ROLLBACK
                    .mistake(format!(
                        "rollback needs a value of `{name}` for existing rows: it is NOT NULL without a default"
                    ))
                    .help("add `.undo_fill(..)`"),
            ));
        }
        Ok(())
    }

    /// Fails if anything needs the column, other than an index or a constraint on it alone.
    fn check_not_needed(&self, column: &str) -> Result<(), Mistake> {
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
            .state
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
            .find(|check| sql::mentions(self.state.dialect, &check.expression, column))
        {
            return needed("check", format!("`{}`", check.name));
        }
        let uses = |index: &Index| {
            index.columns().is_none_or(|columns| shares(&columns))
                && index.keys.iter().any(|key| match &key.on {
                    IndexOn::Column(part) => part == column,
                    IndexOn::Expression(sql) => sql::mentions(self.state.dialect, sql, column),
                })
                || index
                    .filter
                    .as_ref()
                    .is_some_and(|filter| sql::mentions(self.state.dialect, filter, column))
                || index.include.iter().any(|part| part == column)
        };
        if let Some(index) = table.indexes.iter().find(|index| uses(index)) {
            return needed("index", format!("`{}`", index.name));
        }
        if let Some(generated) = table.columns.iter().find(|other| {
            other
                .generated
                .as_ref()
                .is_some_and(|generated| sql::mentions(self.state.dialect, &generated.expression, column))
        }) {
            return needed("generated column", format!("`{}`", generated.name));
        }
        Ok(())
    }

    /// Returns the edits that drop the indexes and constraints on a column alone.
    fn edits_that_drop_what_is_on(&self, column: &str) -> Vec<TableEdit> {
        let table = &self.table;
        let alone = [column.to_owned()];
        let foreign_keys = table.foreign_keys.iter().filter(|key| key.columns == alone);
        let uniques = table.uniques.iter().filter(|unique| unique.columns == alone);
        let indexes = table.indexes.iter();
        let indexes = indexes.filter(|index| index.columns().is_some_and(|columns| columns == alone));
        let constraints = foreign_keys
            .map(|key| &key.name)
            .chain(uniques.map(|unique| &unique.name));
        let constraints = constraints.map(|name| ConstraintEdit::Drop(name.clone()).into());
        let indexes = indexes.map(|index| {
            TableEdit::Index(IndexEdit::Drop {
                index: index.name.clone(),
                concurrently: false,
            })
        });
        constraints.chain(indexes).collect()
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

    fn check_set_type(&self, name: &str, to: &ColumnType) -> Result<(), Mistake> {
        self.check_type_is_free(name)?;
        check_type(self.state.dialect, name, to)?;
        self.state.check_enum(to, [])?;
        let there = self.column(name)?;
        if there.column_type == *to {
            return Err(no_change(format!(
                "column `{name}` already has the type {}",
                to.encoding()
            )));
        }
        match &there.default {
            Some(default) => check_fits("the default of column", name, to, default).map_err(|mistake| {
                mistake.help(format!(
                    "drop the default first with `t.drop_default({name:?})`, and set another one afterwards"
                ))
            }),
            None => Ok(()),
        }
    }

    fn check_set_not_null(&self, name: &str) -> Result<(), Mistake> {
        if !self.column(name)?.nullable {
            return Err(no_change(format!("column `{name}` is already NOT NULL")));
        }
        if self.uniform.get(name) == Some(&Uniform::Null) {
            return Err(Code::NO_VALUE_FOR_ROWS
                .mistake(format!("column `{name}` is new and NULL in every existing row"))
                .help("add it with `.fill(..)` (for rollback `.undo_fill(..)`), or fill it in a step before"));
        }
        Ok(())
    }

    fn check_drop_not_null(&self, name: &str) -> Result<(), Mistake> {
        let key = self.table.primary_key.as_ref();
        if key.is_some_and(|key| key.columns.iter().any(|column| column == name)) {
            return Err(Code::NULLABLE_PRIMARY_KEY
                .mistake(format!("primary key column `{name}` must be NOT NULL"))
                .help("drop the primary key first"));
        }
        if self.column(name)?.nullable {
            return Err(no_change(format!("column `{name}` is already nullable")));
        }
        Ok(())
    }

    fn check_set_default(&self, name: &str, default: &DefaultValue) -> Result<(), Mistake> {
        check_default(
            self.state.dialect,
            format_args!("the default of column `{name}`"),
            default,
        )?;
        let there = self.column(name)?;
        check_fits("the default of column", name, &there.column_type, default)?;
        self.state.check_enum(&there.column_type, [default])?;
        check_has_one_source(&Column {
            default: Some(default.clone()),
            ..there.clone()
        })
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
