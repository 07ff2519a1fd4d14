//! Runs behind PgBouncer in transaction mode, which shares server sessions between clients.

use migrate_core::{ErrorKind, Target};

use crate::processes;
use crate::support::{AnyConnection, Database, Engine, table, untransactional};

/// `MIGRATE_TEST_PGBOUNCER` must be a pooler in transaction mode in front of the server of `MIGRATE_TEST_POSTGRES`.
fn behind_a_pooler() -> Option<(Database, String)> {
    let db = Database::new(Engine::Postgres)?;
    let Ok(pooler) = std::env::var("MIGRATE_TEST_PGBOUNCER") else {
        eprintln!(
            "NOT TESTED behind a pooler: MIGRATE_TEST_PGBOUNCER names none, such as postgres://postgres@127.0.0.1:6432"
        );
        return None;
    };
    let url = format!("{pooler}/{}", db.name());
    Some((db, url))
}

#[test]
fn concurrent_processes_apply_each_migration_once() {
    if let Some((db, url)) = behind_a_pooler() {
        processes::apply_at_once(&db, &url);
    }
}

#[test]
fn concurrent_up_and_rollback_work_behind_a_pooler() {
    if let Some((db, url)) = behind_a_pooler() {
        processes::apply_and_roll_back(&db, &url);
    }
}

#[test]
fn steps_that_need_their_own_session_are_refused() {
    let Some((db, url)) = behind_a_pooler() else { return };
    let all = [
        table(1),
        untransactional(2, |schema| schema.execute("VACUUM t1").up_only()),
    ];
    let mut connection = AnyConnection::open(&url);
    connection.runner(&all[..1]).up(&Target::Latest).unwrap();
    // A setting of another process in the session shows that the session is shared.
    connection.execute("SELECT set_config('migrate.used_by', 'another process', false)");
    let error = connection.runner(&all).up(&Target::Latest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting, "{error}");
    assert_eq!(error.code().to_string(), "M0110", "{error}");
    assert_eq!(db.batches(), ["1:1"]);
    db.up(&all).unwrap();
}
