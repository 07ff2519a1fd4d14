//! The files of a package with migrations: their sources, `migrations.sum` and a generated `schema.rs`. The command line
//! writes and checks them; another tool can do the same.
//!
//! ```
//! use migrate_core::package::{CHECKSUM_FILE, ChecksumFile};
//!
//! let text = "20260302101500 create_users new";
//! assert!(ChecksumFile::parse(text)?.to_string().ends_with("create_users new\n"));
//! assert_eq!(CHECKSUM_FILE, "migrations.sum");
//! # Ok::<(), migrate_core::Error>(())
//! ```

pub(crate) mod checksums;
pub(crate) mod source_files;

pub use self::checksums::{CHECKSUM_FILE, ChecksumFile, ChecksumStatus};
pub use self::source_files::{Sources, declared, version_of};
pub use crate::export::GeneratedHeader;
pub use crate::history::checksum_of;
