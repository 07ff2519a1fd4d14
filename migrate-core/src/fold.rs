//! Folding migrations over what is known of the database: each step is checked against the schema that it finds, written as
//! SQL, and gives its inverse. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::dialect;
use crate::dialect_name::DialectName;
use crate::error::{Error, Problem};
use crate::migration::{Direction, Migration, MigrationId};
use crate::place::Place;
use crate::plan::{Action, PlanFor, PlannedMigration, PlannedStep};
use crate::schema::{
    self, AppliedOperation, Change, EnumChange, Live, Model, Operation, Piece, Step, Touched, Undo, Work,
};

/// What is known of a database as one migration after the other has changed it, or would.
pub(crate) struct Fold {
    plan_for: PlanFor,
    model: Model,
    /// What was found in the database, and what the steps would make of it.
    live: Option<LiveModel>,
    /// Something could not be told without looking at the database.
    wants_live: bool,
    /// What something wrong was found with already: what builds on it is not to be blamed as well.
    blamed: BTreeSet<String>,
    /// The way back of each migration that was folded, as it was worked out.
    inverses: HashMap<MigrationId<'static>, Inverse>,
}

struct LiveModel {
    model: Model,
    /// Why a table cannot be described.
    refused: BTreeMap<String, String>,
}

/// The way back of some steps.
#[derive(Clone, Default)]
struct Inverse {
    /// Last step first.
    steps: Vec<Step>,
    /// What it lacks, and only the user can say.
    missing: Vec<Problem>,
}

impl Fold {
    pub(crate) fn new(plan_for: PlanFor) -> Fold {
        Fold {
            plan_for,
            model: Model::default(),
            live: None,
            wants_live: false,
            blamed: BTreeSet::new(),
            inverses: HashMap::new(),
        }
    }

    /// In what a database differs from what the folded migrations have made of it. Tables that are not known here, and
    /// those named in `but`, are nobody's business.
    pub(crate) fn differences(&self, live: &Live, but: &str) -> Vec<String> {
        let known = Model::of_live(live, &self.model);
        let mut differences: Vec<String> = self
            .model
            .tables()
            .filter_map(|table| {
                let difference = match known.table(&table.name) {
                    Some(there) => table.difference(there)?,
                    None => "it is not there".to_owned(),
                };
                Some(format!("table `{}`: {difference}", table.name))
            })
            .collect();
        if !self.model.is_all_open() {
            let strays = live
                .tables
                .keys()
                .filter(|name| *name != but && !self.model.knows(name));
            differences.extend(strays.map(|name| format!("table `{name}`: no migration has made it")));
        }
        differences
    }

    /// Whether planning could say more, or be safer, if it knew what the database holds.
    pub(crate) fn wants_live(&self) -> bool {
        self.wants_live
    }

    /// What the database holds now: after what was folded, and before anything is planned.
    pub(crate) fn set_live(&mut self, live: &Live) {
        let refused = live.tables.iter();
        let refused = refused.filter_map(|(name, table)| Some((name.clone(), table.as_ref().err()?.clone())));
        self.live = Some(LiveModel {
            model: Model::of_live(live, &self.model),
            refused: refused.collect(),
        });
    }

    /// A migration that was applied. What it did is taken for right, since the database took it.
    pub(crate) fn past(&mut self, migration: &Migration) {
        let up = schema::record(|schema| migration.migrate().up(schema));
        let walk = self.walk(migration, &up.steps, Purpose::Know);
        self.inverses.insert(migration.id(), walk.inverse);
    }

    /// A migration was applied that is not known here, or not as it was then: anything may be different.
    pub(crate) fn forget(&mut self) {
        self.model.forget();
    }

    /// Programs that are not known here work on the same database: there may be more than is known.
    pub(crate) fn is_shared(&mut self) {
        self.model.open_all();
    }

    /// Plans a migration that is to be applied next.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. It is not applied either if its way back is wrong: that is found out when it is
    /// written, not on the day when it is needed.
    pub(crate) fn up(&mut self, migration: &Migration) -> Result<PlannedMigration, Vec<Problem>> {
        let up = schema::record(|schema| migration.migrate().up(schema));
        let mut problems = up.problems;
        if up.steps.is_empty() {
            problems.push(Problem {
                place: Some(migration.place()),
                message: format!("`up` of {} describes nothing; write its steps", migration.name()),
            });
        }
        let walk = self.walk(migration, &up.steps, Purpose::Run(Direction::Up));
        problems.extend(walk.problems);

        // The way back is tried from where it would begin.
        self.models().for_each(Model::begin_trial);
        let back = self.way_back(migration, &walk.inverse);
        self.models().for_each(Model::rewind);
        problems.extend(back.said);
        // After something wrong, this would only repeat it.
        let is_sound = problems.is_empty();
        problems.extend(back.found.into_iter().filter(|_| is_sound));
        self.inverses.insert(migration.id(), walk.inverse);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(PlannedMigration {
            migration: *migration,
            direction: Direction::Up,
            fingerprints: fingerprints(&up.steps, &walk.actions, self.plan_for.dialect.kind()),
            steps: walk.planned,
            done: 0,
        })
    }

