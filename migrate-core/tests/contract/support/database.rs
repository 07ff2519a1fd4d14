//! The database of one test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use migrate_core::testing::TestFile;
use migrate_core::{Dialect, Error, Migration, Report, Rollback, Runner, Target};

use super::{AnyConnection, Engine, picture, text};

/// Dropping it removes the database.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    storage: Storage,
}

enum Storage {
    File(TestFile),
    OnServer { url: String, name: String },
}

impl Database {
    /// Returns `None` with a message if its server is not named.
    pub(crate) fn new(engine: Engine) -> Option<Database> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if engine == Engine::Sqlite {
            return Some(Database::in_file());
        }
        let url = engine.named_server()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate_test_{}_{number}", std::process::id());
        on_server(engine, &url, &format!("CREATE DATABASE {name}"));
        let storage = Storage::OnServer { url, name };
        Some(Database { engine, storage })
    }

    /// Creates a SQLite database in a file.
    pub(crate) fn in_file() -> Database {
        Database {
            engine: Engine::Sqlite,
            storage: Storage::File(TestFile::new().unwrap()),
        }
    }

    /// Creates another empty database of the same kind.
    pub(crate) fn another(&self) -> Database {
        Database::new(self.engine).unwrap()
    }

    /// The URL of its server, without a database.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn server(&self) -> &str {
        match &self.storage {
            Storage::File(file) => panic!("{} is on no server", file.path().display()),
            Storage::OnServer { url, .. } => url,
        }
    }

    /// The name of the database on its server.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn name(&self) -> &str {
        match &self.storage {
            Storage::File(file) => panic!("{} is on no server", file.path().display()),
            Storage::OnServer { name, .. } => name,
        }
    }

    /// The path of the file, for SQLite.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.storage {
            Storage::File(file) => file.path(),
            Storage::OnServer { url, .. } => panic!("on {url} it is in no file"),
        }
    }

    /// The dialect. The server's version distinguishes MySQL and MariaDB.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.engine.pick(Dialect::Sqlite, Dialect::Postgres, Dialect::MySql) {
            Dialect::MySql if self.number("SELECT version() LIKE '%MariaDB%' AS number") == 1 => Dialect::MariaDb,
            name => name,
        }
    }

    /// The URL for Diesel.
    pub(crate) fn url(&self) -> String {
        match &self.storage {
            Storage::File(file) => file.path().display().to_string(),
            Storage::OnServer { url, name } => format!("{url}/{name}"),
        }
    }

    /// The bytes of the file, for SQLite.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match &self.storage {
            Storage::File(file) => Some(std::fs::read(file.path()).unwrap()),
            Storage::OnServer { .. } => None,
        }
    }

    pub(crate) fn connect(&self) -> AnyConnection {
        AnyConnection::open(&self.url())
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connect().execute(sql);
    }

    /// Returns the number that a query selects.
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.connect().number(query)
    }

    /// Returns the rows of a query with one column `text`.
    pub(crate) fn texts(&self, query: &str) -> Vec<String> {
        self.connect().texts(query)
    }

    /// Quotes a name for SQL.
    pub(crate) fn quoted(&self, name: &str) -> String {
        let mark = self.engine.pick("\"", "\"", "`");
        format!("{mark}{}{mark}", name.replace(mark, &mark.repeat(2)))
    }

    /// Quotes a text for SQL.
    pub(crate) fn literal(&self, text: &str) -> String {
        let text = text.replace('\'', "''");
        match self.engine.is_mysql() {
            true => format!("'{}'", text.replace('\\', "\\\\")),
            false => format!("'{text}'"),
        }
    }

    pub(crate) fn with<T>(&self, migrations: &[Migration], work: impl FnOnce(&mut Runner<'_>) -> T) -> T {
        work(&mut self.connect().runner(migrations))
    }

    pub(crate) fn up(&self, migrations: &[Migration]) -> Result<Report, Error> {
        self.with(migrations, |runner| runner.up(&Target::Latest))
    }

    pub(crate) fn rollback(&self, migrations: &[Migration], how_far: &Rollback) -> Result<Report, Error> {
        self.with(migrations, |runner| runner.rollback(how_far))
    }

    /// Returns the differences from the schema of the migrations.
    pub(crate) fn differences(&self, migrations: &[Migration]) -> Vec<String> {
        self.with(migrations, |runner| runner.differences()).unwrap()
    }

    /// Returns everything except history, as the database prints it: definitions and rows.
    pub(crate) fn picture(&self) -> Vec<String> {
        picture::take(self, false)
    }

    /// Returns everything, with history.
    pub(crate) fn whole_picture(&self) -> Vec<String> {
        picture::take(self, true)
    }

    /// The tables and views, without history.
    pub(crate) fn tables(&self) -> Vec<String> {
        picture::tables(self, false)
    }

    /// The history without the values that differ from run to run.
    pub(crate) fn history(&self) -> Vec<String> {
        self.texts(
            "SELECT concat_ws(' ', seq, group_name, version, name, 'batch', batch, checksum, state, progress, \
             coalesce(claim, 'unclaimed'), coalesce(in_flight, 'decided')) AS text FROM __migrations ORDER BY seq",
        )
    }

    /// `version:batch` of each row.
    pub(crate) fn batches(&self) -> Vec<String> {
        self.texts("SELECT concat(version, ':', batch) AS text FROM __migrations ORDER BY seq")
    }

    /// `version:state` of each row, with the number of completed steps if it is incomplete.
    pub(crate) fn states(&self) -> Vec<String> {
        self.texts(
            "SELECT concat(version, ':', state, CASE WHEN state = 'applied' THEN '' ELSE concat(':', progress) END) AS text \
             FROM __migrations ORDER BY seq",
        )
    }

    /// The number of migrations with a claim or an in-flight step.
    pub(crate) fn claims(&self) -> i64 {
        self.number("SELECT count(*) FROM __migrations WHERE claim IS NOT NULL OR in_flight IS NOT NULL")
    }

    /// Replaces MariaDB by MySQL in a text.
    pub(crate) fn with_one_name(&self, text: &str) -> String {
        match self.engine.is_mysql() {
            true => text.replace("MariaDB", "MySQL"),
            false => text.to_owned(),
        }
    }

    /// Returns the text of an error without the values that differ from test to test.
    pub(crate) fn said(&self, error: &Error) -> String {
        let own = match &self.storage {
            Storage::File(file) => file.path().display().to_string(),
            Storage::OnServer { name, .. } => name.clone(),
        };
        self.with_one_name(&text(error)).replace(&own, "TEST")
    }
}

fn on_server(engine: Engine, url: &str, sql: &str) {
    AnyConnection::open(&format!("{url}/{}", engine.pick("", "postgres", "mysql"))).execute(sql);
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Storage::OnServer { url, name } = &self.storage {
            let force = self.engine.pick("", " WITH (FORCE)", "");
            on_server(self.engine, url, &format!("DROP DATABASE {name}{force}"));
        }
    }
}
