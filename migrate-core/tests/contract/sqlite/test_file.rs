//! Tests of `testing::TestFile`.

use std::panic;

use migrate_core::testing::TestFile;

use crate::support::AnyConnection;

#[test]
fn test_files_are_independent() {
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
fn a_test_file_is_removed_even_after_a_panic() {
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
