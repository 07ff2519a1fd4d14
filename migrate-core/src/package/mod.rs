//! The files of a package: the sources of its migrations, and their checksums.

pub(crate) mod checksums;
pub(crate) mod source_files;
