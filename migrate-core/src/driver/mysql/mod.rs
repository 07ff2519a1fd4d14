//! MySQL and MariaDB, through Diesel's `MysqlConnection`.
//!
//! DDL auto-commits, so the session holds the lock: a named lock, which the server releases when the session ends.
//! Independent of the lock, the key of a history row lets only one run claim it.

mod canonical;
mod connection;
mod drop_all;
mod history_store;
mod information_schema;
mod introspection;
mod lock;
mod object_digest;
mod open;
#[cfg(feature = "testing")]
mod test_server;

use crate::dialect::Dialect;
use crate::render::MySql;

/// The dialect until the server's version is known. The SQL in this file is valid on MySQL and MariaDB.
const DIALECT: &MySql = &MySql::since(Dialect::MariaDb, (10, 6));

/// Returns an SQL expression for a hash of 160 bits in hexadecimal digits. MySQL has no `sha1` and no `md5` from 9.6
/// on: <https://dev.mysql.com/doc/relnotes/mysql/9.6/en/>.
fn hash(text: &str) -> String {
    format!("left(sha2({text}, 256), 40)")
}
