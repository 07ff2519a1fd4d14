//! What users write (`trait Migrate`) and what the derive registers of it ([`Migration`]).

use std::fmt;

use crate::location::Location;
use crate::schema::Schema;
use crate::version::Version;

/// A change to a database, written by the user beside `#[derive(Migration)]`.
///
/// `up` describes the change; it does not carry it out. It may be called many times and has to describe the same each
/// time, so it reads no clock, no environment and no database.
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
///         schema
///             .execute("ALTER TABLE users ADD COLUMN username TEXT")
///             .undo("ALTER TABLE users DROP COLUMN username");
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` derives `Migration` but does not say what it changes",
    label = "`impl Migrate for {Self}` is missing",
    note = "write `impl Migrate for {Self} {{ fn up(&self, schema: &mut Schema) {{ .. }} }}`"
)]
pub trait Migrate: Send + Sync + 'static {
    /// Describes the change.
    fn up(&self, schema: &mut Schema);

    /// Describes the way back. Left out, it is worked out from `up`; write it only where it should do something else.
    ///
    /// It has to lead back to the schema from before `up`, as the migrations before are taken to be what the database then holds;
    /// as far as the two say what they do, planning compares that.
    fn down(&self, schema: &mut Schema) {
        schema.work_out_from_up();
    }
}

/// A type whose [`Migration`] is known, because it derives it.
///
/// Only `#[derive(Migration)]` implements this, and it asks for `impl Migrate`. There is no `Migrate` bound here because a
/// missing impl would then be reported once for each use of the bound.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a migration",
    label = "this type does not derive `Migration`",
    note = "write `#[derive(Migration)]` and `#[migration(version = ..)]` above the struct"
)]
pub trait DerivedMigration: 'static {
    #[doc(hidden)]
    const MIGRATION: Migration;
}

/// A migration as it is registered: who it is, where it stands in the source, and what it does.
#[derive(Clone, Copy)]
pub struct Migration {
    version: Version,
    name: &'static str,
    group: &'static str,
    description: &'static str,
    transaction: bool,
    location: Location,
    module: &'static str,
    migrate: &'static dyn Migrate,
}

impl Migration {
    /// The migration that a type derives, for a set that is listed by hand.
    ///
    /// ```
    /// use migrate_core::prelude::*;
    /// use migrate_core::Registry;
    ///
    /// #[derive(Migration)]
    /// #[migration(version = 1, unlisted)]
    /// struct First;
    ///
    /// impl Migrate for First {
    ///     fn up(&self, schema: &mut Schema) {
    ///         schema.execute("CREATE TABLE a (id INTEGER)").undo("DROP TABLE a");
    ///     }
    /// }
    ///
    /// let registry = Registry::of([Migration::of::<First>()])?;
    /// assert_eq!(registry.len(), 1);
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    #[must_use]
    pub const fn of<M: DerivedMigration>() -> Migration {
        M::MIGRATION
    }

    /// Its version, unique inside its group.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Its name: a label for people. Renaming is harmless, the version is the identity.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The group it belongs to, `"default"` unless it says otherwise.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// Its doc comment, or an empty text.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// Whether it runs inside a transaction; `false` only with `transaction = false`.
    #[must_use]
    pub const fn in_transaction(&self) -> bool {
        self.transaction
    }

    /// Where it derives `Migration`.
    #[must_use]
    pub const fn location(&self) -> Location {
        self.location
    }

    /// The path of the module it stands in.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// What the user wrote.
    #[must_use]
    pub(crate) fn migrate(&self) -> &'static dyn Migrate {
        self.migrate
    }

    /// What it is known by: its group and version.
    #[must_use]
    pub const fn id(&self) -> MigrationId<'static> {
        MigrationId {
            group: self.group,
            version: self.version,
        }
    }

    /// Whether two registrations are the same source, linked twice: a crate under test and its normal copy.
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

/// Which way a migration goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It is applied.
    Up,
    /// It is rolled back.
    Down,
}

impl Direction {
    /// `"up"` or `"down"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

/// The group that a migration belongs to when it names none.
pub const DEFAULT_GROUP: &str = "default";

/// What a migration is known by. Printed as its version, with the group before it unless that is the default one:
/// `20261123093000`, `jobs:3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MigrationId<'a> {
    /// Its version. First, so that ids order by it.
    pub version: Version,
    /// Its group.
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

/// What the derive writes down; the private half of its agreement with this crate.
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
}

/// Called by the derive.
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
        migrate,
    }
}

/// What a derive that was refused stands for, so that its mistake is reported once. No program that builds has it.
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
        },
        &Nothing,
    )
};