    /// Plans the way back of a migration that was applied, as the next thing to happen.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub(crate) fn down(&mut self, migration: &Migration) -> Result<PlannedMigration, Vec<Problem>> {
        let Some(inverse) = self.inverses.remove(&migration.id()) else {
            // History is folded before anything is planned back, so this is our own mistake: refuse, rather than do nothing.
            return Err(vec![Problem {
                place: Some(migration.place()),
                message: format!("the way back of {} is not known", migration.name()),
            }]);
        };
        let WayBack {
            planned,
            said: mut problems,
            found,
        } = self.way_back(migration, &inverse);
        if problems.is_empty() {
            problems = found;
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(PlannedMigration {
            migration: *migration,
            direction: Direction::Down,
            fingerprints: Vec::new(),
            steps: planned,
            done: 0,
        })
    }

    fn way_back(&mut self, migration: &Migration, inverse: &Inverse) -> WayBack {
        let down = schema::record(|schema| migration.migrate().down(schema));
        let mut said = down.problems;
        let steps = if down.works_out_from_up {
            said.extend(inverse.missing.iter().cloned().map(|mut problem| {
                problem.message += &format!(", or write `down` for {}", migration.name());
                problem
            }));
            &inverse.steps
        } else {
            if down.steps.is_empty() {
                said.push(Problem {
                    place: Some(migration.place()),
                    message: format!(
                        "`down` of {} describes nothing; write its steps, or leave `down` out to have it worked out from \
                         `up`",
                        migration.name()
                    ),
                });
            }
            &down.steps
        };
        let walk = self.walk(migration, steps, Purpose::Run(Direction::Down));
        WayBack {
            planned: walk.planned,
            said,
            found: walk.problems,
        }
    }

    fn models(&mut self) -> impl Iterator<Item = &mut Model> {
        std::iter::once(&mut self.model).chain(self.live.as_mut().map(|live| &mut live.model))
    }

    fn walk(&mut self, migration: &Migration, steps: &[Step], purpose: Purpose) -> Walked {
        let mut walk = Walk {
            plan_for: self.plan_for,
            model: &mut self.model,
            live: self.live.as_mut(),
            blamed: &mut self.blamed,
            wants_live: false,
            in_transaction: migration.in_transaction(),
            waiting: Vec::new(),
            notes: Vec::new(),
            purpose,
            walked: Walked::default(),
        };
        for step in steps {
            let before = walk.walked.planned.len();
            walk.step(step);
            let actions = walk.walked.planned.len() - before;
            walk.walked.actions.push(actions);
        }
        self.wants_live |= walk.wants_live;
        let mut walked = walk.walked;
        walked.inverse.steps.reverse();
        self.models().for_each(|model| match purpose {
            Purpose::Run(Direction::Down) => model.rows_may_come_between_ways_back(),
            Purpose::Run(Direction::Up) | Purpose::Know => model.rows_may_come(),
        });
        walked
    }
}

struct WayBack {
    planned: Vec<PlannedStep>,
    /// What is wrong as it is written, whatever the schema.
    said: Vec<Problem>,
    /// What is wrong with it for the schema that it finds.
    found: Vec<Problem>,
}

/// What the steps are walked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To know what they have done.
    Know,
    /// To run them.
    Run(Direction),
}

/// What came of walking over steps.
#[derive(Default)]
struct Walked {
    planned: Vec<PlannedStep>,
    /// How many actions each step is.
    actions: Vec<usize>,
    inverse: Inverse,
    problems: Vec<Problem>,
}

struct Walk<'a> {
    plan_for: PlanFor,
    model: &'a mut Model,
    live: Option<&'a mut LiveModel>,
    blamed: &'a mut BTreeSet<String>,
    wants_live: bool,
    in_transaction: bool,
    /// Values that this transaction has added to enums, and may not use yet.
    waiting: Vec<(String, String)>,
    /// What is to be known of the action that is planned next.
    notes: Vec<String>,
    purpose: Purpose,
    walked: Walked,
}

