//! The migrations of a program: those linked into it, or an explicit set; ordered, each once.
//!
//! It does not look at a database and does not run anything.

use crate::error::{Error, ErrorKind};
use crate::migration::{Migration, MigrationId};
use crate::version::Version;

pub use inventory;

inventory::collect!(Migration);

/// A set of migrations, ordered by version, with no version used twice in a group and never empty.
#[derive(Clone, Debug)]
pub struct Registry {
    migrations: Vec<Migration>,
}

impl Registry {
    /// The migrations that are linked into this program.
    ///
    /// A crate that is only listed in `Cargo.toml` is not linked: something has to name it, such as
    /// `use my_app as _;` or `migrate_cli::main!(my_app)`.
    ///
    /// # Errors
    ///
    /// If none is linked, or if two of them share group and version.
    pub fn linked() -> Result<Registry, Error> {
        Registry::of(inventory::iter::<Migration>().copied()).map_err(|error| {
            if error.kind() == ErrorKind::NoMigrations {
                return Error::new(ErrorKind::NoMigrations, "no migrations are linked into this program")
                    .next("write one with `#[derive(Migration)]`, in a module that a `mod` line names")
                    .next(
                        "if they are in another crate, name it here so that it is linked: \
                     `use my_app as _;`, or `migrate_cli::main!(my_app);` in src/bin/migrate.rs, or \
                     `migrate_core::test_migrations!(my_app);` in a test",
                    );
            }
            error
        })
    }

    /// An explicit set, in any order: for tests, and for programs that serve several databases.
    ///
    /// # Errors
    ///
    /// If the set is empty, or if two of them share group and version.
    pub fn of(migrations: impl IntoIterator<Item = Migration>) -> Result<Registry, Error> {
        let mut migrations: Vec<Migration> = migrations.into_iter().collect();
        migrations.sort_by(|a, b| (a.id(), a.location().file).cmp(&(b.id(), b.location().file)));
        migrations.dedup_by(|a, b| a.is_same_source(b));

        if migrations.is_empty() {
            return Err(Error::new(ErrorKind::NoMigrations, "the set of migrations is empty"));
        }
        let mut twice = migrations
            .windows(2)
            .filter(|pair| pair[0].id() == pair[1].id())
            .peekable();
        if twice.peek().is_some() {
            let mut error = Error::new(ErrorKind::DuplicateVersion, "a version is used twice");
            for pair in twice {
                error = error.diagnostic(
                    Some(pair[1].location()),
                    format!(
                        "{} is the version of {} ({}) and of {} ({})",
                        pair[0].id(),
                        pair[0].name(),
                        pair[0].location(),
                        pair[1].name(),
                        pair[1].location(),
                    ),
                );
            }
            return Err(error.next("give the one that has not been applied anywhere yet a new version"));
        }
        Ok(Registry { migrations })
    }

    /// All of them, in the order in which they are applied.
    pub fn iter(&self) -> std::slice::Iter<'_, Migration> {
        self.migrations.iter()
    }

    /// The same as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[Migration] {
        &self.migrations
    }

    /// How many there are; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a registry is never empty")]
    pub fn len(&self) -> usize {
        self.migrations.len()
    }

    /// The one with this identity.
    #[must_use]
    pub fn get(&self, id: MigrationId<'_>) -> Option<&Migration> {
        let position = self.position(id)?;
        self.migrations.get(position)
    }

    /// Where the one with this identity stands in the order.
    pub(crate) fn position(&self, id: MigrationId<'_>) -> Option<usize> {
        self.migrations
            .binary_search_by(|migration| migration.id().cmp(&id))
            .ok()
    }

    /// The newest version of a group, if the group is linked at all.
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
