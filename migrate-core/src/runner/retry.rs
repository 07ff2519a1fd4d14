//! Retries while other connections hold locks.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use super::failure::MigrationFailure;
use super::hooks::Hooks;
use super::session::Connection;
use super::wording::subject;
use crate::driver::DriverErrorKind;
use crate::plan::{PlannedMigration, PlannedStep};
use crate::report::Event;

/// The time that is left for retries. It begins with the first lock that a migration waits for, and ends when one
/// completes.
#[derive(Default)]
pub(super) struct Retries {
    deadline: Option<Instant>,
}

impl Retries {
    /// Starts over after progress.
    pub(super) fn reset(&mut self) {
        self.deadline = None;
    }

    /// Returns true if a migration failed, was rolled back, and may succeed later: another connection holds a lock, or
    /// a pooler was unknown before.
    pub(super) fn may_try_again(
        &mut self,
        connection: &mut Connection<'_>,
        hooks: &mut Hooks<'_>,
        planned: &PlannedMigration,
        failure: &MigrationFailure,
    ) -> bool {
        reveals_pooler(connection, failure) || (failure.is_locked() && self.wait(connection, hooks, planned))
    }

    /// Waits a random time for a lock of another connection, so that two runs do not collide repeatedly. Returns false
    /// once the lock timeout is over.
    pub(super) fn wait(
        &mut self,
        connection: &mut Connection<'_>,
        hooks: &mut Hooks<'_>,
        planned: &PlannedMigration,
    ) -> bool {
        // The failed statement has already waited once. Time before that does not count.
        let waits = connection.waits();
        let until = *self
            .deadline
            .get_or_insert_with(|| Instant::now() + waits.run.saturating_sub(waits.statement));
        if Instant::now() >= until {
            return false;
        }
        let hint = match blockers(connection, &planned.steps).into_iter().next() {
            Some(blocker) => format!("blocked by {blocker}"),
            None => connection.lock_holder_hint(),
        };
        hooks.tell(&Event::Waiting {
            reason: &format!("{} waits for a lock; {hint}", subject(planned)),
        });
        let jitter = RandomState::new().build_hasher().finish() % 500;
        thread::sleep(Duration::from_millis(250 + jitter));
        true
    }
}

/// Returns the sessions that may block some steps, oldest first.
pub(super) fn blockers(connection: &mut Connection<'_>, steps: &[PlannedStep]) -> Vec<String> {
    let touched: Vec<String> = steps.iter().flat_map(|step| step.touches().to_vec()).collect();
    let concurrently = steps.iter().any(PlannedStep::is_concurrent);
    connection.blockers(&touched, concurrently)
}

/// Returns true if a failure reveals a pooler that was unknown before: prepared statements of another client.
fn reveals_pooler(connection: &mut Connection<'_>, failure: &MigrationFailure) -> bool {
    let kind = failure.cause().and_then(DriverErrorKind::behind);
    kind == Some(DriverErrorKind::StatementOfOthers) && connection.enter_pooler_mode()
}
