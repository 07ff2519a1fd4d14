//! Every statement of a run fails in turn, the process is killed before and after it, and the server ends the session.
//! Running the same command again then leads to the result of an undisturbed run, or to an error that asks a person to
//! resolve an undecided step.

mod disturb;
mod scenario;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use migrate_core::error::{Advice, Help};
use migrate_core::{ErrorKind, Rollback};

use self::disturb::{Kind, disturb, statements};
use self::scenario::Work;
use crate::support::{Database, Engine, reference};

on_every_database! {
    up_after_any_fault_reaches_the_same_database
    rollback_after_any_fault_reaches_the_same_database
    up_asks_for_resolve_and_reaches_the_same_database
}

/// Returns the content of a database with its history. Work after a failure is a batch of its own.
fn picture(db: &Database, with_batches: bool) -> Vec<String> {
    let mut picture = db.picture();
    picture.extend(match with_batches {
        true => db.history(),
        false => db.texts(
            "SELECT concat_ws(' ', seq, version, name, checksum, state, progress, coalesce(claim, '-'), \
             coalesce(in_flight, '-')) AS text FROM __migrations ORDER BY seq",
        ),
    });
    picture
}

/// Tries every kind of fault at every statement of a run, several at once. `goes_on` then continues the run.
fn try_all(db: &Database, work: Work, goes_on: impl Fn(&Database, Work, Kind) + Sync) {
    prepare(db, work);
    let statements = statements(db, work);
    goes_on(db, work, Kind::KillBefore);
    let expected = [picture(db, false), picture(db, true)];

    let kinds = Kind::on(db.engine);
    // A rollback needs a new set of migrations for each case, and MySQL and MariaDB behave alike. So there each
    // statement gets one kind of fault, in turn.
    let is_all = (work != Work::Back && db.engine != Engine::OtherMySql) || std::env::var("CI_FULL").is_ok();
    let points: Vec<(Kind, usize)> = (1..=statements)
        .flat_map(|at| kinds.iter().enumerate().map(move |(turn, kind)| (turn, *kind, at)))
        .filter(|(turn, _, at)| is_all || at % kinds.len() == *turn)
        .map(|(_, kind, at)| (kind, at))
        .collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let one = |kind: Kind, at: usize| {
        let with_batches = kind != Kind::Fail;
        let disturbed = db.another();
        prepare(&disturbed, work);
        disturb(&disturbed, work, kind, at);
        goes_on(&disturbed, work, kind);
        let found = picture(&disturbed, with_batches);
        let expected = &expected[usize::from(with_batches)];
        let lost = expected.iter().filter(|line| !found.contains(line));
        let new = found.iter().filter(|line| !expected.contains(line));
        let differs: Vec<String> = lost
            .map(|line| format!("- {line}"))
            .chain(new.map(|line| format!("+ {line}")))
            .collect();
        assert_eq!(differs, [""; 0]);
        assert_eq!(found.len(), expected.len());
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(&(kind, at)) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if catch_unwind(AssertUnwindSafe(|| one(kind, at))).is_err() {
                        wrong.lock().unwrap().push(format!("{kind:?} at {at}"));
                    }
                }
            });
        }
    });
    eprintln!(
        "{} faults at {statements} statements of `{}` on {:?}",
        points.len(),
        work.word(),
        db.engine
    );
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {}: {}",
        wrong.len(),
        points.len(),
        wrong.join(", ")
    );
}

/// Prepares the database for a run.
fn prepare(db: &Database, work: Work) {
    if work == Work::Back {
        db.up(&work.migrations(db.engine)).unwrap();
    }
}

fn up_after_any_fault_reaches_the_same_database(db: &Database) {
    try_all(db, Work::Up, |db, work, kind| {
        let again = work.run(&mut db.connect(), db.engine);
        assert!(again.is_ok(), "{kind:?}: the same again says: {}", again.unwrap_err());
    });
}

fn rollback_after_any_fault_reaches_the_same_database(db: &Database) {
    try_all(db, Work::Back, |db, work, kind| {
        let again = work.run(&mut db.connect(), db.engine);
        assert!(again.is_ok(), "{kind:?}: the same again says: {}", again.unwrap_err());
        assert_eq!(db.tables(), [""; 0]);
        if kind == Kind::KillAfter {
            // After the rollback, everything can be applied again.
            db.up(&work.migrations(db.engine)).unwrap();
            db.rollback(&work.migrations(db.engine), &Rollback::All).unwrap();
        }
    });
}

fn up_asks_for_resolve_and_reaches_the_same_database(db: &Database) {
    let asked = AtomicUsize::new(0);
    try_all(db, Work::InRust, |db, work, kind| {
        let Err(error) = work.run(&mut db.connect(), db.engine) else {
            return;
        };
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{kind:?}: {error}");
        let advices: Vec<&Advice> = error.helps().iter().flat_map(Help::advices).collect();
        let resolve = |done| Advice::Resolve {
            migration: "2".to_owned(),
            done: Some(done),
        };
        assert_eq!(
            advices,
            [&resolve(2), &Advice::Up, &resolve(1), &Advice::Up],
            "{kind:?}: {error}"
        );
        asked.fetch_add(1, Ordering::SeqCst);
        // The state that a person would see.
        let has_happened = db.number("SELECT count(*) FROM t1 WHERE id = 20") == 1;
        let done = if has_happened { 2 } else { 1 };
        let migrations = work.migrations(db.engine);
        db.with(&migrations, |runner| runner.resolve(&reference(2), done))
            .unwrap();
        db.up(&migrations).unwrap();
    });
    assert_ne!(asked.into_inner(), 0);
}
