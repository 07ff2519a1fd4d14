//! A run: one migration after another, each under the lock and planned against current history.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::queue::plan_one;
use super::{Request, Runner, and_before, number_of, subject};
use crate::code::Code;
use crate::driver::DriverErrorKind;
use crate::error::Error;
use crate::help::{Advice, Help};
use crate::history::{AppliedMigration, History, Phase};
use crate::migration::{Direction, MigrationId};
use crate::plan::{PlannedMigration, PlannedStep};
use crate::report::{Event, ExecutedMigration, Report};
use crate::target::{MigrationRef, Target};

/// The state that a run carries from one migration to the next.
pub(super) struct RunState {
    /// The ID of the run in its claims.
    pub(super) id: String,
    /// The batch of the run, once it is known.
    pub(super) batch: Option<i64>,
    /// Finished rows hold claims, because their run has more to execute.
    pub(super) has_open_claims: bool,
    /// A pipelined message failed, so migrations run one by one until one completes.
    pub(super) goes_alone: bool,
    pub(super) report: Report,
}

impl RunState {
    /// The report of the run.
    fn reported(self, request: &Request) -> Report {
        let has_applied = request.direction() == Direction::Up && !self.report.is_empty();
        Report {
            batch: self.batch.filter(|_| has_applied),
            ..self.report
        }
    }
}

/// The remaining work of a run, as planned from one state of history.
pub(super) struct Agenda {
    /// The agenda is valid while this version stays.
    pub(super) history_version: Option<i64>,
    /// A pipelined message of this run changed history last, as far as is known.
    pub(super) is_left_by_message: bool,
    /// `None` if the history table does not exist yet.
    pub(super) history: Option<History>,
    pub(super) next_sequence: i64,
    pub(super) queue: VecDeque<PlannedMigration>,
    /// The request, fixed after the first load.
    pub(super) request: Request,
    /// Another run has applied more since this run began, on top of the migrations to roll back.
    is_overtaken: bool,
}

impl Agenda {
    pub(super) fn row(&self, id: MigrationId<'_>) -> Option<&AppliedMigration> {
        self.history.as_ref()?.find(id)
    }
}

