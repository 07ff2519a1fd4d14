//! Opens the database of a URL, and passes a runner on it to the caller.

use crate::database_url::DatabaseUrl;
use crate::dialect::Dialect;
#[cfg(feature = "_driver")]
use crate::driver::open::Open;
use crate::driver::{MissingFile, OpenError, on_backend};
use crate::registry::Registry;
use crate::runner::Runner;

/// Opens a database, and passes a runner on it to `work`. The connection type follows from the URL.
///
/// ```
/// use migrate_core::database::{DatabaseUrl, MissingFile, with_runner};
/// # use migrate_core::prelude::*;
/// # use migrate_core::{Registry, Target};
/// # #[derive(Migration)]
/// # #[migration(version = 1, unlisted)]
/// # struct CreateUsers;
/// # impl Migrate for CreateUsers {
/// #     fn up(&self, schema: &mut Schema) {
/// #         schema.create_table("users", |t| t.id());
/// #     }
/// # }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url: DatabaseUrl = ":memory:".parse()?;
/// let registry = Registry::of([Migration::of::<CreateUsers>()])?;
/// let report = with_runner(&url, MissingFile::Create, registry, |mut runner| runner.up(&Target::Latest))??;
/// assert_eq!(report.executed.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Returns an error if the database cannot be opened. The results of `work` are its own.
#[cfg_attr(
    not(feature = "_driver"),
    allow(unused_variables, reason = "without a driver nothing is opened")
)]
pub fn with_runner<T>(
    url: &DatabaseUrl,
    missing: MissingFile,
    registry: Registry,
    work: impl FnOnce(Runner<'_>) -> T,
) -> Result<T, OpenError> {
    on_backend!(
        url.dialect(),
        Connection => {
            let mut connection = Connection::open(url, missing)?;
            Ok(work(Runner::new(&mut connection, registry)))
        },
        feature => Err(OpenError::NotEnabled { feature })
    )
}
