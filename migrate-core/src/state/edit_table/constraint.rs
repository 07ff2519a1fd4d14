//! The checks of edits of a table's constraints.

use super::Editing;
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::schema::operation::ConstraintEdit;
use crate::schema::table::ObjectKind;
use crate::state::rules::listed;
use crate::state::suggest::unknown;

impl Editing<'_> {
    pub(super) fn check_constraint_edit(&self, edit: &ConstraintEdit) -> Result<(), Mistake> {
        match edit {
            ConstraintEdit::AddPrimaryKey(key) => {
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
                self.check_not_all_same(&key.name, &key.columns)
            }
            ConstraintEdit::DropPrimaryKey => {
                let key = self.table.primary_key.as_ref().ok_or_else(|| {
                    Code::NOTHING_TO_DROP
                        .mistake(format!("table `{}` has no primary key", self.table.name))
                        .help("remove the call")
                })?;
                self.check_still_unique(&edit.clone().into(), &key.columns)
            }
            ConstraintEdit::AddUnique(unique) => {
                self.check_constraint(ObjectKind::Unique, &unique.name, &unique.columns)?;
                self.check_not_all_same(&unique.name, &unique.columns)
            }
            ConstraintEdit::AddCheck(check) => {
                self.check_constraint_name(ObjectKind::Check, &check.name)?;
                self.check_expression(
                    format_args!("the expression of check `{}`", check.name),
                    &check.expression,
                )
            }
            ConstraintEdit::AddForeignKey(key) => {
                self.check_constraint(ObjectKind::ForeignKey, &key.name, &key.columns)
            }
            ConstraintEdit::Drop(name) => self.check_drop_constraint(edit, name),
        }
    }

    fn check_drop_constraint(&self, drop: &ConstraintEdit, name: &str) -> Result<(), Mistake> {
        let table = &self.table;
        if let Some(unique) = table.uniques.iter().find(|unique| unique.name == name) {
            return self.check_still_unique(&drop.clone().into(), &unique.columns);
        }
        let is_check = table.checks.iter().any(|check| check.name == name);
        if is_check || table.foreign_keys.iter().any(|key| key.name == name) {
            return Ok(());
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
}
