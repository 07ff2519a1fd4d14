//! The application's queries, on the migrated schema.

use blog::store;
use migrate_core::Target;
use migrate_core::testing::{TestDatabase, TestResult};

#[test]
fn posts_are_found_by_their_author() -> TestResult {
    let mut db = TestDatabase::new()?;
    db.up(&Target::Latest)?;

    let ada = store::sign_up(db.conn(), "ada@example.org", "ada")?;
    store::sign_up(db.conn(), "alan@example.org", "turing")?;
    store::publish(db.conn(), &ada, "Notes", "On the engine")?;
    store::publish(db.conn(), &ada, "More notes", "On Bernoulli numbers")?;

    assert_eq!(store::titles_by(db.conn(), "ada")?, ["More notes", "Notes"]);
    assert_eq!(store::titles_by(db.conn(), "turing")?, [""; 0]);
    Ok(())
}
