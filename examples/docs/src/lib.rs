//! Compiles and runs the code of the README and of the pages in `docs/`, as documentation tests.
//!
//! The pages are outside the published packages, so that those build from their own files.

/// The README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub mod readme {}

/// `docs/writing-migrations.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/writing-migrations.md")]
pub mod writing_migrations {}

/// `docs/testing.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
pub mod testing {}

/// `docs/commands.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/commands.md")]
pub mod commands {}

/// `docs/checksums.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/checksums.md")]
pub mod checksums {}

/// `docs/databases.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/databases.md")]
pub mod databases {}

/// `docs/application.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/application.md")]
pub mod application {}

/// `docs/schema-export.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/schema-export.md")]
pub mod schema_export {}

/// `docs/json.md`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/json.md")]
pub mod json {}
