//! The remaining work of a run: loaded from history and planned before the lock, revalidated under it.

use std::collections::VecDeque;

use super::hooks::Hooks;
use super::load_history::{LoadedHistory, load, load_rows, load_to_decide, load_version};
use super::recovery::recover_claim;
use super::replay::Planning;
use super::session::Connection;
use crate::driver::HistoryVersion;
use crate::error::Error;
use crate::history::{History, HistoryRow};
use crate::migration::{Direction, MigrationId};
use crate::plan::PlannedMigration;
use crate::plan::select::Request;
use crate::target::Target;

/// The remaining work of a run, as planned from one state of history.
pub(super) struct Agenda {
    /// The agenda is valid while this version stays. `None` if it is unknown.
    pub(super) history_version: Option<HistoryVersion>,
    /// `None` if the history table does not exist yet.
    pub(super) history: Option<History>,
    pub(super) next_sequence: i64,
    pub(super) queue: VecDeque<PlannedMigration>,
    /// The request, fixed after the first load.
    request: Request,
    /// The request of the caller.
    asked: Request,
    /// Another run has applied more since this run began, on top of the migrations to roll back.
    is_overtaken: bool,
}

/// The reason why an agenda is no longer valid under the lock.
pub(super) enum Stale {
    /// Another run has claimed a migration outside a transaction, or was killed while it had.
    Claimed,
    /// Another run has applied more, on top of the migrations to roll back.
    Overtaken,
    Failed(Error),
}

/// The reason why loading gave no agenda.
enum LoadError {
    Claimed,
    Failed(Error),
}

impl From<LoadError> for Stale {
    fn from(error: LoadError) -> Stale {
        match error {
            LoadError::Claimed => Stale::Claimed,
            LoadError::Failed(error) => Stale::Failed(error),
        }
    }
}

impl Agenda {
    /// Loads the first agenda, and fixes the request.
    pub(super) fn begin(
        connection: &mut Connection<'_>,
        planning: &mut Planning,
        hooks: &mut Hooks<'_>,
        asked: &Request,
    ) -> Result<Agenda, Error> {
        let mut agenda = load_waiting_for_claim(connection, planning, hooks, asked)?;
        let these = agenda.queue.iter().map(|planned| planned.migration.id().into());
        agenda.request = match asked {
            // The pending migrations up to a target are well defined, even if another run applies some of them.
            Request::Up(Target::Latest | Target::To(_)) => asked.clone(),
            // "The next two" and "the last batch" would change with each load, so the request lists the migrations.
            Request::Up(Target::Next(_)) | Request::Down(_) | Request::These(..) => {
                Request::These(asked.direction(), these.collect())
            }
        };
        Ok(agenda)
    }

    pub(super) fn direction(&self) -> Direction {
        self.asked.direction()
    }

    pub(super) fn row(&self, id: MigrationId<'_>) -> Option<&HistoryRow> {
        self.history.as_ref()?.find(id)
    }

    /// Returns true if the remaining work rebuilds a table.
    pub(super) fn rebuilds(&self) -> bool {
        self.queue.iter().any(PlannedMigration::rebuilds)
    }

    /// Loads the agenda again, outside a transaction. `has_run` is true if this run has completed a migration.
    pub(super) fn reload(
        &mut self,
        connection: &mut Connection<'_>,
        planning: &mut Planning,
        hooks: &mut Hooks<'_>,
        has_run: bool,
    ) -> Result<(), Error> {
        let agenda = load_waiting_for_claim(connection, planning, hooks, &self.request)?;
        self.replace(agenda);
        let stale = self.is_overtaken.then_some(Stale::Overtaken);
        self.recover(stale, connection, planning, hooks, has_run)
    }

    /// Loads the agenda again under the lock, if another connection has committed since.
    pub(super) fn revalidate(&mut self, connection: &mut Connection<'_>, planning: &mut Planning) -> Result<(), Stale> {
        let history_version = load_version(connection).map_err(Stale::Failed)?;
        if history_version.is_none() || history_version != self.history_version {
            let agenda = load_agenda(connection, planning, &self.request, history_version)?;
            self.replace(agenda);
        }
        match self.is_overtaken {
            true => Err(Stale::Overtaken),
            false => Ok(()),
        }
    }

