//! Every statement of a run in turn made to fail, the process killed before and after it, the session ended on the server.
//! Then `up` again leads to what an undisturbed run leads to, without help by hand.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use diesel::prelude::*;
use diesel::sql_query;
use migrate_core::prelude::*;
use migrate_core::{Error, Target};

use crate::proxy::{Fault, FaultKind, Proxy};
use crate::support::{AnyConnection, Database, Engine, generated, migration, untransactional};

on_every_server! {
    after_a_fault_at_any_statement_up_leads_to_the_same_database
}

const URL: &str = "MIGRATE_TEST_FAULTS_URL";

/// Changes of every kind, with rows between them.
fn scenario(engine: Engine) -> Vec<Migration> {
    let handle = engine.pick("", "'h' || id", "concat('h', id)");
    let fill = rust_step!(|conn| {
        sql_query(format!("UPDATE users SET handle = {handle}"))
            .execute(conn)
            .map(drop)
    });
    let mut all = vec![
        migration(1, |schema| {
            schema.create_table("users", |t| {
                t.id();
                t.varchar("email", 100).unique();
                t.check("users_email", "email LIKE '%@%'");
            });
            schema.create_table("posts", |t| {
                t.id();
                t.big_int("user_id")
                    .references("users", "id")
                    .on_delete(Reaction::Cascade);
                t.varchar("title", 50);
                t.index(["user_id"]);
            });
        }),
        migration(2, |schema| {
            schema
                .execute("INSERT INTO users (id, email) VALUES (1, 'a@example.org'), (2, 'b@example.org')")
                .undo("DELETE FROM users WHERE email IN ('a@example.org', 'b@example.org')");
            schema
                .execute("INSERT INTO posts (id, user_id, title) SELECT id, id, email FROM users")
                .undo("DELETE FROM posts WHERE title LIKE '%@example.org'");
        }),
        migration(3, move |schema| {
            schema.alter_table("users", |t| t.varchar("handle", 20).nullable());
            schema.run(fill).up_only();
            schema.alter_table("users", |t| t.set_not_null("handle"));
            schema.create_index("users", ["handle"]).unique();
        }),
        migration(4, |schema| {
            schema.create_view("handles", "SELECT handle FROM users");
            schema.rename_table("posts", "articles");
            schema.alter_table("articles", |t| {
                t.integer("likes").default(7);
            });
        }),
        untransactional(5, move |schema| {
            if engine.is_postgres() {
                schema.create_index("articles", ["title"]).concurrently();
            } else {
                schema.create_index("articles", ["title"]);
            }
            schema.create_table("outside", |t| t.id());
        }),
        migration(6, |schema| {
            schema
                .execute("CREATE TABLE raw (id int PRIMARY KEY)")
                .undo("DROP TABLE raw");
            schema
                .execute("ALTER TABLE raw ADD COLUMN more int")
                .undo("ALTER TABLE raw DROP COLUMN more");
            schema.execute("INSERT INTO raw VALUES (1, 2)").undo("DELETE FROM raw");
        }),
    ];
    // Generated alone: on PostgreSQL they travel together.
    all.extend((7..=9).map(generated));
    all.push(migration(10, |schema| {
        schema.alter_table("articles", |t| {
            t.rename_column("title", "headline");
            t.varchar("summary", 20).default("none");
        });
        schema.alter_table("users", |t| t.drop_constraint("users_email"));
        schema.drop_table("t7");
    }));
    if std::env::var("CI_FULL").is_ok() {
        all.extend((11..=40).map(generated));
    }
    all
}

/// Not a test of its own: what a child process does.
#[test]
fn child() {
    if let Ok(url) = std::env::var(URL) {
        run(Engine::of_url(&url), &url).unwrap();
    }
}

fn run(engine: Engine, url: &str) -> Result<(), Error> {
    let mut connection = AnyConnection::open(url);
    connection.runner(&scenario(engine)).up(&Target::Latest).map(drop)
}

