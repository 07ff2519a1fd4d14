//! Planning for a run: the linked migrations, and the replays of history that plans start from.

use std::collections::VecDeque;
use std::rc::Rc;

use super::first_run::FirstRun;
use super::session::Connection;
use crate::error::Error;
use crate::history::{History, HistoryRow, Phase, owner};
use crate::migration::{Direction, Migration};
use crate::plan::planner::Planner;
use crate::plan::select::{Planned, Request, Sources, plan_one};
use crate::plan::{PlanFor, PlannedMigration};
use crate::registry::Registry;
use crate::state::LiveSchema;
use crate::target::{Policy, Target};

/// The migrations of a runner, and the replays of history that plans start from.
pub(super) struct Planning {
    registry: Registry,
    pub(super) policy: Policy,
    pub(super) first_run: FirstRun,
    replays: Replays,
}

impl Planning {
    pub(super) fn new(registry: Registry) -> Planning {
        Planning {
            registry,
            policy: Policy::default(),
            first_run: FirstRun::default(),
            replays: Replays::default(),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Plans a request after `history`. If planning needs the live schema, it calls `live` and plans again.
    pub(super) fn plan(
        &mut self,
        plan_for: PlanFor,
        history: &History,
        request: &Request,
        live: impl FnOnce() -> Result<Rc<LiveSchema>, Error>,
    ) -> Result<Vec<PlannedMigration>, Error> {
        self.with_live(plan_for, history, live, |sources, planner| {
            sources.plan(request, planner)
        })
    }

    /// Checks that history belongs to this program.
    pub(super) fn check_owner(&self, history: &History) -> Result<(), Error> {
        match self.policy.allow_missing {
            true => Ok(()),
            false => owner::check(history, &self.registry),
        }
    }

    /// Checks the database before the first migration is applied. Later runs skip the check, and so does `redo`, which
    /// lists its migrations.
    pub(super) fn check_first_run(
        &self,
        connection: &mut Connection<'_>,
        history: &History,
        request: &Request,
        planned: &[PlannedMigration],
    ) -> Result<(), Error> {
        match request {
            Request::Up(_) if history.rows().is_empty() => self.first_run.check(connection, planned),
            Request::Up(_) | Request::Down(_) | Request::These(..) => Ok(()),
        }
    }

    /// Checks that migrations can be rolled back after `history`, newest first, and applied again.
    pub(super) fn check_redo(
        &mut self,
        plan_for: PlanFor,
        history: &History,
        migrations: &[Migration],
        live: impl FnOnce() -> Result<Rc<LiveSchema>, Error>,
    ) -> Result<(), Error> {
        self.with_live(plan_for, history, live, |sources, planner| {
            sources.check_redo(migrations, planner)
        })
    }

    /// Checks that all migrations can be applied to an empty database.
    pub(super) fn check_on_empty(&mut self, plan_for: PlanFor) -> Result<(), Error> {
        let (history, request) = (History::default(), Request::Up(Target::Latest));
        let (sources, replays) = self.parts(plan_for, &history);
        let planned = sources.plan(&request, || {
            let mut planner = replays.planner(sources, plan_for);
            planner.set_live(&LiveSchema::default());
            planner
        });
        planned.result.map(drop)
    }

    /// Plans one migration after `history`.
    pub(super) fn plan_one(
        &mut self,
        plan_for: PlanFor,
        history: &History,
        live: Option<&LiveSchema>,
        migration: &Migration,
        direction: Direction,
    ) -> Result<PlannedMigration, Error> {
        let mut planner = self.planner(plan_for, history);
        if let Some(live) = live {
            planner.set_live(live);
        }
        plan_one(&mut planner, migration, direction).map_err(Error::of_diagnostics)
    }

    /// Returns a planner with the schema state that history leads to.
    pub(super) fn planner(&mut self, plan_for: PlanFor, history: &History) -> Planner {
        let (sources, replays) = self.parts(plan_for, history);
        replays.planner(sources, plan_for)
    }

    fn with_live<T>(
        &mut self,
        plan_for: PlanFor,
        history: &History,
        live: impl FnOnce() -> Result<Rc<LiveSchema>, Error>,
        plan: impl Fn(Sources<'_>, &mut dyn FnMut() -> Planner) -> Planned<T>,
    ) -> Result<T, Error> {
        let (sources, replays) = self.parts(plan_for, history);
        let planned = plan(sources, &mut || replays.planner(sources, plan_for));
        if !planned.needs_introspection {
            return planned.result;
        }
        let live = live()?;
        let planned = plan(sources, &mut || {
            let mut planner = replays.planner(sources, plan_for);
            planner.set_live(&live);
            planner
        });
        planned.result
    }

    fn parts<'a>(&'a mut self, plan_for: PlanFor, history: &'a History) -> (Sources<'a>, &'a mut Replays) {
        let Planning {
            registry,
            policy,
            replays,
            ..
        } = self;
        let sources = Sources {
            registry,
            dialect: plan_for.dialect.kind(),
            history,
            policy: *policy,
        };
        (sources, replays)
    }
}

/// The last planners, each with the rows that it replayed. A run replays before it has the lock and again after, and
/// tests move in both directions.
#[derive(Default)]
struct Replays(VecDeque<(Vec<ReplayedRow>, Planner)>);

/// The number of planners to keep: one for rolling a migration back, one for applying it again.
const KEPT: usize = 2;

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

impl Replays {
    fn planner(&mut self, sources: Sources<'_>, plan_for: PlanFor) -> Planner {
        let rows = sources.history.rows().iter();
        let rows = rows.filter(|row| row.phase != Phase::Applying);
        let rows: Vec<ReplayedRow> = rows.map(|row| ReplayedRow::of(row, sources)).collect();
        let begun = self.0.iter().filter(|(begun, _)| rows.starts_with(begun));
        let (done, mut planner) = match begun.max_by_key(|(begun, _)| begun.len()) {
            Some((begun, planner)) => (begun.len(), planner.clone()),
            None => (0, Planner::new(plan_for)),
        };
        for row in rows.iter().skip(done) {
            row.replay(&mut planner, sources.registry);
        }
        if done < rows.len() {
            self.0.push_front((rows, planner.clone()));
            self.0.truncate(KEPT);
        }
        planner
    }
}

impl ReplayedRow {
    fn of(row: &HistoryRow, sources: Sources<'_>) -> ReplayedRow {
        match sources.registry.position(row.id()) {
            Some(position) => ReplayedRow::Linked {
                position,
                is_changed: sources.is_changed(row),
            },
            None if sources.registry.newest(&row.group).is_none() => ReplayedRow::OfOthers,
            None => ReplayedRow::Missing,
        }
    }

    fn replay(self, planner: &mut Planner, registry: &Registry) {
        match self {
            ReplayedRow::Linked { position, is_changed } => {
                // The rollback of a changed migration follows its current code; the rest of the schema is unknown from
                // here.
                if let Some(migration) = registry.as_slice().get(position) {
                    planner.replay(migration);
                }
                if is_changed {
                    planner.mark_all_unknown();
                }
            }
            ReplayedRow::OfOthers => planner.mark_incomplete(),
            ReplayedRow::Missing => planner.mark_all_unknown(),
        }
    }
}
