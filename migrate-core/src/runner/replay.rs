//! The replay of history: the schema state that the applied migrations lead to. A run replays before it has the lock
//! and again after, and tests move in both directions, so the last planners are kept as starting points.

use std::collections::VecDeque;

use super::Runner;
use crate::history::{History, Phase};
use crate::plan::planner::Planner;

/// The last planners, each with the rows that it replayed.
#[derive(Default)]
pub(super) struct Replay(VecDeque<(Vec<ReplayedRow>, Planner)>);

/// A row of history, as a replay sees it.
#[derive(Clone, Copy, PartialEq)]
enum ReplayedRow {
    /// A linked migration, by its position in the registry.
    Linked { position: usize, is_changed: bool },
    /// A migration of a group that is not linked: another program's.
    OfOthers,
    /// A migration that is not linked, although its group is.
    Missing,
}

/// The number of planners to keep: one for rolling a migration back, one for applying it again.
const KEPT: usize = 2;

impl Runner<'_> {
    /// Returns a planner with the schema state that history leads to.
    pub(super) fn planner(&self, history: &History) -> Planner {
        let rows = history.rows().iter().filter(|row| row.phase != Phase::Applying);
        let known: Vec<ReplayedRow> = rows
            .map(|row| match self.registry.position(row.id()) {
                Some(position) => ReplayedRow::Linked {
                    position,
                    is_changed: self.is_changed(row),
                },
                None if self.registry.newest(&row.group).is_none() => ReplayedRow::OfOthers,
                None => ReplayedRow::Missing,
            })
            .collect();
        let mut past = self.replay.borrow_mut();
        let begun = past.0.iter().filter(|(begun, _)| known.starts_with(begun));
        let (done, mut planner) = match begun.max_by_key(|(begun, _)| begun.len()) {
            Some((begun, planner)) => (begun.len(), planner.clone()),
            None => (0, Planner::new(self.plan_for())),
        };
        for row in known.iter().skip(done) {
            self.add(&mut planner, *row);
        }
        if done < known.len() {
            past.0.push_front((known, planner.clone()));
            past.0.truncate(KEPT);
        }
        planner
    }

    fn add(&self, planner: &mut Planner, row: ReplayedRow) {
        match row {
            ReplayedRow::Linked { position, is_changed } => {
                // The rollback of a changed migration follows its current code; the rest of the schema is unknown from
                // here.
                if let Some(migration) = self.registry.as_slice().get(position) {
                    planner.replay(migration);
                }
                if is_changed {
                    planner.forget();
                }
            }
            ReplayedRow::OfOthers => planner.mark_incomplete(),
            ReplayedRow::Missing => planner.forget(),
        }
    }
}
