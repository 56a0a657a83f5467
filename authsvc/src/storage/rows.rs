//! From rows of either database to domain values. A value that this program does not write is an inconsistency, never a
//! panic and never taken for another: what is read would be written as the same row again.
//!
//! Nothing here is believed: seals are checked by those who ask for the rows.

use authsvc_core::domain::{
    ClientPrint, PendingSecondFactor, SealedField, SecondFactor, Service, ServiceIdentity, Session, SessionHolder,
    SpentToken, StoredRecoveryCode, TokenDigest, User, UserRecord,
};
use authsvc_core::storage::{FeedHead, KeyConsumer, NumberedRevocation, PasswordReset, StoreError};
use cryptokit::jose::{FeedPosition, Revocation};
use cryptokit::password::SealedHash;

use super::columns::Row;
pub use super::columns::{Columns, Mistyped, joined_identities, joined_names};

/// A row of `users`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`], as from all of these.
pub fn user(columns: &impl Columns) -> Result<UserRecord, StoreError> {
    let table = "users";
    let row = Row { columns, table };
    let user = User {
        id: row.parse("id")?,
        email: row.parse("email")?,
        password_hash: SealedHash::from_stored(row.text("password_hash")?),
        roles: row.parse("roles")?,
        scopes: row.parse("scopes")?,
        disabled: row.flag("disabled")?,
        second_factor: row.flag("second_factor")?,
        factor_stored: row.flag("factor_stored")?,
        session_epoch: row.unsigned("session_epoch")?,
        created_at: row.time("created_at")?,
    };
    Ok(UserRecord::from_stored(
        user,
        row.optional_text("seal")?,
        row.optional_text("imported_as")?,
    ))
}

/// A row of `password_resets`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn password_reset(columns: &impl Columns) -> Result<PasswordReset, StoreError> {
    let table = "password_resets";
    let row = Row { columns, table };
    Ok(PasswordReset {
        user_id: row.parse("user_id")?,
        token_sha256: row.array("token_sha256")?,
        expires_at: row.time("expires_at")?,
        seal: row.text("seal")?,
    })
}

/// A row of `services` with its names and identities.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn service(columns: &impl Columns) -> Result<Service, StoreError> {
    let row = |table| Row { columns, table };
    let identities = row("service_identities");
    let (audiences, scopes) = (row("service_audiences"), row("service_scopes"));
    let row = row("services");
    Ok(Service {
        name: row.parse("name")?,
        identities: columns
            .identities()
            .map_err(|_| identities.inconsistent("san"))?
            .into_iter()
            .map(|(issuer, name)| {
                Ok(ServiceIdentity {
                    issuer_spki_sha256: issuer
                        .try_into()
                        .map_err(|_| identities.inconsistent("issuer_spki_sha256"))?,
                    subject_alternative_name: identities.spelled(&name, "san")?,
                })
            })
            .collect::<Result<_, StoreError>>()?,
        audiences: columns
            .names("audiences")
            .map_err(|_| audiences.inconsistent("audience"))?
            .iter()
            .map(|name| audiences.spelled(name, "audience"))
            .collect::<Result<_, _>>()?,
        scopes: columns
            .names("scopes")
            .map_err(|_| scopes.inconsistent("scope"))?
            .iter()
            .map(|name| scopes.spelled(name, "scope"))
            .collect::<Result<_, _>>()?,
        admin: row.flag("admin")?,
        created_at: row.time("created_at")?,
        seal: row.optional_text("seal")?,
    })
}

/// A row of `sessions`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn session(columns: &impl Columns) -> Result<Session, StoreError> {
    let table = "sessions";
    let row = Row { columns, table };
    let holder = match (row.optional_array("issuer_spki_sha256")?, row.optional_text("san")?) {
        (None, None) => SessionHolder::Bearer,
        (Some(issuer_spki_sha256), Some(name)) => SessionHolder::Service(ServiceIdentity {
            issuer_spki_sha256,
            subject_alternative_name: row.spelled(&name, "san")?,
        }),
        _ => return Err(row.inconsistent("san")),
    };
    let successor = row.optional_bytes("successor")?;
    let spent = match (
        row.optional_array("spent")?,
        row.optional_time("retry_end")?,
        row.optional_array("spent_by")?,
    ) {
        (None, None, None) if successor.is_none() => None,
        (Some(digest), Some(retry_end), Some(client)) => Some(SpentToken {
            digest: TokenDigest(digest),
            successor,
            retry_end,
            client: ClientPrint(client),
        }),
        _ => return Err(row.inconsistent("spent")),
    };
    let ended = match (row.optional_time("ended_at")?, row.optional_text("end_reason")?) {
        (None, None) => None,
        (Some(at), Some(why)) => Some((at, row.spelled(&why, "end_reason")?)),
        _ => return Err(row.inconsistent("end_reason")),
    };
    Ok(Session {
        id: row.parse("id")?,
        user_id: row.parse("user_id")?,
        holder,
        client_id: row.text("client_id")?,
        family: TokenDigest(row.array("family")?),
        generation: row.unsigned("generation")?,
        current: TokenDigest(row.array("current")?),
        spent,
        audience: row.parse("audience")?,
        scope: row.optional_text("scope")?,
        bind_tokens: row.flag("bind_tokens")?,
        amr: row.words("amr")?,
        created_at: row.time("created_at")?,
        last_used_at: row.time("last_used_at")?,
        idle_end: row.time("idle_end")?,
        absolute_end: row.time("absolute_end")?,
        source: row.optional_text("source")?,
        user_agent: row.optional_text("user_agent")?,
        ended,
        seal: row.optional_text("seal")?,
    })
}

