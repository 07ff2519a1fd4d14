//! Tests of `testing::TestFile`.

use std::panic;

use migrate_core::testing::TestFile;

use crate::support::AnyConnection;

#[test]
fn each_is_its_own() {
    let databases: Vec<TestFile> = (0..20).map(|_| TestFile::new().unwrap()).collect();
    for database in &databases {
        let connect = || AnyConnection::Sqlite(database.connect().unwrap());
        let tables = "SELECT count(*) FROM sqlite_master";
        assert_eq!(connect().number(tables), 0);
        connect().execute("CREATE TABLE t (a)");
        assert_eq!(connect().number(tables), 1);
    }
}

#[test]
fn it_is_gone_at_the_end_also_after_a_panic() {
    let database = TestFile::new().unwrap();
    let (path, directory) = (database.path(), database.directory().to_owned());
    let outcome = panic::catch_unwind(move || {
        let _connection = database.connect().unwrap();
        assert!(database.path().exists());
        assert!(database.path().is_dir(), "a test fails");
    });
    assert!(outcome.is_err());
    assert!(!path.exists());
    assert!(!directory.exists());
}
