//! The history table on PostgreSQL, and pipelines that depend on its version.

use std::time::Duration;

use diesel::PgConnection;

use super::connection::{VERSION, current_schema, version_of};
use super::lock::key_of;
use super::{BEGIN, DIALECT, milliseconds, truth};
use crate::driver::history_store::{LastPipelined, PipelineEnvelope};
use crate::driver::query::{number, one_text, texts};
use crate::driver::{
    DriverError, DriverErrorKind, HistoryStore, HistoryVersion, SqlConnection, StoredRows, history_rows,
};
use crate::history::table::HistoryTable;
use crate::migration::Direction;
use crate::render::SqlDialect;

impl HistoryStore for PgConnection {
    fn history(&mut self, table: &HistoryTable, with_details: bool) -> Result<Option<StoredRows>, DriverError> {
        let is_open = self.transaction_depth() > 0;
        // A failed query would abort the open transaction.
        if is_open && !is_there(self, table)? {
            return Ok(None);
        }
        let server = format!(", {VERSION} AS server, (sum({ROW_VERSION}) OVER ())::bigint AS history_version");
        // The search path may lead to a table of another schema, or to a temporary one.
        let in_schema = match table.schema() {
            Some(_) => String::new(),
            None => format!(" WHERE {}", is_in_current_schema(table)),
        };
        let query = table.select_all(&server, &in_schema);
        match history_rows::load(self, &query, with_details, version_of) {
            Ok(stored) if table.schema().is_some() || !stored.rows.is_empty() => return Ok(Some(stored)),
            Ok(_) => {}
            Err(error) => {
                let error = DriverError::from(error);
                if is_open || error.kind != DriverErrorKind::Other {
                    return Err(error);
                }
            }
        }
        let mut there = table.clone();
        if there.schema().is_none() {
            there.settle(Some(&current_schema(self)?));
        }
        if !is_there(self, &there)? {
            return Ok(None);
        }
        // It is empty, or another run may have created it in between.
        let query = there.select_all(&server, "");
        Ok(Some(history_rows::load(self, &query, with_details, version_of)?))
    }

    fn columns(&mut self, table: &HistoryTable) -> Result<Vec<String>, DriverError> {
        let query = format!(
            "SELECT attname::text AS text FROM pg_attribute WHERE attrelid = {} AND attnum > 0 AND NOT attisdropped",
            oid_of(table)
        );
        texts(self, &query)
    }

    fn history_version(&mut self, table: &HistoryTable) -> Result<Option<HistoryVersion>, DriverError> {
        // Outside a transaction, another connection may change history before the version is used.
        if self.transaction_depth() == 0 {
            return Ok(None);
        }
        if !is_there(self, table)? {
            return Ok(Some(HistoryVersion::NoTable));
        }
        let query = format!("SELECT {} AS number", history_version_of(table));
        Ok(number(self, &query)?.map(HistoryVersion::Number))
    }

    fn history_version_after_commit(&mut self, table: &HistoryTable) -> Result<Option<HistoryVersion>, DriverError> {
        self.history_version(table)
    }

    fn has_pipelines(&self) -> bool {
        true
    }

