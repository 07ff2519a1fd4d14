//! Prints results to stdout and everything else to stderr. Colours and the spinner appear only on a terminal.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use migrate_core::database::Redacted;
use migrate_core::error::Diagnostic;
use migrate_core::report::ExecutedMigration;
use migrate_core::{Direction, Event, MigrationState};

use crate::advice;
use crate::args::Options;
use crate::error::{CHECK_FAILED, CliError};
use crate::json::{Body, Document, DoneItem};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default();
const DIM: Style = Style::new().dimmed();

/// The output of one command.
pub(crate) struct Output {
    command: &'static str,
    json: bool,
    quiet: bool,
    verbose: bool,
    spinner: RefCell<Option<ProgressBar>>,
    /// The warnings so far, for the JSON document.
    warnings: RefCell<Vec<String>>,
    /// The migrations that completed so far, for the JSON document of a failure.
    done: RefCell<Vec<DoneItem>>,
}

impl Output {
    pub(crate) fn new(command: &'static str, options: &Options) -> Output {
        Output {
            command,
            json: options.json,
            quiet: options.quiet,
            verbose: options.verbose,
            spinner: RefCell::new(None),
            warnings: RefCell::new(Vec::new()),
            done: RefCell::new(Vec::new()),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line of the result. With `--json` the document is the result instead.
    pub(crate) fn print(&self, line: impl Display) {
        if !self.json {
            print(&format!("{line}\n"));
        }
    }

    /// Returns true if lines other than the result are printed.
    pub(crate) fn is_verbose_enough(&self) -> bool {
        !self.quiet && !self.json
    }

    /// Prints a line other than the result.
    pub(crate) fn info(&self, line: impl Display) {
        if self.is_verbose_enough() {
            print_error(&format!("{line}\n"));
        }
    }

    /// Prints a warning, with `--quiet` too. With `--json` it becomes a part of the document.
    pub(crate) fn warn(&self, warning: &Diagnostic) {
        if self.json {
            self.warnings.borrow_mut().push(warning.to_string());
            return;
        }
        let Diagnostic { code, message, .. } = warning;
        let help = warning.help.as_deref();
        let help = help.map_or_else(String::new, |help| format!("\n  help: {help}"));
        print_error(&format!("{WARN}warning[{code}]{WARN:#}: {message}{help}\n"));
    }

    /// Prints the JSON document of a successful command.
    pub(crate) fn document(&self, body: impl FnOnce() -> Body) {
        if self.json {
            self.print_document(body());
        }
    }

    fn print_document(&self, body: Body) {
        // Serializing plain data does not fail.
        let text =
            serde_json::to_string_pretty(&Document::new(self.command, self.warnings.take(), body)).unwrap_or_default();
        print(&format!("{text}\n"));
    }

    pub(crate) fn failure(&self, failure: &CliError) {
        self.stop_spinner();
        if self.json {
            self.print_document(Body::Failed {
                error: failure.into(),
                done: self.done.take(),
            });
            return;
        }
        let text = match failure {
            CliError::Core(error) => error.words(advice::word),
            CliError::Usage(error) => format!("{}\n  help: {}", error.message, error.help),
            CliError::Open { message, cause, help } => format!("{message}\n  cause: {cause}\n  help: {help}"),
            CliError::File {
                message, cause, help, ..
            } => format!("{message}\n  cause: {cause}\n  help: {help}"),
            CliError::Check {
                diagnostics,
                help,
                diff,
            } => {
                let diagnostics = diagnostics.iter().map(|diagnostic| {
                    let label = match diagnostic.location {
                        Some(location) => format!("{location}:"),
                        None => "-".to_owned(),
                    };
                    let help = diagnostic.help.as_deref();
                    let help = help.map_or_else(String::new, |help| format!("\n    help: {help}"));
                    format!("\n  {label} [{}] {}{help}", diagnostic.code, diagnostic.message)
                });
                let help = help.iter().map(|help| format!("\n  help: {help}"));
                let diff = diff.iter().map(|diff| format!("\n\n{diff}"));
                let all: String = diagnostics.chain(help).chain(diff).collect();
                format!("{CHECK_FAILED}{all}")
            }
        };
        let code = failure.code();
        print_error(&format!("{BAD}error[{code}]{BAD:#}: {text}\n"));
    }

    /// Reports an event of the run.
    pub(crate) fn event(&self, event: &Event<'_>) {
        match event {
            Event::Waiting { reason } => self.info(format_args!("waiting: {reason}")),
            Event::Started {
                migration,
                direction,
                position,
                total,
            } => {
                let command = match direction {
                    Direction::Up => "applying",
                    Direction::Down => "rolling back",
                };
                self.start_spinner(format!("{command} {migration} ({position} of {total})"));
            }
            Event::Step { position, total, label } if self.verbose => {
                let mut lines = label.lines();
                let first = lines.next().unwrap_or_default();
                let more = if lines.next().is_some() { " .." } else { "" };
                self.suspended(|| self.info(format_args!("{DIM}  step {position} of {total}: {first}{more}{DIM:#}")));
            }
            Event::Finished(done) => {
                self.stop_spinner();
                self.done.borrow_mut().push(DoneItem::from(*done));
                self.print(done_line(done));
            }
            _ => {}
        }
    }

    fn start_spinner(&self, message: String) {
        if self.quiet || self.json || !io::stderr().is_terminal() {
            return;
        }
        // Where migrations count only at the end, as in a single transaction, an earlier spinner may still run.
        self.stop_spinner();
        let spinner = ProgressBar::new_spinner().with_message(message);
        spinner.enable_steady_tick(Duration::from_millis(100));
        self.spinner.replace(Some(spinner));
    }

    fn stop_spinner(&self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }

    fn suspended(&self, say: impl FnOnce()) {
        match &*self.spinner.borrow() {
            Some(spinner) => spinner.suspend(say),
            None => say(),
        }
    }
}

fn done_line(done: &ExecutedMigration) -> String {
    let command = match done.direction {
        Direction::Up => "applied",
        Direction::Down => "rolled back",
    };
    format!(
        "{GOOD}{command:<11}{GOOD:#} {} {DIM}({} ms){DIM:#}",
        done.migration,
        done.duration.as_millis()
    )
}

/// Returns the colour of a state.
pub(crate) fn state_style(state: MigrationState) -> Style {
    match state {
        MigrationState::Applied | MigrationState::Ahead => GOOD,
        MigrationState::Pending | MigrationState::OutOfOrder => WARN,
        _ => BAD,
    }
}

/// Replaces control characters, because a text from a database or a file could control the terminal.
pub(crate) fn escape_control_chars(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// `1 migration`, `2 migrations`.
pub(crate) fn migrations(count: usize) -> String {
    if count == 1 {
        "1 migration".to_owned()
    } else {
        format!("{count} migrations")
    }
}

/// Prints a usage error or the help. An argument that contains a URL is repeated without its password.
pub(crate) fn print_usage(usage: &clap::Error) {
    let mut text = usage.render().ansi().to_string();
    for argument in std::env::args().skip(1).filter(|argument| argument.contains('@')) {
        text = text.replace(&argument, &Redacted(&argument).to_string());
    }
    if usage.use_stderr() {
        print_error(&text);
    } else {
        print(&text);
    }
}

// A closed pipe, as in `status | head -1`, is not an error.
fn print(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}

pub(crate) fn print_error(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}