/// What a database holds, by its own words: definitions, rows, and history without times and names of runs.
fn picture(db: &Database) -> BTreeMap<String, Vec<String>> {
    let mut connection = db.connect();
    let mut picture = BTreeMap::new();
    for name in db.tables() {
        let definition = if db.engine.is_postgres() {
            connection.texts(&format!(
                "SELECT concat_ws(' ', column_name, data_type, character_maximum_length, is_nullable, column_default) AS text \
                 FROM information_schema.columns WHERE table_name = '{name}' AND table_schema = 'public' \
                 UNION ALL SELECT concat_ws(' ', conname, convalidated, pg_get_constraintdef(oid)) FROM pg_constraint \
                 WHERE conrelid = 'public.{name}'::regclass \
                 UNION ALL SELECT concat_ws(' ', indisvalid, pg_get_indexdef(indexrelid)) FROM pg_index \
                 WHERE indrelid = 'public.{name}'::regclass ORDER BY 1"
            ))
        } else {
            connection.texts(&format!(
                "SELECT concat_ws(' ', column_name, column_type, is_nullable, column_default, extra) AS text \
                 FROM information_schema.columns WHERE table_name = '{name}' AND table_schema = database() \
                 UNION ALL SELECT concat_ws(' ', index_name, non_unique, seq_in_index, column_name) \
                 FROM information_schema.statistics WHERE table_name = '{name}' AND table_schema = database() \
                 UNION ALL SELECT concat_ws(' ', constraint_name, constraint_type) \
                 FROM information_schema.table_constraints WHERE table_name = '{name}' AND table_schema = database() \
                 ORDER BY 1"
            ))
        };
        let rows = if db.engine.is_postgres() {
            connection.texts(&format!("SELECT t::text AS text FROM public.{name} t ORDER BY 1"))
        } else {
            let columns = connection.texts(&format!(
                "SELECT concat('`', column_name, '`') AS text FROM information_schema.columns \
                 WHERE table_name = '{name}' AND table_schema = database() ORDER BY column_name"
            ));
            connection.texts(&format!(
                "SELECT concat_ws(',', {}) AS text FROM {name} ORDER BY 1",
                columns.join(", ")
            ))
        };
        picture.insert(format!("definition of {name}"), definition);
        picture.insert(format!("rows of {name}"), rows);
    }
    let history = "SELECT concat_ws(' ', seq, version, name, state, progress, fingerprint, coalesce(claim, '-'), \
                   coalesce(doubt, '-')) AS text FROM __migrations ORDER BY seq";
    picture.insert("history".to_owned(), connection.texts(history));
    picture
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Fail,
    KillBefore,
    KillAfter,
    Terminate,
}

/// Disturbs a run at a statement, and lets `up` go on.
fn after_fault(engine: Engine, kind: Kind, at: usize) -> BTreeMap<String, Vec<String>> {
    let db = Database::new(engine).unwrap();
    let proxy = Proxy::new(&db);
    let url = proxy.url(&db);
    match kind {
        Kind::Fail | Kind::Terminate => {
            let kind = match kind {
                Kind::Fail => FaultKind::Spoil,
                _ => FaultKind::Before(proxy.terminates(&db)),
            };
            proxy.set(Fault { at, kind });
            // While connecting, the connection itself is what fails.
            let result = std::panic::catch_unwind(|| run(engine, &url));
            if let Ok(Err(error)) = result {
                assert!(
                    error.database_state().is_some() || !error.next_steps().is_empty(),
                    "{error}"
                );
            }
        }
        Kind::KillBefore | Kind::KillAfter => {
            let process = Arc::new(Mutex::new(None::<std::process::Child>));
            let killed = process.clone();
            let kill: Box<dyn FnOnce() + Send> = Box::new(move || {
                let mut child = killed.lock().unwrap();
                let child = child.as_mut().unwrap();
                child.kill().unwrap();
                child.wait().unwrap();
            });
            let kind = match kind {
                Kind::KillBefore => FaultKind::Before(kill),
                _ => FaultKind::After(kill),
            };
            proxy.set(Fault { at, kind });
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "faults::child", "--nocapture"])
                .env(URL, &url)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            *process.lock().unwrap() = Some(child);
            // Not waited for under the lock, which the one who kills it takes.
            while process.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_none() {
                thread::yield_now();
            }
        }
    }
    let again = run(engine, &db.url());
    if let Err(error) = again {
        panic!("{kind:?} at {at}: `up` again says: {error}");
    }
    picture(&db)
}

fn after_a_fault_at_any_statement_up_leads_to_the_same_database(db: &Database) {
    let proxy = Proxy::new(db);
    proxy.begin();
    run(db.engine, &proxy.url(db)).unwrap();
    let statements = proxy.statements();
    let expected = picture(db);

    let kinds = [Kind::Fail, Kind::KillBefore, Kind::KillAfter, Kind::Terminate];
    let points: Vec<(Kind, usize)> = kinds
        .into_iter()
        .flat_map(|kind| (1..=statements).map(move |at| (kind, at)))
        .collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(&(kind, at)) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let found = std::panic::catch_unwind(|| after_fault(db.engine, kind, at));
                    let found = found.unwrap_or_default();
                    let differs: Vec<&String> = expected
                        .keys()
                        .chain(found.keys())
                        .filter(|name| expected.get(*name) != found.get(*name))
                        .collect();
                    if !differs.is_empty() {
                        let name = differs[0];
                        let told = format!(
                            "{kind:?} at {at}: {name} is {:?} instead of {:?}",
                            found.get(name),
                            expected.get(name)
                        );
                        wrong.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    eprintln!("{} faults at {statements} statements on {:?}", points.len(), db.engine);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        points.len(),
        wrong.join("\n")
    );
}
