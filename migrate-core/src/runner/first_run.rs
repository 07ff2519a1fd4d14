//! The guard of the first run: a database that others have filled is refused before anything is written.

use super::load_history::load_rows;
use super::session::Connection;
use super::wording::number_of;
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::plan::PlannedMigration;
use crate::plan::existing::ExistingObjects;

/// The objects of a database that a first run may find.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstRun {
    /// The user says that the database may hold anything.
    pub(super) on_existing: bool,
    /// The names of objects that do not matter, with `*` for any text.
    pub(super) ignore: Vec<String>,
}

impl FirstRun {
    /// Checks the database before the first migration of a queue.
    ///
    /// # Errors
    ///
    /// If the database has objects that the first steps do not declare. The error names them.
    pub(super) fn check(&self, connection: &mut Connection<'_>, queue: &[PlannedMigration]) -> Result<(), Error> {
        if self.on_existing || queue.is_empty() {
            return Ok(());
        }
        let live = connection.live_to_plan()?;
        let foreign_tables = match connection.foreign_tables() {
            Ok(tables) => tables,
            Err(error) => return Err(connection.error("the schema cannot be read", error)),
        };
        let found = ExistingObjects::of(&live, foreign_tables, queue, &self.ignore, connection.table().name());
        // Another run of this program may have begun after history was read. The lock then shows its work.
        match found.is_empty() || !load_rows(connection)?.rows().is_empty() {
            true => Ok(()),
            false => Err(refused(connection, &found)),
        }
    }
}

fn refused(connection: &mut Connection<'_>, found: &ExistingObjects) -> Error {
    let message = format!(
        "{} is not empty, and no migration of this program has run on it",
        connection.database_label()
    );
    let mut error = Error::new(Code::DATABASE_NOT_EMPTY, message);
    for (tool, table) in &found.histories {
        let rows = match connection.count_rows(table) {
            Ok(1) => "1 row".to_owned(),
            Ok(rows) => format!("{rows} rows"),
            // The user may lack the permission to read it.
            Err(_) => "unreadable".to_owned(),
        };
        error = error.finding(None, format!("the history of {tool}: `{table}`, {rows}"));
    }
    for (objects, one, several) in [(&found.tables, "table", "tables"), (&found.views, "view", "views")] {
        if !objects.is_empty() {
            let count = number_of(objects.len(), one, several);
            error = error.finding(None, format!("{count}: {}", some_of(objects)));
        }
    }
    error
        .nothing_changed()
        .help("check the database URL; if the database is right, describe its tables with `schema.declare(..)` first")
        .help(
            Help::new("to run without a description, use ")
                .advice(Advice::OnExisting)
                .text("; to leave tables of others out, use ")
                .advice(Advice::Ignore),
        )
}

/// Lists names, and counts those that are too many for a message.
fn some_of(names: &[String]) -> String {
    const MOST: usize = 5;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
