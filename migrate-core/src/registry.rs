//! The migrations of a program: the linked ones, or an explicit set. Ordered, each once.
//!
//! A registry does not read a database and does not run anything.

use crate::code::Code;
use crate::error::Error;
use crate::migration::{Migration, MigrationId};
use crate::version::Version;

pub use inventory;

inventory::collect!(Migration);

/// A set of migrations, ordered by version. It is never empty, and no version occurs twice in a group.
///
/// Between groups, migrations order by version too; with equal versions, by the name of the group.
#[derive(Clone, Debug)]
pub struct Registry {
    migrations: Vec<Migration>,
}

impl Registry {
    /// Collects the migrations that are linked into this program.
    ///
    /// The derive registers a migration when its crate is linked. A crate that is only listed in `Cargo.toml` is not
    /// linked: the program must name it, with `use my_app as _;` or `migrate_cli::main!(my_app)`. A migration with
    /// `unlisted` is not collected.
    ///
    /// ```no_run
    /// use migrate_core::Registry;
    /// # mod my_app {}
    /// use my_app as _; // links the crate that declares the migrations
    ///
    /// # fn main() -> Result<(), migrate_core::Error> {
    /// for migration in &Registry::linked()? {
    ///     println!("{migration}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NoMigrations`](crate::ErrorKind::NoMigrations) if no migration is linked.
    /// - [`ErrorKind::DuplicateVersion`](crate::ErrorKind::DuplicateVersion) if two linked migrations have one group and version.
    pub fn linked() -> Result<Registry, Error> {
        Registry::of(inventory::iter::<Migration>().copied()).map_err(|error| {
            if error.code() == Code::NO_MIGRATIONS {
                return Error::new(Code::NO_MIGRATIONS, "no migrations are linked into this program")
                    .help("write one with `#[derive(Migration)]`, in a module that a `mod` line names")
                    .help(
                        "if another crate contains them, name that crate so that it is linked: \
                     `use my_app as _;`, or `migrate_cli::main!(my_app);` in src/bin/migrate.rs, or \
                     `migrate_core::test_migrations!(my_app);` in a test",
                    );
            }
            error
        })
    }

    /// Collects an explicit set, in any order: for tests, and for programs with several databases.
    ///
    /// ```
    /// use migrate_core::prelude::*;
    /// use migrate_core::Registry;
    ///
    /// #[derive(Migration)]
    /// #[migration(version = 2, unlisted)]
    /// struct CreatePosts;
    ///
    /// impl Migrate for CreatePosts {
    ///     fn up(&self, schema: &mut Schema) {
    ///         schema.create_table("posts", |t| t.id());
    ///     }
    /// }
    /// # #[derive(Migration)]
    /// # #[migration(version = 1, unlisted)]
    /// # struct CreateUsers;
    /// # impl Migrate for CreateUsers {
    /// #     fn up(&self, schema: &mut Schema) {
    /// #         schema.create_table("users", |t| t.id());
    /// #     }
    /// # }
    ///
    /// let registry = Registry::of([Migration::of::<CreatePosts>(), Migration::of::<CreateUsers>()])?;
    /// let names: Vec<&str> = registry.iter().map(Migration::name).collect();
    /// assert_eq!(names, ["create_users", "create_posts"]);
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NoMigrations`](crate::ErrorKind::NoMigrations) if the set is empty.
    /// - [`ErrorKind::DuplicateVersion`](crate::ErrorKind::DuplicateVersion) if two different migrations have one group and version.
    pub fn of(migrations: impl IntoIterator<Item = Migration>) -> Result<Registry, Error> {
        let mut migrations: Vec<Migration> = migrations.into_iter().collect();
        migrations.sort_by(|a, b| {
            let by_version = a.version().cmp(&b.version());
            by_version.then_with(|| (a.group(), a.location().file).cmp(&(b.group(), b.location().file)))
        });
        migrations.dedup_by(|a, b| a.is_same_source(b));

        if migrations.is_empty() {
            return Err(
                Error::new(Code::NO_MIGRATIONS, "the set of migrations is empty").help("pass at least one migration")
            );
        }
        let mut twice = migrations
            .windows(2)
            .filter(|pair| pair[0].id() == pair[1].id())
            .peekable();
        if twice.peek().is_some() {
            let mut error = Error::new(Code::DUPLICATE_VERSION, "several migrations have the same version");
            for pair in twice {
                error = error.finding(
                    Some(pair[1].location()),
                    format!(
                        "{} and {} ({}) both have version {}",
                        pair[1].name(),
                        pair[0].name(),
                        pair[0].location(),
                        pair[0].id(),
                    ),
                );
            }
            return Err(error.help("give a new version to the migration that no database has applied yet"));
        }
        Ok(Registry { migrations })
    }

    /// Returns an iterator over the migrations, in the order in which they apply.
    pub fn iter(&self) -> std::slice::Iter<'_, Migration> {
        self.migrations.iter()
    }

    /// Returns the migrations as a slice, in the order in which they apply.
    #[must_use]
    pub fn as_slice(&self) -> &[Migration] {
        &self.migrations
    }

    /// Returns the number of migrations, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a registry is never empty")]
    pub fn len(&self) -> usize {
        self.migrations.len()
    }

    /// Returns the migration with this identity, if there is one.
    #[must_use]
    pub fn get(&self, id: MigrationId<'_>) -> Option<&Migration> {
        let position = self.position(id)?;
        self.migrations.get(position)
    }

    /// Returns the position of the migration with this identity.
    pub(crate) fn position(&self, id: MigrationId<'_>) -> Option<usize> {
        self.migrations
            .binary_search_by(|migration| migration.id().cmp(&id))
            .ok()
    }

    /// Returns the newest version of a group, or `None` if the group is not linked.
    pub(crate) fn newest(&self, group: &str) -> Option<Version> {
        self.migrations
            .iter()
            .rev()
            .find(|migration| migration.group() == group)
            .map(Migration::version)
    }
}

impl<'a> IntoIterator for &'a Registry {
    type Item = &'a Migration;
    type IntoIter = std::slice::Iter<'a, Migration>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
