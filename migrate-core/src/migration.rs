//! The trait that users implement, [`Migrate`], and the migration that the derive registers, [`Migration`].

use std::fmt;

use crate::location::Location;
use crate::schema::Schema;
use crate::version::Version;

/// A change to a database: users implement it for a struct with `#[derive(Migration)]`.
///
/// `up` describes the change as steps and does not execute it. The runner may call it many times, and it must record
/// equal steps each time. So it must not read a clock, the environment or a database.
///
/// ```
/// use migrate_core::prelude::*;
///
/// /// Every user gets a public handle.
/// #[derive(Migration)]
/// #[migration(version = 2026_11_23_093000)]
/// struct AddUsername;
///
/// impl Migrate for AddUsername {
///     fn up(&self, schema: &mut Schema) {
///         schema.alter_table("users", |t| t.text("username").nullable());
///         schema.create_index("users", ["username"]).unique();
///     }
/// }
/// ```
///
/// The rollback of this example follows from `up`. A step that cannot be reversed needs its own rollback, such as raw
/// SQL with [`undo`](crate::schema::RecordedStep::undo); see also [`down`](Migrate::down).
#[diagnostic::on_unimplemented(
    message = "`{Self}` derives `Migration` but does not implement `Migrate`",
    label = "`impl Migrate for {Self}` is missing",
    note = "add `impl Migrate for {Self} {{ fn up(&self, schema: &mut Schema) {{ .. }} }}`"
)]
pub trait Migrate: Send + Sync + 'static {
    /// Describes the change. Each method of `schema` records one step, and the steps run in this order.
    fn up(&self, schema: &mut Schema);

    /// Describes the rollback. The default derives it from `up`, last step first. Write `down` only where the rollback
    /// must differ; it must then record at least one step.
    ///
    /// `down` must lead back to the schema before `up`, because the earlier migrations define the schema that later
    /// ones expect. Planning compares both schemas, as far as the steps describe their effects, and refuses a
    /// difference.
    fn down(&self, schema: &mut Schema) {
        schema.derive_from_up();
    }
}

/// A type with `#[derive(Migration)]`.
///
/// Only the derive implements this trait, and it requires `impl Migrate`. The trait itself has no `Migrate` bound,
/// because the compiler would report a missing `impl` once for each use of the bound.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a migration",
    label = "this type does not derive `Migration`",
    note = "add `#[derive(Migration)]` and `#[migration(version = ..)]` to the struct"
)]
pub trait DerivedMigration: 'static {
    #[doc(hidden)]
    const MIGRATION: Migration;
}

/// A registered migration: its identity, its location in the source, and its steps.
///
/// It prints the version and the name, such as `20261123093000 add_username`.
#[derive(Clone, Copy)]
pub struct Migration {
    version: Version,
    name: &'static str,
    group: &'static str,
    description: &'static str,
    transaction: bool,
    location: Location,
    module: &'static str,
    package: &'static str,
    migrate: &'static dyn Migrate,
}

impl Migration {
    /// Returns the migration of a type that derives `Migration`, for an explicit set.
    ///
    /// ```
    /// use migrate_core::prelude::*;
    /// use migrate_core::Registry;
    ///
    /// #[derive(Migration)]
    /// #[migration(version = 1, unlisted)]
    /// struct CreateUsers;
    ///
    /// impl Migrate for CreateUsers {
    ///     fn up(&self, schema: &mut Schema) {
    ///         schema.create_table("users", |t| t.id());
    ///     }
    /// }
    ///
    /// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
    /// assert_eq!(registry.len(), 1);
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    #[must_use]
    pub const fn of<M: DerivedMigration>() -> Migration {
        M::MIGRATION
    }

    /// Returns the version, which is unique in its group.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the name, a label for people. The version is the identity, so a new name is harmless. The default is the
    /// name of the struct in snake case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the group; the default is [`DEFAULT_GROUP`].
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// Returns the doc comment of the struct, or an empty text.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// Returns false if the migration sets `transaction = false`. Otherwise it runs in a transaction, except that MySQL
    /// and MariaDB auto-commit DDL.
    #[must_use]
    pub const fn in_transaction(&self) -> bool {
        self.transaction
    }

