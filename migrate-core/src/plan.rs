//! What would be done, and in which order: the recorded steps of a migration, or their inverse, as actions for one
//! database. Pure; every mistake is found here, before anything runs.

use std::any::TypeId;
use std::fmt;

use crate::dialect::Dialect;
use crate::error::Problem;
use crate::migration::{Direction, Migration};
use crate::place::Place;
use crate::schema::{self, Functions, Step, Undo, Work};

/// What a run would do: migrations in order, each with its actions.
///
/// Printed, it is SQL with comments, in which Rust steps are named.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    migrations: Vec<PlannedMigration>,
}

impl Plan {
    pub(crate) fn of(migrations: Vec<PlannedMigration>) -> Plan {
        Plan { migrations }
    }

    /// The migrations, in the order in which they run.
    #[must_use]
    pub fn migrations(&self) -> &[PlannedMigration] {
        &self.migrations
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.migrations.is_empty()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, migration) in self.migrations.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{migration}")?;
        }
        Ok(())
    }
}

/// One migration of a [`Plan`].
#[derive(Clone, Debug)]
pub struct PlannedMigration {
    pub(crate) migration: Migration,
    pub(crate) direction: Direction,
    pub(crate) steps: Vec<PlannedStep>,
    /// The fingerprint after each number of steps, from none to all; what an interrupted run goes on from.
    pub(crate) fingerprints: Vec<String>,
    /// How many steps an interrupted run has done already.
    pub(crate) done: usize,
}

impl PlannedMigration {
    /// Which migration.
    #[must_use]
    pub fn migration(&self) -> &Migration {
        &self.migration
    }

    /// Which way it goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Its steps, in the order in which they run.
    #[must_use]
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// How many of the steps an interrupted run has done already.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// The fingerprint of all its steps.
    pub(crate) fn fingerprint(&self) -> &str {
        self.fingerprints.last().map_or("", String::as_str)
    }

    /// The fingerprint of its first `done` steps.
    pub(crate) fn fingerprint_after(&self, done: usize) -> &str {
        self.fingerprints.get(done).map_or("", String::as_str)
    }

    pub(crate) fn has_rust_step(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Rust { .. }))
    }
}

impl fmt::Display for PlannedMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.direction {
            Direction::Up => "apply",
            Direction::Down => "roll back",
        };
        writeln!(f, "-- {verb} {} ({})", self.migration, self.migration.place())?;
        for line in self.migration.description().lines() {
            writeln!(f, "--   {line}")?;
        }
        if !self.migration.in_transaction() {
            writeln!(f, "-- not in a transaction: each step is committed by itself")?;
        }
        if self.done > 0 {
            writeln!(
                f,
                "-- goes on after step {}: an earlier run was interrupted there",
                self.done
            )?;
        }
        for step in self.steps.iter().skip(self.done) {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

/// One step of a [`PlannedMigration`].
#[derive(Clone, Debug)]
pub struct PlannedStep {
    pub(crate) place: Place,
    pub(crate) action: Action,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// SQL, exactly as it is sent.
    Statement(String),
    /// A Rust function.
    Rust { functions: Functions, name: &'static str },
    /// The way back of a step that is `up_only`: its work stays.
    Keep,
}

impl PlannedStep {
    /// Where the step, or its way back, was written.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// The SQL, exactly as it is sent; `None` for a Rust step and for one that is left in place.
    #[must_use]
    pub fn sql(&self) -> Option<&str> {
        match &self.action {
            Action::Statement(sql) => Some(sql),
            Action::Rust { .. } | Action::Keep => None,
        }
    }

    /// The path of the Rust function; `None` for SQL.
    #[must_use]
    pub fn function(&self) -> Option<&'static str> {
        match &self.action {
            Action::Rust { name, .. } => Some(name),
            Action::Statement(_) | Action::Keep => None,
        }
    }

    /// What an error calls it.
    pub(crate) fn label(&self) -> String {
        match &self.action {
            Action::Statement(sql) => sql.trim().to_owned(),
            Action::Rust { name, .. } => format!("Rust step `{name}`"),
            Action::Keep => "nothing".to_owned(),
        }
    }
}

impl fmt::Display for PlannedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Statement(sql) => {
                let sql = sql.trim_end();
                // A semicolon after a trailing line comment would be part of it.
                let last = sql.lines().last().unwrap_or_default();
                let end = match sql {
                    _ if last.contains("--") => "\n;",
                    _ if sql.ends_with(';') => "",
                    _ => ";",
                };
                write!(f, "{sql}{end}")
            }
            Action::Rust { name, .. } => write!(f, "-- Rust step `{name}` ({})", self.place),
            Action::Keep => write!(f, "-- up_only: the work of the step at {} stays", self.place),
        }
    }
}