    fn pipeline_envelope(
        &self,
        table: &HistoryTable,
        run: &str,
        wait: Duration,
        expected: HistoryVersion,
        direction: Direction,
        position: usize,
    ) -> Option<PipelineEnvelope> {
        let (setting, number) = (left_by(run), history_version_of(table));
        let left = |part: u8| format!("split_part(current_setting('{setting}', true), ' ', {part})");
        let (holds, before) = match expected {
            HistoryVersion::NoTable => (format!("{} IS NULL", oid_of(table)), "0".to_owned()),
            HistoryVersion::Number(expected) => (format!("{number} = {expected}"), expected.to_string()),
            // Reading all rows is needed only if another transaction has had an ID since the last reading.
            HistoryVersion::LeftByRun => (
                format!(
                    "CASE WHEN pg_snapshot_xmax(pg_current_snapshot())::text = {} THEN true ELSE {number}::text = {} END",
                    left(3),
                    left(2)
                ),
                format!("{}::bigint", left(2)),
            ),
        };
        let sign = match direction {
            Direction::Up => "+",
            Direction::Down => "-",
        };
        // A false condition divides by zero, which ends the message. The precondition is a separate statement, because
        // its snapshot must be newer than the lock.
        Some(PipelineEnvelope {
            opening: format!(
                "{BEGIN};\nSELECT set_config('lock_timeout', '{}', true), 1 / pg_try_advisory_xact_lock({})::integer;\n\
                 SELECT 1 / coalesce({holds}, false)::integer, set_config('migrate.next_id', CASE \
                 WHEN pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot()) \
                 THEN pg_snapshot_xmax(pg_current_snapshot())::text ELSE '' END, true);\n",
                milliseconds(wait),
                key_of(table)
            ),
            duration_ms: "(extract(epoch FROM clock_timestamp() - transaction_timestamp()) * 1000)::bigint",
            // The number of a version is a sum over rows, so the recorded row is enough to know the next one. The third
            // part is the next transaction ID, if history was read when no transaction was unfinished, and this one
            // was the next to get an ID.
            returning: format!(
                " RETURNING set_config('{setting}', concat_ws(' ', {position}, {before} {sign} {ROW_VERSION}, \
                 CASE WHEN pg_current_xact_id()::text = current_setting('migrate.next_id', true) \
                 THEN pg_current_xact_id()::text::bigint + 1 ELSE 0 END), false)"
            ),
        })
    }

    fn last_pipelined(&mut self, run: &str) -> Result<LastPipelined, DriverError> {
        let query = format!(
            "SELECT concat_ws(' ', pg_backend_pid(), current_setting('{}', true)) AS text",
            left_by(run)
        );
        let text = one_text(self, &query)?;
        let mut parts = text.split(' ');
        Ok(LastPipelined {
            session: parts.next().and_then(|session| session.parse().ok()),
            position: parts.next().and_then(|position| position.parse().ok()),
        })
    }
}

/// An SQL expression for the part of one row in the history version.
const ROW_VERSION: &str =
    "hashtextextended(concat_ws(':', group_name, version, state, progress, claim), 0) % 1000000007";

fn history_version_of(table: &HistoryTable) -> String {
    format!(
        "(SELECT coalesce(sum({ROW_VERSION}), 0)::bigint FROM {})",
        table.qualified()
    )
}

/// Returns the setting that describes the last pipelined transaction of a run in this session: its position in the run, the
/// number of the history version, and the next transaction ID or 0.
fn left_by(run: &str) -> String {
    format!("migrate.run_{run}")
}

/// Returns an SQL expression for the table of the run's schema; NULL if it does not exist.
fn oid_of(table: &HistoryTable) -> String {
    match table.schema() {
        Some(_) => format!("to_regclass({})", DIALECT.text(&table.qualified())),
        None => format!(
            "to_regclass(quote_ident(current_schema()) || {})",
            DIALECT.text(&format!(".{}", DIALECT.identifier(table.name())))
        ),
    }
}

/// Returns a condition: the search path leads to the table of the current schema.
fn is_in_current_schema(table: &HistoryTable) -> String {
    let found = DIALECT.text(&DIALECT.identifier(table.name()));
    format!("to_regclass({found}) = {}", oid_of(table))
}

fn is_there(connection: &mut PgConnection, table: &HistoryTable) -> Result<bool, DriverError> {
    // Reading the catalog takes a lock on it, and so sees the latest commits. The function alone would answer from the
    // cache of this session.
    let query = format!(
        "SELECT EXISTS (SELECT FROM pg_class WHERE oid = {}) AS truth",
        oid_of(table)
    );
    truth(connection, &query)
}
