//! Compares tables and schemas, regardless of order, formatting and constraint names.

use std::collections::BTreeSet;
use std::sync::Arc;

#[cfg(feature = "testing")]
use super::LiveSchema;
use crate::dialect::Dialect;
use crate::schema::column_type::DefaultValue;
use crate::schema::table::{Column, IndexMethod, IndexOn, Table};
use crate::sql::normalize;

impl Table {
    /// Returns the difference of a table `there` from this expected one, or `None` if they are equal.
    pub(crate) fn difference(&self, dialect: Dialect, there: &Table) -> Option<String> {
        let (expected, found) = (parts(dialect, self), parts(dialect, there));
        let lacks: Vec<&str> = expected.difference(&found).map(String::as_str).collect();
        let has: Vec<&str> = found.difference(&expected).map(String::as_str).collect();
        match (lacks.as_slice(), has.as_slice()) {
            ([], []) => None,
            ([], has) => Some(format!("unexpected {}", has.join("; "))),
            (lacks, []) => Some(format!("missing {}", lacks.join("; "))),
            (lacks, has) => Some(format!("expected {}, found {}", lacks.join("; "), has.join("; "))),
        }
    }

    /// Copies the names of unnamed constraints from a table in which they are known.
    pub(crate) fn adopt_constraint_names(&mut self, dialect: Dialect, known: &Table) {
        if let (Some(key), Some(named)) = (&mut self.primary_key, &known.primary_key)
            && key.name.is_empty()
        {
            key.name.clone_from(&named.name);
        }
        for unique in self.uniques.iter_mut().filter(|unique| unique.name.is_empty()) {
            if let Some(named) = known.uniques.iter().find(|named| named.columns == unique.columns) {
                unique.name.clone_from(&named.name);
            }
        }
        for check in self.checks.iter_mut().filter(|check| check.name.is_empty()) {
            let same = |expression: &str| normalize(dialect, expression) == normalize(dialect, &check.expression);
            if let Some(named) = known.checks.iter().find(|named| same(&named.expression)) {
                check.name.clone_from(&named.name);
            }
        }
        for key in self.foreign_keys.iter_mut().filter(|key| key.name.is_empty()) {
            if let Some(named) = known.foreign_keys.iter().find(|named| named.columns == key.columns) {
                key.name.clone_from(&named.name);
            }
        }
    }
}

/// The knowledge about a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TableKnowledge {
    Table(Arc<Table>),
    View(String),
    /// Neither a table nor a view.
    Nothing,
    /// Raw SQL may have changed it.
    Unknown,
}

impl TableKnowledge {
    /// Returns, as a sentence, how `there` differs from this, or `None` if they are equal or one is unknown.
    pub(crate) fn difference(&self, dialect: Dialect, name: &str, there: &TableKnowledge) -> Option<String> {
        match (self, there) {
            (TableKnowledge::Unknown, _) | (_, TableKnowledge::Unknown) => None,
            (one, other) if one == other => None,
            (TableKnowledge::Table(one), TableKnowledge::Table(other)) => {
                Some(format!("table `{name}`: {}", one.difference(dialect, other)?))
            }
            (TableKnowledge::View(one), TableKnowledge::View(other)) => {
                (normalize(dialect, one) != normalize(dialect, other)).then(|| another("view", name))
            }
            (TableKnowledge::Nothing, TableKnowledge::Table(_)) => Some(unexpected("table", name)),
            (TableKnowledge::Nothing, _) => Some(unexpected("view", name)),
            (TableKnowledge::Table(_), _) => Some(missing("table", name)),
            (TableKnowledge::View(_), _) => Some(missing("view", name)),
        }
    }
}

#[cfg(feature = "testing")]
impl LiveSchema {
    /// Returns the schema without some tables and views.
    pub(crate) fn without(&self, names: &BTreeSet<String>) -> LiveSchema {
        let is_left = |name: &String| !names.contains(&name.to_ascii_lowercase());
        let mut left = self.clone();
        left.tables.retain(|name, _| is_left(name));
        left.views.retain(|name, _| is_left(name));
        left
    }

