//! The program that history belongs to: the packages that declared its migrations. Pure.

use std::collections::BTreeSet;

use super::{History, HistoryRow};
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::migration::{DEFAULT_GROUP, Migration};
use crate::registry::Registry;

/// Checks that the rows of each linked group come from this program: one of their migrations or one of their packages is
/// linked. A group that is not linked belongs to another program, and does no harm.
///
/// # Errors
///
/// Names the group, its packages and the number of its rows.
pub(crate) fn check(history: &History, registry: &Registry) -> Result<(), Error> {
    let groups: BTreeSet<&str> = history.linked_rows(registry).map(|row| row.group.as_str()).collect();
    for group in groups {
        let rows = || history.rows().iter().filter(|row| row.group == group);
        if rows().any(|row| registry.get(row.id()).is_some()) {
            continue;
        }
        let linked = registry.iter().filter(|migration| migration.group() == group);
        let packages: BTreeSet<&str> = linked.map(Migration::package).collect();
        if !rows().any(|row| packages.contains(row.package.as_str())) {
            return Err(belongs_to_others(group, &rows().collect::<Vec<_>>()));
        }
    }
    Ok(())
}

fn belongs_to_others(group: &str, rows: &[&HistoryRow]) -> Error {
    let packages: BTreeSet<&str> = rows.iter().map(|row| row.package.as_str()).collect();
    let packages: Vec<String> = packages.iter().map(|package| format!("`{package}`")).collect();
    let count = match rows.len() {
        1 => "1 migration".to_owned(),
        count => format!("{count} migrations"),
    };
    let of_group = match group {
        DEFAULT_GROUP => String::new(),
        group => format!(" in group `{group}`"),
    };
    Error::new(
        Code::HISTORY_OF_OTHERS,
        format!(
            "history has {count} of {}{of_group}, and none of this program",
            packages.join(" and ")
        ),
    )
    .nothing_changed()
    .help(
        "check the database URL; to share the database, give the migrations of each program their own group: \
         `#[migration(.., group = \"..\")]`",
    )
    .help(Help::new("if this program replaces the other, use ").advice(Advice::AllowMissing))
}
