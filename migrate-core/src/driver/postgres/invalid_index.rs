//! Concurrent index builds: finds the invalid indexes of an earlier attempt, which the next attempt drops first.
//!
//! The manual recommends this:
//! <https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY>,
//! <https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY>.

use super::DIALECT;
use crate::render::SqlDialect;
use crate::sql::Concurrent;

/// Returns a query for the indexes that an earlier attempt of a statement left invalid, or `None` if the statement
/// builds none.
pub(super) fn left_invalid(concurrent: &Concurrent) -> Option<String> {
    // An index that another session builds right now is invalid as well. A build of another role is visible only by its
    // lock. An index of a partitioned table is invalid until each partition has its own.
    Some(format!(
        "SELECT i.indexrelid::regclass::text AS text FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid \
         WHERE NOT i.indisvalid AND n.relkind = 'i' AND {} AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p \
         JOIN pg_locks l ON l.pid = p.pid AND l.relation = i.indrelid WHERE p.datname = current_database())",
        condition(concurrent)?
    ))
}

/// Returns a condition on an index `i` with the `pg_class` row `n`: an attempt of this statement may have left it.
fn condition(concurrent: &Concurrent) -> Option<String> {
    let oid = |name: &str| format!("to_regclass({})", DIALECT.text(name));
    let copies = "n.relname ~ '_cc(new|old)[0-9]*$'";
    Some(match concurrent {
        Concurrent::CreateIndex {
            index: Some(index),
            table,
        } => format!(
            "i.indrelid = {} AND n.relname = (parse_ident({}))[1]::name",
            oid(table),
            DIALECT.text(index)
        ),
        Concurrent::CreateIndex { index: None, table } => {
            format!("i.indrelid = {} AND n.relname ~ '_idx[0-9]*$'", oid(table))
        }
        Concurrent::ReindexIndex { index } => format!(
            "i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = {}) AND {copies}",
            oid(index)
        ),
        // The TOAST table of a table has an index as well.
        Concurrent::ReindexTable { table } => format!(
            "i.indrelid IN (SELECT unnest(ARRAY[c.oid, c.reltoastrelid]) FROM pg_class c WHERE c.oid = {}) AND {copies}",
            oid(table)
        ),
        Concurrent::Other => return None,
    })
}
