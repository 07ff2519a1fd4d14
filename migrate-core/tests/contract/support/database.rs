//! A database of a test's own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use migrate_core::testing::TestFile;
use migrate_core::{Error, Migration, Report, Rollback, Runner, Target};

use super::{AnyConnection, Engine, picture, text};

/// It is gone at the end.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    storage: Storage,
}

enum Storage {
    File(TestFile),
    OnServer { url: String, name: String },
}

impl Database {
    /// `None`, said loudly, if its server is not named.
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

    /// One of SQLite.
    pub(crate) fn in_file() -> Database {
        Database {
            engine: Engine::Sqlite,
            storage: Storage::File(TestFile::new().unwrap()),
        }
    }

    /// Another one, empty, of the same kind.
    pub(crate) fn another(&self) -> Database {
        Database::new(self.engine).unwrap()
    }

    /// The URL of its server, without a database at the end.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn server(&self) -> &str {
        match &self.storage {
            Storage::File(file) => panic!("{} is on no server", file.path().display()),
            Storage::OnServer { url, .. } => url,
        }
    }

    /// What it is called on its server.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn name(&self) -> &str {
        match &self.storage {
            Storage::File(file) => panic!("{} is on no server", file.path().display()),
            Storage::OnServer { name, .. } => name,
        }
    }

    /// The file that it is in, for SQLite.
    pub(crate) fn path(&self) -> PathBuf {
        match &self.storage {
            Storage::File(file) => file.path(),
            Storage::OnServer { url, .. } => panic!("on {url} it is in no file"),
        }
    }

    /// With MySQL and MariaDB told apart, as the server says.
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(crate) fn dialect(&self) -> migrate_core::Dialect {
        use migrate_core::Dialect;

        match self.engine.pick(Dialect::Sqlite, Dialect::Postgres, Dialect::MySql) {
            Dialect::MySql if self.number("SELECT version() LIKE '%MariaDB%' AS number") == 1 => Dialect::MariaDb,
            name => name,
        }
    }

    /// What Diesel connects to.
    pub(crate) fn url(&self) -> String {
        match &self.storage {
            Storage::File(file) => file.path().display().to_string(),
            Storage::OnServer { url, name } => format!("{url}/{name}"),
        }
    }

    /// The file as it is, if it is in one.
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

    /// The number that a query asks for.
    pub(crate) fn number(&self, query: &str) -> i64 {
        self.connect().number(query)
    }

    /// The rows of a query for a column `text`.
    pub(crate) fn texts(&self, query: &str) -> Vec<String> {
        self.connect().texts(query)
    }

    /// A name as it stands in SQL.
    pub(crate) fn quoted(&self, name: &str) -> String {
        let mark = self.engine.pick("\"", "\"", "`");
        format!("{mark}{}{mark}", name.replace(mark, &mark.repeat(2)))
    }

    /// A text as it stands in SQL.
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

    /// In what it differs from what the migrations have made of it.
    pub(crate) fn differences(&self, migrations: &[Migration]) -> Vec<String> {
        self.with(migrations, |runner| runner.differences()).unwrap()
    }

    /// All that it holds but history, by the database's own words: definitions and rows.
    pub(crate) fn picture(&self) -> Vec<String> {
        picture::take(self, false)
    }

    /// All that it holds.
    pub(crate) fn whole_picture(&self) -> Vec<String> {
        picture::take(self, true)
    }

    /// The tables and views, but for history.
    pub(crate) fn tables(&self) -> Vec<String> {
        picture::tables(self, false)
    }

    /// History without what differs from run to run.
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

    /// `version:state` of each row, and how many steps are done of one that is under way.
    pub(crate) fn states(&self) -> Vec<String> {
        self.texts(
            "SELECT concat(version, ':', state, CASE WHEN state = 'applied' THEN '' ELSE concat(':', progress) END) AS text \
             FROM __migrations ORDER BY seq",
        )
    }

    /// How many migrations some run still claims, or leaves in doubt.
    pub(crate) fn claims(&self) -> i64 {
        self.number("SELECT count(*) FROM __migrations WHERE claim IS NOT NULL OR in_flight IS NOT NULL")
    }

    /// A text that says MySQL for MariaDB as well.
    pub(crate) fn with_one_name(&self, text: &str) -> String {
        match self.engine.is_mysql() {
            true => text.replace("MariaDB", "MySQL"),
            false => text.to_owned(),
        }
    }

    /// The error's text without what differs from test to test.
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
