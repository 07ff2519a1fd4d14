//! The documents of `--json`. Their shape is stable and documented in `docs/json.md`. Changing an existing field
//! requires a new [`FORMAT`].

use std::collections::BTreeMap;

use migrate_core::error::{Diagnostic, Location};
use migrate_core::history::MigrationStatus;
use migrate_core::plan::{InterruptedMigration, PlannedMigration};
use migrate_core::report::ExecutedMigration;
use migrate_core::schema::{
    Check, Column, DefaultValue, ForeignKey, Index, IndexKey, IndexOn, PrimaryKey, Table, Unique,
};
use migrate_core::{Code, Error, Plan, Report, SchemaSnapshot};
use serde::Serialize;
use serde_json::{Value, json};

use crate::advice;
use crate::error::{CHECK_FAILED, CliError};

/// The version of the document shape, part of every document.
const FORMAT: u32 = 1;

/// The document of one command.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    format: u32,
    command: &'static str,
    ok: bool,
    /// The warnings of the command.
    warnings: Vec<String>,
    #[serde(flatten)]
    body: Body,
}

impl Document {
    pub(crate) fn new(command: &'static str, warnings: Vec<String>, body: Body) -> Document {
        Document {
            format: FORMAT,
            command,
            warnings,
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
        schema: Option<String>,
        unlinked_groups: BTreeMap<String, usize>,
    },
    Plan {
        migrations: Vec<PlanItem>,
    },
    Created {
        version: String,
        file: String,
    },
    Schema {
        /// `None` if the schema was written to a file.
        text: Option<String>,
        file: Option<String>,
    },
    Checked {
        /// The written files.
        files: Vec<String>,
    },
    Accepted {
        version: String,
    },
    Resolve {
        #[serde(flatten)]
        interrupted: PlanItem,
        undecided: bool,
        /// The number of completed steps that `resolve` recorded, or `None` if it wrote nothing.
        recorded: Option<usize>,
    },
    Failed {
        error: ErrorItem,
        /// The migrations that completed before the failure.
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

impl From<&ExecutedMigration> for DoneItem {
    fn from(done: &ExecutedMigration) -> DoneItem {
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
            done: report.executed.iter().map(DoneItem::from).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct StatusItem {
    group: String,
    version: String,
    name: String,
    state: &'static str,
    description: Option<&'static str>,
    file: Option<&'static str>,
    line: Option<u32>,
    batch: Option<i64>,
    applied_at: Option<String>,
    duration_ms: Option<i64>,
    applied_by: Option<String>,
}

impl From<&MigrationStatus> for StatusItem {
    fn from(entry: &MigrationStatus) -> StatusItem {
        let migration = entry.migration.as_ref();
        let applied = entry.applied.as_ref();
        StatusItem {
            group: entry.group.clone(),
            version: entry.version.to_string(),
            name: entry.name.clone(),
            state: entry.state.as_str(),
            description: migration.map(|migration| migration.description()),
            file: migration.map(|migration| migration.location().file),
            line: migration.map(|migration| migration.location().line),
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
    /// The number of steps that an interrupted run has completed.
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

impl From<&PlannedMigration> for PlanItem {
    fn from(planned: &PlannedMigration) -> PlanItem {
        PlanItem {
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
                    notes: step.notes().iter().map(ToString::to_string).collect(),
                    file: step.location().file,
                    line: step.location().line,
                })
                .collect(),
        }
    }
}

impl From<&Plan> for Body {
    fn from(plan: &Plan) -> Body {
        Body::Plan {
            migrations: plan.migrations().iter().map(PlanItem::from).collect(),
        }
    }
}

impl Body {
    pub(crate) fn resolve(interrupted: &InterruptedMigration, recorded: Option<usize>) -> Body {
        Body::Resolve {
            interrupted: PlanItem {
                done: interrupted.done,
                ..PlanItem::from(&interrupted.planned)
            },
            undecided: interrupted.is_undecided,
            recorded,
        }
    }
}

/// Returns the document of `schema --format json`.
pub(crate) fn schema(schema: &SchemaSnapshot) -> String {
    let document = json!({
        "format": FORMAT,
        "tables": schema.tables().map(table).collect::<Vec<_>>(),
        "views": schema.views().map(|(name, query)| json!({ "name": name, "query": query })).collect::<Vec<_>>(),
        "enums": schema.enums().map(|(name, values)| json!({ "name": name, "values": values })).collect::<Vec<_>>(),
        "unknown": schema.unknown(),
    });
    format!("{document:#}\n")
}

fn table(table: &Table) -> Value {
    let key = |key: &PrimaryKey| json!({ "name": key.name, "columns": key.columns });
    let unique = |unique: &Unique| json!({ "name": unique.name, "columns": unique.columns });
    let check = |check: &Check| json!({ "name": check.name, "expression": check.expression });
    let foreign_key = |key: &ForeignKey| {
        json!({
            "name": key.name,
            "columns": key.columns,
            "to_table": key.to_table,
            "to_columns": key.to_columns,
            "on_delete": key.on_delete.as_str(),
            "on_update": key.on_update.as_str(),
        })
    };
    json!({
        "name": table.name,
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "primary_key": table.primary_key.as_ref().map(key),
        "uniques": table.uniques.iter().map(unique).collect::<Vec<_>>(),
        "checks": table.checks.iter().map(check).collect::<Vec<_>>(),
        "foreign_keys": table.foreign_keys.iter().map(foreign_key).collect::<Vec<_>>(),
        "indexes": table.indexes.iter().map(index).collect::<Vec<_>>(),
        "comment": table.comment,
    })
}

fn column(column: &Column) -> Value {
    let default = column.default.as_ref().map(|default| match default {
        DefaultValue::Value(migrate_core::schema::Value::Bool(value)) => json!({ "value": value }),
        DefaultValue::Value(migrate_core::schema::Value::Integer(value)) => json!({ "value": value }),
        DefaultValue::Value(migrate_core::schema::Value::Double(value)) => json!({ "value": value }),
        DefaultValue::Value(migrate_core::schema::Value::Text(value)) => json!({ "value": value }),
        DefaultValue::Value(migrate_core::schema::Value::Binary(bytes)) => json!({ "bytes": bytes }),
        DefaultValue::Now => json!({ "sql": "CURRENT_TIMESTAMP" }),
        DefaultValue::Expression(sql) => json!({ "sql": sql }),
    });
    let generated = column.generated.as_ref();
    let generated = generated.map(|one| json!({ "expression": one.expression, "stored": one.stored }));
    json!({
        "name": column.name,
        "type": column.column_type.to_string(),
        "nullable": column.nullable,
        "default": default,
        "auto_increment": column.auto_increment,
        "generated": generated,
        "collation": column.collation,
        "comment": column.comment,
    })
}

fn index(index: &Index) -> Value {
    let key = |key: &IndexKey| {
        let (column, expression) = match &key.on {
            IndexOn::Column(column) => (Some(column), None),
            IndexOn::Expression(sql) => (None, Some(sql)),
        };
        json!({
            "column": column,
            "expression": expression,
            "descending": key.descending,
            "collation": key.collation,
        })
    };
    json!({
        "name": index.name,
        "keys": index.keys.iter().map(key).collect::<Vec<_>>(),
        "unique": index.unique,
        "filter": index.filter,
        "include": index.include,
    })
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorItem {
    kind: &'static str,
    code: String,
    message: String,
    diagnostics: Vec<DiagnosticItem>,
    migration: Option<String>,
    file: Option<&'static str>,
    line: Option<u32>,
    statement: Option<String>,
    cause: Option<String>,
    state: Option<String>,
    help: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DiagnosticItem {
    code: String,
    file: Option<&'static str>,
    line: Option<u32>,
    message: String,
    help: Option<String>,
}

impl From<&Diagnostic> for DiagnosticItem {
    fn from(diagnostic: &Diagnostic) -> DiagnosticItem {
        DiagnosticItem {
            code: diagnostic.code.to_string(),
            file: diagnostic.location.map(|location| location.file),
            line: diagnostic.location.map(|location| location.line),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

impl From<&CliError> for ErrorItem {
    fn from(failure: &CliError) -> ErrorItem {
        match failure {
            CliError::Core(error) => ErrorItem::from(error),
            CliError::Usage(error) => ErrorItem::simple("usage", error.code, &error.message, None, &error.help),
            CliError::Open { message, cause, help } => {
                ErrorItem::simple("database", failure.code(), message, Some(cause), help)
            }
            CliError::File {
                code,
                message,
                cause,
                help,
            } => ErrorItem::simple("file", *code, message, Some(cause), help),
            CliError::Check { diagnostics, help, .. } => ErrorItem {
                diagnostics: diagnostics.iter().map(DiagnosticItem::from).collect(),
                help: help.clone(),
                ..ErrorItem::simple("check", Code::CHECK_FOUND_ERRORS, CHECK_FAILED, None, "")
            },
        }
    }
}

impl ErrorItem {
    fn simple(kind: &'static str, code: Code, message: &str, cause: Option<&str>, help: &str) -> ErrorItem {
        ErrorItem {
            kind,
            code: code.to_string(),
            message: message.to_owned(),
            diagnostics: Vec::new(),
            migration: None,
            file: None,
            line: None,
            statement: None,
            cause: cause.map(str::to_owned),
            state: None,
            help: vec![help.to_owned()],
        }
    }
}

impl From<&Error> for ErrorItem {
    fn from(error: &Error) -> ErrorItem {
        let file = |location: Option<Location>| location.map(|location| location.file);
        let line = |location: Option<Location>| location.map(|location| location.line);
        ErrorItem {
            kind: error.kind().as_str(),
            code: error.code().to_string(),
            message: error.message().to_owned(),
            diagnostics: error.diagnostics().iter().map(DiagnosticItem::from).collect(),
            migration: error.failed_migration().map(str::to_owned),
            file: file(error.location()),
            line: line(error.location()),
            statement: error.failed_statement().map(str::to_owned),
            cause: error.cause().map(ToString::to_string),
            state: error.database_state().map(str::to_owned),
            help: error.helps().iter().map(|help| help.words(advice::word)).collect(),
        }
    }
}
