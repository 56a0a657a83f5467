//! From rows to domain values. A value that this program does not write is an inconsistency, never a panic.

use authsvc_core::domain::{Service, ServiceIdentity, User};
use authsvc_core::storage::StoreError;
use cryptokit::password::SealedHash;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

pub(super) fn user(row: &SqliteRow) -> Result<User, StoreError> {
    Ok(User {
        id: parse(row, "users", "id")?,
        email: parse(row, "users", "email")?,
        password_hash: SealedHash::from_stored(get(row, "users", "password_hash")?),
        disabled: get::<i64>(row, "users", "disabled")? != 0,
        created_at: time(row, "users", "created_at")?,
    })
}

/// A service; its audiences are in one column, separated by spaces, which no audience contains.
pub(super) fn service(row: &SqliteRow) -> Result<Service, StoreError> {
    let issuer: Vec<u8> = get(row, "services", "issuer_spki_sha256")?;
    let audiences: String = get(row, "service_audiences", "audiences")?;
    Ok(Service {
        name: parse(row, "services", "name")?,
        identity: ServiceIdentity {
            issuer_spki_sha256: issuer
                .try_into()
                .map_err(|_| inconsistent("services", "issuer_spki_sha256"))?,
            subject_alternative_name: parse(row, "services", "san")?,
        },
        audiences: audiences
            .split_terminator(' ')
            .map(|audience| {
                audience
                    .parse()
                    .map_err(|_| inconsistent("service_audiences", "audience"))
            })
            .collect::<Result<_, _>>()?,
        created_at: time(row, "services", "created_at")?,
    })
}

fn get<T>(row: &SqliteRow, table: &'static str, column: &'static str) -> Result<T, StoreError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|_| inconsistent(table, column))
}

fn parse<T: std::str::FromStr>(row: &SqliteRow, table: &'static str, column: &'static str) -> Result<T, StoreError> {
    get::<String>(row, table, column)?
        .parse()
        .map_err(|_| inconsistent(table, column))
}

fn time(row: &SqliteRow, table: &'static str, column: &'static str) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp(get(row, table, column)?).map_err(|_| inconsistent(table, column))
}

fn inconsistent(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Inconsistent { table, column }
}
