//! The checks of edits of a table's indexes.

use super::Editing;
use crate::code::Code;
use crate::diagnostic::Mistake;
use crate::schema::operation::IndexEdit;
use crate::schema::table::{Index, IndexMethod, IndexOn};
use crate::state::rules::check_name;
use crate::state::suggest::unknown;

impl Editing<'_> {
    pub(super) fn check_index_edit(&self, edit: &IndexEdit) -> Result<(), Mistake> {
        match edit {
            IndexEdit::Add { index, .. } => self.check_add_index(index),
            IndexEdit::Drop { index, .. } => {
                let dropped = self.index(index)?;
                match dropped.columns().filter(|_| dropped.unique) {
                    Some(columns) => self.check_still_unique(&edit.clone().into(), &columns),
                    None => Ok(()),
                }
            }
            IndexEdit::Rename { from, to } => {
                check_name("the index name", to)?;
                self.check_index_is_free(to)?;
                self.index(from).map(drop)
            }
        }
    }

    fn check_add_index(&self, index: &Index) -> Result<(), Mistake> {
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
        Ok(())
    }

    fn index(&self, name: &str) -> Result<&Index, Mistake> {
        let table = &self.table;
        table.indexes.iter().find(|index| index.name == name).ok_or_else(|| {
            unknown(
                format!("table `{}` has no index `{name}`", table.name),
                name,
                table.indexes.iter().map(|there| there.name.as_str()),
                None,
            )
        })
    }
}
