//! Stub.
use crate::driver::DriverError;
use crate::schema::Live;
use diesel::MysqlConnection;
pub(super) fn read(_connection: &mut MysqlConnection, _is_mariadb: bool) -> Result<Live, DriverError> {
    Ok(Live::default())
}