    /// Returns how a live schema differs from this one: one sentence per object.
    pub(crate) fn differences(&self, dialect: Dialect, there: &LiveSchema) -> Vec<String> {
        let names: BTreeSet<&String> = self.tables.keys().chain(there.tables.keys()).collect();
        let tables = names.into_iter().filter_map(|name| {
            match (self.tables.get(name), there.tables.get(name)) {
                (Some(Ok(expected)), Some(Ok(found))) if expected == found => None,
                (Some(Ok(expected)), Some(Ok(found))) => {
                    Some(format!("table `{name}`: {}", expected.difference(dialect, found)?))
                }
                (Some(_), None) => Some(missing("table", name)),
                (None, Some(_)) => Some(unexpected("table", name)),
                _ => {
                    // A table that cannot be described is compared by its text.
                    let text = |live: &LiveSchema| live.texts.get(name).map(|text| normalize(dialect, text));
                    (text(self) != text(there)).then(|| another("table", name))
                }
            }
        });
        let names: BTreeSet<&String> = self.views.keys().chain(there.views.keys()).collect();
        let views = names
            .into_iter()
            .filter_map(|name| match (self.views.get(name), there.views.get(name)) {
                (Some(expected), Some(found)) if normalize(dialect, expected) == normalize(dialect, found) => None,
                (Some(_), Some(_)) => Some(another("view", name)),
                (Some(_), None) => Some(missing("view", name)),
                (None, _) => Some(unexpected("view", name)),
            });
        let names: BTreeSet<&String> = self.enums.keys().chain(there.enums.keys()).collect();
        let enums = names
            .into_iter()
            .filter_map(|name| match (self.enums.get(name), there.enums.get(name)) {
                (Some(expected), Some(found)) if expected == found => None,
                (Some(expected), Some(found)) => Some(format!(
                    "enum `{name}`: expected the values {}, found {}",
                    expected.join(", "),
                    found.join(", ")
                )),
                (Some(_), None) => Some(missing("enum", name)),
                (None, _) => Some(unexpected("enum", name)),
            });
        tables.chain(views).chain(enums).collect()
    }
}

fn missing(what: &str, name: &str) -> String {
    format!("{what} `{name}` does not exist")
}

fn unexpected(what: &str, name: &str) -> String {
    format!("{what} `{name}` exists unexpectedly")
}

fn another(what: &str, name: &str) -> String {
    format!("{what} `{name}` has another definition")
}

/// Returns the parts of a table as texts. Names of constraints are omitted because a database may not store them, and
/// so are comments.
fn parts(dialect: Dialect, table: &Table) -> BTreeSet<String> {
    let mut parts: BTreeSet<String> = table.columns.iter().map(|each| column(dialect, each)).collect();
    let listed = |columns: &[String]| columns.join(", ");
    parts.extend(
        table
            .primary_key
            .iter()
            .map(|key| format!("primary key ({})", listed(&key.columns))),
    );
    parts.extend(
        table
            .uniques
            .iter()
            .map(|unique| format!("constraint UNIQUE ({})", listed(&unique.columns))),
    );
    parts.extend(
        table
            .checks
            .iter()
            .map(|check| format!("constraint CHECK ({})", normalize(dialect, &check.expression))),
    );
    parts.extend(table.foreign_keys.iter().map(|key| {
        format!(
            "foreign key ({}) to {} ({}) on delete {:?} on update {:?}{}",
            listed(&key.columns),
            key.to_table,
            listed(&key.to_columns),
            key.on_delete,
            key.on_update,
            if key.deferred { " deferred" } else { "" }
        )
    }));
    parts.extend(table.indexes.iter().map(|index| {
        let keys: Vec<String> = index
            .keys
            .iter()
            .map(|key| {
                let on = match &key.on {
                    IndexOn::Column(column) => column.clone(),
                    IndexOn::Expression(sql) => format!("({})", normalize(dialect, sql)),
                };
                let collation = key
                    .collation
                    .as_ref()
                    .map_or_else(String::new, |name| format!(" collate {name}"));
                format!("{on}{collation}{}", if key.descending { " desc" } else { "" })
            })
            .collect();
        let method = index.method.as_ref().filter(|method| **method != IndexMethod::BTree);
        format!(
            "{}index {} ({}){}{}{}",
            if index.unique { "unique " } else { "" },
            index.name,
            keys.join(", "),
            method.map_or_else(String::new, |method| format!(" using {}", method.name())),
            if index.include.is_empty() {
                String::new()
            } else {
                format!(" including {}", index.include.join(", "))
            },
            index
                .filter
                .as_ref()
                .map_or_else(String::new, |filter| format!(" where {}", normalize(dialect, filter)))
        )
    }));
    parts.extend(table.triggers.iter().map(|trigger| format!("trigger {}", trigger.name)));
    parts.extend(table.strict.then(|| "STRICT".to_owned()));
    parts.extend(table.without_rowid.then(|| "WITHOUT ROWID".to_owned()));
    parts
}

fn column(dialect: Dialect, column: &Column) -> String {
    let mut text = format!("column {}", column.name);
    if column.auto_increment {
        // The type is omitted because SQLite has only one auto-increment type.
        text += " auto-increment";
    } else {
        text += &format!(" {}", column.column_type.encoding().to_lowercase());
    }
    if !column.nullable {
        text += " not null";
    }
    text += &match &column.default {
        None => String::new(),
        Some(DefaultValue::Now) => " default now".to_owned(),
        Some(DefaultValue::Value(value)) => format!(" default {value:?}"),
        Some(DefaultValue::Expression(sql)) => format!(" default ({})", normalize(dialect, sql)),
    };
    if let Some(generated) = &column.generated {
        let kept = if generated.stored { "stored" } else { "virtual" };
        text += &format!(" generated ({}) {kept}", normalize(dialect, &generated.expression));
    }
    if let Some(collation) = &column.collation {
        text += &format!(" collate {}", collation.to_lowercase());
    }
    text
}
