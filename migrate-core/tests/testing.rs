//! Tests of `migrate_core::testing`: databases that move to any migration, and previews.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use migrate_core::prelude::*;
use migrate_core::testing::{Preview, TestDatabase, TestResult};
use migrate_core::{MigrationState, Registry, Rollback, Runner, Target};

#[derive(Migration)]
#[migration(version = 10, unlisted)]
struct CreateUsers;

impl Migrate for CreateUsers {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("users", |t| {
            t.id();
            t.varchar("name", 100);
        });
    }
}

#[derive(Migration)]
#[migration(version = 20, unlisted)]
struct LowerNames;

impl Migrate for LowerNames {
    fn up(&self, schema: &mut Schema) {
        schema.run(lower_names).up_only();
    }
}

fn lower_names(conn: &mut SqliteConnection) -> QueryResult<()> {
    sql_query("UPDATE users SET name = lower(name)").execute(conn)?;
    Ok(())
}

#[derive(Migration)]
#[migration(version = 30, unlisted)]
struct IndexNames;

impl Migrate for IndexNames {
    fn up(&self, schema: &mut Schema) {
        schema.create_index("users", ["name"]);
    }
}

#[derive(Migration)]
#[migration(version = 40, unlisted)]
struct Elsewhere;

impl Migrate for Elsewhere {
    fn up(&self, schema: &mut Schema) {
        schema.create_table("elsewhere", |t| t.id());
    }
}

fn database() -> TestDatabase<SqliteConnection> {
    TestDatabase::of([
        Migration::of::<CreateUsers>(),
        Migration::of::<LowerNames>(),
        Migration::of::<IndexNames>(),
    ])
    .unwrap()
}

/// The applied versions.
fn applied(db: &mut TestDatabase<SqliteConnection>) -> Vec<String> {
    let entries = db.runner().status().unwrap().into_iter();
    let applied = entries.filter(|entry| entry.state == MigrationState::Applied);
    applied.map(|entry| entry.version.to_string()).collect()
}

fn names(db: &mut TestDatabase<SqliteConnection>) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let names: Vec<Name> = sql_query("SELECT name FROM users").load(db.conn()).unwrap();
    names.into_iter().map(|name| name.name).collect()
}

#[test]
fn a_database_moves_to_a_migration_by_its_type() -> TestResult {
    let mut db = database();
    db.before::<LowerNames>()?;
    assert_eq!(applied(&mut db), ["10"]);
    sql_query("INSERT INTO users (name) VALUES ('Ada')").execute(db.conn())?;

    db.apply::<IndexNames>()?;
    assert_eq!(applied(&mut db), ["10", "20", "30"]);
    assert_eq!(names(&mut db), ["ada"]);

    db.undo::<LowerNames>()?;
    assert_eq!(applied(&mut db), ["10"]);
    db.before::<CreateUsers>()?;
    assert_eq!(applied(&mut db), [""; 0]);
    Ok(())
}

#[test]
fn a_database_moves_to_a_migration_by_version_or_number() -> TestResult {
    let mut db = database();
    db.before_version("30")?;
    assert_eq!(applied(&mut db), ["10", "20"]);
    db.apply_version("default:30")?;
    db.undo_version("2_0")?;
    assert_eq!(applied(&mut db), ["10"]);
    db.up(&Target::Next(1))?;
    assert_eq!(applied(&mut db), ["10", "20"]);
    db.rollback(&Rollback::All)?;
    assert_eq!(applied(&mut db), [""; 0]);
    Ok(())
}

#[test]
fn out_of_order_migrations_are_rolled_back_too() -> TestResult {
    let (create, lower, elsewhere) = (
        Migration::of::<CreateUsers>(),
        Migration::of::<LowerNames>(),
        Migration::of::<Elsewhere>(),
    );
    let mut db = TestDatabase::of([create, lower, elsewhere])?.in_file()?;
    let mut conn = db.file().unwrap().connect()?;
    Runner::new(&mut conn, Registry::of([create, elsewhere])?).up(&Target::Latest)?;
    db.up(&Target::Latest)?;

    db.before::<Elsewhere>()?;

    assert_eq!(applied(&mut db), ["10", "20"]);
    Ok(())
}

#[test]
fn impossible_moves_are_reported() {
    let mut db = database();
    let said = [
        db.before::<Elsewhere>().unwrap_err(),
        db.undo::<LowerNames>().unwrap_err(),
        db.up(&Target::Latest)
            .and_then(|_| db.apply::<LowerNames>())
            .unwrap_err(),
        db.before_version("25").unwrap_err(),
        db.before_version("twenty").unwrap_err(),
    ];
    let said: Vec<String> = said.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n\n"), @r#"
    [M0832] 40 elsewhere does not belong to this test database
      --> migrate-core/tests/testing.rs:50
      help: add it to the list in `TestDatabase::of([..])`
      help: without a list, remove `unlisted` from its attribute

    [M0832] 20 lower_names is not applied
      help: call `apply` first

    [M0832] 20 lower_names is already applied
      help: roll it back with `undo`, or start with `before`

    [M0103] migration 25 does not exist
      help: did you mean 20? `Runner::status` lists all migrations

    [M0832] "twenty" is not a version or `group:version`
      help: a version must be an integer from 1 to 9223372036854775807, such as 20261123093000
    "#);
}

#[test]
fn test_databases_are_independent_and_their_files_removed() -> TestResult {
    let mut memory = database();
    let mut file = database().in_file()?;
    memory.up(&Target::Latest)?;
    assert_eq!(applied(&mut file), [""; 0]);
    file.before::<LowerNames>()?;

    let path = file.file().map(migrate_core::testing::TestFile::path).unwrap();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let file = file;
        assert!(file.file().is_none(), "a test fails");
    }));
    assert!(outcome.is_err());
    assert!(!path.exists());
    Ok(())
}

#[test]
fn a_preview_shows_a_migration_without_a_database() -> TestResult {
    let registry = Registry::of([Migration::of::<CreateUsers>(), Migration::of::<IndexNames>()])?;
    let preview = |dialect: Dialect| Preview::among(&registry, &Migration::of::<IndexNames>().id().into(), dialect);

    let sqlite = preview(Dialect::Sqlite)?;
    assert_eq!(
        sqlite.up().sql(),
        [r#"CREATE INDEX "users_name_idx" ON "users" ("name")"#]
    );
    assert_eq!(sqlite.down().sql(), [r#"DROP INDEX "users_name_idx""#]);
    assert_eq!(
        preview(Dialect::MySql)?.down().sql(),
        ["ALTER TABLE `users` DROP INDEX `users_name_idx`, LOCK=NONE"]
    );

    assert!(sqlite.before().table("users").unwrap().indexes.is_empty());
    let index = &sqlite.after().table("users").unwrap().indexes[0];
    assert_eq!((index.name.as_str(), index.unique), ("users_name_idx", false));

    let first = Preview::among(&registry, &Migration::of::<CreateUsers>().id().into(), Dialect::Sqlite)?;
    assert_eq!(first.before().tables().count(), 0);
    Ok(())
}

#[test]
fn a_test_may_prepare_its_database_before_the_first_migration() -> TestResult {
    let mut db = database();
    sql_query("CREATE TABLE prepared (id INTEGER)").execute(db.conn())?;
    db.before::<LowerNames>()?;
    db.runner().up(&Target::Latest)?;
    Ok(())
}
