//! The SQL statements that create, read and write the history table, for every dialect.

use super::columns::{self, COLUMNS};
use super::{FORMAT, Phase};
use crate::migration::MigrationId;
use crate::render::SqlDialect;
use crate::schema::Checksum;

/// The version of this crate, which each row records.
const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The history table of one database.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct HistoryTable {
    name: String,
    /// The schema that holds the table, once it is known.
    schema: Option<String>,
    dialect: &'static dyn SqlDialect,
}

/// The settings of a session before any step changes them.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct SessionBaseline {
    /// The schema that holds history, where the database has schemas.
    pub(crate) schema: Option<String>,
    /// A statement that restores the settings that a run needs.
    pub(crate) restore_baseline: Option<String>,
    /// A statement that restores the settings that the runner found.
    pub(crate) restore_original: Option<String>,
    /// An SQL expression that fails if a setting that changes the meaning of SQL differs from the baseline; `None` if
    /// migrations with raw SQL cannot be pipelined.
    pub(crate) unchanged_settings: Option<String>,
    /// The server session.
    pub(crate) session: Option<i64>,
    /// A pooler shares the server session with other clients.
    pub(crate) is_pooled: bool,
}

/// A row to insert.
#[derive(Debug)]
pub(crate) struct NewRow<'a> {
    pub(crate) sequence: i64,
    pub(crate) id: MigrationId<'a>,
    pub(crate) name: &'a str,
    pub(crate) batch: i64,
    pub(crate) checksum: Checksum,
    pub(crate) phase: Phase,
    pub(crate) progress: usize,
    pub(crate) claim: Option<&'a str>,
    /// An SQL expression.
    pub(crate) duration_ms: Option<&'a str>,
    pub(crate) applied_by: &'a str,
    pub(crate) package: &'a str,
}

/// The new values of an update; `None` keeps a column as it is.
#[derive(Debug, Default)]
pub(crate) struct RowUpdate<'a> {
    pub(crate) batch: Option<i64>,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) phase: Option<Phase>,
    pub(crate) progress: Option<usize>,
    /// `Some(None)` releases the claim.
    pub(crate) claim: Option<Option<&'a str>>,
    /// `Some(None)` clears the checkpoint.
    pub(crate) in_flight: Option<Option<&'a str>>,
    /// An SQL expression.
    pub(crate) duration_ms: Option<&'a str>,
    pub(crate) package: Option<&'a str>,
}

impl HistoryTable {
    pub(crate) fn new(name: &str, dialect: &'static dyn SqlDialect) -> HistoryTable {
        HistoryTable {
            name: name.to_owned(),
            schema: None,
            dialect,
        }
    }

    /// Qualifies the table with its schema from now on.
    pub(crate) fn settle(&mut self, schema: Option<&str>) {
        self.schema = schema.map(str::to_owned);
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the schema that holds the table, once it is known.
    #[cfg(feature = "_server")]
    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    pub(crate) fn qualified(&self) -> String {
        match &self.schema {
            Some(schema) => format!(
                "{}.{}",
                self.dialect.identifier(schema),
                self.dialect.identifier(&self.name)
            ),
            None => self.dialect.qualified(&self.name),
        }
    }

    pub(crate) fn create(&self) -> String {
        let columns: String = COLUMNS
            .iter()
            .map(|column| format!("    {},\n", column.sql()))
            .collect();
        format!(
            "CREATE TABLE {} (\n{columns}    PRIMARY KEY (group_name, version)\n){}",
            self.qualified(),
            self.dialect.history_options()
        )
    }

    /// Returns the query for all rows; `more` follows the columns, and `condition` the table.
    pub(crate) fn select_all(&self, more: &str, condition: &str) -> String {
        format!(
            "SELECT {}{more} FROM {}{condition} ORDER BY seq",
            columns::names().join(", "),
            self.qualified()
        )
    }

    pub(crate) fn insert(&self, row: &NewRow<'_>) -> String {
        let values = [
            row.sequence.to_string(),
            self.dialect.text(row.id.group),
            row.id.version.to_string(),
            self.dialect.text(row.name),
            row.batch.to_string(),
            self.dialect.text(&row.checksum.to_string()),
            self.dialect.text(row.phase.as_str()),
            row.progress.to_string(),
            self.text_or_null(row.claim),
            self.text_or_null(None),
            self.dialect.now().to_owned(),
            row.duration_ms.unwrap_or("NULL").to_owned(),
            self.dialect.text(row.applied_by),
            self.dialect.text(TOOL_VERSION),
            FORMAT.to_string(),
            self.dialect.text(row.package),
        ];
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            self.qualified(),
            columns::names().join(", "),
            values.join(", ")
        )
    }

    /// Updates a row if `claimed_by` still holds its claim and the condition `only_if` is true: a compare-and-swap.
    pub(crate) fn update(
        &self,
        id: MigrationId<'_>,
        claimed_by: Option<&str>,
        change: &RowUpdate<'_>,
        only_if: Option<&str>,
    ) -> String {
        let mut sets = Vec::new();
        if let Some(batch) = change.batch {
            sets.push(format!("batch = {batch}"));
        }
        if let Some(checksum) = change.checksum {
            sets.push(format!("checksum = {}", self.dialect.text(&checksum.to_string())));
        }
        if let Some(phase) = change.phase {
            sets.push(format!("state = {}", self.dialect.text(phase.as_str())));
        }
        if let Some(progress) = change.progress {
            sets.push(format!("progress = {progress}"));
        }
        if let Some(claim) = change.claim {
            sets.push(format!("claim = {}", self.text_or_null(claim)));
        }
        if let Some(in_flight) = change.in_flight {
            sets.push(format!("in_flight = {}", self.text_or_null(in_flight)));
        }
        if let Some(ms) = change.duration_ms {
            sets.push(format!("duration_ms = {ms}"));
        }
        if let Some(package) = change.package {
            sets.push(format!("package = {}", self.dialect.text(package)));
        }
        format!(
            "UPDATE {} SET {} WHERE {} AND {}{}",
            self.qualified(),
            sets.join(", "),
            self.is(id),
            match claimed_by {
                Some(run) => format!("claim = {}", self.dialect.text(run)),
                None => "claim IS NULL".to_owned(),
            },
            only_if.map_or(String::new(), |condition| format!(" AND {condition}"))
        )
    }

    /// Releases every claim on a finished migration; such a claim means that its run has more to execute.
    pub(crate) fn finish_batch(&self) -> String {
        format!(
            "UPDATE {} SET claim = NULL WHERE claim IS NOT NULL AND state = {}",
            self.qualified(),
            self.dialect.text(Phase::Applied.as_str())
        )
    }

    /// Releases the claims of one run on finished migrations, because another run may hold claims too.
    pub(crate) fn finish_part_of_batch(&self, run: &str) -> String {
        format!("{} AND claim = {}", self.finish_batch(), self.dialect.text(run))
    }

    pub(crate) fn delete(&self, id: MigrationId<'_>) -> String {
        format!("DELETE FROM {} WHERE {}", self.qualified(), self.is(id))
    }

    fn is(&self, id: MigrationId<'_>) -> String {
        format!(
            "group_name = {} AND version = {}",
            self.dialect.text(id.group),
            id.version
        )
    }

    fn text_or_null(&self, text: Option<&str>) -> String {
        text.map_or("NULL".to_owned(), |text| self.dialect.text(text))
    }
}