    /// Returns the location of the struct in the source.
    #[must_use]
    pub const fn location(&self) -> Location {
        self.location
    }

    /// Returns the path of the module that declares the migration, such as `my_app::migrations`.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// Returns the name of the package that declares the migration, such as `my_app`.
    #[must_use]
    pub const fn package(&self) -> &'static str {
        self.package
    }

    /// Returns the user's implementation.
    #[must_use]
    pub(crate) fn migrate(&self) -> &'static dyn Migrate {
        self.migrate
    }

    /// Returns the identity: group and version.
    #[must_use]
    pub const fn id(&self) -> MigrationId<'static> {
        MigrationId {
            group: self.group,
            version: self.version,
        }
    }

    /// Returns true if both come from one place in the source that is linked twice: a crate under test and its normal
    /// copy.
    pub(crate) fn is_same_source(&self, other: &Migration) -> bool {
        self.id() == other.id() && self.location == other.location && self.name == other.name
    }
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.name)
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Migration({self} at {})", self.location)
    }
}

/// The direction of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The migration is applied.
    Up,
    /// The migration is rolled back.
    Down,
}

impl Direction {
    /// Returns `"up"` or `"down"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

/// The group of a migration that does not set one: `"default"`.
pub const DEFAULT_GROUP: &str = "default";

/// The identity of a migration: its version inside its group.
///
/// It prints the version, and before it the group unless that is [`DEFAULT_GROUP`]: `20261123093000`, `jobs:3`. IDs
/// order by version, then by group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MigrationId<'a> {
    /// The version. It is the first field, so that IDs order by it.
    pub version: Version,
    /// The group.
    pub group: &'a str,
}

impl fmt::Display for MigrationId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group != DEFAULT_GROUP {
            write!(f, "{}:", self.group)?;
        }
        write!(f, "{}", self.version)
    }
}

/// The metadata that the derive passes to [`register`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct MigrationMeta {
    pub version: u64,
    pub name: &'static str,
    pub group: &'static str,
    pub description: &'static str,
    pub transaction: bool,
    pub file: &'static str,
    pub line: u32,
    pub module: &'static str,
    pub package: &'static str,
}

/// Creates a migration from a function, for unit tests.
#[cfg(test)]
pub(crate) fn example(version: u64, up: fn(&mut Schema)) -> Migration {
    struct Example(fn(&mut Schema));

    impl Migrate for Example {
        fn up(&self, schema: &mut Schema) {
            (self.0)(schema);
        }
    }

    let meta = MigrationMeta {
        version,
        name: "example",
        group: "default",
        description: "",
        transaction: true,
        file: "src/migrations.rs",
        line: 1,
        module: "migrations",
        package: "app",
    };
    register(meta, Box::leak(Box::new(Example(up))))
}

/// Creates a migration from the metadata of the derive.
#[doc(hidden)]
#[must_use]
pub const fn register(meta: MigrationMeta, migrate: &'static dyn Migrate) -> Migration {
    Migration {
        version: Version::from_derive(meta.version),
        name: meta.name,
        group: meta.group,
        description: meta.description,
        transaction: meta.transaction,
        location: Location {
            file: meta.file,
            line: meta.line,
        },
        module: meta.module,
        package: meta.package,
        migrate,
    }
}

/// A placeholder for a derive that failed, so that the compiler reports the mistake once. No program that compiles has
/// it.
#[doc(hidden)]
pub const INVALID: Migration = {
    struct Nothing;

    impl Migrate for Nothing {
        fn up(&self, _schema: &mut Schema) {}
    }

    register(
        MigrationMeta {
            version: 1,
            name: "",
            group: DEFAULT_GROUP,
            description: "",
            transaction: true,
            file: file!(),
            line: line!(),
            module: module_path!(),
            package: env!("CARGO_PKG_NAME"),
        },
        &Nothing,
    )
};
