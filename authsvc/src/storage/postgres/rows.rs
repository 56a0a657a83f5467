//! The columns of a row, and what else is read from rows here alone.

use authsvc_core::storage::StoreError;
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;

use crate::storage::rows::{Columns, Mistyped};
pub(super) use crate::storage::rows::{
    feed_head, feed_position, key_consumer, password_reset, pending_second_factor, recovery_code, revocation,
    revocation_columns, second_factor, service, session, user,
};

impl Columns for PgRow {
    fn text(&self, column: &str) -> Result<Option<String>, Mistyped> {
        self.try_get(column).map_err(|_| Mistyped)
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, Mistyped> {
        self.try_get(column).map_err(|_| Mistyped)
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, Mistyped> {
        self.try_get(column).map_err(|_| Mistyped)
    }

    fn flag(&self, column: &str) -> Result<Option<bool>, Mistyped> {
        self.try_get(column).map_err(|_| Mistyped)
    }

    fn names(&self, column: &str) -> Result<Vec<String>, Mistyped> {
        self.try_get(column).map_err(|_| Mistyped)
    }

    fn identities(&self) -> Result<Vec<(Vec<u8>, String)>, Mistyped> {
        let issuers: Vec<Vec<u8>> = self.try_get("issuers").map_err(|_| Mistyped)?;
        let names: Vec<String> = self.try_get("sans").map_err(|_| Mistyped)?;
        if issuers.len() != names.len() {
            return Err(Mistyped);
        }
        Ok(issuers.into_iter().zip(names).collect())
    }
}

pub(super) fn hash_shape(row: &PgRow) -> Result<(String, u64), StoreError> {
    Ok((get(row, "users", "imported_as")?, unsigned(row, "users", "number")?))
}

pub(super) fn get<T>(row: &PgRow, table: &'static str, column: &'static str) -> Result<T, StoreError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|_| inconsistent(table, column))
}

/// A count as SQL has them. What is beyond them is beyond every time and number that is used.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A moment in seconds since 1970.
pub(super) fn seconds(time: OffsetDateTime) -> u64 {
    u64::try_from(time.unix_timestamp()).unwrap_or(0)
}

pub(super) fn parse<T: std::str::FromStr>(
    row: &PgRow,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    get::<String>(row, table, column)?
        .parse()
        .map_err(|_| inconsistent(table, column))
}

fn unsigned(row: &PgRow, table: &'static str, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, table, column)?).map_err(|_| inconsistent(table, column))
}

pub(super) fn inconsistent(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Inconsistent { table, column }
}