/// A row of `second_factors`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn second_factor(columns: &impl Columns) -> Result<SecondFactor, StoreError> {
    let table = "second_factors";
    let row = Row { columns, table };
    Ok(SecondFactor {
        id: row.parse("id")?,
        user_id: row.parse("user_id")?,
        secret: SealedField::from_stored(row.text("secret")?),
        last_step: row.unsigned("last_step")?,
        enabled_at: row.time("enabled_at")?,
    })
}

/// A row of `pending_second_factors`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn pending_second_factor(columns: &impl Columns) -> Result<PendingSecondFactor, StoreError> {
    let table = "pending_second_factors";
    let row = Row { columns, table };
    Ok(PendingSecondFactor {
        user_id: row.parse("user_id")?,
        secret: SealedField::from_stored(row.text("secret")?),
        expires_at: row.time("expires_at")?,
    })
}

/// A row of `recovery_codes`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn recovery_code(columns: &impl Columns) -> Result<StoredRecoveryCode, StoreError> {
    let table = "recovery_codes";
    let row = Row { columns, table };
    Ok(StoredRecoveryCode {
        id: row.parse("id")?,
        digest: SealedField::from_stored(row.text("digest")?),
    })
}

/// A row of `key_consumers`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn key_consumer(columns: &impl Columns) -> Result<KeyConsumer, StoreError> {
    let table = "key_consumers";
    let row = Row { columns, table };
    Ok(KeyConsumer {
        service: row.parse("service")?,
        fetched_at: row.time("fetched_at")?,
        kids: row.words("kids")?,
    })
}

/// A row of `revocations`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn revocation(columns: &impl Columns) -> Result<NumberedRevocation, StoreError> {
    let table = "revocations";
    let row = Row { columns, table };
    let (kind, name) = (row.text("kind")?, row.text("name")?);
    let (before, exp) = (row.unsigned("before")?, row.unsigned("exp")?);
    let revocation = match kind.as_str() {
        "token" => Revocation::Token { jti: name.clone(), exp },
        "family" => Revocation::Family { sid: name.clone(), exp },
        "subject" => Revocation::Subject {
            sub: name.clone(),
            before,
            exp,
        },
        "all" => Revocation::All { before, exp },
        _ => return Err(row.inconsistent("kind")),
    };
    if revocation.check().is_err() || revocation_columns(&revocation) != (&kind, &name, before) {
        return Err(row.inconsistent("name"));
    }
    Ok(NumberedRevocation {
        number: row.unsigned("number")?,
        revocation,
    })
}

/// What a revocation is, whom it names, and before when: the columns `kind`, `name` and `before`.
pub fn revocation_columns(revocation: &Revocation) -> (&'static str, &str, u64) {
    match revocation {
        Revocation::Token { jti, .. } => ("token", jti, 0),
        Revocation::Family { sid, .. } => ("family", sid, 0),
        Revocation::Subject { sub, before, .. } => ("subject", sub, *before),
        Revocation::All { before, .. } => ("all", "", *before),
    }
}

/// The row of `revocation_feed`.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn feed_head(columns: &impl Columns) -> Result<FeedHead, StoreError> {
    let table = "revocation_feed";
    let row = Row { columns, table };
    Ok(FeedHead {
        position: feed_position(columns)?,
        issued_at: row.unsigned("issued_at")?,
        number: row.unsigned("number")?,
    })
}

/// The position in it.
///
/// # Errors
///
/// [`StoreError::Inconsistent`].
pub fn feed_position(columns: &impl Columns) -> Result<FeedPosition, StoreError> {
    let table = "revocation_feed";
    let row = Row { columns, table };
    serde_json::from_str(&row.text("position")?).map_err(|_| row.inconsistent("position"))
}
