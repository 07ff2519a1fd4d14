//! Migrations from closures.

use migrate_core::__private::{MigrationMeta, register};
use migrate_core::{Migrate, Migration, MigrationRef, Schema, Version};

struct Closure<U, D>(U, D);

impl<U, D> Migrate for Closure<U, D>
where
    U: Fn(&mut Schema) + Send + Sync + 'static,
    D: Fn(&mut Schema) + Send + Sync + 'static,
{
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }

    fn down(&self, schema: &mut Schema) {
        (self.1)(schema);
    }
}

struct UpOnly<U>(U);

impl<U: Fn(&mut Schema) + Send + Sync + 'static> Migrate for UpOnly<U> {
    fn up(&self, schema: &mut Schema) {
        (self.0)(schema);
    }
}

/// Creates a migration with the provided `down`.
pub(crate) fn migration(version: u64, up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    register(meta(version), Box::leak(Box::new(UpOnly(up))))
}

/// Creates a migration with its own `down`.
pub(crate) fn migration_with_down(
    version: u64,
    up: impl Fn(&mut Schema) + Send + Sync + 'static,
    down: impl Fn(&mut Schema) + Send + Sync + 'static,
) -> Migration {
    register(meta(version), Box::leak(Box::new(Closure(up, down))))
}

/// Creates a migration outside a transaction.
pub(crate) fn untransactional(version: u64, up: impl Fn(&mut Schema) + Send + Sync + 'static) -> Migration {
    let meta = MigrationMeta {
        transaction: false,
        ..meta(version)
    };
    register(meta, Box::leak(Box::new(UpOnly(up))))
}

pub(crate) fn in_group(
    group: &'static str,
    version: u64,
    up: impl Fn(&mut Schema) + Send + Sync + 'static,
) -> Migration {
    let meta = MigrationMeta { group, ..meta(version) };
    register(meta, Box::leak(Box::new(UpOnly(up))))
}

/// Creates a migration of a package.
pub(crate) fn in_package(
    package: &'static str,
    version: u64,
    up: impl Fn(&mut Schema) + Send + Sync + 'static,
) -> Migration {
    let meta = MigrationMeta {
        package,
        ..meta(version)
    };
    register(meta, Box::leak(Box::new(UpOnly(up))))
}

fn meta(version: u64) -> MigrationMeta {
    MigrationMeta {
        version,
        name: Box::leak(format!("m{version}").into_boxed_str()),
        group: "default",
        description: "",
        transaction: true,
        file: "src/migrations.rs",
        line: u32::try_from(version).unwrap_or(0),
        module: "app::migrations",
        package: "tests",
    }
}

/// Creates a migration that creates the table `t{version}` with one row, in raw SQL.
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

/// Creates a migration that creates the table `t{version}` with the builder.
pub(crate) fn generated(version: u64) -> Migration {
    migration(version, move |schema| {
        schema.create_table(format!("t{version}"), |t| t.id());
    })
}

pub(crate) fn tables(versions: std::ops::RangeInclusive<u64>) -> Vec<Migration> {
    versions.map(table).collect()
}

pub(crate) fn reference(version: u64) -> MigrationRef {
    MigrationRef::from(Version::new(version).unwrap())
}

/// Creates a Rust step that works with every connection type.
macro_rules! rust_step {
    (|$conn:ident| $work:expr) => {
        (
            move |$conn: &mut diesel::SqliteConnection| $work,
            #[cfg(feature = "postgres")]
            move |$conn: &mut diesel::PgConnection| $work,
            #[cfg(feature = "mysql")]
            move |$conn: &mut diesel::MysqlConnection| $work,
        )
    };
}
