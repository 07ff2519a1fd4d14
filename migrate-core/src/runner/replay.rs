//! What history says of the schema, as far as the linked migrations can tell. A run looks before it has the lock and again
//! after, and tests go back and forth, so the last folds are kept to go on from.

use std::collections::VecDeque;

use super::Runner;
use crate::history::{History, Phase};
use crate::plan::planner::Planner;

/// The last folds, each with what it was made of.
#[derive(Default)]
pub(super) struct Replay(VecDeque<(Vec<ReplayedRow>, Planner)>);

/// A row of history, as folding sees it.
#[derive(Clone, Copy, PartialEq)]
enum ReplayedRow {
    /// A migration that is linked, by its position.
    Linked { position: usize, is_changed: bool },
    /// Of another program's group.
    OfOthers,
    /// Of a group that is linked, though the migration is not.
    Missing,
}

/// How many are kept: where a migration is taken back, and where it is applied again.
const KEPT: usize = 2;

impl Runner<'_> {
    /// The schema that history leads to.
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
                // Of a changed one, the way back is that of what it says today; the rest is not known any more.
                if let Some(migration) = self.registry.as_slice().get(position) {
                    planner.replay(migration);
                }
                if is_changed {
                    planner.forget();
                }
            }
            ReplayedRow::OfOthers => planner.is_pooled(),
            ReplayedRow::Missing => planner.forget(),
        }
    }
}
