//! Databases, migrations from closures, and a picture of all that a database holds.

use std::path::PathBuf;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use migrate_core::__private::{Declaration, declare};
use migrate_core::testing::TestFile;
use migrate_core::{Error, Migrate, Migration, Registry, Report, Rollback, Runner, Schema, Target};

/// A database of a test's own.
pub(crate) struct Database(TestFile);

impl Database {
    pub(crate) fn new() -> Database {
        Database(TestFile::new().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path()
    }

    pub(crate) fn connect(&self) -> SqliteConnection {
        self.0.connect().unwrap()
    }

    pub(crate) fn execute(&self, sql: &str) {
        use diesel::connection::SimpleConnection;

        self.connect().batch_execute(sql).unwrap();
    }

    pub(crate) fn number(&self, query: &str) -> i64 {
        number(&mut self.connect(), query)
    }

    pub(crate) fn up(&self, migrations: &[Migration]) -> Result<Report, Error> {
        self.with(migrations, |runner| runner.up(&Target::Latest))
    }

    pub(crate) fn rollback(&self, migrations: &[Migration], how_far: &Rollback) -> Result<Report, Error> {
        self.with(migrations, |runner| runner.rollback(how_far))
    }

    pub(crate) fn with<T>(&self, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>) -> T) -> T {
        let mut connection = self.connect();
        let registry = Registry::of(migrations.iter().copied()).unwrap();
        let mut runner = Runner::new(&mut connection, registry)
            .lock_timeout(Duration::from_secs(30))
            .applied_by("tester@here");
        work(&mut runner)
    }

    /// Everything that the file holds but history: each object's SQL and each table's rows.
    pub(crate) fn picture(&self) -> Vec<String> {
        self.picture_where("name <> '__migrations' AND tbl_name <> '__migrations'")
    }

    /// Everything that the file holds.
    pub(crate) fn whole_picture(&self) -> Vec<String> {
        self.picture_where("true")
    }

    fn picture_where(&self, which: &str) -> Vec<String> {
        let mut connection = self.connect();
        let mut picture = texts(
            &mut connection,
            &format!(
                "SELECT type || ' ' || name || ': ' || coalesce(sql, '') AS text FROM sqlite_master WHERE {which} \
                 ORDER BY type, name"
            ),
        );
        let tables = texts(
            &mut connection,
            &format!("SELECT name AS text FROM sqlite_master WHERE type = 'table' AND {which} ORDER BY name"),
        );
        for table in tables {
            let columns = texts(
                &mut connection,
                &format!(
                    "SELECT 'quote(\"' || replace(name, '\"', '\"\"') || '\")' AS text FROM pragma_table_info('{}') \
                     ORDER BY cid",
                    table.replace('\'', "''")
                ),
            );
            let rows = texts(
                &mut connection,
                &format!(
                    "SELECT {} AS text FROM \"{}\" ORDER BY 1",
                    columns.join(" || ', ' || "),
                    table.replace('"', "\"\"")
                ),
            );
            picture.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        picture
    }

    /// History without what differs from run to run.
    pub(crate) fn history(&self) -> Vec<String> {
        texts(
            &mut self.connect(),
            "SELECT seq || ' ' || group_name || ' ' || version || ' ' || name || ' batch ' || batch || ' ' || fingerprint || \
             ' ' || state || ' ' || progress || ' ' || coalesce(claim, 'unclaimed') AS text FROM __migrations ORDER BY seq",
        )
    }

    /// `version:batch` of each row.
    pub(crate) fn batches(&self) -> Vec<String> {
        texts(
            &mut self.connect(),
            "SELECT version || ':' || batch AS text FROM __migrations ORDER BY seq",
        )
    }
}

pub(crate) fn number(connection: &mut SqliteConnection, query: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let row: Number = sql_query(format!("SELECT ({query}) AS number"))
        .get_result(connection)
        .unwrap();
    row.number
}

pub(crate) fn texts(connection: &mut SqliteConnection, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct OneText {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let rows: Vec<OneText> = sql_query(query).load(connection).unwrap();
    rows.into_iter().map(|row| row.text).collect()
}

struct Closure<U, D>(U, D);

impl<U, D> Migrate for Closure<U, D>
where
    U: Fn(&mut Schema) + Send + Sync + 'static,
    D: Fn(&dyn Migrate, &mut Schema) + Send + Sync + 'static,
{
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }

    fn down(&self, schema: &mut Schema) {
        (self.1)(self, schema);
    }
}

struct UpOnly<U>(U);

impl<U: Fn(&mut Schema) + Send + Sync + 'static> Migrate for UpOnly<U> {
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }
}

/// A migration with the provided `down`.
pub(crate) fn migration(version: u64, up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    declare(declaration(version), Box::leak(Box::new(UpOnly(up))))
}

/// A migration with a `down` of its own.
pub(crate) fn migration_with_down(
    version: u64,
    up: impl Fn(&mut Schema) + Send + Sync + 'static,
    down: impl Fn(&mut Schema) + Send + Sync + 'static,
) -> Migration {
    let down = move |_: &dyn Migrate, schema: &mut Schema| down(schema);
    declare(declaration(version), Box::leak(Box::new(Closure(up, down))))
}

/// A migration outside a transaction.
pub(crate) fn untransactional(version: u64, up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    let declaration = Declaration {
        transaction: false,
        ..declaration(version)
    };
    declare(declaration, Box::leak(Box::new(UpOnly(up))))
}

pub(crate) fn in_group(
    group: &'static str,
    version: u64,
    up: impl Fn(&mut Schema) + Send + Sync + 'static,
) -> Migration {
    let declaration = Declaration {
        group,
        ..declaration(version)
    };
    declare(declaration, Box::leak(Box::new(UpOnly(up))))
}

fn declaration(version: u64) -> Declaration {
    Declaration {
        version,
        name: Box::leak(format!("m{version}").into_boxed_str()),
        group: "default",
        description: "",
        transaction: true,
        file: "src/migrations.rs",
        line: u32::try_from(version).unwrap_or(0),
        module: "app::migrations",
    }
}

/// A migration that makes the table `t{version}` with one row.
pub(crate) fn table(version: u64) -> Migration {
    migration(version, move |schema| {
        schema
            .execute(format!("CREATE TABLE t{version} (id INTEGER)"))
            .undo(format!("DROP TABLE t{version}").as_str());
        schema
            .execute(format!("INSERT INTO t{version} VALUES ({version})"))
            .up_only();
    })
}

pub(crate) fn tables(versions: std::ops::RangeInclusive<u64>) -> Vec<Migration> {
    versions.map(table).collect()
}

/// The error's text, with the lines of these tests taken out: they move.
pub(crate) fn text(error: &Error) -> String {
    let text = error.to_string();
    let mut parts = text.split(".rs:");
    let mut steady = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let file = steady.rsplit(char::is_whitespace).next().unwrap_or_default();
        let is_test = file.contains("tests/contract/");
        steady.push_str(".rs:");
        if is_test {
            steady.push('N');
            steady.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        } else {
            steady.push_str(part);
        }
    }
    steady
}
