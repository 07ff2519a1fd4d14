//! The transactions of a connection, as Diesel counts them.

use std::num::NonZeroU32;

use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};

use super::DriverError;

/// Returns the number of open transactions and savepoints.
pub(super) fn depth<C>(connection: &mut C) -> u32
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
{
    AnsiTransactionManager::transaction_manager_status_mut(connection)
        .transaction_depth()
        .ok()
        .flatten()
        .map_or(0, NonZeroU32::get)
}

pub(super) fn commit<C>(connection: &mut C) -> Result<(), DriverError>
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
{
    Ok(AnsiTransactionManager::commit_transaction(connection)?)
}

/// Rolls back at any depth. `is_open` is true if the database has a transaction open; a step may have begun it with its
/// own SQL, so that Diesel does not count it.
pub(super) fn roll_back<C>(connection: &mut C, is_open: bool) -> Result<(), DriverError>
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
{
    while depth(connection) > 1 {
        // Rolling back a missing savepoint fails, but still lowers Diesel's depth by one.
        let _ = AnsiTransactionManager::rollback_transaction(connection);
    }
    if depth(connection) == 1 {
        AnsiTransactionManager::rollback_transaction(connection)?;
    } else if is_open {
        connection.batch_execute("ROLLBACK")?;
    }
    Ok(())
}
