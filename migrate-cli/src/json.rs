//! The documents that `--json` prints. Their shape is a promise: it is written down in `docs/json.md`, and a change of what
//! is there needs a new [`FORMAT`].

use migrate_core::{Done, Entry, Error, Place, Plan, Report};
use serde::Serialize;

use crate::failure::Failure;

/// The shape's number, in every document.
const FORMAT: u32 = 1;

/// One command's document.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    format: u32,
    verb: &'static str,
    ok: bool,
    #[serde(flatten)]
    body: Body,
}

impl Document {
    pub(crate) fn new(verb: &'static str, body: Body) -> Document {
        Document {
            format: FORMAT,
            verb,
            ok: !matches!(body, Body::Failed { .. }),
            body,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Body {
    Ran {
        batch: Option<i64>,
        done: Vec<DoneItem>,
    },
    Status {
        current: bool,
        migrations: Vec<StatusItem>,
        warnings: Vec<String>,
    },
    Plan {
        migrations: Vec<PlanItem>,
    },
    Created {
        version: String,
        file: String,
        warnings: Vec<String>,
    },
    Schema {
        /// `None` if it was written to a file.
        text: Option<String>,
        file: Option<String>,
        warnings: Vec<String>,
    },
    /// `accept` and `repair`.
    Recorded {
        version: String,
    },
    Failed {
        error: ErrorItem,
        /// What was done before it failed.
        done: Vec<DoneItem>,
    },
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct DoneItem {
    group: String,
    version: String,
    name: String,
    direction: &'static str,
    duration_ms: u128,
}

impl From<&Done> for DoneItem {
    fn from(done: &Done) -> DoneItem {
        DoneItem {
            group: done.migration.group().to_owned(),
            version: done.migration.version().to_string(),
            name: done.migration.name().to_owned(),
            direction: done.direction.as_str(),
            duration_ms: done.duration.as_millis(),
        }
    }
}

impl From<&Report> for Body {
    fn from(report: &Report) -> Body {
        Body::Ran {
            batch: report.batch,
            done: report.done.iter().map(DoneItem::from).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct StatusItem {
    group: String,
    version: String,
    name: String,
    state: String,
    description: Option<&'static str>,
    file: Option<&'static str>,
    line: Option<u32>,
    batch: Option<i64>,
    applied_at: Option<String>,
    duration_ms: Option<i64>,
    applied_by: Option<String>,
}

impl From<&Entry> for StatusItem {
    fn from(entry: &Entry) -> StatusItem {
        let migration = entry.migration.as_ref();
        let applied = entry.applied.as_ref();
        StatusItem {
            group: entry.group.clone(),
            version: entry.version.to_string(),
            name: entry.name.clone(),
            state: entry.state.to_string(),
            description: migration.map(|migration| migration.description()),
            file: migration.map(|migration| migration.place().file),
            line: migration.map(|migration| migration.place().line),
            batch: applied.map(|applied| applied.batch),
            applied_at: applied.map(|applied| applied.applied_at.clone()),
            duration_ms: applied.and_then(|applied| applied.duration_ms),
            applied_by: applied
                .map(|applied| applied.applied_by.clone())
                .filter(|who| !who.is_empty()),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct PlanItem {
    group: String,
    version: String,
    name: String,
    direction: &'static str,
    transaction: bool,
    /// How many of the steps an interrupted run has done already.
    done: usize,
    steps: Vec<StepItem>,
}

#[derive(Debug, Serialize)]
struct StepItem {
    sql: Option<String>,
    function: Option<&'static str>,
    notes: Vec<String>,
    file: &'static str,
    line: u32,
}

impl From<&Plan> for Body {
    fn from(plan: &Plan) -> Body {
        let item = |planned: &migrate_core::PlannedMigration| PlanItem {
            group: planned.migration().group().to_owned(),
            version: planned.migration().version().to_string(),
            name: planned.migration().name().to_owned(),
            direction: planned.direction().as_str(),
            transaction: planned.migration().in_transaction(),
            done: planned.done(),
            steps: planned
                .steps()
                .iter()
                .map(|step| StepItem {
                    sql: step.sql().map(str::to_owned),
                    function: step.function(),
                    notes: step.notes().to_vec(),
                    file: step.place().file,
                    line: step.place().line,
                })
                .collect(),
        };
        Body::Plan {
            migrations: plan.migrations().iter().map(item).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorItem {
    kind: &'static str,
    message: String,
    problems: Vec<ProblemItem>,
    migration: Option<String>,
    file: Option<&'static str>,
    line: Option<u32>,
    statement: Option<String>,
    cause: Option<String>,
    state: Option<String>,
    next: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ProblemItem {
    file: Option<&'static str>,
    line: Option<u32>,
    message: String,
}

impl From<&Failure> for ErrorItem {
    fn from(failure: &Failure) -> ErrorItem {
        match failure {
            Failure::Core(error) => ErrorItem::from(error),
            Failure::Usage(error) => ErrorItem::simple("usage", &error.message, None, &error.next),
            Failure::Open { message, cause, next } => ErrorItem::simple("database", message, Some(cause), next),
            Failure::File { message, cause, next } => ErrorItem::simple("file", message, Some(cause), next),
        }
    }
}

impl ErrorItem {
    fn simple(kind: &'static str, message: &str, cause: Option<&str>, next: &str) -> ErrorItem {
        ErrorItem {
            kind,
            message: message.to_owned(),
            problems: Vec::new(),
            migration: None,
            file: None,
            line: None,
            statement: None,
            cause: cause.map(str::to_owned),
            state: None,
            next: vec![next.to_owned()],
        }
    }
}

impl From<&Error> for ErrorItem {
    fn from(error: &Error) -> ErrorItem {
        let file = |place: Option<Place>| place.map(|place| place.file);
        let line = |place: Option<Place>| place.map(|place| place.line);
        ErrorItem {
            kind: error.kind().as_str(),
            message: error.message().to_owned(),
            problems: error
                .problems()
                .iter()
                .map(|problem| ProblemItem {
                    file: file(problem.place),
                    line: line(problem.place),
                    message: problem.message.clone(),
                })
                .collect(),
            migration: error.failed_migration().map(str::to_owned),
            file: file(error.place()),
            line: line(error.place()),
            statement: error.failed_statement().map(str::to_owned),
            cause: error.root_cause().map(ToString::to_string),
            state: error.database_state().map(str::to_owned),
            next: error.next_steps().to_vec(),
        }
    }
}