impl Runner<'_> {
    /// Executes a request. `batches` sets the batch of some migrations; the others join the run's.
    pub(super) fn run(&mut self, request: &Request, batches: &HashMap<MigrationRef, i64>) -> Result<Report, Error> {
        let mut agenda = self.begin(request)?;
        if request.direction() == Direction::Up
            && let Some(history) = &agenda.history
        {
            self.stamp_anew(history)?;
        }
        let mut run = RunState {
            // Random, not counted: two programs on two machines may start at one moment.
            id: format!("{:016x}", RandomState::new().build_hasher().finish()),
            batch: None,
            has_open_claims: false,
            goes_alone: false,
            report: Report::default(),
        };
        while !agenda.queue.is_empty() {
            let result = match self.single_transaction {
                _ if self.is_stopped() => Err(stopped_before(&agenda)),
                true => self.take_all_turns(&mut run, &mut agenda, request, batches),
                false => self.take_turn(&mut run, &mut agenda, request, batches),
            };
            if let Err(error) = result {
                self.close_batch(&run);
                let error = with_what_went_before(error, &run);
                return Err(error.with_report(run.reported(request)));
            }
        }
        Ok(run.reported(request))
    }

    /// Loads the first agenda, and fixes the request.
    fn begin(&mut self, request: &Request) -> Result<Agenda, Error> {
        let mut agenda = self.look_patiently(request)?;
        let these = agenda.queue.iter().map(|planned| planned.migration.id().into());
        agenda.request = match request {
            // The pending migrations up to a target are well defined, even if another run applies some of them.
            Request::Up(Target::Latest | Target::To(_)) => request.clone(),
            // "The next two" and "the last batch" would change with each load, so the request lists the migrations.
            Request::Up(Target::Next(_)) | Request::Down(_) | Request::These(..) => {
                Request::These(request.direction(), these.collect())
            }
        };
        Ok(agenda)
    }

    /// Runs the next migration, or several in a pipeline. Foreign keys can be disabled only outside a transaction, so a
    /// rebuild disables them first.
    fn take_turn(
        &mut self,
        run: &mut RunState,
        agenda: &mut Agenda,
        request: &Request,
        batches: &HashMap<MigrationRef, i64>,
    ) -> Result<(), Error> {
        if self.take_turns_together(run, agenda, batches)? {
            return Ok(());
        }
        let result = if agenda.queue.front().is_some_and(PlannedMigration::rebuilds) {
            if !run.report.is_empty() {
                self.plan_anew(agenda)?;
            }
            self.without_foreign_keys(|runner| runner.take_locked_turn(run, agenda, request, batches, true))
        } else {
            self.take_locked_turn(run, agenda, request, batches, false)
        };
        self.let_go_after(result)
    }

    /// Runs `work` with foreign keys disabled. No transaction may be open.
    pub(super) fn without_foreign_keys(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let not_set =
            |runner: &mut Self, error| runner.database_error("foreign keys cannot be switched on or off", error);
        let kept = match self.session.set_foreign_keys(false) {
            Ok(kept) => kept,
            Err(error) => return Err(not_set(self, error)),
        };
        let result = work(self);
        match self.session.set_foreign_keys(kept) {
            Err(error) if result.is_ok() => Err(not_set(self, error)),
            _ => result,
        }
    }

    /// Plans the next migration again, from the current live schema. Earlier migrations of this run may have created
    /// objects that the first plan could not see, such as a trigger in raw SQL.
    pub(super) fn plan_anew(&mut self, agenda: &mut Agenda) -> Result<(), Error> {
        let Some(planned) = agenda.queue.front_mut().filter(|planned| planned.done == 0) else {
            return Ok(());
        };
        let history = self.read_history()?.unwrap_or_default();
        let mut planner = self.planner(&history);
        planner.set_live(&*self.live()?);
        *planned = plan_one(&mut planner, &planned.migration, planned.direction).map_err(Error::of_diagnostics)?;
        Ok(())
    }

    /// Takes the lock and runs the next migration, if history still requires it.
    fn take_locked_turn(
        &mut self,
        run: &mut RunState,
        agenda: &mut Agenda,
        request: &Request,
        batches: &HashMap<MigrationRef, i64>,
        without_foreign_keys: bool,
    ) -> Result<(), Error> {
        if !self.lock(run, agenda, request)? {
            return Ok(());
        }
        let Some(planned) = agenda.queue.pop_front() else {
            self.abandon();
            return Ok(());
        };
        if planned.rebuilds() && !without_foreign_keys {
            // Another run was faster, and this migration is next now.
            agenda.queue.push_front(planned);
            self.abandon();
            return Ok(());
        }
        let attempt = self.attempt(run, agenda, &planned, batches, agenda.next_sequence);
        self.tell_started(&planned, run.report.executed.len(), agenda.queue.len());
        let started = Instant::now();
        let history_version = match self.do_one(&attempt, started) {
            Ok(history_version) => history_version,
            Err(error) if self.may_try_again(&planned, &error) => {
                agenda.queue.push_front(planned);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.retry_deadline = None;
        run.goes_alone = false;
        agenda.history_version = history_version.or(agenda.history_version);
        agenda.is_left_by_message = false;
        let done = ExecutedMigration {
            migration: planned.migration,
            direction: planned.direction,
            duration: started.elapsed(),
        };
        self.tell(&Event::Finished(&done));
        run.report.executed.push(done);
        run.has_open_claims = !attempt.is_last && planned.direction == Direction::Up;
        // A resumed migration already has its sequence number.
        agenda.next_sequence += i64::from(attempt.row.is_none());
        agenda.history.get_or_insert_default();
        Ok(())
    }

    /// Takes the lock and revalidates the agenda. Returns true if the transaction is open and the agenda holds;
    /// otherwise the agenda is a new one.
    pub(super) fn lock(&mut self, run: &RunState, agenda: &mut Agenda, request: &Request) -> Result<bool, Error> {
        self.begin_transaction()
            .map_err(|error| self.database_error("the migration lock cannot be acquired", error))?;
        match self.look_again(agenda) {
            Ok(()) if !agenda.is_overtaken => return Ok(true),
            Ok(()) => {
                self.abandon();
                // Before its first migration the run may start over. Later it ends, because its migrations are no
                // longer the newest.
                if run.report.is_empty() && !matches!(request, Request::These(..)) {
                    *agenda = self.begin(request)?;
                }
            }
            Err(error) => {
                self.abandon();
                // The claim of another run came first; wait for it outside the transaction.
                *agenda = match error {
                    PlanError::ByClaim => {
                        let request = agenda.request.clone();
                        self.look_patiently(&request)?
                    }
                    PlanError::By(error) => return Err(error),
                };
            }
        }
        Ok(false)
    }

    /// Reports that a migration begins, with the number of migrations before and after it.
    pub(super) fn tell_started(&mut self, planned: &PlannedMigration, before: usize, left: usize) {
        self.tell(&Event::Started {
            migration: &planned.migration,
            direction: planned.direction,
            position: before + 1,
            total: before + 1 + left,
        });
    }

    /// Collects the inputs of the next migration.
    pub(super) fn attempt<'p>(
        &self,
        run: &mut RunState,
        agenda: &Agenda,
        planned: &'p PlannedMigration,
        batches: &HashMap<MigrationRef, i64>,
        sequence: i64,
    ) -> Attempt<'p> {
        let history = agenda.history.as_ref();
        run.has_open_claims |= history.is_some_and(|history| {
            history
                .rows()
                .iter()
                .any(|row| row.phase == Phase::Applied && row.claim.is_some())
        });
        let id = planned.migration.id();
        let row = agenda.row(id).cloned();
        let batch = batches.get(&MigrationRef::from(id)).copied();
        let batch = batch
            .or(run.batch)
            .unwrap_or_else(|| history.map_or(1, |history| history.batch_to_continue_or_begin(&self.registry)));
        run.batch = Some(batch);
        Attempt {
            planned,
            run_id: run.id.clone(),
            batch,
            sequence,
            row,
            makes_table: history.is_none(),
            is_last: agenda.queue.is_empty(),
            has_open_claims: run.has_open_claims,
        }
    }

    /// Returns true if a migration failed, was rolled back, and may succeed later: another connection holds a lock, or
    /// a pooler was unknown before.
    pub(super) fn may_try_again(&mut self, planned: &PlannedMigration, error: &Error) -> bool {
        let kind = error.cause().and_then(|cause| DriverErrorKind::behind(cause));
        let is_locked = kind == Some(DriverErrorKind::Locked);
        let stays_whole = planned.is_whole();
        (stays_whole && self.tells_of_pooler(error)) || (is_locked && stays_whole && self.waits_for_lock(planned))
    }

    /// Waits a random time for a lock of another connection, so that two runs do not collide repeatedly. Returns false
    /// once the lock timeout is over.
    pub(super) fn waits_for_lock(&mut self, planned: &PlannedMigration) -> bool {
        // The failed statement has already waited once. Time before that does not count.
        let until = *self
            .retry_deadline
            .get_or_insert_with(|| Instant::now() + self.lock_timeout.saturating_sub(self.statement_lock_timeout));
        if Instant::now() >= until {
            return false;
        }
        let hint = match self.blockers(&planned.steps).into_iter().next() {
            Some(blocker) => format!("blocked by {blocker}"),
            None => self.session.lock_holder_hint(),
        };
        self.tell(&Event::Waiting {
            reason: &format!("{} waits for a lock; {hint}", subject(planned)),
        });
        let jitter = RandomState::new().build_hasher().finish() % 500;
        thread::sleep(Duration::from_millis(250 + jitter));
        true
    }

    /// Returns the sessions that may block some steps, oldest first.
    pub(super) fn blockers(&mut self, steps: &[PlannedStep]) -> Vec<String> {
        let touched: Vec<String> = steps.iter().flat_map(|step| step.touches.clone()).collect();
        let concurrently = steps.iter().any(PlannedStep::is_concurrent);
        self.session.blockers(&touched, concurrently)
    }

    /// Reads history and plans, outside a transaction. Waits up to the lock timeout until a claim is released.
    pub(super) fn look_patiently(&mut self, request: &Request) -> Result<Agenda, Error> {
        loop {
            let history_version = self.history_version()?;
            match self.look(request, history_version) {
                Ok(agenda) => return Ok(agenda),
                // A running migration holds the lock, so a run that gets the lock finds the claim of a run that is
                // gone.
                Err(PlanError::ByClaim) => self.take_over()?,
                Err(PlanError::By(error)) => return Err(error),
            }
        }
    }

    /// Waits for the lock, and recovers the claim of a run that is gone.
    fn take_over(&mut self) -> Result<(), Error> {
        self.in_own_transaction(|runner| {
            let history = runner.read_history()?.unwrap_or_default();
            let claimed = history.interrupted(&runner.registry).filter(|row| row.claim.is_some());
            match claimed {
                Some(row) => runner.settle(&history, row),
                None => Ok(()),
            }
        })
    }

    /// Loads the agenda again, inside the transaction, if another connection has committed since.
    fn look_again(&mut self, agenda: &mut Agenda) -> Result<(), PlanError> {
        let history_version = self.history_version().map_err(PlanError::By)?;
        if history_version.is_none() || history_version != agenda.history_version {
            let request = agenda.request.clone();
            *agenda = self.look(&request, history_version)?;
        }
        Ok(())
    }

    fn look(&mut self, request: &Request, history_version: Option<i64>) -> Result<Agenda, PlanError> {
        let history = self.read_history().map_err(PlanError::By)?;
        let empty = History::default();
        let known = history.as_ref().unwrap_or(&empty);
        let claimed = known
            .interrupted(&self.registry)
            .is_some_and(|row| row.claim.is_some() && self.registry.get(row.id()).is_some());
        if claimed {
            return Err(PlanError::ByClaim);
        }
        if self.is_overtaken(known, request) {
            let mut agenda = Agenda::new(history_version, history, Vec::new(), request);
            agenda.is_overtaken = true;
            return Ok(agenda);
        }
        let queue = self.queue(known, request).map_err(PlanError::By)?;
        let history_version = history_version.or(self.history_version_read);
        Ok(Agenda::new(history_version, history, queue, request))
    }

    /// Returns true if the migrations to roll back are no longer the newest.
    fn is_overtaken(&self, history: &History, request: &Request) -> bool {
        let Request::These(Direction::Down, these) = request else {
            return false;
        };
        let is_meant = |row: &AppliedMigration| these.contains(&row.id().into());
        let newest = history.linked_rows(&self.registry).last();
        newest.is_some_and(|newest| !is_meant(newest)) && history.linked_rows(&self.registry).any(is_meant)
    }

    fn history_version(&mut self) -> Result<Option<i64>, Error> {
        self.session
            .history_version(&self.table)
            .map_err(|error| self.database_error("history cannot be read", error))
    }

    /// Ends a transaction that changed nothing.
    pub(super) fn abandon(&mut self) {
        // The next statement meets the same failure, and reports it.
        let _ = self.session.rollback();
    }

    /// Releases the claims after a failure, so that the finished rows are a complete batch.
    fn close_batch(&mut self, run: &RunState) {
        if !run.report.is_empty() && run.has_open_claims {
            // If this fails too, the next run continues the batch, as after a kill.
            let _ = self.session.execute(&self.table.finish_part_of_batch(&run.id));
        }
    }
}

