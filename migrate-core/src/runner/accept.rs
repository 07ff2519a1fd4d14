//! Checksums in history: accepts a changed migration, and replaces checksums of an older encoding.

use super::Runner;
use crate::code::Code;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::table::RowUpdate;
use crate::history::{AppliedMigration, History, MigrationState, MigrationStatus, Phase};
use crate::schema;
use crate::target::MigrationRef;

impl Runner<'_> {
    /// Accepts a changed migration: stores its current checksum in history. It runs no step, and changes nothing else
    /// in the database.
    ///
    /// ```
    /// # use migrate_core::{Error, MigrationRef, Runner, Version};
    /// # fn example(runner: &mut Runner<'_>) -> Result<(), Box<dyn std::error::Error>> {
    /// runner.accept(&MigrationRef::from(Version::new(2026_11_23_093000)?))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidTarget`](crate::ErrorKind::InvalidTarget) if the reference matches no migration or several, or if the state of the
    ///   migration is not [`MigrationState::Changed`].
    /// - [`ErrorKind::Locked`](crate::ErrorKind::Locked) if another run holds the lock for too long.
    /// - the errors of [`status`](Runner::status).
    pub fn accept(&mut self, reference: &MigrationRef) -> Result<(), Error> {
        self.with_lock_wait(|runner| {
            runner.in_own_transaction(|runner| {
                let history = runner.read_history()?.unwrap_or_default();
                let entries = history.compare(&runner.registry, &runner.checksums);
                let entry = reference.find(&entries, MigrationStatus::id)?;
                let (MigrationState::Changed, Some(row)) = (entry.state, &entry.applied) else {
                    return Err(Error::new(
                        Code::WRONG_STATE,
                        format!("migration {entry} is {}, not changed", entry.state),
                    )
                    .help(Help::from(Advice::Status).text(" shows the state of each migration")));
                };
                runner.stamp(row)
            })
        })
    }

    /// Stores the current checksum of a migration in its row.
    pub(super) fn stamp(&mut self, row: &AppliedMigration) -> Result<(), Error> {
        let Some(position) = self.registry.position(row.id()) else {
            return Ok(());
        };
        let change = RowUpdate {
            checksum: Some(self.checksums.at(position)),
            ..RowUpdate::default()
        };
        let statement = self.table.update(row.id(), row.claim.as_deref(), &change);
        self.bookkeeping(&statement)
    }

    /// Replaces checksums of an older encoding, because they cannot be compared with current ones.
    pub(super) fn stamp_anew(&mut self, history: &History) -> Result<(), Error> {
        let is_old = |row: &&AppliedMigration| row.phase == Phase::Applied && schema::is_older_encoding(&row.checksum);
        if !history.rows().iter().any(|row| is_old(&row)) {
            return Ok(());
        }
        self.in_own_transaction(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            history
                .rows()
                .iter()
                .filter(is_old)
                .try_for_each(|row| runner.stamp(row))
        })
    }
}