/// The database that a plan is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanFor {
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) connection: TypeId,
    pub(crate) connection_name: &'static str,
}

/// Plans one migration in one direction.
///
/// # Errors
///
/// Everything that is wrong with it. A migration is not applied either if its way back is wrong: that is found out when
/// it is written, not on the day when it is needed.
pub(crate) fn plan(
    migration: &Migration,
    direction: Direction,
    plan_for: PlanFor,
) -> Result<PlannedMigration, Vec<Problem>> {
    let mut planner = Planner {
        migration,
        plan_for,
        problems: Vec::new(),
    };
    let up = schema::record(|schema| migration.migrate().up(schema));
    planner.problems.extend(up.problems);
    if up.steps.is_empty() {
        planner.problem(
            migration.place(),
            format!("`up` of {} describes nothing; write its steps", migration.name()),
        );
    }
    let forward = planner.forward(&up.steps);

    let down = schema::record(|schema| migration.migrate().down(schema));
    planner.problems.extend(down.problems);
    let back = if down.works_out_from_up {
        planner.inverse(&up.steps)
    } else {
        if down.steps.is_empty() {
            planner.problem(
                migration.place(),
                format!(
                    "`down` of {} describes nothing; write its steps, or leave `down` out to have it worked out from `up`",
                    migration.name()
                ),
            );
        }
        planner.forward(&down.steps)
    };
    if !planner.problems.is_empty() {
        return Err(planner.problems);
    }
    Ok(PlannedMigration {
        migration: *migration,
        direction,
        steps: match direction {
            Direction::Up => forward,
            Direction::Down => back,
        },
        fingerprints: schema::fingerprints_on_the_way(&up.steps),
        done: 0,
    })
}

struct Planner<'a> {
    migration: &'a Migration,
    plan_for: PlanFor,
    problems: Vec<Problem>,
}

impl Planner<'_> {
    fn problem(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem {
            place: Some(place),
            message: message.into(),
        });
    }

    fn forward(&mut self, steps: &[Step]) -> Vec<PlannedStep> {
        steps
            .iter()
            .filter_map(|step| self.action(&step.work, step.place))
            .collect()
    }

    fn inverse(&mut self, steps: &[Step]) -> Vec<PlannedStep> {
        steps
            .iter()
            .rev()
            .filter_map(|step| match &step.undo {
                Undo::By { work, place } => self.action(work, *place),
                Undo::Nothing => Some(PlannedStep {
                    place: step.place,
                    action: Action::Keep,
                }),
                Undo::Unknown => {
                    let what = match step.work {
                        Work::Sql(_) => "this SQL",
                        Work::Rust(_) => "this Rust step",
                    };
                    self.problem(
                        step.place,
                        format!(
                            "nothing says how to take {what} back; add `.undo(..)`, or `.up_only()` if its work may \
                             stay, or write `down` for {}",
                            self.migration.name()
                        ),
                    );
                    None
                }
            })
            .collect()
    }

    fn action(&mut self, work: &Work, place: Place) -> Option<PlannedStep> {
        let action = match work {
            // Recording has reported a blank text already.
            Work::Sql(_) if work.is_blank() => return None,
            Work::Sql(sql) => {
                let checked = self.plan_for.dialect.check_raw(sql, self.migration.in_transaction());
                if let Err(message) = checked {
                    self.problem(place, message);
                    return None;
                }
                Action::Statement(sql.clone())
            }
            Work::Rust(functions) => {
                let Some(name) = functions.name_for(self.plan_for.connection) else {
                    self.problem(
                        place,
                        format!(
                            "this Rust step is written for {}, and the database is reached by a {}; give `run` a tuple \
                             with one function per connection type",
                            functions.connection_names().join(" and "),
                            self.plan_for.connection_name
                        ),
                    );
                    return None;
                };
                Action::Rust {
                    functions: functions.clone(),
                    name,
                }
            }
        };
        Some(PlannedStep { place, action })
    }
}
