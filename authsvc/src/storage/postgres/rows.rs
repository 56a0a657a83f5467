//! From rows to domain values. A value that this program does not write is an inconsistency, never a panic.

use authsvc_core::domain::{Service, ServiceIdentity, User, UserRecord};
use authsvc_core::storage::{PasswordReset, StoreError};
use cryptokit::password::SealedHash;
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;

pub(super) fn user(row: &PgRow) -> Result<UserRecord, StoreError> {
    let user = User {
        id: parse(row, "users", "id")?,
        email: parse(row, "users", "email")?,
        password_hash: SealedHash::from_stored(get(row, "users", "password_hash")?),
        roles: parse(row, "users", "roles")?,
        scopes: parse(row, "users", "scopes")?,
        disabled: get(row, "users", "disabled")?,
        second_factor: get(row, "users", "second_factor")?,
        session_epoch: unsigned(row, "users", "session_epoch")?,
        created_at: time(row, "users", "created_at")?,
    };
    Ok(UserRecord::from_stored(
        user,
        get(row, "users", "seal")?,
        get(row, "users", "imported_as")?,
    ))
}

pub(super) fn imported_shape(row: &PgRow) -> Result<(String, u64), StoreError> {
    Ok((get(row, "users", "imported_as")?, unsigned(row, "users", "number")?))
}

pub(super) fn password_reset(row: &PgRow) -> Result<PasswordReset, StoreError> {
    let digest: Vec<u8> = get(row, "password_resets", "token_sha256")?;
    Ok(PasswordReset {
        user_id: parse(row, "password_resets", "user_id")?,
        token_sha256: digest
            .try_into()
            .map_err(|_| inconsistent("password_resets", "token_sha256"))?,
        expires_at: time(row, "password_resets", "expires_at")?,
        seal: get(row, "password_resets", "seal")?,
    })
}

/// A service with its names and identities, each kind in a list.
pub(super) fn service(row: &PgRow) -> Result<Service, StoreError> {
    let issuers: Vec<Vec<u8>> = get(row, "service_identities", "issuers")?;
    let sans: Vec<String> = get(row, "service_identities", "sans")?;
    Ok(Service {
        name: parse(row, "services", "name")?,
        identities: issuers
            .into_iter()
            .zip(&sans)
            .map(|(issuer, san)| identity(issuer, san).ok_or_else(|| inconsistent("service_identities", "san")))
            .collect::<Result<_, _>>()?,
        audiences: names(row, "audiences", "service_audiences", "audience")?,
        scopes: names(row, "scopes", "service_scopes", "scope")?,
        admin: get(row, "services", "admin")?,
        created_at: time(row, "services", "created_at")?,
        seal: get(row, "services", "seal")?,
    })
}

fn identity(issuer: Vec<u8>, name: &str) -> Option<ServiceIdentity> {
    Some(ServiceIdentity {
        issuer_spki_sha256: issuer.try_into().ok()?,
        subject_alternative_name: name.parse().ok()?,
    })
}

fn names<T: std::str::FromStr>(
    row: &PgRow,
    alias: &'static str,
    table: &'static str,
    column: &'static str,
) -> Result<Vec<T>, StoreError> {
    get::<Vec<String>>(row, table, alias)?
        .iter()
        .map(|name| name.parse().map_err(|_| inconsistent(table, column)))
        .collect()
}

pub(super) fn get<T>(row: &PgRow, table: &'static str, column: &'static str) -> Result<T, StoreError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|_| inconsistent(table, column))
}

pub(super) fn array<const N: usize>(
    row: &PgRow,
    table: &'static str,
    column: &'static str,
) -> Result<[u8; N], StoreError> {
    get::<Vec<u8>>(row, table, column)?
        .try_into()
        .map_err(|_| inconsistent(table, column))
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

pub(super) fn time(row: &PgRow, table: &'static str, column: &'static str) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp(get(row, table, column)?).map_err(|_| inconsistent(table, column))
}

pub(super) fn inconsistent(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Inconsistent { table, column }
}