    /// Loads the remaining work after another run came first; without a reason it does nothing. The lock must not be
    /// held. `has_run` is true if this run has completed a migration.
    pub(super) fn recover(
        &mut self,
        stale: Option<Stale>,
        connection: &mut Connection<'_>,
        planning: &mut Planning,
        hooks: &mut Hooks<'_>,
        has_run: bool,
    ) -> Result<(), Error> {
        let Some(stale) = stale else { return Ok(()) };
        match stale {
            // Wait for the other run outside the transaction.
            Stale::Claimed => self.reload(connection, planning, hooks, has_run),
            // Before its first migration the run may start over. Later it ends, because its migrations are no longer
            // the newest.
            Stale::Overtaken if !has_run && !matches!(self.asked, Request::These(..)) => {
                *self = Agenda::begin(connection, planning, hooks, &self.asked)?;
                Ok(())
            }
            Stale::Overtaken => Ok(()),
            Stale::Failed(error) => Err(error),
        }
    }

    /// Plans the next migration again, from the current live schema. Earlier migrations of this run may have created
    /// objects that the first plan could not see, such as a trigger in raw SQL.
    pub(super) fn replan_next(
        &mut self,
        connection: &mut Connection<'_>,
        planning: &mut Planning,
    ) -> Result<(), Error> {
        let Some(planned) = self.queue.front_mut().filter(|planned| planned.done == 0) else {
            return Ok(());
        };
        let history = load_rows(connection)?;
        let live = connection.live_to_plan()?;
        let plan_for = connection.plan_for();
        *planned = planning.plan_one(plan_for, &history, Some(&live), &planned.migration, planned.direction)?;
        Ok(())
    }

    fn replace(&mut self, agenda: Agenda) {
        *self = Agenda {
            asked: self.asked.clone(),
            ..agenda
        };
    }
}

/// Reads history and plans, outside a transaction. Waits up to the lock timeout until a claim is released.
fn load_waiting_for_claim(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    hooks: &mut Hooks<'_>,
    request: &Request,
) -> Result<Agenda, Error> {
    loop {
        let history_version = load_version(connection)?;
        match load_agenda(connection, planning, request, history_version) {
            Ok(agenda) => return Ok(agenda),
            Err(LoadError::Claimed) => recover_claim(connection, planning, hooks)?,
            Err(LoadError::Failed(error)) => return Err(error),
        }
    }
}

fn load_agenda(
    connection: &mut Connection<'_>,
    planning: &mut Planning,
    request: &Request,
    history_version: Option<HistoryVersion>,
) -> Result<Agenda, LoadError> {
    let loaded = match request {
        Request::Up(_) => load_to_decide(connection),
        Request::Down(_) | Request::These(..) => load(connection),
    };
    let LoadedHistory { history, version } = loaded.map_err(LoadError::Failed)?;
    let empty = History::default();
    let known = history.as_ref().unwrap_or(&empty);
    let claimed = known
        .interrupted(planning.registry())
        .is_some_and(|row| row.claim.is_some() && planning.registry().get(row.id()).is_some());
    if claimed {
        return Err(LoadError::Claimed);
    }
    let is_overtaken = is_overtaken(planning, known, request);
    let queue = match is_overtaken {
        true => Vec::new(),
        false => {
            let plan_for = connection.plan_for();
            let queue = planning.plan(plan_for, known, request, || connection.live_to_plan());
            let queue = queue.map_err(LoadError::Failed)?;
            planning
                .check_first_run(connection, known, request, &queue)
                .map_err(LoadError::Failed)?;
            queue
        }
    };
    Ok(Agenda {
        history_version: match is_overtaken {
            true => history_version,
            false => history_version.or(version),
        },
        next_sequence: history.as_ref().map_or(1, History::next_sequence),
        history,
        queue: queue.into(),
        request: request.clone(),
        asked: request.clone(),
        is_overtaken,
    })
}

/// Returns true if the migrations to roll back are no longer the newest.
fn is_overtaken(planning: &Planning, history: &History, request: &Request) -> bool {
    let Request::These(Direction::Down, these) = request else {
        return false;
    };
    let registry = planning.registry();
    let is_meant = |row: &HistoryRow| these.contains(&row.id().into());
    let newest = history.linked_rows(registry).last();
    newest.is_some_and(|newest| !is_meant(newest)) && history.linked_rows(registry).any(is_meant)
}
