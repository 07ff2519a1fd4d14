//! The objects that a database holds before the first run, apart from those that the run expects. Pure.

use crate::plan::{Action, PlannedMigration};
use crate::state::LiveSchema;

/// Objects that no migration of this program created.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ExistingObjects {
    /// The history tables of other migration tools, each with the name of its tool.
    pub(crate) histories: Vec<(&'static str, String)>,
    pub(crate) tables: Vec<String>,
    pub(crate) views: Vec<String>,
}

impl ExistingObjects {
    /// Finds the objects of a database, except those that `ignore` names, those that the first steps of `queue` declare,
    /// and the history table `history`.
    pub(crate) fn of(
        live: &LiveSchema,
        foreign_tables: Vec<String>,
        queue: &[PlannedMigration],
        ignore: &[String],
        history: &str,
    ) -> ExistingObjects {
        let declared = declared_first(queue);
        let is_expected = |name: &str| {
            declared.contains(&name) || name == history || ignore.iter().any(|pattern| matches(pattern, name))
        };
        let mut found = ExistingObjects::default();
        for name in live.tables.keys().filter(|name| !is_expected(name)) {
            match tool_of(name, live) {
                Some(tool) => found.histories.push((tool, name.clone())),
                None => found.tables.push(name.clone()),
            }
        }
        found
            .tables
            .extend(foreign_tables.into_iter().filter(|name| !is_expected(name)));
        found.views = live.views.keys().filter(|name| !is_expected(name)).cloned().collect();
        found
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == ExistingObjects::default()
    }
}

/// Returns the objects that are declared before any other step.
fn declared_first(queue: &[PlannedMigration]) -> Vec<&str> {
    let steps = queue.iter().flat_map(|planned| &planned.steps);
    let declared = steps.map_while(|step| match &step.action {
        Action::Declare(names) => Some(names),
        _ => None,
    });
    declared.flatten().map(String::as_str).collect()
}

/// Returns the tool whose history table has this name.
fn tool_of(table: &str, live: &LiveSchema) -> Option<&'static str> {
    // Databases fold unquoted names to different cases.
    Some(match table.to_ascii_lowercase().as_str() {
        "__diesel_schema_migrations" => "Diesel",
        "_sqlx_migrations" => "sqlx",
        "refinery_schema_history" => "refinery",
        "seaql_migrations" => "SeaORM",
        "flyway_schema_history" => "Flyway",
        "databasechangelog" => "Liquibase",
        "alembic_version" => "Alembic",
        "knex_migrations" => "Knex",
        "django_migrations" => "Django",
        "schema_migrations" => tool_of_schema_migrations(table, live),
        _ => return None,
    })
}

/// Several tools have a table `schema_migrations`.
fn tool_of_schema_migrations(table: &str, live: &LiveSchema) -> &'static str {
    let has_column = |name: &str| {
        let table = live.tables.get(table).and_then(|table| table.as_ref().ok());
        table.is_some_and(|table| table.column(name).is_some())
    };
    match () {
        () if has_column("dirty") => "golang-migrate",
        () if live.tables.contains_key("ar_internal_metadata") => "Rails",
        () if has_column("inserted_at") => "Ecto",
        () => "Rails or dbmate",
    }
}

/// Returns true if a name matches a pattern, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let mut ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.any(|at| matches(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_text() {
        for (pattern, name, expected) in [
            ("users", "users", true),
            ("users", "users2", false),
            ("spatial_*", "spatial_ref_sys", true),
            ("spatial_*", "spatial", false),
            ("*_log", "a_log", true),
            ("*_log", "a_log2", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "ac", false),
            ("*", "", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
