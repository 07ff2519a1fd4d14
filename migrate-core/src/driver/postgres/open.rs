//! Opens PostgreSQL databases.

use diesel::{Connection, PgConnection};

use crate::database_url::DatabaseUrl;
use crate::driver::open::{MissingFile, Open, OpenError};

impl Open for PgConnection {
    fn open(url: &DatabaseUrl, _missing: MissingFile) -> Result<PgConnection, OpenError> {
        // libpq would misread such a password, and print a part of it.
        url.check_escapes()?;
        url.check_password()?;
        PgConnection::establish(&url.text()).map_err(|error| {
            let help = "check the host, the user and the password; create a missing database with `createdb`";
            OpenError::failed(url, error, help)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_libpq_would_misread_is_refused_before_it_connects() {
        for url in [
            "postgres://me:secret@secret@127.0.0.1:1/db",
            "postgres://me:secret/secret@127.0.0.1:1/db",
            "postgres://me:secret?secret@127.0.0.1:1/db",
            "postgres://me:secret#secret@127.0.0.1:1/db",
            "postgres://me:secret:secret@127.0.0.1:1/db",
            "postgres://me:secret secret@127.0.0.1:1/db",
            "postgres://me:100%secret@127.0.0.1:1/db",
            "postgres://me:secret%@127.0.0.1:1/db",
            "postgres://me@127.0.0.1:1/db?password=secret%",
        ] {
            let error = PgConnection::open(&url.parse().unwrap(), MissingFile::Create)
                .err()
                .unwrap();
            assert!(matches!(error, OpenError::InvalidUrl { .. }), "{url}: {error:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
