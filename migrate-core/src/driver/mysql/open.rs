//! Opens databases of MySQL and MariaDB.

use diesel::connection::SimpleConnection;
use diesel::{Connection, MysqlConnection};

use crate::database_url::DatabaseUrl;
use crate::driver::open::{MissingFile, Open, OpenError};

/// The only scheme that Diesel accepts.
pub(super) const SCHEME: &str = "mysql";

impl Open for MysqlConnection {
    fn open(url: &DatabaseUrl, _missing: MissingFile) -> Result<MysqlConnection, OpenError> {
        let opened = match escaped_database(url) {
            None => MysqlConnection::establish(&url.with_scheme(SCHEME)).map_err(|error| error.to_string()),
            // Diesel would read the escapes as a part of the name.
            Some(database) => MysqlConnection::establish(&url.without_database().with_scheme(SCHEME))
                .map_err(|error| error.to_string())
                .and_then(|mut connection| {
                    let uses = format!("USE `{}`", database.replace('`', "``"));
                    let used = connection.batch_execute(&uses);
                    used.map(|()| connection).map_err(|error| error.to_string())
                }),
        };
        opened.map_err(|error| {
            let help = "check the host, the user and the password; create a missing database with `CREATE DATABASE`";
            OpenError::failed(url, error, help)
        })
    }
}

/// Returns the decoded database name, if the URL escapes a part of it.
fn escaped_database(url: &DatabaseUrl) -> Option<String> {
    let (written, name) = (url.raw_database()?, url.database()?);
    (written != name).then(|| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_encoded_database_name_is_decoded() {
        let named = |url: &str| escaped_database(&url.parse().unwrap());
        let url = "mysql://me:a%2Fb@host/50%25%20of%20%60it%60?ssl_mode=disabled";
        assert_eq!(named(url), Some("50% of `it`".to_owned()));
        let without = url.parse::<DatabaseUrl>().unwrap().without_database();
        assert_eq!(without.with_scheme(SCHEME), "mysql://me:a%2Fb@host?ssl_mode=disabled");
        for plain in [
            "mysql://me:a%2Fb@host/app",
            "mysql://host",
            "mysql://host/50%",
            "mysql://host/app?x=%20",
        ] {
            assert_eq!(named(plain), None, "{plain}");
        }
    }

    #[test]
    fn the_scheme_of_mariadb_is_translated_for_diesel() {
        let url: DatabaseUrl = "mariadb://root:se%40cret@host:3306/app?x=1".parse().unwrap();
        assert_eq!(url.with_scheme(SCHEME), "mysql://root:se%40cret@host:3306/app?x=1");
    }
}
