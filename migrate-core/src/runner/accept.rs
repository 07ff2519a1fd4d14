//! Checksums in history: accepts a changed migration, and replaces checksums of an older encoding.

use super::Runner;
use crate::error::{Error, ErrorKind};
use crate::history::table::RowUpdate;
use crate::history::{AppliedMigration, History, MigrationState, MigrationStatus, Phase};
use crate::schema;
use crate::target::MigrationRef;

impl Runner<'_> {
    /// Accepts a migration that was changed after it was applied: stores its current checksum in history. It runs no
    /// step and changes nothing else in the database.
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
    /// [`ErrorKind::InvalidTarget`] if the reference matches no migration or several, or if the state of the migration
    /// is not [`MigrationState::Changed`]. Otherwise as for [`status`](Runner::status), and [`ErrorKind::Locked`] if
    /// another run holds the lock too long.
    pub fn accept(&mut self, reference: &MigrationRef) -> Result<(), Error> {
        self.with_lock_wait(|runner| {
            runner.in_own_transaction(|runner| {
                let history = runner.read_history()?.unwrap_or_default();
                let entries = history.compare(&runner.registry, &runner.checksums);
                let entry = reference.find(&entries, MigrationStatus::id)?;
                let (MigrationState::Changed, Some(row)) = (entry.state, &entry.applied) else {
                    return Err(Error::new(
                        ErrorKind::InvalidTarget,
                        format!("{entry} is {}, not changed; there is nothing to accept", entry.state),
                    )
                    .next("`migrate status` shows the state of each"));
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

    /// Replaces checksums of an older encoding, which cannot reveal a change.
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
