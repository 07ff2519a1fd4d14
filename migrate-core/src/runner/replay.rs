//! What history says of the schema, as far as the linked migrations can tell. A run looks before it has the lock and again
//! after, and tests go back and forth, so the last folds are kept to go on from.

use std::collections::VecDeque;

use super::Runner;
use crate::history::{History, Phase};
use crate::plan::planner::Fold;

/// The last folds, each with what it was made of.
#[derive(Default)]
pub(super) struct Past(VecDeque<(Vec<Known>, Fold)>);

/// A row of history, as folding sees it.
#[derive(Clone, Copy, PartialEq)]
enum Known {
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
    pub(super) fn fold(&self, history: &History) -> Fold {
        let rows = history.rows().iter().filter(|row| row.phase != Phase::Applying);
        let known: Vec<Known> = rows
            .map(|row| match self.registry.position(row.id()) {
                Some(position) => Known::Linked {
                    position,
                    is_changed: self.is_changed(row),
                },
                None if self.registry.newest(&row.group).is_none() => Known::OfOthers,
                None => Known::Missing,
            })
            .collect();
        let mut past = self.past.borrow_mut();
        let begun = past.0.iter().filter(|(begun, _)| known.starts_with(begun));
        let (done, mut fold) = match begun.max_by_key(|(begun, _)| begun.len()) {
            Some((begun, fold)) => (begun.len(), fold.clone()),
            None => (0, Fold::new(self.plan_for())),
        };
        for row in known.iter().skip(done) {
            self.add(&mut fold, *row);
        }
        if done < known.len() {
            past.0.push_front((known, fold.clone()));
            past.0.truncate(KEPT);
        }
        fold
    }

    fn add(&self, fold: &mut Fold, row: Known) {
        match row {
            Known::Linked { position, is_changed } => {
                // Of a changed one, the way back is that of what it says today; the rest is not known any more.
                if let Some(migration) = self.registry.as_slice().get(position) {
                    fold.past(migration);
                }
                if is_changed {
                    fold.forget();
                }
            }
            Known::OfOthers => fold.is_shared(),
            Known::Missing => fold.forget(),
        }
    }
}
