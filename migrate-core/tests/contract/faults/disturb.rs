//! Disturbs a run at one of its statements: through a proxy on a server, inside the process on SQLite.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Connection, InstrumentationEvent};

use super::scenario::Work;
use crate::support::{AnyConnection, Database, Engine};

/// The fault at a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The server refuses it.
    Fail,
    /// The process is killed before the statement is sent.
    KillBefore,
    /// The process is killed after the statement completed, before it receives the result.
    KillAfter,
    /// The server ends the session before the statement.
    Terminate,
}

impl Kind {
    /// The faults that are possible on a database.
    pub(super) fn on(engine: Engine) -> &'static [Kind] {
        match engine {
            // SQLite has no server, and a statement cannot be corrupted on the wire.
            Engine::Sqlite => &[Kind::KillBefore, Kind::KillAfter],
            _ => &[Kind::Fail, Kind::KillBefore, Kind::KillAfter, Kind::Terminate],
        }
    }
}

const URL: &str = "MIGRATE_TEST_FAULTS_URL";
const WORK: &str = "MIGRATE_TEST_FAULTS_WORK";
const AT: &str = "MIGRATE_TEST_FAULTS_AT";

#[test]
#[ignore = "what a child process does"]
fn child() {
    let (url, work) = (std::env::var(URL).unwrap(), std::env::var(WORK).unwrap());
    let mut connection = AnyConnection::open(&url);
    if let Ok(at) = std::env::var(AT) {
        let (when, at) = at.split_once(' ').unwrap();
        kills_itself(&mut connection, when == "after", at.parse().unwrap());
    }
    Work::of(&work).run(&mut connection, Engine::of_url(&url)).unwrap();
}

fn spawn(url: &str, work: Work) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "faults::disturb::child", "--ignored", "--nocapture"])
        .env(URL, url)
        .env(WORK, work.word())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Kills the own process (`kill -9`) at a statement, counted from 1.
fn kills_itself(connection: &mut AnyConnection, after: bool, at: usize) {
    let mut count = 0;
    instrument(connection, move |is_end| {
        count += usize::from(is_end == after);
        if is_end == after && count == at {
            let process = std::process::id().to_string();
            Command::new("kill").args(["-9", &process]).status().unwrap();
            loop {
                std::thread::park();
            }
        }
    });
}

/// Calls `call` at the start and at the end of each statement.
fn instrument(connection: &mut AnyConnection, mut call: impl FnMut(bool) + Send + 'static) {
    let instrumentation = move |event: InstrumentationEvent<'_>| match event {
        InstrumentationEvent::StartQuery { .. } => call(false),
        InstrumentationEvent::FinishQuery { .. } => call(true),
        _ => {}
    };
    with_connection!(connection, connection => connection.set_instrumentation(instrumentation));
}

/// Counts the statements of an undisturbed run.
pub(super) fn statements(db: &Database, work: Work) -> usize {
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    if db.engine != Engine::Sqlite {
        let proxy = crate::proxy::Proxy::new(db);
        proxy.begin();
        let mut connection = AnyConnection::open(&proxy.url(db));
        work.run(&mut connection, db.engine).unwrap();
        return proxy.statements();
    }
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let mut connection = db.connect();
    instrument(&mut connection, move |is_end| {
        counter.fetch_add(usize::from(is_end), Ordering::SeqCst);
    });
    work.run(&mut connection, db.engine).unwrap();
    count.load(Ordering::SeqCst)
}

/// Disturbs a run at a statement.
pub(super) fn disturb(db: &Database, work: Work, kind: Kind, at: usize) {
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    if db.engine != Engine::Sqlite {
        return on_server::disturb(db, work, kind, at);
    }
    let when = match kind {
        Kind::KillBefore => "before",
        _ => "after",
    };
    let ended = spawn(&db.url(), work).env(AT, format!("{when} {at}")).status().unwrap();
    assert!(!ended.success(), "it was not killed");
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
mod on_server {
    use std::sync::{OnceLock, mpsc};

    use super::*;
    use crate::proxy::{Fault, FaultKind, Proxy};

    pub(super) fn disturb(db: &Database, work: Work, kind: Kind, at: usize) {
        let proxy = Proxy::new(db);
        let url = proxy.url(db);
        match kind {
            Kind::Fail => in_this_process(db, work, &proxy, at, FaultKind::Spoil),
            Kind::Terminate => in_this_process(db, work, &proxy, at, FaultKind::Before(proxy.terminates(db))),
            Kind::KillBefore => in_a_child(&url, work, &proxy, at, FaultKind::Before),
            Kind::KillAfter => in_a_child(&url, work, &proxy, at, FaultKind::After),
        }
        assert!(proxy.has_met_fault(), "it did not come to statement {at}");
    }

    fn in_this_process(db: &Database, work: Work, proxy: &Proxy, at: usize, kind: FaultKind) {
        proxy.set(Fault { at, kind });
        // During connecting, the connection itself fails.
        let connected = AnyConnection::establish(&proxy.url(db));
        if let Ok(Err(error)) = connected.map(|mut connection| work.run(&mut connection, db.engine)) {
            assert!(error.database_state().is_some() || !error.helps().is_empty(), "{error}");
        }
    }

    type Act = Box<dyn FnOnce() + Send>;

    fn in_a_child(url: &str, work: Work, proxy: &Proxy, at: usize, kind: impl FnOnce(Act) -> FaultKind) {
        let process = Arc::new(OnceLock::<u32>::new());
        let (is_gone, when_gone) = mpsc::channel();
        let killed = process.clone();
        let kill = Box::new(move || {
            let process = killed.wait().to_string();
            Command::new("kill").args(["-9", &process]).status().unwrap();
            // The process must not see later events, such as a forwarded answer.
            when_gone.recv().unwrap();
        });
        proxy.set(Fault { at, kind: kind(kill) });
        let mut child = spawn(url, work).spawn().unwrap();
        process.set(child.id()).unwrap();
        child.wait().unwrap();
        is_gone.send(()).unwrap();
    }
}