impl Walk<'_> {
    fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.walked.problems.push(Problem {
            place: Some(place),
            message: message.into(),
        });
    }

    fn plan(&mut self, place: Place, action: Action) {
        let notes = std::mem::take(&mut self.notes);
        self.walked.planned.push(PlannedStep { place, notes, action });
    }

    fn step(&mut self, step: &Step) {
        // What nothing was planned for needs no word.
        self.notes.clear();
        match &step.work {
            Work::Operation(operation) => self.operation(operation, step),
            Work::Sql(sql) => {
                let dialect = self.plan_for.dialect.kind();
                let sql = sql.for_dialect(dialect).unwrap_or_else(|| {
                    self.problem(
                        step.place,
                        format!(
                            "this SQL is not written for {}; add `(DialectName::{dialect:?}, \"..\")`, with an empty text if \
                             there is nothing to do there",
                            dialect.title()
                        ),
                    );
                    ""
                });
                self.raw(sql, step.place);
                let effects = self.effects(step);
                if step.effects.is_none() {
                    match schema::touched(sql) {
                        Touched::Nothing => {}
                        Touched::Rows => self.models().for_each(Model::rows_may_come),
                        Touched::Names(names) => self.models().for_each(|model| model.open(names.clone())),
                        Touched::Index(index) => self.models().for_each(|model| model.open_owner(&index)),
                        Touched::Anything => self.models().for_each(Model::forget),
                    }
                }
                self.undo(step, effects, "this SQL");
            }
            Work::Rust(functions) => {
                self.rust(functions, step.place);
                let effects = self.effects(step);
                self.models().for_each(Model::rows_may_come);
                self.undo(step, effects, "this Rust step");
            }
            Work::Declared => {
                let effects = self.effects(step);
                self.models().for_each(Model::rows_may_come);
                self.walked.inverse.steps.push(Step {
                    work: Work::Declared,
                    undo: Undo::Nothing,
                    effects: Some(effects),
                    place: step.place,
                });
            }
            Work::Kept => {
                self.effects(step);
                self.plan(step.place, Action::Keep);
            }
        }
    }

    fn models(&mut self) -> impl Iterator<Item = &mut Model> {
        std::iter::once(&mut *self.model).chain(self.live.as_mut().map(|live| &mut live.model))
    }

    fn operation(&mut self, operation: &Operation, step: &Step) {
        let place = step.place;
        if operation.names().iter().any(|name| self.blamed.contains(name)) {
            self.blamed.extend(operation.names());
            return;
        }
        let live = self.live.as_mut().map(|live| {
            let applied = live.model.apply(operation, place);
            if applied.is_err() {
                live.model.open(operation.names());
            }
            applied
        });
        let applied = match self.model.apply(operation, place) {
            Ok(applied) => applied,
            Err(findings) => {
                self.walked.problems.extend(findings);
                self.model.open(operation.names());
                if self.purpose != Purpose::Know {
                    self.blamed.extend(operation.names());
                }
                return;
            }
        };
        let is_known = applied.before.is_some() || applied.after.is_some();
        let is_of_table = matches!(operation, Operation::AlterTable { .. } | Operation::DropTable { .. });
        // What migrations do not know of a table, the database does. The way back is taken from what migrations know all the
        // same: when it is needed, the database holds the table as it is after this.
        match live {
            Some(Ok(live)) if !is_known && is_of_table && live.before.is_some() => self.render(&live, None, place),
            Some(Err(findings)) if !is_known && is_of_table && self.can_be_found(operation) => {
                self.walked.problems.extend(findings);
                return;
            }
            Some(Ok(live)) if is_known && live.before.is_some() => self.render(&applied, Some(&live), place),
            _ => {
                if !is_known && is_of_table {
                    self.wants_live = true;
                    self.note_unchecked(operation);
                }
                self.render(&applied, None, place);
            }
        }
        let inverse = Step {
            work: Work::Operation(applied.inverse),
            undo: Undo::Unknown,
            effects: None,
            place,
        };
        self.walked.inverse.steps.push(match step.undo {
            // It stays in the database, and the migration that does it again has to find nothing.
            Undo::Nothing => Step {
                work: Work::Kept,
                undo: Undo::Nothing,
                effects: Some(vec![inverse]),
                place,
            },
            Undo::Unknown | Undo::By { .. } => {
                self.walked.inverse.missing.extend(applied.missing);
                inverse
            }
        });
    }

    /// Whether the database has what an operation is about, in a form that is understood.
    fn can_be_found(&self, operation: &Operation) -> bool {
        let live = self.live.as_ref();
        operation
            .names()
            .iter()
            .all(|name| live.is_some_and(|live| !live.refused.contains_key(name)))
    }

    /// Writes an operation as SQL. `live` is the same one, from what was found in the database.
    fn render(&mut self, applied: &AppliedOperation, live: Option<&AppliedOperation>, place: Place) {
        let Purpose::Run(_) = self.purpose else {
            return;
        };
        let dialect = self.plan_for.dialect;
        let mut rendered = dialect::render(dialect, applied, place);
        // A table is made anew from what it is, not from what it is taken to be.
        if rendered.as_ref().is_ok_and(|rendered| rendered.rebuilds.is_some()) {
            match live {
                Some(live) => rendered = dialect::render(dialect, live, place),
                None => self.wants_live = true,
            }
        }
        let rendered = match rendered {
            Ok(rendered) => rendered,
            Err(problems) => {
                let refused = self.live.as_ref().and_then(|live| {
                    let names = applied.operation.names();
                    names.iter().find_map(|name| live.refused.get(name).cloned())
                });
                match refused {
                    Some(why) => self.problem(
                        place,
                        format!(
                            "{} has to make the table anew for this, and cannot: {why}",
                            dialect.name()
                        ),
                    ),
                    None => self.walked.problems.extend(problems),
                }
                return;
            }
        };
        if rendered.rebuilds.is_some() && !self.in_transaction {
            self.problem(
                place,
                format!(
                    "{} has to make the table anew for this, which needs a transaction; put it into a migration without \
                     `transaction = false`",
                    dialect.name()
                ),
            );
        }
        if rendered.stays_outside && self.in_transaction {
            self.problem(
                place,
                format!(
                    "{} makes and drops an index concurrently only outside a transaction; put it into a migration of its own \
                     with `#[migration(.., transaction = false)]`",
                    dialect.name()
                ),
            );
        }
        self.note_losses(&applied.operation);
        if let Some(table) = rendered.rebuilds {
            let is_found = self.plan_for.connection.is_some();
            let table = Box::new(table);
            self.plan(place, Action::Expect { table, is_found });
        }
        for statement in rendered.statements {
            if !matches!(applied.operation, Operation::ChangeEnum { .. }) {
                self.check_waiting(&statement, place);
            }
            self.plan(place, Action::Generated(statement));
        }
        if let Operation::ChangeEnum {
            name,
            change: EnumChange::AddValue { value, .. },
        } = &applied.operation
            && self.in_transaction
            && dialect.new_enum_values_wait()
        {
            self.waiting.push((name.clone(), value.clone()));
        }
    }

    fn note_unchecked(&mut self, operation: &Operation) {
        for name in operation.names() {
            self.notes.push(format!(
                "not checked: what `{name}` is is not known, as raw SQL may have made or changed it"
            ));
        }
    }

    /// Rows and values do not come back, and whoever reads the plan is told.
    fn note_losses(&mut self, operation: &Operation) {
        let goes_back = self.purpose == Purpose::Run(Direction::Down);
        match operation {
            Operation::DropTable { table } => self.notes.push(format!("careful: the rows of `{table}` are lost")),
            Operation::CreateTable { table, .. } if goes_back => {
                self.notes.push(format!("`{table}` comes back without its rows"));
            }
            Operation::AlterTable { table, edits } => {
                for edit in edits {
                    match &edit.change {
                        Change::DropColumn { column, .. } => {
                            self.notes
                                .push(format!("careful: the values of `{table}.{column}` are lost"));
                        }
                        Change::AddColumn { column, .. } if goes_back && column.generated.is_none() => {
                            self.notes
                                .push(format!("`{table}.{}` comes back without its values", column.name));
                        }
                        _ => {}
                    }
                }
            }
            Operation::CreateTable { .. }
            | Operation::RenameTable { .. }
            | Operation::CreateView { .. }
            | Operation::DropView { .. }
            | Operation::ChangeEnum { .. } => {}
        }
    }

    /// That a statement uses no value of an enum that was added in its own transaction.
    fn check_waiting(&mut self, sql: &str, place: Place) {
        let dialect = self.plan_for.dialect;
        let used = self.waiting.iter().find(|(_, value)| {
            let literal = dialect.text(value);
            schema::pieces(sql).is_ok_and(|pieces| pieces.contains(&Piece::Text(&literal)))
        });
        if let Some((name, value)) = used {
            let message = format!(
                "`{value}` was added to the enum `{name}` in this transaction, and {} lets only later ones use it; put \
                 this into a later migration",
                dialect.name()
            );
            self.problem(place, message);
        }
    }

    fn raw(&mut self, sql: &str, place: Place) {
        // Nothing to do on this database, or recording has reported it already.
        if self.purpose == Purpose::Know || sql.trim().is_empty() {
            return;
        }
        self.check_waiting(sql, place);
        match self.plan_for.dialect.check_raw(sql, self.in_transaction) {
            Ok(()) => self.plan(place, Action::Statement(sql.to_owned())),
            Err(message) => self.problem(place, message),
        }
    }

    fn rust(&mut self, functions: &schema::Functions, place: Place) {
        if self.purpose == Purpose::Know {
            return;
        }
        let connection = self.plan_for.connection;
        let name = match connection {
            Some((connection, _)) => functions.name_for(connection),
            None => functions.names().next(),
        };
        match (name, connection) {
            (Some(name), _) => self.plan(
                place,
                Action::Rust {
                    functions: functions.clone(),
                    name,
                },
            ),
            (None, connection) => self.problem(
                place,
                format!(
                    "this Rust step is written for {}, and the database is reached by a {}; give `run` a tuple with one \
                     function per connection type",
                    functions.connection_names().join(" and "),
                    connection.map_or("connection of another type", |(_, name)| name)
                ),
            ),
        }
    }

    /// What the user says that a step does to the schema, and its inverse. Nothing of it is run.
    fn effects(&mut self, step: &Step) -> Vec<Step> {
        let mut inverse = Vec::new();
        for effect in step.effects.iter().flatten() {
            let Work::Operation(operation) = &effect.work else {
                continue;
            };
            if let Some(live) = &mut self.live
                && !matches!(step.work, Work::Declared)
                && live.model.apply(operation, effect.place).is_err()
            {
                live.model.open(operation.names());
            }
            match self.model.apply(operation, effect.place) {
                Ok(applied) => inverse.push(Step {
                    work: Work::Operation(applied.inverse),
                    undo: Undo::Unknown,
                    effects: None,
                    place: effect.place,
                }),
                Err(findings) => {
                    self.walked.problems.extend(findings);
                    self.model.open(operation.names());
                }
            }
        }
        inverse.reverse();
        inverse
    }

    /// Notes how a step that is the user's own is taken back.
    fn undo(&mut self, step: &Step, effects: Vec<Step>, what: &str) {
        let effects = step.effects.is_some().then_some(effects);
        let inverse = match &step.undo {
            Undo::By { work, place } => Step {
                work: work.clone(),
                undo: Undo::Nothing,
                effects,
                place: *place,
            },
            Undo::Nothing => Step {
                work: Work::Kept,
                undo: Undo::Nothing,
                // What stays in place stays known.
                effects: None,
                place: step.place,
            },
            Undo::Unknown => {
                self.walked.inverse.missing.push(Problem {
                    place: Some(step.place),
                    message: format!(
                        "nothing says how to take {what} back; add `.undo(..)`, or `.up_only()` if its work may stay"
                    ),
                });
                return;
            }
        };
        self.walked.inverse.steps.push(inverse);
    }
}

/// All of some plans, or everything that is wrong with any.
pub(crate) fn all_or_problems(
    plans: impl Iterator<Item = Result<PlannedMigration, Vec<Problem>>>,
) -> Result<Vec<PlannedMigration>, Error> {
    let mut planned = Vec::new();
    let mut problems = Vec::new();
    for plan in plans {
        match plan {
            Ok(one) => planned.push(one),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() {
        Ok(planned)
    } else {
        Err(Error::of_problems(problems))
    }
}

/// The fingerprint after each number of actions. A step of several has its own from its first on, as it may not be changed
/// any more then.
fn fingerprints(steps: &[Step], actions: &[usize], dialect: DialectName) -> Vec<String> {
    let after_steps = schema::fingerprints_on_the_way(steps, dialect);
    let mut fingerprints = vec![after_steps[0].clone()];
    for (fingerprint, actions) in after_steps.iter().skip(1).zip(actions) {
        fingerprints.extend(std::iter::repeat_n(fingerprint.clone(), *actions));
    }
    // A last step without an action counts all the same.
    if let (Some(last), Some(all)) = (fingerprints.last_mut(), after_steps.last()) {
        last.clone_from(all);
    }
    fingerprints
}
