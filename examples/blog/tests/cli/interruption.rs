//! Runs that a signal stops, and resolving an interrupted run.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::Place;

/// Sends a signal to a run that waits for another one, which holds the process lock of the file.
fn stop_a_waiting_run(signal: &str) {
    let place = Place::new();
    place.migrate("up -n 2").done();
    let other = File::create(place.path("blog.db-migrating")).unwrap();
    other.lock().unwrap();

    let mut child = heeding_signals(&place.command("up --lock-timeout 600"))
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("waiting: another migration run is in progress"),
        "{line}"
    );
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("stopping after the current statement"), "{rest}");
    assert!(rest.contains("\nerror[M"), "{rest}");
    assert!(rest.contains("note: nothing was changed"), "{rest}");

    drop(other);
    assert_eq!(place.migrate("up").done().lines().count(), 5);
}

/// Returns the command with default signal handling, because shells let background jobs ignore Ctrl-C.
fn heeding_signals(command: &Command) -> Command {
    let mut heeding = Command::new("env");
    heeding.args(["--default-signal".as_ref(), command.get_program()]);
    heeding.args(command.get_args());
    heeding.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => heeding.env(name, value),
            None => heeding.env_remove(name),
        };
    }
    heeding
}

#[test]
fn ctrl_c_stops_a_waiting_run() {
    stop_a_waiting_run("-INT");
}

#[test]
fn sigterm_stops_a_waiting_run() {
    stop_a_waiting_run("-TERM");
}

#[test]
fn resolve_shows_steps_and_reports_the_recorded_state() {
    let place = Place::new();
    place.migrate("up --to 20260316091000").done();
    // The state after a kill in the second step.
    place.execute(
        "UPDATE __migrations SET state = 'applying', progress = 1, in_flight = 'unknown', applied_by = 'ada@example' \
         WHERE version = 20260316091000",
    );
    insta::assert_snapshot!(place.migrate("resolve 20260316091000").done(), @r#"
    applying 20260316091000 create_posts was interrupted (run by ada@example):
        1  done       CREATE TABLE "posts" ( ..
        2  undecided  CREATE INDEX "posts_user_id_idx" ON "posts" ("user_id")
    "#);
    assert_eq!(
        place.migrate("status --json").json()["migrations"][3]["state"],
        "interrupted"
    );
    let shown = place.migrate("resolve 20260316091000 --json").json();
    assert_eq!((&shown["done"], &shown["undecided"]), (&1.into(), &true.into()));
    assert_eq!(shown["recorded"], serde_json::Value::Null);
    assert_eq!(shown["steps"].as_array().map(Vec::len), Some(2));

    insta::assert_snapshot!(place.migrate("resolve 20260316091000 --done 2").done(), @r#"
    applying 20260316091000 create_posts was interrupted (run by ada@example):
        1  done       CREATE TABLE "posts" ( ..
        2  done       CREATE INDEX "posts_user_id_idx" ON "posts" ("user_id")
    recorded: 20260316091000 create_posts is applied
    "#);
    assert_eq!(place.migrate("up").done().lines().count(), 3);
}
