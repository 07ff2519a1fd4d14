//! The stable codes of errors and warnings, and the kinds of failure that they belong to. `docs/errors.md` describes each code.

use std::fmt;

/// The stable code of an error or a warning, such as `M0201`.
///
/// A code never changes its meaning, and its number is never used again. `docs/errors.md` has a paragraph on each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    number: u16,
    kind: ErrorKind,
    title: &'static str,
}

impl Code {
    /// The title of the code's paragraph in `docs/errors.md`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// The kind of failure that the code belongs to.
    pub(crate) const fn kind(self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "M{:04}", self.number)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Defines each code once: its name, its number, the kind of failure, and its title.
macro_rules! codes {
    ($($name:ident = $number:literal, $kind:ident, $title:literal;)*) => {
        #[doc(hidden)]
        impl Code {
            $(pub const $name: Code = Code { number: $number, kind: ErrorKind::$kind, title: $title };)*

            /// All codes, in the order of their numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
        }
    };
}

codes! {
    // M00: the derive (migrate-macros).
    INVALID_STRUCT = 1, InvalidMigration, "a migration must be a struct without fields";
    ATTRIBUTE_SYNTAX = 2, InvalidMigration, "the attribute `#[migration(..)]` is malformed";
    UNKNOWN_KEY = 3, InvalidMigration, "unknown key in `#[migration(..)]`";
    DUPLICATE_KEY = 4, InvalidMigration, "a key of `#[migration(..)]` is given twice";
    INVALID_KEY_VALUE = 5, InvalidMigration, "invalid value of a key in `#[migration(..)]`";
    MISSING_VERSION = 6, InvalidMigration, "the version is missing";
    INVALID_DERIVED_VERSION = 7, InvalidMigration, "invalid version in `#[migration(..)]`";

    // M01: registry, targets and settings.
    NO_MIGRATIONS = 101, NoMigrations, "no migrations are linked";
    DUPLICATE_VERSION = 102, DuplicateVersion, "migrations share a version";
    UNKNOWN_MIGRATION = 103, InvalidTarget, "the migration does not exist here";
    AMBIGUOUS_VERSION = 104, InvalidTarget, "the version exists in several groups";
    INVALID_COUNT = 105, InvalidTarget, "the number is out of range";
    WRONG_STATE = 106, InvalidTarget, "the migration is not in the required state";
    INVALID_HISTORY_TABLE = 107, InvalidSetting, "the name of the history table is invalid";
    OPEN_TRANSACTION = 108, InvalidSetting, "the connection is inside a transaction";
    NOT_ONE_TRANSACTION = 109, InvalidSetting, "one transaction cannot hold the run";
    SHARED_SESSION = 110, InvalidSetting, "a pooler shares the server session";
    UNSUPPORTED_SERVER = 111, Database, "the database server is too old";

    // M02: names in the schema state and in the recorder.
    UNKNOWN_NAME = 201, InvalidMigration, "a table, column or other name does not exist";
    NAME_TAKEN = 202, InvalidMigration, "a name is already taken";
    INVALID_NAME = 203, InvalidMigration, "a name or an enum value is not valid";
    REPEATED_NAME = 204, InvalidMigration, "a list names the same thing twice";
    EMPTY_LIST = 205, InvalidMigration, "a list of columns or values is empty";
    NOTHING_TO_DROP = 206, InvalidMigration, "the default or primary key to drop does not exist";
    WRONG_OBJECT_KIND = 207, InvalidMigration, "a name belongs to another kind of object";
    NO_CHANGE = 208, InvalidMigration, "a step changes nothing";
    BLANK_SQL = 209, InvalidMigration, "an SQL step has no statement";
    REPEATED_DIALECT = 210, InvalidMigration, "an SQL step has two texts for one dialect";
    NOT_A_SCHEMA_CHANGE = 211, InvalidMigration, "`changes` and `declare` accept only schema changes";
    UNKNOWN_DEFINITION = 212, InvalidMigration, "rollback needs a definition that raw SQL has made unknown";

    // M03: rules of the schema state.
    DEPENDENT_OBJECT = 301, InvalidMigration, "another object needs what a step drops or changes";
    NO_VALUE_FOR_ROWS = 302, InvalidMigration, "existing rows get no value for a NOT NULL column";
    NO_VALUE_ON_ROLLBACK = 303, InvalidMigration, "rollback has no value for existing rows";
    SAME_VALUE_IN_EVERY_ROW = 304, InvalidMigration, "a unique key gets the same value in every row";
    INVALID_DEFAULT = 305, InvalidMigration, "a default or fill value is not valid for its column";
    TWO_VALUE_SOURCES = 306, InvalidMigration, "a column has two sources of values";
    INVALID_AUTO_INCREMENT = 307, InvalidMigration, "a column cannot be auto-increment";
    INVALID_TYPE = 308, InvalidMigration, "a column type is not valid";
    INVALID_EXPRESSION = 309, InvalidMigration, "an SQL expression is not valid";
    NULLABLE_PRIMARY_KEY = 310, InvalidMigration, "a primary key column is nullable";
    SECOND_PRIMARY_KEY = 311, InvalidMigration, "a table would have two primary keys";
    FOREIGN_KEY_MISMATCH = 312, InvalidMigration, "a foreign key does not match what it references";
    SET_NULL_ON_NOT_NULL = 313, InvalidMigration, "a foreign key sets a NOT NULL column to NULL";

    // M04: what a dialect refuses.
    UNSUPPORTED_TYPE = 401, InvalidMigration, "the database does not have this column type";
    UNSUPPORTED_ENUM = 402, InvalidMigration, "the database does not have named enums";
    ENUM_VALUE_NOT_REMOVABLE = 403, InvalidMigration, "the database cannot remove an enum value";
    UNSUPPORTED_INDEX = 404, InvalidMigration, "the database does not support this kind of index";
    UNSUPPORTED_GENERATED_COLUMN = 405, InvalidMigration, "the database does not support this generated column";
    KEY_WITHOUT_LENGTH = 406, InvalidMigration, "a key column must have a length";
    UNSUPPORTED_NAME = 407, InvalidMigration, "the database does not allow this name";
    NAME_TAKEN_BY_OTHER_TABLE = 408, InvalidMigration, "another table already uses this name";
    AMBIGUOUS_BACKSLASH = 409, InvalidMigration, "a backslash in a text literal is ambiguous";
    MISSING_CONVERSION = 410, InvalidMigration, "a type change needs a conversion expression";
    UNSUPPORTED_CONVERSION = 411, InvalidMigration, "the database cannot convert values with an expression";
    COLUMN_IN_USE = 412, InvalidMigration, "another object uses the column";
    DEFINITION_REQUIRED = 413, InvalidMigration, "the definition is unknown after raw SQL";
    TRANSACTION_STATEMENT = 414, InvalidMigration, "a step must not begin or end a transaction";
    NOT_IN_TRANSACTION = 415, InvalidMigration, "the step cannot run inside a transaction";
    SEVERAL_STATEMENTS = 416, InvalidMigration, "a step must be a single statement";
    NO_STATEMENT = 417, InvalidMigration, "the SQL contains no statement";
    NUL_IN_SQL = 418, InvalidMigration, "the SQL contains a NUL character";
    UNREADABLE_SQL = 419, InvalidMigration, "the end of a statement is unclear";

    // M05: planning and export.
    INVALID_MIGRATIONS = 500, InvalidMigration, "the migrations are invalid";
    EMPTY_MIGRATION = 501, InvalidMigration, "`up` or `down` is empty";
    IRREVERSIBLE_STEP = 502, InvalidMigration, "a step has no rollback";
    DOWN_DIFFERS = 503, InvalidMigration, "`down` does not restore the schema from before `up`";
    UNKNOWN_ROLLBACK = 504, InvalidMigration, "the rollback of a migration is unknown";
    MISSING_DIALECT = 505, InvalidMigration, "the SQL of a step is not written for this database";
    MISSING_CONNECTION = 506, InvalidMigration, "a Rust step has no function for this connection";
    DECLARED_OBJECT_MISSING = 507, InvalidMigration, "a declared object does not exist";
    UNCOMMITTED_ENUM_VALUE = 508, InvalidMigration, "a new enum value is used in its own transaction";
    REBUILD_NEEDS_TRANSACTION = 509, InvalidMigration, "a table rebuild needs a transaction";
    REBUILD_IMPOSSIBLE = 510, InvalidMigration, "the table cannot be rebuilt";
    UNKNOWN_EXPORT_TABLE = 520, InvalidTarget, "the table to export is unknown";
    UNSUPPORTED_EXPORT_KEY = 521, InvalidTarget, "Diesel does not support the primary key of the table";

    // M06: warnings of a plan.
    TABLE_ROWS_LOST = 601, InvalidMigration, "the rows of a table are lost";
    COLUMN_VALUES_LOST = 602, InvalidMigration, "the values of a column are lost";
    VALUES_TRUNCATED = 603, InvalidMigration, "values are truncated";
    WRITES_BLOCKED = 604, InvalidMigration, "the server may copy the table and block writes";
    UNTRACKED_OBJECT_LOST = 605, InvalidMigration, "an object unknown to the migrations is lost";
    DECLARATION_DIFFERS = 606, InvalidMigration, "the database differs from a declaration";
    FOREIGN_KEYS_DISABLED = 607, InvalidMigration, "foreign keys are disabled during a table rebuild";
    REFUSED_ON_DIALECT = 608, InvalidMigration, "a Rust step has no function for the planned database";

    // M07: running and history.
    STEP_FAILED = 701, StepFailed, "a step failed";
    ROWS_AT_FAULT = 702, StepFailed, "existing rows violate a new constraint";
    BROKEN_REFERENCES = 703, StepFailed, "foreign keys reference missing rows";
    UNEXPECTED_TABLE = 704, StepFailed, "a table differs from the migrations";
    STEP_LOCK_TIMEOUT = 705, StepFailed, "a step timed out waiting for a lock";
    COMMIT_FAILED = 706, StepFailed, "the commit failed";
    TRANSACTION_ENDED = 707, TransactionEnded, "a step ended its transaction";
    LOCK_TIMEOUT = 708, Locked, "the run timed out waiting for a lock";
    STOPPED = 709, Stopped, "the run was stopped";
    INTERRUPTED = 710, Interrupted, "a migration is interrupted";
    UNDECIDED_STEP = 711, Interrupted, "a step of an interrupted migration is undecided";
    NOT_RESUMABLE = 712, Interrupted, "an interrupted migration cannot be resumed";
    LOCK_LOST = 713, Interrupted, "a step released the lock of the run";
    HISTORY_CONFLICT = 714, Interrupted, "history changed during the run";
    MISSING_MIGRATION = 715, Missing, "an applied migration is missing";
    CHANGED_MIGRATION = 716, Changed, "an applied migration has changed";
    OUT_OF_ORDER = 717, OutOfOrder, "a pending migration is out of order";
    ROLLBACK_REFUSED = 718, Missing, "this program cannot roll back a migration";
    INVALID_HISTORY = 719, History, "the history table is invalid";
    NEWER_HISTORY = 720, History, "a newer version wrote the history table";
    DATABASE_FAILED = 721, Database, "the database refused a request";
    NOT_A_DATABASE = 722, Database, "the file is not a SQLite database";
    READ_ONLY = 723, Database, "the database is read-only";
    PERMISSION_DENIED = 724, Database, "the database user lacks a permission";
    CONNECTION_LOST = 725, Database, "the connection to the database was lost";
    DATABASE_NOT_EMPTY = 726, History, "the first run found a database that is not empty";
    HISTORY_OF_OTHERS = 727, History, "history belongs to another program";

    // M08: testing and checksums.
    INVALID_CHECKSUM_LINE = 801, InvalidMigration, "invalid line in `migrations.sum`";
    CHECKSUM_FILE_CONFLICT = 802, InvalidMigration, "Git conflict marker in `migrations.sum`";
    RELEASED_CHANGED = 803, Changed, "a released migration was changed";
    RELEASED_NOT_LINKED = 804, Changed, "a migration of `migrations.sum` is not linked";
    CHECKSUM_MISSING = 805, InvalidMigration, "a migration has no checksum in `migrations.sum`";
    FILE_NOT_COMPILED = 806, InvalidMigration, "a migration file is not compiled";
    FILE_NOT_LINKED = 807, InvalidMigration, "a migration file provides no linked migration";
    NOT_DETERMINISTIC = 820, InvalidMigration, "a migration describes different steps each time";
    SCHEMA_DIFFERS = 821, InvalidMigration, "the database differs from the described schema";
    ROLLBACK_DIFFERS = 822, InvalidMigration, "a rollback does not restore the schema";
    ROWS_LOST = 823, InvalidMigration, "a migration loses unrelated rows or values";
    ACCIDENTAL_REPLACEMENT = 824, InvalidMigration, "a drop and a create lose values; a rename keeps them";
    TEST_SETTING = 830, InvalidSetting, "invalid setting of a test";
    TEST_DATABASE = 831, Database, "a test database cannot be created or read";
    TEST_TARGET = 832, InvalidTarget, "a test cannot reach this migration";
    TABLE_WITHOUT_ROWS = 840, InvalidMigration, "no test rows fit a table";
    TEST_DATABASE_LEFT = 841, Database, "a test database cannot be dropped";

    // M09: the command line.
    CHECK_FOUND_ERRORS = 900, InvalidMigration, "`check` found errors";
    NO_DATABASE_URL = 901, InvalidSetting, "no database URL is set";
    INVALID_DATABASE_URL = 902, InvalidSetting, "invalid database URL";
    INVALID_ENV_FILE = 903, InvalidSetting, "`.env` cannot be read";
    DRIVER_NOT_ENABLED = 904, InvalidSetting, "the feature for this database is not enabled";
    CANNOT_OPEN_DATABASE = 905, Database, "the database cannot be opened";
    CANNOT_READ_FILE = 906, InvalidSetting, "a file cannot be read";
    CANNOT_WRITE_FILE = 907, InvalidSetting, "a file cannot be written";
    NOT_A_PACKAGE = 908, InvalidSetting, "the command runs outside a package";
    NOT_CONFIRMED = 909, InvalidSetting, "a destructive command was not confirmed";
    INVALID_MIGRATION_NAME = 910, InvalidSetting, "invalid name of a new migration";
    NO_HIGHER_VERSION = 911, InvalidSetting, "no version is left after the newest one";
    UNKNOWN_CHECKSUM_VERSION = 912, InvalidTarget, "`check --update` names an unknown migration";
    STALE_SCHEMA_FILE = 913, InvalidMigration, "`src/schema.rs` is out of date";
    OUTPUT_NOT_RUST = 914, InvalidSetting, "a Rust file is named for an output that is not Rust";
    NEEDS_ATTENTION = 920, Changed, "migrations need attention before the next run";
    SCHEMA_PARTLY_UNKNOWN = 921, InvalidMigration, "a part of the schema is unknown";
}

/// The kind of failure of an [`Error`](crate::Error).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No migration is registered.
    NoMigrations,
    /// Two migrations have the same group and version.
    DuplicateVersion,
    /// A migration is invalid; nothing ran.
    InvalidMigration,
    /// A target does not exist, or its number exceeds the number of migrations.
    InvalidTarget,
    /// A setting is invalid, such as the name of the history table.
    InvalidSetting,
    /// History holds a migration that is not linked.
    Missing,
    /// A migration has changed since it was applied.
    Changed,
    /// A pending migration is older than an applied one, and the order is strict.
    OutOfOrder,
    /// A migration that does not run in a transaction was interrupted.
    Interrupted,
    /// The caller stopped the run.
    Stopped,
    /// Another connection held a lock for longer than the lock timeout.
    Locked,
    /// The history table has another shape, was written by a newer version, or was edited by hand.
    History,
    /// A step failed in the database or in Rust.
    StepFailed,
    /// A step ended the transaction of its migration.
    TransactionEnded,
    /// The database could not be reached, or answered unexpectedly.
    #[default]
    Database,
}

impl ErrorKind {
    /// The name for machines, such as `"step_failed"`. It never changes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::NoMigrations => "no_migrations",
            ErrorKind::DuplicateVersion => "duplicate_version",
            ErrorKind::InvalidMigration => "invalid_migration",
            ErrorKind::InvalidTarget => "invalid_target",
            ErrorKind::InvalidSetting => "invalid_setting",
            ErrorKind::Missing => "missing",
            ErrorKind::Changed => "changed",
            ErrorKind::OutOfOrder => "out_of_order",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Stopped => "stopped",
            ErrorKind::Locked => "locked",
            ErrorKind::History => "history",
            ErrorKind::StepFailed => "step_failed",
            ErrorKind::TransactionEnded => "transaction_ended",
            ErrorKind::Database => "database",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn numbers_are_unique_and_ascend() {
        let numbers: Vec<u16> = Code::ALL.iter().map(|code| code.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
