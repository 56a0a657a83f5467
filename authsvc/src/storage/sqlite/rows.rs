//! From rows to domain values. A value that this program does not write is an inconsistency, never a panic.

use authsvc_core::domain::{Service, ServiceIdentity, User, UserRecord};
use authsvc_core::storage::{PasswordReset, StoreError};
use cryptokit::password::SealedHash;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

pub(super) fn user(row: &SqliteRow) -> Result<UserRecord, StoreError> {
    let user = User {
        id: parse(row, "users", "id")?,
        email: parse(row, "users", "email")?,
        password_hash: SealedHash::from_stored(get(row, "users", "password_hash")?),
        roles: parse(row, "users", "roles")?,
        scopes: parse(row, "users", "scopes")?,
        disabled: get::<i64>(row, "users", "disabled")? != 0,
        second_factor: get::<i64>(row, "users", "second_factor")? != 0,
        session_epoch: unsigned(row, "users", "session_epoch")?,
        created_at: time(row, "users", "created_at")?,
    };
    Ok(UserRecord::from_stored(
        user,
        get(row, "users", "seal")?,
        get(row, "users", "imported_as")?,
    ))
}

pub(super) fn imported_shape(row: &SqliteRow) -> Result<(String, u64), StoreError> {
    Ok((get(row, "users", "imported_as")?, unsigned(row, "users", "number")?))
}

pub(super) fn password_reset(row: &SqliteRow) -> Result<PasswordReset, StoreError> {
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

/// A service with its names and identities, each kind in one column.
pub(super) fn service(row: &SqliteRow) -> Result<Service, StoreError> {
    Ok(Service {
        name: parse(row, "services", "name")?,
        identities: list(row, "identities", '\n')?
            .iter()
            .map(|text| identity(text).ok_or_else(|| inconsistent("service_identities", "san")))
            .collect::<Result<_, _>>()?,
        audiences: names(row, "audiences", "service_audiences", "audience")?,
        scopes: names(row, "scopes", "service_scopes", "scope")?,
        admin: get::<i64>(row, "services", "admin")? != 0,
        created_at: time(row, "services", "created_at")?,
        seal: get(row, "services", "seal")?,
    })
}

/// The issuer's digest in hexadecimal, a space, the name.
fn identity(text: &str) -> Option<ServiceIdentity> {
    let (issuer, name) = text.split_once(' ')?;
    let mut issuer_spki_sha256 = [0; 32];
    if issuer.len() != 64 || !issuer.is_ascii() {
        return None;
    }
    for (byte, digits) in issuer_spki_sha256.iter_mut().zip(issuer.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(ServiceIdentity {
        issuer_spki_sha256,
        subject_alternative_name: name.parse().ok()?,
    })
}

fn names<T: std::str::FromStr>(
    row: &SqliteRow,
    alias: &'static str,
    table: &'static str,
    column: &'static str,
) -> Result<Vec<T>, StoreError> {
    list(row, alias, ' ')?
        .iter()
        .map(|name| name.parse().map_err(|_| inconsistent(table, column)))
        .collect()
}

/// What was put into one column, separated. Nothing is `NULL`.
fn list(row: &SqliteRow, alias: &'static str, separator: char) -> Result<Vec<String>, StoreError> {
    let text: Option<String> = get(row, "services", alias)?;
    let text = text.unwrap_or_default();
    Ok(text.split_terminator(separator).map(str::to_owned).collect())
}

pub(super) fn get<T>(row: &SqliteRow, table: &'static str, column: &'static str) -> Result<T, StoreError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|_| inconsistent(table, column))
}

pub(super) fn array<const N: usize>(
    row: &SqliteRow,
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
    row: &SqliteRow,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    get::<String>(row, table, column)?
        .parse()
        .map_err(|_| inconsistent(table, column))
}

fn unsigned(row: &SqliteRow, table: &'static str, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, table, column)?).map_err(|_| inconsistent(table, column))
}

pub(super) fn time(row: &SqliteRow, table: &'static str, column: &'static str) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp(get(row, table, column)?).map_err(|_| inconsistent(table, column))
}

pub(super) fn inconsistent(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Inconsistent { table, column }
}