impl Agenda {
    fn new(
        history_version: Option<i64>,
        history: Option<History>,
        queue: Vec<PlannedMigration>,
        request: &Request,
    ) -> Agenda {
        Agenda {
            history_version,
            request: request.clone(),
            is_overtaken: false,
            is_left_by_message: false,
            next_sequence: history.as_ref().map_or(1, History::next_sequence),
            history,
            queue: queue.into(),
        }
    }
}

/// The reason why loading gave no agenda.
enum PlanError {
    /// Another run has claimed a migration outside a transaction, or was killed while it had.
    ByClaim,
    By(Error),
}

/// Builds the error for a run that was stopped between two migrations, where no migration is partly done.
fn stopped_before(agenda: &Agenda) -> Error {
    let left = number_of(agenda.queue.len(), "remaining migration", "remaining migrations");
    let error = match agenda.queue.front() {
        Some(next) => Error::new(Code::STOPPED, format!("the run was stopped before {}", subject(next)))
            .at(next.migration.location()),
        None => Error::new(Code::STOPPED, "the run was stopped"),
    };
    error.nothing_changed().help(match agenda.request.direction() {
        Direction::Up => Help::from(Advice::Up).text(format!(" applies the {left}")),
        Direction::Down => Help::new(format!("roll back the {left} with a new run")),
    })
}

/// Adds to an error the migrations that the run completed before it.
fn with_what_went_before(mut error: Error, run: &RunState) -> Error {
    let count = |direction| {
        run.report
            .executed
            .iter()
            .filter(|done| done.direction == direction)
            .count()
    };
    for (count, now) in [
        (count(Direction::Up), "applied"),
        (count(Direction::Down), "rolled back"),
    ] {
        if count == 0 {
            continue;
        }
        let batch = match (now, run.batch) {
            ("applied", Some(batch)) => format!(" (batch {batch})"),
            _ => String::new(),
        };
        let earlier = number_of(count, "earlier migration remains", "earlier migrations remain");
        error = and_before(error, &format!("{earlier} {now}{batch}"));
    }
    error
}
